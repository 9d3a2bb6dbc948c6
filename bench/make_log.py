#!/usr/bin/env python3
"""Makes the log of a Delta table that has no data files, to measure readers with.

    bench/make_log.py TABLE --files 100000 --commits 100
    bench/make_log.py TABLE --files 100000 --commits 100 --removes 50 --checkpoint-every 10
    bench/make_log.py TABLE --files 1000000 --single-commit

Version 0 holds protocol and metadata. Every later one adds an equal share of the files, so that
--files are live at the end; --removes percent of all that were ever added are removed again, the
oldest first. Each add has a path of about 144 bytes and statistics of five columns. The same
arguments always give the same bytes. Checkpoints are delta-rs's, which must be installed.
"""

import argparse
import datetime
import json
import shutil
from pathlib import Path

COLUMNS = {"id": "long", "event_time": "timestamp", "category": "string", "amount": "double",
           "quantity": "integer", "event_date": "date", "region": "string"}
PARTITION_COLUMNS = ["event_date", "region"]
REGIONS = ["eu-west-1", "us-east-1", "ap-south-1", "sa-east-1"]
FIRST_DAY = datetime.date(2024, 1, 1)
FIRST_MS = 1_704_067_200_000  # that day's start
FILES_PER_DAY = 500
DAYS_MAX = 730
ROWS_PER_FILE = 1000
COMMIT_INTERVAL_MS = 1000


def dumps(value):
    return json.dumps(value, separators=(",", ":"))


def file_day(number):
    return (FIRST_DAY + datetime.timedelta(days=number // FILES_PER_DAY % DAYS_MAX)).isoformat()


def file_path(number, day, region):
    scattered = f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128:032x}"
    uuid = "-".join(scattered[start:end] for start, end in
                    ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    return (f"event_date={day}/region={region}/ingest-batch-{number // 1000:08d}"
            f"-task-attempt-00-part-{number % 100_000:05d}-{uuid}.c000.snappy.parquet")


def file_stats(number, day):
    low = number * ROWS_PER_FILE
    return dumps({
        "numRecords": ROWS_PER_FILE,
        "minValues": {"id": low, "event_time": f"{day}T00:00:00.{number % 1000:03d}Z",
                      "category": f"cat-{number % 97:04d}", "amount": 0.01 + number % 13,
                      "quantity": number % 7},
        "maxValues": {"id": low + ROWS_PER_FILE - 1,
                      "event_time": f"{day}T23:59:59.{number % 1000:03d}Z",
                      "category": f"cat-{97 + number % 97:04d}",
                      "amount": round(9999.99 - number % 13, 2), "quantity": 100 + number % 7},
        "nullCount": {"id": 0, "event_time": 0, "category": number % 5, "amount": number % 3,
                      "quantity": 0}})


def file_fields(number):
    """What adds and removes of a file have in common."""
    day, region = file_day(number), REGIONS[number % len(REGIONS)]
    return {"path": file_path(number, day, region),
            "partitionValues": {"event_date": day, "region": region},
            "size": 1_000_000 + number * 7919 % 9_000_000}


def add(number):
    return dumps({"add": {**file_fields(number), "modificationTime": FIRST_MS + number,
                          "dataChange": True, "stats": file_stats(number, file_day(number))}})


def remove(number, timestamp_ms):
    return dumps({"remove": {"deletionTimestamp": timestamp_ms, "dataChange": True,
                             "extendedFileMetadata": True, **file_fields(number)}})


def first_actions():
    schema = {"type": "struct", "fields": [
        {"name": name, "type": column_type, "nullable": True, "metadata": {}}
        for name, column_type in COLUMNS.items()]}
    yield dumps({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
    yield dumps({"metaData": {"id": "11111111-2222-3333-4444-555555555555",
                              "format": {"provider": "parquet", "options": {}},
                              "schemaString": dumps(schema), "partitionColumns": PARTITION_COLUMNS,
                              "configuration": {}, "createdTime": FIRST_MS}})


def write_commit(log, version, actions):
    info = {"commitInfo": {"timestamp": FIRST_MS + version * COMMIT_INTERVAL_MS,
                           "operation": "WRITE", "operationParameters": {"mode": "Append"}}}
    with open(log / f"{version:020d}.json", "w", encoding="utf-8") as out:
        out.write(dumps(info) + "\n")
        out.writelines(action + "\n" for action in actions)


def commit_actions(version, removed, added):
    yield from (remove(number, FIRST_MS + version * COMMIT_INTERVAL_MS) for number in removed)
    yield from (add(number) for number in added)


def make_checkpoint(table):
    from deltalake import DeltaTable  # here, since most tables need none
    DeltaTable(str(table)).create_checkpoint()


def make_log(table, files, commits, removes_percent=0, checkpoint_every=0, final_checkpoint=False):
    log = Path(table) / "_delta_log"
    log.mkdir(parents=True)
    write_commit(log, 0, first_actions())
    total = round(files / (1 - removes_percent / 100))
    added = removed = 0
    for version in range(1, commits + 1):
        added_end = total * version // commits
        removed_end = min((total - files) * version // commits, added)
        write_commit(log, version, commit_actions(version, range(removed, removed_end),
                                                  range(added, added_end)))
        added, removed = added_end, removed_end
        if (checkpoint_every and version % checkpoint_every == 0) or (
                final_checkpoint and version == commits):
            make_checkpoint(table)
    return {"live": added - removed, "added": added, "removed": removed, "versions": commits + 1,
            "log_bytes": sum(file.stat().st_size for file in log.iterdir())}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--single-commit", action="store_true", help="the same as --commits 1")
    parser.add_argument("--removes", type=float, default=0, metavar="PERCENT")
    parser.add_argument("--checkpoint-every", type=int, default=0, metavar="VERSIONS")
    parser.add_argument("--final-checkpoint", action="store_true")
    parser.add_argument("--force", action="store_true", help="replace a table that is there")
    arguments = parser.parse_args()
    if not 0 <= arguments.removes < 100:
        parser.error("--removes must be at least 0 and below 100")
    if arguments.force:
        shutil.rmtree(arguments.table, ignore_errors=True)
    made = make_log(arguments.table, arguments.files,
                    1 if arguments.single_commit else arguments.commits, arguments.removes,
                    arguments.checkpoint_every, arguments.final_checkpoint)
    print(dumps(made))


if __name__ == "__main__":
    main()
