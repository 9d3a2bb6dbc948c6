"""Appends to a table with delta-rs, row by row, as another program that knows nothing of catalogs.

    python delta_rs_append.py TABLE FIRST COUNT

The storage options are a line of JSON on standard input. It prints `ready`; a second line has it
begin. Each row has a number from FIRST on, a commit and a data file of its own; the number is
printed once delta-rs says that the row is in.
"""

import json
import sys

import pyarrow as pa
from deltalake import write_deltalake
from deltalake.exceptions import CommitFailedError


def append(table, number, options):
    """Tries again for as long as others come first."""
    while True:
        try:
            write_deltalake(table, pa.table({"id": pa.array([number], pa.int64())}),
                            mode="append", storage_options=options)
            return
        except CommitFailedError as error:
            print(error, file=sys.stderr)


if __name__ == "__main__":
    TABLE, FIRST, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    OPTIONS = json.loads(sys.stdin.readline())
    print("ready", flush=True)
    sys.stdin.readline()
    for each in range(FIRST, FIRST + COUNT):
        append(TABLE, each, OPTIONS)
        print(each, flush=True)
