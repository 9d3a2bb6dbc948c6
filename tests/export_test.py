"""Exporting to the local disk: what is written, what is left alone, what is refused, and what a
killed export leaves.

    DELTALAKEDB_SEED=7 repeats a run of kills, DELTALAKEDB_SOAK=1 makes it longer.
"""

import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catalog_support import CONFLICT, Catalog, Flights, answers, obey_permissions, same_answers
from support import (CORRUPT, DONE, NOT_FOUND, PROGRAM, REPOSITORY, UNAVAILABLE, UNSUPPORTED, USAGE,
                     add, commit_info, metadata, protocol, refused, remove, run)

sys.path.insert(0, str(REPOSITORY / "bench"))

import make_log  # noqa: E402

KILLS = 60 if os.environ.get("DELTALAKEDB_SOAK") == "1" else 12
SEED = int(os.environ.get("DELTALAKEDB_SEED", random.SystemRandom().randrange(2**32)))
COMMITS = 5
CLASSIC = "checkpoint.parquet"


@pytest.fixture
def catalog(tmp_path):
    return Catalog(tmp_path / "meta.db")


@pytest.fixture
def orders(table, catalog):
    """A table of five versions in a catalog."""
    table.grow(COMMITS)
    catalog.take_in(table.folder, "orders")
    return catalog.table("orders")


def log_of(folder):
    """The files of a log with their bytes, hidden ones too."""
    log = Path(folder) / "_delta_log"
    return {file.name: file.read_bytes() for file in log.iterdir()} if log.exists() else {}


def same_state(source, out, versions):
    """Both say the same of these versions, but for dataChange, which checkpoints do not keep."""
    for version in versions:
        told, expected = (answers(uri, "--version", version) for uri in (str(out), source))
        for lines in (told, expected):
            lines["files"] = [{**file, "dataChange": None} for file in lines["files"]]
        assert told == expected


def export(uri, folder, *options):
    return run("export", uri, folder, *options, "--json").object()


# ---- what is written -----------------------------------------------------------------------------


def test_WholeHistory_IsTheCommitsByteForByte(table, orders, tmp_path):
    out = tmp_path / "new" / "place"
    assert export(orders, out) == {
        "table": "orders", "fromVersion": 0, "toVersion": COMMITS - 1, "commits": COMMITS,
        "destination": str(out), "warnings": []}
    assert log_of(out) == log_of(table.folder)


def test_ExportAgain_WritesWhatIsNewAndNothingElse(table, catalog, orders, tmp_path):
    out = tmp_path / "out"
    export(orders, out)
    before = {file: file.stat().st_mtime_ns for file in (out / "_delta_log").iterdir()}
    assert export(orders, out)["commits"] == 0
    table.commit(COMMITS, commit_info(), add("new"))
    catalog.take_in(table.folder, "orders")
    assert export(orders, out)["commits"] == 1
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert log_of(out) == log_of(table.folder)
    assert "nothing to write" in run("export", orders, out).stdout


def test_TablesOwnPlace_GetsWhatItLacks(table, catalog, orders):
    expected = log_of(table.folder)
    assert export(orders, table.folder)["commits"] == 0
    table.path(COMMITS - 1).unlink()
    assert export(orders, f"file://{table.folder}")["commits"] == 1
    assert log_of(table.folder) == expected


def test_Times_AreThoseOfTheVersions(table, catalog, tmp_path):
    # Two commits of one moment, and one whose clock was behind.
    table.create(add("f0"), mtime_ms=1_700_000_000_123)
    for version, ms in enumerate([1_700_000_000_123, 1_600_000_000_000, 1_700_000_009_000], 1):
        table.commit(version, commit_info(), add(f"f{version}"), mtime_ms=ms)
    catalog.take_in(table.folder, "t")
    out = tmp_path / "out"
    export(catalog.table("t"), out)
    same_answers(table.folder, str(out), range(4))
    for time in ["2023-11-14T22:13:20.123Z", "2023-11-14T22:13:20.125Z", "2023-11-14T22:13:28Z"]:
        assert (run("snapshot", out, "--timestamp", time, "--json").object()["version"]
                == run("snapshot", table.folder, "--timestamp", time, "--json").object()["version"])


