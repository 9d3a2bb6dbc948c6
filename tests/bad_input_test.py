"""What the program refuses, and how; and what it gets by nevertheless, with the right answer."""

import json
import os
import random
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import (CHECKPOINT_V2, CORRUPT, DONE, NOT_FOUND, PROGRAM, UNAVAILABLE,
                     UNSUPPORTED, USAGE, add, commit_info, metadata, protocol, refused, remove, run,
                     write_checkpoint)

READING = ["snapshot", "files", "schema", "protocol", "properties", "history"]


def refused_by_all(status, table, code, *words, commands=READING):
    """Every command refuses the table's latest version: status, code, words of the message."""
    for command in commands:
        error = refused(status, command, table.folder)
        assert error["code"] == code, (command, error)
        for word in words:
            assert word in error["message"], (command, error)
        human = run(command, table.folder)
        assert (human.status, human.stdout) == (status, "")
        assert human.stderr.splitlines()[-1].startswith("error: ")
    return error


# ---- commits -------------------------------------------------------------------------------------


def test_GapAboveTheBase_IsCorrupt(table):
    table.grow(5)
    table.path(2).unlink()
    error = refused(CORRUPT, "snapshot", table.folder)
    assert error["code"] == "Corrupt"
    assert "2" in error["message"] and "missing" in error["message"]
    refused(CORRUPT, "files", table.folder, "--version", 3)
    assert table.files("--version", 1) == ["f0", "f1"]


def test_GapBelowTheBase_DoesNotMatter(table):
    table.grow(6)
    table.checkpoint(3, *table.state(3))
    table.path(1).unlink()
    assert table.files() == [f"f{n}" for n in range(6)]
    assert table.files("--version", 3) == [f"f{n}" for n in range(4)]
    for version in [1, 2]:
        outcome = run("files", table.folder, "--version", version, "--json")
        assert outcome.status in (NOT_FOUND, CORRUPT)
        outcome.error()


def test_OneLineCommitCutAnywhere_IsRefused(table):
    table.grow(2)
    path = table.commit(2, add("cut", stats='{"numRecords":1}'))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length == 0:  # a commit of no actions, which is no breach: delta-rs agrees
            outcome = run("snapshot", table.folder, "--json")
            assert json.loads(outcome.stdout)["numFiles"] == 2
            assert any(path.name in warning for warning in outcome.warnings())
        elif length == len(whole) - 1:  # only the last line end is gone
            assert table.files() == ["cut", "f0", "f1"]
        else:
            error = refused(CORRUPT, "files", table.folder)
            assert error["file"].endswith(path.name), length


def test_SeveralLinesCutInsideALine_AreRefused(table):
    table.grow(1)
    path = table.commit(1, commit_info(), add("a"), remove("f0"))
    whole = path.read_bytes()
    # At the end of a line the rest is a commit of its own, which nothing tells from a whole one.
    ends = {n for n, byte in enumerate(whole) if byte == ord("\n")} | {
        n + 1 for n, byte in enumerate(whole) if byte == ord("\n")}
    for length in random.Random(3).sample(sorted(set(range(1, len(whole))) - ends), 40):
        path.write_bytes(whole[:length])
        error = refused(CORRUPT, "snapshot", table.folder)
        assert error["line"] == whole[:length].count(b"\n") + 1


