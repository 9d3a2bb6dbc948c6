#!/usr/bin/env python3
"""Measures importing tables into databases and reading them from there: see docs/benchmarks.md.

    bench/run_catalog.py                          all databases, 100,000 and 1,000,000 files
    bench/run_catalog.py --database postgres      one of them
    bench/run_catalog.py --quick                  100,000 files only
    bench/run_catalog.py --files 1000 --reps 1    another size

Beside delta-rs, which opens and lists the same table from its log and from a checkpoint, and beside
what each database itself takes for the same rows. Every measurement is a process of its own; they
take turns. Tables are those of bench/run.py; Markdown tables go to standard output and results to
build/bench.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import catalogs
import run

DELTA_RS = "delta-rs from "
READS = 3  # rounds of reading for each import
# What is measured, and the raw measure that it is held against (the names of bench_*_raw).
TIMES = {"import, verified": "insert", "import": "insert", "snapshot": "scan",
         "snapshot without stats": "scan_without_stats", "snapshot at half": "scan_half"}
LOOKUPS = {"latest": "latest version", "file": "one file by path"}


# ---- measuring -----------------------------------------------------------------------------------


def measure_delta_rs(tables):
    """The same files from the log's JSON, and from a checkpoint."""
    lister = [sys.executable, run.BENCH / "list_files_delta_rs.py"]
    half = str(run.latest_version(tables["json"]) // 2)
    return {DELTA_RS + "JSON": run.measured_by_itself([*lister, tables["json"]]),
            DELTA_RS + "a checkpoint": run.measured_by_itself([*lister, tables["checkpoint"]]),
            DELTA_RS + "JSON at half": run.measured_by_itself([*lister, tables["json"],
                                                               "--version", half])}


def measure_reads(database, half):
    """Each program once, and the database's own means beside it."""
    lister = [database.build / "bin/bench_list_files", database.uri()]
    raw = database.measure_raw_reads()
    times = {"snapshot": run.measured_by_itself(lister),
             "snapshot without stats": run.measured_by_itself([*lister, "--without-stats"]),
             "snapshot at half": run.measured_by_itself([*lister, "--version", half])}
    lookups = run.measured_by_itself([database.build / "bin/bench_look_up", database.uri(),
                                      *database.look_up_options])
    if times["snapshot"]["files"] != raw["rows"]:
        sys.exit(f"bench: {database.name} has {raw['rows']} rows and not all are listed")
    return {"times": times, "raw": raw, "lookups": lookups}


def measure_database(database, table):
    """What the second import makes is what is read afterwards, in turns."""
    half = str(run.latest_version(table) // 2)
    times = {"import, verified": catalogs.import_table(database, table, "full"),
             "import": catalogs.import_table(database, table)}
    sizes = database.sizes()
    raw = database.measure_raw()
    return {"times": times, "sizes": sizes, "raw": raw,
            "reads": [measure_reads(database, half) for _ in range(READS)]}


def measure_size(arguments, databases, files):
    tables = {kind: run.make_table(arguments.tables, kind, files)
              for kind in ("json", "checkpoint")}
    for table in tables.values():
        run.warm_up(table)
    rounds = []
    for _ in range(arguments.reps or (2 if files >= run.LARGE_FILES else 3)):
        rounds.append({"delta_rs": measure_delta_rs(tables),
                       "databases": {name: measure_database(database, tables["checkpoint"])
                                     for name, database in databases.items()}})
    print(f"bench: {files:,} files done", file=sys.stderr)
    return {"files": files, "rounds": rounds}


# ---- what comes of it ----------------------------------------------------------------------------


def values(rounds, *path):
    """The numbers at the end of the path, in each round; of reading also in each of its rounds."""
    found = rounds
    for name in path:
        found = [one[name] for one in found]
        if found and isinstance(found[0], list):
            found = [one for several in found for one in several]
    return found


def median(rounds, *path):
    return statistics.median(values(rounds, *path))


def compare(rounds, ours, theirs):
    """How many times as long ours takes as theirs in the same round, and at their shortest."""
    pairs = list(zip(values(rounds, *ours), values(rounds, *theirs), strict=True))
    shortest = [min(times) for times in zip(*pairs)]
    return f"{statistics.median(our / their for our, their in pairs):.2f}, " \
           f"{shortest[0] / shortest[1]:.2f}"


def shortest_and_median(times, form):
    return f"{form(min(times))} / {form(statistics.median(times))}"


def seconds(times):
    return shortest_and_median(times, "{:.2f}".format) + " s"


def microseconds(times):
    return shortest_and_median(times, lambda time_s: f"{time_s * 1e6:.1f}")


def time_rows(case, name, kind):
    rounds = case["rounds"]
    for what, raw in TIMES.items():
        of_database = ("databases", name) if raw == "insert" else ("databases", name, "reads")
        ours, theirs = (*of_database, "times", what), (*of_database, "raw", raw, "total_s")
        beside = kind.raw_insert if raw == "insert" else kind.raw_scan
        peer = DELTA_RS + ("JSON at half" if what.endswith("half") else "a checkpoint")
        to_delta_rs = ""
        if raw != "insert":
            times = min(values(rounds, "delta_rs", peer, "total_s")) / min(
                values(rounds, *ours, "total_s"))
            to_delta_rs = f"{times:.1f} times as fast"
        yield [f"{case['files']:,}", name, what, seconds(values(rounds, *ours, "total_s")),
               f"{median(rounds, *ours, 'cpu_s'):.2f} s",
               f"{max(values(rounds, *ours, 'peak_rss_mib')):.0f} MiB",
               f"{beside}: {seconds(values(rounds, *theirs))}",
               compare(rounds, (*ours, "total_s"), theirs), to_delta_rs]


def lookup_rows(case, name):
    rounds, of_database = case["rounds"], ("databases", name, "reads")
    for what, title in LOOKUPS.items():
        ours = (*of_database, "lookups", what)
        theirs = (*of_database, "raw", what, "median_s")
        yield [f"{case['files']:,}", name, title, microseconds(values(rounds, *ours, "median_s")),
               f"{median(rounds, *ours, 'p95_s') * 1e6:.1f}", microseconds(values(rounds, *theirs)),
               compare(rounds, (*ours, "median_s"), theirs)]
    state = (*of_database, "lookups", "state")
    yield [f"{case['files']:,}", name, "state of the version in the middle",
           microseconds(values(rounds, *state, "median_s")),
           f"{median(rounds, *state, 'p95_s') * 1e6:.1f}", "", ""]


def one_by_one_row(case, name):
    """Rows a second, with a transaction for each 1,000 and for each."""
    rounds = case["rounds"]
    raw = ("databases", name, "raw")
    if "insert_by_row" not in rounds[0]["databases"][name]["raw"]:
        return
    files = case["files"]
    own = files / median(rounds, "databases", name, "times", "import", "total_s")
    bulk = files / median(rounds, *raw, "insert", "total_s")
    for title, key in (("a transaction for each 1,000", "insert_by_row"),
                       ("a transaction for each", "insert_by_row_each")):
        rate = (median(rounds, *raw, f"inserted{key.removeprefix('insert')}")
                / median(rounds, *raw, key, "total_s"))
        yield [f"{files:,}", name, title, f"{rate:,.0f}", f"{own:,.0f}", f"{own / rate:.1f}",
               f"{bulk:,.0f}"]


def table(head, rows):
    yield ""
    yield run.markdown_row(head)
    yield run.markdown_row(["---"] * len(head))
    for row in rows:
        yield run.markdown_row(row)


def markdown(results, databases):
    host, cases = results["host"], results["cases"]
    pairs = [(case, name) for case in cases for name in databases]
    yield f"{host['date']}, {host['cpus']} shared cores, load {host['load_before']} before and " \
          f"{host['load_after']} after. Times are the shortest and the median; ratios are the " \
          "median of those in the same round, and that of the shortest; delta-rs's are of the " \
          "shortest."
    yield from table(["files", "database", "what", "time", "CPU time", "peak memory", "beside",
                      "times as long", "delta-rs"],
                     (row for case, name in pairs
                      for row in time_rows(case, name, catalogs.DATABASES[name])))
    yield from table(["files", "what", "time", "CPU time", "peak memory"],
                     ([f"{case['files']:,}", what,
                       seconds(values(case["rounds"], "delta_rs", what, "total_s")),
                       f"{median(case['rounds'], 'delta_rs', what, 'cpu_s'):.2f} s",
                       f"{median(case['rounds'], 'delta_rs', what, 'peak_rss_mib'):.0f} MiB"]
                      for case in cases for what in case["rounds"][0]["delta_rs"]))
    yield from table(["files", "database", "what", "one, µs", "95 of 100 within, µs",
                      "bare prepared look-up, µs", "times as long"],
                     (row for case, name in pairs for row in lookup_rows(case, name)))
    yield from table(["files", "database", "one INSERT for each row", "rows/s", "import, rows/s",
                      "times as fast", "bare COPY, rows/s"],
                     (row for case, name in pairs for row in one_by_one_row(case, name)))
    yield from table(["files", "database", "sizes after the import, MB"],
                     ([f"{case['files']:,}", name, ", ".join(
                         f"{part} {size / 1e6:.1f}" for part, size in
                         case["rounds"][-1]["databases"][name]["sizes"].items())]
                      for case, name in pairs))


def too_large(cases):
    """What of ours held more memory than it may."""
    for case in cases:
        for one in case["rounds"]:
            for name, measured in one["databases"].items():
                for part in (measured, *measured["reads"]):
                    for what, spent in part["times"].items():
                        if spent["peak_rss_mib"] > catalogs.DATABASES[name].rss_mib_max:
                            yield name, what, spent["peak_rss_mib"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=[*catalogs.DATABASES, "all"], default="all")
    parser.add_argument("--quick", action="store_true", help="100,000 files only")
    parser.add_argument("--files", type=int, nargs="+", help="sizes of the tables")
    parser.add_argument("--reps", type=int, help="default: 3; 2 from a million files on")
    parser.add_argument("--build", type=Path, default=run.REPOSITORY / "build/release",
                        help="where the programs were built")
    parser.add_argument("--tables", type=Path, default=run.REPOSITORY / "build/bench",
                        help="where tables and results are kept")
    arguments = parser.parse_args()
    arguments.build, arguments.tables = arguments.build.resolve(), arguments.tables.resolve()
    if arguments.files is None:
        arguments.files = [100_000] if arguments.quick else [100_000, run.LARGE_FILES]
    names = list(catalogs.DATABASES) if arguments.database == "all" else [arguments.database]
    os.makedirs(arguments.tables, exist_ok=True)
    host = run.Host()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.tables))
        databases = {name: stack.enter_context(contextlib.closing(
            catalogs.DATABASES[name](arguments.build, folder))) for name in names}
        cases = [measure_size(arguments, databases, files) for files in arguments.files]
    results = {"host": host.describe(), "cases": cases}
    (arguments.tables / "results_catalog.json").write_text(json.dumps(results, indent=1) + "\n",
                                                           encoding="utf-8")
    print("\n".join(markdown(results, names)))
    for name, what, rss_mib in too_large(cases):
        sys.exit(f"bench: {name}, {what} took {rss_mib:.0f} MiB")


if __name__ == "__main__":
    main()
