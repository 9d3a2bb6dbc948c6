#!/usr/bin/env python3
"""Measures commits: ours, and the smallest transaction of the same shape. docs/benchmarks.md
explains it.

    bench/run_commits.py                          five rounds, about twenty minutes
    bench/run_commits.py --quick                  two rounds of one second each
    bench/run_commits.py --only 'one table' one-trip  these cases
    bench/run_commits.py --without ducklake       DuckLake needs tools/setup.sh --bench
    bench/run_commits.py --sync-ms 1              PostgreSQL as on a disk that takes longer to sync

Every round measures every case once, in an order of its own; a ratio is of two cases of the same
round. Each case asserts that the rows that are stored are as many as the commits that were
answered. Markdown tables go to standard output and to results_commits.md in build/bench, the
figures to results_commits.json.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import random
import signal
import statistics
import sys
import tempfile
from pathlib import Path

import commit_cases
import run

PEERS = ("delta-rs", "ducklake")
RATE, MEDIAN = "commits_per_s", "median_s"


@dataclasses.dataclass(frozen=True)
class Aim:
    """Of a case's figure: by itself, or over that of another case in the same round."""
    title: str
    case: str
    figure: str
    beside: str | None
    most: float | None = None
    least: float | None = None
    beside_figure: str | None = None  # when it is another one

    def values(self, rounds):
        for one in rounds:
            if self.case in one and (self.beside is None or self.beside in one):
                ours = one[self.case][self.figure]
                yield ours if self.beside is None else (
                    ours / one[self.beside][self.beside_figure or self.figure])

    def is_held(self, value):
        return (self.most is None or value <= self.most) and (
            self.least is None or value >= self.least)

    def words(self):
        return f"at most {self.most:g}" if self.least is None else f"at least {self.least:g}"


def aims(large):
    """Of commits of `large` files where the issue says 10,000."""
    pg, one_table = "postgres, ", "one table"
    largest = f"postgres, {large:,} files"
    yield Aim("one add, 1 client: median over that of one round trip", pg + "1 client", MEDIAN,
              pg + "one-trip transaction", most=1.3)
    for clients in ("16 threads", "16 processes"):
        yield Aim(f"{clients}, a table each: commits/s over pgbench's tps, 16 clients, a row each",
                  f"{pg}{clients}, a table each", RATE, "pgbench, 16 clients, a row each",
                  least=0.85)
    yield Aim("16 processes on one table: commits/s over pgbench's tps, 16 clients on one row",
              f"{pg}16 processes, {one_table}", RATE, "pgbench, 16 clients, one row", least=0.7)
    yield Aim("64 threads of one process on one table: commits/s", f"{pg}64 threads, {one_table}",
              RATE, None, least=6000)
    yield Aim(f"{large:,} adds: seconds over an index-free COPY", largest, MEDIAN, largest,
              most=4, beside_figure="copy_bare_s")
    yield Aim(f"{large:,} adds: seconds", largest, MEDIAN, None, most=0.3)
    for figure, how in (("by_row_s", "one transaction"), ("by_row_each_s", "a transaction each")):
        yield Aim(f"the same rows inserted one by one, {how}: seconds over COPY", largest, figure,
                  largest, least=10, beside_figure="copy_s")
    yield Aim("SQLite, one add: median over that of a bare transaction, synchronous = FULL",
              "sqlite, 1 client", MEDIAN, "sqlite, bare transaction", most=1.45)
    for peer in ("delta-rs, 4 writers, one table", "ducklake on postgres, 4 writers, one table",
                 "ducklake on postgres with Parquet, 4 writers, one table"):
        yield Aim(f"4 processes on one table: commits/s over {peer}",
                  f"{pg}4 processes, {one_table}", RATE, peer, least=20)
    for kind in ("", " with Parquet"):
        peer = f"ducklake on sqlite{kind}, 4 writers, one table"
        yield Aim(f"SQLite, 4 processes on one table: commits/s over {peer}",
                  "sqlite, 4 processes, one table", RATE, peer, least=20)


# ---- what comes of it ----------------------------------------------------------------------------


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}" if value >= 20 else f"{value:.3g}"


def aim_rows(rounds, large):
    for aim in aims(large):
        values = list(aim.values(rounds))
        if not values:
            continue
        middle = statistics.median(values)
        yield [aim.title, f"{number(middle)} ({number(min(values))} to {number(max(values))})",
               aim.words(), "yes" if aim.is_held(middle) else "**no**"]


