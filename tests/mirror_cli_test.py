"""Mirrors of the engine `delta`: what is published, how far, by whom, and what is told of it."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from catalog_support import ANSWER_IS_NO, CONFLICT, Flights, obey_permissions
from create_support import ORDERS, actions_file, create, write_rows
from support import (DONE, NOT_FOUND, PROGRAM, UNAVAILABLE, USAGE, add, commit_info, refused, run)


def log_of(folder, pattern="*.json"):
    """The commits of a log with their bytes."""
    return {file.name: file.read_bytes() for file in (Path(folder) / "_delta_log").glob(pattern)}


def mirror(command, uri, *arguments):
    return run("mirror", command, uri, *arguments, "--json").object()


def status(uri):
    return mirror("status", uri)


class Orders:
    """A table that the program makes and commits to."""

    def __init__(self, place, columns, tmp_path, **properties):
        self.place, self.tmp_path = place, tmp_path
        create(place, columns(ORDERS), "--partition-by", "day", **properties)
        self.uri, self.location = place.uri(), Path(place.location())
        self.rows = 0

    def append(self, day="2024-01-01", **how):
        self.rows += 1
        action = write_rows(self.place, day, [self.rows])
        return self.commit(action, **how)

    def commit(self, *actions, **how):
        return run("commit", self.uri, "--actions", actions_file(self.tmp_path, *actions),
                   "--json", **how).object()

    def ids_at(self, folder):
        """Of the files that a log lists, wherever they are."""
        paths = [Path(folder) / unquote(path.split("file://")[-1]) for path in
                 pa.table(DeltaTable(str(folder)).get_add_actions()).column("path").to_pylist()]
        return sorted(number for path in paths for number in
                      pq.read_table(path, columns=["id"]).column("id").to_pylist())

    def ids(self, folder=None, version=None):
        table = DeltaTable(str(folder or self.location), version=version)
        return sorted(table.to_pyarrow_table().column("id").to_pylist())


@pytest.fixture
def orders(catalog, columns, tmp_path):
    return Orders(catalog, columns, tmp_path)


# ---- publishing ----------------------------------------------------------------------------------


def test_EachCommit_IsMirroredRightAfterIt(orders):
    added = mirror("add", orders.uri, "delta")
    assert (added["state"], added["publishedVersion"], added["lagVersions"]) == ("PENDING", None, 1)
    for count in range(1, 4):
        orders.append()
        assert orders.ids() == list(range(1, count + 1))
        told = status(orders.uri)
        assert (told["state"], told["publishedVersion"], told["lagVersions"]) == (
            "SUCCESS", count, 0)
    assert mirror("verify", orders.uri)["differences"] == []
    assert mirror("run", orders.uri)["publishedVersion"] == 3


def test_Bodies_AreTheCatalogsByteForByte(orders, tmp_path):
    for _ in range(3):
        orders.append()
    mirror("add", orders.uri, "spark")
    assert mirror("run", orders.uri) == {
        "table": "orders", "engine": "delta", "place": str(orders.location), "fromVersion": 0,
        "publishedVersion": 3, "version": 3}
    out = tmp_path / "exported"
    run("export", orders.uri, out)
    assert log_of(out) == log_of(orders.location)
    # With the times of the versions.
    for entry in run("history", orders.uri, "--json").lines():
        path = orders.location / "_delta_log" / f"{entry['version']:020d}.json"
        assert path.stat().st_mtime_ns == entry["timestamp"] * 1_000_000


def test_Elsewhere_TakesAbsolutePaths(orders, tmp_path):
    out = tmp_path / "apart"
    mirror("add", orders.uri, "delta", "--to", out, "--absolute-paths")
    for _ in range(12):
        orders.append()
    assert orders.ids_at(out) == list(range(1, 13))
    assert list((out / "_delta_log").glob("*.checkpoint.parquet"))
    assert mirror("verify", orders.uri)["differences"] == []
    # From the checkpoint alone, too.
    for version in range(10):
        (out / "_delta_log" / f"{version:020d}.json").unlink()
    assert orders.ids_at(out) == list(range(1, 13))
    assert mirror("verify", orders.uri)["differences"] == []


def test_Checkpoints_AreWrittenAtTheInterval(catalog, columns, tmp_path):
    orders = Orders(catalog, columns, tmp_path, **{"delta.checkpointInterval": "3"})
    mirror("add", orders.uri, "delta")
    for _ in range(7):
        orders.append()
    assert sorted(path.name for path in (orders.location / "_delta_log").glob("*.parquet")) == [
        f"{version:020d}.checkpoint.parquet" for version in (3, 6)]
    hint = json.loads((orders.location / "_delta_log" / "_last_checkpoint").read_text())
    assert hint["version"] == 6 and status(orders.uri)["checkpointVersion"] == 6
    for name in list(log_of(orders.location)):
        if int(name[:20]) < 6:
            (orders.location / "_delta_log" / name).unlink()
    assert orders.ids() == list(range(1, 8)) and orders.ids(version=6) == list(range(1, 7))
    assert mirror("verify", orders.uri)["differences"] == []


def test_RemovedFiles_AreTombstonesOfTheCheckpoint(catalog, columns, tmp_path):
    orders = Orders(catalog, columns, tmp_path, **{"delta.checkpointInterval": "4"})
    mirror("add", orders.uri, "delta")
    first = write_rows(catalog, "2024-01-01", [1])
    orders.commit(first)
    gone = {"path": first["add"]["path"], "dataChange": True,
            "deletionTimestamp": int(time.time() * 1000), "extendedFileMetadata": True,
            "partitionValues": {"day": "2024-01-01"}, "size": first["add"]["size"]}
    orders.commit({"remove": gone})
    orders.commit(write_rows(catalog, "2024-01-01", [2]))
    orders.commit(write_rows(catalog, "2024-01-02", [3]))
    [path] = (orders.location / "_delta_log").glob("*.checkpoint.parquet")
    rows = pq.read_table(path).to_pylist()
    removes = [row["remove"] for row in rows if row["remove"]]
    assert [each["path"] for each in removes] == [gone["path"]]
    assert len([row for row in rows if row["add"]]) == 2
    assert orders.ids() == [2, 3]


def test_V2Checkpoints_AreWrittenWhereTheTableSaysSo(catalog, columns, tmp_path):
    orders = Orders(catalog, columns, tmp_path, **{
        "delta.checkpointInterval": "2", "delta.checkpointPolicy": "v2",
        "delta.feature.v2Checkpoint": "supported"})
    mirror("add", orders.uri, "delta")
    for _ in range(3):
        orders.append()
    log = orders.location / "_delta_log"
    [top] = log.glob("*.checkpoint.*.parquet")
    assert top.name.startswith(f"{2:020d}.checkpoint.") and list((log / "_sidecars").iterdir())
    for version in (0, 1):
        (log / f"{version:020d}.json").unlink()
    # pyarrow refuses the feature, delta-rs itself does not.
    assert orders.ids_at(orders.location) == [1, 2, 3]
    assert mirror("verify", orders.uri)["differences"] == []


def test_SetProperties_IsMirroredToo(orders):
    mirror("add", orders.uri, "delta")
    run("set-properties", orders.uri, "owner=me", "--json").object()
    assert DeltaTable(str(orders.location)).metadata().configuration["owner"] == "me"


# ---- imported tables -----------------------------------------------------------------------------


@pytest.fixture
def flights(catalog, tmp_path):
    return Flights(tmp_path / "flights")


def take_in(catalog, flights, *options):
    uri = catalog.uri("flights")
    run("import", flights.folder, uri, *options, "--json").object()
    return uri


def test_SourcesOwnLocation_AsksForTheMode(catalog, flights):
    uri = take_in(catalog, flights)
    error = refused(USAGE, "mirror", "add", uri, "delta")
    assert "--mode" in error["message"] and error["location"] == str(flights.folder)
    refused(NOT_FOUND, "mirror", "status", uri)
    before = log_of(flights.folder)
    assert mirror("add", uri, "delta", "--mode", "exclusive")["mode"] == "exclusive"
    assert mirror("run", uri)["publishedVersion"] == flights.latest()
    assert log_of(flights.folder) == before
    assert mirror("verify", uri)["differences"] == []


@pytest.mark.parametrize("options", [[], ["--latest-only"]])
def test_ImportedHistory_IsPublishedElsewhere(catalog, flights, tmp_path, options):
    uri = take_in(catalog, flights, *options)
    out = tmp_path / "out"
    shutil.copytree(flights.folder, out, ignore=shutil.ignore_patterns("_delta_log"))
    mirror("add", uri, "delta", "--to", out)
    mirror("run", uri)
    assert (sorted(map(str, DeltaTable(str(out)).to_pyarrow_table().to_pylist()))
            == sorted(map(str, DeltaTable(str(flights.folder)).to_pyarrow_table().to_pylist())))
    assert mirror("verify", uri)["differences"] == []


def test_Sync_TakesInWhatOthersWrote(catalog, flights):
    uri = take_in(catalog, flights)
    mirror("add", uri, "delta", "--mode", "exclusive")
    mirror("run", uri)
    flights.append(5)
    flights.append(6)
    report = mirror("sync", uri)
    assert (report["commits"], report["toVersion"]) == (2, flights.latest())
    assert status(uri)["publishedVersion"] == flights.latest()
    assert mirror("sync", uri)["commits"] == 0
    assert mirror("verify", uri)["differences"] == []


@pytest.mark.parametrize("typed", ["true", "false"])
@pytest.mark.parametrize("mode", ["exclusive", "shared"])
def test_SyncBehindCheckpointWithoutStatisticsText_TakesInWhatOthersWrote(
        catalog, flights, mode, typed):
    uri = take_in(catalog, flights)
    mirror("add", uri, "delta", "--mode", mode)
    mirror("run", uri)
    version = run("set-properties", uri, "delta.checkpoint.writeStatsAsJson=false",
                  f"delta.checkpoint.writeStatsAsStruct={typed}", "delta.checkpointInterval=1",
                  "--json").object()["version"]
    checkpoint = flights.folder / "_delta_log" / f"{version:020d}.checkpoint.parquet"
    assert "stats" not in pq.read_schema(checkpoint).field("add").type.names
    texts = [file["stats"] for file in run("files", uri, "--json").lines()]
    assert texts != [file.get("stats") for file in run("files", flights.folder, "--json").lines()]
    flights.append(5)
    report = mirror("sync", uri)
    assert (report["commits"], report["toVersion"]) == (1, flights.latest())
    assert set(texts) < {file["stats"] for file in run("files", uri, "--json").lines()}
    assert run("verify", uri, "--against", flights.folder, "--json").status == DONE
    assert mirror("verify", uri)["differences"] == []


def test_SyncElsewhere_IsRefused(orders, tmp_path):
    refused(NOT_FOUND, "mirror", "sync", orders.uri)
    refused(NOT_FOUND, "mirror", "status", orders.uri, "--failures")
    mirror("add", orders.uri, "delta", "--to", tmp_path / "out")
    refused(USAGE, "mirror", "sync", orders.uri)


def test_ForcedImport_KeepsTheMirror(catalog, flights):
    uri = take_in(catalog, flights)
    mirror("add", uri, "delta", "--mode", "exclusive", "--alert-versions", "3")
    mirror("run", uri)
    run("import", flights.folder, uri, "--force", "--json").object()
    assert status(uri)["alertVersions"] == 3 and status(uri)["publishedVersion"] is None
    mirror("run", uri)
    assert status(uri)["publishedVersion"] == flights.latest()


def test_ForcedImport_KeepsTheViewOfDuckDb(catalog, flights, tmp_path):
    uri = take_in(catalog, flights)
    file = tmp_path / "mirror.duckdb"
    mirror("add", uri, "duckdb", "--to", file)
    mirror("run", uri)
    run("import", flights.folder, uri, "--force", "--json").object()
    mirror("run", uri)
    assert status(uri)["state"] == "SUCCESS" and mirror("verify", uri)["differences"] == []
    with duckdb.connect(str(file), read_only=True) as connection:
        [(count,)] = connection.sql("SELECT count(*) FROM flights").fetchall()
    assert count == DeltaTable(str(flights.folder)).to_pyarrow_table().num_rows


# ---- divergence ----------------------------------------------------------------------------------


@pytest.fixture
def diverged(catalog, flights, tmp_path):
    """Both sides have made the same version."""
    uri = take_in(catalog, flights)
    mirror("add", uri, "delta", "--mode", "exclusive")
    mirror("run", uri)
    flights.append(5)
    actions = actions_file(tmp_path, add("month=9/mine.parquet", partitionValues={"month": "9"}))
    done = run("commit", uri, "--actions", actions, "--json")
    # The commit stands, whatever becomes of the mirror.
    assert done.object()["version"] == flights.latest()
    assert any("diverged" in warning for warning in done.warnings()), done.stderr
    return uri


def test_Divergence_IsToldWithBothSidesAndStopsTheMirror(diverged, flights):
    before = log_of(flights.folder)
    told = status(diverged)
    assert told["state"] == "DIVERGED" and told["alert"] and told["attempts"] == 1
    assert told["publishedVersion"] == flights.latest() - 1
    error = refused(CONFLICT, "mirror", "sync", diverged)
    assert "repair" in error["message"]
    outcome = run("mirror", "run", diverged, "--json")
    assert outcome.status == CONFLICT
    [failure] = run("mirror", "status", diverged, "--failures", "--json").lines()
    assert failure["code"] == "Conflict" and failure["version"] == flights.latest()
    assert log_of(flights.folder) == before
    assert run("mirror", "status", diverged, "--check", "--json").status == ANSWER_IS_NO
    [newest, *_] = run("mirror", "status", diverged, "--versions", "--json").lines()
    assert (newest["version"], newest["state"]) == (flights.latest(), "FAILED")
    assert run("mirror", "verify", diverged, "--json").status == ANSWER_IS_NO
    # Nobody may write behind what the other side made of this version.
    refused(CONFLICT, "mirror", "add", diverged, "delta", "--mode", "shared")
    assert run("mirror", "watch", told_catalog(diverged), "--once", "--json").status == DONE


@pytest.mark.parametrize("mode", ["exclusive", "shared"])
@pytest.mark.parametrize("finder", ["commit", "sync", "run", "watch"])
def test_LogThatWentOnAndWasCleanedUp_IsADivergence(catalog, flights, tmp_path, finder, mode):
    uri = take_in(catalog, flights)
    mirror("add", uri, "delta", "--mode", mode)
    mirror("run", uri)
    published = flights.latest()
    for month in (5, 6, 7):
        flights.append(month)
    DeltaTable(str(flights.folder)).create_checkpoint()
    for version in range(flights.latest()):
        flights.commit_path(version).unlink()
    before = log_of(flights.folder)
    assert run("mirror", "verify", uri, "--json").status == ANSWER_IS_NO
    if finder == "commit":
        actions = actions_file(tmp_path, add("month=9/mine.parquet",
                                             partitionValues={"month": "9"}))
        done = run("commit", uri, "--actions", actions, "--json")
        assert done.status == (DONE if mode == "exclusive" else CONFLICT)
    elif finder == "watch":
        run("mirror", "watch", told_catalog(uri), "--once", "--json")
    else:
        assert run("mirror", finder, uri, "--json").status == CONFLICT
    told = status(uri)
    assert (told["state"], told["publishedVersion"]) == ("DIVERGED", published)
    assert log_of(flights.folder) == before, "something was put below it"
    assert mirror("repair", uri, "--keep", "files")["publishedVersion"] == flights.latest()
    assert mirror("verify", uri)["differences"] == []
    assert run("verify", uri, "--against", flights.folder, "--json").status == DONE
    assert (len(run("files", uri, "--json").lines())
            == len(run("files", flights.folder, "--json").lines()))


def test_CommitOfACheckpointsVersion_IsMissedByVerify(orders):
    mirror("add", orders.uri, "delta")
    for _ in range(10):
        orders.append()
    (orders.location / "_delta_log" / f"{10:020d}.json").unlink()
    outcome = run("mirror", "verify", orders.uri, "--json")
    assert outcome.status == ANSWER_IS_NO
    assert [difference["version"] for difference in
            json.loads(outcome.stdout)["differences"]] == [10]


def told_catalog(uri):
    """The catalog of a table's URI."""
    return uri.rpartition("?table=")[0] or uri.rpartition("/")[0] + "/"


