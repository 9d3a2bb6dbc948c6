"""delta-rs and the program, asked side by side about the same tables.

Where delta-rs refuses a table or version it says nothing about ours, and is only counted. Where
both answer they have to agree, but for what a truth file itself names as a disagreement with
delta-rs.
"""

import collections
import datetime
import json
import random

import deltalake
import pyarrow as pa
import pytest

from support import DONE, canonical_path, run

COUNTS = collections.Counter()


@pytest.fixture(scope="module", autouse=True)
def summary(request):
    yield
    text = ", ".join(f"{number} {what}" for what, number in sorted(COUNTS.items()))
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        print(f"\ndelta-rs: {text}")


def ask_delta_rs(path, version=None):
    """What delta-rs tells of a version, or None where it refuses it."""
    try:
        table = deltalake.DeltaTable(str(path), version=version)
        adds = pa.table(table.get_add_actions()).to_pylist()
        schema = table.schema().to_json()
    except (deltalake.exceptions.DeltaError, OSError, ValueError):
        return None
    return {
        "version": table.version(),
        "num_files": len(adds),
        "paths": sorted(canonical_path(add["path"]) for add in adds),
        "total_size": sum(add["size_bytes"] for add in adds),
        "modified": sorted(add["modification_time"] for add in adds),
        "num_records": sum(add["num_records"] or 0 for add in adds),
        "schema": json.loads(schema),
        "partition_columns": table.metadata().partition_columns,
        "configuration": table.metadata().configuration,
        "metadata_id": str(table.metadata().id),
        "protocol": (table.protocol().min_reader_version, table.protocol().min_writer_version),
    }


def ask_program(path, version=None):
    """The same of the program, or None where it refuses."""
    at = [] if version is None else ["--version", version]
    outcome = run("snapshot", path, "--json", *at)
    if outcome.status != DONE:
        outcome.error()
        return None
    snapshot, files = outcome.object(), run("files", path, "--json", *at).lines()
    protocol, metadata = snapshot["protocol"], snapshot["metaData"]
    stats = [json.loads(file["stats"]) for file in files if "stats" in file]
    return {
        "version": snapshot["version"],
        "num_files": snapshot["numFiles"],
        "paths": sorted(canonical_path(file["path"]) for file in files),
        "total_size": snapshot["sizeInBytes"],
        "modified": sorted(file["modificationTime"] for file in files),
        "num_records": sum(statistics.get("numRecords", 0) for statistics in stats),
        "schema": json.loads(metadata["schemaString"]) if "schemaString" in metadata else None,
        "partition_columns": metadata["partitionColumns"],
        "configuration": metadata["configuration"],
        "metadata_id": metadata["id"],
        "protocol": (protocol["minReaderVersion"], protocol["minWriterVersion"]),
    }


def differences(ours, theirs):
    return {field: (ours[field], theirs[field]) for field in theirs
            if ours[field] != theirs[field]}


def named_disagreements(table, version):
    """The fields in which the truth file says that delta-rs differs at a version."""
    named = {entry["what"] for entry in table.truth["disagreements"]
             if entry["with"] == "delta-rs" and entry["version"] == str(version)}
    # The truth compares paths by a hash; other files also have other times.
    return named | ({"paths", "modified"} if "paths_hash" in named else set())


def test_ConformanceTables_AreReadAlike(conformance_table):
    table = conformance_table
    older = [int(version) for version in table.replay["versions"]
             if int(version) != table.replay["latest"]]
    for version in [None, *sorted({min(older), max(older)} if older else [])]:
        theirs = ask_delta_rs(table.path, version)
        if theirs is None:
            COUNTS["versions refused by delta-rs"] += 1
            continue
        ours = ask_program(table.path, version)
        if ours is None and table.expect != "accept":
            COUNTS["versions refused by the program alone, as the truth lets it"] += 1
            continue
        assert ours is not None, f"version {version} is refused by the program alone"
        found = differences(ours, theirs)
        assert set(found) <= named_disagreements(table, theirs["version"]), found
        COUNTS["versions read alike"] += 1


# ---- tables that delta-rs writes here and now ----------------------------------------------------


def assert_alike(path, versions):
    """Both read the latest and each of these versions, alike."""
    for version in [None, *versions]:
        theirs, ours = ask_delta_rs(path, version), ask_program(path, version)
        assert theirs is not None and ours is not None, version
        assert differences(ours, theirs) == {}, version


