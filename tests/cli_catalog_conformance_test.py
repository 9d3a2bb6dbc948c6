"""The conformance tables through `import` into SQLite, against what is recorded about them.

conformance_test.cc compares every version through the library; this looks at what the commands
print of the first, a middle and the last version that the catalog has.
"""

from types import SimpleNamespace

from catalog_support import Catalog
from cli_conformance_test import TOLD, check_version, refusal
from support import DONE, NOT_FOUND, refused, run


def truth_of_commits(table, version):
    """What is recorded of a version, and the fields that a checkpoint in its log, from which the
    record was made, may have otherwise than the commits, from which the catalog was."""
    replay, truth = table.replay, table.version(version)
    made_of_commits = replay.get("json_only_latest")
    if made_of_commits and version == replay["latest"]:
        return made_of_commits, set()
    if truth["base_checkpoint"] is None:
        return truth, set()
    left_out = {"num_records", "files_with_num_records"}  # a checkpoint may drop statistics
    if made_of_commits:
        left_out |= {field for field in TOLD
                     if made_of_commits[field] != table.version(replay["latest"])[field]}
    return truth, left_out


def versions_to_check(table, first, last):
    held = sorted(int(version) for version in table.replay["versions"]
                  if first <= int(version) <= last)
    return sorted({held[0], held[len(held) // 2], held[-1]})


def test_ImportedTable_MatchesTheTruthOrLeavesNothing(conformance_table, tmp_path):
    table = conformance_table
    (tmp_path / "database").mkdir()
    catalog = Catalog(tmp_path / "database" / "meta.db")
    outcome = run("import", table.path, catalog.table("t"), "--json")
    if outcome.status != DONE:
        assert table.expect != "accept", outcome
        error = outcome.error()
        if table.expect == "refuse":
            assert (outcome.status, error["code"]) == refusal(table)
        assert catalog.left() == {}
        return
    assert table.expect != "refuse", outcome
    report = outcome.object()
    first, last = report["fromVersion"], report["toVersion"]
    assert last == table.replay["latest"] and report["verified"]
    imported = SimpleNamespace(path=catalog.table("t"), replay=table.replay)
    for version in versions_to_check(table, first, last):
        truth, left_out = truth_of_commits(table, version)
        check_version(imported, version, truth, left_out if first == 0 else ())
    if first > 0:
        error = refused(NOT_FOUND, "snapshot", imported.path, "--version", first - 1)
        assert (error["earliestVersion"], error["latestVersion"]) == (first, last)
    assert run("verify", imported.path, "--against", table.path).status == DONE
    again = run("import", table.path, catalog.table("t"), "--json").object()
    assert (again["fromVersion"], again["toVersion"]) == (None, last)
