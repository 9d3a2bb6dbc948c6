"""Many processes that commit to one table at once, undisturbed and while they are killed.

    DELTALAKEDB_SEED=7 repeats the choices, DELTALAKEDB_SOAK=1 makes more of everything.

The writers are tests/commit_worker.cc. What must come of them is worked out here from the exported
log alone, by a replay that knows nothing of the library: see Table.check.
"""

import collections
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from postgres_server import DATABASE, PostgresServer
from support import DONE, TableLog, add, metadata, protocol, run

WORKER = os.environ.get("DELTALAKEDB_COMMIT_WORKER")
if not WORKER or not os.access(WORKER, os.X_OK):
    raise SystemExit("set DELTALAKEDB_COMMIT_WORKER to the built commit_worker, or run by ctest")

IS_SOAK = os.environ.get("DELTALAKEDB_SOAK") == "1"
WRITERS, COMMITS = (16, 200) if IS_SOAK else (4, 20)
KILLED_WRITERS, KILLED_COMMITS = (16, 200) if IS_SOAK else (4, 20)
THREADS = 2  # of a process that is killed
KILLS = 600 if IS_SOAK else 16  # of writers
READERS = 2 if IS_SOAK else 1
# How long a run may take, and how long somebody who was killed stays away.
SECONDS_MAX = 3_000
AWAY_SECONDS_MAX = 0.05
# The mean time between two ends of sessions, and between two of the server.
PAUSE_SECONDS = 0.25 if IS_SOAK else 0.06
RESTART_SECONDS = 1.5 if IS_SOAK else 0.15
SEED = int(os.environ.get("DELTALAKEDB_SEED", random.SystemRandom().randrange(2**32)))

U64 = 2**64
# The fields of files that the library sets.
ROW_TRACKING = {"baseRowId", "defaultRowCommitVersion"}


def hash_of(text):
    """FNV-1a, as the worker has it."""
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 % U64
    return value


# ---- places --------------------------------------------------------------------------------------


class Place:
    """Where the table is."""

    is_catalog = True
    sessions_can_be_ended = False

    def end_session(self, chance):
        """Ends a session of the database, where it has such."""


class Sqlite(Place):
    def __init__(self, folder):
        self.file = folder / "meta.db"
        self.uri = f"deltasql://sqlite/{self.file}?table=t"

    def ratified(self):
        with contextlib.closing(sqlite3.connect(self.file)) as database:
            return [row[0] for row in database.execute(
                "SELECT ratified_at FROM dl_table_versions ORDER BY version")]


class Folder(Place):
    """A table whose log is files."""

    is_catalog = False

    def __init__(self, folder):
        self.uri = str(folder / "source")

    def ratified(self):
        return []


class DuckDb(Place):
    """Which one process at a time has open."""

    def __init__(self, folder):
        self.uri = f"deltasql://duckdb/{folder}/meta.duckdb?table=t"

    def ratified(self):
        return []


class Postgres(Place):
    sessions_can_be_ended = True

    def __init__(self, server, schema, pooled):
        self.server = server
        self.schema = schema
        self.uri = server.uri(schema, "t", pooled=pooled)

    def ratified(self):
        rows = self.server.sql(DATABASE, f"SELECT ratified_at FROM {self.schema}.dl_table_versions "
                                         "ORDER BY version")
        return [int(row) for row in rows.split()]

    def end_session(self, chance):
        # The session that asks is psql's own; pgbouncer's sessions bear the name of its clients.
        self.server.sql(DATABASE, "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM "
                        "pg_stat_activity WHERE backend_type = 'client backend' AND pid <> "
                        f"pg_backend_pid() ORDER BY md5(pid || '{chance.random()}') LIMIT 1) s")


@pytest.fixture(scope="module")
def server():
    with PostgresServer(pgbouncer=True) as started:
        yield started


@pytest.fixture
def make_place(request, tmp_path):
    def make(kind):
        if kind == "sqlite":
            return Sqlite(tmp_path)
        if kind == "folder":
            return Folder(tmp_path)
        if kind == "duckdb":
            return DuckDb(tmp_path)
        schema = f"s{abs(hash(request.node.name))}"
        return Postgres(request.getfixturevalue("server"), schema, kind == "pgbouncer")
    return make


# ---- what has to come of it ----------------------------------------------------------------------


