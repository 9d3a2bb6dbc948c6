"""docs/schema.md against the schemas that the program makes: every column, and every query."""

import re

import pytest

import postgres_server
from catalog_support import Catalog, Flights
from support import DONE, REPOSITORY, run

GUIDE = (REPOSITORY / "docs" / "schema.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


# Of commit_info: in SQLite in a view, in DuckDB in the table.
GENERATED = ["operation_parameters", "operation_metrics", "committer", "is_blind_append"]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guide")
    catalog = Catalog(folder / "meta.db")
    catalog.take_in(Flights(folder / "flights").folder)
    return catalog


def described():
    """{table: [(column, type, whether it may be null)]} as the guide has them."""
    tables = {}
    for section in re.split(r"^### ", GUIDE, flags=re.MULTILINE)[1:]:
        section = re.split(r"^## ", section, flags=re.MULTILINE)[0]
        rows = re.findall(r"^\| `(\w+)` \| (\w+)(, null)? \| (.*?) \|", section, re.MULTILINE)
        assert all(meaning for _, _, _, meaning in rows), section
        tables[section.splitlines()[0]] = [(name, kind, bool(null)) for name, kind, null, _ in rows]
    return tables


def present(catalog):
    """The same as the database has them, generated columns too."""
    names = catalog.sql("SELECT name FROM sqlite_schema WHERE type = 'table'"
                        " AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
    return {name: [(column, kind, not (not_null or key))
                   for _, column, kind, not_null, _, key, _ in catalog.sql(
                       f"PRAGMA table_xinfo({name})")]
            for (name,) in names}


def test_EveryColumn_IsDescribedAndThere(catalog):
    assert described() == present(catalog)


def types_in(database):
    """[(SQLite's type, the other's, columns or none for all others)] of the section's table."""
    section = GUIDE.split(f"## In {database}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([A-Z]+) \| (\w+) \| (.*?) \|$", section, re.MULTILINE)
    assert len(rows) > 3
    return [(here, there, None if columns.startswith("all") else re.findall(r"`(\w+)`", columns))
            for here, there, columns in rows]


def test_EveryColumn_IsInPostgresWithTheTypeThatIsSaid():
    types = types_in("PostgreSQL")

    def type_of(column, kind):
        return next(there for here, there, columns in types
                    if here == kind and (columns is None or column in columns))

    expected = sorted((table, column, type_of(column, kind), "YES" if is_null else "NO")
                      for table, columns in described().items()
                      for column, kind, is_null in columns)
    with postgres_server.PostgresServer() as server:
        assert run("init", server.uri("lake")).status == DONE
        found = server.sql(postgres_server.DATABASE, (
            "SELECT c.table_name, column_name, data_type, is_nullable FROM"
            " information_schema.columns c JOIN information_schema.tables t"
            " USING (table_schema, table_name)"
            " WHERE table_schema = 'lake' AND table_type = 'BASE TABLE'"))
    columns = sorted(tuple(line.split("|")) for line in found.splitlines())
    staged = [column for column in columns if column[0].startswith("dl_staged_")]
    assert sorted(set(columns) - set(staged)) == expected
    # What is staged has columns of where it goes, and three of its own.
    types_there = {column[:3] for column in columns}
    own = {(table, name) for table, name, kind, _ in staged
           if (table.replace("dl_staged_", "dl_"), name, kind) not in types_there}
    assert own == {(f"dl_staged_{kind}_files", name) for kind in ("add", "remove")
                   for name in ("staging_id", "staged_at", "number")}


def test_EveryIndex_IsNamed(catalog):
    for (name,) in catalog.sql("SELECT name FROM sqlite_schema WHERE type = 'index'"
                               " AND sql IS NOT NULL"):
        assert f"| `{name}` |" in GUIDE, name
    indexes = GUIDE.split("## Indexes")[1].split("\n## ")[0]
    for name in re.findall(r"^\| `(dl_\w+)` \|", indexes, re.MULTILINE):
        assert catalog.sql("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?", name)


def test_StatementsThatIndexesServe_Exist():
    served = GUIDE.split("## Indexes")[1].split("\n## ")[0]
    names = {name for row in re.findall(r"^\|.*\|.*\|(.*)\|$", served, re.MULTILINE)
             for name in re.findall(r"`(\w+)`", row)}
    files = {file.stem for file in (REPOSITORY / "sql").glob("*/queries/*.sql")}
    assert len(names) > 10 and names <= files, names - files


def test_Diagram_NamesEveryTable(catalog):
    diagram = GUIDE.split("```mermaid")[1].split("```")[0]
    assert set(re.findall(r"^  (\w+) \{", diagram, re.MULTILINE)) == set(present(catalog))
    for table, body in re.findall(r"^  (\w+) \{\n(.*?)^  \}", diagram, re.MULTILINE | re.DOTALL):
        types = {name: kind for name, kind, _ in described()[table]}
        for kind, name in re.findall(r"^    (\w+) (\w+)", body, re.MULTILINE):
            assert types[name] == kind, (table, name)


def duckdb_types():
    """{(type here, type in DuckDB): columns, None for all others} as the guide has them."""
    section = GUIDE.split("## In DuckDB")[1].split("\n## ")[0]
    return {(here, there): re.findall(r"`(\w+)`", columns) or None for here, there, columns in
            re.findall(r"^\| ([A-Z]+) \| ([A-Z]+) \| (.*?) \|$", section, re.MULTILINE)}


def test_DuckDbSchema_DiffersByTypesAlone():
    scripts = sorted((REPOSITORY / "sql/duckdb/migrations").glob("*.up.sql"))
    script = "".join(path.read_text(encoding="utf-8") for path in scripts)
    found = {}
    for table, body in re.findall(r"^CREATE TABLE (\w+) \(\n(.*?)^\);", script,
                                  re.MULTILINE | re.DOTALL):
        found[table] = re.findall(r"^  ([a-z_]+) +([A-Z]+)\b( NOT NULL)?", body, re.MULTILINE)
    types = duckdb_types()
    assert len(types) == 5
    for table, columns in described().items():
        if table == "dl_schema_migrations":
            continue
        expected = []
        for name, kind, is_null in columns:
            [there] = ([there for (here, there), names in types.items()
                        if here == kind and names and name in names]
                       or [there for (here, there), names in types.items()
                           if here == kind and not names])
            expected.append((name, there, "" if is_null else " NOT NULL"))
        assert [column for column in found[table] if column[0] not in GENERATED] == expected, table


def test_ViewOfCommits_HasTheColumnsOfVersionsAndThoseOfItsOwn(catalog):
    [rows], [columns] = (catalog.sql(query) for query in (
        "SELECT count(*), count(committer), count(operation_parameters) FROM dl_commits",
        "SELECT group_concat(name) FROM pragma_table_info('dl_commits')"))
    [(versions,)] = catalog.sql("SELECT count(*) FROM dl_table_versions")
    assert rows == (versions, versions, versions)
    stored = [name for name, _, _ in described()["dl_table_versions"]]
    assert columns[0].split(",") == stored + GENERATED
    for name in GENERATED:
        assert f"`{name}`" in GUIDE.split("### dl_table_versions")[1].split("\n### ")[0]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_Query_RunsAsPrinted(catalog, query):
    assert catalog.sql(query)


def test_QueriesForOneVersion_AgreeWithTheProgram(catalog):
    outcome = run("files", catalog.table("flights"), "--version", 0, "--json")
    assert outcome.status == DONE
    expected = [(file["path"], file["size"]) for file in outcome.lines()]
    [plain, by_range] = [query for query in QUERIES if "f.path, f.size\n" in query]
    assert catalog.sql(plain) == catalog.sql(by_range) == expected
