"""The program as a program: help, completions, output for people, and how it ends."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess

import pytest

from support import (DONE, PROGRAM, UNAVAILABLE, USAGE, add, commit_info, metadata, protocol,
                     refused, remove, run)

COMMANDS = ["history", "snapshot", "files", "schema", "protocol", "properties"]
# Those that need a catalog; what they do is in catalog_cli_test.py.
CATALOG_COMMANDS = ["init", "migrate", "import", "tables", "verify", "reindex", "mirror"]
SHELLS = ["bash", "zsh", "fish"]
ALL = [[command] for command in [*COMMANDS, *CATALOG_COMMANDS, "completion"]]
ALL += [["migrate", step] for step in ["up", "down", "status"]]
ALL += [["mirror", what] for what in ["add", "remove", "status", "list", "run", "verify", "sync",
                                      "repair", "watch"]]
ALL += [["completion", shell] for shell in SHELLS]


@pytest.fixture
def orders(table):
    """A table with something of everything."""
    schema = json.dumps({"type": "struct", "fields": [
        {"name": "id", "type": "long", "nullable": False, "metadata": {"comment": "the number"}},
        {"name": "lines", "nullable": True, "metadata": {}, "type": {
            "type": "array", "containsNull": False, "elementType": {"type": "struct", "fields": [
                {"name": "price", "type": "decimal(10,2)", "nullable": True, "metadata": {}}]}}},
        {"name": "day", "type": "date", "nullable": True, "metadata": {}}]})
    table.commit(0, commit_info(operation="CREATE TABLE"), protocol(
        3, 7, readerFeatures=["deletionVectors"], writerFeatures=["deletionVectors", "appendOnly"]),
        metadata({"delta.appendOnly": "false"}, schema, name="orders", partitionColumns=["day"]),
        mtime_ms=1_704_164_645_000)
    vector = {"storageType": "i", "pathOrInlineDv": "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkb",
              "sizeInBytes": 40, "cardinality": 6}
    table.commit(1, commit_info(operation="WRITE", operationParameters={
        "mode": "Append", "partitionBy": "[\"day\"]"}, operationMetrics={"numFiles": "2"},
        engineInfo="tests", isBlindAppend=True, txnId="t-1", readVersion=0, userMetadata="hello"),
        add("day=2024-01-02/a%20b.parquet", 1_500_000, partitionValues={"day": "2024-01-02"},
            stats='{"numRecords":9}', deletionVector=vector),
        add("day=__HIVE_DEFAULT_PARTITION__/c.parquet", 10, partitionValues={"day": None}),
        {"txn": {"appId": "stream", "version": 7}}, mtime_ms=1_704_164_646_000)
    table.commit(2, commit_info(operation="DELETE"), remove("gone"), mtime_ms=1_704_164_647_000)
    return table


# ---- help and completions ------------------------------------------------------------------------


def test_Help_NamesEveryCommand():
    outcome = run("--help")
    assert outcome.status == DONE and outcome.stderr == ""
    for command in [*COMMANDS, *CATALOG_COMMANDS, "completion"]:
        assert re.search(rf"^  {command} ", outcome.stdout, re.MULTILINE), command


@pytest.mark.parametrize("command", [[], *ALL], ids=" ".join)
def test_HelpOfEachCommand_HasAnExample(command):
    for option in ["--help", "-h"]:
        outcome = run(*command, option)
        assert outcome.status == DONE and outcome.stderr == ""
        assert "Example:" in outcome.stdout
        assert "Usage: " + " ".join(["deltalakedb", *command]) in outcome.stdout
        assert max(len(line) for line in outcome.stdout.splitlines()) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_ExampleOfEachCommand_IsUnderstood(command, tmp_path):
    example = run(command, "--help").stdout.split("Example:")[1].split()
    assert example[:2] == ["deltalakedb", command]
    missing = [str(tmp_path / "no table") if word == "/data/orders" else word
               for word in example[1:]]
    assert str(tmp_path / "no table") in missing
    assert run(*missing).status == 3  # understood, and no table there


def test_ProgramVersion_IsShown():
    assert re.fullmatch(r"deltalakedb \d+\.\d+\.\d+\n", run("--version").stdout)
    assert re.fullmatch(r"\d+\.\d+\.\d+", run("--version", "--json").object()["version"])


@pytest.mark.parametrize("arguments", [
    ["--version", "snapshot", "X"], ["--version", "3", "snapshot", "X"], ["--version", "snapshot"],
    ["--version", "completion", "bash"]])
def test_VersionBeforeACommand_IsToldToGoAfterIt(arguments):
    error = refused(USAGE, *arguments)
    assert "after the command" in error["message"]
    assert "deltalakedb snapshot URI --version N" in error["message"]


@pytest.mark.parametrize("arguments", [
    ["--version", "foo"], ["--version", "--", "snapshot"], ["--version", "--foo"],
    ["--version=3"], ["--version=3", "snapshot", "X"]])
def test_ProgramVersionWithMore_IsAUsageError(arguments):
    outcome = run(*arguments)
    assert (outcome.status, outcome.stdout) == (USAGE, ""), outcome


@pytest.mark.parametrize("arguments", [
    ["completion", "bash", "--json"], ["completion", "--json", "bash"],
    ["--json", "completion", "bash"]])
def test_CompletionAsJson_IsAUsageError(arguments):
    outcome = run(*arguments)
    assert outcome.status == USAGE
    assert "--json" in outcome.error()["message"]


def complete_in_bash(*words):
    """What bash offers after these words, the last being the one that is typed."""
    return complete_line_in_bash("deltalakedb", *words)


def complete_line_in_bash(program, *words):
    script = run("completion", "bash").stdout + '''
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _deltalakedb; printf '%s\\n' "${COMPREPLY[@]}"'''
    done = subprocess.run(["bash", "-c", script, "bash", program, *words],
                          capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


@pytest.mark.parametrize("shell", SHELLS)
def test_CompletionScript_IsValid(shell, tmp_path):
    script = tmp_path / "script"
    script.write_text(run("completion", shell).stdout)
    # Their syntax can be checked only where the shells are; bash always is.
    if shell == "bash" or shutil.which(shell):
        option = "--no-execute" if shell == "fish" else "-n"
        done = subprocess.run([shell, option, script], capture_output=True, text=True, timeout=60,
                              check=False)
        assert (done.returncode, done.stderr) == (0, "")
    for word in [*COMMANDS, *CATALOG_COMMANDS, "completion", "since", "timestamp", "json", "limit",
                 "status", "metadata-only", "against", "deltalakedb-import"]:
        assert word in script.read_text(), word


def test_BashCompletion_OffersWhatMayFollow():
    assert set(complete_in_bash("")) >= {*COMMANDS, *CATALOG_COMMANDS, "completion", "--help",
                                         "--version"}
    assert complete_in_bash("mig") == ["migrate"]
    assert set(complete_in_bash("migrate", "")) == {"up", "down", "status", "--help", "-h"}
    assert set(complete_in_bash("migrate", "down", "x", "--")) == {"--help", "--json", "--yes"}
    options = {"--help", "--json", "--name", "--latest-only", "--up-to-version", "--dry-run",
               "--force", "--yes", "--metadata-only", "--verify"}
    assert set(complete_in_bash("import", "--")) == options
    assert set(complete_line_in_bash("deltalakedb-import", "x", "--")) == options
    assert set(complete_in_bash("verify", "x", "--a")) == {"--against"}
    assert complete_in_bash("hi") == ["history"]
    assert set(complete_in_bash("history", "--")) == {
        "--help", "--json", "--since", "--until", "--operation", "--limit"}
    assert set(complete_in_bash("files", "x", "--v")) == {"--version"}
    assert complete_in_bash("completion", "z") == ["zsh"]
    assert complete_in_bash("history", "") == []  # files are up to readline
    assert complete_in_bash("history", "--since", "") == []


# ---- output --------------------------------------------------------------------------------------


def test_Json_HasTheFieldsOfTheContract(orders):
    newest, write, create = run("history", orders.folder, "--json").lines()
    assert list(write) == ["version", "timestamp", "operation", "operationParameters",
                           "operationMetrics", "userMetadata", "engineInfo", "readVersion",
                           "isBlindAppend", "commitId", "numAdded", "numRemoved"]
    assert write["operationParameters"] == {"mode": "Append", "partitionBy": "[\"day\"]"}
    assert (write["commitId"], write["numAdded"], write["numRemoved"]) == ("t-1", 2, 0)
    assert (write["userMetadata"], write["readVersion"]) == ("hello", 0)
    assert (newest["operation"], newest["numRemoved"]) == ("DELETE", 1)
    assert list(create) == ["version", "timestamp", "operation", "operationParameters",
                            "operationMetrics", "commitId", "numAdded", "numRemoved"]
    assert create["operationParameters"] is None and create["commitId"] is None

    snapshot = run("--json", "snapshot", orders.folder).object()
    assert snapshot["numFiles"] == 2 and snapshot["sizeInBytes"] == 1_500_010
    assert snapshot["timestamp"] == 1_704_164_647_000
    assert snapshot["appTransactions"] == {"stream": 7} and snapshot["domainMetadata"] == {}
    assert list(snapshot["metaData"]) == ["id", "name", "format", "schemaString",
                                          "partitionColumns", "configuration"]
    first, second = run("files", orders.folder, "--json").lines()
    assert first["path"] == "day=2024-01-02/a%20b.parquet"
    assert first["deletionVector"]["cardinality"] == 6 and "offset" not in first["deletionVector"]
    assert second["partitionValues"] == {"day": None} and "stats" not in second


def test_HistoryOfOneOperation_LeavesTheOthersOut(orders):
    entries = run("history", orders.folder, "--operation", "WRITE", "--json").lines()
    assert [entry["version"] for entry in entries] == [1]
    assert run("history", orders.folder, "--operation", "write", "--json").lines() == []


def test_OutputForPeople_IsReadable(orders):
    history = run("history", orders.folder).stdout.splitlines()
    assert history[0].split() == ["VERSION", "TIME", "OPERATION", "ADDED", "REMOVED", "PARAMETERS"]
    assert history[2].split() == ["1", "2024-01-02T03:04:06.000Z", "WRITE", "2", "0",
                                  "mode=Append,", "partitionBy=[\"day\"]"]
    snapshot = run("snapshot", orders.folder).stdout
    assert "version           2\n" in snapshot and "size              1.4 MiB\n" in snapshot
    assert "partitioned by    day\n" in snapshot
    files = run("files", orders.folder).stdout.splitlines()
    assert files[0].split() == ["SIZE", "MODIFIED", "DELETED", "ROWS", "PARTITION", "PATH"]
    assert len(files) == 3
    assert "day=2024-01-02" in files[1] and "1.4 MiB" in files[1] and " 6  " in files[1]
    assert files[1].index("day=") == files[0].index("PARTITION")
    schema = run("schema", orders.folder).stdout
    assert re.search(r"^id +long +no +the number$", schema, re.MULTILINE)
    assert re.search(r"^  element +struct +no$", schema, re.MULTILINE)
    assert re.search(r"^    price +decimal\(10,2\) +yes$", schema, re.MULTILINE)
    assert "reader features  deletionVectors\n" in run("protocol", orders.folder).stdout
    assert "delta.appendOnly  false\n" in run("properties", orders.folder).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_OutputToAPipe_HasNoColourAndNoTrailingSpaces(orders, command):
    outcome = run(command, orders.folder)
    assert outcome.status == DONE and "\x1b" not in outcome.stdout
    assert not re.search(r" $", outcome.stdout, re.MULTILINE)


def in_terminal(*arguments, **variables):
    """What the program shows in a terminal."""
    shown, terminal = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment.update({"TERM": "xterm"} | variables)
    process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL,
                               stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    text = b""
    try:
        while piece := os.read(shown, 65536):
            text += piece
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(shown)
    process.wait(timeout=60)
    return text.decode()


def test_OutputToATerminal_HasColourUnlessUnwanted(orders):
    assert in_terminal("files", orders.folder).startswith("\x1b[1m")
    assert "\x1b[1;31merror:\x1b[0m " in in_terminal("files", orders.folder / "none")
    for variables in [{"NO_COLOR": "1"}, {"TERM": "dumb"}]:
        assert "\x1b" not in in_terminal("files", orders.folder, **variables)
    assert "\x1b" not in in_terminal("files", orders.folder, "--json")


def test_TextsOfTheLog_CannotSteerTheTerminal(table):
    evil = "\x1b[2J\x1b]0;title\x07\r\n\u009b31m\u202e"
    schema = json.dumps({"type": "struct", "fields": [
        {"name": evil, "type": "long", "nullable": True, "metadata": {"comment": evil}}]})
    table.commit(0, commit_info(operation=evil, operationParameters={evil: evil}), protocol(),
                 metadata({evil: evil}, schema, name=evil, description=evil,
                          partitionColumns=[evil]),
                 add(evil, partitionValues={evil: evil}), {"txn": {"appId": evil, "version": 1}})
    for command in COMMANDS:
        shown = in_terminal(command, table.folder, NO_COLOR="1")
        assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", shown), command
        assert "\r" not in shown.replace("\r\n", ""), command
        # As JSON nothing is lost.
        assert run(command, table.folder, "--json").status == DONE
    assert run("files", table.folder, "--json").lines()[0]["path"] == evil


def test_PathThatIsAnOptionsOrCommandsName_IsATable(orders, tmp_path):
    for name in ["history", "snapshot", "completion", "--json", "-x"]:
        (tmp_path / name).symlink_to(orders.folder)
        assert run("snapshot", "--json", "--", name, cwd=tmp_path).object()["version"] == 2
    assert run("snapshot", "files", cwd=tmp_path).status == 3
    assert run("snapshot", "history", "--json", cwd=tmp_path).object()["version"] == 2


# ---- endings -------------------------------------------------------------------------------------


@pytest.fixture
def many_files(table):
    """A table whose list of files is longer than any pipe's buffer."""
    table.commit(0, protocol(), metadata(), *(add(f"part-{n:06}") for n in range(30_000)))
    return table


