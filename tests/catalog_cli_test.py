"""Catalogs through the program: made, filled, asked, checked and mended."""

import json
import re
import shlex
import shutil
import subprocess

import pytest

from catalog_support import (ANSWER_IS_NO, CATALOGS, CONFLICT, STATE_COMMANDS, Flights, answers,
                             history, import_program, same_answers)
from support import (DONE, NOT_FOUND, REPOSITORY, UNSUPPORTED, USAGE, add, commit_info, metadata,
                     protocol, refused, remove, run)


@pytest.fixture(params=CATALOGS)
def catalog(tmp_path, request):
    """Where a catalog may be made; there is nothing yet."""
    (tmp_path / "database").mkdir()
    return CATALOGS[request.param](tmp_path / "database" / "meta.db")


@pytest.fixture
def source(tmp_path):
    return Flights(tmp_path / "flights")


@pytest.fixture
def filled(catalog, source):
    """A catalog that has the flights."""
    catalog.take_in(source.folder)
    return catalog


# ---- making catalogs -----------------------------------------------------------------------------


def test_Init_MakesACatalogOnce(catalog):
    made = run("init", catalog.uri, "--json").object()
    scripts = [*(REPOSITORY / "sql" / catalog.kind / "migrations").glob("*.up.sql")]
    assert made == {"catalog": catalog.uri, "migrationsApplied": len(scripts)}
    before = catalog.left()
    assert run("init", catalog.uri, "--json").object()["migrationsApplied"] == 0
    assert run("init", catalog.uri).stdout == f"{catalog.uri} is a catalog already\n"
    assert catalog.left() == before
    assert run("tables", catalog.uri, "--json").lines() == []
    assert run("tables", catalog.uri).stdout.split() == ["NAME", "VERSION", "FILES", "MODE",
                                                         "LOCATION"]


def test_Init_SaysWhatItMade(catalog):
    assert run("init", catalog.uri).stdout == f"{catalog.uri} is a catalog now\n"


def test_Migrations_GoDownAndUp(catalog):
    run("init", catalog.uri)
    steps = run("migrate", "status", catalog.uri, "--json").lines()
    assert [list(step) for step in steps] == [["version", "name", "appliedAt"]] * len(steps)
    assert (steps[0]["version"], steps[0]["name"]) == (1, "initial")
    known = [{"version": step["version"], "name": step["name"]} for step in steps]
    for step, is_known in zip(reversed(steps), reversed(known)):
        assert 1_700_000_000_000 < step["appliedAt"] < 10_000_000_000_000
        assert run("migrate", "down", catalog.uri, "--json").object() == is_known
    assert run("migrate", "status", catalog.uri, "--json").lines() == known
    assert run("migrate", "status", catalog.uri).stdout.splitlines()[1].split() == [
        "1", "initial", "not", "yet"]
    refused(NOT_FOUND, "tables", catalog.uri)
    refused(NOT_FOUND, "migrate", "down", catalog.uri)
    up = run("migrate", "up", catalog.uri)
    applied = "1 migration" if len(steps) == 1 else f"{len(steps)} migrations"
    assert up.stdout == f"{catalog.uri} is up to date now: {applied} applied\n"
    assert run("migrate", "up", catalog.uri).stdout == f"{catalog.uri} is up to date\n"
    assert run("tables", catalog.uri, "--json").lines() == []


def test_MigrationDownThatWouldDropTables_AsksForYes(filled):
    error = refused(USAGE, "migrate", "down", filled.uri)
    assert "--yes" in error["message"]
    done = run("migrate", "down", filled.uri, "--yes")
    number = 3 if filled.kind == "sqlite" else 2
    assert done.stdout == f"{filled.uri}: migration {number} (mirrors) is taken back\n"
    done = run("migrate", "down", filled.uri, "--yes")
    if filled.kind == "sqlite":
        assert done.stdout == f"{filled.uri}: migration 2 (faster_commits) is taken back\n"
        assert filled.sql("SELECT count(*), count(committer) FROM dl_table_versions") == [(3, 3)]
        done = run("migrate", "down", filled.uri, "--yes")
    assert done.stdout == f"{filled.uri}: migration 1 (initial) is taken back\n"
    refused(NOT_FOUND, "tables", filled.uri)
    assert filled.sql("SELECT name FROM sqlite_schema WHERE name LIKE 'dl!_%' ESCAPE '!'") == [
        ("dl_schema_migrations",)]


