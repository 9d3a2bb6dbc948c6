"""docs/monitoring.md: every query of it, run as it is printed on the database that it is for."""

import ctypes
import os
import re
import subprocess

import pytest

import postgres_server
from catalog_support import Catalog, Flights
from support import DONE, REPOSITORY, run

GUIDE = (REPOSITORY / "docs" / "monitoring.md").read_text(encoding="utf-8")
SCHEMA = "lake"

# What has no rows while all is well, or while nobody waits.
EMPTY_WHEN_WELL = ["HAVING count(", "pg_blocking_pids", "pg_locks", "last_commit_timestamp <",
                   "x'00000000", "dl_mirror_status"]


def queries(database):
    section = re.split(r"^## ", GUIDE.split(f"\n## {database}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(r"^```sql\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def each(database):
    found = queries(database)
    assert len(found) > 8
    return pytest.mark.parametrize("query", found, ids=range(len(found)))


def check(query, has_rows):
    is_empty_when_well = any(part in query for part in EMPTY_WHEN_WELL)
    assert has_rows or is_empty_when_well, "no rows"


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    return Flights(tmp_path_factory.mktemp("guide") / "flights").folder


def take_in(source, uri):
    assert run("import", source, uri, "--json").status == DONE


# ---- PostgreSQL ----------------------------------------------------------------------------------


class Postgres:
    def __init__(self, server):
        self.server = server

    def psql(self, text):
        done = subprocess.run(
            [self.server.bin / "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h",
             self.server.folder, "-p", str(self.server.port), "-U", postgres_server.USER,
             postgres_server.DATABASE, "-c", text], capture_output=True, text=True, timeout=60,
            check=False, env={**os.environ, "PGOPTIONS": f"-c search_path={SCHEMA}"})
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def postgres(flights):
    with postgres_server.PostgresServer() as server:
        take_in(flights, server.uri(SCHEMA, "flights"))
        database = Postgres(server)
        # Enough files that reading all of them would take longer than the index does.
        database.psql(
            "INSERT INTO dl_add_files (file_id, table_id, path_key, version, size,"
            " modification_time, origin, data_change, dv_id, path, partition_values)"
            " SELECT f + 1000, table_id, md5(f::text)::uuid, 0, 1, 1, 0, true, '', 'part-' || f,"
            " json_build_object('month', 'other ' || f % 500)::text"
            " FROM dl_tables, generate_series(1, 20000) f")
        database.psql("VACUUM ANALYZE dl_add_files")
        yield database


@each("PostgreSQL")
def test_Query_RunsOnPostgres(postgres, query):
    check(query, postgres.psql(query).strip())


def test_Plans_ShowTheIndexesThatTheGuideNames(postgres):
    plans = [query for query in queries("PostgreSQL") if query.startswith("EXPLAIN")]
    by_partition, by_path = map(postgres.psql, plans)
    assert "Bitmap Index Scan on dl_add_files_partition_values" in by_partition
    assert "Index Scan using dl_add_files_pkey" in by_path


# ---- SQLite --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sqlite(flights, tmp_path_factory):
    catalog = Catalog(tmp_path_factory.mktemp("sqlite") / "meta.db")
    catalog.take_in(flights)
    return catalog


@each("SQLite")
def test_Query_RunsOnSqlite(sqlite, query):
    rows = sqlite.sql(query)
    check(query, rows)
    if query.startswith("EXPLAIN"):
        assert any("SEARCH dl_add_files USING INDEX dl_add_files_key" in row[-1] for row in rows)


# ---- DuckDB --------------------------------------------------------------------------------------


class Duckdb:
    """A file, by the C library that the program uses too."""

    def __init__(self, path):
        own = REPOSITORY / ".deps" / "duckdb" / "libduckdb.so"
        self.library = ctypes.CDLL(own if own.exists() else "libduckdb.so")
        self.library.duckdb_result_error.restype = ctypes.c_char_p
        self.library.duckdb_row_count.restype = ctypes.c_uint64
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.library.duckdb_open(os.fsencode(path), ctypes.byref(self.database)) == 0
        assert self.library.duckdb_connect(self.database, ctypes.byref(self.connection)) == 0

    def row_count(self, text):
        result = (ctypes.c_uint64 * 16)()  # larger than a duckdb_result
        state = self.library.duckdb_query(self.connection, text.encode(), ctypes.byref(result))
        error = self.library.duckdb_result_error(ctypes.byref(result))
        rows = self.library.duckdb_row_count(ctypes.byref(result)) if state == 0 else None
        self.library.duckdb_destroy_result(ctypes.byref(result))
        assert state == 0, error
        return rows

    def close(self):
        self.library.duckdb_disconnect(ctypes.byref(self.connection))
        self.library.duckdb_close(ctypes.byref(self.database))


@pytest.fixture(scope="module")
def duckdb(flights, tmp_path_factory):
    path = tmp_path_factory.mktemp("duckdb") / "meta.duckdb"
    take_in(flights, f"deltasql://duckdb/{path}?table=flights")
    database = Duckdb(path)
    yield database
    database.close()


@each("DuckDB")
def test_Query_RunsOnDuckdb(duckdb, query):
    check(query, duckdb.row_count(query))
