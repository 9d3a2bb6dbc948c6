"""What delta-rs and DuckDB's own Delta reader make of mirrors: the rows that they read from the
original, at every version, and from our checkpoints when nothing else of the log is left."""

import os
import time
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from conftest import ConformanceTable
from create_support import ORDERS, actions_file, create, write_rows
from delta_readers import ask, delta_rs_rows, duckdb_rows, sorted_rows
from mirror_support import (TABLES, Mirror, checkpoints, leave_checkpoint_alone, mirror_beside,
                            mirror_in_place)
from support import conformance_tables, run

VERSIONS_MAX = 3


READERS = {"delta-rs": delta_rs_rows, "duckdb": duckdb_rows}
# The latest versions that a reader does not read, original or mirror, and its words.
REFUSED = {
    ("delta-golden/type-widening-nested", "delta-rs"): "TypeWideningPreview",
}


# ---- real tables ---------------------------------------------------------------------------------


def real_tables():
    """Those of the list, and in the long runs all that have data files."""
    folder = conformance_tables.folder()
    if not folder:
        return []
    found = [ConformanceTable(folder, file) for file in sorted((folder / "truth").glob("*.json"))]
    if os.environ.get("DELTALAKEDB_SOAK") != "1":
        return [table for table in found if table.name in TABLES]
    return [table for table in found if table.expect == "accept" and has_data(table.path)]


def has_data(folder):
    return any("_delta_log" not in path.relative_to(folder).parts
               for path in folder.rglob("*.parquet"))


