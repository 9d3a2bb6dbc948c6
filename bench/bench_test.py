"""The benchmarks work, on tables of a few files. How fast they are is never asserted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent
BUILD = Path(os.environ["DELTALAKEDB_BUILD_DIR"])


def run(*command):
    done = subprocess.run([os.fspath(part) for part in command], capture_output=True, timeout=300,
                          stdin=subprocess.DEVNULL, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def list_files(table, *arguments):
    return json.loads(run(BUILD / "bin/bench_list_files", table, *arguments))


def make_log(table, *arguments):
    return json.loads(run(sys.executable, BENCH / "make_log.py", table, *arguments))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table of versions 0 to 6 with files added and removed, and a checkpoint at version 4."""
    folder = tmp_path_factory.mktemp("bench") / "table"
    made = make_log(folder, "--files", "60", "--commits", "6", "--removes", "50",
                    "--checkpoint-every", "4")
    assert (made["live"], made["added"], made["removed"], made["versions"]) == (60, 120, 60, 7)
    return folder


def log_bytes(table):
    return {path.name: path.read_bytes() for path in (table / "_delta_log").glob("*.json")}


def test_log_made_twice_is_the_same(tmp_path):
    arguments = ("--files", "30", "--removes", "10", "--commits", "3")
    for name in ("once", "again"):
        make_log(tmp_path / name, *arguments)
    assert log_bytes(tmp_path / "once") == log_bytes(tmp_path / "again")


def test_single_commit_holds_all_files(tmp_path):
    made = make_log(tmp_path / "table", "--files", "30", "--single-commit")
    assert (made["live"], made["versions"]) == (30, 2)
    assert list_files(tmp_path / "table")["files"] == 30


def test_listed_files_are_the_tables_at_every_version(table):
    assert list_files(table)["files"] == 60
    for version, files in enumerate([0, 20, 20, 30, 40, 50, 60]):
        arguments = (table, "--version", str(version))
        measured = list_files(*arguments)
        assert (measured["version"], measured["files"]) == (version, files)
        assert list_files(*arguments, "--count-only")["files"] == files
        assert measured["total_s"] > 0 and measured["cpu_s"] > 0 and measured["peak_rss_mib"] > 0


def test_unusable_arguments_are_refused(table):
    program = BUILD / "bin/bench_list_files"
    for arguments in ([], [table, "--version", "x"], [table, "--other"], [table, table]):
        done = subprocess.run([program, *arguments], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (2, b"")
    done = subprocess.run([program, table, "--version", "99"], capture_output=True, check=False)
    assert done.returncode == 1 and b"99" in done.stderr


@pytest.mark.parametrize("options", [[], ["--struct"]])
def test_checkpoint_has_all_its_adds(options):
    measured = json.loads(run(BUILD / "bin/bench_checkpoint", "70000", *options))
    assert measured["adds"] == 70_000 and min(measured["time_ratio"], measured["cpu_ratio"]) > 0
    assert measured["bytes"] > 1_000_000 and measured["arrow_bytes"] > 1_000_000


def test_run_reports_every_case(tmp_path):
    report = run(sys.executable, BENCH / "run.py", "--files", "2000", "--reps", "1",
                 "--build", BUILD, "--tables", tmp_path)
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [(case["table"], case["version"], case["files"]) for case in results["cases"]] == [
        ("json-2k", 2, 2000), ("json-2k", 1, 1000),
        ("checkpoint-2k", 2, 2000), ("checkpoint-2k", 1, 1000)]
    assert [one["table"] for one in results["files_json"]] == [
        "json-2k", "checkpoint-2k", "single-commit-2k"]
    assert "| json-2k | 2 | 2,000 |" in report


def test_catalog_benchmark_runs(tmp_path):
    out = run(sys.executable, BENCH / "run_catalog.py", "--files", "2000", "--reps", "1", "--build",
              BUILD, "--tables", tmp_path)
    results = json.loads((tmp_path / "results_catalog.json").read_text(encoding="utf-8"))
    [one] = results["cases"][0]["rounds"]
    assert set(one["databases"]) == {"sqlite", "postgres", "duckdb"}
    for name, measured in one["databases"].items():
        for read in measured["reads"]:
            assert read["times"]["snapshot"]["files"] == read["raw"]["rows"] == 2000
        assert measured["sizes"]["all" if name != "postgres" else "rows"] > 0
        for line in ("snapshot at half", "latest version", "one file by path"):
            assert f"| 2,000 | {name} | {line} |" in out
    assert "| 2,000 | postgres | a transaction for each |" in out


def test_slo_gives_a_verdict_on_every_floor(tmp_path):
    # Whether they are held is not asserted: this machine may be busy.
    done = subprocess.run([sys.executable, BENCH / "slo.py", "--files", "2000", "--build", BUILD,
                           "--tables", tmp_path], capture_output=True, timeout=300, check=False,
                          encoding="utf-8")
    assert done.returncode in (0, 1), done.stderr
    verdicts = [line for line in done.stdout.splitlines() if line.startswith(("pass", "FAIL"))]
    assert len(verdicts) == 17
    assert (done.returncode == 0) == all(line.startswith("pass") for line in verdicts)