def test_WhatHasNotDiverged_IsNotRepaired(catalog, flights, tmp_path):
    uri = take_in(catalog, flights)
    mirror("add", uri, "delta", "--mode", "exclusive")
    mirror("run", uri)
    for options in (["files"], ["database", "--to", tmp_path / "new"]):
        refused(USAGE, "mirror", "repair", uri, "--keep", *options)
    assert status(uri)["state"] == "SUCCESS"
    assert len(run("tables", catalog.uri(""), "--json").lines()) == 1


def test_RepairKeepingTheDatabase_PublishesElsewhere(diverged, flights, tmp_path):
    before = log_of(flights.folder)
    refused(USAGE, "mirror", "repair", diverged, "--keep", "database")
    refused(USAGE, "mirror", "repair", diverged, "--keep", "nothing")
    refused(CONFLICT, "mirror", "repair", diverged, "--keep", "database", "--to", flights.folder)
    out = tmp_path / "mirror"
    report = mirror("repair", diverged, "--keep", "database", "--to", out)
    assert (report["place"], report["publishedVersion"]) == (str(out), flights.latest())
    assert status(diverged)["state"] == "SUCCESS"
    assert log_of(flights.folder) == before
    paths = DeltaTable(str(out)).file_uris()
    assert any(path.endswith("mine.parquet") for path in paths)
    assert mirror("verify", diverged)["differences"] == []