@pytest.mark.parametrize("command", ["init", "migrate up", "migrate down", "migrate status",
                                     "import", "tables", "verify", "reindex"])
def test_ExampleOfEachCommand_IsUnderstood(command, tmp_path):
    help_text = run(*command.split(), "--help").stdout
    example = shlex.split(help_text.split("Example:")[1])
    assert example[:1 + len(command.split())] == ["deltalakedb", *command.split()]
    status = run(*example[1:], cwd=tmp_path).status
    assert status == (DONE if command == "init" else NOT_FOUND)


# ---- importing -----------------------------------------------------------------------------------


def test_ImportAsJson_HasTheFieldsOfTheContract(catalog, source):
    report = catalog.take_in(source.folder)
    assert list(report) == ["table", "fromVersion", "toVersion", "commits", "adds", "removes",
                            "numFiles", "seconds", "verified", "warnings"]
    assert report["seconds"] > 0
    assert {name: value for name, value in report.items() if name != "seconds"} == {
        "table": "flights", "fromVersion": 0, "toVersion": 2, "commits": 3, "adds": 5,
        "removes": 1, "numFiles": 4, "verified": True, "warnings": []}


def test_ImportForPeople_SaysWhatHappened(catalog, source):
    outcome = run("import", source.folder, catalog.table("flights"))
    assert (outcome.status, outcome.stderr) == (DONE, "")
    lines = outcome.stdout.splitlines()
    assert lines[:4] == ["table     flights", "taken in  versions 0 to 2 (3 commits)",
                         "files     5 added, 1 removed, 4 live",
                         "verified  every version is as the source has it"]
    assert re.fullmatch(r"seconds   \d+\.\d", lines[4]) and len(lines) == 5


def test_ImportOfNothingNew_ChangesNothingAndSaysSo(filled, source):
    before = filled.left()
    again = filled.take_in(source.folder)
    assert (again["fromVersion"], again["toVersion"], again["commits"]) == (None, 2, 0)
    outcome = run("import", source.folder, filled.table("flights"))
    assert outcome.status == DONE
    assert outcome.stdout == "flights is already there at version 2; nothing to take in\n"
    assert filled.left() == before


def test_NewCommits_AreTakenInAlone(filled, source):
    source.append(5)
    source.append(6, app_version=8)
    report = filled.take_in(source.folder)
    assert (report["fromVersion"], report["toVersion"], report["commits"]) == (3, 4, 2)
    assert (report["adds"], report["numFiles"], report["verified"]) == (2, 6, True)
    same_answers(source.folder, filled.table("flights"), range(5))
    source.append(7)
    lines = run("import", source.folder, filled.table("flights")).stdout.splitlines()
    assert lines[1] == "taken in  version 5 (1 commit)"


def test_SourceByRelativePathOrUri_IsTheSameTable(filled, source):
    for name in ["flights", "flights/", "./flights", f"file://{source.folder}"]:
        outcome = run("import", name, filled.table("flights"), "--json", cwd=source.folder.parent)
        assert outcome.object()["fromVersion"] is None, name


