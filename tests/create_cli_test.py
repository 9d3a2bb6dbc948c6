"""`deltalakedb create`: in folders and on every database, alone, at once and killed, and what other
readers make of the tables.

    DELTALAKEDB_SEED=7 repeats the kills, DELTALAKEDB_SOAK=1 makes them more.
"""

import json
import os
import random
import re
import shlex
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from deltalake import DeltaTable

from catalog_support import CONFLICT, obey_permissions
from create_support import ORDERS, Place, actions_file, create, field, schema, write_rows
from postgres_server import DATABASE
from support import (DONE, NOT_FOUND, PROGRAM, UNAVAILABLE, UNSUPPORTED, USAGE, TableLog, add,
                     refused, remove, run)

KILLS = 60 if os.environ.get("DELTALAKEDB_SOAK") == "1" else 8  # of each database
SEED = int(os.environ.get("DELTALAKEDB_SEED", random.SystemRandom().randrange(2**32)))
AT_ONCE = 6
MINE = "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d"
ANOTHER = "11111111-2222-3333-4444-555555555555"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


# ---- what is made --------------------------------------------------------------------------------


def test_CreateAsJson_HasTheFieldsOfTheContract(place, columns):
    report = create(place, columns())
    assert list(report) == ["table", "tableId", "version", "location", "commitId"]
    assert UUID.fullmatch(report["tableId"]) and UUID.fullmatch(report["commitId"])
    name = "orders" if place.is_catalog else place.location()
    assert (report["table"], report["version"], report["location"]) == (name, 0, place.location())
    assert place.names() == ["orders"]
    snapshot = run("snapshot", place.uri(), "--json").object()
    assert (snapshot["version"], snapshot["numFiles"]) == (0, 0)
    metadata = snapshot["metaData"]
    assert metadata["id"] == report["tableId"]
    assert json.loads(metadata["schemaString"]) == ORDERS and "\n" not in metadata["schemaString"]
    assert (metadata["format"], metadata["partitionColumns"]) == (
        {"provider": "parquet", "options": {}}, [])
    assert snapshot["protocol"] == {"minReaderVersion": 1, "minWriterVersion": 2}
    place.check()


def test_CreateForPeople_SaysWhatIsThere(place, columns):
    outcome = run("create", place.uri(), "--schema", columns(), *place.options())
    assert (outcome.status, outcome.stderr) == (DONE, "")
    assert [line.split(None, 1) for line in outcome.stdout.splitlines()] == [
        ["table", "orders" if place.is_catalog else place.location()],
        ["location", place.location()], ["version", "0"]]


def test_FirstCommit_SaysWhatSparkSays(place, columns):
    before = time.time() * 1000 - 1000
    create(place, columns(), "--partition-by", "note,day", **{"delta.appendOnly": "true"})
    [entry] = run("history", place.uri(), "--json").lines()
    assert entry["operation"] == "CREATE TABLE" and entry["isBlindAppend"] is True
    assert entry["operationParameters"] == {
        "partitionBy": '["note","day"]', "clusterBy": "[]", "description": None,
        "isManaged": "false", "properties": '{"delta.appendOnly":"true"}'}
    assert "readVersion" not in entry or entry["readVersion"] is None
    assert before < entry["timestamp"] < before + 600_000
    metadata = run("snapshot", place.uri(), "--json").object()["metaData"]
    assert metadata["partitionColumns"] == ["note", "day"]
    assert abs(metadata["createdTime"] - entry["timestamp"]) < 60_000


def test_CreatedTable_IsWrittenExportedAndReadByDeltaRs(place, columns, tmp_path):
    create(place, columns(), "--partition-by", "day", **{"owner": "me"})
    first, second = write_rows(place, "2024-01-01", [1, 2]), write_rows(place, "2024-01-02", [3])
    for action in (first, second):
        run("commit", place.uri(), "--actions", actions_file(tmp_path, action), "--json").object()
    run("commit", place.uri(), "--actions",
        actions_file(tmp_path, remove(second["add"]["path"])), "--json").object()
    place.check()
    if place.is_catalog:
        assert run("reindex", place.uri()).status == DONE
        place.check()
        run("export", place.uri(), place.location(), "--json").object()
        assert run("verify", place.uri(), "--against", place.location()).status == DONE
    table = DeltaTable(place.location())
    assert table.version() == 3
    assert sorted(table.to_pyarrow_table().to_pylist(), key=lambda row: row["id"]) == [
        {"id": 1, "day": "2024-01-01", "note": "n1"}, {"id": 2, "day": "2024-01-01", "note": "n2"}]
    metadata = table.metadata()
    assert (metadata.partition_columns, metadata.configuration) == (["day"], {"owner": "me"})
    assert len(DeltaTable(place.location(), version=2).file_uris()) == 2