class State:
    """The files of a version."""

    def __init__(self):
        self.files = {}
        self.bytes = self.hashes = 0

    def put(self, path, size, sign):
        self.bytes += sign * size
        self.hashes = (self.hashes + sign * hash_of(f"{path} {size}")) % U64

    def apply(self, actions, where):
        """An action after the other, as a reader of the log takes them."""
        paths = [action[kind]["path"] for action in actions for kind in ("add", "remove")
                 if kind in action]
        assert len(paths) == len(set(paths)), f"{where}: a file is named twice"
        for action in actions:
            if "remove" in action:
                path = action["remove"]["path"]
                assert path in self.files, f"{where}: {path} is removed and was not there"
                self.put(path, self.files.pop(path), -1)
            elif "add" in action:
                path, size = action["add"]["path"], action["add"]["size"]
                assert path not in self.files, f"{where}: {path} is added twice"
                self.files[path] = size
                self.put(path, size, 1)

    def sums(self):
        return {"files": len(self.files), "bytes": self.bytes, "hashes": self.hashes}


class Log:
    """An exported log and its replay."""

    def __init__(self, folder):
        self.commits = []  # actions by version
        self.sums = []
        state = State()
        names = sorted(path.name for path in (folder / "_delta_log").glob("*.json"))
        assert names == [f"{version:020d}.json" for version in range(len(names))]
        for version, name in enumerate(names):
            text = (folder / "_delta_log" / name).read_text(encoding="utf-8")
            actions = [json.loads(line) for line in text.splitlines()]
            self.commits.append(actions)
            state.apply(actions, f"version {version}")
            if self.info(version).get("operation") == "overwrite":
                added = [action["add"]["path"] for action in actions if "add" in action]
                assert list(state.files) == added, f"version {version} missed what it overwrote"
            self.sums.append(state.sums())
        self.files = state.files

    def info(self, version):
        return next((action["commitInfo"] for action in self.commits[version]
                     if "commitInfo" in action), {})

    def actions(self, version):
        """The actions that the writer gave, without what the library adds to them."""
        return [{kind: {name: value for name, value in fields.items() if name not in ROW_TRACKING}
                 for kind, fields in action.items()} for action in self.commits[version]
                if not set(action) & {"commitInfo", "domainMetadata", "txn"}]

    def check_row_ids(self):
        """Where rows have ids, no two have the same."""
        next_id = 0
        for version, actions in enumerate(self.commits):
            for action in actions:
                add_file = action.get("add", {})
                if "baseRowId" not in add_file:
                    continue
                assert add_file["baseRowId"] == next_id, f"version {version}"
                assert add_file["defaultRowCommitVersion"] == version
                next_id += json.loads(add_file["stats"])["numRecords"]
        return next_id


