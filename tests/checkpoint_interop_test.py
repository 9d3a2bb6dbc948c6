"""What delta-rs makes of our checkpoints of every kind, when nothing else of the log is left: the
same state, statistics and rows as of the commits. The checkpoints are written by
$DELTALAKEDB_WRITE_CHECKPOINT, tests/write_checkpoint.cc."""

import datetime
import json
import os
import subprocess
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake

WRITE_CHECKPOINT = os.environ["DELTALAKEDB_WRITE_CHECKPOINT"]
UTC = datetime.timezone.utc
KINDS = {
    "classic": {},
    "v2": {"delta.checkpointPolicy": "v2"},
    "classic_struct_only": {"delta.checkpoint.writeStatsAsJson": "false"},
    "v2_struct_only": {"delta.checkpointPolicy": "v2",
                       "delta.checkpoint.writeStatsAsJson": "false"},
    "classic_json_only": {"delta.checkpoint.writeStatsAsStruct": "false"},
}


def batch(day, start):
    """Ten rows of one day, of every type that has bounds."""
    numbers = range(start, start + 10)
    times = [datetime.datetime(2024, 1, day, 12, n % 60, 1, 500_000) for n in numbers]
    return pa.table({
        "day": pa.array([datetime.date(2024, 1, day)] * 10, pa.date32()),
        "long": pa.array(numbers, pa.int64()),
        "byte": pa.array([n % 100 for n in numbers], pa.int8()),
        "short": pa.array(numbers, pa.int16()),
        "float": pa.array([n / 10 for n in numbers], pa.float32()),
        "double": pa.array([None if n % 2 else n / 3 for n in numbers], pa.float64()),
        "price": pa.array([Decimal(n) / 100 for n in numbers], pa.decimal128(9, 2)),
        "flag": pa.array([n % 2 == 0 for n in numbers]),
        "text": pa.array([f"n{n:04}é" for n in numbers]),
        "raw": pa.array([bytes([n % 256]) for n in numbers], pa.binary()),
        "at": pa.array([time.replace(tzinfo=UTC) for time in times], pa.timestamp("us", "UTC")),
        "inner": pa.array([{"x": n, "y": f"y{n}", "z": [n]} for n in numbers],
                          pa.struct([("x", pa.int32()), ("y", pa.string()),
                                     ("z", pa.list_(pa.int64()))])),
    })


def set_up(folder, properties):
    """A table of three days with these properties, of which one file is removed."""
    for day in range(1, 4):
        write_deltalake(folder, batch(day, day * 100), mode="append", partition_by=["day"])
    DeltaTable(folder).delete("day = '2024-01-02' AND long < 205")
    first = folder / "_delta_log" / f"{0:020d}.json"
    actions = [json.loads(line) for line in first.read_text(encoding="utf-8").splitlines()]
    for action in actions:
        if "metaData" in action:
            action["metaData"]["configuration"].update(properties)
        if "protocol" in action and "delta.checkpointPolicy" in properties:
            action["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7,
                                  "readerFeatures": ["v2Checkpoint"],
                                  "writerFeatures": ["v2Checkpoint"]}
    first.write_text("".join(json.dumps(action) + "\n" for action in actions), encoding="utf-8")
    return DeltaTable(folder).version()


def query(folder, condition="TRUE"):
    table = QueryBuilder().register("t", DeltaTable(folder)).execute(
        f"SELECT * FROM t WHERE {condition}").read_all()
    return sorted(map(str, pa.table(table).to_pylist()))


def state(folder):
    table = DeltaTable(folder)
    return {"version": table.version(), "id": table.metadata().id,
            "schema": table.schema().to_json(), "protocol": str(table.protocol()),
            "configuration": table.metadata().configuration, "files": sorted(table.file_uris())}


def statistics(folder, without=()):
    adds = pa.table(DeltaTable(folder).get_add_actions(flatten=True))
    return sorted(map(str, adds.drop_columns(without).to_pylist()))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def test_CheckpointAlone_IsReadByDeltaRsAsTheCommits(tmp_path, kind):
    folder = tmp_path / "t"
    latest = set_up(folder, KINDS[kind])
    conditions = ["TRUE", "long = 105", "text > 'n0300'", "price < 1.05", "inner['x'] = 301",
                  "day = '2024-01-02'", "at < '2024-01-02T00:00:00Z'", "double IS NULL",
                  "NOT flag AND byte = 3"]
    expected_rows = {condition: query(folder, condition) for condition in conditions}
    assert len(expected_rows["TRUE"]) == 25 and all(expected_rows.values())
    # delta-rs looks for no bounds of booleans among typed statistics.
    unread = ["min.flag", "max.flag"] if "struct_only" in kind else []
    expected_state, expected_statistics = state(folder), statistics(folder, unread)
    name = subprocess.run([WRITE_CHECKPOINT, folder, str(latest)], check=True,
                          capture_output=True, text=True).stdout.strip()
    log = folder / "_delta_log"
    assert ("v2" in kind) == (log / "_sidecars").exists() == (name.count(".") == 3)
    for commit in log.glob("*.json"):
        commit.unlink()
    assert state(folder) == expected_state
    for condition, rows in expected_rows.items():
        assert query(folder, condition) == rows, condition
    assert statistics(folder, unread) == expected_statistics


def test_TypedColumns_AreThoseOfTheTable(tmp_path):
    folder = tmp_path / "t"
    latest = set_up(folder, {})
    name = subprocess.run([WRITE_CHECKPOINT, folder, str(latest)], check=True,
                          capture_output=True, text=True).stdout.strip()
    adds = pq.read_table(folder / "_delta_log" / name).column("add").to_pylist()
    add = next(add for add in adds if add and "2024-01-03" in add["path"])
    assert add["partitionValues_parsed"] == {"day": datetime.date(2024, 1, 3)}
    stats = add["stats_parsed"]
    told = json.loads(add["stats"])
    assert stats["numRecords"] == told["numRecords"] == 10
    assert stats["minValues"]["long"] == 300 and stats["maxValues"]["long"] == 309
    assert stats["minValues"]["price"] == Decimal("3.00")
    assert stats["minValues"]["text"] == told["minValues"]["text"]
    assert stats["minValues"]["inner"]["x"] == 300
    assert stats["nullCount"]["double"] == 5
    assert "day" not in stats["nullCount"] and "raw" not in stats["minValues"]
