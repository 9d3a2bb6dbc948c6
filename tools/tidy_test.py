"""A good and a bad example of each rule of tidy.py."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tidy


def problems(rule, tmp_path, files):
    """Runs one rule over files given as {path: text}; answers the problems it finds."""
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return list(tidy.RULES[rule](tidy.Tree(tmp_path)))


COLUMNS_100 = "x" * 100
ROOM_CMAKE = {"src/CMakeLists.txt": "deltalakedb_room(base LINK fmt::fmt)\n"}
OTHER_CMAKE = {"tests/CMakeLists.txt": "deltalakedb_test(a unit SOURCES a_test.cc)\n# b_test.cc\n"}

GOOD = [
    ("rooms", {"src/log/file_log.cc": '#include "log/file_log.h"\n#include "base/try.h"\n'
                                      '#include "deltalakedb/uri.h"\n#include <vector>\n'}),
    ("rooms", {"src/log/a.cc": '#include "log/list_internal.h"\n'}),
    ("rooms", {"apps/main.cc": '#include "table/delta_table.h"\n#include "commands.h"\n'}),
    ("public-headers", {"include/deltalakedb/uri.h": "#include <string>\n"
                                                     '#include "deltalakedb/result.h"\n'
                                                     "#include <deltalakedb/ids.h>\n"}),
    ("libraries", {"src/storage/parquet.cc": "#include <arrow/api.h>\n"}),
    ("libraries", {"tests/make_table.cc": "#include <parquet/arrow/writer.h>\n"}),
    ("libraries", {"src/store/sqlite/driver.cc": "#include <sqlite3.h>\n"}),
    ("pragma-once", {"src/base/a.h": "// What it is for.\n#pragma once\n"}),
    ("lengths", {"src/base/a.cc": COLUMNS_100 + "\n" + "x\n" * 598}),
    ("lengths", {"src/base/a.cc": 'auto json = R"(\n' + 2 * COLUMNS_100 + '\n)";\n'}),
    ("lengths", {"src/base/a.cc": "// https://example.org/" + COLUMNS_100 + "\n"}),
    ("lengths", {"docs/table.md": 2 * COLUMNS_100}),
    ("words", {"src/base/utility_test.cc": "class Listing {};  // Managers read file:///home/a\n"}),
    ("words", {"tools/a.sh": "mktemp dir.XXXXXX; cp a build/home/b; ls ../work/x $HOME/x\n"}),
    ("sql", {"src/log/a.cc": 'auto operation = "CREATE TABLE AS SELECT"; auto other = "DELETE";\n'
                             '// "SELECT 1"\nauto advice = "select a version with --version";\n'}),
    ("sql", {"tests/a_test.cc": 'Run("SELECT 1");\n'}),
    ("prints", {"src/log/a.cc": '// std::cout\nauto a = "printf(x)"; snprintf(b, 1, "%d", c);\n'
                                "log.puts(a); std::string outputs(2, ' ');\n"}),
    ("prints", {"src/log/a_test.cc": "std::cerr << seed;\n", "apps/main.cc": 'fmt::print("a");\n'}),
    ("links", {"README.md": "[a](docs/a.md#part), [b](https://x.org/y), [c](#here), `[d](no.md)`\n"
                            "```\n[e](no.md)\n```\n[f](<docs/a%20b.md>)\n",
               "docs/a.md": "[back](../README.md)", "docs/a b.md": ""}),
    ("docs", {"README.md": "[guide](docs/README.md)", "docs/README.md": "[adr](adr) [a](a.md)",
              "docs/a.md": "", "docs/adr/0001-x.md": ""}),
    ("tests", {"src/base/uri_test.cc": ""} | ROOM_CMAKE),
    ("tests", {"tests/a_test.cc": "", "tests/support.cc": ""} | OTHER_CMAKE),
]

BAD = [
    ("rooms", {"src/base/a.cc": '#include "protocol/action.h"\n'}, "base may not include protocol"),
    ("rooms", {"src/storage/a.cc": '#include "store/a.h"\n'}, "storage may not include store"),
    ("rooms", {"src/log/a.cc": '#include "file_log.h"\n'}, "from src/"),
    ("rooms", {"src/log/a.cc": '#include "../base/try.h"\n'}, "from src/"),
    ("rooms", {"src/log/a.cc": '#include "protocol/parse_internal.h"\n'}, "private to protocol"),
    ("rooms", {"src/cellar/a.cc": "#include <vector>\n"}, "no room"),
    ("rooms", {"apps/main.cc": '#include "../src/base/try.h"\n'}, "not for use"),
    ("public-headers", {"include/deltalakedb/a.h": "#include <arrow/api.h>\n"}, "arrow/api.h"),
    ("public-headers", {"include/deltalakedb/a.h": '#include "base/try.h"\n'}, "base/try.h"),
    ("public-headers", {"include/deltalakedb/a.h": "#include <sqlite3.h>\n"}, "sqlite3.h"),
    ("libraries", {"src/log/a.cc": "#include <parquet/file_reader.h>\n"}, "only src/storage/"),
    ("libraries", {"src/store/a.cc": "#include <libpq-fe.h>\n"}, "only src/store/postgres/"),
    ("pragma-once", {"src/base/a.h": "#ifndef A\n// #pragma once\n"}, "pragma once"),
    ("lengths", {"src/base/a.cc": COLUMNS_100 + "x\n"}, "101 columns"),
    ("lengths", {"tools/a.py": "x\n" * 700}, "701 lines"),
    ("words", {"docs/a.md": "TODO: write\n"}, "TODO"),
    ("words", {"src/base/a.h": "class TableManager;\n"}, "Manager"),
    ("words", {"src/base/a.h": "namespace string_utils {\n"}, "utils"),
    ("words", {"src/base/path_util.h": ""}, "name the file"),
    ("words", {"tools/a.sh": "cp /home/alice/x .\n"}, "path of one machine"),
    ("words", {"README.md": "see `/work/main/x`\n"}, "path of one machine"),
    ("words", {"README.md": "two  \n"}, "trailing"),
    ("sql", {"src/log/a.cc": 'Run("SELECT version FROM dl_tables");\n'}, "SQL"),
    ("sql", {"src/log/a.cc": 'Run("delete from t where x = 1");\n'}, "SQL"),
    ("sql", {"src/log/a.cc": 'Run(R"sql(\n  CREATE TABLE IF NOT EXISTS t (a int))sql");\n'}, "SQL"),
    ("sql", {"apps/a.cc": 'Run("UPDATE t SET a = $1");\n'}, "SQL"),
    ("prints", {"src/log/a.cc": "std::cout << 1;\n"}, "std::cout"),
    ("prints", {"src/log/a.cc": 'fmt::print("a");\n'}, "fmt::print"),
    ("prints", {"include/deltalakedb/a.h": 'fprintf(stderr, "a");\n'}, "fprintf"),
    ("prints", {"src/log/a.cc": 'std::puts("a");\n'}, "puts"),
    ("links", {"docs/a.md": "first\n\n[b](b.md)\n"}, "docs/a.md:3: error: b.md"),
    ("docs", {"README.md": "[a](docs/a.md)", "docs/a.md": "", "docs/b.md": ""}, "docs/b.md"),
    ("tests", {"src/store/sqlite/a_test.cc": ""} | ROOM_CMAKE, "no CMakeLists.txt"),
    ("tests", {"src/log/a_test.cc": ""} | ROOM_CMAKE, "no CMakeLists.txt"),
    ("tests", {"tests/b_test.cc": ""} | OTHER_CMAKE, "no CMakeLists.txt"),
    ("tests", {"tests/test_cli.py": ""} | OTHER_CMAKE, "no CMakeLists.txt"),
]


@pytest.mark.parametrize("rule, files", GOOD)
def test_good_example_passes(rule, files, tmp_path):
    assert problems(rule, tmp_path, files) == []


@pytest.mark.parametrize("rule, files, expected", BAD)
def test_bad_example_is_one_error_that_says_why(rule, files, expected, tmp_path):
    found = problems(rule, tmp_path, files)
    assert len(found) == 1
    assert found[0].is_error
    assert expected in str(found[0])


def test_every_rule_has_a_good_and_a_bad_example():
    assert {rule for rule, *_ in GOOD} == {rule for rule, *_ in BAD} == set(tidy.RULES)


def test_long_file_below_the_limit_is_only_a_note(tmp_path):
    [note] = problems("lengths", tmp_path, {"src/base/a.cc": "x\n" * 650})
    assert not note.is_error


def test_build_and_hidden_folders_are_not_read(tmp_path):
    bad = "TODO\n"
    assert problems("words", tmp_path, {"build/a.md": bad, ".venv/b.md": bad}) == []


def test_unknown_rule_is_refused():
    command = [sys.executable, tidy.__file__, "nonsense"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert "no rule nonsense" in run.stderr