def journal_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Table:
    def __init__(self, place, folder, seed, features=()):
        self.place = place
        self.folder = folder
        self.seed = seed
        self.stop = folder / "stop"
        self.counts = collections.Counter()
        self.has_row_ids = "rowTracking" in features
        log = TableLog(folder / "source")
        configuration = {}
        if "inCommitTimestamp" in features:
            configuration["delta.enableInCommitTimestamps"] = "true"
        if "rowTracking" in features:
            configuration["delta.enableRowTracking"] = "true"
        first = [protocol(3, 7, readerFeatures=[], writerFeatures=list(features))
                 if features else protocol(), metadata(configuration)]
        info = {"operation": "CREATE TABLE", "timestamp": 1_700_000_000_000}
        if "inCommitTimestamp" in features:
            info["inCommitTimestamp"] = 1_700_000_000_000
        log.commit(0, {"commitInfo": info}, *first)
        if place.is_catalog:
            assert run("import", log.folder, place.uri).status == DONE

    def journal(self, kind, number):
        return self.folder / f"{kind}-{number}.journal"

    def start(self, *arguments):
        return subprocess.Popen([WORKER, *map(str, arguments)], stdin=subprocess.DEVNULL)

    def start_writers(self, first, count, commits):
        """A process with so many threads, each of which is a writer."""
        journals = [str(self.journal("writer", first + thread)) for thread in range(count)]
        return self.start("write", self.place.uri, ",".join(journals), self.seed, first, commits)

    @contextlib.contextmanager
    def readers(self, count):
        running = [self.start("read", self.place.uri, self.journal("reader", number), self.seed,
                              self.stop) for number in range(count)]
        try:
            yield
            self.stop.touch()
            for reader in running:
                assert reader.wait(SECONDS_MAX) == 0
        finally:
            for reader in running:
                reader.kill()

    # ---- checks ----

    def check(self, writers, commits, readers):
        if self.place.is_catalog:
            assert run("verify", self.place.uri, "--json").status == DONE
        exported = self.folder / "exported"
        assert run("export", self.place.uri, exported, "--json").status == DONE
        log = Log(exported)
        self.check_history(log)
        assert (log.check_row_ids() > 0) == self.has_row_ids
        versions = {}
        for version in range(1, len(log.commits)):
            commit_id = log.info(version)["txnId"]
            assert commit_id not in versions, f"{commit_id} is there twice"
            versions[commit_id] = version
        answered = set()
        for writer in range(writers):
            answered |= self.check_journal(journal_of(self.journal("writer", writer)), log,
                                           versions, commits)
        assert answered == set(versions), "a version that nobody was told of"
        for reader in range(readers):
            self.check_reader(journal_of(self.journal("reader", reader)), log)
        self.check_files(log)
        print(f"{len(versions)} commits by {writers} writers: {dict(self.counts)}")

    def check_history(self, log):
        entries = run("history", self.place.uri, "--json").lines()[::-1]
        assert [entry["version"] for entry in entries] == list(range(len(log.commits)))
        times = [entry["timestamp"] for entry in entries]
        assert all(a < b for a, b in zip(times, times[1:])), "timestamps do not increase"
        ratified = self.place.ratified()
        assert all(a < b for a, b in zip(ratified, ratified[1:]))
        for entry in entries[1:]:
            assert entry["commitId"] == log.info(entry["version"])["txnId"]

    def check_journal(self, lines, log, versions, commits):
        """The commit ids that were said to be there; each is, once, as it was told."""
        plans, answers, told, done = {}, {}, set(), set()
        for line in lines:
            if "start" in line:
                plans[line["start"]] = line
            elif "answer" in line:
                assert line["answer"] not in answers, "two answers"
                answers[line["answer"]] = line
            else:
                self.counts["in doubt"] += 1
        assert set(plans) == set(answers), "a commit without an answer"
        for commit_id, answer in answers.items():
            outcome, plan = answer["outcome"], plans[commit_id]
            self.counts[outcome] += 1
            if answer["resumed"]:
                self.counts[f"{outcome} when made again"] += 1
            if outcome in ("committed", "skipped"):
                assert commit_id in versions, (plan, answer)
                version = versions[commit_id]
                done.add(plan["number"])
                told.add(commit_id)
                if outcome == "committed":
                    assert answer["version"] == version, (plan, answer)
                assert log.actions(version) == [json.loads(line) for line in plan["lines"]]
            else:
                assert commit_id not in versions, (plan, answer)
        assert done == set(range(commits))
        return told

    def check_reader(self, lines, log):
        assert {line["how"] for line in lines} == {"latest", "held", "old"}
        for line in lines:
            expected = log.sums[line["version"]]
            assert {name: line[name] for name in expected} == expected, line
            assert (line["totalFiles"], line["totalBytes"]) == (expected["files"],
                                                                expected["bytes"]), line
        latest = [line["version"] for line in lines if line["how"] == "latest"]
        assert latest == sorted(latest), "a reader went back in time"
        self.counts["reads"] += len(lines)

    def check_files(self, log):
        chance = random.Random(f"{self.seed} files")
        count = len(log.commits)
        for version in [count - 1, *chance.sample(range(count), min(3, count))]:
            files = run("files", self.place.uri, "--version", version, "--json").lines()
            state = State()
            state.apply([{"add": file} for file in files], f"files of version {version}")
            assert state.sums() == log.sums[version]


def wait_for_all(processes, until):
    for process in processes:
        assert process.wait(max(1, until - time.monotonic())) == 0


class Killer(threading.Thread):
    """Kills something of the database again and again, until it is told to stop."""

    def __init__(self, kill, chance, pause):
        super().__init__()
        self.kill = kill
        self.chance = chance
        self.pause = pause
        self.is_over = threading.Event()
        self.kills = 0
        self.error = None

    def run(self):
        try:
            while not self.is_over.wait(self.chance.uniform(0, 2 * self.pause)):
                self.kill(self.chance)
                self.kills += 1
        except Exception as error:  # noqa: BLE001 - the test has to hear of any
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


@contextlib.contextmanager
def ended_sessions(place):
    """Ends sessions meanwhile, where the place has such."""
    if not place.sessions_can_be_ended:
        yield
        return
    with Killer(place.end_session, random.Random(f"{SEED} sessions"), PAUSE_SECONDS) as killer:
        yield
    assert killer.error is None, killer.error
    print(f"{killer.kills} sessions ended")


# ---- tests ---------------------------------------------------------------------------------------

SHARED = ["postgres", "sqlite", "folder"]
POOLED = ["pgbouncer"] if IS_SOAK else []


