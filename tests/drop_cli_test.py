"""`deltalakedb drop`: what goes, and what stays."""

import contextlib
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor

from create_support import Place, actions_file, create, write_rows
from postgres_server import DATABASE
from support import DONE, NOT_FOUND, USAGE, add, refused, remove, run

AT_ONCE = 6


RELATIONS = ["dl_tables", "dl_table_versions", "dl_body_parts", "dl_add_files", "dl_remove_files",
             "dl_cdc_files", "dl_metadata_updates", "dl_protocol_updates", "dl_txn_actions",
             "dl_domain_metadata", "dl_file_segments", "dl_mirror_status", "dl_commit_fences"]


def rows_of(catalog):
    """How many rows each relation has."""
    if catalog.kind == "postgres":
        return {name: int(catalog.server.sql(
            DATABASE, f"SELECT count(*) FROM {catalog.schema}.{name}")) for name in RELATIONS}
    if catalog.kind == "sqlite":
        with contextlib.closing(sqlite3.connect(catalog.root / "meta.db")) as connection:
            return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                    for name in RELATIONS}
    return dict.fromkeys(RELATIONS, 0)  # create_test.cc looks into DuckDB


def test_Drop_TakesAllRowsAndLeavesTheFiles(catalog, columns, tmp_path):
    create(catalog, columns(), name="other")
    alone = rows_of(catalog)
    made = create(catalog, columns(), "--partition-by", "day",
                  **{"delta.enableRowTracking": "true", "delta.enableChangeDataFeed": "true"})
    written = write_rows(catalog, "2024-01-01", [1, 2])
    cdc = {"cdc": {"path": "_change_data/c0", "partitionValues": {"day": "2024-01-01"}, "size": 1,
                   "dataChange": False}}
    run("commit", catalog.uri(), "--actions", actions_file(tmp_path, written, cdc), "--app-id",
        "a", "--app-version", "1", "--json").object()
    run("commit", catalog.uri(), "--actions",
        actions_file(tmp_path, remove(written["add"]["path"])), "--json").object()
    before = rows_of(catalog)
    rarely = ("dl_body_parts", "dl_file_segments", "dl_mirror_status", "dl_commit_fences")
    assert catalog.kind == "duckdb" or all(
        before[name] > alone[name] for name in RELATIONS if name not in rarely)
    dropped = run("drop", catalog.uri(), "--yes", "--json").object()
    assert dropped == {"table": "orders", "tableId": made["tableId"], "version": 2,
                       "location": catalog.location()}
    assert rows_of(catalog) == alone
    assert catalog.names() == ["other"]
    catalog.check("other")
    assert os.path.exists(os.path.join(catalog.location(), written["add"]["path"]))
    for command in (["drop", catalog.uri(), "--yes"], ["snapshot", catalog.uri()],
                    ["commit", catalog.uri(), "--actions", actions_file(tmp_path, written)]):
        refused(NOT_FOUND, *command)
    # The name and the place are free again.
    assert create(catalog, columns())["tableId"] != made["tableId"]
    catalog.check()


def test_DropWithoutYes_SaysWhatWouldBeLost(catalog, columns):
    create(catalog, columns())
    error = refused(USAGE, "drop", catalog.uri())
    assert (error["table"], error["version"], error["location"]) == (
        "orders", 0, catalog.location())
    assert error["message"] == (
        "this would take the table orders and its history, version 0, out of the catalog for "
        f"good; its data files, 0 of them live, stay in {catalog.location()}: give --yes if that "
        "is meant")
    run("set-properties", catalog.uri(), "a=1", "--json").object()
    assert "its history, versions 0 to 1, out" in refused(USAGE, "drop", catalog.uri())["message"]
    assert catalog.names() == ["orders"]
    for options in ([], ["--yes"]):
        error = refused(NOT_FOUND, "drop", catalog.uri("none"), *options)
        assert error["table"] == "none" and "no table none;" in error["message"]
    refused(USAGE, "drop", catalog.uri(""))


def test_DropForPeople_SaysThatFilesStay(catalog, columns):
    create(catalog, columns())
    assert run("drop", catalog.uri(), "--yes").stdout == (
        f"orders is no longer in the catalog; its files are where they were, in "
        f"{catalog.location()}\n")


def test_FileBasedTable_IsNotDropped(tmp_path, columns):
    place = Place("folder", tmp_path, None)
    create(place, columns())
    for options in ([], ["--yes"]):
        assert "delete" in refused(USAGE, "drop", place.uri(), *options)["message"]
    assert place.names() == ["orders"]


def test_NoDatabase_IsNotFoundAndNotMade(tmp_path):
    for kind in ("sqlite", "duckdb"):
        refused(NOT_FOUND, "drop", f"deltasql://{kind}/{tmp_path}/none.db?table=t", "--yes")
    assert list(tmp_path.iterdir()) == []


def test_CommitsWhileATableIsDropped_AreThereBeforeOrNotFound(catalog, columns, tmp_path):
    create(catalog, columns())
    files = [actions_file(tmp_path, add(f"f{n}", partitionValues={})) for n in range(AT_ONCE)]

    def work(number):
        if number == AT_ONCE // 2:
            return run("drop", catalog.uri(), "--yes", "--json")
        return run("commit", catalog.uri(), "--actions", files[number], "--json")

    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(work, range(AT_ONCE)))
    assert outcomes[AT_ONCE // 2].status == DONE
    assert {outcome.status for outcome in outcomes} <= {DONE, NOT_FOUND}, outcomes
    assert catalog.names() == []
    assert not any(rows_of(catalog).values())
