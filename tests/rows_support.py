"""What the tests of rows with other engines share: a table that the program writes, and what its
rows are at every version."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from create_support import create
from mirror_support import Mirror
from support import run
from type_matrix import MATRIX_ROWS, arrow_schema, arrow_table, matrix_rows

# What tables have that others have to read: deleted rows in vectors or not, columns under other
# names, ids of rows, checkpoints of either kind.
VECTORS = {"delta.enableDeletionVectors": "true"}
KINDS = {
    "plain": {},
    "vectors": VECTORS,
    "name": {"delta.columnMapping.mode": "name"},
    "id": {"delta.columnMapping.mode": "id", **VECTORS},
    "row_tracking": {"delta.enableRowTracking": "true", **VECTORS},
    "v2": {"delta.checkpointPolicy": "v2", **VECTORS},
    "all": {"delta.columnMapping.mode": "name", "delta.enableRowTracking": "true",
            "delta.checkpointPolicy": "v2", **VECTORS},
}


def write_parquet(path, table):
    pq.write_table(table, path)
    return path


def write_arrow(path, table):
    """In small batches, some of which are empty."""
    table = table.unify_dictionaries()
    empty = [batch.slice(0, 0) for batch in table.to_batches()[:1]]
    with pa.ipc.new_file(str(path), table.schema) as file:
        for batch in [*empty, *table.to_batches(max_chunksize=5), *empty]:
            file.write_batch(batch)
    return path


def scan(table, *options, folder):
    """The rows as the program gives them."""
    path = folder / f"scan-{random.getrandbits(64)}.arrow"
    run("scan", table, *options, "-o", path, "--json").object()
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def adds(folder, version):
    """The adds of a commit, their statistics being what its JSON says."""
    path = Path(folder) / "_delta_log" / f"{version:020d}.json"
    # Not splitlines(), which also cuts at characters within texts.
    lines = path.read_text(encoding="utf-8").split("\n")
    actions = [json.loads(line) for line in lines if line]
    return [action["add"] for action in actions if "add" in action]


class Story:
    """A table, and its rows at each version by a list of rows beside it. Their key is `id`."""

    def __init__(self, place, columns, root, table_columns, *options, **properties):
        self.place, self.root, self.columns = place, root, table_columns
        create(place, columns(table_columns), *options, **properties)
        self.folder = Path(place.location())
        self.versions = {0: []}
        if place.is_catalog:
            # Its log is what others read.
            run("mirror", "add", place.uri(), "delta", "--json").object()

    @property
    def rows(self):
        return self.versions[max(self.versions)]

    def file(self, rows, write=write_parquet):
        path = self.root / f"rows-{random.getrandbits(64)}.{write.__name__.split('_')[1]}"
        return write(path, rows if isinstance(rows, pa.Table) else arrow_table(rows, self.columns))

    def change(self, rows, *arguments):
        """Runs a command, after which the rows are these. Gives its report."""
        command, *others = arguments
        report = run(command, self.place.uri(), *others, "--json").object()
        assert report["changed"] and report["version"] == max(self.versions) + 1, report
        self.versions[report["version"]] = rows
        return report

    def append(self, rows, write=write_parquet):
        return self.change([*self.rows, *rows], "append", self.file(rows, write))

    def delete(self, condition, predicate):
        return self.change([row for row in self.rows if not predicate(row)],
                           "delete", "--where", condition)

    def update(self, condition, predicate, **values):
        """Sets columns to values given as pairs: SQL, and what it comes to."""
        new = {name: value for name, (_, value) in values.items()}
        words = [word for name, (sql, _) in values.items() for word in ("--set", f"{name} = {sql}")]
        return self.change([{**row, **new} if predicate(row) else row for row in self.rows],
                           "update", *words, "--where", condition)

    def merge(self, rows):
        replaced = {row["id"] for row in rows}
        return self.change([*(row for row in self.rows if row["id"] not in replaced), *rows],
                           "merge", self.file(rows), "--on", "id")

    def expected(self, version):
        return arrow_table(self.versions[version], self.columns)

    def publish(self):
        if self.place.is_catalog:
            mirror = Mirror(self.place.uri(), self.folder)
            assert mirror.publish() == max(self.versions)
            mirror.check()

    def schema(self):
        return arrow_schema(self.columns)


def tell_matrix(story):
    """All kinds of changes, of rows with values of every type."""
    count = MATRIX_ROWS
    story.append(matrix_rows(0))
    story.append(matrix_rows(count, 2 * count), write_arrow)
    story.delete("id % 5 = 0", lambda row: row["id"] % 5 == 0)
    story.update("id % 7 = 0", lambda row: row["id"] % 7 == 0,
                 string=("'é' || ''''", "é'"), integer=("NULL", None),
                 double=("'NaN'", float("nan")))
    # Once more for files that have deleted rows by now.
    story.delete("id % 3 = 1", lambda row: row["id"] % 3 == 1)
    story.merge(matrix_rows(count - 3, 6))
    story.append(matrix_rows(100, 2))
    story.change(story.rows, "optimize")
    return story