# Each property or column, and the protocol that PROTOCOL.md gives it.
LISTED = ["appendOnly", "invariants"]
PROTOCOLS = [
    ({}, [], (1, 2), None, None),
    ({"delta.appendOnly": "true"}, [], (1, 2), None, None),
    ({"delta.constraints.positive": "id > 0"}, [], (1, 3), None, None),
    ({"delta.enableChangeDataFeed": "true"}, [], (1, 4), None, None),
    ({}, [field("g", "long", **{"delta.generationExpression": "id + 1"})], (1, 4), None, None),
    ({"delta.columnMapping.mode": "name"}, [field("a b", "long")], (2, 5), None, None),
    ({}, [field("i", "long", **{"delta.identity.start": 1, "delta.identity.step": 1,
                                "delta.identity.allowExplicitInsert": False})],
     (1, 6), None, None),
    ({"delta.enableDeletionVectors": "true"}, [], (3, 7), ["deletionVectors"],
     [*LISTED, "deletionVectors"]),
    ({"delta.enableRowTracking": "true"}, [], (1, 7), None,
     [*LISTED, "domainMetadata", "rowTracking"]),
    ({"delta.enableInCommitTimestamps": "true"}, [], (1, 7), None, [*LISTED, "inCommitTimestamp"]),
    ({}, [field("t", "timestamp_ntz")], (3, 7), ["timestampNtz"], [*LISTED, "timestampNtz"]),
    ({"delta.checkpointPolicy": "v2"}, [], (3, 7), ["v2Checkpoint"], [*LISTED, "v2Checkpoint"]),
    ({"delta.enableTypeWidening": "true"}, [], (3, 7), ["typeWidening"],
     [*LISTED, "typeWidening"]),
    ({"delta.feature.domainMetadata": "supported"}, [], (1, 7), None,
     [*LISTED, "domainMetadata"]),
    ({"delta.minReaderVersion": "3", "delta.minWriterVersion": "7"}, [], (3, 7), [], LISTED),
    ({"delta.enableChangeDataFeed": "true", "delta.columnMapping.mode": "name",
      "delta.enableDeletionVectors": "true"}, [], (3, 7), ["columnMapping", "deletionVectors"],
     [*LISTED, "changeDataFeed", "columnMapping", "deletionVectors"]),
]


@pytest.mark.parametrize("case", range(len(PROTOCOLS)))
@pytest.mark.parametrize("kind", ["folder", "sqlite"])
def test_Protocol_IsTheLowestThatIsNeeded(case, kind, tmp_path, columns):
    properties, more, versions, reader, writer = PROTOCOLS[case]
    place = Place(kind, tmp_path, None)
    create(place, columns(schema(*ORDERS["fields"], *more)), **properties)
    protocol = run("protocol", place.uri(), "--json").object()
    assert (protocol["minReaderVersion"], protocol["minWriterVersion"]) == versions
    for features, wanted in [("readerFeatures", reader), ("writerFeatures", writer)]:
        assert sorted(protocol.get(features) or []) == sorted(wanted or []), features
        assert (features in protocol) == (wanted is not None)
    stored = run("properties", place.uri(), "--json").object()
    assert not any(key.startswith(("delta.feature.", "delta.min")) for key in stored)
    place.check()
    # It can be written as it is, and whoever else knows the features reads it.
    file = add("f0", partitionValues={}, stats='{"numRecords":3}')
    run("commit", place.uri(), "--actions", actions_file(tmp_path, file), "--json").object()
    place.check()
    if kind == "folder" and not {"typeWidening"} & set(reader or []):
        table = DeltaTable(place.location())
        assert (table.version(), len(table.file_uris())) == (1, 1)
        assert (table.protocol().min_reader_version,
                table.protocol().min_writer_version) == versions