def case_rows(rounds, cases):
    for case in cases:
        measured = [one[case] for one in rounds]

        def median(figure, scale, measured=measured):
            values = [one[figure] for one in measured if one.get(figure) is not None]
            return number(statistics.median(values) * scale) if values else ""

        rates = [one[RATE] for one in measured]
        yield [case, f"{number(statistics.median(rates))} ({number(min(rates))} to "
                     f"{number(max(rates))})", median(MEDIAN, 1e3), median("p95_s", 1e3),
               median("client_cpu_s", 1e6), median("server_cpu_s", 1e6)]


def markdown(results):
    host, rounds = results["host"], results["rounds"]
    yield (f"{host['date']}, {host['cpus']} shared {host['machine']} cores, load "
           f"{host['load_before']} before and {host['load_after']} after; {len(rounds)} rounds, "
           "each in an order of its own. Ratios are the median of those in the same round, and the "
           "range.")
    yield ""
    yield run.markdown_row(["what", "measured", "aim", "held"])
    yield run.markdown_row(["---"] * 4)
    for row in aim_rows(rounds, results["large"]):
        yield run.markdown_row(row)
    yield ""
    yield run.markdown_row(["case", "commits/s", "median, ms", "95 of 100 within, ms",
                            "CPU of the clients, µs a commit", "CPU of the server, µs a commit"])
    yield run.markdown_row(["---"] * 6)
    for row in case_rows(rounds, results["cases"]):
        yield run.markdown_row(row)


def measure(arguments, folder, stack):
    counts = commit_cases.Counts(arguments.seconds, arguments.commits)
    bench = stack.enter_context(contextlib.closing(commit_cases.Bench(
        arguments.build, folder, counts, arguments.ducklake / "venv/bin/python",
        arguments.sync_ms)))
    every = commit_cases.make_cases(bench, arguments.large)
    cases = {name: case for name, case in every.items()
             if not any(name.startswith(peer) for peer in arguments.without)
             and any(part in name for part in arguments.only)}
    shuffled = random.Random(arguments.seed)
    rounds = []
    for number_of_round in range(arguments.rounds):
        bench.clear()
        names = list(cases)
        shuffled.shuffle(names)
        measured = {}
        for name in names:
            measured[name] = cases[name]()
            print(f"bench: round {number_of_round + 1}, {name}: "
                  f"{measured[name][RATE]:,.1f} commits/s", file=sys.stderr, flush=True)
        rounds.append(measured)
    return list(cases), rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds of one second each")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of each case; 0: by --commits")
    parser.add_argument("--commits", type=int, default=100, help="of each client")
    parser.add_argument("--large", type=int, nargs=2, default=[1000, 10_000],
                        help="files of the large commits")
    parser.add_argument("--sync-ms", type=float, default=0, metavar="MS",
                        help="PostgreSQL as on a disk that takes so much longer to sync")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--without", nargs="*", default=[], choices=PEERS)
    parser.add_argument("--only", nargs="+", default=[""], metavar="PART",
                        help="cases with one of these in their names")
    parser.add_argument("--ducklake", type=Path, metavar="FOLDER",
                        default=run.REPOSITORY / ".deps/ducklake",
                        help="where tools/setup.sh --bench has put it")
    parser.add_argument("--build", type=Path, default=run.REPOSITORY / "build/release",
                        help="where the programs were built")
    parser.add_argument("--tables", type=Path, default=run.REPOSITORY / "build/bench",
                        help="where results are kept")
    arguments = parser.parse_args()
    arguments.build, arguments.tables = arguments.build.resolve(), arguments.tables.resolve()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    if arguments.seconds is None:
        arguments.seconds = 1 if arguments.quick else 3
    os.makedirs(arguments.tables, exist_ok=True)
    ducklake = arguments.ducklake / "venv/bin/python"
    if "ducklake" not in arguments.without and not ducklake.exists():
        parser.error("DuckLake is not here: run tools/setup.sh --bench, or leave it out")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server has to end too
    host = run.Host()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.tables))
        cases, rounds = measure(arguments, Path(folder), stack)
    results = {"host": host.describe(), "large": arguments.large[-1], "cases": cases,
               "rounds": rounds}
    text = "\n".join(markdown(results)) + "\n"
    (arguments.tables / "results_commits.json").write_text(json.dumps(results, indent=1) + "\n",
                                                           encoding="utf-8")
    (arguments.tables / "results_commits.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
