"""What Spark makes of rows that the program writes, in one session: the rows that Spark itself
writes of the same files, at every version; that statistics and partition values are those that it
writes; and tables whose rows Spark and the program change in turn."""

import json
import re
import struct
from decimal import Decimal
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest

from create_support import Place, field, schema
from delta_readers import sorted_rows
from rows_support import KINDS, Story, adds, scan, tell_matrix, write_parquet
from spark_support import Spark
from support import run
from type_matrix import (MATRIX, MATRIX_ROWS, PARTITIONS, arrow_table, matrix_rows, nullable_field,
                         partition_rows)


@pytest.fixture(scope="module")
def spark():
    started = Spark()
    yield started
    started.close()


class Expected:
    """Rows as Spark reads them from tables that it writes itself."""

    def __init__(self, spark, root):
        self.spark, self.root, self.found = spark, root, {}

    def rows(self, table):
        key = repr(sorted_rows(table)) + str(table.schema)
        if key not in self.found:
            name = self.root / f"t{len(self.found)}"
            path = write_parquet(name.with_suffix(".parquet"), table)
            self.spark.run(f"CREATE TABLE delta.`{name}` USING delta "
                           f"AS SELECT * FROM parquet.`{path}`")
            self.found[key] = self.spark.read(name)["rows"]
            assert len(self.found[key]) == table.num_rows
        return self.found[key]


@pytest.fixture(scope="module")
def expected(spark, tmp_path_factory):
    return Expected(spark, tmp_path_factory.mktemp("expected"))


def check(story, spark, expected):
    story.publish()
    for version in story.versions:
        rows = story.expected(version)
        assert spark.read(story.folder, version)["rows"] == expected.rows(rows), version
        ours = scan(story.place.uri(), "--version", version, folder=story.root)
        assert sorted_rows(ours) == sorted_rows(rows), version


# ---- rows of ours --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, where", [
    *((kind, "sqlite") for kind in KINDS), ("plain", "folder"), ("all", "folder")])
def test_ValuesOfEveryType_AreReadAsSparkWritesThem(spark, expected, columns, tmp_path, kind,
                                                    where):
    story = tell_matrix(Story(Place(where, tmp_path, None), columns, tmp_path, MATRIX,
                              **KINDS[kind], **{"delta.checkpointInterval": "4"}))
    check(story, spark, expected)


def row_ids(spark, story, version):
    """By the rows' own, and in which version they came to be so."""
    path = story.root / f"ids-{version}"
    spark.run(f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet "
              "SELECT id, _metadata.row_id AS r, _metadata.row_commit_version AS v "
              f"FROM delta.`{story.folder}` VERSION AS OF {version}")
    rows = pq.read_table(path).to_pylist()
    assert len({row["r"] for row in rows}) == len(rows) == len(story.versions[version])
    return {row["id"]: (row["r"], row["v"]) for row in rows}


@pytest.mark.parametrize("vectors", ["true", "false"])
def test_RowIds_StayWithTheirRows(spark, columns, tmp_path, vectors):
    story = Story(Place("sqlite", tmp_path, None), columns, tmp_path,
                  schema(field("id", "long"), field("n", "integer")),
                  **{"delta.enableRowTracking": "true", "delta.enableDeletionVectors": vectors})
    rows = [{"id": number, "n": 0} for number in range(20)]
    # Several files, of which no change touches the last.
    story.append(rows[:10])
    story.append(rows[10:15])
    story.append(rows[15:])
    story.delete("id = 3", lambda row: row["id"] == 3)
    story.update("id in (4, 14)", lambda row: row["id"] in (4, 14), n=("1", 1))
    story.merge([{"id": 5, "n": 2}, {"id": 100, "n": 2}])
    story.change(story.rows, "optimize")
    story.publish()
    before, after = row_ids(spark, story, 3), row_ids(spark, story, max(story.versions))
    assert after.pop(100)[1] == 6
    changed = {4: 5, 14: 5, 5: 6}
    assert after == {number: (row, changed.get(number, version))
                     for number, (row, version) in before.items() if number != 3}


# ---- what adds say -------------------------------------------------------------------------------


def flat(value, path=()):
    """The leaves of JSON by the names that lead to them."""
    if not isinstance(value, dict):
        return {path: value}
    found = {path: "struct"} if not value else {}
    for name, part in value.items():
        found.update(flat(part, (*path, name)))
    return found


def statistics(folder, version):
    """By partition; numbers as they are written."""
    return {add["partitionValues"]["part"]: flat(json.loads(
        add["stats"], parse_float=str, parse_int=str)) for add in adds(folder, version)}


def is_same(ours, theirs, kind):
    """Whether texts are of the same number. Java before 19, and so Spark by it, writes more digits
    than tell a float apart, and of the smallest ones other digits; decimals below a millionth it
    writes with an exponent, which ours do without."""
    if None in (ours, theirs):
        return ours == theirs
    if kind == "float":
        return struct.pack("f", float(ours)) == struct.pack("f", float(theirs))
    if kind == "double":
        return struct.pack("d", float(ours)) == struct.pack("d", float(theirs))
    if kind.startswith("decimal"):
        return Decimal(ours) == Decimal(theirs) and "E" not in ours
    return ours == theirs


