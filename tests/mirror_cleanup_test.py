"""Log clean-up of mirrors: what goes, what other engines can still read, and that nothing goes of a
history that somebody else made."""

import os
import time

import pytest
from deltalake import DeltaTable

from catalog_support import Flights
from object_store_support import BUCKET
from support import run

DAY_S = 24 * 60 * 60


def names(flights):
    return sorted(path.name for path in (flights.folder / "_delta_log").iterdir()
                  if path.name[0].isdigit())


def commits(*versions):
    return [f"{version:020d}.json" for version in versions]


def rows(folder, version=None):
    table = DeltaTable(str(folder), version=version)
    return sorted(map(str, table.to_pyarrow_table().to_pylist()))


def mirror(command, uri, *arguments):
    return run("mirror", command, uri, *arguments, "--json").object()


def set_properties(uri, *properties):
    run("set-properties", uri, *properties, "--json").object()


@pytest.fixture
def flights(tmp_path):
    """A table with the versions 0 to 4, which are older than its retention of 90 days, and a
    checkpoint of the last."""
    flights = Flights(tmp_path / "flights")
    flights.append(5)
    flights.append(6)
    DeltaTable(str(flights.folder)).create_checkpoint()
    assert flights.latest() == 4
    for version in range(5):
        at = time.time() - 100 * DAY_S + version
        os.utime(flights.commit_path(version), (at, at))
    return flights


@pytest.fixture
def uri(catalog, flights):
    """Of the table, imported, with a mirror in its place."""
    uri = catalog.uri("flights")
    run("import", flights.folder, uri, "--json").object()
    mirror("add", uri, "delta", "--mode", "exclusive")
    mirror("run", uri)
    return uri


def test_ImportedHistory_StaysUnlessTheTableSaysSo(flights, uri):
    set_properties(uri, "delta.checkpointInterval=2")
    set_properties(uri, "owner=me")
    assert f"{6:020d}.checkpoint.parquet" in names(flights)
    assert set(commits(*range(7))) <= set(names(flights))


def test_OldVersions_GoAndWhatIsLeftIsReadByOthers(flights, uri):
    before = {version: rows(flights.folder, version) for version in range(5)}
    set_properties(uri, "delta.checkpointInterval=2", "delta.enableExpiredLogCleanup=true")
    # Version 4 had a checkpoint of the other engine's.
    assert names(flights) == [f"{4:020d}.checkpoint.parquet", *commits(4, 5)]
    set_properties(uri, "owner=me")  # version 6, with a checkpoint
    left = [*commits(4, 5, 6), *(f"{version:020d}.checkpoint.parquet" for version in (4, 6))]
    assert names(flights) == sorted(left)
    assert rows(flights.folder, 4) == before[4] == rows(flights.folder, 5) == rows(flights.folder)
    assert DeltaTable(str(flights.folder)).metadata().configuration["owner"] == "me"
    # The catalog has them all.
    assert mirror("verify", uri)["differences"] == []
    assert len(run("history", uri, "--json").lines()) == 7
    assert run("files", uri, "--version", 0, "--json").lines()


def test_MirrorThatIsAddedAgain_BringsBackWhatIsWanted(flights, uri):
    set_properties(uri, "delta.checkpointInterval=2", "delta.enableExpiredLogCleanup=true")
    set_properties(uri, "owner=me")
    left = names(flights)
    for is_wanted in (False, True):
        if is_wanted:
            set_properties(uri, "delta.enableExpiredLogCleanup=false")
            left = sorted({*left, *commits(*range(8))})
        mirror("remove", uri)
        mirror("add", uri, "delta", "--mode", "exclusive")
        mirror("run", uri)
        assert names(flights) == left
        assert mirror("verify", uri)["differences"] == []


def test_CleanUpThatFails_IsToldAndKeepsNothingElseFromBeingDone(flights, uri):
    checkpoint = flights.folder / "_delta_log" / f"{4:020d}.checkpoint.parquet"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-9])
    before = names(flights)
    outcome = run("set-properties", uri, "delta.checkpointInterval=2",
                  "delta.enableExpiredLogCleanup=true", "--json")
    assert outcome.object()["version"] == 5
    [warning] = outcome.warnings()
    assert "was not cleaned up: " in warning and warning.endswith(" version 4")
    assert names(flights) == sorted([*before, *commits(5)])
    status = mirror("status", uri)
    assert (status["state"], status["publishedVersion"]) == ("SUCCESS", 5)


def test_LogThatIsOlderThanTheCatalog_IsLeftAlone(catalog, flights):
    uri = catalog.uri("flights")
    run("import", flights.folder, uri, "--latest-only", "--json").object()
    mirror("add", uri, "delta", "--mode", "exclusive")
    mirror("run", uri)
    set_properties(uri, "delta.checkpointInterval=2", "delta.enableExpiredLogCleanup=true")
    set_properties(uri, "owner=me")
    assert f"{6:020d}.checkpoint.parquet" in names(flights)
    assert set(commits(*range(7))) <= set(names(flights))


def test_Objects_AreRemovedToo(flights, catalog, s3):
    uri, key = catalog.uri("flights"), f"cleanup/{os.urandom(8).hex()}"
    s3.run("import", flights.folder, uri, "--json").object()
    s3.run("set-properties", uri, "delta.checkpointInterval=2",
           "delta.enableExpiredLogCleanup=true", "--json").object()
    s3.run("mirror", "add", uri, "delta", "--to", f"s3://{BUCKET}/{key}", "--absolute-paths",
           "--json").object()
    s3.run("mirror", "run", uri, "--json").object()
    listed = s3.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{key}/_delta_log/")["Contents"]
    assert sorted(entry["Key"].rsplit("/", 1)[1] for entry in listed) == sorted(
        [*commits(4, 5), f"{4:020d}.checkpoint.parquet", "_last_checkpoint"])
    assert s3.run("mirror", "verify", uri, "--json").object()["differences"] == []
    assert (len(s3.run("files", f"s3://{BUCKET}/{key}", "--json").lines())
            == len(run("files", flights.folder, "--json").lines()))
