#!/usr/bin/env python3
"""Writes fuzz/corpus/checkpoint: small Parquet files of every shape that a checkpoint has, and
broken ones. The files are committed; run it again when a shape is to be added:

    .venv/bin/python fuzz/make_checkpoint_corpus.py
"""

import datetime
import decimal
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent / "corpus" / "checkpoint"
FILE_BYTES_MAX = 10_000

STRINGS = pa.map_(pa.string(), pa.string())
VECTOR = pa.struct(
    [
        ("storageType", pa.string()),
        ("pathOrInlineDv", pa.string()),
        ("offset", pa.int32()),
        ("sizeInBytes", pa.int32()),
        ("cardinality", pa.int64()),
    ]
)
VALUES = pa.struct([("id", pa.int64()), ("nested", pa.struct([("name", pa.string())]))])
STATS_PARSED = pa.struct(
    [
        ("numRecords", pa.int64()),
        ("tightBounds", pa.bool_()),
        ("minValues", VALUES),
        ("maxValues", VALUES),
        (
            "nullCount",
            pa.struct([("id", pa.int64()), ("nested", pa.struct([("name", pa.int64())]))]),
        ),
    ]
)
TYPED_VALUES = pa.struct(
    [
        ("b", pa.bool_()),
        ("f", pa.float32()),
        ("d", pa.float64()),
        ("dec", pa.decimal128(10, 2)),
        ("day", pa.date32()),
        ("ts", pa.timestamp("us", tz="UTC")),
        ("ntz", pa.timestamp("us")),
        ("bin", pa.binary()),
        ("i8", pa.int8()),
        ("i16", pa.int16()),
    ]
)
ADD = {
    "path": pa.string(),
    "partitionValues": STRINGS,
    "size": pa.int64(),
    "modificationTime": pa.int64(),
    "dataChange": pa.bool_(),
    "tags": STRINGS,
    "deletionVector": VECTOR,
    "baseRowId": pa.int64(),
    "defaultRowCommitVersion": pa.int64(),
    "clusteringProvider": pa.string(),
    "stats": pa.string(),
}
REMOVE = {
    "path": pa.string(),
    "deletionTimestamp": pa.int64(),
    "dataChange": pa.bool_(),
    "extendedFileMetadata": pa.bool_(),
    "partitionValues": STRINGS,
    "size": pa.int64(),
    "deletionVector": VECTOR,
}
STATE = {
    "txn": pa.struct(
        [("appId", pa.string()), ("version", pa.int64()), ("lastUpdated", pa.int64())]
    ),
    "metaData": pa.struct(
        [
            ("id", pa.string()),
            ("name", pa.string()),
            ("description", pa.string()),
            ("format", pa.struct([("provider", pa.string()), ("options", STRINGS)])),
            ("schemaString", pa.string()),
            ("partitionColumns", pa.list_(pa.string())),
            ("configuration", STRINGS),
            ("createdTime", pa.int64()),
        ]
    ),
    "protocol": pa.struct(
        [
            ("minReaderVersion", pa.int32()),
            ("minWriterVersion", pa.int32()),
            ("readerFeatures", pa.list_(pa.string())),
            ("writerFeatures", pa.list_(pa.string())),
        ]
    ),
    "domainMetadata": pa.struct(
        [("domain", pa.string()), ("configuration", pa.string()), ("removed", pa.bool_())]
    ),
}
V2 = {
    "checkpointMetadata": pa.struct([("version", pa.int64()), ("tags", STRINGS)]),
    "sidecar": pa.struct(
        [
            ("path", pa.string()),
            ("sizeInBytes", pa.int64()),
            ("modificationTime", pa.int64()),
            ("tags", STRINGS),
        ]
    ),
}

SCHEMA_STRING = (
    '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}},'
    '{"name":"p","type":"string","nullable":true,"metadata":{}}]}'
)
PROTOCOL = {
    "minReaderVersion": 3,
    "minWriterVersion": 7,
    "readerFeatures": ["deletionVectors"],
    "writerFeatures": ["deletionVectors", "domainMetadata"],
}
OLD_PROTOCOL = {"minReaderVersion": 1, "minWriterVersion": 2}
METADATA = {
    "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
    "name": "orders",
    "format": {"provider": "parquet", "options": []},
    "schemaString": SCHEMA_STRING,
    "partitionColumns": ["p"],
    "configuration": [("delta.appendOnly", "false")],
    "createdTime": 1_700_000_000_000,
}
UUID_VECTOR = {
    "storageType": "u",
    "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^",
    "offset": 4,
    "sizeInBytes": 40,
    "cardinality": 6,
}
INLINE_VECTOR = {
    "storageType": "i",
    "pathOrInlineDv": "HelloWorld",
    "sizeInBytes": 8,
    "cardinality": 1,
}


