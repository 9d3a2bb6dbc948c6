"""What delta-rs and DuckDB's own Delta reader make of rows that the program writes: what it was
given, at every version, from a folder and from a catalog's mirror; and what the program makes of
rows that delta-rs writes into the same tables."""

import datetime
import decimal
import json
import math

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from conftest import IS_SAMPLED
from create_support import Place, field, schema
from delta_readers import delta_rs_rows, duckdb_rows, sorted_rows
from mirror_support import checkpoints
from rows_support import KINDS, VECTORS, Story, adds, scan, tell_matrix, write_arrow, write_parquet
from support import USAGE, refused, run
from type_matrix import (MATRIX, ODD_TEXTS, PARTITIONS, arrow_table, array, map_of, matrix_rows,
                         partition_rows, struct)

READERS = {"delta-rs": delta_rs_rows, "duckdb": duckdb_rows}


@pytest.fixture(params=["folder", "sqlite"])
def place(request, tmp_path):
    """A folder, or a catalog with a mirror, which others read."""
    return Place(request.param, tmp_path, None)


def check(story, versions=None):
    """Everybody reads the rows that there have to be."""
    story.publish()
    for version in story.versions if versions is None else versions:
        expected = sorted_rows(story.expected(version))
        rows = scan(story.place.uri(), "--version", version, folder=story.root)
        assert rows.schema.equals(story.schema())
        assert sorted_rows(rows) == expected, version
        for reader, read in READERS.items():
            assert read(story.folder, version) == expected, (reader, version)


# ---- rows of ours --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, where", [
    *((kind, "sqlite") for kind in (["v2", "all"] if IS_SAMPLED else KINDS)),
    ("plain", "folder"), ("all", "folder")])
def test_ValuesOfEveryType_AreReadByOthersAtEveryVersion(columns, tmp_path, kind, where):
    place = Place(where, tmp_path, None)
    story = tell_matrix(Story(place, columns, tmp_path, MATRIX, **KINDS[kind],
                              **{"delta.checkpointInterval": "4"}))
    assert len(story.versions) == 9 and story.rows
    check(story)
    if place.is_catalog:
        assert checkpoints(story.folder) == {4, 8}
    # The delete of version 3 marks rows, so that bounds may be wider than what is left.
    marked = [json.loads(add["stats"]) for add in adds(story.folder, 3) if "deletionVector" in add]
    assert bool(marked) == (kind not in ("plain", "name"))
    assert not any(stats["tightBounds"] for stats in marked)
    tracked = ["baseRowId" in add for add in adds(story.folder, 3)]
    assert tracked == [kind in ("row_tracking", "all")] * len(tracked)


def test_TableWithoutRows_IsReadAsEmpty(place, columns, tmp_path):
    story = Story(place, columns, tmp_path, MATRIX)
    for write in [write_parquet, write_arrow]:
        report = run("append", place.uri(), story.file([], write), "--json").object()
        if report["changed"]:
            story.versions[report["version"]] = []
    check(story)
    story.append(matrix_rows(0))
    story.change([], "delete", "--all")
    check(story)


def test_RowsOfOtherArrowTypes_AreWrittenAsTheTables(place, columns, tmp_path):
    story = Story(place, columns, tmp_path, schema(
        field("id", "long"), field("word", "string"), field("large", "string"),
        field("view", "string"), field("bytes", "binary"), field("ns", "timestamp_ntz"),
        field("s", "timestamp"), field("zone", "timestamp"), field("small", "decimal(10,2)"),
        field("three", array("integer")), field("many", array("string")), field("ms", "date"),
        field("unsigned", "long"), field("half", "float")))
    time = datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    expected = [{"id": 1, "word": "é", "large": "l", "view": "v", "bytes": b"\xff", "ns": time,
                 "s": moment, "zone": moment, "small": decimal.Decimal("-1.50"),
                 "three": [1, None, 3], "many": ["a"], "ms": moment.date(), "unsigned": 2**32 - 1,
                 "half": 1.5},
                {name: None for name in story.schema().names}]
    kinds = [pa.int32(), pa.dictionary(pa.int8(), pa.string()), pa.large_string(),
             pa.string_view(), pa.large_binary(), pa.timestamp("ns"), pa.timestamp("s", "UTC"),
             pa.timestamp("ms", "Europe/Berlin"), pa.decimal64(10, 2), pa.list_(pa.int32(), 3),
             pa.large_list(pa.large_string()), pa.date64(), pa.uint32(), pa.float16()]
    given = pa.table([pa.array([row[name] for row in expected], kind)
                      for name, kind in zip(story.schema().names, kinds)],
                     story.schema().names)
    story.change(expected, "append", story.file(given, write_arrow))
    check(story)


