"""What is said of arguments that are wrong, for every option of every command as `--help` lists
them: a password that landed in the wrong place is never shown."""

import functools
import json
import re

import pytest

from conftest import IS_SAMPLED
from create_support import ORDERS
from support import DONE, USAGE, TableLog, add, refused, run

SECRET = "hunter2-Zq"
TABLE = f"deltasql://postgres/alice:{SECRET}@127.0.0.1:1/shop/public/orders"
# Where people put a password, and what is cut or quoted of it on its way to a message.
TEXTS = [
    TABLE,
    " " + TABLE,
    TABLE.upper().replace(SECRET.upper(), SECRET),
    TABLE.replace("//", "/"),
    TABLE + "?sslmode=require",
    f"deltasql://postgres/alice:a,{SECRET}@127.0.0.1:1/shop/public/orders",
    f"postgres://alice:{SECRET}@127.0.0.1:1/shop",
    f"postgres/alice:{SECRET}@127.0.0.1:1/shop/public/orders",
    f"alice:{SECRET}@127.0.0.1",
    f"host=127.0.0.1 port=1 password={SECRET}",
]
URI = re.compile(r"deltasql:/|postgres:/", re.IGNORECASE)
# Texts of the user's own, which may look like anything but a URI.
FREE = {"--partition-by", "--app-id", "--operation", "--name"}


def section(text, title):
    """The first words of the lines below a title of a help text."""
    found = re.search(rf"^{title}:\n((?: .*\n)*)", text, re.MULTILINE)
    return [line.strip() for line in found.group(1).splitlines()] if found else []


def commands(*path):
    """Every command that does something, by its words."""
    below = [line.split()[0] for line in section(run(*path, "--help").stdout, "Subcommands")]
    if not below:
        return [path]
    return [command for name in below for command in commands(*path, name)]


@functools.cache
def places(command):
    """What the command takes a value for: (name, whether an option)."""
    text = run(*command, "--help").stdout
    positional = [(line.split()[0], False) for line in section(text, "Positionals")]
    options = [line.split(None, 2) for line in section(text, "Options")]
    return positional + [(words[0], True) for words in options
                         if re.fullmatch(r"--[a-z-]+", words[0]) and
                         re.fullmatch(r"[A-Z][A-Za-z0-9,=.|]*", words[1])]


ALL = [(command, name, is_option) for command in commands()
       for name, is_option in places(command)]


class Valid:
    """Arguments that work, so that the one under test is what is looked at."""

    def __init__(self, folder):
        self.folder = folder
        log = TableLog(folder / "t")
        log.create(add("f0"))
        self.catalog = f"deltasql://sqlite/{folder}/meta.db"
        assert run("import", log.folder, f"{self.catalog}?table=t").status == DONE
        (folder / "schema.json").write_text(json.dumps(ORDERS))
        (folder / "actions.jsonl").write_text(json.dumps(add("f1")))
        (folder / "rows.jsonl").write_text(json.dumps({"id": 1}))

    def words(self, command, name, text):
        """The command line with the text where `name` is."""
        table = f"{self.catalog}?table={'n' if command[0] in ('create', 'import') else 't'}"
        values = {"URI": table, "CATALOG": self.catalog, "SOURCE": self.folder / "t",
                  "DESTINATION": self.folder / "exported", "K=V": "a=1",
                  "--schema": self.folder / "schema.json", "--location": self.folder / "n",
                  "--actions": self.folder / "actions.jsonl", "--against": self.folder / "t",
                  "--app-version": "1", "--app-id": "a", "FILE": self.folder / "rows.jsonl",
                  "--where": "id = 1", "--set": "id = 2", "--on": "id"}
        if "FILE" in [place for place, _ in places(command)]:
            values["--schema"] = "merge"
        if command == ("restore",) and name != "--timestamp":
            values["--version"] = "0"
        if name == "--expect-version":
            values.pop("--read-version", None)
        words = [*command]
        for place, is_option in places(command):
            value = text if place == name else values.get(place)
            together = place in ("--app-id", "--app-version") and not name.startswith("--app")
            if value is None or (together and place != name):
                continue
            words += [f"{place}={value}"] if is_option else [value]
        return words


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    return Valid(tmp_path_factory.mktemp("valid"))


