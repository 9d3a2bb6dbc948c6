#!/usr/bin/env python3
"""Turns the statements and migrations of sql/ into C++: sql_text.h and sql_text.cc.

    tools/embed_sql.py SQL_FOLDER OUTPUT_FOLDER

sql/DIALECT/queries/NAME.sql is a statement, and replaces sql/common/queries/NAME.sql for its
dialect. sql/DIALECT/migrations/NNNN_NAME.up.sql and .down.sql are a migration. sql/mirror/ is for
DuckDB files that are mirrors, which are no catalogs: nothing common goes there. Of a statement that
inserts plain rows, the table and its columns are named as well, for bulk loading.
"""

import re
import sys
from pathlib import Path

DIALECTS = ["sqlite", "postgres", "duckdb", "mirror"]
APART = {"mirror"}  # without the common statements


def camel(name):
    return "".join(word.capitalize() for word in name.split("_"))


def without_comments(text):
    """Comment lines are for readers of the files; the database need not see them."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return "\n".join(lines).strip()


def raw(text):
    assert ')sql"' not in text
    return f'R"sql({text})sql"'


def read_statements(folder, dialect):
    statements = {}
    for place in (dialect,) if dialect in APART else ("common", dialect):
        for path in sorted((folder / place / "queries").glob("*.sql")):
            statements[path.stem] = without_comments(path.read_text(encoding="utf-8"))
    return statements


def insert_target(text):
    """The table and columns of an INSERT whose values are $1, $2, … in their order, or None."""
    found = re.fullmatch(r"INSERT INTO (\w+) \(([\w\s,]+)\)\s*VALUES \(([$\d\s,]+)\)", text)
    if not found:
        return None
    columns = re.findall(r"\w+", found[2])
    wanted = [f"${i + 1}" for i in range(len(columns))]
    return (found[1], columns) if re.findall(r"\$\d+", found[3]) == wanted else None


def read_migrations(folder, dialect):
    migrations = []
    for path in sorted((folder / dialect / "migrations").glob("*.up.sql")):
        number, name = re.fullmatch(r"(\d{4})_(\w+)\.up\.sql", path.name).groups()
        down = path.with_name(f"{number}_{name}.down.sql")
        migrations.append((int(number), name, path.read_text(encoding="utf-8"),
                           down.read_text(encoding="utf-8")))
    numbers = [number for number, *_ in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        sys.exit(f"embed_sql: the migrations of {dialect} are numbered {numbers}")
    return migrations


def header(names, dialects):
    ids = "\n".join(f"  k{camel(name)}," for name in names)
    kinds = " ".join(f"k{camel(dialect)}," for dialect in dialects)
    return f"""// Made by tools/embed_sql.py out of sql/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace deltalakedb::store {{

enum class Dialect {{ {kinds} }};

enum class StatementId : std::uint16_t {{
{ids}
}};
inline constexpr std::size_t kStatementCount = {len(names)};

// The file's name without its ending, for messages.
std::string_view StatementName(StatementId id);
// Empty where the dialect has no such statement.
std::string_view StatementText(Dialect dialect, StatementId id);

// Where a statement of the form INSERT INTO table (columns) VALUES ($1, $2, …) puts its rows.
struct InsertTarget {{
  std::string_view table;  // empty where the statement has another form
  std::span<const std::string_view> columns;
}};
InsertTarget InsertTargetOf(StatementId id);

struct MigrationScript {{
  std::int64_t version;  // 1, 2, …
  std::string_view name;
  std::string_view up;
  std::string_view down;
}};
std::span<const MigrationScript> MigrationScripts(Dialect dialect);

}}  // namespace deltalakedb::store
"""


def source(names, statements, migrations):
    parts = ['#include "store/sql_text.h"\n', "#include <array>\n",
             "namespace deltalakedb::store {\nnamespace {\n"]
    listed = ",\n".join(f'  "{name}"' for name in names)
    parts.append("constexpr std::array<std::string_view, kStatementCount> kNames = {{\n"
                 f"{listed}}}}};\n")
    for dialect, texts in statements.items():
        listed = ",\n".join(f"  {raw(texts.get(name, ''))}" for name in names)
        parts.append(f"constexpr std::array<std::string_view, kStatementCount> k{camel(dialect)}"
                     f" = {{{{\n{listed}}}}};\n")
        listed = ",\n".join(f'  {{{number}, "{name}", {raw(up)}, {raw(down)}}}'
                            for number, name, up, down in migrations[dialect])
        parts.append(f"constexpr std::array<MigrationScript, {len(migrations[dialect])}> "
                     f"k{camel(dialect)}Migrations = {{{{\n{listed}}}}};\n")
    targets = []
    for name in names:
        target = insert_target(next(texts[name] for texts in statements.values() if name in texts))
        if target is None:
            targets.append("  {}")
            continue
        columns = ", ".join(f'"{column}"' for column in target[1])
        parts.append(f"constexpr std::array<std::string_view, {len(target[1])}> "
                     f"k{camel(name)}Columns = {{{{{columns}}}}};\n")
        targets.append(f'  {{"{target[0]}", k{camel(name)}Columns}}')
    listed = ",\n".join(targets)
    parts.append("constexpr std::array<InsertTarget, kStatementCount> kInsertTargets = {{\n"
                 f"{listed}}}}};\n")
    texts = "\n".join(f"    case Dialect::k{camel(dialect)}:\n"
                      f"      return k{camel(dialect)}[static_cast<std::size_t>(id)];"
                      for dialect in statements)
    scripts = "\n".join(f"    case Dialect::k{camel(d)}: return k{camel(d)}Migrations;"
                        for d in statements)
    parts.append(f"""}}  // namespace

std::string_view StatementName(StatementId id) {{ return kNames[static_cast<std::size_t>(id)]; }}

std::string_view StatementText(Dialect dialect, StatementId id) {{
  switch (dialect) {{
{texts}
  }}
  return {{}};
}}

InsertTarget InsertTargetOf(StatementId id) {{
  return kInsertTargets[static_cast<std::size_t>(id)];
}}

std::span<const MigrationScript> MigrationScripts(Dialect dialect) {{
  switch (dialect) {{
{scripts}
  }}
  return {{}};
}}

}}  // namespace deltalakedb::store
""")
    return "\n".join(parts)


def write_if_changed(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(sql_folder, output_folder):
    folder, output = Path(sql_folder), Path(output_folder)
    statements = {dialect: read_statements(folder, dialect) for dialect in DIALECTS}
    migrations = {dialect: read_migrations(folder, dialect) for dialect in DIALECTS}
    names = sorted(set().union(*statements.values()))
    write_if_changed(output / "store" / "sql_text.h", header(names, DIALECTS))
    write_if_changed(output / "store" / "sql_text.cc", source(names, statements, migrations))


if __name__ == "__main__":
    main(*sys.argv[1:])
