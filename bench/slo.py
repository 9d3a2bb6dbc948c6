#!/usr/bin/env python3
"""Prints for each floor of speed whether it is held, on PostgreSQL and SQLite: `make slo`.

    bench/slo.py                      a table of 100,000 files, a minute or two
    bench/slo.py --files 2000         another size, to try it out

The exit status is 1 when one is not held. This is no test: on a machine that others keep busy a
floor may be missed. The program has to be built; tables are those of bench/run.py.
"""

import argparse
import contextlib
import math
import os
import sys
import tempfile
from pathlib import Path

import catalogs
import run

LISTINGS = 20
LATEST_MS_MAX = 1
FILE_MS_MAX = 10
SNAPSHOT_MS_MAX = 800
TIME_TRAVEL_MS_MAX = 500
IMPORT_TIMES_MIN = 10
ONE_FILE_MS_MAX = 50
LARGE_COMMIT_FILES = 1000
LARGE_COMMIT_MS_MAX = 30_000
COMMITS_PER_S_MIN = 10
FILES_PER_S_MIN = 1000


class Verdicts:
    def __init__(self):
        self.all_held = True

    def tell(self, database, what, measured, floor, is_held):
        self.all_held &= is_held
        print(f"{'pass' if is_held else 'FAIL'}  {database:9} {what:46} {measured:>12}  {floor}",
              flush=True)

    def above(self, database, what, rate, unit, least):
        self.tell(database, what, f"{rate:,.0f} {unit}", f"above {least:,} {unit}", rate > least)

    def below(self, database, what, seconds, ms_max):
        self.tell(database, what, f"{seconds * 1e3:.3f} ms", f"below {ms_max} ms",
                  seconds * 1e3 < ms_max)


def p95(values):
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def listing_p95_s(database, *options):
    return p95([run.measured_by_itself([database.build / "bin/bench_list_files", database.uri(),
                                        *options])["total_s"] for _ in range(LISTINGS)])


def check(verdicts, database, table, files):
    spent = catalogs.import_table(database, table)
    lookups = run.measured_by_itself([database.build / "bin/bench_look_up", database.uri()])
    name = database.name
    half = str(run.latest_version(table) // 2)
    verdicts.below(name, "latest version, p95", lookups["latest"]["p95_s"], LATEST_MS_MAX)
    verdicts.below(name, "file by path, p95", lookups["file"]["p95_s"], FILE_MS_MAX)
    verdicts.below(name, f"snapshot of {files:,} files, p95", listing_p95_s(database),
                   SNAPSHOT_MS_MAX)
    verdicts.below(name, f"time travel to version {half}, with its files, p95",
                   listing_p95_s(database, "--version", half), TIME_TRAVEL_MS_MAX)
    return files / spent["total_s"]


def check_import(verdicts, database, import_rate):
    """Beside one prepared INSERT for each file: in a transaction of its own, as who does not think
    of it would have it; and a thousand to a transaction, for comparison."""
    raw = database.measure_raw()
    each, thousand = (raw[f"inserted_{key}"] / raw[f"insert_{key}"]["total_s"]
                      for key in ("by_row_each", "by_row"))
    verdicts.tell(database.name, f"import, {import_rate:,.0f} files/s, to row-by-row inserts",
                  f"{import_rate / each:.1f} times", f"at least {IMPORT_TIMES_MIN} times",
                  import_rate / each >= IMPORT_TIMES_MIN)
    print(f"      {database.name:9} {'the same, to inserts in transactions of 1,000':46} "
          f"{import_rate / thousand:>6.1f} times")


def check_commits(verdicts, database):
    """One client, on the table that was imported."""
    name = database.name

    def commit(*options):
        return run.measured_by_itself([database.build / "bin/bench_commits", database.uri(),
                                       *map(str, options)])
    one = commit("--commits", 200)
    verdicts.below(name, "one-file commit, p95", one["p95_s"], ONE_FILE_MS_MAX)
    verdicts.above(name, "commits/s of one file", one["commits_per_s"], "commits/s",
                   COMMITS_PER_S_MIN)
    large = commit("--files", LARGE_COMMIT_FILES, "--commits", 10, "--warm-up", 1)
    verdicts.below(name, f"{LARGE_COMMIT_FILES:,}-file commit, p95", large["p95_s"],
                   LARGE_COMMIT_MS_MAX)
    verdicts.above(name, f"files/s of {LARGE_COMMIT_FILES:,}-file commits",
                   large["files"] / large["seconds"], "files/s", FILES_PER_S_MIN)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--build", type=Path, default=run.REPOSITORY / "build/release")
    parser.add_argument("--tables", type=Path, default=run.REPOSITORY / "build/bench")
    arguments = parser.parse_args()
    build, tables = arguments.build.resolve(), arguments.tables.resolve()
    os.makedirs(tables, exist_ok=True)
    table = run.make_table(tables, "json", arguments.files)
    run.warm_up(table)
    host = run.Host()
    verdicts = Verdicts()
    for kind in (catalogs.Postgres, catalogs.Sqlite):
        with (tempfile.TemporaryDirectory(dir=tables) as folder,
              contextlib.closing(kind(build, folder)) as database):
            import_rate = check(verdicts, database, table, arguments.files)
            if kind is catalogs.Postgres:
                check_import(verdicts, database, import_rate)
            check_commits(verdicts, database)
    described = host.describe()
    print(f"load {described['load_before']} before and {described['load_after']} after")
    sys.exit(0 if verdicts.all_held else 1)


if __name__ == "__main__":
    main()