def test_OddColumnNames_AreReadUnderTheirNames(place, columns, tmp_path):
    names = ["a b", "a.b", "{,;}()\n\t=", "é😀", "\"q\" `r`", "%41", "x" * 200]
    story = Story(place, columns, tmp_path, schema(
        field("p ü/%", "string"), field("id", "long"), *(field(name, "string") for name in names),
        field("nested", struct(**{name: "integer" for name in names}))),
        "--partition-by", "p ü/%", **{"delta.columnMapping.mode": "name"}, **VECTORS)
    rows = [{"id": number, "p ü/%": f"{number % 2}", **{name: name for name in names},
             "nested": {name: number for name in names}} for number in range(4)]
    story.append(rows)
    story.delete("id = 1", lambda row: row["id"] == 1)
    check(story)


def test_ColumnsThatCameLater_AreNullInEarlierRows(place, columns, tmp_path):
    first = schema(field("id", "long"), field("inner", struct(a="integer")))
    story = Story(place, columns, tmp_path, first)
    story.append([{"id": 1, "inner": {"a": 1}}])
    check(story)
    story.columns = schema(*first["fields"], field("late", map_of("string", "date")))
    later = {"id": 2, "inner": None, "late": [("k", None)]}
    story.change([*story.rows, later], "append", "--schema", "merge", story.file([later]))
    check(story, [2])


# ---- partitions ----------------------------------------------------------------------------------

# Values that no partition tells apart: of texts without characters a log says null, and zero has
# one sign, as for SQL's `=`.
SAME_PARTITION = {"": None, b"": None, 0.0: 0.0}


def in_partition(value):
    return SAME_PARTITION.get(value, value) if isinstance(value, (str, bytes, float)) else value


@pytest.mark.parametrize("kind, mapping", [
    *((kind, "none") for kind in PARTITIONS if not IS_SAMPLED or kind == "double"),
    *((kind, "name") for kind in ["string", "binary", "decimal(38,18)", "timestamp"])])
def test_PartitionsOfEveryType_AreReadByOthers(tmp_path, columns, kind, mapping):
    # DuckDB gives nulls where a column of a mapped table comes before the partition's.
    table = schema(field("p", kind), field("id", "long"))
    place = Place("folder" if mapping == "none" else "sqlite", tmp_path, None)
    story = Story(place, columns, tmp_path, table, "--partition-by", "p",
                  **{"delta.columnMapping.mode": mapping})
    given = partition_rows(kind)
    stored = [{**row, "p": in_partition(row["p"])} for row in given]
    story.change(stored, "append", story.file(given))
    assert len(adds(story.folder, 1)) == len({repr(row["p"]) for row in stored})
    story.append([{"id": -1, "p": stored[1]["p"]}])
    story.delete("id in (1, 2)", lambda row: row["id"] in (1, 2))
    story.change(story.rows, "optimize")
    check(story)


