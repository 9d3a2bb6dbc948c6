"""The commands for rows: append, overwrite, scan, delete, update, merge, optimize, vacuum, restore
and add-columns, in folders and catalogs, with every format, and what they refuse."""

import base64
import csv
import datetime
import decimal
import io
import json
import re
import signal
import subprocess

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from create_support import create, field, schema
from support import DONE, NOT_FOUND, PROGRAM, UNAVAILABLE, USAGE, refused, run

ID = "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d"
COLUMNS = schema(field("id", "long"), field("day", "date"), field("note", "string"),
                 field("amount", "decimal(10,2)"))
ROWS = [
    {"id": 1, "day": "2024-05-06", "note": "a, \"b\"\nc", "amount": 1.50},
    {"id": 2, "day": "2024-05-07", "note": "", "amount": -3.00},
    {"id": 3, "day": "2024-05-07", "note": None, "amount": None},
]
COUNTS = ["filesAdded", "filesRemoved", "vectorsAdded", "rowsAdded", "rowsDeleted", "rowsUpdated",
          "rowsCopied", "bytesAdded", "bytesRemoved"]
FORMATS = ["csv", "jsonl", "parquet", "arrow"]


@pytest.fixture
def table(place, columns):
    """The URI of an empty table."""
    create(place, columns(COLUMNS), "--property", "delta.enableDeletionVectors=true")
    return place.uri()


@pytest.fixture
def folder_table(tmp_path, columns):
    """A file-based one, which is partitioned and has no deletion vectors."""
    path = tmp_path / "tables" / "orders"
    run("create", path, "--schema", columns(COLUMNS), "--partition-by", "day", "--json").object()
    return path


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def rows(tmp_path):
    """Writes rows to a file of JSON lines of its own and gives its path."""
    def write(*given):
        path = tmp_path / f"rows-{len(list(tmp_path.glob('rows-*')))}.jsonl"
        return write_rows(path, given or ROWS)
    return write


def pipe(arguments, data):
    """Runs the program with these bytes on standard input."""
    return subprocess.run([PROGRAM, *map(str, arguments)], input=data, capture_output=True,
                          timeout=120)


def scan(table, *options):
    return sorted(run("scan", table, *options, "--json").lines(), key=lambda row: row["id"])


def ids(table, *options):
    return [row["id"] for row in scan(table, *options)]


def change(*arguments):
    return run(*arguments, "--json").object()


# ---- rows in and out -----------------------------------------------------------------------------


def test_AppendAsJson_HasTheFieldsOfTheContract(table, rows):
    report = change("append", table, rows(), "--commit-id", ID)
    assert list(report) == ["version", "changed", "commitId", *COUNTS]
    assert (report["version"], report["changed"], report["commitId"]) == (1, True, ID)
    assert (report["filesAdded"], report["rowsAdded"], report["filesRemoved"]) == (1, 3, 0)
    assert scan(table) == ROWS
    newest = run("history", table, "--limit", "1", "--json").lines()[0]
    assert (newest["operation"], newest["isBlindAppend"]) == ("WRITE", True)


def test_AppendForPeople_SaysWhatWasDone(folder_table, rows):
    outcome = run("append", folder_table, rows())
    assert (outcome.status, outcome.stderr) == (DONE, "")
    lines = dict(re.split(r"  +", line, maxsplit=1) for line in outcome.stdout.splitlines())
    assert lines["version"] == "1" and lines["rows added"] == "3"
    assert lines["files"].startswith("2 added (")


@pytest.mark.parametrize("name", FORMATS)
def test_RowsOfEveryFormat_GoOutAndComeInTheSame(name, folder_table, rows, tmp_path, columns):
    change("append", folder_table, rows())
    path = tmp_path / f"out.{name}"
    assert change("scan", folder_table, "-o", path) == {"file": str(path), "rows": 3}
    other = tmp_path / "other"
    run("create", other, "--schema", columns(COLUMNS), "--json").object()
    assert change("append", other, path)["rowsAdded"] == 3
    assert scan(other) == ROWS
    # The same through a pipe, whose content tells the format.
    piped = subprocess.run([PROGRAM, "scan", str(folder_table), "--format", name],
                           capture_output=True, check=True, timeout=120)
    assert json.loads(pipe(["append", other, "-", "--json"], piped.stdout).stdout)["rowsAdded"] == 3
    assert len(scan(other)) == 6


