"""What catalogs do when something is wrong: with the database, the source, or the machine."""

import json
import os
import resource
import signal
import sqlite3

import pytest

from catalog_support import (STATE_COMMANDS, Catalog, DuckDbCatalog, Flights, answers,
                             obey_permissions, same_answers, small_disk)
from support import (CORRUPT, DONE, NOT_FOUND, UNAVAILABLE, UNSUPPORTED, USAGE, add, commit_info,
                     metadata, protocol, refused, run)

READING = [*STATE_COMMANDS, "history"]


@pytest.fixture
def catalog(tmp_path):
    (tmp_path / "database").mkdir()
    return Catalog(tmp_path / "database" / "meta.db")


@pytest.fixture
def source(tmp_path):
    return Flights(tmp_path / "flights")


@pytest.fixture
def filled(catalog, source):
    catalog.take_in(source.folder)
    return catalog


def everything(catalog, source):
    """Every command that needs a catalog, with what makes it work on a sound one."""
    table = catalog.table("flights")
    return [["tables", catalog.uri], ["migrate", "status", catalog.uri],
            ["migrate", "up", catalog.uri], ["migrate", "down", catalog.uri, "--yes"],
            ["verify", table], ["reindex", table], *([command, table] for command in READING)]


# ---- the database --------------------------------------------------------------------------------


def test_MissingDatabase_IsNotFound(catalog, source):
    for command in everything(catalog, source):
        error = refused(NOT_FOUND, *command)
        assert error["code"] == "NotFound" and catalog.path.name in error["message"], command
    assert catalog.left() == {}


def test_MissingFolderOfTheDatabase_IsNotFound(source, tmp_path):
    catalog = Catalog(tmp_path / "none" / "meta.db")
    for command in [*everything(catalog, source), ["init", catalog.uri],
                    ["import", source.folder, catalog.table("flights")]]:
        refused(NOT_FOUND, *command)


def test_MissingTable_IsNotFound(filled):
    for command in [*READING, "verify", "reindex"]:
        assert refused(NOT_FOUND, command, filled.table("Flights"))["table"] == "Flights"
        refused(USAGE, command, filled.uri)


def test_DatabaseWithoutACatalog_IsNotFound(catalog, source):
    catalog.sql("CREATE TABLE mine (x)")
    before = catalog.left()
    for command in everything(catalog, source):
        if command[:2] not in (["migrate", "status"], ["migrate", "up"]):
            assert "init" in refused(NOT_FOUND, *command)["message"] or command[0] == "migrate"
    assert catalog.left() == before
    catalog.take_in(source.folder)
    assert catalog.names() == ["flights"] and catalog.sql("SELECT * FROM mine") == []


@pytest.mark.parametrize("content", [b"hello", b"no database " * 1000, b"\0" * 5000,
                                     b"SQLite format 3\0" + b"\xff" * 5000])
def test_FileThatIsNoDatabase_IsCorrupt(catalog, source, content):
    catalog.path.write_bytes(content)
    before = catalog.left()
    for command in [*everything(catalog, source), ["init", catalog.uri],
                    ["import", source.folder, catalog.table("flights")]]:
        error = refused(CORRUPT, *command)
        assert error["code"] == "Corrupt" and catalog.path.name in error["message"], command
    assert catalog.left() == before


def test_FolderInPlaceOfTheDatabase_IsCorrupt(source, tmp_path):
    for command in [["init", f"deltasql://sqlite/{tmp_path}"],
                    ["import", source.folder, f"deltasql://sqlite/{tmp_path}?table=x"]]:
        refused(CORRUPT, *command)