def test_SeveralPartitionColumns_HaveTheTextsOfSpark(tmp_path, columns):
    """The rows and the words of a table that Delta 4.4 wrote by Spark 4.2, whose times have as many
    digits as they need; ours have all, and mean the same."""
    kinds = {"b": "boolean", "f": "float", "d": "double", "de": "decimal(10,2)", "s": "string",
             "bi": "binary", "da": "date", "ts": "timestamp", "tn": "timestamp_ntz"}
    path, rows = tmp_path / "t", [
        {"x": 1, "b": True, "f": 1.5, "d": 1e10, "de": decimal.Decimal("1.10"),
         "s": "a b%/ü😀:=", "bi": b"ab", "da": datetime.date(2024, 1, 2),
         "ts": datetime.datetime(2024, 1, 2, 3, 4, 5, 123000, datetime.timezone.utc),
         "tn": datetime.datetime(2024, 1, 2, 3, 4, 5, 500000)},
        {"x": 2, "b": None, "f": math.nan, "d": -math.inf, "de": decimal.Decimal("-0.05"), "s": "",
         "bi": b"\x01\xc3\xbc", "da": None,
         "ts": datetime.datetime(1969, 1, 2, 3, 4, 5, 0, datetime.timezone.utc),
         "tn": datetime.datetime(2024, 1, 2)}]
    table = schema(field("x", "integer"), *(field(name, kind) for name, kind in kinds.items()))
    run("create", path, "--schema", columns(table), "--partition-by", ",".join(kinds),
        "--json").object()
    given = write_parquet(tmp_path / "given.parquet", arrow_table(rows, table))
    run("append", path, given, "--json").object()
    found = {add["partitionValues"]["f"]: add for add in adds(path, 1)}
    assert found["1.5"]["partitionValues"] == {
        "b": "true", "f": "1.5", "d": "1.0E10", "de": "1.10", "s": "a b%/ü😀:=", "bi": "ab",
        "da": "2024-01-02", "ts": "2024-01-02T03:04:05.123000Z",
        "tn": "2024-01-02 03:04:05.500000"}
    assert found["NaN"]["partitionValues"] == {
        "b": None, "f": "NaN", "d": "-Infinity", "de": "-0.05", "s": None, "bi": "\u0001ü",
        "da": None, "ts": "1969-01-02T03:04:05.000000Z", "tn": "2024-01-02 00:00:00.000000"}
    assert found["1.5"]["path"].startswith(
        "b=true/f=1.5/d=1.0E10/de=1.10/s=a%20b%2525%252Fü😀%253A%253D/bi=ab/da=2024-01-02/ts=2024-")
    assert found["NaN"]["path"].startswith(
        "b=__HIVE_DEFAULT_PARTITION__/f=NaN/d=-Infinity/de=-0.05/s=__HIVE_DEFAULT_PARTITION__/"
        "bi=%2501ü/da=__HIVE_DEFAULT_PARTITION__/ts=1969-01-02")


def test_BytesThatAreNoText_AreRefusedAsPartition(tmp_path, columns):
    path, table = tmp_path / "t", schema(field("id", "long"), field("p", "binary"))
    run("create", path, "--schema", columns(table), "--partition-by", "p", "--json").object()
    given = write_parquet(tmp_path / "given.parquet",
                          arrow_table([{"id": 1, "p": b"\xff"}], table))
    assert refused(USAGE, "append", path, given)["column"] == "p"
    assert not list(path.rglob("*.parquet"))


# ---- statistics ----------------------------------------------------------------------------------


def written_stats(tmp_path, columns, table, rows, *options):
    """What the add of these rows says of them, as text."""
    path = tmp_path / "t"
    run("create", path, "--schema", columns(table), *options, "--json").object()
    run("append", path, write_parquet(tmp_path / "given.parquet", arrow_table(rows, table)),
        "--json").object()
    [action] = adds(path, 1)
    return action["stats"]