def test_ScanToAPipe_IsReadByOthers(folder_table, rows):
    change("append", folder_table, rows())

    def scanned(name):
        return subprocess.run([PROGRAM, "scan", str(folder_table), "--format", name],
                              capture_output=True, check=True, timeout=120).stdout

    expected = [(1, datetime.date(2024, 5, 6), decimal.Decimal("1.50")),
                (2, datetime.date(2024, 5, 7), decimal.Decimal("-3.00")),
                (3, datetime.date(2024, 5, 7), None)]
    for read in (pq.read_table(io.BytesIO(scanned("parquet"))),
                 pa.ipc.open_stream(scanned("arrow")).read_all()):
        found = sorted((row["id"], row["day"], row["amount"]) for row in read.to_pylist())
        assert found == expected
    lines = list(csv.DictReader(io.StringIO(scanned("csv").decode())))
    assert sorted(lines, key=lambda row: row["id"])[0] == {
        "id": "1", "day": "2024-05-06", "note": "a, \"b\"\nc", "amount": "1.50"}
    assert scanned("csv").decode().splitlines()[0] == "id,day,note,amount"


def test_ScanWithColumnsAndACondition_GivesThese(table, rows):
    change("append", table, rows())
    assert scan(table, "--columns", "note,id", "--where", "day = '2024-05-07' and id > 2") == [
        {"note": None, "id": 3}]
    assert ids(table, "--where", "amount < 0 or note is null", "--unordered") == [2, 3]
    assert ids(table, "--version", "0") == []


def test_ScanWithoutRows_HasALineOfNamesAsCsv(table):
    assert run("scan", table).stdout == "id,day,note,amount\n"
    assert run("scan", table, "--json").stdout == ""


def test_RowsOfEveryType_AreReadBackFromTexts(tmp_path, columns):
    kinds = ["byte", "short", "integer", "long", "float", "double", "decimal(38,10)", "boolean",
             "string", "binary", "date", "timestamp", "timestamp_ntz",
             {"type": "array", "elementType": "string", "containsNull": True},
             {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True},
             schema(field("x", "integer"), field("y", "date"))]
    row = {"c0": -128, "c1": 32767, "c2": -2**31, "c3": 2**63 - 1, "c4": 0.5, "c5": "NaN",
           "c6": "1234567890123456789012345678.0123456789", "c7": True, "c8": "ä\u0001\"",
           "c9": base64.b64encode(b"\x00\xff").decode(), "c10": "0001-01-01",
           "c11": "1969-12-31T23:59:59.999999Z", "c12": "9999-12-31T23:59:59", "c13": ["", None],
           "c14": {"k": 1, "": None}, "c15": {"x": None, "y": "2024-02-29"}}
    path = tmp_path / "types"
    fields = [field(f"c{number}", kind) for number, kind in enumerate(kinds)]
    run("create", path, "--schema", columns(schema(*fields)), "--json").object()
    first = write_rows(tmp_path / "rows.jsonl", [row, {"c0": None}])
    change("append", path, first)
    for name in ("jsonl", "csv"):
        change("scan", path, "--version", "1", "-o", tmp_path / f"again.{name}")
        change("append", path, tmp_path / f"again.{name}")
    found = [json.loads(line, parse_float=str) for line in
             run("scan", path, "--json").stdout.splitlines()]
    full = [line for line in found if line["c0"] == -128]
    empty = [line for line in found if line["c0"] is None]
    assert len(full) == len(empty) == 3
    assert all(line == {**row, "c4": "0.5"} for line in full), full
    assert all(set(line.values()) == {None} for line in empty)


def test_SeveralFiles_AreOneVersion(table, rows, tmp_path):
    (tmp_path / "b.csv").write_text("note,id,day,amount\nx,7,2024-01-01,9.99\n")
    assert change("append", table, rows(), tmp_path / "b.csv")["version"] == 1
    assert ids(table) == [1, 2, 3, 7]


# ---- rows changed --------------------------------------------------------------------------------


