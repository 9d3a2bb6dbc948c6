"""The benchmark of mirrors works. How fast they are is never asserted."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
BUILD = Path(os.environ["DELTALAKEDB_BUILD_DIR"])


def test_all_parts_are_measured(tmp_path):
    done = subprocess.run(
        [sys.executable, BENCH / "run_mirror.py", "--rounds", "1", "--commits", "3", "--backlog",
         "25", "--files", "2000", "--build", BUILD, "--tables", tmp_path], capture_output=True,
        timeout=600, stdin=subprocess.DEVNULL, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    [measured] = json.loads((tmp_path / "results_mirror.json").read_text("utf-8"))["rounds"]
    for database in ("sqlite", "postgres"):
        assert measured["publish"][database]["with"]["median_s"] > 0
        assert measured["catch-up"][database]["commits_per_s"] > 0
        assert measured["checkpoint"][database]["bytes"] > 0
        assert done.stdout.count(f"| {database} |") == 3
    assert measured["checkpoint"]["delta-rs"]["total_s"] > 0
