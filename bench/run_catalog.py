#!/usr/bin/env python3
"""Measures importing tables into SQLite and reading them from there: see docs/benchmarks.md.

    bench/run_catalog.py                          100,000 and 1,000,000 files
    bench/run_catalog.py --quick                  100,000 files only
    bench/run_catalog.py --files 1000 --reps 1    another size

Beside delta-rs, which opens and lists the same tables, and beside SQLite's own bare inserts and
scans of the same rows. Every measurement is a process of its own; they take turns. Tables are those
of bench/run.py; a Markdown table goes to standard output and results to build/bench.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import run


def measure_import(arguments, table, catalog, verification):
    remove_database(catalog)
    return run.measured_from_outside([arguments.build / "bin/deltalakedb", "import", table,
                                      f"deltasql://sqlite/{catalog}", "--name", "table",
                                      "--verify", verification, "--json"])


def remove_database(path):
    for ending in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


def one_round(arguments, table, catalog, version):
    """Each program once. The catalog that the second import makes is what is read afterwards."""
    lister = arguments.build / "bin/bench_list_files"
    uri = f"deltasql://sqlite/{catalog}?table=table"
    raw_copy = f"{catalog}.raw"
    measured = {"import, verified": measure_import(arguments, table, catalog, "full"),
                "import": measure_import(arguments, table, catalog, "none")}
    raw = run.measured_by_itself([arguments.build / "bin/bench_sqlite_raw", catalog, raw_copy])
    remove_database(raw_copy)
    rss = raw["peak_rss_mib"]
    measured["bare inserts"] = {"total_s": raw["insert_s"], "cpu_s": raw["insert_cpu_s"],
                                "peak_rss_mib": rss}
    measured["snapshot"] = run.measured_by_itself([lister, uri])
    measured["snapshot at half"] = run.measured_by_itself([lister, uri, "--version", str(version)])
    measured["bare scan"] = {"total_s": raw["scan_s"], "cpu_s": raw["scan_cpu_s"],
                             "peak_rss_mib": rss}
    measured["delta-rs, from the log"] = run.measured_by_itself(
        [sys.executable, run.BENCH / "list_files_delta_rs.py", table])
    files = measured["snapshot"]["files"], measured["delta-rs, from the log"]["files"], raw["rows"]
    if len(set(files)) != 1:
        sys.exit(f"bench: not all see the same files of {table.name}: {files}")
    return measured


def summary(rounds, name):
    values = [one[name] for one in rounds]
    return {"total_s": statistics.median(one["total_s"] for one in values),
            "cpu_s": statistics.median(one["cpu_s"] for one in values),
            "peak_rss_mib": max(one["peak_rss_mib"] for one in values)}


# What each measurement is held against.
PEERS = {"import, verified": "bare inserts", "import": "bare inserts", "snapshot": "bare scan",
         "snapshot at half": "bare scan"}


def ratio(rounds, name, peer):
    """How many times as long as the peer in the same round."""
    return statistics.median(one[name]["total_s"] / one[peer]["total_s"] for one in rounds)


def measure(arguments):
    cases = []
    for files in arguments.files:
        reps = arguments.reps or (2 if files >= run.LARGE_FILES else 3)
        for kind in ("json", "checkpoint"):
            table = run.make_table(arguments.tables, kind, files)
            run.warm_up(table)
            with tempfile.TemporaryDirectory(dir=arguments.tables) as folder:
                rounds = [one_round(arguments, table, f"{folder}/catalog.db",
                                    run.latest_version(table) // 2) for _ in range(reps)]
            measured = {name: summary(rounds, name) for name in rounds[0]}
            for name, peer in PEERS.items():
                measured[name]["ratio"] = ratio(rounds, name, peer)
            measured["snapshot"]["delta_rs_ratio"] = 1 / ratio(rounds, "snapshot",
                                                               "delta-rs, from the log")
            cases.append({"table": table.name, "reps": reps, "measured": measured})
            print(f"bench: {table.name} done", file=sys.stderr)
    return cases


def markdown(cases, host):
    yield f"{host['date']}, {host['cpus']} shared cores, load {host['load_before']} before and " \
          f"{host['load_after']} after; medians."
    yield ""
    yield run.markdown_row(["table", "what", "time", "CPU time", "peak memory", "as long as"])
    yield run.markdown_row(["---"] * 6)
    for case in cases:
        for name, one in case["measured"].items():
            beside = f"{one['ratio']:.2f} times {PEERS[name]}" if "ratio" in one else ""
            if "delta_rs_ratio" in one:
                beside += f", 1/{one['delta_rs_ratio']:.1f} of delta-rs"
            yield run.markdown_row([case["table"], name, f"{one['total_s']:.2f} s",
                                    f"{one['cpu_s']:.2f} s", f"{one['peak_rss_mib']:.0f} MiB",
                                    beside])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
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
    os.makedirs(arguments.tables, exist_ok=True)
    host = run.Host()
    cases = measure(arguments)
    (arguments.tables / "results_catalog.json").write_text(json.dumps(cases, indent=1) + "\n",
                                                           encoding="utf-8")
    print("\n".join(markdown(cases, host.describe())))
    for case in cases:
        for name, one in case["measured"].items():
            if name.startswith(("import", "snapshot")) and one["peak_rss_mib"] > run.RSS_MIB_MAX:
                sys.exit(f"bench: {case['table']}, {name} took {one['peak_rss_mib']:.0f} MiB")


if __name__ == "__main__":
    main()