def test_DeleteAndUpdate_ChangeTheRowsOfTheirConditions(table, rows):
    change("append", table, rows())
    report = change("delete", table, "--where", "id = 2")
    assert (report["version"], report["rowsDeleted"], report["vectorsAdded"]) == (2, 1, 1)
    report = change("update", table, "--set", "id = id + 10, note = 'n' || id", "--set",
                    "amount = 2 * amount", "--where", "id = 1")
    assert (report["version"], report["rowsUpdated"]) == (3, 1)
    assert scan(table) == [{**ROWS[2]}, {**ROWS[0], "id": 11, "note": "n1", "amount": 3.00}]
    assert change("update", table, "--set", "id = 0", "--all")["rowsUpdated"] == 2
    assert change("delete", table, "--all")["rowsDeleted"] == 2
    assert scan(table) == []


def test_DeleteOfNoRow_ChangesNothing(table, rows):
    change("append", table, rows())
    report = change("delete", table, "--where", "id = 77")
    assert (report["version"], report["changed"], report["rowsDeleted"]) == (1, False, 0)
    assert "commitId" not in report
    outcome = run("delete", table, "--where", "id = 77")
    assert outcome.stdout == "nothing to change: version 1 stays the latest\n"


def test_DeleteWithoutVectors_WritesFilesAnew(folder_table, rows):
    change("append", folder_table, rows())
    report = change("delete", folder_table, "--where", "id = 2")
    assert (report["filesAdded"], report["filesRemoved"], report["rowsCopied"],
            report["vectorsAdded"]) == (1, 1, 1, 0)
    assert ids(folder_table) == [1, 3]


def test_Overwrite_ReplacesAllOrTheirPartitionsOrThoseOfACondition(folder_table, rows):
    change("append", folder_table, rows())
    new = rows({"id": 9, "day": "2024-05-07"})
    change("overwrite", folder_table, new, "--partitions")
    assert ids(folder_table) == [1, 9]
    change("overwrite", folder_table, rows({"id": 8, "day": "2024-05-06"}), "--where",
           "day = '2024-05-06'")
    assert ids(folder_table) == [8, 9]
    error = refused(USAGE, "overwrite", folder_table, new, "--where", "day = '2024-05-06'")
    assert "2024-05-06" in error["message"]
    change("overwrite", folder_table, new)
    assert ids(folder_table) == [9]


def test_Merge_UpdatesRowsByTheirKeysAndAddsTheOthers(table, rows):
    change("append", table, rows())
    report = change("merge", table, rows({"id": 2, "note": "two"}, {"id": 5, "note": "five"}),
                    "--on", "id")
    assert (report["rowsUpdated"], report["rowsAdded"]) == (1, 1)
    found = scan(table)
    assert found[1] == {**ROWS[1], "note": "two"}
    assert found[3] == {"id": 5, "day": None, "note": "five", "amount": None}
    twice = rows({"id": 2, "note": "x"}, {"id": 2, "note": "y"})
    assert refused(USAGE, "merge", table, twice, "--on", "id")["code"] == "InvalidArgument"
    assert refused(USAGE, "merge", table, twice, "--on", "id,no_such")["code"] == "InvalidArgument"
    assert len(scan(table)) == 4


def test_SchemaModes_DecideWhatBecomesOfNewColumns(folder_table, rows, tmp_path):
    new = rows({"id": 1, "day": "2024-01-01", "extra": 1.5})
    error = refused(USAGE, "append", folder_table, new)
    assert error["column"] == "extra", error
    assert change("append", folder_table, new, "--schema", "merge")["version"] == 1
    [row] = scan(folder_table)
    assert row["extra"] == 1.5 and row["note"] is None
    (tmp_path / "other.csv").write_text("id,day\nx1,2024-01-01\n")
    change("overwrite", folder_table, tmp_path / "other.csv", "--schema", "overwrite")
    assert run("scan", folder_table, "--json").lines() == [{"id": "x1", "day": "2024-01-01"}]


def test_AppTransaction_IsSkippedTheSecondTime(table, rows):
    options = ["--app-id", "loader", "--app-version", "4"]
    assert change("append", table, rows(), *options)["version"] == 1
    again = change("append", table, rows(), *options)
    assert (again["skipped"], again["version"]) == (True, 1)
    assert len(scan(table)) == 3


def test_CommitIdAgain_DoesNotDoubleRows(table, rows):
    first = change("append", table, rows(), "--commit-id", ID)
    again = change("append", table, rows(), "--commit-id", ID)
    assert first["version"] == again["version"] == 1
    assert len(scan(table)) == 3


# ---- upkeep --------------------------------------------------------------------------------------