def test_InCommitTimestamps_AreThereFromTheFirstCommitOn(place, columns, tmp_path):
    create(place, columns(), **{"delta.enableInCommitTimestamps": "true"})
    file = actions_file(tmp_path, add("f0", partitionValues={}))
    run("commit", place.uri(), "--actions", file, "--json").object()
    if place.is_catalog:
        run("export", place.uri(), place.location(), "--json").object()
    times = []
    for version in range(2):
        path = place.root / "tables" / "orders" / "_delta_log" / f"{version:020d}.json"
        line = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
        times.append(line["commitInfo"]["inCommitTimestamp"])
        snapshot = run("snapshot", place.uri(), "--version", version, "--json").object()
        assert snapshot["timestamp"] == times[-1]
    assert times[0] < times[1]
    assert "delta.inCommitTimestampEnablementVersion" not in run(
        "properties", place.uri(), "--json").object()


def test_RowTracking_NumbersTheFirstRows(place, columns, tmp_path):
    create(place, columns(), **{"delta.enableRowTracking": "true"})
    for name, rows in [("f0", 10), ("f1", 5)]:
        file = add(name, partitionValues={}, stats=json.dumps({"numRecords": rows}))
        run("commit", place.uri(), "--actions", actions_file(tmp_path, file), "--json").object()
    files = run("files", place.uri(), "--json").lines()
    assert [(file["baseRowId"], file["defaultRowCommitVersion"]) for file in files] == [
        (0, 1), (10, 2)]
    assert run("snapshot", place.uri(), "--json").object()["domainMetadata"] == {
        "delta.rowTracking": '{"rowIdHighWaterMark":14}'}
    place.check()


def test_ColumnMapping_TakesNamesThatFilesCannotHave(place, columns):
    nested = field("outer", schema(field("in,ner", "string")))
    create(place, columns(schema(field("a b", "long"), nested)),
           **{"delta.columnMapping.mode": "name"})
    fields = run("schema", place.uri(), "--json").object()["fields"]
    every = [fields[0], fields[1], fields[1]["type"]["fields"][0]]
    assert [entry["metadata"]["delta.columnMapping.id"] for entry in every] == [1, 2, 3]
    names = {entry["metadata"]["delta.columnMapping.physicalName"] for entry in every}
    assert len(names) == 3 and all(re.fullmatch(f"col-{UUID.pattern}", name) for name in names)
    assert run("properties", place.uri(), "--json").object() == {
        "delta.columnMapping.maxColumnId": "3", "delta.columnMapping.mode": "name"}


def test_SchemaOfStandardInput_IsTaken(place):
    done = subprocess.run([PROGRAM, "create", place.uri(), "--schema", "-", *place.options()],
                          input=json.dumps(ORDERS), text=True, capture_output=True, check=False)
    assert done.returncode == DONE, done
    assert place.names() == ["orders"]


def test_LocationOfATable_IsMadeAbsoluteAndMayBeNamedAgain(tmp_path, columns):
    place = Place("sqlite", tmp_path, None)
    report = run("create", place.uri(), "--schema", columns(), "--location", "tables/../x/",
                 "--json", cwd=tmp_path).object()
    assert report["location"] == f"{tmp_path}/x"
    folder = Place("folder", tmp_path, None)
    report = run("create", folder.uri("y"), "--schema", columns(), "--location",
                 f"file://{folder.location('y')}/", "--json").object()
    assert report["location"] == folder.location("y")


# ---- what is there already -----------------------------------------------------------------------


def test_NameThatIsTaken_IsAConflictAndTheTableStays(place, columns):
    made = create(place, columns(), **{"owner": "me"})
    error = refused(CONFLICT, "create", place.uri(), "--schema", columns(), *place.options())
    assert error["code"] == "AlreadyExists" and error["location"] == place.location()
    snapshot = run("snapshot", place.uri(), "--json").object()
    assert snapshot["metaData"]["id"] == made["tableId"] and snapshot["version"] == 0
    place.check()


