"""Rows with values of every type at its limits, as Delta's schema and as Arrow's."""

import datetime
import decimal
import math

import pyarrow as pa

from create_support import schema

UTC = datetime.timezone.utc
FLOAT_MAX, FLOAT_MIN = 3.4028234663852886e38, 1.401298464324817e-45
DOUBLE_MAX, DOUBLE_MIN = 1.7976931348623157e308, 5e-324
FLOATS = [math.nan, math.inf, -math.inf, -0.0, 0.0, 1.5, 1e10]
DATES = [datetime.date(1, 1, 1), datetime.date(1582, 10, 10), datetime.date(1969, 12, 31),
         datetime.date(1970, 1, 1), datetime.date(2024, 2, 29), datetime.date(9999, 12, 31)]
TIMES = [datetime.datetime(1, 1, 1), datetime.datetime(1582, 10, 10, 1, 2, 3, 4),
         datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), datetime.datetime(1970, 1, 1),
         datetime.datetime(2024, 2, 29, 3, 4, 5, 123999), datetime.datetime(2024, 1, 2, 3, 4, 5),
         datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)]
MOMENTS = [time.replace(tzinfo=UTC) for time in TIMES]
# Longer than what statistics hold, one of them with a character of two UTF-16 units at the edge.
TEXTS = ["", " ", "é", "日本語", "😀", "a\0b", "\"\\\n\t\r/\x01\u2028\x7f", "null", "x" * 300,
         "y" * 31 + "😀😀z", "e\u0301"]


def struct(**fields):
    return {"type": "struct", "fields": [
        {"name": name, "type": kind, "nullable": True, "metadata": {}}
        for name, kind in fields.items()]}


def array(element, contains_null=True):
    return {"type": "array", "elementType": element, "containsNull": contains_null}


def map_of(key, value, contains_null=True):
    return {"type": "map", "keyType": key, "valueType": value,
            "valueContainsNull": contains_null}


def decimals(precision, scale):
    """The limits of such a decimal, and what is around zero."""
    unscaled = [10**precision - 1, 1 - 10**precision, 0, 1, -1]
    with decimal.localcontext(prec=precision + 1):
        return [decimal.Decimal(number).scaleb(-scale) for number in unscaled]


def integers(bits):
    return [-2**(bits - 1), 2**(bits - 1) - 1, 0, -1]


# By their types, null aside.
PRIMITIVES = {
    "boolean": [True, False],
    "byte": integers(8), "short": integers(16), "integer": integers(32), "long": integers(64),
    "float": [*FLOATS, FLOAT_MAX, -FLOAT_MAX, FLOAT_MIN, 0.10000000149011612],
    "double": [*FLOATS, DOUBLE_MAX, -DOUBLE_MAX, DOUBLE_MIN, 0.1],
    **{f"decimal({precision},{scale})": decimals(precision, scale)
       for precision, scale in [(1, 0), (10, 2), (18, 0), (38, 0), (38, 18)]},
    "string": TEXTS,
    "binary": [b"", b"\0", b"\xff\xfe", bytes(range(256)), "é".encode()],
    "date": DATES, "timestamp": MOMENTS, "timestamp_ntz": TIMES,
}
# Of partitions, whose values stand in paths.
ODD_TEXTS = [
    "a b", " ", "100%", "%20", "a/b", "/", "a:b", "a=b", "=", "é", "e\u0301", "日本語", "😀", "\x01",
    "\n", "\t", "\x1f\x7f", ".", "..", "'", "\"", "\\", "#?&+", "{}[]^`~", "*|<>", "$,;!@()",
    "__HIVE_DEFAULT_PARTITION__", "null", "NULL", "x" * 300, "é" * 200]
