"""`verify --against` and an import's own verification, where one side has a file from a checkpoint
and the other from a commit: a checkpoint does not keep dataChange."""

import json
import shutil

import pytest

from catalog_support import ANSWER_IS_NO
from support import DONE, TableLog, add, commit_info, run

COMMITS = 5


def take_in(catalog, folder, *options):
    return run("import", folder, catalog.uri(), *options, "--json").object()


def verify(catalog, source):
    outcome = run("verify", catalog.uri(), "--against", source, "--json")
    return outcome.status, [found["message"] for found in json.loads(outcome.stdout)["differences"]]


def write_checkpoint(table, version):
    """As other writers do: no file of it changes data."""
    actions = table.state(version)
    for action in actions:
        if "add" in action:
            action["add"]["dataChange"] = False
    table.checkpoint(version, *actions)


def clean_up(table, version):
    write_checkpoint(table, version)
    for old in range(version + 1):
        table.path(old).unlink()


@pytest.fixture
def copy(table, tmp_path):
    """Makes another table of the same log."""
    def make():
        other = TableLog(tmp_path / "copy")
        shutil.copytree(table.folder / "_delta_log", other.folder / "_delta_log",
                        dirs_exist_ok=True)
        return other
    return make


# ---- what is no difference -----------------------------------------------------------------------


def test_OwnExportOfTheLatestState_IsTheSame(catalog, table, tmp_path):
    table.grow(COMMITS)
    take_in(catalog, table.folder, "--latest-only")
    table.commit(COMMITS, commit_info(), add("new"))
    take_in(catalog, table.folder)
    run("export", catalog.uri(), tmp_path / "out", "--json").object()
    assert verify(catalog, tmp_path / "out") == (DONE, [])
    assert verify(catalog, table.folder) == (DONE, [])


def test_OwnExportOfACleanedUpLog_IsTheSame(catalog, table, tmp_path):
    table.grow(COMMITS)
    clean_up(table, 2)
    take_in(catalog, table.folder)
    run("export", catalog.uri(), tmp_path / "out", "--json").object()
    assert verify(catalog, tmp_path / "out") == (DONE, [])
    assert verify(catalog, table.folder) == (DONE, [])


def test_SourceThatWasCleanedUpSince_IsTheSame(catalog, table):
    table.grow(COMMITS)
    take_in(catalog, table.folder)
    clean_up(table, 2)
    assert verify(catalog, table.folder) == (DONE, [])


def test_SourceThatHasMoreThanTheCatalog_IsTheSame(catalog, table, copy):
    table.grow(COMMITS)
    whole = copy()
    clean_up(table, 2)
    take_in(catalog, table.folder)
    assert verify(catalog, whole.folder) == (DONE, [])


def test_CheckpointOfTheVersionThatTheCatalogHas_DoesNotKeepNewCommitsOut(catalog, table):
    table.grow(COMMITS)
    take_in(catalog, table.folder)
    write_checkpoint(table, COMMITS - 1)
    table.commit(COMMITS, commit_info(), add("new"))
    report = take_in(catalog, table.folder)
    assert (report["toVersion"], report["verified"]) == (COMMITS, True)


# ---- what is one ---------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--latest-only"]], ids=["whole", "latest"])
def test_DataChangeOfACommitOnBothSides_IsADifferenceOfThatFileAlone(catalog, table, copy, options):
    table.grow(COMMITS)
    take_in(catalog, table.folder, *options)
    table.commit(COMMITS, commit_info(), add("new"))
    other = copy()
    take_in(catalog, table.folder)
    other.commit(COMMITS, commit_info(), add("new", dataChange=False))
    status, messages = verify(catalog, other.folder)
    assert status == ANSWER_IS_NO
    assert [text for text in messages if text.startswith("file ")] == [
        "file new: its fields differ"]


def test_OtherFieldOfAFileOfTheBase_IsADifferenceOfThatFileAlone(catalog, table):
    table.grow(COMMITS)
    clean_up(table, 2)
    take_in(catalog, table.folder)
    actions = table.state(2)
    actions[-1]["add"]["modificationTime"] += 1
    table.checkpoint(2, *actions)
    status, messages = verify(catalog, table.folder)
    assert status == ANSWER_IS_NO
    assert messages == ["file f2: its fields differ"]


def test_FileOfAnotherSizeInTheBase_IsADifference(catalog, table):
    table.grow(COMMITS)
    clean_up(table, 2)
    take_in(catalog, table.folder)
    table.checkpoint(2, *json.loads(json.dumps(table.state(2)).replace('"size": 10', '"size": 11')))
    status, messages = verify(catalog, table.folder)
    assert status == ANSWER_IS_NO
    assert any("bytes in live files" in text for text in messages), messages