def test_RepairKeepingTheFiles_ImportsAnewAndKeepsTheOldTable(diverged, catalog, flights):
    version = run("snapshot", diverged, "--json").object()["version"]
    report = mirror("repair", diverged, "--keep", "files")
    assert report["replacedTable"] in [
        table["name"] for table in run("tables", catalog.uri(""), "--json").lines()]
    assert status(diverged)["state"] == "SUCCESS"
    assert mirror("verify", diverged)["differences"] == []
    old = run("snapshot", catalog.uri(report["replacedTable"]), "--json").object()
    assert old["version"] == version
    assert mirror("sync", diverged)["toVersion"] == flights.latest()


def test_ForeignCommitInAnotherMirror_IsADivergence(orders, tmp_path):
    out = tmp_path / "out"
    mirror("add", orders.uri, "delta", "--to", out)
    orders.append()
    foreign = out / "_delta_log" / f"{2:020d}.json"
    foreign.write_text(json.dumps(commit_info(engineInfo="Another/1")) + "\n")
    outcome = run("mirror", "verify", orders.uri, "--json")
    assert outcome.status == ANSWER_IS_NO
    [difference] = json.loads(outcome.stdout)["differences"]
    assert difference["version"] == 2
    orders.append()
    assert status(orders.uri)["state"] == "DIVERGED"
    assert foreign.read_text() == json.dumps(commit_info(engineInfo="Another/1")) + "\n"