def add(i, **more):
    return {
        "path": f"p={i % 2}/part-{i}%20.parquet",
        "partitionValues": [("p", str(i % 2))],
        "size": 100 + i,
        "modificationTime": 1_700_000_000_000 + i,
        "dataChange": False,
        "stats": f'{{"numRecords":{i}}}',
        **more,
    }


def remove(i, **more):
    return {
        "path": f"gone-{i}.parquet",
        "deletionTimestamp": 1_700_000_000_000,
        "dataChange": False,
        "size": 5,
        **more,
    }


def struct(fields, **changed):
    return pa.struct(
        [
            (name, changed.get(name, kind))
            for name, kind in fields.items()
            if changed.get(name, kind) is not None
        ]
    )


def table(actions, **columns):
    """One row per action, a (column, value) pair; columns that are not named are absent."""
    rows = {
        name: [value if column == name else None for column, value in actions] for name in columns
    }
    return pa.table({name: pa.array(rows[name], kind) for name, kind in columns.items()})


def store(name, data, **options):
    path = FOLDER / f"{name}.parquet"
    settings = {"compression": "none", "use_dictionary": False, "store_schema": False} | options
    pq.write_table(data, path, **settings)
    assert path.stat().st_size < FILE_BYTES_MAX, f"{path} has {path.stat().st_size} bytes"
    return path.read_bytes()


def store_bytes(name, data):
    (FOLDER / f"{name}.parquet").write_bytes(data)


def classic_actions():
    return [
        ("protocol", PROTOCOL),
        ("metaData", METADATA),
        ("add", add(0)),
        (
            "add",
            add(
                1,
                tags=[("ZCUBE_ID", "z"), ("none", None)],
                deletionVector=UUID_VECTOR,
                baseRowId=0,
                defaultRowCommitVersion=3,
                clusteringProvider="liquid",
            ),
        ),
        ("add", add(2, deletionVector=INLINE_VECTOR, partitionValues=[("p", None)], stats=None)),
        ("remove", remove(0, partitionValues=[("p", "0")], deletionVector=UUID_VECTOR)),
        ("txn", {"appId": "app", "version": 7, "lastUpdated": 1_700_000_000_000}),
        ("txn", {"appId": "other", "version": 0}),
        (
            "domainMetadata",
            {
                "domain": "delta.rowTracking",
                "configuration": '{"rowIdHighWaterMark":9}',
                "removed": False,
            },
        ),
    ]


def valid():
    columns = STATE | {"add": struct(ADD), "remove": struct(REMOVE)}
    store("classic", table(classic_actions(), **columns), write_statistics=False)
    store(
        "classic_dictionary_snappy",
        table(classic_actions(), **columns),
        compression="snappy",
        use_dictionary=True,
        write_statistics=False,
    )
    store(
        "classic_zstd_pages_v2",
        table(classic_actions(), **columns),
        compression="zstd",
        data_page_version="2.0",
        write_statistics=False,
    )
    store(
        "classic_row_groups",
        table([("add", add(i)) for i in range(6)], add=struct(ADD, tags=None, deletionVector=None)),
        row_group_size=2,
    )
    store(
        "least",
        table(
            [("protocol", OLD_PROTOCOL), ("metaData", METADATA), ("add", add(0))],
            protocol=STATE["protocol"],
            metaData=STATE["metaData"],
            add=struct(
                {
                    k: ADD[k]
                    for k in ("path", "partitionValues", "size", "modificationTime", "dataChange")
                }
            ),
        ),
        write_statistics=False,
    )
    store(
        "large_strings",
        table([("add", add(0))], add=struct(ADD, path=pa.large_string())),
        store_schema=True,
    )
    store(
        "v2_top",
        table(
            [
                ("checkpointMetadata", {"version": 5, "tags": [("numOfAddFiles", "2")]}),
                ("sidecar", {"path": "a.parquet", "sizeInBytes": 9, "modificationTime": 1}),
                ("sidecar", {"path": "b.parquet", "sizeInBytes": 9, "modificationTime": 2}),
                ("protocol", PROTOCOL),
                ("metaData", METADATA),
            ],
            **{k: STATE[k] for k in ("protocol", "metaData")},
            **V2,
        ),
    )
    store(
        "sidecar",
        table(
            [("add", add(0)), ("remove", remove(0)), ("add", add(1))],
            add=struct(ADD),
            remove=struct(REMOVE),
        ),
    )
    store("no_rows", table([], add=struct(ADD)))