def test_LocationUnderAnotherName_IsAConflictThatNamesIt(catalog, columns):
    create(catalog, columns())
    error = refused(CONFLICT, "create", catalog.uri("other"), "--schema", columns(),
                    *catalog.options("orders"))
    assert (error["code"], error["table"]) == ("AlreadyExists", "orders")
    os.makedirs(catalog.location())
    link = catalog.root / "link"
    link.symlink_to(catalog.location())
    error = refused(CONFLICT, "create", catalog.uri("other"), "--schema", columns(),
                    "--location", link)
    assert error["table"] == "orders"
    assert catalog.names() == ["orders"]


def test_LocationWithALog_IsAConflictThatNamesImport(catalog, columns):
    TableLog(catalog.location()).create(add("f0"))
    error = refused(CONFLICT, "create", catalog.uri(), "--schema", columns(), *catalog.options())
    assert error["code"] == "AlreadyExists" and "import" in error["message"]
    assert catalog.names() == []


def test_SameCommitIdAgain_FindsTheTable(place, columns):
    made = create(place, columns(), "--commit-id", MINE.upper())
    assert made["commitId"] == MINE
    again = create(place, columns(), "--commit-id", MINE)
    assert again == made
    assert len(run("history", place.uri(), "--json").lines()) == 1
    refused(CONFLICT, "create", place.uri(), "--schema", columns(), *place.options(),
            "--commit-id", ANOTHER)


def test_SameCommitIdWithOtherFacts_AnswersThoseOfTheTable(catalog, columns, tmp_path):
    made = create(catalog, columns(), "--commit-id", MINE)
    again = run("create", catalog.uri(), "--schema", columns(), "--location", tmp_path / "other",
                "--partition-by", "day", "--commit-id", MINE, "--json").object()
    assert again == made


# ---- what is refused -----------------------------------------------------------------------------