def test_PlaceThatIsTaken_IsADivergenceFromTheStart(orders, tmp_path):
    other = Flights(tmp_path / "other")
    before = log_of(other.folder)
    mirror("add", orders.uri, "delta", "--to", other.folder)
    error = refused_run(orders.uri)
    assert error["code"] == "Conflict" and error["version"] == 0
    assert "delta-rs" in error["theirs"] and "deltalakedb" in error["ours"]
    assert log_of(other.folder) == before


def refused_run(uri):
    outcome = run("mirror", "run", uri, "--json")
    assert outcome.status == CONFLICT, outcome
    return json.loads(outcome.stderr.splitlines()[-1])["error"]


def test_WhatReadersOfTheMirrorMiss_IsFoundByVerify(catalog, columns, tmp_path):
    orders = Orders(catalog, columns, tmp_path, **{"delta.checkpointInterval": "2"})
    mirror("add", orders.uri, "delta")
    for _ in range(3):
        orders.append()
    [checkpoint] = (orders.location / "_delta_log").glob("*.checkpoint.parquet")
    content = checkpoint.read_bytes()

    def differences():
        outcome = run("mirror", "verify", orders.uri, "--json")
        assert outcome.status == ANSWER_IS_NO, outcome
        return json.loads(outcome.stdout)["differences"]

    checkpoint.write_bytes(content[:100])
    assert checkpoint.name in differences()[0]["message"]
    checkpoint.unlink()
    assert "_last_checkpoint" in differences()[0]["message"]
    checkpoint.write_bytes(content)
    assert mirror("verify", orders.uri)["differences"] == []
    commit = orders.location / "_delta_log" / f"{3:020d}.json"
    commit.write_text(commit.read_text() + "\n")
    assert differences()[0]["version"] == 3
    shutil.rmtree(orders.location / "_delta_log")
    assert [each["version"] for each in differences()] == [0, 1, 2, 3]


