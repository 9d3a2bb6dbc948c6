"""Commands that change rows and are killed at any moment: the rows are those of before or of after,
running the command again does not double it, and vacuum removes all that is left behind. And the
same where the disk fills up.

    DELTALAKEDB_SEED=7 repeats a run, DELTALAKEDB_SOAK=1 makes it longer.
"""

import json
import os
import random
import signal
import string
import subprocess
import time
import uuid
from pathlib import Path
from urllib.parse import unquote

import pyarrow.ipc
import pytest

from catalog_support import small_disk
from create_support import create, field, schema
from delta_readers import delta_rs_table, duckdb_table
from support import DONE, PROGRAM, UNAVAILABLE, refused, run

# Of each kind of table; fewer where sanitizers make the program slow (conftest.py).
KILLS = (250 if os.environ.get("DELTALAKEDB_SOAK") == "1" else
         5 if os.environ.get("DELTALAKEDB_SAMPLE") == "1" else 11)
SEED = int(os.environ.get("DELTALAKEDB_SEED", random.SystemRandom().randrange(2**32)))
COLUMNS = schema(field("id", "long"), field("part", "string"), field("n", "long"),
                 field("note", "string"))
PARTS = ["a", "b/c", "ü"]
ROWS_MAX = 2000  # that a change brings
VACUUM = ["vacuum", "--retain", "0", "--force"]


# ---- the rows that there should be ---------------------------------------------------------------


def random_row(chance):
    note = "".join(chance.choices(string.ascii_letters, k=chance.randrange(60)))
    return {"part": chance.choice(PARTS), "n": chance.randrange(1000), "note": note}


def write_rows(path, rows):
    """A file of rows, which are given by their ids."""
    path.write_text("".join(json.dumps({"id": number, **row}) + "\n"
                            for number, row in rows.items()), encoding="utf-8")
    return path


class Changes:
    """Chooses changes, and knows what becomes of the rows. Ids are unique, so that a row which is
    there twice is noticed."""

    def __init__(self, chance, folder):
        self.chance, self.folder = chance, folder
        self.next_id, self.files = 0, 0
        self.rows = {}
        self.past = {0: {}}  # the rows of versions whose files are all there still
        self.to_come = [self.append]

    def new_rows(self, **fixed):
        count = self.chance.randrange(1, ROWS_MAX)
        first, self.next_id = self.next_id, self.next_id + count
        return {first + i: {**random_row(self.chance), **fixed} for i in range(count)}

    def file(self, rows):
        self.files += 1
        return write_rows(self.folder / f"rows-{self.files}.jsonl", rows)

    def some(self):
        """A condition, as SQL and as code."""
        k = self.chance.randrange(2, 9)
        part = self.chance.choice(PARTS)
        return self.chance.choice([
            (f"id % {k} = 1", lambda number, row: number % k == 1),
            (f"n < {100 * k} and part = '{part}'",
             lambda number, row: row["n"] < 100 * k and row["part"] == part),
            (f"part = '{part}'", lambda number, row: row["part"] == part)])

    def append(self):
        rows = self.new_rows()
        return ["append", self.file(rows)], {**self.rows, **rows}

    def overwrite(self):
        rows = self.new_rows()
        return ["overwrite", self.file(rows)], rows

    def overwrite_partitions(self):
        rows = self.new_rows(part=self.chance.choice(PARTS))
        parts = {row["part"] for row in rows.values()}
        kept = {number: row for number, row in self.rows.items() if row["part"] not in parts}
        return ["overwrite", "--partitions", self.file(rows)], {**kept, **rows}

    def overwrite_where(self):
        n = self.chance.randrange(1000)
        rows = self.new_rows(n=n)
        kept = {number: row for number, row in self.rows.items() if row["n"] < n}
        return ["overwrite", "--where", f"n >= {n}", self.file(rows)], {**kept, **rows}

    def delete(self):
        where, matches = self.some()
        return ["delete", "--where", where], {
            number: row for number, row in self.rows.items() if not matches(number, row)}

    def update(self):
        where, matches = self.some()
        return ["update", "--set", "n = n + 1", "--set", "note = 'u' || note", "--where", where], {
            number: {**row, "n": row["n"] + 1, "note": "u" + row["note"]}
            if matches(number, row) else row for number, row in self.rows.items()}

    def merge(self):
        known = self.chance.sample(sorted(self.rows), min(len(self.rows), 300))
        rows = {**{number: random_row(self.chance) for number in known}, **self.new_rows()}
        return ["merge", "--on", "id", self.file(rows)], {**self.rows, **rows}

    def optimize(self):
        return ["optimize"], self.rows

    def restore(self):
        version = self.chance.choice(sorted(self.past))
        return ["restore", "--version", str(version)], self.past[version]

    def vacuum(self):
        return VACUUM, self.rows

    def choose(self):
        """A command and the rows that it leads to. Every kind comes before the same comes often."""
        if not self.to_come:
            self.to_come = [
                self.append, self.overwrite, self.overwrite_partitions, self.overwrite_where,
                self.delete, self.update, self.merge, self.optimize, self.restore, self.vacuum,
                self.append, self.delete, self.update, self.merge]
            self.chance.shuffle(self.to_come)
        return self.to_come.pop()()


