"""What the tests with Spark and the Java kernel share: both as programs that answer questions, and
tables with what Spark reads from them. Both are in what `tools/setup.sh --soak` puts into
.deps/spark: Delta's jars for Spark bring the kernel's and Hadoop's."""

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from mirror_support import TABLES
from support import REPOSITORY, conformance_tables

SPARK = Path(os.environ.get("DELTALAKEDB_SPARK", REPOSITORY / ".deps" / "spark"))
# Beside the latest.
VERSIONS_MAX = 2
# What each table of Spark's is made with, beside a partition, a deletion and an update.
WRITTEN = {
    "plain": {},
    "deletion_vectors": {"delta.enableDeletionVectors": "true"},
    "column_mapping": {"delta.columnMapping.mode": "name"},
    "vectors_and_mapping": {"delta.enableDeletionVectors": "true",
                            "delta.columnMapping.mode": "id"},
    "typed_statistics": {"delta.checkpoint.writeStatsAsStruct": "true",
                         "delta.checkpoint.writeStatsAsJson": "false"},
    "v2": {"delta.checkpointPolicy": "v2", "delta.enableDeletionVectors": "true"},
    "v2_typed": {"delta.checkpointPolicy": "v2", "delta.columnMapping.mode": "name",
                 "delta.checkpoint.writeStatsAsJson": "false"},
    "in_commit_times": {"delta.enableInCommitTimestamps": "true"},
}
ORIGINALS = [*WRITTEN, *TABLES]


def as_text(row):
    """A row so that rows can be sorted, and compared by value."""
    return json.dumps(row, sort_keys=True, ensure_ascii=False,
                      default=lambda decimal: str(decimal.normalize()))


class Program:
    """Answers each line of JSON by another, as it takes long to start."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, encoding="utf-8")

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline(), parse_float=Decimal)

    def read(self, folder, version=None):
        """The rows, as text, and their version."""
        answer = self.ask(read=str(folder), version=version)
        assert "error" not in answer, answer
        return {**answer, "rows": sorted(map(as_text, answer["rows"]))}

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0


class Spark(Program):
    def __init__(self):
        super().__init__(SPARK / "venv" / "bin" / "python",
                         REPOSITORY / "tests" / "spark_session.py", SPARK / "jars")

    def run(self, statement):
        assert self.ask(sql=statement) == {}


class Kernel(Program):
    def __init__(self):
        super().__init__("java", "-XX:TieredStopAtLevel=1", "-cp", f"{SPARK / 'jars'}/*",
                         REPOSITORY / "tests" / "KernelRows.java")


def write_table(spark, folder, properties):
    """A table that Spark writes, with files that are added, removed and changed."""
    given = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
    table = f"delta.`{folder}`"
    spark.run(f"CREATE TABLE {table} (id BIGINT, day DATE, price DECIMAL(9, 2), note STRING, "
              "at TIMESTAMP, inner STRUCT<x: INT, y: STRING>, tags ARRAY<STRING>, "
              "levels MAP<STRING, DOUBLE>, content BINARY) USING delta "
              "PARTITIONED BY (day)" + (f" TBLPROPERTIES ({given})" if given else ""))
    for first in [100, 200]:
        spark.run(f"INSERT INTO {table} SELECT id, date_add(DATE'2024-01-01', int(id % 2)), "
                  "id / 4, concat('é%', id), TIMESTAMP'2024-01-01 00:00:00.123456', "
                  "named_struct('x', int(id), 'y', 'y'), array('a', string(id)), "
                  "map('half', id / 2D), encode(string(id), 'UTF-8') "
                  f"FROM range({first}, {first + 20}, 1, 1)")
    spark.run(f"DELETE FROM {table} WHERE id % 5 = 0")
    spark.run(f"UPDATE {table} SET note = NULL WHERE id % 7 = 0")
    spark.run(f"INSERT INTO {table} (id, day) VALUES (-1, NULL)")


class Original:
    """A table, and its rows at some versions as Spark reads them."""

    def __init__(self, spark, folder):
        self.folder = folder
        newest = spark.read(folder)
        self.latest, self.rows = newest["version"], {}
        for version in range(0, self.latest, max(1, -(-self.latest // VERSIONS_MAX))):
            answer = spark.ask(read=str(folder), version=version)
            if "error" not in answer:  # of earlier ones the data may be gone
                self.rows[version] = sorted(map(as_text, answer["rows"]))
        self.rows[self.latest] = newest["rows"]

    def check(self, reader, folder, latest=None):
        """The same at every version, the newest of which may be a later one with the same rows."""
        latest = self.latest if latest is None else latest
        for version, rows in self.rows.items():
            if version != latest:
                assert reader.read(folder, version)["rows"] == rows, version
        self.check_latest(reader, folder, latest)

    def check_latest(self, reader, folder, latest):
        answer = reader.read(folder)
        assert (answer["rows"], answer["version"]) == (self.rows[self.latest], latest)


def make_original(name, spark, folder):
    """One of ORIGINALS: written into the folder, or of the conformance tables."""
    if name in WRITTEN:
        write_table(spark, folder, WRITTEN[name])
        original = Original(spark, folder)
        assert len(original.rows[original.latest]) == 33
        return original
    tables = conformance_tables.folder()
    if not tables:
        # Where CI is set, their absence has failed the run already.
        pytest.skip("no conformance tables")
    return Original(spark, tables / "tables" / name)