def test_HelpIsReadWhole():
    assert len(commands()) >= 20 and len(ALL) >= 50
    assert (("commit",), "--isolation", True) in ALL
    assert (("create",), "--partition-by", True) in ALL
    assert (("migrate", "down"), "CATALOG", False) in ALL


@pytest.mark.parametrize("command, name, is_option", ALL,
                         ids=["-".join([*command, name]) for command, name, _ in ALL])
def test_PasswordInAnyArgument_IsNeverShown(command, name, is_option, valid):
    texts = TEXTS
    if name in ("K=V", "--property"):
        texts = [*TEXTS, f"delta.appendOnly={TABLE}", f"delta.logRetentionDuration={TABLE}",
                 f"delta.minReaderVersion={TABLE}", f"delta.noSuch={TABLE}"]
    first, step = (ALL.index((command, name, is_option)) % 3, 3) if IS_SAMPLED else (0, 1)
    for number, text in list(enumerate(texts))[first::step]:
        if name in FREE and not URI.search(text):
            continue
        # For people and as JSON in turn, which come from the same error.
        json_option = ["--json"] if number % 2 else []
        outcome = run(*valid.words(command, name, text), *json_option)
        assert SECRET not in outcome.stdout + outcome.stderr, outcome
        is_property = name in ("K=V", "--property") and text == TEXTS[-1]
        assert is_property or outcome.status != DONE, outcome


@pytest.mark.parametrize("text", TEXTS[:7])
@pytest.mark.parametrize("command, name", [
    ("create", "--schema"), ("create", "--partition-by"), ("create", "--property"),
    ("commit", "--actions"), ("commit", "--isolation"), ("commit", "--operation"),
    ("commit", "--app-id"), ("set-properties", "K=V"), ("import", "--name"),
])
def test_UriOfADatabaseWhereNoneBelongs_IsNamedMaskedWithItsOption(command, name, text, valid):
    error = refused(USAGE, *valid.words((command,), name, text))
    assert error["code"] == "InvalidArgument" and name in error["message"], error
    assert "***" in error["message"]


def test_NameThatIsAUri_IsInvalidAlsoWithoutAPassword(valid):
    error = refused(USAGE, "import", valid.folder / "t", valid.catalog, "--name",
                    "deltasql://sqlite/other.db?table=t")
    assert "--name" in error["message"]


@pytest.mark.parametrize("text", ["", "not a uuid", "x" * 256, "0b5c7a526f0e4a4b9d3c2f1e8a7b6c5d",
                                  "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d "])
@pytest.mark.parametrize("command", ["create", "commit"])
def test_CommitIdThatIsNoUuid_IsUsage(command, text, valid):
    error = refused(USAGE, *valid.words((command,), "--commit-id", text))
    assert error["code"] == "InvalidArgument" and "--commit-id" in error["message"]


def test_FileWithAnAtSign_IsNamedInFull(valid):
    for name in (valid.folder / "me@work" / "none.jsonl", "./me@work.jsonl"):
        for words in (["create", f"{valid.catalog}?table=n", "--schema", name, "--location", "n"],
                      ["commit", f"{valid.catalog}?table=t", "--actions", name]):
            outcome = run(*words, "--json")
            assert outcome.error()["file"] == str(name) and str(name) in outcome.error()["message"]


def test_PropertyWithAUriAsItsValue_IsStored(valid):
    uri = f"{valid.catalog}?table=props"
    run("create", uri, "--schema", valid.folder / "schema.json", "--location",
        valid.folder / "props", "--property", f"source={TABLE}", "--json").object()
    assert run("properties", uri, "--json").object() == {"source": TABLE}
