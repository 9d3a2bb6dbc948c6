#!/usr/bin/env python3
"""Measures mirrors: what publishing adds to a commit, catching up, and checkpoints beside
delta-rs's. docs/benchmarks.md explains it.

    bench/run_mirror.py                       three rounds, about ten minutes
    bench/run_mirror.py --quick               one round, a checkpoint of 100,000 files
    bench/run_mirror.py --only publish        that part: publish, catch-up or checkpoint

Everything is on the local disk, in catalogs and folders of its own, and each mirror is compared
with its catalog afterwards. Markdown tables go to standard output and to results_mirror.md in
build/bench, the figures to results_mirror.json.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import catalogs
import make_log
import run

DATABASES = {"sqlite": catalogs.Sqlite, "postgres": catalogs.Postgres}
BODY_BYTES = 860  # about what a commit of one file of bench/make_log.py has
WARM_UP = 20


class Bench:
    def __init__(self, arguments, folder, databases):
        self.arguments, self.folder, self.databases = arguments, folder, databases
        self.program = arguments.build / "bin/deltalakedb"

    def call(self, *words):
        return run.measured_from_outside([self.program, *words, "--json"])

    def fresh(self, name):
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def take_in(self, database, source, *options):
        database.clear()
        self.call("import", source, database.uri(), "--verify", "none", *options)

    def mirror(self, database):
        """Begins a mirror of which nothing is published yet, and gives its folder."""
        place = self.fresh("mirror")
        self.call("mirror", "add", database.uri(), "delta", "--to", place)
        return place

    def verify(self, database):
        """The status of `mirror verify` is 1 where anything differs."""
        self.call("mirror", "verify", database.uri())

    # ---- publishing after each commit

    def measure_commits(self, database, mirrored):
        source = self.fresh("source")
        make_log.make_log(source, 0, 0)
        self.take_in(database, source)
        if mirrored:
            self.mirror(database)
            self.call("mirror", "run", database.uri())
        measured = run.measured_by_itself(
            [self.arguments.build / "bin/bench_commits", database.uri(), "--commits",
             str(self.arguments.commits), "--warm-up", str(WARM_UP)])
        if mirrored:
            self.verify(database)
        return measured

    def publish(self):
        """The same commits without and with a mirror, in turn."""
        return {"bare": self.bare_puts(self.arguments.commits), **{
            name: {"without": self.measure_commits(database, False),
                   "with": self.measure_commits(database, True)}
            for name, database in self.databases.items()}}

    def bare_puts(self, count):
        """The least that a file which is not to be lost costs: written, synced, linked, and its
        folder synced."""
        folder = self.fresh("bare")
        folder.mkdir()
        body, times = b"x" * BODY_BYTES, []
        folder_fd = os.open(folder, os.O_RDONLY)
        for number in range(count):
            start_s = time.perf_counter()
            with open(folder / "temporary", "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.link(folder / "temporary", folder / f"{number:020d}.json")
            os.unlink(folder / "temporary")
            os.fsync(folder_fd)
            times.append(time.perf_counter() - start_s)
        os.close(folder_fd)
        return {"median_s": statistics.median(times), "total_s": sum(times)}

    # ---- catching up

    def catch_up(self):
        """A mirror that has nothing yet of a table with many small commits."""
        count = self.arguments.backlog
        source = self.folder / f"backlog-{count}"
        if not source.exists():
            make_log.make_log(source, count, count)
        measured = {}
        for name, database in self.databases.items():
            self.take_in(database, source)
            place = self.mirror(database)
            measured[name] = self.call("mirror", "run", database.uri())
            commits = len(list((place / "_delta_log").glob("[0-9]*.json")))
            if commits != count + 1:
                sys.exit(f"bench: {commits:,} commits are at the mirror, not {count + 1:,}")
            measured[name]["commits_per_s"] = commits / measured[name]["total_s"]
            self.verify(database)
        bare = self.bare_puts(count)
        return {**measured, "bare": {**bare, "commits_per_s": count / bare["total_s"]}}

    # ---- checkpoints

    def checkpoint(self):
        """Of the same table, from the catalog's rows, and by delta-rs from the commits."""
        table = run.make_table(self.arguments.tables, "json", self.arguments.files)
        run.warm_up(table)
        latest, measured = run.latest_version(table), {}
        for name, database in self.databases.items():
            self.take_in(database, table, "--latest-only")
            place = self.mirror(database)
            measured[name] = self.call("mirror", "run", database.uri())
            measured[name]["bytes"] = checkpoint_bytes(place, latest)
        copy = self.fresh("delta-rs")
        shutil.copytree(table, copy, copy_function=os.link)
        measured["delta-rs"] = run.measured_by_itself([sys.executable, __file__,
                                                       "--delta-rs", copy])
        measured["delta-rs"]["bytes"] = checkpoint_bytes(copy, latest)
        return measured


def checkpoint_bytes(folder, version):
    [path] = (folder / "_delta_log").glob(f"{version:020d}.checkpoint.parquet")
    return path.stat().st_size