def test_HistoryAboveZero_BeginsWithACheckpoint(tmp_path, catalog):
    flights = Flights(tmp_path / "flights")
    latest = flights.latest()
    catalog.take_in(flights.folder, "late", "--latest-only")
    flights.append(5)
    catalog.take_in(flights.folder, "late")
    out = tmp_path / "out"
    report = export(catalog.table("late"), out)
    assert (report["fromVersion"], report["toVersion"], report["checkpoint"],
            report["commits"]) == (latest, latest + 1, latest, 2)
    files = log_of(out)
    assert sorted(files) == [f"{latest:020d}.{CLASSIC}", f"{latest:020d}.json",
                             f"{latest + 1:020d}.json", "_last_checkpoint"]
    for version in (latest, latest + 1):
        assert files[f"{version:020d}.json"] == flights.commit_path(version).read_bytes()
    hint = json.loads(files["_last_checkpoint"])
    assert hint == {"version": latest, "size": hint["size"], "numOfAddFiles": 4,
                    "sizeInBytes": len(files[f"{latest:020d}.{CLASSIC}"])}
    same_state(catalog.table("late"), out, [latest, latest + 1])
    assert export(catalog.table("late"), out)["commits"] == 0


def test_BaseWhoseCommitIsGone_IsItsCheckpointAlone(table, catalog, tmp_path):
    table.grow(COMMITS)
    table.checkpoint(2, *table.state(2))
    for version in range(3):
        table.path(version).unlink()
    catalog.take_in(table.folder, "cut")
    out = tmp_path / "out"
    report = export(catalog.table("cut"), out)
    assert (report["fromVersion"], report["checkpoint"], report["commits"]) == (2, 2, COMMITS - 3)
    assert f"{2:020d}.json" not in log_of(out)
    same_state(catalog.table("cut"), out, range(2, COMMITS))
    assert export(catalog.table("cut"), out)["commits"] == 0


def test_FileBasedTable_IsExportedToo(table, tmp_path):
    table.grow(COMMITS)
    out = tmp_path / "out"
    report = export(table.folder, out)
    assert (report["table"], report["commits"]) == (str(table.folder), COMMITS)
    assert log_of(out) == log_of(table.folder)


def test_ExportedLog_IsImportedAgainWithTheSameTexts(orders, tmp_path):
    out = tmp_path / "out"
    export(orders, out)
    other = Catalog(tmp_path / "other.db")
    report = other.take_in(out, "orders")
    assert (report["toVersion"], report["verified"]) == (COMMITS - 1, True)


# ---- --absolute-paths ----------------------------------------------------------------------------

VECTOR = {"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 4,
          "sizeInBytes": 40, "cardinality": 6}


def test_AbsolutePaths_NameTheSameFilesFromAnywhere(tmp_path, catalog, table):
    folder = table.folder.rename(tmp_path / "a b%20")
    table.folder, table.log = folder, folder / "_delta_log"
    root = f"file://{tmp_path}/a%20b%2520"
    other = '{"x-unknown": {"path":"f0"},  "y":1e2}'
    table.create(add("p=1/a%20b", deletionVector=VECTOR), add("/abs/f"), add("s3://bucket/f"))
    table.commit(1, commit_info(path="f0"), remove("p=1/a%20b", deletionVector=VECTOR),
                 {"cdc": {"path": "_change_data/c", "partitionValues": {}, "size": 1,
                          "dataChange": False}})
    path = table.path(1)
    path.write_text(path.read_text() + other + "\n\n" + json.dumps(add("f1")))
    catalog.take_in(table.folder, "t")
    out = tmp_path / "out"
    export(catalog.table("t"), out, "--absolute-paths")
    lines = (out / "_delta_log" / path.name).read_text().split("\n")
    originals = path.read_text().split("\n")
    assert len(lines) == len(originals) and lines[0] == originals[0]
    assert lines[3:5] == originals[3:5] == [other, ""]
    assert json.loads(lines[2])["cdc"]["path"] == f"{root}/_change_data/c"
    vector = json.loads(lines[1])["remove"]["deletionVector"]
    assert vector == {**VECTOR, "storageType": "p", "pathOrInlineDv":
                      f"{root}/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin"}
    assert json.loads(lines[1])["remove"]["path"] == f"{root}/p=1/a%20b"
    assert sorted(file["path"] for file in run("files", out, "--json").lines()) == [
        "/abs/f", f"{root}/f1", "s3://bucket/f"]
    assert export(catalog.table("t"), out, "--absolute-paths")["commits"] == 0
    error = refused(CONFLICT, "export", catalog.table("t"), out)
    assert error["file"] == str(out / "_delta_log" / f"{0:020d}.json")


