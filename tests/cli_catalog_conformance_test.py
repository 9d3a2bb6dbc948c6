"""The conformance tables through `import` into SQLite, against what is recorded about them.

conformance_test.cc compares every version through the library; this looks at what the commands
print of the first, a middle and the last version that the catalog has.
"""

from types import SimpleNamespace

from catalog_support import Catalog
from cli_conformance_test import check_version, refusal
from support import DONE, NOT_FOUND, refused, run


def versions_to_check(table, first, last):
    held = sorted(int(version) for version in table.replay["versions"]
                  if first <= int(version) <= last)
    return sorted({held[0], held[len(held) // 2], held[-1]})


def test_ImportedTable_MatchesTheTruthOrLeavesNothing(conformance_table, tmp_path):
    table = conformance_table
    (tmp_path / "database").mkdir()
    catalog = Catalog(tmp_path / "database" / "meta.db")
    outcome = run("import", table.path, catalog.table("t"), "--json")
    if outcome.status != DONE:
        assert table.expect != "accept", outcome
        error = outcome.error()
        if table.expect == "refuse":
            assert (outcome.status, error["code"]) == refusal(table)
        assert catalog.left() == {}
        return
    assert table.expect != "refuse", outcome
    report = outcome.object()
    first, last = report["fromVersion"], report["toVersion"]
    assert last == table.replay["latest"] and report["verified"]
    imported = SimpleNamespace(path=catalog.table("t"), replay=table.replay)
    for version in versions_to_check(table, first, last):
        check_version(imported, version, table.version(version))
    if first > 0:
        error = refused(NOT_FOUND, "snapshot", imported.path, "--version", first - 1)
        assert (error["earliestVersion"], error["latestVersion"]) == (first, last)
    assert run("verify", imported.path, "--against", table.path).status == DONE
    again = run("import", table.path, catalog.table("t"), "--json").object()
    assert (again["fromVersion"], again["toVersion"]) == (None, last)