@pytest.mark.parametrize("kind", ["plain", "vectors"])
def test_Statistics_AreThoseThatSparkWrites(spark, columns, tmp_path, kind):
    """Each row in a file, and all in one."""
    table = schema(*MATRIX["fields"], nullable_field("part", "string"))
    rows = [{**row, "part": part} for row in matrix_rows(0) for part in [str(row["id"]), "all"]]
    given = write_parquet(tmp_path / "given.parquet", arrow_table(rows, table))
    for writer in ["ours", "theirs"]:
        run("create", tmp_path / writer, "--schema", columns(table), "--partition-by", "part",
            "--property", "delta.dataSkippingNumIndexedCols=-1",
            *(["--property", "delta.enableDeletionVectors=true"] if kind == "vectors" else []),
            "--json").object()
    run("append", tmp_path / "ours", given, "--json").object()
    spark.run(f"INSERT INTO delta.`{tmp_path / 'theirs'}` SELECT * FROM parquet.`{given}`")
    ours, theirs = (statistics(tmp_path / writer, 1) for writer in ["ours", "theirs"])
    assert len(theirs) == MATRIX_ROWS + 1
    differences = {}
    for part, told in theirs.items():
        for path in told.keys() | ours[part].keys():
            pair = ours[part].get(path), told.get(path)
            if not is_same(*pair, path[-1]):
                differences[part, path] = pair
    assert differences == {}


# Spark makes folders of all texts, for which some are too long, and one means null; -0.0 it keeps
# apart from 0.0; and of bytes none get a file of their own, which is read as null as well.
OTHERS_IN_SPARK = {"'__HIVE_DEFAULT_PARTITION__'", "-0.0", "b''"}


# Text of a moment without the zeros at its end, of which Spark writes none in one of the types.
def plain_text(text):
    return text and re.sub(r"(:\d\d)(\.\d*?)0*(Z?)$", lambda found: found[1] + (
        "" if found[2] == "." else found[2]) + found[3], text)


@pytest.mark.parametrize("kind", PARTITIONS)
def test_PartitionValues_AreThoseThatSparkWrites(spark, columns, tmp_path, kind):
    table = schema(field("id", "long"), field("p", kind))
    rows = [row for row in partition_rows(kind) if repr(row["p"]) not in OTHERS_IN_SPARK
            and not (isinstance(row["p"], str) and len(row["p"]) > 100)]
    given = write_parquet(tmp_path / "given.parquet", arrow_table(rows, table))
    for writer in ["ours", "theirs"]:
        run("create", tmp_path / writer, "--schema", columns(table), "--partition-by", "p",
            "--json").object()
    run("append", tmp_path / "ours", given, "--json").object()
    spark.run(f"INSERT INTO delta.`{tmp_path / 'theirs'}` SELECT * FROM parquet.`{given}`")
    ours, theirs = ({json.loads(add["stats"])["minValues"]["id"]: add
                     for add in adds(tmp_path / writer, 1)} for writer in ["ours", "theirs"])
    assert ours.keys() == theirs.keys()
    for first, add in theirs.items():
        texts = [plain_text(found["partitionValues"]["p"]) for found in (ours[first], add)]
        assert is_same(*texts, kind)
        if texts[0] == texts[1] and not kind.startswith("timestamp"):
            folders = [unquote(found["path"]).split("/")[0] for found in (ours[first], add)]
            assert folders[0] == folders[1]
    # And each reads what the other wrote.
    read = [spark.read(tmp_path / writer)["rows"] for writer in ["ours", "theirs"]]
    assert read[0] == read[1]
    read = [sorted_rows(scan(tmp_path / writer, folder=tmp_path)) for writer in ["ours", "theirs"]]
    assert read[0] == read[1]


# ---- in turn -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_RowsThatSparkWrites_AreChangedByUs(spark, expected, columns, tmp_path, kind):
    story = Story(Place("folder", tmp_path, None), columns, tmp_path, MATRIX, **KINDS[kind])
    table = f"delta.`{story.folder}`"

    def by_spark(statement, rows):
        spark.run(statement)
        story.versions[max(story.versions) + 1] = rows

    story.append(matrix_rows(0))
    given = story.file(matrix_rows(20))
    by_spark(f"INSERT INTO {table} SELECT * FROM parquet.`{given}`",
             [*story.rows, *matrix_rows(20)])
    story.delete("id % 4 = 0", lambda row: row["id"] % 4 == 0)
    by_spark(f"DELETE FROM {table} WHERE id % 4 = 1",
             [row for row in story.rows if row["id"] % 4 != 1])
    story.merge(matrix_rows(18, 4))
    by_spark(f"UPDATE {table} SET string = 'Spark' WHERE id % 4 = 2",
             [{**row, "string": "Spark"} if row["id"] % 4 == 2 else row for row in story.rows])
    story.update("id % 4 = 3", lambda row: row["id"] % 4 == 3, string=("'ours'", "ours"))
    story.append(matrix_rows(50))
    story.change(story.rows, "optimize")
    check(story, spark, expected)
