"""DuckDB mirrors of tables that the tests write themselves: what views show of odd tables, and what
becomes of the file whatever happens to it."""

import datetime
import json
import random
import re
import signal
import struct
import subprocess
import time
import zlib
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duckdb_mirror_view_test import WORKER, differences, publish, table_id, view_rows, work
from support import REPOSITORY, TableLog, add, metadata, protocol, remove

FIELD_DEFAULTS = {"nullable": True, "metadata": {}}
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def field(name, type, **others):
    return {"name": name, "type": type, **FIELD_DEFAULTS, **others}


def schema(*fields):
    return json.dumps({"type": "struct", "fields": list(fields)})


ID = schema(field("id", "long"))


def mapped(name, type, number, physical):
    return field(name, type, metadata={"delta.columnMapping.id": number,
                                       "delta.columnMapping.physicalName": physical})


def write(table, name, columns, **how):
    path = table.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **how)
    return quote(name)


def write_ids(table, name, ids):
    return add(write(table, name, {"id": pa.array(ids, pa.int64())}))


def rows(file, sql):
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def ids(file, name="t"):
    return [row[0] for row in rows(file, f'SELECT id FROM "{name}" ORDER BY id')]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "mirror.duckdb"


@pytest.fixture
def numbers(table):
    """A table with three versions: 1 to 3, then 4 more, then without 1 and 2."""
    table.commit(0, protocol(), metadata(schema=ID), write_ids(table, "a", [1, 2]),
                 write_ids(table, "b", [3]))
    table.commit(1, write_ids(table, "c", [4]))
    table.commit(2, remove("a"))
    return table


# ---- what views show ---------------------------------------------------------------------------


def test_EachVersion_IsInTheFile(numbers, file):
    for version, expected in enumerate([[1, 2, 3], [1, 2, 3, 4], [3, 4]]):
        assert publish(file, numbers.folder, "t", version) == [str(version)]
        assert ids(file) == expected
        assert differences(file, numbers.folder, "t", version) == []
    assert rows(file, "SELECT version, num_added, num_removed FROM deltalakedb.versions "
                      "ORDER BY version") == [(0, 2, 0), (1, 1, 0), (2, 0, 1)]
    assert rows(file, "SELECT view_name, version FROM deltalakedb.tables") == [("t", 2)]


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[b]c", "it's", 'a "b"', "100%", "ä ö/ü", "a//b",
                                  "x=1/y=2/p", "http:%2F%2Fa", "a\\b", "{a,b}", "$1", "a;b"])
def test_OddPaths_AreReadForThemselves(table, file, name):
    decoys = ["aXb", "abc", "a"]
    table.commit(0, protocol(), metadata(schema=ID), write_ids(table, name, [1]))
    for decoy in decoys:
        write_ids(table, decoy + ".d/x", [7])
        pq.write_table(pa.table({"id": [7]}), table.folder / (decoy + "-"))
    pq.write_table(pa.table({"id": [7]}), table.folder / "aXb")
    publish(file, table.folder, "t")
    assert ids(file) == [1]


@pytest.mark.parametrize("name", ["t", 'a "b" c', "it's", "Größe", "select", "a.b", "{}", "x;y"])
def test_AnyName_IsAView(numbers, file, name):
    publish(file, numbers.folder, name)
    quoted = name.replace('"', '""')
    assert rows(file, f'SELECT count(*) FROM "{quoted}"') == [(2,)]


