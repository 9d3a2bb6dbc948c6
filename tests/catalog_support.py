"""What the tests of catalogs share: a catalog in a file, and a table with a past."""

import contextlib
import ctypes
import hashlib
import os
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from support import DONE, PROGRAM, run

# Exit statuses beside those of support.py (CLI.md).
ANSWER_IS_NO, CONFLICT = 1, 6

STATE_COMMANDS = ["snapshot", "files", "schema", "protocol", "properties"]


class Catalog:
    """An SQLite file that is or is to be a catalog."""

    kind = "sqlite"

    def __init__(self, path):
        self.path = Path(path)
        self.uri = f"deltasql://sqlite/{self.path}"

    def table(self, name):
        return f"{self.uri}?table={quote(name, safe='')}"

    def take_in(self, source, name="flights", *options):
        """Imports a table and gives the report."""
        return run("import", source, self.table(name), *options, "--json").object()

    def sql(self, statement, *values):
        """Runs a statement of the test's own and gives its rows."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def left(self):
        """What there is of the database: a hash of every file in its folder."""
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                for file in self.path.parent.iterdir() if file.is_file()
                and not (file.name.endswith(("-wal", "-shm")) and file.stat().st_size == 0)}

    def names(self):
        return [table["name"] for table in run("tables", self.uri, "--json").lines()]


class DuckDbCatalog(Catalog):
    """The same of DuckDB, which only the program looks into here."""

    kind = "duckdb"

    def __init__(self, path):
        super().__init__(path)
        self.uri = f"deltasql://duckdb/{self.path}"

    def sql(self, statement, *values):
        pytest.skip("statements of a test's own are SQLite's")


# By the names of tests.
CATALOGS = {"sqlite": Catalog, "duckdb": DuckDbCatalog}


def flights(months, cancelled=0):
    """Some flights of these months."""
    return pa.table({
        "month": pa.array([month for month in months for _ in range(10)], pa.int64()),
        "flight": pa.array([f"UA {month}{n}" for month in months for n in range(10)]),
        "delay": pa.array([None if n < cancelled else n for _ in months for n in range(10)],
                          pa.int64())})


class Flights:
    """A table that delta-rs writes, with a partition, an overwrite, and an application's txn."""

    def __init__(self, folder):
        self.folder = Path(folder)
        write_deltalake(folder, flights([1, 2, 3]), partition_by=["month"],
                        configuration={"delta.logRetentionDuration": "interval 90 days"})
        self.append(4, app_version=7)
        write_deltalake(folder, flights([2], cancelled=3), mode="overwrite",
                        predicate="month = 2")

    def append(self, month, app_version=None):
        transactions = [Transaction("loader", app_version)] if app_version else None
        write_deltalake(self.folder, flights([month]), mode="append",
                        commit_properties=CommitProperties(app_transactions=transactions))

    def latest(self):
        return DeltaTable(self.folder).version()

    def commit_path(self, version):
        return self.folder / "_delta_log" / f"{version:020d}.json"


def answers(uri, *arguments):
    """What every command that shows a version says of it."""
    return {command: run(command, uri, *arguments, "--json").lines()
            for command in STATE_COMMANDS}


def history(uri, *arguments):
    """The history without the commit ids, which a catalog makes where the log has none."""
    entries = run("history", uri, *arguments, "--json").lines()
    return [{name: value for name, value in entry.items() if name != "commitId"}
            for entry in entries]


def same_answers(source, uri, versions):
    """The catalog answers as the folder does, version by version."""
    for version in versions:
        assert answers(uri, "--version", version) == answers(source, "--version", version)
    assert answers(uri) == answers(source)
    assert history(uri) == history(source)


def import_program():
    return Path(PROGRAM).with_name("deltalakedb-import")


# ---- circumstances -------------------------------------------------------------------------------

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def obey_permissions():
    """For preexec_fn: has files' permissions count for root too, as they do for everybody."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in [CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH]:
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "cannot drop a capability")


@contextlib.contextmanager
def small_disk(folder, kibibytes):
    """A file system with so much room at `folder`; nothing where mounting is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", folder],
                             capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


__all__ = ["ANSWER_IS_NO", "CATALOGS", "CONFLICT", "DONE", "Catalog", "Flights", "STATE_COMMANDS",
           "answers", "history", "import_program", "obey_permissions", "same_answers", "small_disk"]
