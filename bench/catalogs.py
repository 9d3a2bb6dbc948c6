"""The databases that bench/run_catalog.py and bench/slo.py measure, each behind the same calls."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import run

sys.path.insert(0, str(run.REPOSITORY / "tests"))
import postgres_server  # noqa: E402

TABLE = "table"


def remove_database(path):
    for ending in ("", "-wal", "-shm", "-journal", ".wal"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


class InAFile:
    """A catalog in a file of its own in `folder`."""

    rss_mib_max = run.RSS_MIB_MAX

    def __init__(self, build, folder):
        self.build = build
        self.path = Path(folder) / f"catalog.{self.name}"

    def uri(self):
        return f"deltasql://{self.name}/{self.path}?table={TABLE}"

    def clear(self):
        remove_database(self.path)

    def measure_raw_reads(self):
        """What the database itself takes to read the same rows."""
        return run.measured_by_itself([self.build / f"bin/bench_{self.name}_raw", self.path])

    def measure_raw(self):
        """The same, and what it takes to write them."""
        copy = f"{self.path}.raw"
        remove_database(copy)
        try:
            return run.measured_by_itself(
                [self.build / f"bin/bench_{self.name}_raw", self.path, copy])
        finally:
            remove_database(copy)

    def close(self):
        self.clear()


class Sqlite(InAFile):
    name = "sqlite"
    raw_insert, raw_scan = "bare prepared inserts", "stepping through the rows"
    look_up_options = ()

    def sizes(self):
        """Bytes by part."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            by_name = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
        rows, index = by_name["dl_add_files"], by_name["dl_add_files_key"]
        bodies = by_name["dl_table_versions"] + by_name["dl_body_parts"]
        return {"rows": rows, "indexes": index, "texts": bodies, "all": os.path.getsize(self.path)}


class Duckdb(InAFile):
    name = "duckdb"
    raw_insert, raw_scan = "bare appender", "streaming the rows"
    rss_mib_max = 1024  # DuckDB keeps what it wrote or read in memory, within a limit of its own
    look_up_options = ("--slow",)  # without an index

    def sizes(self):
        return {"all": os.path.getsize(self.path)}


class Postgres:
    """A server of its own, with the settings of tests/postgres_server.py and fsync as in
    production."""

    name = "postgres"
    raw_insert, raw_scan = "bare binary COPY", "draining binary COPY"
    rss_mib_max = run.RSS_MIB_MAX
    look_up_options = ()
    schemas = ("catalog", "empty")

    def __init__(self, build, _folder):
        self.build = build
        self.server = postgres_server.PostgresServer(fsync=True)
        self.wal_before = 0

    def uri(self, schema="catalog"):
        return self.server.uri(schema, TABLE)

    def sql(self, text):
        return self.server.sql(postgres_server.DATABASE, text).strip()

    def clear(self):
        for schema in self.schemas:
            self.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            self.sql(f"CREATE SCHEMA {schema}")
        self.sql("CHECKPOINT")
        self.wal_before = self.wal()

    def wal(self):
        return int(self.sql("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    def raw_command(self):
        connection = (f"host={self.server.host} port={self.server.port} "
                      f"user={postgres_server.USER} dbname={postgres_server.DATABASE}")
        return [self.build / "bin/bench_postgres_raw", connection, self.schemas[0]]

    def measure_raw_reads(self):
        return run.measured_by_itself(self.raw_command())

    def measure_raw(self):
        subprocess.run([self.build / "bin/deltalakedb", "init", self.server.uri(self.schemas[1])],
                       stdout=subprocess.DEVNULL, check=True)
        return run.measured_by_itself([*self.raw_command(), self.schemas[1]])

    def sizes(self):
        """After an import, before anything else was written."""
        wal = self.wal() - self.wal_before

        def ask(function, relation):
            return int(self.sql(f"SELECT {function}('catalog.{relation}')"))

        return {"rows": ask("pg_table_size", "dl_add_files"),
                "indexes": ask("pg_indexes_size", "dl_add_files"),
                "index by path": ask("pg_relation_size", "dl_add_files_pkey"),
                "index by partition": ask("pg_relation_size", "dl_add_files_partition_values"),
                "texts": ask("pg_total_relation_size", "dl_table_versions")
                + ask("pg_total_relation_size", "dl_body_parts"),
                "WAL": wal}

    def close(self):
        self.server.close()


DATABASES = {kind.name: kind for kind in (Sqlite, Postgres, Duckdb)}


def import_table(database, source, verification="none"):
    """Into a catalog that is not there yet; timed, with its report thrown away."""
    database.clear()
    return run.measured_from_outside([database.build / "bin/deltalakedb", "import", source,
                                      database.uri(), "--verify", verification, "--json"])