PARTITIONS = {**PRIMITIVES, "string": ["", *ODD_TEXTS], "binary": [b"", b"a b", "é%/".encode()]}
# By their names: type and values, with nulls at each level.
NESTED = {
    "inner": (struct(a="integer", n=struct(x="string", y="decimal(10,2)", z="timestamp")), [
        {"a": None, "n": None}, {"a": 1, "n": {"x": None, "y": None, "z": None}},
        {"a": -1, "n": {"x": "", "y": decimal.Decimal("1.10"), "z": MOMENTS[2]}}]),
    "list": (array("integer"), [[], [None], [1, None, 2]]),
    "list_full": (array("string", contains_null=False), [[], ["", "é"]]),
    "lists": (array(array("double")), [[], [None], [[], [None], [math.nan, -0.0]]]),
    "structs": (array(struct(s="string", times=array("timestamp_ntz"))), [
        [], [None, {"s": None, "times": None}], [{"s": "a", "times": [TIMES[0], None]}]]),
    "map": (map_of("string", "long"), [[], [("a", None)], [("", 2**63 - 1), ("é", -1)]]),
    "map_full": (map_of("date", "decimal(38,18)", contains_null=False), [
        [], [(date, value) for date, value in zip(DATES, decimals(38, 18))]]),
    "maps": (map_of("integer", map_of("string", array("binary"))), [
        [(1, None)], [(1, []), (2, [("k", None), ("l", [b"", None])])]]),
    "deep": (struct(list=array(map_of("string", struct(day="date")))), [
        {"list": None}, {"list": [None, [("k", None), ("l", {"day": None})]]},
        {"list": [[("k", {"day": DATES[-1]})], []]}]),
}


def nullable_field(name, kind, nullable=True):
    return {"name": name, "type": kind, "nullable": nullable, "metadata": {}}


# `id` tells the rows apart. More than 32 leaves, so that some have no statistics.
MATRIX = schema(
    nullable_field("id", "long", nullable=False), nullable_field("must", "string", nullable=False),
    *(nullable_field(kind.replace("(", "_").replace(",", "_").strip(")"), kind)
      for kind in PRIMITIVES),
    *(nullable_field(name, kind) for name, (kind, _) in NESTED.items()))
VALUES = [TEXTS, *([None, *values] for values in PRIMITIVES.values()),
          *([None, *values] for _, values in NESTED.values())]
# So that each value of each column is there.
MATRIX_ROWS = max(map(len, VALUES))

ARROW_TYPES = {
    "boolean": pa.bool_(), "byte": pa.int8(), "short": pa.int16(), "integer": pa.int32(),
    "long": pa.int64(), "float": pa.float32(), "double": pa.float64(), "string": pa.string(),
    "binary": pa.binary(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}


def arrow_type(kind):
    """Arrow's for a type of Delta's."""
    if isinstance(kind, str):
        if kind.startswith("decimal"):
            return pa.decimal128(*map(int, kind[len("decimal("):-1].split(",")))
        return ARROW_TYPES[kind]
    if kind["type"] == "struct":
        return pa.struct(arrow_schema(kind))
    if kind["type"] == "array":
        return pa.list_(pa.field("element", arrow_type(kind["elementType"]),
                                 kind["containsNull"]))
    return pa.map_(arrow_type(kind["keyType"]),
                   pa.field("value", arrow_type(kind["valueType"]), kind["valueContainsNull"]))


def arrow_schema(columns):
    return pa.schema([pa.field(column["name"], arrow_type(column["type"]), column["nullable"])
                      for column in columns["fields"]])


def matrix_rows(first, count=MATRIX_ROWS):
    """Rows with these ids, of which MATRIX_ROWS in a row have all values."""
    names = [column["name"] for column in MATRIX["fields"]]
    return [dict(zip(names, [number, *(values[number % len(values)] for values in VALUES)]))
            for number in range(first, first + count)]


def partition_rows(kind):
    """Each value of a partition column `p` twice, and null."""
    return [{"id": number, "p": value}
            for number, value in enumerate([None, *PARTITIONS[kind]] * 2)]


def arrow_table(rows, columns):
    return pa.Table.from_pylist(rows, arrow_schema(columns))