def rows(first, count, key="a"):
    return pa.table({"key": [key] * count, "id": list(range(first, first + count)),
                     "at": [datetime.date(2024, 1, 1)] * count})


def test_AppendedOverwrittenDeletedRestored_IsReadAlike(tmp_path):
    path = tmp_path / "table"
    for n in range(4):
        deltalake.write_deltalake(path, rows(10 * n, 10), mode="append")
    table = deltalake.DeltaTable(path)
    table.delete("id >= 10 AND id < 15")
    deltalake.write_deltalake(path, rows(100, 5), mode="overwrite")
    deltalake.write_deltalake(path, rows(200, 5, "b"), mode="overwrite", predicate="id >= 200")
    table.update_incremental()
    table.update(predicate="id = 200", updates={"key": "'updated'"})
    table.optimize.compact()
    table.restore(3)
    assert_alike(path, range(table.version() + 1))
    history = run("history", path, "--json").lines()
    assert [entry["version"] for entry in history] == list(range(table.version(), -1, -1))
    theirs = table.history()
    assert [entry["operation"] for entry in history] == [entry["operation"] for entry in theirs]


def test_PartitionValuesOfEveryKind_AreReadAlike(tmp_path):
    path = tmp_path / "table"
    letters = random.Random(7)
    texts = ["plain", "with space", "100%", "%20", "a/b", "a=b", "a:b?c#d", "[x]{y}", "back\\slash",
             "quote\"'", "über", "日本語", "😀", "a+b&c", None, "tab\there", "~.-_", "a,b;c"]
    texts += ["".join(letters.choices("az%/=:# ü\"'\\[]{}|^`?*<>&+", k=6)) for _ in range(10)]
    data = pa.table({"text": texts, "day": [datetime.date(2024, 2, 29), None] * (len(texts) // 2),
                     "id": list(range(len(texts)))})
    deltalake.write_deltalake(path, data, partition_by=["text", "day"])
    assert_alike(path, [0])
    values = [file["partitionValues"] for file in run("files", path, "--json").lines()]
    assert {value["text"] for value in values} == set(texts)
    assert {value["day"] for value in values} == {"2024-02-29", None}
    # The paths lead to the files once decoded.
    for file in run("files", path, "--json").lines():
        assert (path / canonical_path(file["path"])).is_file(), file["path"]


def test_CheckpointedAndCleanedUp_IsReadAlike(tmp_path):
    path = tmp_path / "table"
    configuration = {"delta.logRetentionDuration": "interval 0 days",
                     "delta.enableExpiredLogCleanup": "true"}
    for n in range(15):
        deltalake.write_deltalake(path, rows(n, 1), mode="append",
                                  configuration=configuration if n == 0 else None)
    table = deltalake.DeltaTable(path)
    table.create_checkpoint()
    assert_alike(path, [0, 5, 14])
    table.cleanup_metadata()
    deltalake.write_deltalake(path, rows(100, 1), mode="append")
    left = sorted(int(file.stem) for file in (path / "_delta_log").glob("*.json")
                  if file.stem.isdigit())
    assert left[0] > 0, "delta-rs cleaned nothing up"
    assert_alike(path, [14, 15])
    gone = run("snapshot", path, "--version", 0, "--json")
    assert gone.status != DONE
    assert gone.error()["latestVersion"] == 15


def test_SchemaEvolutionAndComments_AreReadAlike(tmp_path):
    path = tmp_path / "table"
    nested = pa.schema([
        pa.field("id", pa.int64(), nullable=False, metadata={"comment": "wer — \"it\" is"}),
        pa.field("items", pa.list_(pa.struct([("name", pa.string()), ("price",
                                                                     pa.decimal128(10, 2))]))),
        pa.field("tags", pa.map_(pa.string(), pa.float64())),
    ])
    deltalake.DeltaTable.create(str(path), schema=nested, name="orders", description="ä\n\"b\"",
                                configuration={"delta.appendOnly": "true",
                                               "delta.columnMapping.mode": "none"})
    deltalake.write_deltalake(path, pa.table({"id": pa.array([1]), "later": ["x"]}),
                              mode="append", schema_mode="merge")
    assert_alike(path, [0, 1])
    metadata = run("snapshot", path, "--json").object()["metaData"]
    assert (metadata["name"], metadata["description"]) == ("orders", "ä\n\"b\"")
    human = run("schema", path).stdout
    assert "    name" in human and "later" in human
