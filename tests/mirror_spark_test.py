"""What Spark makes of mirrors, in one session: the rows of the originals at every version, from our
checkpoints alone, too; and tables to which Spark, delta-rs and the program write in turn."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from create_support import actions_file
from mirror_support import (checkpoints, leave_checkpoint_alone, log_of, mirror_absolute,
                            mirror_beside, mirror_in_place)
from spark_support import ORIGINALS, WRITTEN, Spark, as_text, make_original, write_table
from support import add, run


@pytest.fixture(scope="module")
def spark():
    started = Spark()
    yield started
    started.close()


@pytest.fixture(scope="module", params=ORIGINALS)
def original(request, spark, tmp_path_factory):
    return make_original(request.param, spark, tmp_path_factory.mktemp("original") / "t")


def leave_checkpoint(mirror):
    """Spark wants the commit of a checkpoint's version beside it."""
    return leave_checkpoint_alone(mirror.folder, with_its_commit=True)


def test_MirrorBeside_IsReadAsTheOriginal(spark, original, tmp_path):
    mirror = mirror_beside(original.folder, tmp_path / "t")
    original.check(spark, mirror.folder)
    mirror.check()


def test_MirrorWithAbsolutePaths_IsReadAsTheOriginal(spark, original, tmp_path):
    mirror = mirror_absolute(original.folder, tmp_path / "t")
    original.check_latest(spark, mirror.folder, original.latest)
    mirror.make_checkpoint()
    assert leave_checkpoint(mirror) == original.latest + 1
    original.check_latest(spark, mirror.folder, original.latest + 1)


def test_MirrorInPlace_IsReadBehindACheckpointOfOurs(spark, original, tmp_path):
    mirror = mirror_in_place(original.folder, tmp_path / "t")
    assert mirror.make_checkpoint() == original.latest + 1
    original.check(spark, mirror.folder, original.latest + 1)
    mirror.check()
    leave_checkpoint(mirror)
    original.check_latest(spark, mirror.folder, original.latest + 1)
    # And Spark goes on from there.
    spark.run(f"ALTER TABLE delta.`{mirror.folder}` SET TBLPROPERTIES ('told.by' = 'Spark')")
    assert mirror.sync()["commits"] == 1
    original.check_latest(spark, mirror.folder, original.latest + 2)


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


# ---- several writers -----------------------------------------------------------------------------


class Notes:
    """A mirrored table that Spark made, and what has been appended to it."""

    def __init__(self, spark, tmp_path, mode):
        self.spark, self.tmp_path = spark, tmp_path
        source = tmp_path / "source"
        spark.run(f"CREATE TABLE delta.`{source}` (id BIGINT, note STRING) USING delta")
        spark.run(f"INSERT INTO delta.`{source}` VALUES (0, 'first')")
        self.mirror = mirror_in_place(source, tmp_path / "t", mode)
        self.folder = self.mirror.folder
        self.written = [{"id": 0, "note": "first"}]

    def append(self, writer):
        row = {"id": len(self.written), "note": writer}
        rows = pa.Table.from_pylist([row], schema=pa.schema([("id", pa.int64()),
                                                             ("note", pa.string())]))
        if writer == "Spark":
            self.spark.run(f"INSERT INTO delta.`{self.folder}` VALUES ({row['id']}, 'Spark')")
        elif writer == "delta-rs":
            write_deltalake(self.folder, rows, mode="append")
        else:
            path = self.folder / f"ours-{row['id']}.parquet"
            pq.write_table(rows, path)
            action = add(path.name, os.path.getsize(path), stats='{"numRecords":1}')
            run("commit", self.mirror.uri, "--actions", actions_file(self.tmp_path, action),
                "--json").object()
        self.written.append(row)

    def check(self):
        assert self.spark.read(self.folder)["rows"] == sorted(map(as_text, self.written))
        self.mirror.check()

    def check_checkpoint(self, version):
        assert self.mirror.make_checkpoint() == version
        assert version in checkpoints(self.folder)
        leave_checkpoint(self.mirror)
        self.check()


def test_SparkAndDeltaRs_AppendInTurn(spark, tmp_path):
    notes = Notes(spark, tmp_path, "exclusive")
    for number in range(6):
        notes.append(["Spark", "delta-rs"][number % 2])
        assert notes.mirror.sync()["commits"] == 1
        notes.mirror.check()
    notes.append("the program")
    notes.check()
    notes.check_checkpoint(9)


def test_SparkAndDeltaRsAndTheProgram_AppendInTurnToASharedTable(spark, tmp_path):
    """Nobody asks for a sync: each commit of ours takes in what came before it."""
    notes = Notes(spark, tmp_path, "shared")
    for writer in ["Spark", "delta-rs", "the program"] * 2:
        notes.append(writer)
    notes.check()
    notes.append("Spark")
    notes.check_checkpoint(9)
    notes.append("Spark")
    notes.append("the program")
    notes.check()
