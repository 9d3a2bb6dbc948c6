"""A sample of the conformance tables on S3: everything is told as from the disk, and an import from
there is as its source."""

from catalog_support import Catalog
from support import DONE, run

STATE_COMMANDS = ["snapshot", "files", "schema", "protocol", "properties"]


def comparable(outcome, uri, folder):
    """What an outcome says without places and times. An error says as much about each; a commit
    whose time is that of its file has another one on S3."""
    if outcome.status != DONE:
        error = outcome.error()
        return outcome.status, {
            name: value.replace(uri, "TABLE").replace(str(folder), "TABLE")
            if isinstance(value, str) else value
            for name, value in error.items() if name != "message" and "Timestamp" not in name}
    return outcome.status, [
        {name: value for name, value in line.items() if name != "timestamp"}
        for line in outcome.lines()]


def test_SampledTable_IsReadFromS3AsFromDisk(s3, sampled_table):
    table = sampled_table
    uri = s3.upload(table.path)
    calls = [[command] for command in [*STATE_COMMANDS, "history"]]
    for version in sorted({0, (table.replay.get("latest") or 0) // 2}):
        calls += [[command, "--version", version] for command in ("snapshot", "files")]
    for command, *arguments in calls:
        told = s3.run(command, uri, *arguments, "--json")
        expected = run(command, table.path, *arguments, "--json")
        assert comparable(told, uri, table.path) == comparable(expected, uri, table.path), command


def test_SampledTable_IsImportedFromS3AsFromDisk(s3, sampled_table, tmp_path):
    table = sampled_table
    uri = s3.upload(table.path)
    from_s3, from_disk = Catalog(tmp_path / "s3.db"), Catalog(tmp_path / "disk.db")
    outcome = s3.run("import", uri, from_s3.table("t"), "--json")
    expected = run("import", table.path, from_disk.table("t"), "--json")
    assert outcome.status == expected.status
    if outcome.status != DONE:
        assert outcome.error()["code"] == expected.error()["code"]
        return
    left_out = {"seconds", "warnings"}
    assert ({name: value for name, value in outcome.object().items() if name not in left_out}
            == {name: value for name, value in expected.object().items() if name not in left_out})
    assert s3.run("verify", from_s3.table("t"), "--against", uri).status == DONE
    for command in ["snapshot", "files", "history"]:
        told = run(command, from_s3.table("t"), "--json")
        wanted = run(command, from_disk.table("t"), "--json")
        assert ([{name: value for name, value in line.items()
                  if name not in ("timestamp", "commitId")} for line in told.lines()]
                == [{name: value for name, value in line.items()
                     if name not in ("timestamp", "commitId")} for line in wanted.lines()])
