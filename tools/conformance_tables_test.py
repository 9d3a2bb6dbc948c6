"""How conformance_tables.py finds and unpacks its folder."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import conformance_tables


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    monkeypatch.delenv("DELTALAKEDB_CONFORMANCE", raising=False)
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def archive(tmp_path):
    return pack(tmp_path, "first")


def pack(tmp_path, content):
    tables = tmp_path / "tables-dev" / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    (tables / "a.txt").write_text(content)
    packed = tmp_path / "tables-dev.tar.zst"
    subprocess.run(["tar", "--zstd", "-cf", packed, "-C", tmp_path, "tables-dev"], check=True)
    return packed


def test_asked_many_times_at_once_it_is_unpacked_whole(archive, tmp_path):
    unpacked = tmp_path / "build" / "conformance"
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda _: conformance_tables.folder(archive, unpacked), range(8)))
    assert found == [unpacked] * 8
    assert (unpacked / "tables" / "a.txt").read_text() == "first"
    assert sorted(path.name for path in unpacked.parent.iterdir()) == ["conformance",
                                                                       "conformance.lock"]


def test_newer_archive_replaces_what_was_unpacked(archive, tmp_path):
    unpacked = tmp_path / "build" / "conformance"
    conformance_tables.folder(archive, unpacked)
    conformance_tables.folder(pack(tmp_path, "second, and longer"), unpacked)
    assert (unpacked / "tables" / "a.txt").read_text() == "second, and longer"


def test_folder_given_by_the_environment_is_taken_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "tables").mkdir()
    monkeypatch.setenv("DELTALAKEDB_CONFORMANCE", str(tmp_path))
    assert conformance_tables.folder(tmp_path / "none") == tmp_path


def test_given_folder_without_tables_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAKEDB_CONFORMANCE", str(tmp_path))
    with pytest.raises(SystemExit, match="has no folder tables/"):
        conformance_tables.folder()


def test_missing_archive_is_one_line_at_home(tmp_path, capsys):
    assert conformance_tables.folder(tmp_path / "none") is None
    assert capsys.readouterr().err.count("\n") == 1


def test_missing_archive_is_a_failure_in_ci(tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "1")
    with pytest.raises(SystemExit, match="in CI"):
        conformance_tables.folder(tmp_path / "none")