# These compare with what Delta 4.4 wrote by Spark 4.2 for the same rows, and say where ours differ
# and why; rows_spark_test.py asks Spark.
def test_Statistics_AreThoseThatSparkWrites(tmp_path, columns):
    utc = datetime.timezone.utc
    table = schema(
        field("b", "boolean"), field("i8", "byte"), field("f", "float"), field("d", "double"),
        field("de", "decimal(10,2)"), field("dz", "decimal(38,0)"), field("s", "string"),
        field("bi", "binary"), field("da", "date"), field("ts", "timestamp"),
        field("tn", "timestamp_ntz"), field("st", struct(a="integer", n=struct(x="string"))),
        field("ar", array("integer")), field("m", map_of("string", "integer")),
        field("allnull", "integer"))
    rows = [
        {"b": True, "i8": 1, "f": 1.5, "d": 1.5, "de": decimal.Decimal("1.10"),
         "dz": decimal.Decimal("12345678901234567890123456789012345678"), "s": "abc",
         "bi": b"\x00\xff", "da": datetime.date(2024, 1, 2),
         "ts": datetime.datetime(2024, 1, 2, 3, 4, 5, 123999, utc),
         "tn": datetime.datetime(1960, 1, 2, 3, 4, 5, 123999), "st": {"a": 1, "n": {"x": "q"}},
         "ar": [1, None], "m": [("a", 1)], "allnull": None},
        {"i8": -5, "f": math.nan, "d": math.inf, "de": decimal.Decimal(-100),
         "dz": decimal.Decimal(-1), "s": "", "da": datetime.date(1969, 12, 31),
         "ts": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, utc)}]
    stats = written_stats(tmp_path, columns, table, rows,
                          "--property", "delta.enableDeletionVectors=true")
    assert stats == (
        '{"numRecords":2,"minValues":{"i8":-5,"f":1.5,"d":1.5,"de":-100.00,"dz":-1,"s":"",'
        '"da":"1969-12-31","ts":"1969-12-31T23:59:59.999Z","tn":"1960-01-02T03:04:05.123",'
        '"st":{"a":1,"n":{"x":"q"}}},"maxValues":{"i8":1,"f":"NaN","d":"Infinity","de":1.10,'
        '"dz":12345678901234567890123456789012345678,"s":"abc","da":"2024-01-02",'
        '"ts":"2024-01-02T03:04:05.123Z","tn":"1960-01-02T03:04:05.123",'
        '"st":{"a":1,"n":{"x":"q"}}},"nullCount":{"b":1,"i8":0,"f":0,"d":0,"de":0,"dz":0,"s":0,'
        '"bi":1,"da":0,"ts":0,"tn":1,"st":{"a":1,"n":{"x":1}},"ar":1,"m":1,"allnull":2},'
        '"tightBounds":true}')


def test_StatisticsOfNumbersAndTexts_AreThoseThatSparkWrites(tmp_path, columns):
    kinds = {"f": "float", "d": "double", "e": "double", "g": "double", "h": "float",
             "z": "double", "z2": "double", "s": "string", "s2": "string", "s3": "string",
             "da": "date", "dn": "double"}
    table = schema(*(field(name, kind) for name, kind in kinds.items()))
    rows = [dict(zip(kinds, values)) for values in [
        (0.1, math.nan, 1e300, 12345678.9, 16777216, 0.0, -0.0, "a" * 40, "a" * 31 + "😀😀z",
         "😀" * 70, datetime.date(1, 1, 1), math.nan),
        (3e10, 1.0, -math.inf, 1e-5, 1.0, -0.0, -0.0, "a" * 40, "b" * 33, "x",
         datetime.date(9999, 12, 31), math.nan)]]
    # U+007F stands at the end of two upper bounds, U+10FFFF at that of the third. Spark wrote
    # 3.0000001E10, as Java did before 19: the same float, with more digits than tell it apart.
    stats = written_stats(tmp_path, columns, table, rows)
    assert stats == (
        '{"numRecords":2,"minValues":{"f":0.1,"d":1.0,"e":"-Infinity","g":1.0E-5,"h":1.0,"z":0.0,'
        f'"z2":-0.0,"s":"{"a" * 32}","s2":"{"a" * 31}😀","s3":"x","da":"0001-01-01","dn":"NaN"}},'
        '"maxValues":{"f":3.0E10,"d":"NaN","e":1.0E300,"g":1.23456789E7,"h":1.6777216E7,'
        f'"z":0.0,"z2":-0.0,"s":"{"a" * 32}\x7f","s2":"{"b" * 32}\x7f",'
        f'"s3":"{"😀" * 16}\U0010ffff","da":"9999-12-31","dn":"NaN"}},"nullCount":'
        + json.dumps(dict.fromkeys(kinds, 0), separators=(",", ":")) + '}')


def test_StatisticsOfOddTexts_AreThoseThatSparkWrites(tmp_path, columns):
    table = schema(field("s", "string"), field("t", "string"))
    odd = '"\\\n\t/\x01\u2028'
    stats = json.loads(written_stats(tmp_path, columns, table, [{"s": odd, "t": "a\x7f" * 20}]))
    assert stats == {"numRecords": 1, "minValues": {"s": odd, "t": "a\x7f" * 16},
                     "maxValues": {"s": odd, "t": "a\x7f" * 16 + "\x7f"},
                     "nullCount": {"s": 0, "t": 0}}


