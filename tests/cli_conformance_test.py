"""The conformance tables through the program, against what is recorded about them.

conformance_test.cc compares every version through the library; this looks at what the commands
print, computing the recorded hashes on its own.
"""

import json

from support import CORRUPT, DONE, NOT_FOUND, UNSUPPORTED, file_hashes, run, sha256


def feature_set(features):
    """Feature lists are sets, and the truth has them sorted."""
    return None if features is None else sorted(features)


TOLD = ["num_files", "total_size", "files_hash", "files_full_hash", "num_records",
        "files_with_num_records", "files_with_dv", "dv_cardinality", "files_with_base_row_id",
        "min_reader_version", "min_writer_version", "reader_features", "writer_features",
        "metadata_id", "name", "partition_columns", "schema_sha256", "configuration", "app_txns",
        "domains"]


def describe(snapshot, files):
    """A version's entry in a truth file, from what `snapshot` and `files` print."""
    protocol, metadata = snapshot["protocol"], snapshot["metaData"]
    short, full = file_hashes(files)
    records = [json.loads(file["stats"]).get("numRecords") for file in files if "stats" in file]
    records = [number for number in records if number is not None]
    vectors = [file["deletionVector"] for file in files if "deletionVector" in file]
    assert list(snapshot) == ["version", "timestamp", "numFiles", "sizeInBytes", "protocol",
                              "metaData", "appTransactions", "domainMetadata"]
    told = {
        "num_files": snapshot["numFiles"], "total_size": snapshot["sizeInBytes"],
        "files_hash": short, "files_full_hash": full,
        "num_records": sum(records), "files_with_num_records": len(records),
        "files_with_dv": len(vectors),
        "dv_cardinality": sum(vector["cardinality"] for vector in vectors),
        "files_with_base_row_id": sum("baseRowId" in file for file in files),
        "min_reader_version": protocol["minReaderVersion"],
        "min_writer_version": protocol["minWriterVersion"],
        "reader_features": feature_set(protocol.get("readerFeatures")),
        "writer_features": feature_set(protocol.get("writerFeatures")),
        "metadata_id": metadata.get("id"), "name": metadata.get("name"),
        "partition_columns": metadata["partitionColumns"],
        "schema_sha256": sha256(metadata.get("schemaString", "")),
        "configuration": metadata["configuration"],
        "app_txns": snapshot["appTransactions"], "domains": snapshot["domainMetadata"],
    }
    assert list(told) == TOLD
    return told


def check_version(table, version, truth, fields_left_out=()):
    at = [] if version is None else ["--version", version]
    snapshot = run("snapshot", table.path, "--json", *at).object()
    files = run("files", table.path, "--json", *at).lines()
    actual = describe(snapshot, files)
    for field in fields_left_out:
        del actual[field]
    assert actual == {field: truth[field] for field in actual}
    assert snapshot["version"] == (table.replay["latest"] if version is None else version)
    assert snapshot["numFiles"] == len(files)
    assert snapshot["sizeInBytes"] == sum(file["size"] for file in files)
    paths = [file["path"].encode() for file in files]
    assert paths == sorted(paths)
    return snapshot


def check_latest(table, truth):
    snapshot = check_version(table, None, truth)
    schema = run("schema", table.path, "--json")
    if "schemaString" in snapshot["metaData"]:
        assert schema.stdout == snapshot["metaData"]["schemaString"] + "\n"
    else:
        assert (schema.status, schema.error()["code"]) == (CORRUPT, "Corrupt")
    assert run("protocol", table.path, "--json").object() == snapshot["protocol"]
    properties = run("properties", table.path, "--json").object()
    assert properties == snapshot["metaData"]["configuration"]


def refusal(table):
    """The status and code that the reason in the truth asks for."""
    if table.why.startswith("not-a-table"):
        return NOT_FOUND, "NotFound"
    if table.why.startswith(("catalog-managed", "unknown-reader")):
        return UNSUPPORTED, "Unsupported"
    return CORRUPT, "Corrupt"


def some_versions(table):
    """The first and a middle one of the older versions that can be rebuilt."""
    older = sorted(int(version) for version in table.replay["versions"]
                   if int(version) != table.replay["latest"])
    return sorted({older[0], older[len(older) // 2]}) if older else []


def test_LatestVersion_MatchesTheTruthOrIsRefused(conformance_table):
    table = conformance_table
    truth = table.version(table.replay["latest"])
    outcome = run("snapshot", table.path, "--json")
    if table.expect == "accept" or (table.expect == "either" and outcome.status == DONE):
        check_latest(table, truth or table.replay["json_only_latest"])
        return
    for command in ["snapshot", "files", "schema", "protocol", "properties"]:
        outcome = run(command, table.path, "--json")
        error = outcome.error()
        if table.expect == "refuse":
            assert (outcome.status, error["code"]) == refusal(table)
        human = run(command, table.path)
        assert (human.status, human.stdout) == (outcome.status, "")
        assert human.stderr.splitlines()[-1].startswith("error: ")


def test_OlderVersions_MatchTheTruth(conformance_table):
    if conformance_table.expect == "refuse":
        return  # what may be read of them is compared by conformance_test
    for version in some_versions(conformance_table):
        if conformance_table.expect == "either":
            outcome = run("snapshot", conformance_table.path, "--version", version, "--json")
            if outcome.status != DONE:
                outcome.error()
                continue
        check_version(conformance_table, version, conformance_table.version(version))


def test_VersionThatCannotBeRebuilt_IsAnError(conformance_table):
    for version in conformance_table.replay.get("errors", {}):
        if conformance_table.expect == "either":
            continue  # the commits may replace what is damaged
        for command in ["snapshot", "files"]:
            outcome = run(command, conformance_table.path, "--version", version, "--json")
            assert outcome.status in (NOT_FOUND, CORRUPT)
            outcome.error()