@pytest.mark.parametrize("json_option", [[], ["--json"]])
def test_OutputThatCannotBeWritten_IsAnError(orders, many_files, json_option):
    for command in [["snapshot", orders.folder], ["files", many_files.folder], ["--help"]]:
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, *map(str, command), *json_option], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        assert done.returncode == UNAVAILABLE
        assert "standard output" in done.stderr
        if json_option:
            assert json.loads(done.stderr)["error"]["code"] == "Io"


def test_StandardOutputThatIsClosed_IsAnError(orders):
    done = subprocess.run(["bash", "-c", '"$0" snapshot "$1" >&-', PROGRAM, orders.folder],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == UNAVAILABLE and done.stderr.startswith("error: ")


@pytest.mark.parametrize("ignored", [False, True], ids=["pipe signal", "pipe signal ignored"])
def test_ReaderThatGoesAway_EndsItQuietly(many_files, ignored):
    script = '"$0" files "$1" | head -n 1; echo "${PIPESTATUS[0]}"'
    done = subprocess.run(["bash", "-c", ("trap '' PIPE; " if ignored else "") + script, PROGRAM,
                           many_files.folder], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[1] == str(128 + signal.SIGPIPE)


def test_Interrupt_EndsWithItsStatus(many_files):
    reader, writer = os.pipe()  # nobody reads, so the program has to wait
    process = subprocess.Popen([PROGRAM, "files", many_files.folder, "--json"], stdout=writer,
                               stderr=subprocess.PIPE)
    os.close(writer)
    os.read(reader, 1)  # it is at its output
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    os.close(reader)
    assert (process.returncode, errors) == (130, b"")


def test_WhatTurnsTextAround_IsEscapedInErrors(tmp_path):
    outcome = run("snapshot", tmp_path / "no\u202etable")
    assert "no\\u202Etable" in outcome.stderr and "\u202e" not in outcome.stderr
