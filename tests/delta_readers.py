"""Other engines that read Delta tables, as Arrow tables or sorted rows."""

import functools
from pathlib import Path

import duckdb
import duckdb_extension_delta
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder


def delta_rs_table(folder, version=None):
    """By its query engine, as its Arrow reader refuses more."""
    table = DeltaTable(str(folder), version=version)
    return pa.table(QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all())


@functools.cache
def duckdb_with_delta():
    """One for all, as loading the extension takes long."""
    [extension] = Path(duckdb_extension_delta.__file__).parent.glob(
        "extensions/*/delta.duckdb_extension")
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def duckdb_table(folder, version=None):
    """By its extension `delta`, which is of the Rust kernel."""
    at = "" if version is None else f", version = {version}"
    return duckdb_with_delta().execute(f"FROM delta_scan(?{at})", [str(folder)]).to_arrow_table()


def sorted_rows(table):
    return sorted(map(repr, pa.table(table).to_pylist()))


def delta_rs_rows(folder, version=None):
    return sorted_rows(delta_rs_table(folder, version))


def duckdb_rows(folder, version=None):
    return sorted_rows(duckdb_table(folder, version))


def ask(reader, *arguments):
    """What a reader gives, or None and what it says instead."""
    try:
        return reader(*arguments), None
    except BaseException as error:  # delta-rs panics, too
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        if isinstance(error, duckdb.FatalException):
            duckdb_with_delta.cache_clear()  # nothing more can be had of that database
        return None, str(error)
