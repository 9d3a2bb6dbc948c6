"""What delta-rs makes of exported logs: the same versions, schema, files and rows as of the tables
that they were exported from."""

import json
import shutil

import deltalake
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake

from catalog_support import CATALOGS, Flights
from support import run


@pytest.fixture(params=CATALOGS)
def catalog(request, tmp_path):
    return CATALOGS[request.param](tmp_path / "catalog" / "meta.db")


@pytest.fixture
def flights(tmp_path, catalog):
    catalog.path.parent.mkdir()
    return Flights(tmp_path / "flights")


def export(uri, folder, *options):
    return run("export", uri, folder, *options, "--json").object()


def copy_data(source, destination):
    """All of a table but its log."""
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns("_delta_log"))


def rows(folder, version=None):
    """Every row of a version, sorted."""
    table = QueryBuilder().register(
        "t", DeltaTable(str(folder), version=version)).execute("SELECT * FROM t").read_all()
    return sorted(map(str, pa.table(table).to_pylist()))


def state(folder, version=None):
    table = DeltaTable(str(folder), version=version)
    metadata = table.metadata()
    return {"version": table.version(), "schema": schema_of(table),
            "id": metadata.id, "partitions": metadata.partition_columns,
            "configuration": metadata.configuration,
            "protocol": str(table.protocol()), "loader": table.transaction_version("loader"),
            "adds": sorted(map(str, pa.table(table.get_add_actions(flatten=True)).to_pylist()))}


def test_WholeHistory_IsReadByDeltaRsRowForRow(tmp_path, catalog, flights):
    catalog.take_in(flights.folder)
    out = tmp_path / "out"
    copy_data(flights.folder, out)
    export(catalog.table("flights"), out)
    for version in range(flights.latest() + 1):
        assert state(out, version) == state(flights.folder, version)
        assert rows(out, version) == rows(flights.folder, version)
    assert len(rows(out)) == 40


def test_CheckpointAlone_IsReadByDeltaRsRowForRow(tmp_path, catalog, flights):
    latest = flights.latest()
    catalog.take_in(flights.folder, "flights", "--latest-only")
    flights.append(5)
    catalog.take_in(flights.folder)
    out = tmp_path / "out"
    copy_data(flights.folder, out)
    assert export(catalog.table("flights"), out)["checkpoint"] == latest
    # Nothing but the checkpoint says what the first version was.
    (out / "_delta_log" / f"{latest:020d}.json").unlink()
    assert state(out) == state(flights.folder)
    assert rows(out) == rows(flights.folder)
    # And delta-rs goes on from there.
    write_deltalake(out, pa.table(DeltaTable(out).to_pyarrow_table().slice(0, 3)), mode="append")
    assert len(rows(out)) == len(rows(flights.folder)) + 3
    DeltaTable(out).create_checkpoint()
    assert run("snapshot", out, "--json").object()["version"] == latest + 2


def test_AbsolutePaths_AreListedByDeltaRs(tmp_path, catalog, flights):
    catalog.take_in(flights.folder)
    out = tmp_path / "out"
    export(catalog.table("flights"), out, "--absolute-paths")
    table = DeltaTable(str(out))
    assert table.version() == flights.latest()
    paths = pa.table(table.get_add_actions()).column("path").to_pylist()
    assert sorted(path.split(str(flights.folder))[-1] for path in paths) == sorted(
        f"/{path}" for path in
        pa.table(DeltaTable(str(flights.folder)).get_add_actions()).column("path").to_pylist())


def schema_of(table):
    """Without the order of metadata, which delta-rs gives by chance."""
    return json.loads(table.schema().to_json())


def has_checkpoint_of_its_own_mind(table):
    """Whether a checkpoint of the table says something else than the commits before it, so that it
    matters which of the two a reader takes."""
    commits = table.replay.get("json_only_latest") or {}
    latest = table.version(table.replay["latest"]) or {}
    return any(latest[field] != commits[field] for field in ("schema_sha256", "files_hash")
               if field in commits and field in latest)


def test_SampledTable_IsToldByDeltaRsAsTheOriginal(sampled_table, tmp_path):
    table = sampled_table
    if table.expect != "accept" or has_checkpoint_of_its_own_mind(table):
        return
    catalog = CATALOGS["sqlite"](tmp_path / "meta.db")
    catalog.take_in(table.path, "t", "--verify", "none")
    late = CATALOGS["sqlite"](tmp_path / "late.db")
    late.take_in(table.path, "t", "--verify", "none", "--latest-only")
    out, late_out = tmp_path / "out", tmp_path / "late"
    export(catalog.table("t"), out)
    export(late.table("t"), late_out)
    try:
        original = DeltaTable(str(table.path))
        expected = sorted(pa.table(original.get_add_actions()).column("path").to_pylist())
    except (deltalake.exceptions.DeltaError, OSError, ValueError):
        return  # what delta-rs refuses says nothing about an export
    for folder in (out, late_out):
        exported = DeltaTable(str(folder))
        assert exported.version() == original.version()
        assert schema_of(exported) == schema_of(original)
        assert sorted(pa.table(exported.get_add_actions()).column("path").to_pylist()) == expected
