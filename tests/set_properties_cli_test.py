"""`deltalakedb set-properties`: in folders and on every database."""

import json
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from catalog_support import CONFLICT
from create_support import actions_file, create, write_rows
from support import DONE, NOT_FOUND, UNSUPPORTED, USAGE, add, refused, run

AT_ONCE = 6


def set_properties(place, *properties):
    return run("set-properties", place.uri(), *properties, "--json").object()


def test_SetProperties_IsACommitOfItsOwn(place, columns):
    create(place, columns(), **{"owner": "me", "delta.appendOnly": "true"})
    done = set_properties(place, "delta.appendOnly=false", "note=a=b c")
    assert list(done) == ["version", "changed", "commitId"]
    assert (done["version"], done["changed"]) == (1, True)
    assert run("properties", place.uri(), "--json").object() == {
        "delta.appendOnly": "false", "note": "a=b c", "owner": "me"}
    newest = run("history", place.uri(), "--json").lines()[0]
    assert (newest["operation"], newest["commitId"]) == ("SET TBLPROPERTIES", done["commitId"])
    assert json.loads(newest["operationParameters"]["properties"]) == {
        "delta.appendOnly": "false", "note": "a=b c"}
    assert "protocol" not in newest["operationParameters"]
    place.check()


def test_NothingToChange_IsNoCommitAndSaysSo(place, columns):
    create(place, columns(), **{"owner": "me"})
    assert set_properties(place, "owner=me") == {"version": 0, "changed": False}
    outcome = run("set-properties", place.uri(), "owner=me", "delta.minWriterVersion=2")
    assert (outcome.status, outcome.stdout) == (
        DONE, "nothing to change: version 0 has these properties already\n")
    assert run("set-properties", place.uri(), "owner=you").stdout == "version 1\n"
    assert len(run("history", place.uri(), "--json").lines()) == 2


def test_PropertyThatNeedsAFeature_RaisesTheProtocolAndNeverLowersIt(place, columns):
    create(place, columns(), **{"delta.enableChangeDataFeed": "true"})
    set_properties(place, "delta.enableDeletionVectors=true")
    raised = run("protocol", place.uri(), "--json").object()
    assert (raised["minReaderVersion"], raised["minWriterVersion"]) == (3, 7)
    assert sorted(raised["writerFeatures"]) == [
        "appendOnly", "changeDataFeed", "checkConstraints", "deletionVectors", "generatedColumns",
        "invariants"]
    set_properties(place, "delta.enableDeletionVectors=false", "delta.minWriterVersion=2")
    assert run("protocol", place.uri(), "--json").object() == raised
    place.check()


def test_EmptyListOfReaderFeatures_StaysOne(place, columns):
    create(place, columns())
    set_properties(place, "delta.minReaderVersion=3", "delta.minWriterVersion=7")
    assert run("protocol", place.uri(), "--json").object() == {
        "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [],
        "writerFeatures": ["appendOnly", "invariants"]}
    place.check()


def test_ColumnMappingOfATableWithFiles_IsReadByDeltaRs(place, columns, tmp_path):
    create(place, columns(), "--partition-by", "day")
    file = actions_file(tmp_path, write_rows(place, "2024-01-01", [1, 2]))
    run("commit", place.uri(), "--actions", file, "--json").object()
    set_properties(place, "delta.columnMapping.mode=name")
    file = actions_file(tmp_path, write_rows(place, "2024-01-02", [3]))
    run("commit", place.uri(), "--actions", file, "--json").object()
    assert run("properties", place.uri(), "--json").object()[
        "delta.columnMapping.maxColumnId"] == "3"
    place.check()
    if place.is_catalog:
        run("export", place.uri(), place.location(), "--json").object()
    rows = pa.table(DeltaTable(place.location()).to_pyarrow_table()).to_pylist()
    assert sorted((row["id"], row["day"], row["note"]) for row in rows) == [
        (1, "2024-01-01", "n1"), (2, "2024-01-01", "n2"), (3, "2024-01-02", "n3")]


def test_InCommitTimestampsThatAreTurnedOn_SaySinceWhen(place, columns, tmp_path):
    create(place, columns())
    set_properties(place, "delta.enableInCommitTimestamps=true")
    snapshot = run("snapshot", place.uri(), "--json").object()
    assert snapshot["metaData"]["configuration"] == {
        "delta.enableInCommitTimestamps": "true",
        "delta.inCommitTimestampEnablementVersion": "1",
        "delta.inCommitTimestampEnablementTimestamp": str(snapshot["timestamp"])}
    file = actions_file(tmp_path, add("f0", partitionValues={}))
    run("commit", place.uri(), "--actions", file, "--json").object()
    times = [entry["timestamp"] for entry in run("history", place.uri(), "--json").lines()]
    assert times == sorted(times, reverse=True) and len(set(times)) == 3
    place.check()


@pytest.mark.parametrize("words, status, facts", [
    (["delta.enableRowTracking=true"], UNSUPPORTED, {"features": "rowTracking"}),
    (["delta.constraints.c=id > 0"], UNSUPPORTED, {"property": "delta.constraints.c"}),
    (["delta.feature.catalogManaged=supported"], UNSUPPORTED, {"features": "catalogManaged"}),
    (["delta.columnMapping.mode=id"], USAGE, {"field": "configuration"}),
    (["delta.appendOnly=maybe"], USAGE, {"property": "delta.appendOnly"}),
    (["delta.noSuch=1"], USAGE, {"property": "delta.noSuch"}),
    (["delta.columnMapping.maxColumnId=4"], USAGE, {"property": "delta.columnMapping.maxColumnId"}),
    (["word"], USAGE, {"property": "word"}), (["a=1", "a=1"], USAGE, {"property": "a"}),
    ([], USAGE, {}),
])
def test_BadProperty_IsRefusedAndTheTableStays(place, columns, words, status, facts):
    create(place, columns())
    error = refused(status, "set-properties", place.uri(), *words)
    assert {name: error.get(name) for name in facts} == facts, error
    assert len(run("history", place.uri(), "--json").lines()) == 1


def test_SetPropertiesAtOnce_AreAllThereOrConflicts(place, columns):
    create(place, columns())

    def change(number):
        return run("set-properties", place.uri(), f"p{number}={number}", "--json")

    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(change, range(AT_ONCE)))
    assert {outcome.status for outcome in outcomes} <= {DONE, CONFLICT}, outcomes
    done = [n for n, outcome in enumerate(outcomes) if outcome.status == DONE]
    assert done
    assert run("properties", place.uri(), "--json").object() == {f"p{n}": str(n) for n in done}
    assert len(run("history", place.uri(), "--json").lines()) == 1 + len(done)
    assert {outcome.error()["conflict"] for outcome in outcomes if outcome.status} <= {
        "MetadataChanged"}
    place.check()


def test_NoTable_HasNoProperties(place, columns):
    refused(NOT_FOUND, "set-properties", place.uri("none"), "a=1")
    create(place, columns())
    refused(NOT_FOUND, "set-properties", place.uri("none"), "a=1")
