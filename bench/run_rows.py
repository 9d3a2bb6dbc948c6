#!/usr/bin/env python3
"""Measures rows in and out: appending and scanning a table, beside delta-rs, DuckDB and Arrow's own
dataset scan of the same files. docs/benchmarks.md explains it.

    bench/run_rows.py                     10,000,000 rows, three rounds, about fifteen minutes
    bench/run_rows.py --quick             1,000,000 rows, one round
    bench/run_rows.py --codec snappy      files of that codec instead of zstd

Everyone is a process of its own and takes turns with the others. Markdown tables go to standard
output and to results_rows.md in build/bench, the figures to results_rows.json.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import run

OTHERS = run.BENCH / "rows_others.py"
BATCH_ROWS = 65_536
CATEGORIES = 1000
SEED = 8
SCHEMA = {"type": "struct", "fields": [
    {"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in [
        ("id", "long"), ("ts", "timestamp"), ("a", "double"), ("category", "string"),
        ("note", "string")]]}
# Who scans the files that ours has written, and those of delta-rs.
SCANNERS = ["ours", "ours, unordered", "arrow", "delta-rs", "delta-rs-utf8", "delta-rs-arrow",
            "duckdb"]
OF_DELTA_RS = "scan of delta-rs's files"
# In which part who takes at least how many times as long as ours.
AIMS = [("append", "delta-rs", 1.0),
        *((part, name, least) for part in ("scan", OF_DELTA_RS)
          for name, least in (("delta-rs", 1.0), ("delta-rs-utf8", 1.0), ("arrow", 0.8)))]
NAMES = {"ours": "deltalakedb", "ours, unordered": "deltalakedb, in any order",
         "arrow": "Arrow's dataset scan", "delta-rs-utf8": "delta-rs, cast to utf8",
         "delta-rs-arrow": "delta-rs, to_pyarrow_dataset", "duckdb": "DuckDB",
         "source": "reading the source alone"}


# ---- the rows ------------------------------------------------------------------------------------


def write_source(path, rows):
    """In a process of its own, since its memory would count as that of those it starts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.ipc
    random = np.random.default_rng(SEED)
    categories = pa.array([f"category {number:04}" for number in range(CATEGORIES)])
    schema = pa.schema([("id", pa.int64()), ("ts", pa.timestamp("us", "UTC")),
                        ("a", pa.float64()), ("category", pa.string()), ("note", pa.string())])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for first in range(0, rows, BATCH_ROWS):
            count = min(BATCH_ROWS, rows - first)
            ids = np.arange(first, first + count)
            times = 1_700_000_000_000_000 + ids * 250_000 + random.integers(0, 250_000, count)
            amounts = np.round(random.lognormal(3, 1.5, count), 2)
            ends = np.concatenate([[0], np.cumsum(random.integers(15, 26, count))])
            letters = random.integers(ord("a"), ord("z") + 1, ends[-1], dtype=np.uint8)
            notes = pa.StringArray.from_buffers(
                count, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(letters))
            stream.write_batch(pa.record_batch([
                pa.array(ids), pa.array(times).cast(pa.timestamp("us", "UTC")),
                pa.array(amounts), categories.take(pa.array(random.integers(0, CATEGORIES, count))),
                notes], schema=schema))


def make_source(folder, rows):
    """Makes the file of rows where there is none. It gets its name when it is whole."""
    path = folder / f"rows-{run.size_name(rows)}.arrows"
    if not path.exists():
        print(f"bench: making {path.name}", file=sys.stderr)
        unfinished = path.with_suffix(".unfinished")
        subprocess.run([sys.executable, __file__, "--rows", str(rows), "--source", unfinished],
                       check=True)
        unfinished.rename(path)
    return path


# ---- measuring -----------------------------------------------------------------------------------


def parquet_files(folder):
    return [path for path in Path(folder).rglob("*.parquet") if "_delta_log" not in path.parts]


