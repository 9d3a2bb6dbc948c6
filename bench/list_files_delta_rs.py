#!/usr/bin/env python3
"""The same as bench_list_files, by delta-rs: opens a table and lists its files as Arrow, once.

    bench/list_files_delta_rs.py TABLE [--version N]

Both hand Arrow data over through its C stream interface. Importing delta-rs and pyarrow is not
counted; pyarrow.table() would import pandas on its first use, so it is not what reads the stream.
"""

import argparse
import json
import resource
import time

import pyarrow as pa
from deltalake import DeltaTable


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--version", type=int)
    arguments = parser.parse_args()
    cpu_before_s = time.process_time()
    start_s = time.perf_counter()
    table = DeltaTable(arguments.table, version=arguments.version)
    opened_s = time.perf_counter()
    actions = pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=False))
    files = sum(batch.num_rows for batch in actions)
    listed_s = time.perf_counter()
    cpu_s = time.process_time() - cpu_before_s
    peak_rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"version": table.version(), "files": files, "open_s": opened_s - start_s,
                      "list_s": listed_s - opened_s, "total_s": listed_s - start_s,
                      "cpu_s": cpu_s, "peak_rss_mib": round(peak_rss_mib, 1)}))


if __name__ == "__main__":
    main()