def test_OptimizeRestoreAndTimeTravel_KeepTheRows(table, rows):
    for _ in range(3):
        change("append", table, rows())
    report = change("optimize", table)
    assert (report["filesAdded"], report["filesRemoved"]) == (1, 3)
    assert change("optimize", table)["changed"] is False
    assert ids(table) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert change("restore", table, "--version", "1")["changed"] is True
    assert ids(table) == [1, 2, 3]
    assert ids(table, "--version", "3") == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert refused(NOT_FOUND, "restore", table, "--version", "77")["code"] == "NotFound"


def test_AddColumns_AreNullInRowsThatAreThere(table, rows, columns):
    change("append", table, rows())
    assert change("add-columns", table, "--schema", columns(schema(field("more", "date"))))[
        "changed"] is True
    assert [row["more"] for row in scan(table)] == [None, None, None]


def test_Vacuum_RemovesWhatNoVersionNeeds(folder_table, rows):
    change("append", folder_table, rows())
    change("overwrite", folder_table, rows({"id": 9, "day": "2024-05-08"}))
    files = set(folder_table.rglob("*.parquet"))
    assert change("vacuum", folder_table) == {"dryRun": False, "numFiles": 0, "sizeInBytes": 0,
                                              "filesKept": 3, "files": []}
    error = refused(USAGE, "vacuum", folder_table, "--retain", "0")
    assert error["retentionMs"] == 0
    dry = change("vacuum", folder_table, "--retain", "0", "--force", "--dry-run")
    assert dry["dryRun"] is True and dry["numFiles"] == len(dry["files"]) == 2
    assert set(folder_table.rglob("*.parquet")) == files
    outcome = run("vacuum", folder_table, "--retain", "0", "--force")
    assert outcome.stdout.startswith("2 files removed ("), outcome
    assert len(set(folder_table.rglob("*.parquet"))) == 1
    assert ids(folder_table) == [9]
    assert refused(NOT_FOUND, "scan", folder_table, "--version", "1")["code"] == "NotFound"


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("content, line, column", [
    ("id,day\n1,2024-01-01\nx,2024-01-01\n", 3, "id"),
    ("id,day\n1.5,2024-01-01\n", 2, "id"),
    ("id,amount\n1,1.234\n", 2, "amount"),
    ("id,day\n1,2024-02-30\n", 2, "day"),
    ("id,day\n1\n", 2, None),
    ("id,id\n1,2\n", 1, None),
    ("", None, None),
])
def test_TextThatIsNoRow_IsNamedAndNothingIsWritten(content, line, column, folder_table, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    before = set(folder_table.rglob("*"))
    error = refused(USAGE, "append", folder_table, path)
    assert error["message"].startswith(str(path)), error
    assert line is None or f", line {line}" in error["message"], error
    assert column is None or f", column {column}:" in error["message"], error
    assert set(folder_table.rglob("*")) == before


def test_BadOptions_AreRefusedByName(folder_table, rows, tmp_path):
    path = rows()
    for words, name in [
            (["append", folder_table, path, "--where", "id = 1"], "--where"),
            (["append", folder_table, path, "--schema", "loose"], "--schema"),
            (["append", folder_table, path, "--schema", "overwrite"], "--schema"),
            (["append", folder_table, path, "--format", "xml"], "format"),
            (["append", folder_table, path, "--target-file-size", "0"], "--target-file-size"),
            (["append", folder_table, path, "--target-file-size", "-1"], "--target-file-size"),
            (["append", folder_table, path, "--app-id", "a"], "--app-version"),
            (["append", folder_table, path, "--commit-id", "x"], "--commit-id"),
            (["append", folder_table, path, "--isolation", "none"], "none"),
            (["append", folder_table], "FILE"),
            (["append", folder_table, "-", "-"], "standard input"),
            (["overwrite", folder_table, path, "--where", "true", "--partitions"], "--where"),
            (["overwrite", folder_table, path, "--partitions", "--schema", "overwrite"],
             "--schema"),
            (["overwrite", folder_table, path, "--where", ""], "--where"),
            (["delete", folder_table], "--where"),
            (["delete", folder_table, "--where", "true", "--all"], "--all"),
            (["delete", folder_table, "--where", ""], "--where"),
            (["update", folder_table, "--all"], "--set"),
            (["update", folder_table, "--set", "id", "--all"], "id"),
            (["merge", folder_table, path], "--on"),
            (["scan", folder_table, "-o", tmp_path / "out"], "--format"),
            (["scan", folder_table, "--version", "0", "--timestamp", "2024-01-01T00:00:00Z"],
             "--version"),
            (["restore", folder_table], "--version"),
            (["vacuum", folder_table, "--retain", "x"], "--retain"),
            (["vacuum", folder_table, "--retain", str(2**62)], "--retain"),
            (["add-columns", folder_table], "--schema")]:
        error = refused(USAGE, *words)
        assert name in error["message"], (words, error)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("condition", [
    "no_such = 1", "id", "id =", "id = 1; drop table x", "id in (select 1)", "sum(id) > 1",
    "(select count(*) from '/etc/passwd') > 0", "random() < 0.5", "id = ?",
])
def test_ConditionThatIsNone_IsRefusedByEveryCommand(condition, folder_table, rows):
    change("append", folder_table, rows())
    for words in (["scan"], ["delete"], ["optimize"]):
        error = refused(USAGE, words[0], folder_table, "--where", condition)
        assert error["code"] == "InvalidArgument", error
        assert error["expression"] == condition, error
    assert run("history", folder_table, "--json").lines()[0]["version"] == 1


def test_UnknownColumns_AreNamed(folder_table, rows):
    change("append", folder_table, rows())
    assert refused(USAGE, "scan", folder_table, "--columns", "id,nope")["column"] == "nope"
    assert refused(USAGE, "update", folder_table, "--set", "nope = 1", "--all")["column"] == "nope"


def test_FilesAndTablesThatAreNotThere_AreNotFound(folder_table, rows, tmp_path):
    error = refused(NOT_FOUND, "append", folder_table, tmp_path / "none.csv")
    assert error["file"] == str(tmp_path / "none.csv")
    assert refused(NOT_FOUND, "append", tmp_path / "no-table", rows())["code"] == "NotFound"
    assert refused(USAGE, "append", folder_table, tmp_path)["code"] == "InvalidArgument"
    assert refused(NOT_FOUND, "scan", folder_table, "--version", "9")["code"] == "NotFound"
    assert refused(NOT_FOUND, "scan", folder_table, "-o", tmp_path / "none" / "x.csv")[
        "code"] == "NotFound"


def test_FilesThatAreDamaged_AreRefused(folder_table, tmp_path):
    for name in ("x.parquet", "x.arrow"):
        path = tmp_path / name
        path.write_bytes(b"PAR1 this is no file of rows PAR1")
        error = refused(USAGE, "append", folder_table, path)
        assert error["file"] == str(path), error


# ---- standard output -----------------------------------------------------------------------------


def big_table(folder_table, tmp_path):
    path = tmp_path / "big.csv"
    path.write_text("id,note\n" + "".join(f"{n},{'x' * 50}\n" for n in range(60_000)))
    change("append", folder_table, path)
    return folder_table


def test_ReaderThatGoesAway_EndsTheProgramQuietly(folder_table, tmp_path):
    table = big_table(folder_table, tmp_path)
    with subprocess.Popen([PROGRAM, "scan", str(table)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as scanning:
        assert scanning.stdout.readline() == b"id,day,note,amount\n"
        scanning.stdout.close()
        assert scanning.wait(60) == -signal.SIGPIPE
        assert scanning.stderr.read() == b""


def test_FullAndClosedOutput_AreErrors(folder_table, tmp_path):
    table = big_table(folder_table, tmp_path)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "scan", str(table)], stdout=full, stderr=subprocess.PIPE,
                              timeout=120)
    assert done.returncode == UNAVAILABLE and b"standard output" in done.stderr
    done = subprocess.run(["sh", "-c", 'exec "$0" scan "$1" >&-', PROGRAM, str(table)],
                          stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == UNAVAILABLE, done


def test_FileThatIsThere_IsReplacedWholeOrNotAtAll(folder_table, tmp_path):
    table = big_table(folder_table, tmp_path)
    target = tmp_path / "out.csv"
    target.write_text("before")
    data = next(folder_table.rglob("*.parquet"))
    whole = data.read_bytes()
    data.write_bytes(whole[:-100])
    assert run("scan", table, "-o", target).status != DONE
    assert target.read_text() == "before"
    data.write_bytes(whole)
    assert change("scan", table, "-o", target)["rows"] == 60_000
    assert len(target.read_text().splitlines()) == 60_001
    assert [path.name for path in tmp_path.glob("*out.csv*")] == ["out.csv"]
