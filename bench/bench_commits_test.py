"""The benchmarks of commits work and notice a lost one. How fast they are is never asserted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import commit_cases
import make_log

BENCH = Path(__file__).resolve().parent
BUILD = Path(os.environ["DELTALAKEDB_BUILD_DIR"])
TIMEOUT_S = 900


def run(*command, status=0):
    done = subprocess.run([os.fspath(part) for part in command], capture_output=True,
                          timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, check=False,
                          encoding="utf-8")
    assert done.returncode == status, done.stderr
    return done


def bench_commits(*arguments, status=0):
    return run(BUILD / "bin/bench_commits", *arguments, status=status)


@pytest.fixture
def tables(tmp_path):
    """Two empty tables."""
    uris = []
    for name in ("a", "b"):
        make_log.make_log(tmp_path / name, 0, 0)
        uris.append(f"deltasql://sqlite/{tmp_path}/{name}.db?table=t")
        run(BUILD / "bin/deltalakedb", "import", tmp_path / name, uris[-1])
    return uris


def files_of(uri):
    return json.loads(run(BUILD / "bin/bench_list_files", uri).stdout)


@pytest.mark.parametrize("clients", ["--threads", "--processes"])
def test_clients_commit_what_they_say(tables, clients):
    done = bench_commits(*tables, clients, "4", "--files", "3", "--commits", "5", "--warm-up", "2")
    measured = json.loads(done.stdout)
    assert (measured["commits"], measured["files"]) == (20, 60)
    assert (measured["fewest"], measured["most"]) == (5, 5)
    assert 0 < measured["median_s"] <= measured["p95_s"] <= measured["max_s"]
    for uri in tables:  # two clients each, with their warm-up
        listed = files_of(uri)
        assert (listed["version"], listed["files"]) == (14, 42)


def test_time_ends_the_commits_of_every_client(tables):
    measured = json.loads(bench_commits(tables[0], "--threads", "2", "--seconds", "1").stdout)
    assert measured["seconds"] >= 1 and measured["fewest"] > 0
    assert files_of(tables[0])["files"] == measured["files"] + 2 * 10


def test_versions_that_are_not_the_clients_own_are_noticed(tables):
    # As two tables, each of which then has the other's versions.
    done = bench_commits(tables[0], tables[0], "--threads", "2", "--commits", "3", status=1)
    assert done.stdout == "" and "26 commits" not in done.stderr
    assert "13 commits of 1 files were answered" in done.stderr


def test_unusable_arguments_are_refused(tables):
    for arguments in ([], [tables[0], "--threads"], [tables[0], "--threads", "0"],
                      [tables[0], "--other", "1"]):
        assert bench_commits(*arguments, status=2).stdout == ""
    bench_commits("deltasql://sqlite/nowhere.db?table=t", status=1)


def test_all_is_measured_and_every_aim_is_judged(tmp_path):
    report = run(sys.executable, BENCH / "run_commits.py", "--rounds", "1", "--seconds", "0",
                 "--commits", "3", "--large", "20", "50", "--without", "ducklake", "--build", BUILD,
                 "--tables", tmp_path).stdout
    results = json.loads((tmp_path / "results_commits.json").read_text(encoding="utf-8"))
    names = [name for name in commit_cases.make_cases(
        commit_cases.Bench.__new__(commit_cases.Bench), (20, 50)) if "ducklake" not in name]
    [measured] = results["rounds"]
    assert results["cases"] == names and set(measured) == set(names)
    for case, figures in measured.items():
        assert figures["commits_per_s"] > 0 and figures["median_s"] > 0, case
        assert f"| {case} |" in report
    judged = [line for line in report.splitlines() if line.endswith(("| yes |", "| **no** |"))]
    assert len(judged) == 11
