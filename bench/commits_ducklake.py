#!/usr/bin/env python3
"""What bench_commits measures, as DuckLake does it: commits of one row to a table.

    bench/commits_ducklake.py CATALOG DATA [--create] [--count] [--inline ROWS]
                              [--commits C | --seconds S] [--warm-up W]

CATALOG is what follows `ducklake:` in an ATTACH, DATA the folder for Parquet files. Runs in an
environment of its own (tools/setup.sh --bench), as the extensions belong to one version of DuckDB.
With --inline (10, as DuckLake has it by default) a small commit's rows go into the catalog, so that
nothing but metadata is written; with 0 each commit writes a Parquet file. An insert that DuckLake
gives up is made again.

Prints `ready` when it is warm and begins at the next line of its standard input. Prints one JSON
object then: seconds, times (of each commit), again (commits that had to be made again) and all
(commits, with the warm-up). --create makes the table, --count prints its snapshots and rows.
"""

import argparse
import glob
import json
import site
import sys
import time

import duckdb

EXTENSIONS = ("ducklake", "sqlite_scanner", "postgres_scanner")
TRIES_MAX = 1000
PAUSE_S = 0.02
COLUMNS = "id BIGINT, event_time TIMESTAMP, category VARCHAR, amount DOUBLE, quantity INT"
ROW = "TIMESTAMP '2024-01-01', 'cat', 1.5, 2"


def find(extension):
    """Extensions come as packages, signed."""
    for folder in site.getsitepackages():
        for path in glob.glob(f"{folder}/duckdb_extension_{extension}/extensions/"
                              f"v{duckdb.__version__}/{extension}.duckdb_extension"):
            return path
    sys.exit(f"bench: no {extension} for DuckDB {duckdb.__version__}: run tools/setup.sh --bench")


def until_it_works(work):
    """Answers how often it did not."""
    for failed in range(TRIES_MAX):
        try:
            work()
            return failed
        except duckdb.Error as error:
            last = error
    sys.exit(f"bench: {last}")


def attach(arguments):
    connection = duckdb.connect()
    for extension in EXTENSIONS:
        connection.execute(f"LOAD '{find(extension)}'")

    def try_once():
        try:
            connection.execute(f"ATTACH 'ducklake:{arguments.catalog}' AS lake (DATA_PATH "
                               f"'{arguments.data}', DATA_INLINING_ROW_LIMIT {arguments.inline})")
        except duckdb.Error:
            time.sleep(PAUSE_S)
            raise
    until_it_works(try_once)
    connection.execute("USE lake")
    return connection


def count(connection):
    snapshots, = connection.execute("SELECT count(*) FROM ducklake_snapshots('lake')").fetchone()
    rows, = connection.execute("SELECT count(*) FROM t").fetchone()
    return {"snapshots": snapshots, "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog")
    parser.add_argument("data")
    parser.add_argument("--create", action="store_true")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--inline", type=int, default=10)
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--warm-up", type=int, default=1)
    arguments = parser.parse_args()
    connection = attach(arguments)
    if arguments.create:
        connection.execute(f"CREATE TABLE t ({COLUMNS})")
    if arguments.create or arguments.count:
        print(json.dumps(count(connection)))
        return
    again = 0
    times = []

    def commit():
        nonlocal again
        again += until_it_works(
            lambda: connection.execute(f"INSERT INTO t VALUES ({len(times)}, {ROW})"))

    for _ in range(arguments.warm_up):
        commit()
    print("ready", flush=True)
    sys.stdin.readline()  # until all are
    start_s = time.perf_counter()
    while (time.perf_counter() < start_s + arguments.seconds if arguments.seconds
           else len(times) < arguments.commits):
        before_s = time.perf_counter()
        commit()
        times.append(time.perf_counter() - before_s)
    print(json.dumps({"seconds": time.perf_counter() - start_s, "times": times, "again": again,
                      "all": len(times) + arguments.warm_up}))


if __name__ == "__main__":
    main()