def test_AbsolutePaths_AreInTheCheckpointToo(tmp_path, catalog, table):
    table.create(add("f0", deletionVector=VECTOR), add("f1"))
    table.commit(1, commit_info(), remove("f1"))
    catalog.take_in(table.folder, "t", "--latest-only")
    out = tmp_path / "out"
    export(catalog.table("t"), out, "--absolute-paths")
    (out / "_delta_log" / f"{1:020d}.json").unlink()
    (file,) = run("files", out, "--json").lines()
    assert file["path"] == f"file://{table.folder}/f0"
    assert file["deletionVector"]["storageType"] == "p"


# ---- what is left alone --------------------------------------------------------------------------


def conflicts(uri, folder, name):
    """An export that is refused because of this file, and changes nothing."""
    before = log_of(folder)
    error = refused(CONFLICT, "export", uri, folder)
    assert (error["code"], error["file"]) == ("AlreadyExists",
                                              str(Path(folder) / "_delta_log" / name))
    assert log_of(folder) == before


@pytest.mark.parametrize("version", [0, 2, COMMITS - 1])
@pytest.mark.parametrize("change", ["other", "shorter", "longer", "empty"])
def test_OtherCommit_IsAConflict(orders, tmp_path, version, change):
    out = tmp_path / "out"
    export(orders, out)
    path = out / "_delta_log" / f"{version:020d}.json"
    text = path.read_bytes()
    path.write_bytes({"other": text.replace(b"f", b"g", 1), "shorter": text[:-1],
                      "longer": text + b"\n", "empty": b""}[change])
    for later in range(version + 1, COMMITS):
        (path.parent / f"{later:020d}.json").unlink()
    conflicts(orders, out, path.name)


def test_LaterCommit_IsAConflict(table, orders, tmp_path):
    out = tmp_path / "out"
    export(orders, out)
    name = f"{COMMITS:020d}.json"
    (out / "_delta_log" / name).write_text("{}\n")
    conflicts(orders, out, name)


def test_HintOfALaterCheckpoint_IsAConflict(orders, tmp_path):
    out = tmp_path / "out"
    (out / "_delta_log").mkdir(parents=True)
    (out / "_delta_log" / "_last_checkpoint").write_text('{"version":9,"size":1}')
    conflicts(orders, out, "_last_checkpoint")


@pytest.mark.parametrize("name", [f"{2:020d}.{CLASSIC}", f"{9:020d}.{CLASSIC}", f"{1:020d}.crc",
                                  f"{0:020d}.{3:020d}.compacted.json",
                                  f"{2:020d}.checkpoint.{1:010d}.{1:010d}.parquet"])
def test_FilesOfALogThatIsNotThere_AreAConflict(orders, tmp_path, name):
    out = tmp_path / "out"
    (out / "_delta_log").mkdir(parents=True)
    (out / "_delta_log" / name).write_text("x")
    conflicts(orders, out, name)


def test_CheckpointBesideItsCommit_IsLeftAlone(table, orders, tmp_path):
    out = tmp_path / "out"
    export(orders, out)
    name = f"{2:020d}.{CLASSIC}"
    shutil.copy(table.checkpoint(2, *table.state(2)), out / "_delta_log" / name)
    before = log_of(out)
    assert export(orders, out)["commits"] == 0
    assert log_of(out) == before