def parsed_stats():
    stats = {
        "numRecords": 3,
        "tightBounds": True,
        "minValues": {"id": -1, "nested": {"name": 'a"\\'}},
        "maxValues": {"id": 2**53 + 1, "nested": None},
        "nullCount": {"id": 0, "nested": {"name": 1}},
    }
    columns = struct(
        ADD | {"stats_parsed": STATS_PARSED}, stats=None, tags=None, deletionVector=None
    )
    rows = [{k: v for k, v in add(i).items() if k != "stats"} for i in range(2)]
    rows[0]["stats_parsed"] = stats
    store("stats_parsed", table([("add", row) for row in rows], add=columns))
    typed = {
        "b": True,
        "f": 0.1,
        "d": float("inf"),
        "dec": decimal.Decimal("-1.50"),
        "day": datetime.date(2024, 2, 29),
        "ts": datetime.datetime(2024, 1, 2, 3, 4, 5, 678901),
        "ntz": datetime.datetime(1, 1, 1),
        "bin": b"\x00\xff",
        "i8": -128,
        "i16": 32767,
    }
    kinds = struct(
        {
            "path": pa.string(),
            "size": pa.int64(),
            "stats_parsed": pa.struct([("numRecords", pa.int64()), ("minValues", TYPED_VALUES)]),
        }
    )
    store(
        "stats_parsed_types",
        table(
            [
                (
                    "add",
                    {"path": "p", "size": 1, "stats_parsed": {"numRecords": 1, "minValues": typed}},
                )
            ],
            add=kinds,
        ),
    )


def broken():
    whole = (FOLDER / "sidecar.parquet").read_bytes()
    store_bytes("bad_truncated", whole[: len(whole) // 2])
    store_bytes("bad_no_footer", whole[:-8])
    store_bytes("bad_magic_only", b"PAR1")
    store_bytes("bad_empty", b"")
    store_bytes("bad_json", b'{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}\n')
    store(
        "bad_add_without_path", table([("add", {"size": 1})], add=pa.struct([("size", pa.int64())]))
    )
    store(
        "bad_add_null_path",
        table(
            [("add", {"path": None, "size": 1})],
            add=pa.struct([("path", pa.string()), ("size", pa.int64())]),
        ),
    )
    store(
        "bad_add_types",
        table(
            [("add", {"path": 1, "size": "x"})],
            add=pa.struct([("path", pa.int64()), ("size", pa.string())]),
        ),
    )
    store("bad_add_is_text", table([("add", "p")], add=pa.string()))
    store(
        "bad_protocol_range",
        table(
            [("protocol", {"minReaderVersion": 2**31, "minWriterVersion": 1})],
            protocol=pa.struct(
                [("minReaderVersion", pa.int64()), ("minWriterVersion", pa.int64())]
            ),
        ),
    )
    store(
        "bad_vector_range",
        table(
            [
                (
                    "add",
                    {
                        "path": "p",
                        "size": 1,
                        "deletionVector": {
                            "storageType": "u",
                            "pathOrInlineDv": "x",
                            "offset": 2**40,
                            "sizeInBytes": -(2**40),
                        },
                    },
                )
            ],
            add=pa.struct(
                [
                    ("path", pa.string()),
                    ("size", pa.int64()),
                    (
                        "deletionVector",
                        pa.struct(
                            [
                                ("storageType", pa.string()),
                                ("pathOrInlineDv", pa.string()),
                                ("offset", pa.int64()),
                                ("sizeInBytes", pa.int64()),
                            ]
                        ),
                    ),
                ]
            ),
        ),
    )
    # Text that Parquet marks as UTF-8 and is not.
    plain = table(
        [("add", add(0)), ("metaData", METADATA)], add=struct(ADD), metaData=STATE["metaData"]
    )
    bytes_ = store("bad_utf8", plain, write_statistics=False)
    store_bytes(
        "bad_utf8", bytes_.replace(b"p=0/part-0", b"p=0/par\xff-0").replace(b"orders", b"or\xc0ers")
    )
    # The name of a column that becomes a name in the JSON of statistics.
    typed = (FOLDER / "stats_parsed_types.parquet").read_bytes()
    store_bytes("bad_utf8_name", typed.replace(b"numRecords", b"numRec\xf6rds"))


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.parquet"):
        old.unlink()
    valid()
    parsed_stats()
    broken()
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.stat().st_size:6} {path.name}")


if __name__ == "__main__":
    main()
