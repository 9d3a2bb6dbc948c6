"""What is said when the answer of a command that changed something cannot be written."""

import json
import subprocess

import pytest

from create_support import Place, actions_file, create
from support import PROGRAM, UNAVAILABLE, add, run


@pytest.fixture(params=["folder", "sqlite"])
def place(request, tmp_path):
    return Place(request.param, tmp_path, None)


def run_on_full_disk(*arguments):
    """Runs the program with nowhere to write its answer to; gives what is on standard error."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([PROGRAM, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, timeout=300, check=False)
    assert done.returncode == UNAVAILABLE, done
    return done.stderr.decode()


def newest(place):
    return run("history", place.uri(), "--limit", "1", "--json").lines()[0]


def test_Commit_IsSaidToBeThere(place, columns, tmp_path):
    create(place, columns())
    words = ["commit", place.uri(), "--actions",
             actions_file(tmp_path, add("f0", partitionValues={}))]
    text = run_on_full_disk(*words)
    entry = newest(place)
    assert entry["version"] == 1
    assert f"version 1 is committed under the commit id {entry['commitId']}" in text
    assert "standard output" in text
    words[-1] = actions_file(tmp_path, add("f1", partitionValues={}))
    error = json.loads(run_on_full_disk(*words, "--json"))["error"]
    entry = newest(place)
    assert (error["code"], error["version"], error["commitId"]) == ("Io", 2, entry["commitId"])
    assert entry["version"] == 2


def test_Create_IsSaidToBeDone(place, columns):
    words = ["create", place.uri(), "--schema", columns(), *place.options()]
    error = json.loads(run_on_full_disk(*words, "--json"))["error"]
    assert (error["version"], error["commitId"]) == (0, newest(place)["commitId"])
    assert error["table"] in error["message"] and "is made" in error["message"]
    assert place.names() == ["orders"]


def test_SetProperties_AreSaidToBeSet(place, columns):
    create(place, columns())
    text = run_on_full_disk("set-properties", place.uri(), "a=1")
    assert f"version 1 is committed under the commit id {newest(place)['commitId']}" in text
    # Nothing is changed, so nothing is said of it.
    error = json.loads(run_on_full_disk("set-properties", place.uri(), "a=1", "--json"))["error"]
    assert "version" not in error and newest(place)["version"] == 1


def test_Drop_IsSaidToBeDone(tmp_path, columns):
    catalog = Place("sqlite", tmp_path, None)
    create(catalog, columns())
    assert "the table orders is dropped" in run_on_full_disk("drop", catalog.uri(), "--yes")
    assert catalog.names() == []