def delta_rs_checkpoint(folder):
    """In a process of its own."""
    import resource

    from deltalake import DeltaTable
    start_s, cpu_before_s = time.perf_counter(), time.process_time()
    table = DeltaTable(folder)
    opened_s = time.perf_counter() - start_s
    table.create_checkpoint()
    print(json.dumps({
        "open_s": opened_s, "total_s": time.perf_counter() - start_s,
        "cpu_s": time.process_time() - cpu_before_s,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


# ---- what comes of it ----------------------------------------------------------------------------


def spread(values, form="{:.2f}"):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{form} ({form} to {form})".format(middle, low, high)


def publish_rows(rounds, databases):
    yield ["database", "a commit, ms", "mirrored, ms", "publishing adds, ms",
           "a bare synced put, ms"]
    for name in databases:
        figures = [(one["publish"][name]["without"]["median_s"] * 1e3,
                    one["publish"][name]["with"]["median_s"] * 1e3,
                    one["publish"]["bare"]["median_s"] * 1e3) for one in rounds]
        without, mirrored, bare = zip(*figures)
        yield [name, spread(without), spread(mirrored),
               spread([m - w for w, m, _ in figures]), spread(bare)]


def catch_up_rows(rounds, databases):
    yield ["database", "commits/s", "CPU time", "peak memory", "bare synced puts, commits/s",
           "times as fast"]
    for name in databases:
        ours = [one["catch-up"][name] for one in rounds]
        bare = [one["catch-up"]["bare"]["commits_per_s"] for one in rounds]
        rates = [one["commits_per_s"] for one in ours]
        yield [name, spread(rates, "{:,.0f}"),
               f"{statistics.median(one['cpu_s'] for one in ours):.2f} s",
               f"{max(one['peak_rss_mib'] for one in ours):.0f} MiB", spread(bare, "{:,.0f}"),
               spread([rate / other for rate, other in zip(rates, bare)])]


def checkpoint_rows(rounds, databases):
    yield ["from", "time", "CPU time", "peak memory", "size", "delta-rs takes, times as long",
           "without opening the table", "of CPU"]
    for name in [*databases, "delta-rs"]:
        ours = [one["checkpoint"][name] for one in rounds]
        theirs = [one["checkpoint"]["delta-rs"] for one in rounds]
        pairs = list(zip(ours, theirs)) if name != "delta-rs" else []
        yield [name, spread([one["total_s"] for one in ours]) + " s",
               f"{statistics.median(one['cpu_s'] for one in ours):.2f} s",
               f"{max(one['peak_rss_mib'] for one in ours):.0f} MiB",
               f"{ours[0]['bytes'] / 1e6:.0f} MB",
               *(spread(values) if values else "" for values in (
                   [their["total_s"] / our["total_s"] for our, their in pairs],
                   [(their["total_s"] - their["open_s"]) / our["total_s"] for our, their in pairs],
                   [their["cpu_s"] / our["cpu_s"] for our, their in pairs]))]


PARTS = {"publish": (Bench.publish, publish_rows), "catch-up": (Bench.catch_up, catch_up_rows),
         "checkpoint": (Bench.checkpoint, checkpoint_rows)}


def markdown(results):
    host, rounds = results["host"], results["rounds"]
    yield (f"{host['date']}, {host['cpus']} shared {host['machine']} cores, load "
           f"{host['load_before']} before and {host['load_after']} after; {len(rounds)} rounds: "
           "medians, and the range.")
    for part in rounds[0]:
        head, *rows = PARTS[part][1](rounds, results["databases"])
        yield ""
        yield run.markdown_row(head)
        yield run.markdown_row(["---"] * len(head))
        yield from map(run.markdown_row, rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--commits", type=int, default=300, help="that are mirrored one by one")
    parser.add_argument("--backlog", type=int, default=10_000, help="commits to catch up with")
    parser.add_argument("--files", type=int, help="of the checkpoint")
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--database", nargs="+", default=list(DATABASES), choices=DATABASES)
    parser.add_argument("--build", type=Path, default=run.REPOSITORY / "build/release",
                        help="where the programs were built")
    parser.add_argument("--tables", type=Path, default=run.REPOSITORY / "build/bench",
                        help="where tables and results are kept")
    parser.add_argument("--delta-rs", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.build, arguments.tables = arguments.build.resolve(), arguments.tables.resolve()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    arguments.files = arguments.files or (100_000 if arguments.quick else run.LARGE_FILES)
    return arguments


def main():
    arguments = parse_arguments()
    if arguments.delta_rs:
        delta_rs_checkpoint(arguments.delta_rs)
        return
    os.makedirs(arguments.tables, exist_ok=True)
    host = run.Host()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.tables)))
        databases = {name: stack.enter_context(contextlib.closing(
            DATABASES[name](arguments.build, folder))) for name in arguments.database}
        bench = Bench(arguments, folder, databases)
        rounds = []
        for number in range(arguments.rounds):
            rounds.append({})
            for part in arguments.only:
                rounds[-1][part] = PARTS[part][0](bench)
                print(f"bench: round {number + 1}, {part} is measured", file=sys.stderr, flush=True)
    results = {"host": host.describe(), "databases": arguments.database, "rounds": rounds}
    text = "\n".join(markdown(results)) + "\n"
    (arguments.tables / "results_mirror.json").write_text(json.dumps(results, indent=1) + "\n",
                                                          encoding="utf-8")
    (arguments.tables / "results_mirror.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