def test_OtherCheckpointOfTheBase_IsAConflictUnlessItsCommitIsThere(table, catalog, tmp_path):
    table.grow(COMMITS)
    catalog.take_in(table.folder, "late", "--latest-only")
    uri, out = catalog.table("late"), tmp_path / "out"
    name = f"{COMMITS - 1:020d}.{CLASSIC}"
    theirs = table.checkpoint(COMMITS - 1, *table.state(COMMITS - 1))
    (out / "_delta_log").mkdir(parents=True)
    shutil.copy(theirs, out / "_delta_log" / name)
    conflicts(uri, out, name)
    shutil.copy(table.path(COMMITS - 1), out / "_delta_log")
    before = log_of(out)
    assert export(uri, out)["commits"] == 0
    assert log_of(out) == before


def test_OlderCommits_StayWhereTheFirstIsTheSame(table, catalog, tmp_path):
    table.grow(COMMITS)
    catalog.take_in(table.folder, "late", "--latest-only")
    report = export(catalog.table("late"), table.folder)
    assert (report["commits"], report["checkpoint"]) == (0, COMMITS - 1)
    assert len(run("history", table.folder, "--json").lines()) == COMMITS
    out = tmp_path / "out"
    (out / "_delta_log").mkdir(parents=True)
    shutil.copy(table.path(0), out / "_delta_log")
    conflicts(catalog.table("late"), out, f"{0:020d}.json")


def test_FilesThatAreNoneOfALog_StayAndDoNotMatter(orders, tmp_path):
    out = tmp_path / "out"
    (out / "_delta_log" / "_sidecars").mkdir(parents=True)
    (out / "_delta_log" / "notes.txt").write_text("x")
    (out / "part-0.parquet").write_text("x")
    assert export(orders, out)["commits"] == COMMITS


# ---- what is refused -----------------------------------------------------------------------------


def test_UnknownTableOrDatabase_IsNotFound(catalog, orders, tmp_path):
    out = tmp_path / "out"
    assert refused(NOT_FOUND, "export", catalog.table("none"), out)["table"] == "none"
    refused(NOT_FOUND, "export", f"deltasql://sqlite/{tmp_path}/none.db?table=t", out)
    refused(NOT_FOUND, "export", tmp_path / "none", out)
    assert not out.exists()


def test_WrongArguments_AreUsage(catalog, orders, tmp_path):
    for arguments in [[orders], [], [catalog.uri, tmp_path / "out"], [orders, orders],
                      [orders, catalog.uri], [orders, "mysql://x"],
                      [orders, tmp_path / "out", "--absolute"]]:
        refused(USAGE, "export", *arguments)
    assert not (tmp_path / "out").exists()


def test_PlaceThatCannotBeWritten_IsUnavailableAndNamed(orders, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o555)
    outcome = run("export", orders, tmp_path / "closed" / "t", "--json",
                  preexec_fn=obey_permissions)
    assert outcome.status == UNAVAILABLE and outcome.error()["code"] == "Permission"
    assert not list((tmp_path / "closed").iterdir())
    (tmp_path / "file").write_text("x")
    error = refused(UNAVAILABLE, "export", orders, tmp_path / "file")
    assert str(tmp_path / "file") in error["message"]


def test_FullDisk_IsUnavailableAndLeavesWholeCommits(table, catalog, tmp_path):
    table.grow(3)
    table.commit(3, *[add(f"g{n}", stats="x" * 1000) for n in range(500)])
    catalog.take_in(table.folder, "t")
    out = tmp_path / "out"

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run([PROGRAM, "export", catalog.table("t"), out, "--json"], preexec_fn=limit,
                          capture_output=True, timeout=60)
    assert done.returncode == UNAVAILABLE, done
    assert json.loads(done.stderr)["error"]["code"] == "Io"
    whole = log_of(table.folder)
    assert log_of(out) == {name: whole[name] for name in sorted(whole)[:3]}
    assert export(catalog.table("t"), out)["commits"] == 1
    assert log_of(out) == whole