def test_StatisticsOfMappedColumns_AreThoseThatSparkWrites(tmp_path, columns):
    """Structs whose fields have no bounds are empty, and columns without any are not there."""
    table = schema(field("s", "string"), field("nn", "integer"), field("m", struct(
        a="string", b=array("integer"), c=struct(d="date"))))
    rows = [{"nn": 1, "m": {"b": [1], "c": {"d": None}}}]
    stats = written_stats(tmp_path, columns, table, rows,
                          "--property", "delta.columnMapping.mode=name")
    for name, physical in physical_names(tmp_path / "t").items():
        stats = stats.replace(physical, name)
    assert stats == (
        '{"numRecords":1,"minValues":{"nn":1,"m":{"c":{}}},"maxValues":{"nn":1,"m":{"c":{}}},'
        '"nullCount":{"s":1,"nn":0,"m":{"a":1,"b":0,"c":{"d":1}}}}')


def physical_names(folder):
    """Of a table whose names are all different, as deep as they are."""
    found = {}

    def visit(fields):
        for column in fields:
            found[column["name"]] = column["metadata"]["delta.columnMapping.physicalName"]
            if isinstance(column["type"], dict):
                visit(column["type"].get("fields", []))

    [metadata] = [snapshot["metaData"] for snapshot in run("snapshot", folder, "--json").lines()]
    visit(json.loads(metadata["schemaString"])["fields"])
    return found


def test_StatisticsOfManyColumns_EndAtTheThirtySecond(tmp_path, columns):
    """Fields count like columns, those without bounds and partitions' too, but for the latter."""
    table = schema(field("p", "integer"), field("s", struct(a="integer", b=array("integer"))),
                   *(field(f"c{number}", "integer") for number in range(40)))
    row = {"p": 1, "s": {"a": 1, "b": []}, **{f"c{number}": 1 for number in range(40)}}
    stats = json.loads(written_stats(tmp_path, columns, table, [row], "--partition-by", "p"))
    assert list(stats["minValues"]) == ["s", *(f"c{number}" for number in range(30))]
    assert stats["nullCount"]["s"] == {"a": 0, "b": 0}


# ---- rows of delta-rs ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "vectors"])
def test_RowsThatDeltaRsAppends_AreChangedByUs(tmp_path, columns, kind):
    story = Story(Place("folder", tmp_path, None), columns, tmp_path, MATRIX, **KINDS[kind])
    story.append(matrix_rows(0, 4))
    for first in [10, 40]:
        rows = matrix_rows(first)
        write_deltalake(story.folder, arrow_table(rows, MATRIX), mode="append")
        story.versions[max(story.versions) + 1] = [*story.rows, *rows]
    story.delete("id in (1, 12, 45)", lambda row: row["id"] in (1, 12, 45))
    story.merge(matrix_rows(8, 5))
    write_deltalake(story.folder, arrow_table(matrix_rows(200, 3), MATRIX), mode="append")
    story.versions[max(story.versions) + 1] = [*story.rows, *matrix_rows(200, 3)]
    story.change(story.rows, "optimize")
    check(story)


def test_PartitionsThatDeltaRsWrote_AreUpdatedByUs(tmp_path, columns):
    # It makes folders of all names, and takes one of them for null.
    texts = [text for text in ODD_TEXTS if len(text) < 100 and "HIVE" not in text]
    table = schema(field("id", "long"), field("p", "string"), field("day", "date"),
                   field("n", "decimal(10,2)"))
    rows = [{"id": number, "p": text, "day": datetime.date(1969, 12, 31),
             "n": decimal.Decimal("1.50")} for number, text in enumerate([None, *texts] * 2)]
    folder = tmp_path / "t"
    write_deltalake(folder, arrow_table(rows, table), partition_by=["p", "day", "n"])
    assert sorted_rows(scan(folder, folder=tmp_path)) == delta_rs_rows(folder)
    run("update", folder, "--set", "n = n + 1", "--where", "id < 20", "--json").object()
    run("delete", folder, "--where", "p = 'a b' or p is null", "--json").object()
    expected = sorted_rows(arrow_table(
        [{**row, "n": row["n"] + 1} if row["id"] < 20 else row for row in rows
         if row["p"] not in (None, "a b")], table))
    assert sorted_rows(scan(folder, folder=tmp_path)) == expected
    assert delta_rs_rows(folder) == expected and duckdb_rows(folder) == expected
    DeltaTable(folder).optimize.compact()
    assert sorted_rows(scan(folder, folder=tmp_path)) == expected
