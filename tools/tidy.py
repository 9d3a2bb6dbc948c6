#!/usr/bin/env python3
"""Checks what compilers and formatters do not: the shape of the repository.

    tools/tidy.py              every rule
    tools/tidy.py links docs   only these

Each rule is a function from a Tree to the problems it finds; tools/tidy_test.py holds a good and a
bad example of each. To add one, write both and put it into RULES.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote

LINE_COLUMNS_MAX = 100
FILE_LINES_NOTED = 600
FILE_LINES_MAX = 700

# The rooms, lowest layer first. A room may include itself and rooms of lower layers, never a room
# beside it.
LAYERS = [
    {"base"},
    {"protocol"},
    {"storage", "store"},
    {"data", "expr"},
    {"formats", "log"},
    {"catalog"},
    {"importer"},
    {"mirror"},
    {"txn"},
    {"table"},
    {"apps", "python", "server"},
]
LAYER_OF = {room: height for height, rooms in enumerate(LAYERS) for room in rooms}

# Libraries that some folders only may include: how the header's name begins -> the folders.
LIBRARY_HOMES = {
    "arrow/": ("src/storage/", "src/data/", "src/expr/", "src/formats/", "src/table/", "tests/"),
    "parquet/": ("src/storage/", "src/data/", "src/formats/"),
    "curl/": ("src/storage/",),
    "libpq-fe.h": ("src/store/postgres/",),
    "sqlite3.h": ("src/store/sqlite/",),
    "duckdb.h": ("src/store/duckdb/",),
}

SKIPPED_FOLDERS = {"build", "corpus", "dist", "__pycache__"}  # and all that begin with a dot
CPP = {".h", ".cc"}
CODE = CPP | {".py", ".sh", ".sql"}
TEXT = CODE | {".cmake", ".md", ".txt", ".toml", ".supp"}
SHIPPED = ("include/", "src/", "apps/", "python/")
LIBRARY = ("include/", "src/")
RULE_BOOKS = {"tools/tidy.py", "tools/tidy_test.py"}  # they have to spell out what is banned


@dataclass(frozen=True)
class Problem:
    path: str
    line: int
    message: str
    is_error: bool = True

    def __str__(self):
        return f"{self.path}:{self.line}: {'error' if self.is_error else 'note'}: {self.message}"


class Tree:
    """The text files below a folder, by their path relative to it."""

    def __init__(self, root):
        self.root = Path(root)
        self.texts = {}
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = [name for name in subfolders
                             if name not in SKIPPED_FOLDERS and not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if path.suffix in TEXT or name == "Makefile":
                    relative = path.relative_to(self.root).as_posix()
                    self.texts[relative] = path.read_text(encoding="utf-8")

    def files(self, suffixes=None, under=("",)):
        """(path, text) of the files with one of these suffixes in one of these folders."""
        for path, text in sorted(self.texts.items()):
            if path.startswith(under) and (suffixes is None or suffix(path) in suffixes):
                yield path, text

    def lines(self, suffixes=None, under=("",)):
        for path, text in self.files(suffixes, under):
            for number, line in enumerate(text.split("\n"), 1):
                yield path, number, line


def suffix(path):
    return PurePosixPath(path).suffix


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


CPP_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | R"(?P<fence>[^()\s\\]{0,16})\((?P<raw>.*?)\)(?P=fence)"
      | "(?P<string>(?:\\.|[^"\\\n])*)"
      | (?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL | re.VERBOSE,
)


def without_comments_and_literals(text):
    return CPP_TOKEN.sub(lambda match: "\n" * match.group().count("\n"), text)


# ---- the rules -----------------------------------------------------------------------------------

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(tree, under):
    for path, number, line in tree.lines(CPP, under):
        if match := INCLUDE.match(line):
            yield path, number, match.group(1), match.group(2)


def check_rooms(tree):
    """Includes point downwards through the rooms, and name the room."""
    for path, number, quote, header in includes(tree, ("src/",)):
        room = path.split("/")[1]
        if room not in LAYER_OF:
            yield Problem(path, number, f"src/{room} is no room that tools/tidy.py knows")
            continue
        if quote == "<" or header.startswith("deltalakedb/"):
            continue
        other = header.split("/")[0]
        if "/" not in header or other not in LAYER_OF:
            yield Problem(path, number, f'write "{header}" from src/, as "room/file.h"')
        elif other != room and LAYER_OF[other] >= LAYER_OF[room]:
            yield Problem(path, number, f"{room} may not include {other}: it is not a layer below")
        elif other != room and header.endswith("_internal.h"):
            yield Problem(path, number, f"{header} is private to {other}")
    for path, number, quote, header in includes(tree, ("apps/", "python/")):
        if header.startswith("../") or header.endswith("_internal.h"):
            yield Problem(path, number, f"{header} is not for use from here")


def check_public_headers(tree):
    """Public headers stand on the standard library and each other."""
    for path, number, _, header in includes(tree, ("include/",)):
        if not header.startswith("deltalakedb/") and not re.fullmatch(r"[a-z_]+", header):
            yield Problem(path, number, f"a public header may not include {header}")


def check_libraries(tree):
    """Arrow and the database drivers each stay in one folder."""
    for path, number, _, header in includes(tree, SHIPPED):
        for start, homes in LIBRARY_HOMES.items():
            if header.startswith(start) and not path.startswith(homes):
                yield Problem(path, number, f"only {', '.join(homes)} may include {header}")


def check_pragma_once(tree):
    for path, text in tree.files({".h"}):
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield Problem(path, 1, "a header needs #pragma once")


def check_lengths(tree):
    """Lines and files stay short. URLs and raw strings, which cannot be broken, may be longer."""
    for path, text in tree.files(CODE):
        raw_lines = set()
        if suffix(path) in CPP:
            for match in CPP_TOKEN.finditer(text):
                if match["raw"] is not None:
                    raw_lines.update(
                        range(line_at(text, match.start()), line_at(text, match.end()) + 1))
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS_MAX and "://" not in line and number not in raw_lines:
                yield Problem(path, number, f"{len(line)} columns; {LINE_COLUMNS_MAX} are allowed")
        if len(lines) > FILE_LINES_NOTED:
            too_long = len(lines) > FILE_LINES_MAX
            yield Problem(path, len(lines), f"{len(lines)} lines: split it", is_error=too_long)


BANNED = {
    re.compile(r"\b(TODO|FIXME|XXX)\b"): "finish it, or open an issue",
    re.compile(r"(?i)\b(?:class|struct|enum|union|concept|namespace|using)\s+"
               r"\w*(Manager|Helper|Utils?)\b"): "name it after what it does",
    re.compile(r"(?<![\w.*?)}\]$/:-])(/(?:home|root|Users|work)/\w)"): "a path of one machine",
    re.compile(r"([ \t]+)$", re.MULTILINE): "trailing whitespace",
}
BANNED_FILE_NAME = re.compile(r"(^|_)(manager|helpers?|utils?)$")


def check_words(tree):
    for path, text in tree.files():
        if path in RULE_BOOKS:
            continue
        if BANNED_FILE_NAME.search(PurePosixPath(path).stem.removesuffix("_test")):
            yield Problem(path, 1, "name the file after what it does")
        for pattern, advice in BANNED.items():
            for match in pattern.finditer(text):
                found = match.group(1)
                yield Problem(path, line_at(text, match.start()), f"{found!r}: {advice}")


SQL = re.compile(
    r"""\s*(?:
        SELECT\s | INSERT\s+INTO\s | DELETE\s+FROM\s | UPDATE\s+\S+\s+SET\s | ALTER\s+TABLE\s
      | WITH\s+\w+\s+AS\b | (?:CREATE|DROP)\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|VIEW|SCHEMA)\s+(?!AS\b)\w
      | (?i:select\s.*\sfrom\s | insert\s+into\s+\w+\s*\( | update\s+\w+\s+set\s
          | delete\s+from\s+\w+\s+where\s))""",
    re.DOTALL | re.VERBOSE)


# Views, which name the columns and files of a table as no statement with parameters can.
COMPOSED_SQL = {"src/mirror/duckdb/view_text.cc", "src/expr/statements.cc"}


def check_sql(tree):
    """Statements live in sql/, so that each can be prepared on every database by a test. Delta's
    operation names, such as CREATE TABLE AS SELECT, are not statements."""
    for path, text in tree.files(CPP, SHIPPED):
        if path in COMPOSED_SQL:
            continue
        for match in CPP_TOKEN.finditer(text):
            literal = match["raw"] if match["raw"] is not None else match["string"]
            if literal and SQL.match(literal):
                yield Problem(path, line_at(text, match.start()), "SQL outside sql/")


PRINTS = re.compile(
    r"\bstd::(?:cout|cerr|clog|print(?:ln)?)\b|\bfmt::print\b"
    r"|(?<![\w.>])(?:std::|::)?(?:v?f?printf|f?puts|putchar|perror)\s*\(")


def check_prints(tree):
    """The library prints nothing: it has a log sink."""
    for path, text in tree.files(CPP, LIBRARY):
        if path.endswith("_test.cc"):
            continue
        code = without_comments_and_literals(text)
        for match in PRINTS.finditer(code):
            line = line_at(code, match.start())
            yield Problem(path, line, f"{match.group()}: the library prints nothing")


LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")


def links(text):
    """(offset, target) of the relative links in a Markdown text, those shown as code left out."""
    code = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
    text = code.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for match in LINK.finditer(text):
        target = unquote(match.group(1).split("#")[0])
        if target and not re.match(r"[a-z]+:", target):
            yield match.start(), target


def link_path(path, target):
    return normpath((PurePosixPath(path).parent / target).as_posix())


def check_links(tree):
    for path, text in tree.files({".md"}):
        for offset, target in links(text):
            if not (tree.root / link_path(path, target)).exists():
                yield Problem(path, line_at(text, offset), f"{target} does not exist")


def check_docs(tree):
    """Links lead from README.md to every page of docs/; a link to a folder is one to its pages."""
    reached, waiting = set(), ["README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        for _, target in links(tree.texts.get(path, "")):
            linked = link_path(path, target)
            waiting.extend([linked] if linked in tree.texts else
                           [page for page, _ in tree.files({".md"}, (linked + "/",))])
    for path, _ in tree.files({".md"}, ("docs/",)):
        if path not in reached:
            yield Problem(path, 1, "no link leads here from README.md")


def check_tests(tree):
    """A test that CMake does not know never runs: it takes a room's own, the others are named."""
    cmake = "\n".join(text for path, text in tree.files() if path.endswith("CMakeLists.txt"))
    cmake = re.sub(r"#.*", "", cmake)
    for path, _ in tree.files({".cc", ".py"}, ("src/", "apps/", "tests/", "python/")):
        name = PurePosixPath(path).name
        if not re.fullmatch(r".*_test\.(cc|py)|test_.*\.py", name):
            continue
        room = re.fullmatch(r"src/(\w+)/[^/]+", path)
        taken = room and re.search(rf"deltalakedb_room\({room.group(1)}\b", cmake)
        if not taken and not re.search(rf"(?<![\w-]){re.escape(name)}", cmake):
            yield Problem(path, 1, "no CMakeLists.txt names this test")


RULES = {
    "rooms": check_rooms,
    "public-headers": check_public_headers,
    "libraries": check_libraries,
    "pragma-once": check_pragma_once,
    "lengths": check_lengths,
    "words": check_words,
    "sql": check_sql,
    "prints": check_prints,
    "links": check_links,
    "docs": check_docs,
    "tests": check_tests,
}


def main(arguments):
    unknown = set(arguments) - set(RULES)
    if unknown:
        sys.exit(f"tidy: no rule {', '.join(sorted(unknown))}; there are {', '.join(RULES)}")
    tree = Tree(Path(__file__).resolve().parent.parent)
    problems = [problem for name in arguments or RULES for problem in RULES[name](tree)]
    for problem in problems:
        print(problem)
    errors = sum(problem.is_error for problem in problems)
    print(f"tidy: {len(tree.texts)} files, {errors} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
