#!/usr/bin/env python3
"""Measures opening and listing large Delta tables, beside delta-rs. docs/benchmarks.md explains it.

    bench/run.py                          100,000 and 1,000,000 files: about ten minutes
    bench/run.py --quick                  100,000 files only
    bench/run.py --files 1000 --reps 1    another size

Tables are made once and kept in build/bench, as is results.json; a Markdown table goes to standard
output. Every measurement is a process of its own; ours and delta-rs's take turns.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parent
FILES_PER_COMMIT = 1000
LARGE_FILES = 1_000_000  # from here on fewer repetitions do, and memory is looked at
RSS_MIB_MAX = 500e6 / 2**20  # what listing a table of a million files may take


# ---- tables --------------------------------------------------------------------------------------


def size_name(files):
    for unit, letter in ((1_000_000, "m"), (1_000, "k")):
        if files % unit == 0:
            return f"{files // unit}{letter}"
    return str(files)


def make_table(folder, kind, files):
    """Makes a table where there is none. It gets its name when it is whole."""
    table = folder / f"{kind}-{size_name(files)}"
    if table.exists():
        return table
    print(f"bench: making {table.name}", file=sys.stderr)
    unfinished = table.with_name(table.name + ".unfinished")
    options = {"json": [], "checkpoint": ["--final-checkpoint"],
               "single-commit": ["--single-commit"]}[kind]
    subprocess.run([sys.executable, BENCH / "make_log.py", unfinished, "--force",
                    "--files", str(files), "--commits", str(max(1, files // FILES_PER_COMMIT)),
                    *options], check=True, stdout=subprocess.DEVNULL)
    unfinished.rename(table)
    return table


def latest_version(table):
    return max(int(path.stem) for path in (table / "_delta_log").glob("*.json")
               if path.stem.isdigit())


def warm_up(table):
    """Brings the log into the file cache, for whoever is measured first."""
    for path in (table / "_delta_log").iterdir():
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass


# ---- measuring -----------------------------------------------------------------------------------


def check_status(command, status):
    if status != 0:
        sys.exit(f"bench: {' '.join(map(str, command))} ended with status {status}")


def measured_by_itself(command):
    """Runs a program that prints what it measured."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    check_status(command, done.returncode)
    return json.loads(done.stdout)


def measured_from_outside(command):
    """Runs a program with its output thrown away. A child's peak includes that of this process at
    its start, so nothing large is imported here."""
    start_s = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    check_status(command, process.returncode)
    return {"total_s": time.perf_counter() - start_s, "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_rss_mib": usage.ru_maxrss / 1024}


def summary(rounds):
    """Of the measurements of one program, by name."""
    times = {name: {"min": min(values), "median": statistics.median(values), "all": values}
             for name in ("open_s", "list_s", "total_s", "cpu_s")
             for values in [[one[name] for one in rounds]]}
    return {**times, "peak_rss_mib": max(one["peak_rss_mib"] for one in rounds)}


def ratios(ours, theirs, name):
    """How many times as long delta-rs takes."""
    pairs = [their / our for our, their in zip(ours[name]["all"], theirs[name]["all"])]
    return {"of_medians": theirs[name]["median"] / ours[name]["median"],
            "of_minima": theirs[name]["min"] / ours[name]["min"],
            "of_pairs_median": statistics.median(pairs),
            "of_pairs_min": min(pairs), "of_pairs_max": max(pairs)}


def compare(programs, table, version, reps):
    """Ours and delta-rs, taking turns, on one version of a table."""
    arguments = [] if version is None else ["--version", str(version)]
    warm_up(table)
    rounds = {name: [] for name in programs}
    for _ in range(reps):
        for name, command in programs.items():
            rounds[name].append(measured_by_itself([*command, table, *arguments]))
    counts = {(one["version"], one["files"]) for measured in rounds.values() for one in measured}
    if len(counts) != 1:
        sys.exit(f"bench: not all agree on version and files of {table.name}: {sorted(counts)}")
    (version, files), = counts
    ours, theirs = (summary(measured) for measured in rounds.values())
    return {"table": table.name, "version": version, "files": files, "reps": reps,
            "ours": ours, "delta_rs": theirs,
            "ratio": {name: ratios(ours, theirs, name) for name in ("total_s", "cpu_s")}}


def list_as_json(program, table):
    """The whole program, listing the files in order, with its output thrown away."""
    warm_up(table)
    return {"table": table.name, **measured_from_outside([program, "files", table, "--json"])}


def list_as_arrow(program, table):
    warm_up(table)
    return {"table": table.name, **measured_by_itself([program, table])}


class Host:
    """The machine, and how busy others keep it meanwhile."""

    def __init__(self):
        self.load_before = os.getloadavg()[0]
        self.ticks_before = self.ticks()

    @staticmethod
    def ticks():
        with open("/proc/stat", encoding="ascii") as stat:
            return [int(count) for count in stat.readline().split()[1:9]]

    def describe(self):
        spent = [after - before for before, after in zip(self.ticks_before, self.ticks())]
        share = {name: round(100 * spent[i] / max(1, sum(spent)), 1)
                 for i, name in ((3, "idle"), (4, "iowait"), (7, "steal"), (1, "nice"))}
        return {"date": datetime.date.today().isoformat(), "cpus": os.cpu_count(),
                "machine": platform.machine(), "load_before": round(self.load_before, 2),
                "load_after": round(os.getloadavg()[0], 2), "time_percent": share}