NOT_UTF8 = [b"\xff", b"\xc3(", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"]


@pytest.mark.parametrize("bad", NOT_UTF8)
@pytest.mark.parametrize("line", [
    b'{"add":{"path":"HERE","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}',
    b'{"add":{"path":"a","partitionValues":{"p":"HERE"},"size":1,"modificationTime":1,'
    b'"dataChange":true}}',
    b'{"commitInfo":{"operation":"HERE"}}',
    b'{"commitInfo":{"nobody reads":"HERE"}}',
    b'{"an action of tomorrow":{"x":"HERE"}}',
    b'{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,'
    b'"dataChange":true}}HERE',
], ids=range(6))
def test_CommitThatIsNotUtf8_IsCorrupt(table, line, bad):
    table.grow(1)
    table.path(1).write_bytes(line.replace(b"HERE", bad) + b"\n")
    error = refused(CORRUPT, "files", table.folder)
    assert (error["code"], error["line"]) == ("Corrupt", 1)


@pytest.mark.parametrize("text", [
    json.dumps([add("a"), add("b")]), "[]", '"text"', "1", "null", "nonsense", "{", "}",
    '{"add":[]}', '{"add":"a"}', '{"add":{}}', '{"add":{"path":1}}', json.dumps(add("a")) + "}",
    json.dumps(add("a")) + "," + json.dumps(add("b")), json.dumps(add("a", size="10")),
    json.dumps(add("a", size=1.5)), json.dumps(add("a", size=10**30)),
    '{"remove":{"path":null}}', '{"metaData":{"configuration":[]}}',
    '{"protocol":{"minReaderVersion":"1"}}', "[" * 100_000, '{"a":' * 100_000,
    "\ufeff" + json.dumps(add("a")) + "x", json.dumps(add("a")).replace("10", "0010"),
], ids=lambda text: ascii(text)[1:40])
def test_CommitThatIsNotLinesOfActions_IsCorrupt(table, text):
    table.grow(1)
    table.path(1).write_text(text + "\n", encoding="utf-8")
    error = refused(CORRUPT, "files", table.folder)
    assert error["code"] == "Corrupt" and error["file"].endswith("00001.json")


def test_UnknownActionsAndFields_AreNoErrors(table):
    table.create(add("a", aFieldOfTomorrow={"x": [1, None]}))
    table.commit(1, {"anActionOfTomorrow": {"x": 1}}, commit_info(tomorrow=[{}]), add("b"))
    assert table.files() == ["a", "b"]


def test_BlankLinesAndOtherLineEnds_AreNoErrors(table):
    table.create(add("a"))
    text = "\r\n".join(["", json.dumps(commit_info()), "  " + json.dumps(add("b")), "", ""])
    table.path(1).write_bytes(text.encode())
    assert table.files() == ["a", "b"]


def test_ActionOverSeveralLines_IsRead(table):
    table.create(add("a"))
    table.path(1).write_text(json.dumps(commit_info(), indent=2) + "\n" +
                             json.dumps(add("b"), indent=2) + "\n")
    assert table.files() == ["a", "b"]


@pytest.mark.parametrize("name", [
    f"{1:019d}.json", f"{1:021d}.json", f"{1:020d}.json.tmp", f".{1:020d}.json", f"{1:020d}.JSON",
    f"{1:020d}.crc", "9" * 20 + ".json", f"-{1:019d}.json", f"{1:020d}.x.json",
    f"{1:020d}.checkpoint.parquet.tmp", f"{1:020d}.checkpoint.{1:010d}.{0:010d}.parquet",
    f"{1:020d}.checkpoint.{2:010d}.{1:010d}.parquet",
    f"{1:020d}.{0:020d}.compacted.json", "_staged_commits", "nonsense",
])
def test_FileWithAnotherName_IsNoPartOfTheLog(table, name):
    table.grow(1)
    (table.log / name).write_text(json.dumps(add("b")) + "\n")
    assert table.files() == ["f0"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_WhatIsNoFile_IsNoCommit(table, make):
    table.grow(1)
    make(table.path(1))
    assert run("snapshot", table.folder, "--json").object()["version"] == 0


# ---- protocol and metadata -----------------------------------------------------------------------


def test_NoProtocol_IsCorrupt(table):
    table.commit(0, metadata(), add("a"))
    refused_by_all(CORRUPT, table, "Corrupt", "protocol", commands=READING[:5])


def test_NoMetadata_IsCorrupt(table):
    table.commit(0, protocol(), add("a"))
    refused_by_all(CORRUPT, table, "Corrupt", "metaData", commands=READING[:5])


def test_UnknownReaderVersion_IsUnsupported(table):
    table.commit(0, protocol(4, 7), metadata())
    refused_by_all(UNSUPPORTED, table, "Unsupported", "4")


def test_UnknownReaderFeatures_AreNamed(table):
    features = ["deletionVectors", "fromTomorrow", "alsoNew"]
    table.commit(0, protocol(3, 7, readerFeatures=features, writerFeatures=features), metadata())
    error = refused_by_all(UNSUPPORTED, table, "Unsupported", "fromTomorrow", "alsoNew")
    assert "deletionVectors" not in error["message"]


def test_UnknownWriterFeature_DoesNotHinderReading(table):
    table.commit(0, protocol(1, 7, writerFeatures=["fromTomorrow"]), metadata(), add("a"))
    assert table.files() == ["a"]


@pytest.mark.parametrize("feature", ["catalogManaged", "catalogOwned-preview", "catalogOwned"])
def test_CatalogManagedTable_IsUnsupported(table, feature):
    features = dict(readerFeatures=[feature], writerFeatures=[feature, "inCommitTimestamp"])
    table.commit(0, commit_info(inCommitTimestamp=1, txnId="x"), protocol(3, 7, **features),
                 metadata({"delta.enableInCommitTimestamps": "true"}))
    refused_by_all(UNSUPPORTED, table, "Unsupported", feature)


def test_FeaturesThatComeLater_LeaveOlderVersionsReadable(table):
    table.grow(2)
    table.commit(2, protocol(3, 7, readerFeatures=["fromTomorrow"],
                             writerFeatures=["fromTomorrow"]))
    refused(UNSUPPORTED, "files", table.folder)
    assert table.files("--version", 1) == ["f0", "f1"]


# ---- checkpoints ---------------------------------------------------------------------------------


def warned_files(table):
    """The paths of the files of a table that is read in spite of something."""
    outcome = run("files", table.folder, "--json")
    assert outcome.warnings(), "there should be a warning"
    human = run("files", table.folder)
    assert human.status == DONE and human.stderr.startswith("warning: ")
    return [file["path"] for file in outcome.lines()]


def drop_commits(table, through):
    for version in range(through + 1):
        table.path(version).unlink()


def test_DamagedCheckpointWithItsCommits_IsReplacedWithAWarning(table):
    table.grow(4)
    path = table.checkpoint(2, *table.state(2))
    whole = path.read_bytes()
    for damaged in [b"", b"PAR1", whole[:len(whole) // 2], whole[:-1], whole[:-8] + b"\0" * 8,
                    whole[:4] + b"\0" * (len(whole) - 4), b"\xff" * len(whole),
                    whole[:len(whole) // 3] + b"\xff" * (len(whole) - len(whole) // 3 - 8) +
                    whole[-8:]]:
        path.write_bytes(damaged)
        assert warned_files(table) == ["f0", "f1", "f2", "f3"]


def test_DamagedCheckpointWithoutItsCommits_IsCorrupt(table):
    table.grow(4)
    path = table.checkpoint(2, *table.state(2))
    path.write_bytes(path.read_bytes()[:-1])
    drop_commits(table, 1)
    refused_by_all(CORRUPT, table, "Corrupt", path.name, commands=READING[:5])


def test_DamagedCheckpointWithAnOlderOne_IsReadFromThatOne(table):
    table.grow(6)
    table.checkpoint(2, *table.state(2))
    table.checkpoint(4, *table.state(4)).write_bytes(b"damaged")
    drop_commits(table, 1)
    assert warned_files(table) == [f"f{n}" for n in range(6)]


def test_CheckpointThatIsNoneOfDelta_IsDamaged(table):
    table.grow(3)
    write_checkpoint(table.path(1, "checkpoint.parquet"), [{"x": 1}], pa.schema([("x", pa.int8())]))
    outcome = run("files", table.folder, "--json")
    assert outcome.status == DONE and len(outcome.stdout.splitlines()) == 3
    assert outcome.warnings()
    table.path(0).unlink()
    refused(CORRUPT, "files", table.folder)


def test_MissingPart_IsReplacedWithAWarning(table):
    table.grow(4)
    table.path(2, f"checkpoint.{1:010d}.{2:010d}.parquet").write_bytes(b"the other part is missing")
    outcome = run("files", table.folder, "--json")
    assert outcome.status == DONE and len(outcome.stdout.splitlines()) == 4
    assert any("1 of its 2 parts" in warning for warning in outcome.warnings())


def test_CatalogManagedByWriterFeatureAlone_IsUnsupported(table):
    table.grow(1)
    table.commit(1, {"protocol": {"minReaderVersion": 1, "minWriterVersion": 7,
                                  "writerFeatures": ["catalogManaged"]}})
    refused(UNSUPPORTED, "snapshot", table.folder)


def test_SizesBeyond63Bits_AreCorrupt(table):
    table.grow(1)
    table.commit(1, add("a", size=2**63 - 1), add("b", size=2**63 - 1))
    refused(CORRUPT, "snapshot", table.folder)
    table.commit(2, add("c", size=-5))
    error = refused(CORRUPT, "files", table.folder)
    assert "negative" in error["message"]


def test_CheckpointWithTextThatIsNotUtf8_IsRefused(table):
    table.grow(3)
    bad = pa.array([b"\xff\xfe"]).cast(pa.binary()).view(pa.string())
    adds = pa.StructArray.from_arrays(
        [bad, pa.array([1]), pa.array([1]), pa.array([True])],
        names=["path", "size", "modificationTime", "dataChange"])
    pq.write_table(pa.table({"add": adds}), table.path(2, "checkpoint.parquet"))
    drop_commits(table, 1)
    refused(CORRUPT, "files", table.folder)


@pytest.mark.parametrize("broken", [{"path": None}, {"size": None}], ids=str)
def test_CheckpointWhoseFilesLackWhatTheyNeed_IsDamaged(table, broken):
    table.grow(3)
    state = table.state(1)
    state[-1]["add"].update(broken)
    path = table.checkpoint(1, *state)
    assert warned_files(table) == ["f0", "f1", "f2"]
    drop_commits(table, 0)
    error = refused(CORRUPT, "files", table.folder)
    assert path.name in error["message"]


def test_DamagedCheckpointBesideAWholeOne_IsReadFromTheWholeOne(table):
    table.grow(4)
    sidecar = write_v2(table, 2, "json")
    sidecar.unlink()
    table.checkpoint(2, *table.state(2))
    drop_commits(table, 1)
    assert warned_files(table) == ["f0", "f1", "f2", "f3"]


def write_parts(table, version, state):
    """A checkpoint in two parts. Gives their paths."""
    paths = [table.path(version, f"checkpoint.{part:010d}.0000000002.parquet") for part in (1, 2)]
    write_checkpoint(paths[0], state[:3])
    write_checkpoint(paths[1], state[3:])
    return paths


def test_MultiPartCheckpoint_IsRead(table):
    table.grow(5)
    write_parts(table, 3, table.state(3))
    drop_commits(table, 2)
    assert table.files() == [f"f{n}" for n in range(5)]


@pytest.mark.parametrize("part", [0, 1])
def test_MissingPartWithTheCommits_IsReplaced(table, part):
    table.grow(5)
    write_parts(table, 3, table.state(3))[part].unlink()
    assert table.files() == [f"f{n}" for n in range(5)]


@pytest.mark.parametrize("part", [0, 1])
def test_MissingPartWithoutTheCommits_IsCorrupt(table, part):
    table.grow(5)
    write_parts(table, 3, table.state(3))[part].unlink()
    drop_commits(table, 2)
    refused_by_all(CORRUPT, table, "Corrupt", commands=READING[:5])


UUID = "0123abcd-89ab-4def-8123-456789abcdef"
V2 = dict(readerFeatures=["v2Checkpoint"], writerFeatures=["v2Checkpoint"])


def write_v2(table, version, kind):
    """A V2 checkpoint of the state that grow() makes. Gives the path of its one sidecar."""
    adds = [action for action in table.state(version) if "add" in action]
    sidecar = table.log / "_sidecars" / f"{UUID}.parquet"
    sidecar.parent.mkdir()
    write_checkpoint(sidecar, adds)
    top = [{"checkpointMetadata": {"version": version}}, protocol(3, 7, **V2), metadata(),
           {"sidecar": {"path": sidecar.name, "sizeInBytes": sidecar.stat().st_size,
                        "modificationTime": 0}}]
    path = table.path(version, f"checkpoint.{UUID}.{kind}")
    if kind == "json":
        path.write_text("".join(json.dumps(action) + "\n" for action in top))
    else:
        write_checkpoint(path, top, CHECKPOINT_V2)
    return sidecar


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_V2Checkpoint_IsRead(table, kind):
    table.grow(5)
    write_v2(table, 3, kind)
    drop_commits(table, 2)
    assert table.files() == [f"f{n}" for n in range(5)]


@pytest.mark.parametrize("damage", ["missing", "cut"])
@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_DamagedSidecar_IsReplacedByTheCommitsOrCorrupt(table, kind, damage):
    table.grow(5)
    sidecar = write_v2(table, 3, kind)
    if damage == "missing":
        sidecar.unlink()
    else:
        sidecar.write_bytes(sidecar.read_bytes()[:-9])
    assert warned_files(table) == [f"f{n}" for n in range(5)]
    drop_commits(table, 2)
    refused(CORRUPT, "files", table.folder)
    refused(CORRUPT, "snapshot", table.folder)


def test_SidecarThatLeadsOutOfTheTable_IsNotReadAsOne(table):
    table.grow(2)
    write_v2(table, 1, "json")
    path = table.path(1, f"checkpoint.{UUID}.json")
    path.write_text(path.read_text().replace(f"{UUID}.parquet", "../../../../../etc/passwd"))
    drop_commits(table, 0)
    refused(CORRUPT, "files", table.folder)


@pytest.mark.parametrize("hint", [
    b'{"version":17,"size":3}', b'{"version":1,"size":3,"parts":2}', b'{"version":-1}', b"[]", b"",
    b"nonsense", b"\xff\xfe", b'{"version":"1"}', b'{"version":99999999999999999999}',
])
def test_LastCheckpointThatLies_IsIgnored(table, hint):
    table.grow(4)
    table.checkpoint(2, *table.state(2))
    (table.log / "_last_checkpoint").write_bytes(hint)
    outcome = run("files", table.folder, "--json")
    assert [file["path"] for file in outcome.lines()] == ["f0", "f1", "f2", "f3"]


# ---- places --------------------------------------------------------------------------------------


def test_PlaceWithoutALog_IsNotFound(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty log" / "_delta_log").mkdir(parents=True)
    (tmp_path / "crc only" / "_delta_log").mkdir(parents=True)
    (tmp_path / "crc only" / "_delta_log" / f"{0:020d}.crc").write_text("{}")
    (tmp_path / "log is a file").mkdir()
    (tmp_path / "log is a file" / "_delta_log").write_text("text")
    for name in ["missing", "empty", "file", "empty log", "crc only", "log is a file",
                 "file/below"]:
        for command in READING:
            error = refused(NOT_FOUND, command, tmp_path / name)
            assert error["code"] == "NotFound", name
            assert name in error["message"], error


def without_access(*arguments):
    """Runs the program as someone who may not read everything: root gives up that privilege."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    return subprocess.run([*(drop if os.geteuid() == 0 else []), PROGRAM, *map(str, arguments)],
                          capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("what", ["log", "commit", "checkpoint"])
def test_DeniedAccess_IsAPermissionError(table, what):
    table.grow(3)
    checkpoint = table.checkpoint(1, *table.state(1))
    if what == "checkpoint":
        table.path(0).unlink()
    denied = {"log": table.log, "commit": table.path(2), "checkpoint": checkpoint}[what]
    denied.chmod(0)
    try:
        done = without_access("files", table.folder, "--json")
    finally:
        denied.chmod(0o755)
    assert (done.returncode, done.stdout) == (UNAVAILABLE, ""), done
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert error["code"] == "Permission" and denied.name in error["message"]


# ---- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [
    [], ["--nonsense"], ["nonsense"], ["snapshot"], ["snapshot", "a", "b"],
    ["snapshot", "a", "--nonsense"], ["history", "a", "--version", "1"],
    ["history", "a", "--timestamp", "2024-01-02T03:04:05Z"], ["snapshot", "a", "--limit", "1"],
    ["snapshot", "a", "--version"], ["snapshot", "a", "--version", ""],
    ["snapshot", "a", "--version", "1", "--version", "2"],
    ["snapshot", "a", "--version", "1", "--timestamp", "2024-01-02T03:04:05Z"],
    ["files", "a", "--version", "-1"], ["files", "a", "--version", "1.0"],
    ["files", "a", "--version", "0x1"], ["files", "a", "--version", " 1"],
    ["files", "a", "--version", "9223372036854775808"],
    ["files", "a", "--timestamp", "yesterday"], ["files", "a", "--timestamp", "2024-01-02"],
    ["files", "a", "--timestamp", "2024-01-02T03:04:05"],
    ["files", "a", "--timestamp", "2024-02-30T03:04:05Z"], ["files", "a", "--timestamp", ""],
    ["history", "a", "--since", "1704164645000"], ["history", "a", "--until", "now"],
    ["history", "a", "--limit", "-1"], ["history", "a", "--limit", "many"],
    ["completion"], ["completion", "tcsh"], ["schema", ""], ["schema", "ftp://host/table"],
])
def test_WrongArguments_AreUsageErrors(arguments):
    error = refused(USAGE, *arguments)
    assert error["code"] == "InvalidArgument"
    human = run(*arguments)
    assert (human.status, human.stdout) == (USAGE, "")
    assert human.stderr.startswith("error: ") and human.stderr.count("\n") == 1


def test_VersionThatIsNotThere_ComesWithTheRange(table):
    table.grow(3)
    for command in READING[:5]:
        error = refused(NOT_FOUND, command, table.folder, "--version", 3)
        assert error["code"] == "NotFound"
        assert (error["earliestVersion"], error["latestVersion"]) == (0, 2)
        assert "0" in error["message"] and "2" in error["message"]


def test_CorruptCommit_ComesWithItsPlace(table):
    table.grow(2)
    table.path(2).write_text(json.dumps(commit_info()) + "\nnonsense\n")
    error = refused(CORRUPT, "snapshot", table.folder)
    assert set(error) >= {"code", "message", "file", "line"}
    assert error["file"].endswith(table.path(2).name) and error["line"] == 2
    assert f"{2:020d}.json" in error["message"]


SECRET = "hunter2-Zq"


@pytest.mark.parametrize("arguments", [
    ["snapshot", f"deltasql://postgres/alice:{SECRET}@localhost:1/shop/public/orders"],
    ["snapshot", f"deltasql://postgres/alice:{SECRET}@localhost:1/shop/public/orders?nonsense=1"],
    ["snapshot", f"deltasql://postgres/alice:{SECRET}@localhost:99999/shop/public/orders"],
    ["snapshot", f"deltasql://postgres/alice:{SECRET}@"],
    ["snapshot", f"deltasql:/postgres/alice:{SECRET}@localhost/shop/public/orders"],
    ["snapshot", f"postgres://alice:{SECRET}@localhost/shop"],
    ["snapshot", f"deltasql://nonsense/alice:{SECRET}@localhost/shop/public/orders"],
    [f"deltasql://postgres/alice:{SECRET}@localhost/shop/public/orders"],
    ["snapshot", "a", f"deltasql://postgres/alice:{SECRET}@localhost/shop/public/orders"],
    ["snapshot", "a", "--version", f"deltasql://postgres/alice:{SECRET}@localhost/a/b/c"],
    ["snapshot", "a", "--timestamp", f"deltasql://postgres/alice:{SECRET}@localhost/a/b/c"],
    ["history", "a", "--limit", f"alice:{SECRET}@localhost"],
    ["history", "a", f"--nonsense=deltasql://postgres/alice:{SECRET}@localhost/a/b/c"],
    ["history", f"--deltasql://postgres/alice:{SECRET}@localhost/a/b/c"],
    ["snapshot", f"s3://alice:{SECRET}@bucket/key"],
])
def test_PasswordInAnArgument_IsNeverShown(arguments):
    for json_option in [[], ["--json"]]:
        outcome = run(*arguments, *json_option)
        assert outcome.status != DONE
        assert SECRET not in outcome.stdout + outcome.stderr


def test_PasswordFromTheEnvironment_IsNeverShown():
    uri = "deltasql://postgres/alice:${SHOP_PASSWORD}@localhost:1/shop/public/orders"
    outcome = run("snapshot", uri, "--json", env={"SHOP_PASSWORD": SECRET})
    assert outcome.status != DONE and SECRET not in outcome.stdout + outcome.stderr
    unset = run("snapshot", uri.replace("SHOP_PASSWORD", "NO_SUCH_VARIABLE"), "--json")
    assert unset.status == USAGE
    assert unset.error()["variable"] == "NO_SUCH_VARIABLE"