def test_TextThatWasChangedByHand_IsCorruptAndNotWritten(catalog, orders, tmp_path):
    catalog.sql("UPDATE dl_table_versions SET body_hash = zeroblob(16) WHERE version = 2")
    error = refused(CORRUPT, "export", orders, tmp_path / "out")
    assert (error["version"], error["table"]) == (2, "orders")
    assert sorted(log_of(tmp_path / "out")) == [f"{n:020d}.json" for n in range(2)]


def test_ReaderFeatureThatIsNotKnown_IsExportedAsCommitsButNotAsAState(table, catalog, tmp_path):
    features = ["x-new"]
    table.commit(0, protocol(3, 7, readerFeatures=features, writerFeatures=features), metadata(),
                 add("f0"))
    table.commit(1, commit_info(), add("f1"))
    catalog.take_in(table.folder, "whole", "--metadata-only")
    assert export(catalog.table("whole"), tmp_path / "out")["commits"] == 2
    assert log_of(tmp_path / "out") == log_of(table.folder)
    other = Catalog(tmp_path / "other.db")
    other.take_in(table.folder, "late", "--metadata-only", "--latest-only")
    refused(UNSUPPORTED, "export", other.table("late"), tmp_path / "late")
    assert not (tmp_path / "late").exists()


def test_ReaderFeatureThatIsNotKnown_IsExportedFromAFolderAsWell(table, tmp_path):
    features = {"readerFeatures": ["x-new"], "writerFeatures": ["x-new"]}
    table.create(add("f0"))
    table.commit(1, commit_info(), protocol(3, 7, **features), add("f1"))
    assert export(table.folder, tmp_path / "out")["commits"] == 2
    assert log_of(tmp_path / "out") == log_of(table.folder)
    # From a state that is known on; but not from one that is not.
    table.checkpoint(0, *table.state(0))
    table.path(0).unlink()
    report = export(table.folder, tmp_path / "known")
    assert (report["checkpoint"], report["commits"]) == (0, 1)
    table.checkpoint(1, protocol(3, 7, **features), metadata(), add("f0"), add("f1"))
    table.path(0, CLASSIC).unlink()
    refused(UNSUPPORTED, "export", table.folder, tmp_path / "late")
    assert not (tmp_path / "late").exists()


