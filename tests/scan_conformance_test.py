"""The rows of real tables, as `scan` gives them and as other engines do: every table of the archive
that has data files, at its latest version and at earlier ones."""

import datetime
import decimal
import math

import pyarrow as pa
import pytest

from conftest import IS_SAMPLED, ConformanceTable
from delta_readers import ask, delta_rs_table, duckdb_table
from support import conformance_tables, run

VERSIONS_MAX = 3

# Of some tables the archive has the log alone: `scan` names the first file that is not there. Some
# have a version without a schema, which nobody reads.
NOT_FOUND, CORRUPT = 3, 5
# Tables that neither delta-rs nor DuckDB reads, and why; mirror_spark_test.py and
# mirror_kernel_test.py read some of them by Spark and the Java kernel.
REMOVED = "both ask for a file that was removed by another spelling of its path"
UNCHECKED = {
    "derived/last-checkpoint-points-nowhere": "both take the hint for the truth",
    "kernel-rs-golden/canonicalized-paths-normal-b": REMOVED,
    "kernel-rs-golden/canonicalized-paths-special-a": REMOVED,
    "derived/v2-sidecar-missing-json-intact": "both ask for the sidecar that is not there",
}
# Tables that `scan` refuses by name.
SHREDDED = "shredded variants"
REFUSED = {
    "delta-spark/variant-stats-nested-no-checkpoint": SHREDDED,
    "delta-spark/variant-stats-no-checkpoint": SHREDDED,
    "delta-spark/variant-stats-state-reconstruction": SHREDDED,
}


def tables():
    folder = conformance_tables.folder()
    if not folder:
        return []
    found = [ConformanceTable(folder, file) for file in sorted((folder / "truth").glob("*.json"))]
    readable = [table for table in found if table.expect == "accept"]
    return readable[::8] if IS_SAMPLED else readable


def plain(value):
    """A value in a form that is equal for equal values, whatever type an engine gives it."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    if isinstance(value, dict):
        return tuple((name, plain(part)) for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(plain(part) for part in value)
    if isinstance(value, decimal.Decimal):
        return str(value.normalize())
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat()
    return repr(value)


def rows(table):
    return sorted(tuple(plain(value) for value in row.values()) for row in table.to_pylist())


def scan(folder, version, tmp_path):
    """The rows, or the error."""
    place = tmp_path / f"{version}.arrow"
    outcome = run("scan", folder, "--version", version, "-o", place, "--json")
    if outcome.status != 0:
        return None, outcome
    with pa.memory_map(str(place)) as file:
        return pa.ipc.open_file(file).read_all(), outcome


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_Table_ScansToTheRowsOfOthers(table, tmp_path):
    versions = sorted(map(int, table.replay["versions"]))
    latest = versions[-1]
    for version in sorted({*versions[::max(1, len(versions) // VERSIONS_MAX)], latest}):
        ours, outcome = scan(table.path, version, tmp_path)
        answers = [ask(reader, table.path, version) for reader in (delta_rs_table, duckdb_table)]
        theirs = [answer for answer, _ in answers if answer is not None]
        if ours is None:
            check_refusal(table, outcome, theirs)
        elif not theirs:
            assert table.name in UNCHECKED or version != latest, answers
        else:
            assert ours.column_names == theirs[0].column_names
            assert rows(ours) == rows(theirs[0]), (version, ours.num_rows, theirs[0].num_rows)
            if version == latest:
                assert table.name not in UNCHECKED


def check_refusal(table, outcome, theirs):
    """Nobody else has rows either, but for what is refused by name."""
    if table.name in REFUSED:
        assert outcome.status == 4, outcome
        assert outcome.error()["column"]
        return
    assert not theirs
    if outcome.status == NOT_FOUND:
        assert outcome.error()["file"]
    else:
        assert outcome.status == CORRUPT and "the schema" in outcome.error()["message"], outcome
