"""What plain DuckDB reads from a mirror's views, beside what delta-rs reads from the tables: row
for row, at several versions of each, so that mirrors are brought forward by what changed.

Where delta-rs refuses a table, the number of rows has to be the recorded one.
"""

import collections
import datetime
import decimal
import math
import os
import subprocess
import uuid

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder

WORKER = os.environ.get("DELTALAKEDB_MIRROR_WORKER")
COUNTS = collections.Counter()
VERSIONS_MAX = 4
# Views that cannot be made, and why.
UNSUPPORTED = {
    "delta-golden/spark-variant-checkpoint": "variant",
    "delta-kernel/spark-variant-stable-feature-checkpoint": "variant",
    "delta-spark/variant-stats-nested-no-checkpoint": "variant",
    "delta-spark/variant-stats-no-checkpoint": "variant",
    "delta-spark/variant-stats-state-reconstruction": "variant",
    "kernel-rs/void-column": "void",
}


@pytest.fixture(scope="module", autouse=True)
def summary(request):
    yield
    text = ", ".join(f"{number} {what}" for what, number in sorted(COUNTS.items()))
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        print(f"\nduckdb mirrors: {text}")


def table_id(name):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def work(what, file, folder, name, version=None):
    at = [] if version is None else [str(version)]
    return subprocess.run([WORKER, what, file, folder, name, table_id(str(folder)), *at],
                          capture_output=True, text=True, timeout=300)


def publish(*arguments, **named):
    done = work("publish", *arguments, **named)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def differences(*arguments, **named):
    done = work("verify", *arguments, **named)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def plain(value):
    """A value as both of them can be brought to."""
    if isinstance(value, dict):
        return tuple((name, plain(inner)) for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(plain(inner) for inner in value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.timezone.utc).isoformat()
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value


def table_rows(table):
    """The rows of an Arrow table, maps as lists of pairs in the order of their keys."""
    return sorted(repr([(name, plain(value)) for name, value in row.items()])
                  for row in pa.table(table).to_pylist())


def view_rows(file, name, zone="UTC"):
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute(f"SET TimeZone = '{zone}'")
        return table_rows(connection.execute(f'FROM "{name}"').to_arrow_table())


def delta_rs_rows(folder, version):
    """None where delta-rs refuses the version."""
    try:
        table = DeltaTable(str(folder), version=version)
        return table_rows(QueryBuilder().register("t", table).execute(
            "SELECT * FROM t").read_all())
    except BaseException as error:  # also panics of its own
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return None


def some_versions(conformance_table):
    versions = sorted(int(version) for version in conformance_table.replay["versions"])
    step = max(1, len(versions) // VERSIONS_MAX)
    return sorted({*versions[::step], versions[-1]})


def has_data(table, folder=None):
    return any(path for path in (folder or table.path).rglob("*.parquet")
               if "_delta_log" not in path.parts)


def test_Views_HaveTheRowsOfTheirTables(conformance_table, tmp_path):
    table = conformance_table
    if table.expect != "accept" or not has_data(table):
        pytest.skip("nothing to be read")
    file = tmp_path / "mirror.duckdb"
    if table.name in UNSUPPORTED:
        done = work("publish", file, table.path, "t")
        assert done.stderr.startswith("Unsupported: ") and UNSUPPORTED[table.name] in done.stderr
        return
    for version in some_versions(table):
        done = work("publish", file, table.path, "t", version)
        if "deletion_vector" in done.stderr and "No such file" in done.stderr:
            # The archive lacks these.
            assert done.stderr.startswith("NotFound: ")
            COUNTS["versions without their deletion vectors"] += 1
            continue
        assert done.returncode == 0, done.stderr
        assert differences(file, table.path, "t", version) == []
        try:
            got = view_rows(file, "t", zone="America/New_York")
        except duckdb.IOException as error:
            # Only the log is there of old versions' files.
            assert "No files found" in str(error), error
            COUNTS["versions without their files"] += 1
            continue
        expected = delta_rs_rows(table.path, version)
        if expected is not None:
            assert got == expected
            COUNTS["versions as delta-rs"] += 1
            continue
        truth = table.version(version)
        COUNTS["versions that delta-rs refuses"] += 1
        if truth["files_with_num_records"] == truth["num_files"]:
            assert len(got) == truth["num_records"] - truth["dv_cardinality"]
            COUNTS["of these with as many rows as recorded"] += 1
        fresh = tmp_path / f"fresh-{version}.duckdb"
        publish(fresh, table.path, "t", version)
        assert view_rows(fresh, "t") == view_rows(file, "t")
