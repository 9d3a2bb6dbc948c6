#!/usr/bin/env python3
"""The same as bench_rows, by others: appends the rows of an Arrow stream file, or scans a table,
once, and says how long it took.

    bench/rows_others.py append delta-rs TABLE ROWS.arrows --codec zstd
    bench/rows_others.py append duckdb FILE.parquet ROWS.arrows --codec zstd
    bench/rows_others.py scan arrow TABLE           the files of the table, without its log
    bench/rows_others.py scan ENGINE TABLE          delta-rs, delta-rs-utf8, delta-rs-arrow, duckdb

Importing libraries and loading extensions is not counted as time, but is in the peak of memory;
rss_before_mib says how much of it there was before.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.ipc

TARGET_FILE_BYTES = 128 * 2**20  # ours
ZSTD_LEVEL = 1  # Arrow's default, and so ours


def peak_rss_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def count(batches):
    return sum(batch.num_rows for batch in batches)


def open_source(path):
    """Read batch by batch, and not mapped."""
    return pa.ipc.open_stream(pa.OSFile(str(path)))


class Arrow:
    """Arrow's dataset scan of all files, in the order of their names as ours has them."""

    def scan(self, folder):
        files = sorted(str(path) for path in Path(folder).rglob("*.parquet")
                       if "_delta_log" not in path.parts)
        return count(pa.dataset.dataset(files, format="parquet").to_batches())


class DeltaRs:
    def __init__(self):
        import deltalake
        self.deltalake = deltalake

    def append(self, folder, source, codec):
        level = ZSTD_LEVEL if codec == "zstd" else None
        properties = self.deltalake.WriterProperties(compression=codec.upper(),
                                                     compression_level=level)
        table = self.deltalake.DeltaTable(folder)
        self.deltalake.write_deltalake(table, open_source(source), mode="append",
                                       target_file_size=TARGET_FILE_BYTES,
                                       writer_properties=properties)

    def scan(self, folder):
        """By its query engine."""
        builder = self.deltalake.QueryBuilder().register("t", self.deltalake.DeltaTable(folder))
        reader = builder.execute("SELECT * FROM t")
        return count(pa.RecordBatchReader.from_stream(reader))


class DeltaRsUtf8(DeltaRs):
    """The same with texts in one piece, as ours and Arrow's have them: delta-rs gives views of the
    file's pages."""

    def scan(self, folder):
        builder = self.deltalake.QueryBuilder().register("t", self.deltalake.DeltaTable(folder))
        reader = pa.RecordBatchReader.from_stream(builder.execute("SELECT * FROM t"))
        schema = pa.schema([
            field.with_type(pa.string()) if field.type == pa.string_view() else field
            for field in reader.schema])
        return count(batch.cast(schema) for batch in reader)


class DeltaRsArrow(DeltaRs):
    """delta-rs reads the log, and Arrow the files."""

    def scan(self, folder):
        return count(self.deltalake.DeltaTable(folder).to_pyarrow_dataset().to_batches())


class DuckDb:
    def __init__(self):
        import duckdb
        import duckdb_extension_delta
        self.connection = duckdb.connect()
        [extension] = Path(duckdb_extension_delta.__file__).parent.glob(
            "extensions/*/delta.duckdb_extension")
        self.connection.execute(f"LOAD '{extension}'")
        self.connection.execute("SET TimeZone = 'UTC'")

    def append(self, path, source, codec):
        """Into a file that no log names."""
        level = f", COMPRESSION_LEVEL {ZSTD_LEVEL}" if codec == "zstd" else ""
        self.connection.register("source", open_source(source))
        self.connection.execute(
            f"COPY (FROM source) TO '{path}' (FORMAT parquet, COMPRESSION {codec}{level})")

    def scan(self, folder):
        found = self.connection.execute("FROM delta_scan(?)", [str(folder)])
        return count(found.to_arrow_reader(122_880))


ENGINES = {"arrow": Arrow, "delta-rs": DeltaRs, "delta-rs-utf8": DeltaRsUtf8,
           "delta-rs-arrow": DeltaRsArrow, "duckdb": DuckDb}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["append", "scan"])
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("table")
    parser.add_argument("source", nargs="?")
    parser.add_argument("--codec", default="zstd")
    arguments = parser.parse_args()
    engine = ENGINES[arguments.engine]()
    before_mib, cpu_before_s, start_s = peak_rss_mib(), time.process_time(), time.perf_counter()
    if arguments.command == "scan":
        told = {"rows": engine.scan(arguments.table)}
    else:
        engine.append(arguments.table, arguments.source, arguments.codec)
        told = {}
    told |= {"total_s": time.perf_counter() - start_s, "cpu_s": time.process_time() - cpu_before_s}
    print(json.dumps({**told, "peak_rss_mib": round(peak_rss_mib(), 1),
                      "rss_before_mib": round(before_mib, 1)}), flush=True)
    # Threads of Arrow that still hold a file system of delta-rs abort a process that ends in order.
    os._exit(0)


if __name__ == "__main__":
    main()