def test_OddPlaces_AreRefusedOrKnown(catalog, flights, tmp_path):
    uri = take_in(catalog, flights)
    link = tmp_path / "link"
    link.symlink_to(flights.folder)
    assert "--mode" in refused(USAGE, "mirror", "add", uri, "delta", "--to", link)["message"]
    log = flights.folder / "_delta_log"
    refused(USAGE, "mirror", "add", uri, "duckdb", "--to", log / f"{9:020d}.json")
    refused(USAGE, "mirror", "add", uri, "delta", "--to", log / "sub")


# ---- failures ------------------------------------------------------------------------------------


def test_FailingMirror_NeverFailsTheCommitAndCatchesUp(orders, tmp_path):
    out = tmp_path / "out"
    mirror("add", orders.uri, "delta", "--to", out, "--absolute-paths")
    orders.append()
    (out / "_delta_log").chmod(0o500)
    try:
        done = run("commit", orders.uri, "--actions",
                   actions_file(tmp_path, write_rows(orders.place, "2024-01-01", [7])), "--json",
                   preexec_fn=obey_permissions)
        assert done.object()["version"] == 2 and done.warnings()
        told = status(orders.uri)
        assert (told["state"], told["attempts"], told["publishedVersion"]) == ("FAILED", 1, 1)
        assert told["lastError"] and told["nextAttemptAt"] > told["lastAttemptAt"]
        outcome = run("mirror", "run", orders.uri, "--json", preexec_fn=obey_permissions)
        assert outcome.status == UNAVAILABLE and status(orders.uri)["attempts"] == 2
    finally:
        (out / "_delta_log").chmod(0o700)
    mirror("run", orders.uri)
    told = status(orders.uri)
    assert (told["state"], told["attempts"], told["publishedVersion"]) == ("SUCCESS", 0, 2)
    assert len(run("mirror", "status", orders.uri, "--failures", "--json").lines()) == 2


