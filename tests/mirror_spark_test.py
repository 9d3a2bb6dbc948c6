"""What Spark makes of mirrors, in one session: the rows of the originals at every version, from our
checkpoints alone, too; and tables to which Spark, delta-rs and the program write in turn. Spark is
what `tools/setup.sh --soak` puts into .deps/spark."""

import json
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from mirror_support import (TABLES, checkpoints, leave_checkpoint_alone, log_of, mirror_absolute,
                            mirror_beside, mirror_in_place)
from support import REPOSITORY, conformance_tables

SPARK = Path(os.environ.get("DELTALAKEDB_SPARK", REPOSITORY / ".deps" / "spark"))
VERSIONS_MAX = 3
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


class Spark:
    def __init__(self):
        self.process = subprocess.Popen(
            [SPARK / "venv" / "bin" / "python", REPOSITORY / "tests" / "spark_session.py",
             SPARK / "jars"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def read(self, folder, version=None):
        answer = self.ask(read=str(folder), version=version)
        assert "error" not in answer, answer
        return answer

    def rows(self, folder, version=None):
        return self.read(folder, version)["rows"]

    def run(self, statement):
        assert self.ask(sql=statement) == {}

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture(scope="module")
def spark():
    started = Spark()
    yield started
    started.close()


def write_table(spark, folder, properties):
    """A table that Spark writes, with files that are added, removed and changed."""
    given = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
    table = f"delta.`{folder}`"
    spark.run(f"CREATE TABLE {table} (id BIGINT, day DATE, price DECIMAL(9, 2), note STRING, "
              "at TIMESTAMP, inner STRUCT<x: INT, y: STRING>, tags ARRAY<STRING>) USING delta "
              "PARTITIONED BY (day)" + (f" TBLPROPERTIES ({given})" if given else ""))
    for day in range(1, 4):
        spark.run(f"INSERT INTO {table} SELECT id, DATE'2024-01-0{day}', id / 4, "
                  f"concat('é%', id), TIMESTAMP'2024-01-01 00:00:00.123456', "
                  f"named_struct('x', int(id), 'y', 'y'), array('a', string(id)) "
                  f"FROM range({day * 100}, {day * 100 + 20}, 1, 1)")
    spark.run(f"DELETE FROM {table} WHERE id % 5 = 0")
    spark.run(f"UPDATE {table} SET note = NULL WHERE id % 7 = 0")
    spark.run(f"INSERT INTO {table} (id, day) VALUES (-1, NULL)")


@pytest.fixture(scope="module", params=[*WRITTEN, *TABLES])
def original(request, spark, tmp_path_factory):
    """A folder with a table, its latest version, and the rows of some versions."""
    if request.param in WRITTEN:
        folder = tmp_path_factory.mktemp("written") / "t"
        write_table(spark, folder, WRITTEN[request.param])
    elif tables := conformance_tables.folder():
        folder = tables / "tables" / request.param
    else:
        # Where CI is set, their absence has failed the run already.
        pytest.skip("no conformance tables")
    latest = spark.read(folder)["version"]
    rows = {}
    for version in sorted({*range(0, latest, max(1, latest // VERSIONS_MAX)), latest}):
        answer = spark.ask(read=str(folder), version=version)
        if "error" not in answer:  # of earlier ones the data may be gone
            rows[version] = answer["rows"]
    assert latest in rows
    return folder, latest, rows


def leave_checkpoint(mirror):
    """Spark wants the commit of a checkpoint's version beside it."""
    return leave_checkpoint_alone(mirror.folder, with_its_commit=True)


def check(spark, folder, rows):
    for version, expected in rows.items():
        assert spark.rows(folder, version) == expected, version


def test_MirrorBeside_IsReadAsTheOriginal(spark, original, tmp_path):
    source, latest, rows = original
    mirror = mirror_beside(source, tmp_path / "t")
    check(spark, mirror.folder, rows)
    assert spark.read(mirror.folder)["version"] == latest
    mirror.check()


def test_MirrorWithAbsolutePaths_IsReadAsTheOriginal(spark, original, tmp_path):
    source, latest, rows = original
    mirror = mirror_absolute(source, tmp_path / "t")
    check(spark, mirror.folder, rows)
    mirror.make_checkpoint()
    assert leave_checkpoint(mirror) == latest + 1
    assert spark.rows(mirror.folder) == rows[latest]


def test_MirrorInPlace_IsReadBehindACheckpointOfOurs(spark, original, tmp_path):
    source, latest, rows = original
    mirror = mirror_in_place(source, tmp_path / "t")
    assert mirror.make_checkpoint() == latest + 1
    check(spark, mirror.folder, rows)
    assert spark.rows(mirror.folder) == rows[latest]
    mirror.check()
    leave_checkpoint(mirror)
    answer = spark.read(mirror.folder)
    assert (answer["rows"], answer["version"]) == (rows[latest], latest + 1)
    # And Spark goes on from there.
    spark.run(f"ALTER TABLE delta.`{mirror.folder}` SET TBLPROPERTIES ('owner' = 'spark')")
    assert mirror.sync()["commits"] == 1
    assert spark.rows(mirror.folder) == rows[latest]


def test_SidecarsOfOurs_AreWhatSparkReads(spark, tmp_path):
    write_table(spark, tmp_path / "source", WRITTEN["v2"])
    mirror = mirror_in_place(tmp_path / "source", tmp_path / "t")
    version = mirror.make_checkpoint()
    [top] = log_of(mirror.folder).glob(f"{version:020d}.checkpoint.*.parquet")
    sidecars = [row["sidecar"]["path"] for row in pq.read_table(top).to_pylist() if row["sidecar"]]
    assert sidecars
    expected = spark.read(mirror.folder)
    leave_checkpoint(mirror)
    assert spark.read(mirror.folder) == expected
    for sidecar in sidecars:
        (log_of(mirror.folder) / "_sidecars" / sidecar).unlink()
    assert "error" in spark.ask(read=str(mirror.folder))


def test_SparkAndDeltaRs_AppendInTurn(spark, tmp_path):
    source = tmp_path / "source"
    spark.run(f"CREATE TABLE delta.`{source}` (id BIGINT, note STRING) USING delta")
    spark.run(f"INSERT INTO delta.`{source}` VALUES (0, 'first')")
    mirror = mirror_in_place(source, tmp_path / "t")
    written = [{"id": 0, "note": "first"}]
    for number in range(1, 7):
        note = "Spark" if number % 2 else "delta-rs"
        if note == "Spark":
            spark.run(f"INSERT INTO delta.`{mirror.folder}` VALUES ({number}, '{note}')")
        else:
            write_deltalake(mirror.folder, pa.table({"id": pa.array([number], pa.int64()),
                                                     "note": [note]}), mode="append")
        assert mirror.sync()["commits"] == 1
        written.append({"id": number, "note": note})
        mirror.check()
    assert [json.loads(row) for row in spark.rows(mirror.folder)] == written
    version = mirror.make_checkpoint()
    assert version == 8 and version in checkpoints(mirror.folder)
    leave_checkpoint(mirror)
    assert [json.loads(row) for row in spark.rows(mirror.folder)] == written