def test_ProgramByItsOtherName_IsItsImport(catalog, source):
    done = subprocess.run([import_program(), source.folder, catalog.uri, "--name", "flights",
                           "--json"], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["toVersion"] == 2
    shown = subprocess.run([import_program(), "--help"], capture_output=True, text=True,
                           timeout=60, check=True).stdout
    assert "Usage: deltalakedb import" in shown


def test_TableNamesOfAnyKind_AreKept(catalog, source):
    for name in ["Größe", "a&b=c/d", "my table", "FLIGHTS", "flights", "x" * 255, "'; DROP --"]:
        other = source.folder.with_name(f"copy {len(name)} {ord(name[0])}")
        shutil.copytree(source.folder, other)
        assert catalog.take_in(other, name)["table"] == name
        assert run("snapshot", catalog.table(name), "--json").object()["version"] == 2
    assert catalog.names() == sorted(["Größe", "a&b=c/d", "my table", "FLIGHTS", "flights",
                                      "x" * 255, "'; DROP --"], key=str.encode)
    refused(USAGE, "import", source.folder, catalog.table("x" * 256))


def test_Tables_AreListed(filled, source):
    other = source.folder.with_name("more flights")
    shutil.copytree(source.folder, other)
    filled.take_in(other, "more")
    first, second = run("tables", filled.uri, "--json").lines()
    assert list(first) == ["name", "tableId", "version", "location", "numFiles", "mode"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first.pop("tableId"))
    assert first == {"name": "flights", "version": 2, "location": str(source.folder),
                     "numFiles": 4, "mode": "exclusive"}
    assert (second["name"], second["location"]) == ("more", str(other))
    lines = run("tables", filled.uri).stdout.splitlines()
    assert lines[0].split() == ["NAME", "VERSION", "FILES", "MODE", "LOCATION"]
    assert lines[1].split() == ["flights", "2", "4", "exclusive", str(source.folder)]


# ---- asking --------------------------------------------------------------------------------------


def test_CatalogAnswers_AsTheFolderDoes(filled, source):
    same_answers(source.folder, filled.table("flights"), range(3))
    snapshot = run("snapshot", filled.table("flights"), "--json").object()
    assert snapshot["appTransactions"] == {"loader": 7}
    assert run("properties", filled.table("flights"), "--json").object() == {
        "delta.logRetentionDuration": "interval 90 days"}


def test_CatalogAnswersPeople_AsTheFolderDoes(filled, source):
    for command in [*STATE_COMMANDS, "history"]:
        ours, theirs = run(command, filled.table("flights")), run(command, source.folder)
        assert (ours.status, ours.stdout) == (DONE, theirs.stdout), command


def test_Table_IsReadWithoutItsSource(filled, source):
    before = answers(filled.table("flights")), history(filled.table("flights"))
    shutil.rmtree(source.folder)
    assert (answers(filled.table("flights")), history(filled.table("flights"))) == before


def test_TimeTravel_GoesByTheTimesOfTheLog(filled, source):
    table = filled.table("flights")
    times = {entry["version"]: entry["timestamp"] for entry in history(table)}
    for version, time_ms in times.items():
        text = f"1970-01-01T00:00:00.{0:03}Z"
        text = subprocess.run(["date", "-u", "-d", f"@{time_ms / 1000:.3f}", "+%FT%T.%3NZ"],
                              capture_output=True, text=True, check=True).stdout.strip()
        at = ["--timestamp", text]
        assert run("snapshot", table, *at, "--json").object()["version"] == version
        assert answers(table, *at) == answers(source.folder, *at)
    assert run("snapshot", table, "--timestamp", "2999-01-01T00:00:00Z",
               "--json").object()["version"] == 2
    error = refused(NOT_FOUND, "snapshot", table, "--timestamp", "1999-01-01T00:00:00Z")
    assert (error["earliestTimestamp"], error["latestTimestamp"]) == (times[0], times[2])


def test_VersionThatIsNotThere_IsNotFoundWithTheRange(filled):
    for command in STATE_COMMANDS:
        error = refused(NOT_FOUND, command, filled.table("flights"), "--version", 3)
        assert error["code"] == "NotFound"
        assert (error["earliestVersion"], error["latestVersion"]) == (0, 2)


def test_HistoryOptions_Choose(filled, source):
    table = filled.table("flights")
    times = [entry["timestamp"] for entry in history(table)]
    assert [entry["version"] for entry in history(table, "--limit", 1)] == [2]
    assert history(table, "--limit", 0) == [] and len(history(table, "--limit", 99)) == 3
    assert history(table, "--operation", "WRITE") == history(source.folder, "--operation", "WRITE")
    assert history(table, "--operation", "write") == []
    second = f"@{times[1] / 1000:.3f}"
    at = subprocess.run(["date", "-u", "-d", second, "+%FT%T.%3NZ"], capture_output=True,
                        text=True, check=True).stdout.strip()
    assert [entry["version"] for entry in history(table, "--since", at)] == [2, 1]
    assert [entry["version"] for entry in history(table, "--until", at)] == [1, 0]


@pytest.mark.parametrize("text", [
    '{"operation":"A","operation":"B"}', '{"operation":5}', '{"\\u006fperation":"C"}',
    '{"operation":"\\u0044"}', '{"operation":{"a":1}}', '{"operation":"E\\u0000F"}',
    '{"operation":"G","more":' + "[" * 1010 + "]" * 1010 + "}", '{"operation":""}', "{}"])
def test_HistoryOfOneOperation_IsTheSameFromTheCatalog(catalog, table, text):
    table.create()
    table.path(1).write_text('{"commitInfo":' + text + "}\n")
    catalog.take_in(table.folder, "t")
    for operation in ["A", "B", "C", "D", "E", "G", "5", '{"a":1}', "", "null"]:
        assert (history(catalog.table("t"), "--operation", operation) ==
                history(table.folder, "--operation", operation)), operation


def test_SomethingOfEverything_IsTheSameFromTheCatalog(catalog, table):
    vector = {"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 4,
              "sizeInBytes": 40, "cardinality": 6}
    table.commit(0, commit_info(txnId="first"), protocol(
        3, 7, readerFeatures=["deletionVectors"],
        writerFeatures=["deletionVectors", "domainMetadata", "rowTracking"]),
        metadata({"a": "b", "ü": "\n\"x\""}, name="näme", description="", createdTime=5))
    table.commit(1, commit_info(operation="MERGE", operationParameters={"p": [1, {"q": None}]},
                                operationMetrics={"n": "1"}, userMetadata="u", readVersion=0,
                                isBlindAppend=False),
                 add("a b%20c/ü.parquet", stats='{"numRecords":1, "x": 1.0}', tags={"t": "1"},
                     partitionValues={"p": "", "q": None}, deletionVector=vector, baseRowId=0,
                     defaultRowCommitVersion=1, clusteringProvider="liquid"),
                 add("b", 2**53 + 1), {"txn": {"appId": "app", "version": 9, "lastUpdated": 3}},
                 {"domainMetadata": {"domain": "d", "configuration": "{\"x\":1}",
                                     "removed": False}},
                 {"cdc": {"path": "c", "partitionValues": {}, "size": 5, "dataChange": False}},
                 {"someday": {"x": 1}})
    table.commit(2, {**commit_info(), "more": 1} | {"commitInfo": {"operation": "DELETE"}},
                 remove("b", size=3, extendedFileMetadata=True, partitionValues={}),
                 {"domainMetadata": {"domain": "d", "configuration": "", "removed": True}},
                 {"txn": {"appId": "app", "version": 10}})
    catalog.take_in(table.folder, "all")
    same_answers(table.folder, catalog.table("all"), range(3))
    assert run("history", catalog.table("all"), "--json").lines()[2]["commitId"] == "first"
    assert run("verify", catalog.table("all"), "--against", table.folder).status == DONE


# ---- choosing what is taken in -------------------------------------------------------------------


def test_LatestOnly_StartsWithTheLastVersion(catalog, source):
    report = catalog.take_in(source.folder, "flights", "--latest-only")
    assert (report["fromVersion"], report["toVersion"], report["numFiles"]) == (2, 2, 4)
    table = catalog.table("flights")
    assert answers(table) == answers(source.folder)
    assert history(table) == history(source.folder, "--limit", 1)
    error = refused(NOT_FOUND, "snapshot", table, "--version", 1)
    assert (error["earliestVersion"], error["latestVersion"]) == (2, 2)
    source.append(5)
    assert catalog.take_in(source.folder)["fromVersion"] == 3
    assert answers(table) == answers(source.folder)


def test_UpToVersion_LeavesLaterOnesForLater(catalog, source):
    report = catalog.take_in(source.folder, "flights", "--up-to-version", 1)
    assert (report["fromVersion"], report["toVersion"]) == (0, 1)
    table = catalog.table("flights")
    assert answers(table) == answers(source.folder, "--version", 1)
    refused(NOT_FOUND, "snapshot", table, "--version", 2)
    assert catalog.take_in(source.folder, "flights", "--up-to-version", 1)["fromVersion"] is None
    assert catalog.take_in(source.folder, "flights", "--up-to-version", 0)["fromVersion"] is None
    assert catalog.take_in(source.folder)["fromVersion"] == 2
    same_answers(source.folder, table, range(3))


def test_UpToVersionThatIsNotThere_IsNotFound(catalog, source):
    error = refused(NOT_FOUND, "import", source.folder, catalog.table("flights"),
                    "--up-to-version", 3)
    assert error["latestVersion"] == 2
    assert catalog.left() == {}
    for text in ["-1", "x", "1.5", "99999999999999999999"]:
        refused(USAGE, "import", source.folder, catalog.table("flights"), f"--up-to-version={text}")


@pytest.mark.parametrize("options", [[], ["--latest-only"], ["--up-to-version", "1"]])
def test_DryRun_TellsAndLeavesNoFile(catalog, source, options):
    report = catalog.take_in(source.folder, "flights", "--dry-run", *options)
    assert report["dryRun"] is True
    outcome = run("import", source.folder, catalog.table("flights"), "--dry-run", *options)
    assert "would take in  version" in outcome.stdout
    assert outcome.stdout.endswith("nothing: this was a dry run\n")
    assert catalog.left() == {}
    real = catalog.take_in(source.folder, "flights", *options)
    for name in ["table", "fromVersion", "toVersion", "commits", "adds", "removes", "numFiles"]:
        assert report[name] == real[name], name


def test_DryRunOfWhatIsNew_ChangesNothing(filled, source):
    source.append(5)
    before = filled.left()
    report = filled.take_in(source.folder, "flights", "--dry-run")
    assert (report["fromVersion"], report["toVersion"], report["dryRun"]) == (3, 3, True)
    assert filled.left() == before


@pytest.mark.parametrize("how, verified", [("full", True), ("counts", True), ("none", False)])
def test_Verification_IsAsAskedFor(catalog, source, how, verified):
    assert catalog.take_in(source.folder, "flights", "--verify", how)["verified"] is verified
    same_answers(source.folder, catalog.table("flights"), range(3))
    error = refused(USAGE, "import", source.folder, catalog.table("flights"), "--verify", "some")
    assert "full, counts or none" in error["message"]


# ---- names and locations -------------------------------------------------------------------------


def test_NameOfAnotherTable_IsAConflict(filled, source, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(source.folder, other)
    before = filled.left()
    error = refused(CONFLICT, "import", other, filled.table("flights"))
    assert error["code"] == "AlreadyExists" and error["location"] == str(source.folder)
    assert filled.left() == before


def test_SameLocationUnderAnotherName_IsAConflict(filled, source):
    before = filled.left()
    error = refused(CONFLICT, "import", source.folder, filled.table("again"))
    assert (error["code"], error["table"]) == ("AlreadyExists", "flights")
    assert filled.left() == before


def test_SourceThatWentAnotherWay_IsAConflict(filled, source):
    path = source.commit_path(2)
    path.write_text(path.read_text() + json.dumps({"txn": {"appId": "x", "version": 1}}) + "\n")
    before = filled.left()
    assert refused(CONFLICT, "import", source.folder, filled.table("flights"))["version"] == 2
    assert filled.left() == before


def test_Name_NamesTheTableOfACatalog(catalog, source):
    report = run("import", source.folder, catalog.uri, "--name", "a b", "--json").object()
    assert report["table"] == "a b" and catalog.names() == ["a b"]
    assert run("import", source.folder, catalog.table("a b"), "--name", "a b").status == DONE
    refused(USAGE, "import", source.folder, catalog.table("a b"), "--name", "c")
    refused(USAGE, "import", source.folder, catalog.uri)


def test_TargetThatIsNoCatalog_IsAUsageError(catalog, source, tmp_path):
    for arguments in [[source.folder, tmp_path / "x"], [catalog.table("a"), catalog.table("b")],
                      [source.folder], [source.folder, "deltasql://sqlite/a.db?tabel=x"],
                      [source.folder, catalog.table("a"), "more"]]:
        refused(USAGE, "import", *arguments)
    assert catalog.left() == {}


def test_Force_ImportsAfreshAndKeepsTheOldTable(filled, source):
    [before] = run("tables", filled.uri, "--json").lines()
    source.append(5)
    report = filled.take_in(source.folder, "flights", "--force")
    assert (report["fromVersion"], report["toVersion"]) == (0, 3)
    tables = {table["name"]: table for table in run("tables", filled.uri, "--json").lines()}
    assert set(tables) == {"flights", report["replacedTable"]}
    assert tables["flights"]["tableId"] != before["tableId"]
    assert tables[report["replacedTable"]]["tableId"] == before["tableId"]
    same_answers(source.folder, filled.table("flights"), range(4))
    old = filled.table(report["replacedTable"])
    assert run("snapshot", old, "--json").object()["version"] == 2
    assert run("verify", old).status == DONE
    source.append(6)
    assert filled.take_in(source.folder)["fromVersion"] == 4
    shown = run("import", source.folder, filled.table("flights"), "--force").stdout
    assert re.search(r"^replaced +the table that had the name is called flights\.", shown, re.M)


def test_ForceWhereTheSourceLacksVersions_AsksForYes(filled, source):
    source.commit_path(2).unlink()
    before = filled.left()
    error = refused(CONFLICT, "import", source.folder, filled.table("flights"), "--force")
    assert "--yes" in error["message"]
    assert filled.left() == before
    report = filled.take_in(source.folder, "flights", "--force", "--yes")
    assert report["toVersion"] == 1


@pytest.mark.parametrize("more", [0, 2])
def test_ForceWhereBothWentOn_AsksForYes(filled, source, tmp_path, more):
    actions = tmp_path / "actions.jsonl"
    ours = add("of-the-catalog", partitionValues={"month": "9"})
    actions.write_text(json.dumps(ours), encoding="utf-8")
    uri = filled.table("flights")
    assert run("commit", uri, "--actions", actions, "--json").object()["version"] == 3
    for month in range(5, 6 + more):
        source.append(month)
    before = filled.left()
    for options in [[], ["--force"], ["--force", "--latest-only"]]:
        error = refused(CONFLICT, "import", source.folder, uri, *options)
        assert error["version"] == 3 and "--yes" in error["message"]
        assert filled.left() == before
    report = filled.take_in(source.folder, "flights", "--force", "--yes")
    assert report["toVersion"] == 3 + more
    old = run("files", filled.table(report["replacedTable"]), "--json").lines()
    assert "of-the-catalog" in [file["path"] for file in old]


def test_ForceOfANewTable_IsAnOrdinaryImport(catalog, source):
    report = catalog.take_in(source.folder, "flights", "--force")
    assert "replacedTable" not in report and catalog.names() == ["flights"]


def test_UnknownReaderFeature_ComesInForInspectionOnly(catalog, table):
    table.commit(0, commit_info(), protocol(3, 7, readerFeatures=["ofTomorrow"],
                                            writerFeatures=["ofTomorrow"]), metadata({"a": "b"}),
                 add("a"))
    error = refused(UNSUPPORTED, "import", table.folder, catalog.table("t"))
    assert "ofTomorrow" in error["message"] and catalog.left() == {}
    report = catalog.take_in(table.folder, "t", "--metadata-only")
    assert (report["toVersion"], report["verified"]) == (0, True)
    assert catalog.names() == ["t"]
    assert [entry["version"] for entry in history(catalog.table("t"))] == [0]
    assert run("protocol", catalog.table("t"), "--json").object()["readerFeatures"] == [
        "ofTomorrow"]
    assert run("properties", catalog.table("t"), "--json").object() == {"a": "b"}
    assert run("schema", catalog.table("t"), "--json").object()["fields"][0]["name"] == "id"
    for command in ["snapshot", "files"]:
        error = refused(UNSUPPORTED, command, catalog.table("t"))
        assert "ofTomorrow" in error["message"]


# ---- checking and mending ------------------------------------------------------------------------


def test_SoundTable_IsVerified(filled, source):
    outcome = run("verify", filled.table("flights"))
    assert outcome.status == DONE
    assert re.fullmatch(r"flights is sound: versions 0 to 2, \d+ rows compared\n", outcome.stdout)
    outcome = run("verify", filled.table("flights"), "--against", source.folder)
    assert outcome.status == DONE and outcome.stdout.endswith(" compared, also with the source\n")
    report = run("verify", filled.table("flights"), "--json").object()
    assert report.pop("rows") > 5
    assert report == {"table": "flights", "fromVersion": 0, "toVersion": 2, "differences": [],
                      "hasMore": False}


MENDABLE = {
    "changed": "UPDATE dl_add_files SET size = size + 1 WHERE version = 1",
    "dropped": "DELETE FROM dl_add_files WHERE version = 1",
    "added": "INSERT INTO dl_remove_files SELECT file_id + 1, table_id, version, origin, path_key,"
             " 'x', path, deletion_timestamp, data_change, extended_file_metadata,"
             " partition_values, size, stats, tags, dv_storage_type, dv_path_or_inline, dv_offset,"
             " dv_size_in_bytes, dv_cardinality, base_row_id, default_row_commit_version"
             " FROM dl_remove_files",
    "ended": "UPDATE dl_add_files SET ended_version = 2 WHERE version = 1",
    "alive": "UPDATE dl_add_files SET ended_version = NULL WHERE ended_version = 2",
    "stats": "UPDATE dl_add_files SET stats = NULL WHERE version = 0",
    "metadata": "UPDATE dl_metadata_updates SET value = '{}' WHERE key = 'configuration'",
    "protocol": "UPDATE dl_protocol_updates SET min_version = 9 WHERE protocol = 'writer'",
    "txn": "DELETE FROM dl_txn_actions",
    "count": "UPDATE dl_table_versions SET num_files = num_files + 1 WHERE version = 2",
}


@pytest.mark.parametrize("statement", MENDABLE.values(), ids=MENDABLE)
def test_RowChangedByHand_IsFoundAndMended(filled, source, statement):
    table = filled.table("flights")
    filled.sql(statement)
    outcome = run("verify", table, "--json")
    assert outcome.status == ANSWER_IS_NO
    report = json.loads(outcome.stdout)
    assert report["differences"] and report["hasMore"] is False
    for difference in report["differences"]:
        assert difference["where"].startswith("dl_") and difference["message"]
    human = run("verify", table)
    assert (human.status, human.stderr) == (ANSWER_IS_NO, "")
    assert len(human.stdout.splitlines()) == len(report["differences"])
    assert all("dl_" in line for line in human.stdout.splitlines())
    mended = run("reindex", table, "--json").object()
    assert mended == {"table": "flights", "fromVersion": 0, "toVersion": 2, "numFiles": 4}
    assert run("verify", table, "--against", source.folder).status == DONE
    same_answers(source.folder, table, range(3))


UNMENDABLE = {
    "body": "UPDATE dl_table_versions SET body = (SELECT body FROM dl_table_versions"
            " WHERE version = 0) WHERE version = 1",
    "no body": "UPDATE dl_table_versions SET body = NULL WHERE version = 1",
    "time": "UPDATE dl_table_versions SET timestamp = timestamp + 1 WHERE version = 1",
    "hash": "UPDATE dl_table_versions SET body_hash = zeroblob(16) WHERE version = 2",
    "version": "DELETE FROM dl_table_versions WHERE version = 1",
    "latest": "UPDATE dl_tables SET current_version = 1",
}


@pytest.mark.parametrize("statement", UNMENDABLE.values(), ids=UNMENDABLE)
def test_WhatNoTextTells_IsFoundWhenChangedByHand(filled, statement):
    filled.sql(statement)
    outcome = run("verify", filled.table("flights"), "--json")
    assert outcome.status == ANSWER_IS_NO, outcome
    assert json.loads(outcome.stdout)["differences"]


def test_SourceThatDiffers_IsFoundByVerification(filled, source):
    path = source.commit_path(1)
    path.write_text(path.read_text().replace('"dataChange":true', '"dataChange":false'))
    assert run("verify", filled.table("flights")).status == DONE
    outcome = run("verify", filled.table("flights"), "--against", source.folder, "--json")
    assert outcome.status == ANSWER_IS_NO
    assert {entry.get("version") for entry in json.loads(outcome.stdout)["differences"]} >= {1}


@pytest.mark.parametrize("later", [0, 2])
def test_BaseThatDiffersFromTheSource_IsFoundByVerification(catalog, table, later):
    table.grow(4)
    catalog.take_in(table.folder, "t", "--latest-only")
    for version in range(4, 4 + later):
        table.commit(version, commit_info(), add(f"f{version}"))
    catalog.take_in(table.folder, "t")
    assert run("verify", catalog.table("t"), "--against", table.folder).status == DONE
    table.commit(1, commit_info(), add("another"))
    outcome = run("verify", catalog.table("t"), "--against", table.folder, "--json")
    assert outcome.status == ANSWER_IS_NO, outcome
    differences = json.loads(outcome.stdout)["differences"]
    assert {entry.get("version") for entry in differences} >= {3}


def test_Reindex_ChangesNothingInASoundTable(filled):
    def dump():
        names = filled.sql("SELECT name FROM sqlite_schema WHERE type = 'table'"
                           " AND name LIKE 'dl!_%' ESCAPE '!'")
        return {name: sorted(filled.sql(f"SELECT * FROM {name}"), key=repr) for (name,) in names}

    before = dump()
    outcome = run("reindex", filled.table("flights"))
    assert outcome.stdout == "flights has its rows anew: versions 0 to 2, 4 files live\n"
    assert dump() == before