def test_Alert_IsByVersionsBehind(orders, tmp_path):
    mirror("add", orders.uri, "delta", "--alert-versions", "1")
    assert not status(orders.uri)["alert"]
    blocker = orders.location / "_delta_log"
    orders.location.mkdir(parents=True, exist_ok=True)
    blocker.write_text("a file where the log has to be\n")
    orders.append()
    orders.append()
    told = status(orders.uri)
    assert told["alert"] and told["lagVersions"] == 3 and told["state"] == "FAILED"
    blocker.unlink()
    mirror("run", orders.uri)
    assert not status(orders.uri)["alert"]


def test_WrongInput_IsRefusedByName(orders, table, tmp_path):
    assert "delta" in refused(USAGE, "mirror", "add", orders.uri, "iceberg")["message"]
    refused(USAGE, "mirror", "add", table.folder, "delta")
    refused(USAGE, "mirror", "add", orders.uri, "delta", "--mode", "both")
    refused(USAGE, "mirror", "add", orders.uri, "delta", "--to", tmp_path / "x", "--mode", "shared")
    refused(USAGE, "mirror", "add", orders.uri, "delta", "--absolute-paths")
    refused(USAGE, "mirror", "add", orders.uri, "delta", "--alert-seconds", "soon")
    refused(USAGE, "mirror", "add", orders.uri, "delta", "--to", orders.uri)
    refused(NOT_FOUND, "mirror", "add", orders.place.uri("missing"), "delta")
    refused(NOT_FOUND, "mirror", "run", orders.uri)
    refused(NOT_FOUND, "mirror", "remove", orders.uri)
    mirror("add", orders.uri, "delta", "--to", tmp_path / "one")
    refused(CONFLICT, "mirror", "add", orders.uri, "delta", "--to", tmp_path / "two")


