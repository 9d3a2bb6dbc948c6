"""The benchmark of DuckLake's commits works, with what `tools/setup.sh --bench` fetched."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
BUILD = Path(os.environ["DELTALAKEDB_BUILD_DIR"])
DUCKLAKE = os.environ.get("DELTALAKEDB_DUCKLAKE", BENCH.parent / ".deps" / "ducklake")


def test_ducklake_is_measured(tmp_path):
    done = subprocess.run(
        [sys.executable, BENCH / "run_commits.py", "--rounds", "1", "--seconds", "0", "--commits",
         "3", "--only", "ducklake", "4 processes, one table", "--ducklake", DUCKLAKE, "--build",
         BUILD, "--tables", tmp_path], capture_output=True, timeout=900, check=False,
        encoding="utf-8")
    assert done.returncode == 0, done.stderr
    [measured] = json.loads((tmp_path / "results_commits.json").read_text(
        encoding="utf-8"))["rounds"]
    assert sum(case.startswith("ducklake") for case in measured) == 8
    judged = [line for line in done.stdout.splitlines() if line.endswith(("yes |", "**no** |"))]
    assert len(judged) == 4