def test_FolderThatACatalogManages_IsNotExported(table, tmp_path):
    features = {"readerFeatures": ["catalogManaged"], "writerFeatures": ["catalogManaged"]}
    table.commit(0, protocol(3, 7, **features), metadata(), add("f0"))
    refused(UNSUPPORTED, "export", table.folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_FolderWhoseLogIsDamaged_IsCorruptAndNotExported(table, tmp_path):
    features = {"readerFeatures": ["x-new"], "writerFeatures": ["x-new"]}
    for first in [[protocol(3, 7, **features)], [metadata()],
                  [protocol(3, 7, **features), metadata()]]:
        table.commit(0, *first, add("f0"))
        table.commit(1, commit_info(), add("f1"))
        if len(first) == 2:
            table.path(1).write_text('{"add":{"path":"x"\n', encoding="utf-8")
        refused(CORRUPT, "export", table.folder, tmp_path / "out")
        assert not (tmp_path / "out").exists()


# ---- kills ---------------------------------------------------------------------------------------


def test_ExportKilledAtAnyMoment_LeavesAWholeOlderVersionAndGoesOn(tmp_path, catalog):
    print(f"DELTALAKEDB_SEED={SEED}")
    chance = random.Random(SEED)
    make_log.make_log(tmp_path / "big", 20_000, 300)
    catalog.take_in(tmp_path / "big", "big", "--verify", "none")
    expected = log_of(tmp_path / "big")
    out, kills = tmp_path / "out", 0
    while kills < KILLS:
        process = subprocess.Popen([PROGRAM, "export", catalog.table("big"), out],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=chance.uniform(0.01, 0.5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        was_killed = process.wait(timeout=60) == -signal.SIGKILL
        kills += was_killed
        left = log_of(out)
        assert left == {name: expected[name] for name in sorted(expected)[:len(left)]}
        if left:
            assert run("snapshot", out, "--json").object()["version"] == len(left) - 1
        if not was_killed:
            shutil.rmtree(out)
    assert export(catalog.table("big"), out)["toVersion"] == 300
    assert log_of(out) == expected


def test_TwoExportsAtOnce_EndWithTheSameLog(table, orders, tmp_path):
    out = tmp_path / "out"
    processes = [subprocess.Popen([PROGRAM, "export", orders, out, "--json"],
                                  stdout=subprocess.PIPE) for _ in range(4)]
    written = [json.loads(process.communicate(timeout=60)[0])["commits"] for process in processes]
    assert sum(written) == COMMITS
    assert log_of(out) == log_of(table.folder)


# ---- words ---------------------------------------------------------------------------------------


def test_Help_HasAnExampleThatRuns(orders, tmp_path):
    text = run("export", "--help").stdout
    assert "--absolute-paths" in text
    example = re.search(r"deltalakedb (export 'deltasql:.*)", text).group(1)
    example = example.replace("/data/orders", "out")
    assert run(*shlex.split(example), cwd=tmp_path).status == DONE
    assert len(log_of(tmp_path / "out")) == COMMITS


def test_WordsForPeople_SayWhatWasWritten(tmp_path, catalog, table):
    table.grow(COMMITS)
    catalog.take_in(table.folder, "late", "--latest-only")
    told = run("export", catalog.table("late"), tmp_path / "out").stdout
    assert re.search(r"written +1 commit$", told, re.MULTILINE)
    assert re.search(rf"checkpoint +of version {COMMITS - 1}$", told, re.MULTILINE)


def test_CheckpointAlone_IsToldToBeWrittenOnce(table, catalog, tmp_path):
    table.grow(COMMITS)
    catalog.take_in(table.folder, "late", "--latest-only")
    late, last = catalog.table("late"), COMMITS - 1
    files = [table.path(last, CLASSIC), table.log / "_last_checkpoint"]

    def told(commits, checkpoint, hint):
        report = export(late, table.folder)
        assert (report["commits"], report["checkpoint"], report["checkpointWritten"],
                report["lastCheckpointWritten"]) == (commits, last, checkpoint, hint)
        return all(file.exists() for file in files)

    assert told(0, True, True)
    assert told(0, False, False)
    files[1].unlink()
    assert told(0, False, True)

    def words():
        return run("export", late, table.folder).stdout

    assert "nothing to write" in words()
    files[1].unlink()
    assert re.search(r"written +_last_checkpoint$", words(), re.MULTILINE)
    files[0].unlink()
    text = words()
    assert re.search(r"written +1 checkpoint$", text, re.MULTILINE)
    assert re.search(rf"checkpoint +of version {last}$", text, re.MULTILINE)
    export(late, tmp_path / "out")
    (tmp_path / "out" / "_delta_log" / f"{last:020d}.json").unlink()
    text = run("export", late, tmp_path / "out").stdout
    assert re.search(r"written +1 commit$", text, re.MULTILINE)
    assert re.search(rf"checkpoint +of version {last}, already there$", text, re.MULTILINE)


def test_CommandsInTheGuide_Run(tmp_path):
    """The commands of docs/export.md, in a folder where the table that they name is."""
    Flights(tmp_path / "flights")
    guide = (REPOSITORY / "docs" / "export.md").read_text(encoding="utf-8")
    commands = [command for command in re.findall(r"^    \$ (.*)$", guide, re.MULTILINE)
                if "s3://" not in command]
    assert len(commands) >= 4
    bin_folder = Path(PROGRAM).parent
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -e", *commands])], cwd=tmp_path, capture_output=True,
        text=True, timeout=300,
        env={**os.environ,
             "PATH": f"{Path(sys.executable).parent}:{bin_folder}:{os.environ['PATH']}"})
    assert done.returncode == 0, done