SPACED = schema(field("a b", "long"))
TWICE = schema(field("Id", "long"), field("iD", "long"))
ARRAY = {"type": "array", "elementType": "long", "containsNull": True}
NO_VOID = {"type": "array", "elementType": "void", "containsNull": True}
REFUSED = [
    ({"type": "array"}, [], USAGE, "InvalidArgument", {}),
    ([], [], USAGE, "InvalidArgument", {}),
    ("{", [], USAGE, "InvalidArgument", {}),
    ("", [], USAGE, "InvalidArgument", {}),
    (TWICE, [], USAGE, "InvalidArgument", {}),
    (SPACED, [], USAGE, "InvalidArgument", {"column": "a b"}),
    (schema(field("a", "uuid")), [], USAGE, "InvalidArgument", {"column": "a"}),
    (schema(field("a", NO_VOID)), [], USAGE, "InvalidArgument", {"column": "a"}),
    (schema(field("a", schema(field("b", "int")))), [], USAGE, "InvalidArgument",
     {"column": "a.b"}),
    (ORDERS, ["--partition-by", "none"], USAGE, "InvalidArgument", {"column": "none"}),
    (ORDERS, ["--partition-by", "id,day,note"], USAGE, "InvalidArgument", {"column": "note"}),
    (ORDERS, ["--partition-by", "day,day"], USAGE, "InvalidArgument", {"column": "day"}),
    (schema(field("a", ARRAY), field("b", "long")), ["--partition-by", "a"], USAGE,
     "InvalidArgument", {"column": "a"}),
    (ORDERS, ["--property", "delta.noSuch=1"], USAGE, "InvalidArgument",
     {"property": "delta.noSuch"}),
    (ORDERS, ["--property", "delta.appendOnly=yes"], USAGE, "InvalidArgument",
     {"property": "delta.appendOnly"}),
    (ORDERS, ["--property", "delta.logRetentionDuration=soon"], USAGE, "InvalidArgument",
     {"property": "delta.logRetentionDuration"}),
    (ORDERS, ["--property", "delta.columnMapping.mode=both"], USAGE, "InvalidArgument",
     {"property": "delta.columnMapping.mode"}),
    (ORDERS, ["--property", "novalue"], USAGE, "InvalidArgument", {"property": "novalue"}),
    (ORDERS, ["--property", "=x"], USAGE, "InvalidArgument", {"property": "=x"}),
    (ORDERS, ["--property", "a=1", "--property", "a=2"], USAGE, "InvalidArgument",
     {"property": "a"}),
    (ORDERS, ["--commit-id", "x" * 256], USAGE, "InvalidArgument", {}),
    (ORDERS, ["--property", "delta.feature.catalogManaged=supported"], UNSUPPORTED, "Unsupported",
     {"features": "catalogManaged"}),
    (ORDERS, ["--property", "delta.feature.icebergCompatV1=supported"], UNSUPPORTED, "Unsupported",
     {"features": "icebergCompatV1"}),
    (ORDERS, ["--property", "delta.feature.ofTomorrow=supported"], UNSUPPORTED, "Unsupported",
     {"features": "ofTomorrow"}),
    (ORDERS, ["--property", "delta.enableIcebergCompatV2=true"], UNSUPPORTED, "Unsupported",
     {"property": "delta.enableIcebergCompatV2"}),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_BadTable_IsRefusedByNameAndNothingIsLeft(case, place, columns):
    value, options, status, code, facts = REFUSED[case]
    path = columns(value)
    before = sorted(place.root.rglob("*"))
    error = refused(status, "create", place.uri(), "--schema", path, *place.options(), *options)
    assert error["code"] == code, error
    assert {name: error.get(name) for name in facts} == facts, error
    assert sorted(place.root.rglob("*")) == before
    assert place.names() == []


def test_MissingFileOfTheSchema_IsNotFound(place):
    error = refused(NOT_FOUND, "create", place.uri(), "--schema", place.root / "none.json",
                    *place.options())
    assert error["file"] == str(place.root / "none.json")
    assert place.names() == []


def test_FileOfTheSchemaThatCannotBeRead_IsSaidWhy(place, columns):
    def attempt(path):
        outcome = run("create", place.uri(), "--schema", path, *place.options(), "--json",
                      preexec_fn=obey_permissions)
        error = outcome.error()
        assert error["file"] == str(path) and str(path) in error["message"], error
        return outcome.status, error["code"]

    closed = columns()
    closed.chmod(0)
    assert attempt(closed) == (UNAVAILABLE, "Permission")
    assert attempt(place.root) == (USAGE, "InvalidArgument")
    assert attempt(closed / "below") == (NOT_FOUND, "NotFound")
    assert place.names() == []


def test_WrongLocation_IsUsage(tmp_path, columns):
    path = columns()
    sqlite, folder = Place("sqlite", tmp_path, None), Place("folder", tmp_path, None)
    assert "location" in refused(USAGE, "create", sqlite.uri(), "--schema", path)["message"]
    refused(USAGE, "create", sqlite.uri(), "--schema", path, "--location", sqlite.uri("other"))
    refused(USAGE, "create", sqlite.uri(""), "--schema", path, "--location", tmp_path / "x")
    error = refused(USAGE, "create", folder.uri(), "--schema", path, "--location", tmp_path / "x")
    assert error["location"] == str(tmp_path / "x")
    assert (sqlite.names(), folder.names()) == ([], [])


def test_LocationThatIsAFile_IsUsageAndSaysSo(place, columns, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    link = tmp_path / "link"
    link.symlink_to(file)
    for location in (file, file / "below" / "it", link, f"file://{file}"):
        words = [place.uri(), "--location", location] if place.is_catalog else [location]
        error = refused(USAGE, "create", *words, "--schema", columns())
        what = link if location == link else file
        assert error["code"] == "InvalidArgument" and f"{what} is none" in error["message"], error
        assert error["location"] == str(location).removeprefix("file://")
    assert file.read_text() == "x" and place.names() == []


def test_FolderThatMayNotBeWritten_IsPermission(tmp_path, columns):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    for arguments in ([closed / "t"],
                      [f"deltasql://sqlite/{closed}/meta.db?table=t", "--location", tmp_path / "t"],
                      [f"deltasql://duckdb/{closed}/meta.db?table=t", "--location",
                       tmp_path / "t"]):
        outcome = run("create", *arguments, "--schema", columns(), "--json",
                      preexec_fn=obey_permissions)
        assert outcome.status == UNAVAILABLE, outcome
        assert outcome.error()["code"] == "Permission"
    assert list(closed.iterdir()) == []


def test_UserWithoutRights_IsRefusedAndNothingIsLeft(database_server, tmp_path, columns):
    place = Place("postgres", tmp_path, database_server)
    database_server.sql(DATABASE, f"CREATE ROLE guest_{place.schema} LOGIN")
    uri = database_server.uri(place.schema, "orders", user=f"guest_{place.schema}")
    database_server.sql(DATABASE, f"REVOKE CREATE ON DATABASE {DATABASE} FROM PUBLIC")
    outcome = run("create", uri, "--schema", columns(), *place.options(), "--json")
    assert outcome.status == UNAVAILABLE, outcome
    assert outcome.error()["code"] == "Permission"
    assert place.names() == []
    create(place, columns(), name="other")
    database_server.sql(DATABASE, f"GRANT USAGE ON SCHEMA {place.schema} TO guest_{place.schema};"
                         f"GRANT SELECT ON ALL TABLES IN SCHEMA {place.schema} "
                         f"TO guest_{place.schema}")
    outcome = run("create", uri, "--schema", columns(), *place.options(), "--json")
    assert outcome.status == UNAVAILABLE and outcome.error()["code"] == "Permission", outcome
    assert place.names() == ["other"]


# ---- several at once, and killed -----------------------------------------------------------------


def test_SameNameAtOnce_IsMadeOnce(place, columns):
    path = columns()

    def make(_):
        return run("create", place.uri(), "--schema", path, *place.options(), "--json")

    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(make, range(AT_ONCE)))
    assert sorted(outcome.status for outcome in outcomes) == [DONE] + [CONFLICT] * (AT_ONCE - 1), (
        outcomes)
    [made] = [outcome.object() for outcome in outcomes if outcome.status == DONE]
    assert {outcome.error()["code"] for outcome in outcomes if outcome.status} == {"AlreadyExists"}
    snapshot = run("snapshot", place.uri(), "--json").object()
    assert (snapshot["metaData"]["id"], snapshot["version"]) == (made["tableId"], 0)
    place.check()


def test_OtherNamesAtOnce_AreAllMade(place, columns):
    path = columns()
    names = [f"t{n}" for n in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        made = list(threads.map(lambda name: create(place, path, name=name), names))
    assert place.names() == names
    assert len({report["tableId"] for report in made}) == AT_ONCE
    for name in names:
        place.check(name)
        file = actions_file(place.root, add("f0", partitionValues={}))
        run("commit", place.uri(name), "--actions", file, "--json").object()
        place.check(name)


def test_CreateKilledAtAnyMoment_LeavesTheTableAbsentOrWhole(place, columns):
    print(f"DELTALAKEDB_SEED={SEED}")
    chance = random.Random(f"{SEED} {place.kind}")
    path = columns()
    start = time.monotonic()
    create(place, path, name="timed")
    seconds = time.monotonic() - start
    kills = whole = 0
    for number in range(KILLS * 3):
        name = f"t{number}"
        process = subprocess.Popen(
            [PROGRAM, "create", place.uri(name), "--schema", path, *place.options(name)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.2, 1.1) * seconds)
        process.send_signal(signal.SIGKILL)
        kills += process.wait(timeout=60) == -signal.SIGKILL
        if name in place.names():
            whole += 1
            assert run("snapshot", place.uri(name), "--json").object()["version"] == 0
            place.check(name)
        else:
            assert run("snapshot", place.uri(name), "--json").status == NOT_FOUND
            create(place, path, name=name)
            place.check(name)
        if kills >= KILLS:
            break
    print(f"{place.kind}: {kills} killed, of which the table was whole after {whole} runs")
    assert kills > 0


@pytest.mark.parametrize("command", ["create", "set-properties", "drop"])
def test_ExampleOfEachCommand_IsUnderstood(command, tmp_path):
    example = shlex.split(run(command, "--help").stdout.split("Example:")[1])
    assert example[:2] == ["deltalakedb", command]
    assert run(*example[1:], cwd=tmp_path).status == NOT_FOUND  # of the schema, or the database
