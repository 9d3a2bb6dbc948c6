"""`deltalakedb commit`: on folders and catalogs, its JSON, exit statuses and what it refuses."""

import json
import os
import re
import subprocess
import uuid
from pathlib import Path

import pytest

from catalog_support import CONFLICT, Flights, obey_permissions
from support import (DONE, NOT_FOUND, PROGRAM, REPOSITORY, UNAVAILABLE, UNSUPPORTED, USAGE,
                     TableLog, add, commit_info, metadata, protocol, refused, remove, run)


ID = "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d"


@pytest.fixture(params=["folder", "sqlite", "duckdb"])
def table(request, tmp_path):
    """The URI of a table with version 0 and the file f0."""
    log = TableLog(tmp_path / "t")
    log.create(add("f0"))
    if request.param == "folder":
        return str(log.folder)
    catalog = f"deltasql://{request.param}/{tmp_path}/meta.db?table=t"
    assert run("import", log.folder, catalog).status == DONE
    return catalog


@pytest.fixture
def actions(tmp_path):
    """Writes actions to a file of its own and gives its path."""
    def write(*lines):
        path = tmp_path / f"{uuid.uuid4()}.jsonl"
        path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n"
                                for line in lines), encoding="utf-8")
        return path
    return write


def commit(table, path, *options):
    return run("commit", table, "--actions", path, *options, "--json").object()


def paths(table):
    return [line["path"] for line in run("files", table, "--json").lines()]


def test_Commit_IsTheNextVersionAndShowsInHistory(table, actions):
    answer = commit(table, actions(add("f1"), remove("f0")), "--operation", "COPY INTO",
                    "--commit-id", ID)
    assert answer == {"version": 1, "commitId": ID}
    assert paths(table) == ["f1"]
    newest = run("history", table, "--limit", "1", "--json").lines()[0]
    assert (newest["version"], newest["operation"], newest["commitId"]) == (1, "COPY INTO", ID)
    assert newest["isBlindAppend"] is False and newest["readVersion"] == 0


def test_CommitForPeople_SaysTheVersion(table, actions):
    assert run("commit", table, "--actions", actions(add("f1"))).stdout == "version 1\n"


def test_ActionsOfStandardInput_AreTaken(table):
    done = subprocess.run([PROGRAM, "commit", table, "--actions", "-"], check=True, text=True,
                          input=json.dumps(add("f1")), capture_output=True)
    assert done.stdout == "version 1\n"


def test_AppTransaction_IsSkippedTheSecondTime(table, actions):
    options = ["--app-id", "loader", "--app-version", "4"]
    assert commit(table, actions(add("f1")), *options)["version"] == 1
    again = commit(table, actions(add("f2")), *options)
    assert again["skipped"] is True
    assert paths(table) == ["f0", "f1"]
    assert run("snapshot", table, "--json").object()["appTransactions"] == {"loader": 4}


def test_CommitIdInEitherCase_IsOneCommit(table, actions):
    first = commit(table, actions(add("f1")), "--commit-id", ID.upper())
    assert first == {"version": 1, "commitId": ID}
    assert commit(table, actions(add("f2")), "--commit-id", ID) == first
    assert paths(table) == ["f0", "f1"]


def test_CommitThatIsThereAlready_SaysSoToPeople(table, actions):
    words = ["commit", table, "--actions", actions(add("f1")), "--commit-id", ID]
    assert run(*words).stdout == "version 1\n"
    run("commit", table, "--actions", actions(add("f2")), "--json").object()
    again = run(*words)
    assert (again.status, again.stdout) == (DONE, "the commit is there already, as version 1\n")


@pytest.mark.parametrize("text", ["", "\n", " \n\t\r\n\n"])
def test_NoActionAtAll_IsRefusedUnlessAskedFor(table, actions, tmp_path, text):
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text(text)
    error = refused(USAGE, "commit", table, "--actions", nothing)
    assert error["code"] == "InvalidArgument" and error["file"] == str(nothing), error
    assert "commitInfo" in error["message"]
    assert run("history", table, "--json").lines()[0]["version"] == 0
    options = ["--app-id", "loader", "--app-version", "1"]
    assert commit(table, nothing, *options)["version"] == 1
    nothing.write_text(text + '{"commitInfo":{}}\n')
    assert commit(table, nothing)["version"] == 2
    assert paths(table) == ["f0"]


def test_ExpectedVersionThatIsGone_IsAConflictWithBothVersions(table, actions):
    assert commit(table, actions(add("f1")), "--expect-version", "0")["version"] == 1
    error = refused(CONFLICT, "commit", table, "--actions", actions(add("f2")),
                    "--expect-version", "0")
    assert error["code"] == "Conflict"
    assert (error["expectedVersion"], error["actualVersion"]) == (0, 1)
    assert paths(table) == ["f0", "f1"]


def test_FileThatTwoRemove_IsAConflictThatNamesIt(table, actions):
    commit(table, actions(remove("f0")))
    error = refused(CONFLICT, "commit", table, "--actions", actions(remove("f0")),
                    "--read-version", "0", "--isolation", "writeserializable")
    assert error["conflict"] in ("ConcurrentDeleteRead", "ConcurrentDeleteDelete")
    assert error["version"] == 1