# ---- what there is -------------------------------------------------------------------------------


def plain(table):
    """An Arrow table as rows by their ids."""
    rows = table.to_pylist()
    found = {row.pop("id"): row for row in rows}
    assert len(found) == len(rows), "rows are there twice"
    return found


def scan(uri):
    done = subprocess.run([PROGRAM, "scan", uri, "--format", "arrow"], capture_output=True,
                          timeout=300, check=False)
    assert done.returncode == DONE, done.stderr
    return plain(pyarrow.ipc.open_stream(done.stdout).read_all())


def latest(uri):
    return run("snapshot", uri, "--json").object()["version"]


Z85 = (string.digits + string.ascii_lowercase + string.ascii_uppercase + ".-:+=^!/*?&<>()[]{}@%$#")


def vector_file(vector):
    """The path of a deletion vector's file below the table, None where it has none (PROTOCOL.md,
    Deletion vector descriptors)."""
    if vector is None or vector["storageType"] == "i":
        return None
    assert vector["storageType"] == "u", vector
    prefix, text = vector["pathOrInlineDv"][:-20], vector["pathOrInlineDv"][-20:]
    words = [sum(Z85.index(letter) * 85**(4 - i) for i, letter in enumerate(text[at:at + 5]))
             for at in range(0, 20, 5)]
    name = uuid.UUID(bytes=b"".join(word.to_bytes(4, "big") for word in words))
    return os.path.join(prefix, f"deletion_vector_{name}.bin")


def needed_files(uri):
    """What the live version refers to."""
    needed = set()
    for live in run("files", uri, "--json").lines():
        needed |= {unquote(live["path"]), vector_file(live.get("deletionVector"))}
    return needed - {None}


def data_files(location):
    """All files below the table that are not its log's, hidden ones too."""
    below = [path.relative_to(location) for path in Path(location).rglob("*") if path.is_file()]
    return {str(path) for path in below if path.parts[0] != "_delta_log"}


# ---- kills ---------------------------------------------------------------------------------------