def test_RemovedMirror_IsLeftAsItIs(orders):
    mirror("add", orders.uri, "delta")
    orders.append()
    before = log_of(orders.location)
    assert mirror("remove", orders.uri)["publishedVersion"] == 1
    assert run("mirror", "remove", orders.uri, "--json").status == NOT_FOUND
    orders.append()
    assert log_of(orders.location) == before
    assert run("mirror", "list", orders.place.uri(""), "--json").lines() == []
    # And again, from where it was.
    mirror("add", orders.uri, "delta", "--mode", "exclusive")
    mirror("run", orders.uri)
    assert orders.ids() == [1, 2]


def test_DroppedTable_HasNoMirror(orders):
    mirror("add", orders.uri, "delta")
    orders.append()
    run("drop", orders.uri, "--yes", "--json").object()
    assert run("mirror", "list", orders.place.uri(""), "--json").lines() == []
    assert orders.ids() == [1]


# ---- the service ---------------------------------------------------------------------------------


def test_Watch_PublishesWhatOthersCommitAndStopsCleanly(orders):
    mirror("add", orders.uri, "delta")
    with subprocess.Popen([PROGRAM, "mirror", "watch", orders.place.uri(""), "--interval-ms", "50",
                           "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as service:
        first = json.loads(service.stdout.readline())
        assert first["publishedVersion"] == 0
        for _ in range(3):
            commit_when_free(orders)
        until(lambda: status_when_free(orders.uri)["publishedVersion"] == orders.rows)
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=30) == 0, service.stderr.read()
    assert orders.ids() == [1, 2, 3]


def commit_when_free(orders):
    """Of a DuckDB file one process only can have a connection."""
    def attempt():
        try:
            return orders.append()
        except AssertionError:
            if orders.place.kind != "duckdb":
                raise
            orders.rows -= 1
            return None
    until(attempt)


def status_when_free(uri):
    outcome = run("mirror", "status", uri, "--json")
    return outcome.object() if outcome.status == DONE else {"publishedVersion": None}


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def test_WatchOnce_TakesInAndPublishesAndEnds(catalog, flights, tmp_path, columns):
    uri = take_in(catalog, flights)
    mirror("add", uri, "delta", "--mode", "exclusive")
    flights.append(5)
    other = Orders(catalog, columns, tmp_path)
    mirror("add", other.uri, "delta")
    assert run("mirror", "watch", catalog.uri(""), "--once", "--json").status == DONE
    assert status(uri)["publishedVersion"] == flights.latest() == run(
        "snapshot", uri, "--json").object()["version"]
    assert status(other.uri)["state"] == "SUCCESS"
    assert {each["table"] for each in run("mirror", "list", catalog.uri(""), "--json").lines()} == {
        "flights", "orders"}


# ---- shared mode ---------------------------------------------------------------------------------


def test_SharedTable_TakesTurnsWithOtherWriters(catalog, flights, tmp_path):
    uri = take_in(catalog, flights)
    mirror("add", uri, "delta", "--mode", "shared")
    mirror("run", uri)
    for turn in range(3):
        flights.append(20 + turn)
        action = write_flight(flights.folder, 30 + turn)
        done = run("commit", uri, "--actions", actions_file(tmp_path, action), "--json").object()
        assert done["version"] == flights.latest()
    text = (flights.folder / "_delta_log" / f"{flights.latest():020d}.json").read_text()
    assert done["commitId"] in text
    months = DeltaTable(str(flights.folder)).to_pyarrow_table().column("month").to_pylist()
    assert {20, 21, 22, 30, 31, 32} <= set(months)
    assert run("verify", uri, "--against", flights.folder, "--json").status == DONE
    assert mirror("verify", uri)["differences"] == []
    assert status(uri)["mode"] == "shared" and status(uri)["state"] == "SUCCESS"


def write_flight(folder, month):
    path = Path(folder) / f"month={month}" / "ours.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({"flight": [f"DL {month}"], "delay": pa.array([1], pa.int64())}), path)
    return add(f"month={month}/ours.parquet", os.path.getsize(path),
               partitionValues={"month": str(month)})