@pytest.mark.parametrize("line, field", [
    ('{"add":{"path":"x","partitionValues":{},"size":1,"modificationTime":1}}', "dataChange"),
    ('{"add":{"path":"x","partitionValues":{},"size":"1","modificationTime":1,"dataChange":true}}',
     "size"),
    ('{"remove":{"path":7,"dataChange":true}}', "path"),
])
def test_ActionOfAWrongForm_NamesFileLineActionAndField(table, actions, line, field):
    path = actions(add("f1"), line)
    error = refused(USAGE, "commit", table, "--actions", path)
    assert error["code"] == "InvalidArgument" and error["line"] == 2, error
    assert error["field"].endswith(field) and error["file"] == str(path)
    assert error["message"].startswith(f"{path}: line 2: ")
    assert error["message"].count("line 2") == 1 and error["message"].count(str(path)) == 1
    assert paths(table) == ["f0"]


@pytest.mark.parametrize("lines", [
    [add("f1"), add("f1")],                        # shape
    [add("f1"), remove("f1")],
    [commit_info(), add("f1", partitionValues={"x": "1"})],  # the table's columns
    [add("f1"), remove("none")],                   # the table's files
    [add("f1"), {"domainMetadata": {"domain": "d", "configuration": "", "removed": False}}],
])
def test_ActionThatIsFoundWrongLater_NamesFileAndLineOnce(table, actions, lines):
    path = actions(*lines)
    outcome = run("commit", table, "--actions", path, "--json")
    assert outcome.status in (USAGE, UNSUPPORTED), outcome
    error = outcome.error()
    assert (error["line"], error["file"]) == (2, str(path)), error
    assert error["message"].startswith(f"{path}: ")
    assert error["message"].count("line 2") == 1 and error["message"].count(str(path)) == 1


def test_ActionsOfStandardInputThatAreWrong_NameIt(table):
    done = subprocess.run([PROGRAM, "commit", table, "--actions", "-", "--json"], text=True,
                          input='{"add":{}}\n', capture_output=True, check=False)
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, error["file"], error["line"]) == (USAGE, "-", 1)
    assert error["message"].startswith("standard input: line 1: ")


@pytest.mark.parametrize("lines", [
    [add("f1"), add("f1")], [remove("f0"), remove("f0")], [add("f1"), remove("f1")],
    [metadata({}), metadata({})], [protocol(), protocol()], [remove("none")],
])
def test_ActionsThatContradictEachOtherOrTheTable_AreInvalid(table, actions, lines):
    error = refused(USAGE, "commit", table, "--actions", actions(*lines))
    assert error["code"] == "InvalidArgument"
    assert run("history", table, "--json").lines()[0]["version"] == 0


def test_WhatIsNotThere_IsNotFound(table, actions, tmp_path):
    refused(NOT_FOUND, "commit", table, "--actions", tmp_path / "none.jsonl")
    refused(NOT_FOUND, "commit", table, "--actions", actions(add("f1")), "--read-version", "7")


def test_FileOfActionsThatCannotBeRead_IsSaidWhy(table, actions, tmp_path):
    def attempt(path):
        outcome = run("commit", table, "--actions", path, "--json", preexec_fn=obey_permissions)
        error = outcome.error()
        assert error["file"] == str(path) and str(path) in error["message"], error
        return outcome.status, error["code"]

    closed = actions(add("f1"))
    closed.chmod(0)
    assert attempt(closed) == (UNAVAILABLE, "Permission")
    assert attempt(tmp_path) == (USAGE, "InvalidArgument")
    assert attempt(closed / "below") == (NOT_FOUND, "NotFound")
    assert attempt(tmp_path / "none.jsonl") == (NOT_FOUND, "NotFound")
    assert "directory" in refused(USAGE, "commit", table, "--actions", tmp_path)["message"]
    assert paths(table) == ["f0"]


@pytest.mark.parametrize("options", [
    ["--app-id", "a"], ["--app-version", "1"], ["--isolation", "none"], ["--reads", "some"],
    ["--read-version", "0", "--expect-version", "0"], ["--commit-id", "x" * 36],
])
def test_WrongOptions_AreUsage(table, actions, options):
    refused(USAGE, "commit", table, "--actions", actions(add("f1")), *options)
    assert paths(table) == ["f0"]


def test_TableOfAFeatureThatWritersDoNotKnow_IsUnsupported(tmp_path, actions):
    log = TableLog(tmp_path / "u")
    log.commit(0, {"protocol": {"minReaderVersion": 1, "minWriterVersion": 7,
                                "writerFeatures": ["featureOfTomorrow"]}}, metadata({}))
    error = refused(UNSUPPORTED, "commit", log.folder, "--actions", actions(add("f1")))
    assert "featureOfTomorrow" in error["features"]


def test_CommandsInTheGuide_Run(tmp_path):
    """The commands of docs/writing.md, in a folder with the catalog that they name."""
    Flights(tmp_path / "flights")
    guide = (REPOSITORY / "docs" / "writing.md").read_text(encoding="utf-8")
    samples = re.findall(r"^    (\{.*\})$", guide, re.MULTILINE)
    for name, sample in zip(["orders.json", "new.jsonl"], samples, strict=True):
        (tmp_path / name).write_text(sample + "\n", encoding="utf-8")
    commands = re.findall(r"^    \$ (.*)$", guide, re.MULTILINE)
    assert len(commands) == 6
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -e", "deltalakedb import flights "
                                  "'deltasql://sqlite/meta.db?table=flights' >&2", *commands])],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"})
    assert done.returncode == 0, done
    assert "version 1\n" in done.stdout and "version 3\n" in done.stdout
    assert f"its files are where they were, in {tmp_path}/orders\n" in done.stdout