class Bench:
    def __init__(self, arguments, folder, source):
        self.arguments, self.folder, self.source = arguments, folder, source
        self.program = arguments.build / "bin/bench_rows"
        self.schema = folder / "schema.json"
        self.schema.write_text(json.dumps(SCHEMA), encoding="utf-8")

    def empty_table(self, name):
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        run.measured_from_outside([
            self.arguments.build / "bin/deltalakedb", "create", path, "--schema", self.schema,
            "--property", f"delta.parquet.compression.codec={self.arguments.codec}"])
        return path

    def measure(self, *command):
        # What others have written is on its way to the disk until then.
        os.sync()
        return run.measured_by_itself([str(word) for word in command])

    def others(self, command, engine, *places):
        return self.measure(sys.executable, OTHERS, command, engine, *places, "--codec",
                            self.arguments.codec)

    def append(self):
        places = {name: self.empty_table(name) for name in ("ours", "delta-rs")}
        places["duckdb"] = self.folder / "duckdb"
        shutil.rmtree(places["duckdb"], ignore_errors=True)
        places["duckdb"].mkdir()
        measured = {
            "ours": self.measure(self.program, "append", places["ours"], self.source),
            "delta-rs": self.others("append", "delta-rs", places["delta-rs"], self.source),
            "duckdb": self.others("append", "duckdb", places["duckdb"] / "rows.parquet",
                                  self.source),
            "source": self.measure(self.program, "read", self.source)}
        for name, place in places.items():
            files = parquet_files(place)
            measured[name] |= {"files": len(files),
                               "bytes": sum(path.stat().st_size for path in files)}
        return measured

    def scan_table(self, table):
        measured = {}
        for name in SCANNERS:
            if name.startswith("ours"):
                order = ["--unordered"] if "unordered" in name else []
                measured[name] = self.measure(self.program, "scan", table, *order)
            else:
                measured[name] = self.others("scan", name, table)
            if measured[name]["rows"] != self.arguments.rows:
                sys.exit(f"bench: {name} found {measured[name]['rows']:,} rows in {table}, not "
                         f"{self.arguments.rows:,}")
        return measured

    def round(self):
        return {"append": self.append(), "scan": self.scan_table(self.folder / "ours"),
                OF_DELTA_RS: self.scan_table(self.folder / "delta-rs")}


# ---- what comes of it ----------------------------------------------------------------------------


def spread(values, form="{:.2f}"):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{form} ({form} to {form})".format(middle, low, high)


def times_as_long(rounds, part, theirs, name="total_s"):
    return [one[part][theirs][name] / one[part]["ours"][name] for one in rounds]


def aims(rounds):
    for part, theirs, least in AIMS:
        ratios = times_as_long(rounds, part, theirs)
        yield {"what": f"{part}: {NAMES.get(theirs, theirs)} takes, times as long",
               "ratios": ratios, "least": least, "held": statistics.median(ratios) >= least}


def part_rows(rounds, part):
    yield [part, "time", "CPU time", "peak memory", "size", "times as long as deltalakedb",
           "of CPU"]
    for name in rounds[0][part]:
        all_of = [one[part][name] for one in rounds]
        ratios = [spread(times_as_long(rounds, part, name, of))
                  for of in ("total_s", "cpu_s")] if name != "ours" else ["", ""]
        size = all_of[0].get("bytes")
        yield [NAMES.get(name, name), spread([one["total_s"] for one in all_of]) + " s",
               f"{statistics.median(one['cpu_s'] for one in all_of):.2f} s",
               f"{max(one['peak_rss_mib'] for one in all_of):.0f} MiB",
               f"{size / 1e6:.0f} MB in {all_of[0]['files']}" if size else "", *ratios]


def markdown(results):
    host, rounds = results["host"], results["rounds"]
    yield (f"{host['date']}, {host['cpus']} shared {host['machine']} cores, load "
           f"{host['load_before']} before and {host['load_after']} after; {results['rows']:,} "
           f"rows, {results['codec']}; {len(rounds)} rounds: medians, and the range.")
    yield ""
    yield run.markdown_row(["what", "measured", "aim", "held"])
    yield run.markdown_row(["---"] * 4)
    for aim in results["aims"]:
        yield run.markdown_row([aim["what"], spread(aim["ratios"]), f"at least {aim['least']:g}",
                                "yes" if aim["held"] else "**no**"])
    for part in rounds[0]:
        head, *rows = part_rows(rounds, part)
        yield ""
        yield run.markdown_row(head)
        yield run.markdown_row(["---"] * len(head))
        yield from map(run.markdown_row, rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--codec", choices=["zstd", "snappy"], default="zstd")
    parser.add_argument("--build", type=Path, default=run.REPOSITORY / "build/release",
                        help="where the programs were built")
    parser.add_argument("--tables", type=Path, default=run.REPOSITORY / "build/bench",
                        help="where rows and results are kept")
    parser.add_argument("--source", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.build, arguments.tables = arguments.build.resolve(), arguments.tables.resolve()
    arguments.rows = arguments.rows or (1_000_000 if arguments.quick else 10_000_000)
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    return arguments


def main():
    arguments = parse_arguments()
    if arguments.source:
        write_source(arguments.source, arguments.rows)
        return
    os.makedirs(arguments.tables, exist_ok=True)
    host, rounds = run.Host(), []
    source = make_source(arguments.tables, arguments.rows)
    with tempfile.TemporaryDirectory(dir=arguments.tables) as folder:
        bench = Bench(arguments, Path(folder), source)
        for number in range(arguments.rounds):
            rounds.append(bench.round())
            print(f"bench: round {number + 1} is measured", file=sys.stderr, flush=True)
    results = {"host": host.describe(), "rows": arguments.rows, "codec": arguments.codec,
               "aims": list(aims(rounds)), "rounds": rounds}
    text = "\n".join(markdown(results)) + "\n"
    (arguments.tables / "results_rows.json").write_text(json.dumps(results, indent=1) + "\n",
                                                        encoding="utf-8")
    (arguments.tables / "results_rows.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