def test_PartitionValues_HaveTheirTypes(table, file):
    values = {"s": ("string", "it's"), "i": ("integer", "-7"), "l": ("long", "9007199254740993"),
              "sh": ("short", "3"), "by": ("byte", "-1"), "b": ("boolean", "TRUE"),
              "f": ("float", "1.5"), "d": ("double", "1E-3"), "dec": ("decimal(10,2)", "1.5"),
              "dt": ("date", "2024-02-29"), "ts": ("timestamp", "2024-01-02T03:04:05.000000Z"),
              "ntz": ("timestamp_ntz", "2024-01-02 03:04:05"), "bin": ("binary", "ab")}
    columns = [field(name, type) for name, (type, _) in values.items()]
    path = write(table, "p", {"id": [1]})
    empty = write(table, "q", {"id": [2]})
    table.commit(0, protocol(3, 7, readerFeatures=["timestampNtz"],
                             writerFeatures=["timestampNtz"]),
                 metadata(schema=schema(field("id", "long"), *columns),
                          partitionColumns=list(values)),
                 add(path, partitionValues={name: text for name, (_, text) in values.items()}),
                 add(empty, partitionValues={name: None if name == "i" else "" for name in values}))
    publish(file, table.folder, "t")
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5)
    for zone in ["UTC", "Asia/Tokyo"]:
        with duckdb.connect(str(file), read_only=True) as connection:
            connection.execute(f"SET TimeZone = '{zone}'")
            found = connection.execute("FROM t ORDER BY id").to_arrow_table().to_pylist()
        full, nothing = (tuple(row.values()) for row in found)
        assert [str(value) for value in full[:10]] == [
            "1", "it's", "-7", "9007199254740993", "3", "-1", "True", "1.5", "0.001", "1.50"]
        assert full[10] == datetime.date(2024, 2, 29)
        assert full[11] == moment.replace(tzinfo=datetime.timezone.utc)
        assert full[12:] == (moment, b"ab")
        assert nothing == (2, *[None] * len(values))
    assert rows(file, "SELECT id FROM t WHERE dt = DATE '2024-02-29'") == [(1,)]
    assert differences(file, table.folder, "t") == []


@pytest.mark.parametrize("mode", ["id", "name"])
def test_ColumnsThatAreMapped_HaveTheirNames(table, file, mode):
    inner = {"type": "struct", "fields": [mapped("new name", "long", 3, "p3"),
                                          mapped("added", "string", 4, "p4")]}
    value = pa.struct([pa.field("p3", pa.int32())])
    rows_of = [{"p3": 5}, None]
    fields = [pa.field("p1", pa.int64(), metadata={"PARQUET:field_id": "1"}),
              pa.field("p2", value, metadata={"PARQUET:field_id": "2"}),
              pa.field("p5", pa.list_(value), metadata={"PARQUET:field_id": "5"}),
              pa.field("p6", pa.map_(pa.string(), value), metadata={"PARQUET:field_id": "6"})]
    pq.write_table(pa.Table.from_arrays(
        [pa.array([1, 2], pa.int64()), pa.array(rows_of, value),
         pa.array([rows_of, None], pa.list_(value)),
         pa.array([[("k", {"p3": 6})], None], pa.map_(pa.string(), value))],
        schema=pa.schema(fields)), table.folder / "f")
    table.commit(0, protocol(2, 5), metadata(
        {"delta.columnMapping.mode": mode},
        schema=schema(mapped("a,b", "long", 1, "p1"), mapped("st", inner, 2, "p2"),
                      mapped("ar", {"type": "array", "elementType": inner, "containsNull": True},
                             5, "p5"),
                      mapped("mp", {"type": "map", "keyType": "string", "valueType": inner,
                                    "valueContainsNull": True}, 6, "p6"),
                      mapped("p1", "date", 7, "p7"))), add("f"))
    publish(file, table.folder, "t")
    five, six = ({"new name": number, "added": None} for number in (5, 6))
    assert rows(file, 'FROM t ORDER BY "a,b"') == [
        (1, five, [five, None], {"k": six}, None), (2, None, None, None, None)]


def test_TimestampsOfOldWriters_AreUtc(table, file):
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5, 678901)
    utc = moment.replace(tzinfo=datetime.timezone.utc)
    both = pa.struct([("x", pa.timestamp("us", "UTC"))])
    plain = {"ts": pa.array([utc], pa.timestamp("us", "UTC")),
             "st": pa.array([{"x": utc}], both), "ar": pa.array([[utc]])}
    local = {"ts": pa.array([moment], pa.timestamp("us")),
             "st": pa.array([{"x": moment}], pa.struct([("x", pa.timestamp("us"))])),
             "ar": pa.array([[moment]], pa.list_(pa.timestamp("us")))}
    paths = [write(table, "plain", plain), write(table, "local", local),
             write(table, "int96", plain, use_deprecated_int96_timestamps=True)]
    struct_type = {"type": "struct", "fields": [field("x", "timestamp")]}
    array_type = {"type": "array", "elementType": "timestamp", "containsNull": True}
    table.commit(0, protocol(), metadata(schema=schema(
        field("ts", "timestamp"), field("st", struct_type), field("ar", array_type))),
        *map(add, paths))
    publish(file, table.folder, "t")
    for zone in ["UTC", "America/New_York"]:
        with duckdb.connect(str(file), read_only=True) as connection:
            connection.execute(f"SET TimeZone = '{zone}'")
            found = connection.execute("FROM t").to_arrow_table().to_pylist()
        assert found == [{"ts": utc, "st": {"x": utc}, "ar": [utc]}] * 3