class Original:
    """A table of the archive, and what the readers read from it, version by version."""

    def __init__(self, table):
        self.table, self.path, self.latest = table, table.path, table.replay["latest"]
        versions = sorted(map(int, table.replay["versions"]))
        step = max(1, len(versions) // VERSIONS_MAX)
        self.versions = sorted({*versions[::step], versions[-1]})
        self.rows = {}
        for reader in READERS:
            self.read(reader)

    def read(self, reader):
        for version in self.versions:
            rows, error = ask(READERS[reader], self.path, version)
            if error is None:
                self.rows[reader, version] = rows
            elif version == self.latest:  # of earlier ones the data may be gone
                words = REFUSED.get((self.table.name, reader))
                assert words and words in error, (reader, error)
        assert ((reader, self.latest) in self.rows) == ((self.table.name, reader) not in REFUSED)
        truth = self.table.version(self.latest)
        if truth["files_with_num_records"] == truth["num_files"] and self.latest_rows(reader):
            count = truth["num_records"] - truth["dv_cardinality"]
            assert len(self.latest_rows(reader)) == count

    def latest_rows(self, reader):
        return self.rows.get((reader, self.latest))

    def check(self, folder):
        """A mirror has the same rows, at every version."""
        for (reader, version), rows in self.rows.items():
            assert READERS[reader](folder, version) == rows, (reader, version)
        self.check_latest(folder)

    def check_latest(self, folder):
        for reader in READERS:
            if (reader, self.latest) in self.rows:
                assert READERS[reader](folder) == self.latest_rows(reader), reader


@pytest.fixture(params=real_tables(), ids=lambda table: table.name, scope="module")
def original(request):
    return Original(request.param)


def test_MirrorBeside_IsReadAsTheOriginal(original, tmp_path):
    mirror = mirror_beside(original.path, tmp_path / "t")
    original.check(mirror.folder)
    mirror.check()


def test_MirrorInPlace_IsReadBehindACheckpointOfOurs(original, tmp_path):
    mirror = mirror_in_place(original.path, tmp_path / "t")
    assert mirror.make_checkpoint() == original.latest + 1
    original.check(mirror.folder)
    mirror.check()
    assert leave_checkpoint_alone(mirror.folder) == original.latest + 1
    original.check_latest(mirror.folder)


def test_CheckpointThatAnImportBeginsWith_SaysAll(original, tmp_path):
    mirror = mirror_beside(original.path, tmp_path / "t", "--latest-only")
    original.check_latest(mirror.folder)
    if original.latest > 0:  # else the import begins with the commit itself
        assert leave_checkpoint_alone(mirror.folder) == original.latest
        original.check_latest(mirror.folder)


# ---- tables that the program makes ---------------------------------------------------------------

KINDS = {"classic": {}, "typed": {"delta.checkpoint.writeStatsAsStruct": "true",
                                  "delta.checkpoint.writeStatsAsJson": "false"},
         "v2": {"delta.checkpointPolicy": "v2", "delta.feature.v2Checkpoint": "supported"}}
# A partition value that has to be escaped in paths, and once more in the log.
DAYS = ["2024-01-01", "a b%20c=é"]


class Orders:
    """A table whose rows are known, version by version."""

    def __init__(self, place, columns, tmp_path, properties, *mirrored):
        self.place, self.tmp_path = place, tmp_path
        create(place, columns(ORDERS), "--partition-by", "day",
               **{"delta.checkpointInterval": "4", **properties})
        self.folder = Path(place.location())
        self.rows = {0: []}
        self.adds = []
        self.mirror = Mirror(place.uri(), self.folder)
        run("mirror", "add", place.uri(), "delta", *mirrored, "--json").object()

    def commit(self, action, rows):
        path = actions_file(self.tmp_path, action)
        done = run("commit", self.place.uri(), "--actions", path, "--json").object()
        self.rows[done["version"]] = rows

    def append(self, day):
        number = len(self.rows)
        # As paths of files are in logs: escaped like the folder that stands there.
        add = write_rows(self.place, quote(day), [number, number + 1000])
        add["add"].update(path=quote(add["add"]["path"], safe="/="), partitionValues={"day": day})
        self.adds.append(add["add"])
        added = [{"id": n, "day": day, "note": f"n{n}"} for n in (number, number + 1000)]
        self.commit(add, self.rows[max(self.rows)] + added)

    def remove(self):
        add = self.adds.pop(0)
        left = self.rows[max(self.rows)][2:]
        self.commit({"remove": {
            "path": add["path"], "dataChange": True, "extendedFileMetadata": True,
            "deletionTimestamp": int(time.time() * 1000), "size": add["size"],
            "partitionValues": add["partitionValues"]}}, left)

    def check(self, reader, folder, versions):
        for version in versions:
            expected = sorted_rows(pa.Table.from_pylist(self.rows[version], schema=ROWS))
            assert READERS[reader](folder, version) == expected, (reader, version)
        assert READERS[reader](folder) == sorted_rows(
            pa.Table.from_pylist(self.rows[max(self.rows)], schema=ROWS))


ROWS = pa.schema([("id", pa.int64()), ("day", pa.string()), ("note", pa.string())])


def grow(orders):
    """To version 9, with checkpoints at 4 and 8."""
    for day in [*DAYS, *DAYS, *DAYS]:
        orders.append(day)
    orders.remove()
    orders.remove()
    orders.append(DAYS[0])
    assert max(orders.rows) == 9 and checkpoints(orders.mirror.folder) == {4, 8}


@pytest.mark.parametrize("kind", KINDS)
def test_TableThatTheProgramMade_HasItsRowsAtEveryVersion(catalog, columns, tmp_path, kind):
    orders = Orders(catalog, columns, tmp_path, KINDS[kind])
    grow(orders)
    for reader in READERS:
        orders.check(reader, orders.folder, orders.rows)
    orders.mirror.check()
    # Of the commits only those behind the last checkpoint are needed.
    for version in range(8):
        (orders.folder / "_delta_log" / f"{version:020d}.json").unlink()
    for reader in READERS:
        orders.check(reader, orders.folder, [8, 9])


@pytest.mark.parametrize("kind", KINDS)
def test_MirrorApart_NamesTheFilesWhereTheyAre(catalog, columns, tmp_path, kind):
    orders = Orders(catalog, columns, tmp_path, KINDS[kind], "--to", tmp_path / "apart",
                    "--absolute-paths")
    orders.mirror.folder = tmp_path / "apart"
    grow(orders)
    orders.check("delta-rs", orders.mirror.folder, orders.rows)
    # DuckDB's reader looks for absolute paths, which the protocol allows, below the table's folder.
    rows, error = ask(duckdb_rows, orders.mirror.folder)
    assert rows is None and "apart/file:///" in error
    orders.mirror.check()