def test_DatabaseThatIsCutShort_IsCorrupt(filled, source):
    whole = filled.path.read_bytes()
    filled.path.write_bytes(whole[:len(whole) // 2])
    outcome = run("files", filled.table("flights"), "--json")
    assert outcome.status == CORRUPT and outcome.error()["code"] == "Corrupt"
    assert run("verify", filled.table("flights"), "--json").status in (1, CORRUPT)


@pytest.mark.parametrize("content", [b'{"commitInfo":{}}\n{"protocol":{"minRea', b"\xff\xfe\n",
                                     b"[1]\n"])
def test_SourceWithADamagedFirstCommit_IsCorruptAndNamesIt(catalog, tmp_path, content):
    log = tmp_path / "damaged" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_bytes(content)
    error = refused(CORRUPT, "import", log.parent, catalog.table("t"))
    assert error["file"].endswith(f"{0:020}.json")
    assert error["line"] == content.count(b"\n", 0, -1) + 1
    assert not catalog.path.exists()


def test_NewerSchema_IsUnsupported(filled, source):
    filled.sql("INSERT INTO dl_schema_migrations VALUES (4, 'of_tomorrow', zeroblob(16), 0)")
    before = filled.left()
    for command in [*everything(filled, source), ["init", filled.uri],
                    ["import", source.folder, filled.table("flights")]]:
        if command[:2] == ["migrate", "status"]:
            continue
        error = refused(UNSUPPORTED, *command)
        assert (error["code"], error["schemaVersion"]) == ("Unsupported", 4), command
        assert "newer" in error["message"]
    assert filled.left() == before
    steps = run("migrate", "status", filled.uri, "--json").lines()
    assert [(step["version"], step["name"]) for step in steps] == [
        (1, "initial"), (2, "faster_commits"), (3, "mirrors"), (4, "of_tomorrow")]


def test_MigrationThatIsAnother_IsRefused(filled, source):
    filled.sql("UPDATE dl_schema_migrations SET checksum = zeroblob(16)")
    assert refused(CORRUPT, "tables", filled.uri)["schemaVersion"] == 1
    refused(CORRUPT, "import", source.folder, filled.table("flights"))


def test_CatalogInMemory_ServesOneCommand(source):
    report = run("import", source.folder, "deltasql://sqlite/:memory:?table=x", "--json").object()
    assert report["toVersion"] == 2
    refused(NOT_FOUND, "tables", "deltasql://sqlite/:memory:")


# ---- permissions, locks, room --------------------------------------------------------------------


def as_others(*arguments):
    """Runs the program with permissions that count."""
    return run(*arguments, "--json", preexec_fn=obey_permissions)


def test_ReadOnlyDatabase_IsReadAndNotWritten(filled, source):
    expected = answers(filled.table("flights"))
    source.append(5)
    filled.path.chmod(0o444)
    filled.path.parent.chmod(0o555)
    try:
        for command in STATE_COMMANDS:
            outcome = as_others(command, filled.table("flights"))
            assert outcome.lines() == expected[command]
        assert as_others("tables", filled.uri).lines()[0]["version"] == 2
        assert as_others("verify", filled.table("flights")).status == DONE
        for command in [["import", source.folder, filled.table("flights")],
                        ["reindex", filled.table("flights")],
                        ["migrate", "down", filled.uri, "--yes"]]:
            outcome = as_others(*command)
            assert outcome.status == UNAVAILABLE, outcome
            assert outcome.error()["code"] == "Permission"
    finally:
        filled.path.parent.chmod(0o755)
    assert answers(filled.table("flights")) == expected


def test_ReadOnlyFile_IsReadAndNotWritten(filled, source):
    source.append(5)
    filled.path.chmod(0o444)
    outcome = as_others("import", source.folder, filled.table("flights"))
    assert (outcome.status, outcome.error()["code"]) == (UNAVAILABLE, "Permission")
    assert as_others("snapshot", filled.table("flights")).object()["version"] == 2


def test_ReadingAReadOnlyFile_LeavesNothingInTheWayOfWriters(filled, source):
    source.append(5)
    filled.path.chmod(0o444)
    assert as_others("snapshot", filled.table("flights")).object()["version"] == 2
    filled.path.chmod(0o644)
    report = as_others("import", source.folder, filled.table("flights")).object()
    assert report["toVersion"] == 3


def test_DatabaseWithoutPermission_IsUnavailable(filled, source):
    filled.path.chmod(0)
    for command in [*everything(filled, source), ["init", filled.uri],
                    ["import", source.folder, filled.table("flights")]]:
        outcome = as_others(*command)
        assert (outcome.status, outcome.error()["code"]) == (UNAVAILABLE, "Permission"), command
    filled.path.chmod(0o644)
    assert filled.names() == ["flights"]


def test_FolderWithoutPermission_GetsNoDatabase(catalog, source):
    catalog.path.parent.chmod(0o555)
    for command in [["init", catalog.uri], ["import", source.folder, catalog.table("flights")]]:
        outcome = as_others(*command)
        assert (outcome.status, outcome.error()["code"]) == (UNAVAILABLE, "Permission"), outcome
    catalog.path.parent.chmod(0o755)
    assert catalog.left() == {}


def test_LockedDatabase_IsUnavailable(filled, source):
    source.append(5)
    before = filled.left()
    connection = sqlite3.connect(filled.path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    # Who only reads does not wait for a writer.
    assert run("snapshot", filled.table("flights"), "--json").object()["version"] == 2
    error = refused(UNAVAILABLE, "import", source.folder, filled.table("flights"))
    assert error["code"] == "Busy" and "again" in error["message"]
    connection.execute("ROLLBACK")
    connection.close()
    assert filled.left() == before
    assert filled.take_in(source.folder)["fromVersion"] == 3


@pytest.fixture
def large(table):
    """A log that takes more than a mebibyte in a database."""
    table.commit(0, protocol(), metadata(), *(
        add(f"part-{n:06}-{n * 7919 % 1_000_003:012}.parquet", n, stats=json.dumps(
            {"numRecords": n, "minValues": {"id": n * 31}, "maxValues": {"id": n * 37}}))
        for n in range(5_000)))
    return table


def test_FullDisk_LeavesNothingBehind(tmp_path, large):
    with small_disk(tmp_path / "disk", 512) as mounted:
        catalog = Catalog(tmp_path / "disk" / "meta.db")

        def limit_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (512 * 1024, 512 * 1024))

        limits = {} if mounted else {"preexec_fn": limit_files, "restore_signals": False}
        outcome = run("import", large.folder, catalog.table("large"), "--json", **limits)
        assert outcome.status == UNAVAILABLE, outcome
        assert outcome.error()["code"] == "Io"
        assert catalog.left() == {}


@pytest.mark.parametrize("way", ["disk", "limit"])
def test_DiskThatFillsUp_LeavesTheDatabaseAsItWas(tmp_path, source, large, way):
    with small_disk(tmp_path / "disk", 1024) as mounted:
        if way == "disk" and not mounted:
            way = "limit"  # the same failure as far as SQLite can tell
        catalog = Catalog(tmp_path / "disk" / "meta.db")
        catalog.take_in(source.folder)
        expected = answers(catalog.table("flights"))
        size = catalog.path.stat().st_size + 64 * 1024

        def limit_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        limits = {"preexec_fn": limit_files, "restore_signals": False} if way == "limit" else {}
        before = catalog.left()
        outcome = run("import", large.folder, catalog.table("large"), "--json", **limits)
        assert outcome.status == UNAVAILABLE, outcome
        assert outcome.error()["code"] == "Io"
        assert catalog.left() == before
        assert catalog.names() == ["flights"]
        assert answers(catalog.table("flights")) == expected
        assert run("verify", catalog.table("flights")).status == DONE


@pytest.mark.parametrize("way", ["disk", "limit"])
def test_DiskThatIsFullAtACommitToDuckDb_IsAnIoErrorAndNothingWasCommitted(tmp_path, table, way):
    table.grow(2)
    actions = tmp_path / "actions.jsonl"
    actions.write_text(json.dumps(add("new-" + "x" * 4096)), encoding="utf-8")
    with small_disk(tmp_path / "disk", 8 * 1024) as mounted:
        if way == "disk" and not mounted:
            way = "limit"  # a write fails as well
        catalog = DuckDbCatalog(tmp_path / "disk" / "meta.duckdb")
        uri = catalog.table("t")
        catalog.take_in(table.folder, "t")

        def limit_files():  # no more than this fits into a write-ahead log
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

        if way == "disk":
            left = os.statvfs(catalog.path.parent)
            (catalog.path.parent / "filler").write_bytes(b"x" * (left.f_bavail * left.f_frsize))
        limits = {"preexec_fn": limit_files, "restore_signals": False} if way == "limit" else {}
        outcome = run("commit", uri, "--actions", actions, "--json", **limits)
        assert outcome.status == UNAVAILABLE, outcome
        error = outcome.error()
        assert error["code"] == "Io" and "room" in error["message"], error
        assert run("snapshot", uri, "--json").object()["version"] == 1
        assert run("verify", uri).status == DONE
        (catalog.path.parent / "filler").unlink(missing_ok=True)
        assert run("commit", uri, "--actions", actions, "--json").object()["version"] == 2


# ---- the source ----------------------------------------------------------------------------------


def break_gap(table):
    table.grow(5)
    table.path(2).unlink()
    return CORRUPT


def break_text(table):
    table.grow(5)
    table.path(3).write_text('{"add":{"path":"x"\n')
    return CORRUPT


def break_utf8(table):
    table.grow(5)
    table.path(3).write_bytes(b'{"add":{"path":"\xff"}}\n')
    return CORRUPT


def break_metadata(table):
    table.commit(0, protocol(), add("a"))
    return CORRUPT


def break_protocol(table):
    table.commit(0, metadata(), add("a"))
    return CORRUPT


def break_feature(table):
    table.commit(0, protocol(3, 7, readerFeatures=["x"], writerFeatures=["x"]), metadata())
    return UNSUPPORTED


def break_reader_version(table):
    table.grow(2)
    table.commit(2, protocol(9, 9))
    return UNSUPPORTED


def break_catalog_managed(table):
    table.commit(0, commit_info(), protocol(3, 7, readerFeatures=["catalogManaged"],
                                            writerFeatures=["catalogManaged"]), metadata())
    return UNSUPPORTED


def break_checkpoint(table):
    table.grow(6)
    table.checkpoint(3, *table.state(3)).write_bytes(b"PAR1 nonsense PAR1")
    for version in range(3):
        table.path(version).unlink()
    return CORRUPT


def break_log(table):
    table.log.rmdir()
    return NOT_FOUND


def break_everything(table):
    table.path(0, "crc").write_text("{}")
    return NOT_FOUND


BREAKS = [break_gap, break_text, break_utf8, break_metadata, break_protocol, break_feature,
          break_reader_version, break_catalog_managed, break_checkpoint, break_log,
          break_everything]


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda how: how.__name__[6:])
def test_RefusedTable_LeavesTheDatabaseAsItWas(catalog, source, table, break_it):
    status = break_it(table)
    target = catalog.table("broken")
    for options in [[], ["--dry-run"], ["--force"], ["--verify", "none"]]:
        refused(status, "import", table.folder, target, *options)
        assert catalog.left() == {}, options
    catalog.take_in(source.folder)
    before = catalog.left()
    for options in [[], ["--dry-run"], ["--force"], ["--verify", "none"]]:
        refused(status, "import", table.folder, target, *options)
        assert catalog.left() == before, options
    same_answers(source.folder, catalog.table("flights"), range(3))


def test_CatalogManagedTable_IsRefusedEvenForInspection(catalog, table):
    break_catalog_managed(table)
    refused(UNSUPPORTED, "import", table.folder, catalog.table("t"), "--metadata-only")
    assert catalog.left() == {}


def test_CommitThatBreaksLater_LeavesTheTableAtItsVersion(catalog, table):
    table.grow(3)
    catalog.take_in(table.folder, "t")
    before = catalog.left()
    table.commit(3, add("new"))
    table.path(4).write_text("{")
    error = refused(CORRUPT, "import", table.folder, catalog.table("t"))
    assert error["file"].endswith("00004.json") and error["line"] == 1
    assert catalog.left() == before
    assert catalog.take_in(table.folder, "t", "--up-to-version", 3)["toVersion"] == 3


def test_CleanedUpLog_StartsWithItsCheckpoint(catalog, table):
    table.grow(6)
    table.checkpoint(3, *table.state(3))
    for version in range(3):
        table.path(version).unlink()
    report = catalog.take_in(table.folder, "t")
    assert (report["fromVersion"], report["toVersion"], report["numFiles"]) == (3, 5, 6)
    same_answers(table.folder, catalog.table("t"), range(3, 6))
    error = refused(NOT_FOUND, "files", catalog.table("t"), "--version", 2)
    assert (error["earliestVersion"], error["latestVersion"]) == (3, 5)
    # With that commit gone as well, a table imported before keeps what it has.
    for version in range(3, 5):
        table.path(version).unlink()
    table.checkpoint(5, *table.state(5))
    table.commit(6, add("f6"))
    assert catalog.take_in(table.folder, "t")["fromVersion"] == 6
    assert run("files", catalog.table("t"), "--version", 3, "--json").status == DONE


def test_SourceWithoutPermission_IsUnavailable(catalog, source):
    os.chmod(source.commit_path(1), 0)
    outcome = as_others("import", source.folder, catalog.table("flights"))
    assert (outcome.status, outcome.error()["code"]) == (UNAVAILABLE, "Permission")
    assert catalog.left() == {}