class KilledTable:
    """A table whose commands are killed, one after the other."""

    def __init__(self, place, changes):
        self.uri, self.changes = place.uri(), changes
        self.version = latest(self.uri)
        self.usual_s = {}  # how long commands of each kind take
        self.killed, self.had_committed = 0, 0

    def start(self, arguments):
        return subprocess.Popen([PROGRAM, arguments[0], self.uri, *map(str, arguments[1:])],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self, arguments):
        """Starts a command and kills it after a while, which may be just after its end."""
        delay_s = self.changes.chance.uniform(0.1, 1.1) * self.usual_s.get(arguments[0], 0.15)
        print(f"{arguments[0]} on version {self.version}, killed after {delay_s:.4f} s")
        process = self.start(arguments)
        try:
            process.wait(timeout=delay_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        was_killed = process.wait(timeout=60) == -signal.SIGKILL
        self.killed += was_killed
        assert was_killed or process.returncode == DONE
        return was_killed

    def step(self):
        arguments, after = self.changes.choose()
        if arguments == VACUUM:
            self.vacuum()
            return
        commit_id = str(uuid.uuid4())
        arguments = [*arguments, "--commit-id", commit_id]
        before, version = self.changes.rows, self.version
        was_killed = self.kill(arguments)
        is_there = self.is_committed(commit_id)
        self.had_committed += was_killed and is_there
        assert scan(self.uri) == (after if is_there else before)
        # A command that only seemed to have failed is run again, once more than needed.
        started_s = time.monotonic()
        for _ in range(2):
            report = run(arguments[0], self.uri, *arguments[1:], "--json").object()
            if not is_there:
                self.usual_s[arguments[0]] = time.monotonic() - started_s
                started_s = time.monotonic()
            is_there = is_there or report["changed"]
            assert report["version"] == latest(self.uri) == version + is_there
            assert is_there or after == before
        assert scan(self.uri) == after
        self.version = version + is_there
        self.changes.rows = self.changes.past[self.version] = after

    def is_committed(self, commit_id):
        """Whether a version came, which is the command's then."""
        version = latest(self.uri)
        assert version in (self.version, self.version + 1)
        [newest] = run("history", self.uri, "--limit", "1", "--json").lines()
        assert (newest["commitId"] == commit_id) == (version > self.version)
        return version > self.version

    def vacuum(self):
        self.kill(VACUUM)
        assert latest(self.uri) == self.version
        assert scan(self.uri) == self.changes.rows
        started_s = time.monotonic()
        assert run("vacuum", self.uri, *VACUUM[1:], "--json").status == DONE
        self.usual_s["vacuum"] = time.monotonic() - started_s
        # What older versions need may be gone, all or some of it.
        self.changes.past = {self.version: self.changes.rows}


def make_table(place, columns, vectors):
    create(place, columns(COLUMNS), "--partition-by", "part", **{
        "delta.enableDeletionVectors": vectors, "delta.checkpointInterval": 5})


@pytest.mark.parametrize("vectors", ["true", "false"], ids=["vectors", "rewrites"])
@pytest.mark.parametrize("place", ["folder", "sqlite"], indirect=True)
def test_ChangesKilledAtAnyMoment_LeaveTheRowsOfBeforeOrAfter(place, columns, tmp_path, vectors):
    print(f"DELTALAKEDB_SEED={SEED}")
    make_table(place, columns, vectors)
    if place.is_catalog:
        run("mirror", "add", place.uri(), "delta", "--json").object()
    changes = Changes(random.Random(f"{SEED} {place.kind} {vectors}"), tmp_path)
    table = KilledTable(place, changes)
    while table.killed < KILLS:
        table.step()
    print(f"{table.killed} commands killed, {table.had_committed} of them after their commit, "
          f"{table.version} versions")
    left = data_files(place.location()) - needed_files(place.uri())
    print(f"{len(left)} files left behind or not needed any more")
    removed = run("vacuum", place.uri(), *VACUUM[1:], "--json").object()
    assert set(removed["files"]) == left
    assert data_files(place.location()) == needed_files(place.uri())
    assert scan(place.uri()) == changes.rows
    place.check()
    if place.is_catalog:
        run("mirror", "run", place.uri(), "--json").object()
        assert run("mirror", "verify", place.uri(), "--json").object()["differences"] == []
    for read in (delta_rs_table, duckdb_table):
        assert plain(read(place.location())) == changes.rows, read.__name__


# ---- a disk that fills up ------------------------------------------------------------------------

DISK_KIB = 4096
FULL_ROWS = 5000  # whose notes take a fifth of it
WRITES = {
    "append": ["append", "ROWS"],
    "overwrite": ["overwrite", "ROWS"],
    "overwrite where": ["overwrite", "ROWS", "--where", "n >= 0"],
    "delete": ["delete", "--where", "id % 10 = 1"],
    "update": ["update", "--set", "n = n + 1", "--all"],
    "merge": ["merge", "ROWS", "--on", "id"],
    "optimize": ["optimize"]}


def room_kib(folder):
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize // 1024


@pytest.mark.parametrize("place", ["folder", "sqlite"], indirect=True)
def test_DiskThatFillsUp_ChangesNothingAndLeavesNothing(place, columns, tmp_path):
    chance = random.Random(SEED)

    def rows(first):
        return {number: {"part": "a", "n": number, "note": chance.randbytes(160).hex()}
                for number in range(first, first + FULL_ROWS)}

    with small_disk(tmp_path / "tables", DISK_KIB) as mounted:
        if not mounted:  # a right that a container may lack, no service that could be installed
            pytest.skip("mounting is not allowed here")
        make_table(place, columns, "false")
        expected = {}
        # Three files, which do not fit a second time.
        for first in range(0, 3 * FULL_ROWS, FULL_ROWS):
            expected |= rows(first)
            part = {number: expected[number] for number in range(first, first + FULL_ROWS)}
            assert run("append", place.uri(), write_rows(tmp_path / "few.jsonl", part)
                       ).status == DONE
        path = write_rows(tmp_path / "many.jsonl", {
            number: row for first in range(3) for number, row in rows(first * FULL_ROWS).items()})
        files, version, room = data_files(place.location()), latest(place.uri()), room_kib(
            place.location())
        for name, arguments in WRITES.items():
            words = [path if word == "ROWS" else word for word in arguments]
            error = refused(UNAVAILABLE, words[0], place.uri(), *words[1:])
            assert "space" in error["message"], (name, error)
            assert data_files(place.location()) == files, name
            assert latest(place.uri()) == version, name
            assert room_kib(place.location()) >= room - 16, name
        assert scan(place.uri()) == expected
        place.check()
