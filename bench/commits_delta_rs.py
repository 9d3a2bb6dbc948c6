#!/usr/bin/env python3
"""What bench_commits measures, as delta-rs does it: commits of added files to a table in a folder.

    bench/commits_delta_rs.py TABLE --first N [--files F] [--commits C | --seconds S] [--warm-up W]

One writer, which keeps the table open; several at once are several processes. Paths and statistics
are those of bench/make_log.py from file N on. A commit that delta-rs does not settle itself is made
again on the newest version. delta-rs does not call fsync.

Prints `ready` when it is warm and begins at the next line of its standard input. Prints one JSON
object then: seconds, times (of each commit, with bringing the table up to date after it), again
(commits that had to be made again) and all (commits, with the warm-up). Whoever starts it counts
what is there afterwards.
"""

import argparse
import json
import sys
import time

import make_log
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

TRIES_MAX = 1000
RETRIES = 100  # delta-rs's own, within one try


def create(folder):
    schema = {"type": "struct", "fields": [
        {"name": name, "type": kind, "nullable": True, "metadata": {}}
        for name, kind in make_log.COLUMNS.items()]}
    DeltaTable.create(str(folder), Schema.from_json(json.dumps(schema)),
                      partition_by=make_log.PARTITION_COLUMNS)


def count(folder):
    """Versions after the first one, and live files."""
    table = DeltaTable(str(folder))
    return table.version(), len(table.file_uris())


def action(number):
    fields = make_log.file_fields(number)
    return AddAction(fields["path"], fields["size"], fields["partitionValues"],
                     make_log.FIRST_MS + number, True,
                     make_log.file_stats(number, make_log.file_day(number)))


class Writer:
    def __init__(self, folder, first):
        self.table = DeltaTable(folder)
        self.schema = self.table.schema()
        self.next = first
        self.again = 0

    def commit(self, files):
        actions = [action(number) for number in range(self.next, self.next + files)]
        self.next += files
        start_s = time.perf_counter()
        for _ in range(TRIES_MAX):
            try:
                self.table.create_write_transaction(
                    actions, "append", self.schema, make_log.PARTITION_COLUMNS,
                    commit_properties=CommitProperties(max_commit_retries=RETRIES))
                break
            except (CommitFailedError, DeltaError):
                self.again += 1
                self.table.update_incremental()
        else:
            sys.exit("bench: delta-rs did not get to commit")
        self.table.update_incremental()  # the object does not see its own commit
        return time.perf_counter() - start_s


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--warm-up", type=int, default=1)
    arguments = parser.parse_args()
    writer = Writer(arguments.table, arguments.first)
    for _ in range(arguments.warm_up):
        writer.commit(arguments.files)
    print("ready", flush=True)
    sys.stdin.readline()  # until all are
    start_s = time.perf_counter()
    times = []
    while (time.perf_counter() < start_s + arguments.seconds if arguments.seconds
           else len(times) < arguments.commits):
        times.append(writer.commit(arguments.files))
    spent_s = time.perf_counter() - start_s
    print(json.dumps({"seconds": spent_s, "times": times, "again": writer.again,
                      "all": len(times) + arguments.warm_up}))


if __name__ == "__main__":
    main()