@pytest.mark.parametrize("kind", SHARED + POOLED)
def test_ManyWritersOfOneTable_EachCommitIsThereOnceAndReadersSeeWholeVersions(
        tmp_path, make_place, kind):
    print(f"DELTALAKEDB_SEED={SEED}")
    table = Table(make_place(kind), tmp_path, SEED)
    until = time.monotonic() + SECONDS_MAX
    writers = []
    try:
        with table.readers(READERS):
            writers = [table.start_writers(number, 1, COMMITS) for number in range(WRITERS)]
            wait_for_all(writers, until)
    finally:
        for writer in writers:
            writer.kill()
    table.check(WRITERS, COMMITS, READERS)
    # Nobody was disturbed, so there is nothing but commits and conflicts.
    assert set(table.counts) <= {"committed", "conflicted", "reads"}, table.counts


@pytest.mark.parametrize("kind, features", [
    *[(kind, ()) for kind in SHARED + POOLED],
    ("postgres", ("inCommitTimestamp", "rowTracking", "domainMetadata")),
], ids=lambda value: "+".join(value) if isinstance(value, tuple) else value)
def test_WritersAndSessionsKilledAtAnyMoment_NothingIsLostOrDoubledOrHalfVisible(
        tmp_path, make_place, kind, features):
    print(f"DELTALAKEDB_SEED={SEED}")
    chance = random.Random(f"{SEED} {kind} {features}")
    place = make_place(kind)
    table = Table(place, tmp_path, SEED, features)
    with table.readers(READERS), ended_sessions(place):
        kills = run_and_kill(table, KILLED_WRITERS, THREADS, KILLED_COMMITS, KILLS, chance)
    print(f"{kills} processes killed")
    table.check(KILLED_WRITERS, KILLED_COMMITS, READERS)


def test_WriterOfADuckDbFileThatIsKilled_GoesOnWhereItWas(tmp_path, make_place):
    """A file of DuckDB has one process at a time."""
    print(f"DELTALAKEDB_SEED={SEED}")
    table = Table(make_place("duckdb"), tmp_path, SEED)
    kills = run_and_kill(table, THREADS, THREADS, KILLS, KILLS, random.Random(f"{SEED} duckdb"))
    print(f"{kills} processes killed")
    table.check(THREADS, KILLS, 0)


def test_ServerThatIsKilledWhileManyWrite_HasWhatItSaidAndNothingElse(tmp_path):
    print(f"DELTALAKEDB_SEED={SEED}")
    with PostgresServer() as server:
        table = Table(Postgres(server, "public", pooled=False), tmp_path, SEED)

        def restart(chance):
            server.kill()
            time.sleep(chance.uniform(0, AWAY_SECONDS_MAX))
            server.start()

        until = time.monotonic() + SECONDS_MAX
        writers = []
        try:
            with (table.readers(READERS),
                  Killer(restart, random.Random(f"{SEED} server"), RESTART_SECONDS) as killer):
                # Threads of one process share connections, and those that are lost.
                writers = [table.start_writers(first, THREADS, COMMITS)
                           for first in range(0, WRITERS, THREADS)]
                wait_for_all(writers, until)
        finally:
            for writer in writers:
                writer.kill()
        assert killer.error is None, killer.error
        print(f"{killer.kills} restarts")
        table.check(WRITERS, COMMITS, READERS)


def run_and_kill(table, writers, threads, commits, kills_max, chance):
    """Has writers make their commits, killing processes on the way; tells how often."""
    def start(number):
        return table.start_writers(number, threads, commits)

    until = time.monotonic() + SECONDS_MAX
    running = {number: start(number) for number in range(0, writers, threads)}
    away = {}  # when they come back
    kills = 0
    try:
        while running or away:
            assert time.monotonic() < until, "the writers do not come to an end"
            for number, writer in list(running.items()):
                if writer.poll() is not None:
                    assert writer.returncode == 0, f"writer {number} gave up"
                    del running[number]
            for number in [number for number, when in away.items() if when <= time.monotonic()]:
                running[number] = start(number)
                del away[number]
            if kills == kills_max or not running:
                time.sleep(0.005)
                continue
            number = chance.choice(sorted(running))
            wait_until_it_commits(table.journal("writer", number), running[number])
            # From at once to long after the commit, all orders of magnitude alike.
            time.sleep(10 ** chance.uniform(-4.5, -1.5))
            running[number].send_signal(signal.SIGKILL)
            if running[number].wait(60) == -signal.SIGKILL:
                kills += 1
                del running[number]
                away[number] = time.monotonic() + chance.uniform(0, AWAY_SECONDS_MAX)
    finally:
        for writer in running.values():
            writer.kill()
    return kills


def wait_until_it_commits(journal, writer):
    """Until it has noted something, which it does before each commit and after it."""
    def size():
        return journal.stat().st_size if journal.exists() else 0

    before = size()
    while size() == before and writer.poll() is None:
        time.sleep(0.0005)
