"""The benchmark of rows works. How fast anything is is never asserted."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
BUILD = Path(os.environ["DELTALAKEDB_BUILD_DIR"])
ROWS = 3000


def test_all_parts_are_measured(tmp_path):
    done = subprocess.run(
        [sys.executable, BENCH / "run_rows.py", "--rounds", "1", "--rows", str(ROWS),
         "--build", BUILD, "--tables", tmp_path], capture_output=True, timeout=600,
        stdin=subprocess.DEVNULL, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results_rows.json").read_text("utf-8"))
    [measured] = results["rounds"]
    assert set(measured["append"]) == {"ours", "delta-rs", "duckdb", "source"}
    assert measured["append"]["ours"]["rows"] == measured["append"]["source"]["rows"] == ROWS
    for part in ("scan", "scan of delta-rs's files"):
        assert len(measured[part]) == 7
        for one in measured[part].values():
            assert one["rows"] == ROWS and one["total_s"] > 0 and one["peak_rss_mib"] > 0
    assert len(results["aims"]) == 7 and done.stdout.count("| at least ") == 7
    assert done.stdout.count("| Arrow's dataset scan |") == 2


def test_unusable_arguments_are_refused(tmp_path):
    program = BUILD / "bin/bench_rows"
    for arguments in ([], ["append", tmp_path], ["scan"], ["scan", tmp_path, "--other"], ["drop"]):
        done = subprocess.run([program, *arguments], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (2, b"")
    done = subprocess.run([program, "scan", tmp_path], capture_output=True, check=False)
    assert done.returncode == 1 and str(tmp_path).encode() in done.stderr