def test_SchemaThatGrew_IsNullInOldFilesAndWiderInAll(table, file):
    old = write(table, "old", {"id": pa.array([1], pa.int32()), "gone": ["x"]})
    new = write(table, "new", {"id": pa.array([2 ** 40], pa.int64()), "more": [[1.5]]})
    table.commit(0, protocol(), metadata(schema=schema(field("id", "integer"),
                                                       field("gone", "string"))), add(old))
    publish(file, table.folder, "t")
    assert rows(file, "FROM t") == [(1, "x")]
    array_type = {"type": "array", "elementType": "double", "containsNull": True}
    table.commit(1, metadata(schema=schema(field("id", "long"), field("more", array_type))),
                 add(new))
    publish(file, table.folder, "t")
    assert rows(file, "FROM t ORDER BY id") == [(1, None), (2 ** 40, [1.5])]


def z85(data):
    data += b"\0" * (-len(data) % 4)
    text = ""
    for (number,) in struct.iter_unpack(">I", data):
        text += "".join(Z85[number // 85 ** power % 85] for power in (4, 3, 2, 1, 0))
    return text


def bitmap(positions):
    """One 32-bit bitmap with one container: of rows, or of bits where there are many."""
    last = struct.pack("<HH", 0, len(positions) - 1)
    if len(positions) > 4096:
        bits = bytearray(8192)
        for position in positions:
            bits[position // 8] |= 1 << position % 8
    else:
        bits = b"".join(struct.pack("<H", position) for position in positions)
    return (struct.pack("<IQI", 1681511377, 1, 0) + struct.pack("<II", 12346, 1) + last +
            struct.pack("<I", 16) + bytes(bits))


def stored_vector(path, data):
    path.write_bytes(b"\x01" + struct.pack(">I", len(data)) + data +
                     struct.pack(">I", zlib.crc32(data)))


@pytest.mark.parametrize("kind", ["inline", "absolute"])
@pytest.mark.parametrize("positions", [[0], [1, 3, 9], list(range(5, 6000))],
                         ids=["one", "some", "many"])
def test_DeletedRows_AreLeftOut(table, file, kind, positions):
    data = bitmap(positions)
    vector = {"storageType": "i", "pathOrInlineDv": z85(data), "sizeInBytes": len(data),
              "cardinality": len(positions)}
    if kind == "absolute":
        path = table.folder / "elsewhere é.bin"
        stored_vector(path, data)
        vector |= {"storageType": "p", "pathOrInlineDv": "file://" + quote(str(path)), "offset": 1}
    whole = write_ids(table, "f", range(7000))
    table.commit(0, protocol(3, 7, readerFeatures=["deletionVectors"],
                             writerFeatures=["deletionVectors"]), metadata(schema=ID), whole)
    publish(file, table.folder, "t")
    assert ids(file) == list(range(7000))
    table.commit(1, remove("f"), add("f", deletionVector=vector))
    publish(file, table.folder, "t")
    assert ids(file) == sorted(set(range(7000)) - set(positions))
    assert differences(file, table.folder, "t") == []
    table.commit(2, remove("f", deletionVector=vector), add("f"))
    publish(file, table.folder, "t")
    assert ids(file) == list(range(7000))
    assert rows(file, "SELECT count(*) FROM deltalakedb.deleted_rows") == [(0,)]


def test_DamagedVector_IsAnErrorAndChangesNothing(table, file):
    data = bitmap([1, 2])
    path = table.folder / "v.bin"
    stored_vector(path, data)
    vector = {"storageType": "p", "pathOrInlineDv": f"file://{path}", "offset": 1,
              "sizeInBytes": len(data), "cardinality": 2}
    table.commit(0, protocol(3, 7, readerFeatures=["deletionVectors"],
                             writerFeatures=["deletionVectors"]), metadata(schema=ID),
                 write_ids(table, "f", [1, 2, 3]))
    publish(file, table.folder, "t")
    table.commit(1, remove("f"), add("f", deletionVector=vector))
    whole = path.read_bytes()
    for damaged in [whole[:-1], whole[:9] + b"\xff" + whole[10:], whole[:-1] + b"\0", b""]:
        path.write_bytes(damaged)
        done = work("publish", file, table.folder, "t")
        assert done.returncode == 1 and done.stderr.startswith("Corrupt: "), done
        assert ids(file) == [1, 2, 3]


def test_TableWithoutFiles_IsAnEmptyView(table, file):
    table.commit(0, protocol(), metadata(schema=ID), write_ids(table, "f", [1]))
    table.commit(1, remove("f"))
    for version, expected in [(0, [1]), (1, [])]:
        publish(file, table.folder, "t", version)
        assert ids(file) == expected


def test_ManyFiles_AreInSeveralParts(table, file):
    adds = [write_ids(table, f"f{number}", [number]) for number in range(600)]
    table.commit(0, protocol(), metadata(schema=ID), *adds)
    table.commit(1, *(remove(f"f{number}") for number in range(600) if number % 300))
    table.commit(2, *(write_ids(table, f"g{number}", [number]) for number in range(600, 900)))
    for version, expected in [(0, list(range(600))), (1, [0, 300]),
                              (2, [0, 300, *range(600, 900)])]:
        publish(file, table.folder, "t", version)
        assert ids(file) == expected
        assert differences(file, table.folder, "t", version) == []


def test_AttachedFile_IsReadAsWell(numbers, file):
    publish(file, numbers.folder, "t")
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS m (READ_ONLY)")
        assert connection.execute("SELECT id FROM m.t ORDER BY id").fetchall() == [(3,), (4,)]


def test_Guide_AsksWhatIsThere(numbers, file):
    publish(file, numbers.folder, "orders")
    guide = (REPOSITORY / "docs" / "mirror-duckdb.md").read_text(encoding="utf-8")
    statements = [statement for block in re.findall(r"```sql\n(.*?)```", guide, re.DOTALL)
                  for statement in block.split(";") if statement.strip()]
    assert len(statements) == 3
    with duckdb.connect(str(file), read_only=True) as connection:
        tables, versions, files = (connection.execute(statement).to_arrow_table().to_pylist()
                                   for statement in statements)
    assert [(row["view_name"], row["version"]) for row in tables] == [("orders", 2)]
    assert [row["version"] for row in versions] == [2, 1, 0]
    assert sorted(Path(row["path"]).name for row in files) == ["b", "c"]


# ---- the file ------------------------------------------------------------------------------------


def test_SeveralTables_ShareAFile(numbers, file, tmp_path):
    other = TableLog(tmp_path / "other")
    other.commit(0, protocol(), metadata(schema=ID), write_ids(other, "a", [9]))
    publish(file, numbers.folder, "t")
    publish(file, other.folder, "o")
    assert (ids(file), ids(file, "o")) == ([3, 4], [9])
    assert differences(file, numbers.folder, "t") == differences(file, other.folder, "o") == []
    # A name is taken whatever the case of its letters, and nothing is overwritten.
    for name in ["t", "T"]:
        done = work("publish", file, other.folder, name)
        assert done.returncode == 1 and done.stderr.startswith("Conflict: "), done
        assert (ids(file), ids(file, "o")) == ([3, 4], [9])


def test_RenamedTable_HasItsViewRenamed(numbers, file):
    publish(file, numbers.folder, "t")
    for name in ["other", "Other"]:
        assert differences(file, numbers.folder, name) != []
        publish(file, numbers.folder, name)
        assert rows(file, "SELECT view_name FROM duckdb_views() WHERE NOT internal") == [(name,)]
        assert differences(file, numbers.folder, name) == []


def test_LostViewOrFile_IsMadeAnew(numbers, file):
    publish(file, numbers.folder, "t")
    with duckdb.connect(str(file)) as connection:
        connection.execute("DROP VIEW t")
    assert differences(file, numbers.folder, "t") == ["tables: no view t"]
    publish(file, numbers.folder, "t")
    assert ids(file) == [3, 4]
    file.unlink()
    assert differences(file, numbers.folder, "t") == [f"{file}: there is no such file"]
    publish(file, numbers.folder, "t")
    assert ids(file) == [3, 4]


@pytest.mark.parametrize("content", ["text", "database"])
def test_SomebodyElsesFile_IsLeftAlone(numbers, file, content):
    if content == "text":
        file.write_text("not a database" * 1000)
    else:
        with duckdb.connect(str(file)) as connection:
            connection.execute("CREATE TABLE mine AS SELECT 1 AS x")
    before = file.read_bytes()
    done = work("publish", file, numbers.folder, "t")
    assert done.returncode == 1 and done.stderr.startswith("Conflict: "), done
    assert file.read_bytes() == before


def test_FileThatAnotherProcessHas_IsBusy(numbers, file):
    publish(file, numbers.folder, "t", 0)
    with duckdb.connect(str(file)):
        done = work("publish", file, numbers.folder, "t")
        assert done.returncode == 1 and done.stderr.startswith("Busy: "), done
    assert ids(file) == [1, 2, 3]
    publish(file, numbers.folder, "t")
    assert ids(file) == [3, 4]


def test_OlderPublisher_ChangesNothing(numbers, file):
    publish(file, numbers.folder, "t", 2)
    assert publish(file, numbers.folder, "t", 1) == ["1"]
    assert ids(file) == [3, 4]


def test_OtherHistory_IsAConflict(numbers, file):
    publish(file, numbers.folder, "t", 1)
    numbers.set_time(numbers.path(1), 1_800_000_000_000)
    done = work("publish", file, numbers.folder, "t")
    assert done.returncode == 1 and done.stderr.startswith("Conflict: "), done
    assert ids(file) == [1, 2, 3, 4]


@pytest.mark.parametrize("change, told", [
    ("DELETE FROM deltalakedb.files WHERE path LIKE '%/b'", "files: the mirror lacks"),
    ("UPDATE deltalakedb.files SET size = 1", "files: the mirror tells something else"),
    ("UPDATE deltalakedb.versions SET num_added = 9", "versions: the mirror tells something else"),
    ("DELETE FROM deltalakedb.versions WHERE version = 1", "versions: the mirror lacks it"),
    ("INSERT INTO deltalakedb.deleted_rows SELECT file_id, 0 FROM deltalakedb.files",
     "deleted_rows: 2 files"),
    ("UPDATE deltalakedb.tables SET version = 1", "tables: the mirror is at this version"),
])
def test_WhatSomebodyChanged_IsTold(numbers, file, change, told):
    publish(file, numbers.folder, "t")
    with duckdb.connect(str(file)) as connection:
        connection.execute(change)
    found = differences(file, numbers.folder, "t")
    assert found and any(each.startswith(told) for each in found), found


def test_KilledPublisher_LeavesAVersionThatWasThere(table, file):
    versions, rng = 40, random.Random(7)
    table.commit(0, protocol(), metadata(schema=ID), write_ids(table, "f0", [0]))
    for version in range(1, versions):
        table.commit(version, remove(f"f{version - 1}"),
                     write_ids(table, f"f{version}", [version] * 3))
    reached, wait_max = -1, 0.1
    while reached < versions - 1:
        process = subprocess.Popen(
            [WORKER, "publish", file, table.folder, "t", table_id(str(table.folder)),
             str(min(versions - 1, reached + 3))], stdout=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, wait_max))
        wait_max *= 1.1  # on a slow machine it has to come to something as well
        process.send_signal(signal.SIGKILL)
        process.wait()
        if not file.exists() or file.stat().st_size == 0:
            continue
        with duckdb.connect(str(file)) as connection:
            if not connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone()[0]:
                continue
            there = connection.execute("SELECT version FROM deltalakedb.tables").fetchone()[0]
            found = {row[0] for row in connection.execute("SELECT id FROM t").fetchall()}
        assert found == {there} and there >= reached
        if there > reached:
            reached, wait_max = there, 0.1
    assert differences(file, table.folder, "t") == []