def measure(arguments):
    host = Host()
    programs = {"ours": [arguments.build / "bin/bench_list_files"],
                "delta_rs": [sys.executable, BENCH / "list_files_delta_rs.py"]}
    cases, as_json, as_arrow = [], [], []
    for files in arguments.files:
        reps = arguments.reps or (3 if files >= LARGE_FILES else 5)
        for kind in ("json", "checkpoint"):
            table = make_table(arguments.tables, kind, files)
            for version in (None, latest_version(table) // 2):
                cases.append(compare(programs, table, version, reps))
                print(f"bench: {describe_case(cases[-1])}", file=sys.stderr)
        if files < max(arguments.files):
            continue
        single = make_table(arguments.tables, "single-commit", files)
        as_arrow.append(list_as_arrow(programs["ours"][0], single))
        for kind in ("json", "checkpoint", "single-commit"):
            table = make_table(arguments.tables, kind, files)
            as_json.append(list_as_json(arguments.build / "bin/deltalakedb", table))
    return {"host": host.describe(), "cases": cases, "files_json": as_json, "files_arrow": as_arrow}


# ---- reporting -----------------------------------------------------------------------------------


def describe_case(case):
    return (f"{case['table']} at version {case['version']}: ours "
            f"{case['ours']['total_s']['median']:.3f} s, delta-rs "
            f"{case['delta_rs']['total_s']['median']:.3f} s")


def markdown_row(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def measured(program):
    times = program["total_s"]
    return f"{times['min']:.2f} / {times['median']:.2f} s, {program['peak_rss_mib']:.0f} MiB"


def markdown(results):
    """Times are the shortest and the median; ratios are medians over the pairs of runs."""
    host = results["host"]
    share = host["time_percent"]
    yield (f"{host['date']}, {host['cpus']} shared {host['machine']} cores, load "
           f"{host['load_before']} before and {host['load_after']} after; of the processor time "
           f"{share['idle']} % idle, {share['steal']} % stolen, {share['nice']} % for other, "
           f"low-priority work.")
    yield ""
    yield markdown_row(["table", "version", "files", "deltalakedb", "delta-rs", "ratio of time",
                        "ratio of CPU"])
    yield markdown_row(["---"] * 7)
    for case in results["cases"]:
        time_ratio, cpu_ratio = (case["ratio"][name] for name in ("total_s", "cpu_s"))
        yield markdown_row([
            case["table"], case["version"], f"{case['files']:,}", measured(case["ours"]),
            measured(case["delta_rs"]),
            f"{time_ratio['of_pairs_median']:.1f} ({time_ratio['of_pairs_min']:.1f} to "
            f"{time_ratio['of_pairs_max']:.1f})", f"{cpu_ratio['of_pairs_median']:.1f}"])
    yield ""
    yield markdown_row(["table", "program", "time", "CPU time", "peak memory"])
    yield markdown_row(["---"] * 5)
    for program, entries in (("`deltalakedb files --json`", "files_json"),
                             ("`bench_list_files`", "files_arrow")):
        for one in results[entries]:
            yield markdown_row([one["table"], program, f"{one['total_s']:.1f} s",
                                f"{one['cpu_s']:.1f} s", f"{one['peak_rss_mib']:.0f} MiB"])


def too_large(results):
    """Every run of ours that held more memory than it may."""
    held = [(case["table"], case["ours"]["peak_rss_mib"]) for case in results["cases"]]
    held += [(one["table"], one["peak_rss_mib"])
             for one in results["files_json"] + results["files_arrow"]]
    return [(table, rss_mib) for table, rss_mib in held if rss_mib > RSS_MIB_MAX]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 files only")
    parser.add_argument("--files", type=int, nargs="+", help="sizes of the tables")
    parser.add_argument("--reps", type=int, help="default: 5; 3 from a million files on")
    parser.add_argument("--build", type=Path, default=REPOSITORY / "build/release",
                        help="where the programs were built")
    parser.add_argument("--tables", type=Path, default=REPOSITORY / "build/bench",
                        help="where tables and results.json are kept")
    arguments = parser.parse_args()
    if arguments.files is None:
        arguments.files = [100_000] if arguments.quick else [100_000, LARGE_FILES]
    arguments.tables.mkdir(parents=True, exist_ok=True)
    results = measure(arguments)
    (arguments.tables / "results.json").write_text(json.dumps(results, indent=1) + "\n",
                                                   encoding="utf-8")
    print("\n".join(markdown(results)))
    for table, rss_mib in too_large(results):
        sys.exit(f"bench: {table} took {rss_mib:.0f} MiB; {RSS_MIB_MAX:.0f} are allowed")


if __name__ == "__main__":
    main()
