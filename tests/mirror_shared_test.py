"""Tables that delta-rs and this program write to: all at once in shared mode, by turns in exclusive
mode; on a disk and on S3, whose server is a real one.

    DELTALAKEDB_SEED=7 repeats a run of kills, DELTALAKEDB_SOAK=1 makes more of everything.
"""

import collections
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from create_support import actions_file
from object_store_support import BUCKET, KEY_ID, SECRET
from support import DONE, PROGRAM, add, run

APPENDER = Path(__file__).with_name("delta_rs_append.py")
IS_SOAK = os.environ.get("DELTALAKEDB_SOAK") == "1"
SEED = int(os.environ.get("DELTALAKEDB_SEED", random.SystemRandom().randrange(2**32)))
KILLS = 100 if IS_SOAK else 10
WRITERS = 4  # of each program
SECONDS_MAX = 1500
# Rows of ours, and of delta-rs, by number.
OURS, THEIRS, PER_WRITER = 0, 1_000_000, 10_000


class Disk:
    """Where a table is: a folder."""

    options, environment = {}, {}
    commits = 500 if IS_SOAK else 48

    def __init__(self, folder):
        self.table = str(folder)

    def put(self, name, content):
        (Path(self.table) / name).write_bytes(content)

    def log(self):
        """The files of the log with their bytes."""
        return {path.name: path.read_bytes()
                for path in (Path(self.table) / "_delta_log").iterdir() if path.is_file()}


class S3:
    """Where a table is: below a key."""

    commits = 500 if IS_SOAK else 24  # each is some twenty requests

    def __init__(self, server, **variables):
        self.server, self.key = server, f"shared/{uuid.uuid4()}"
        self.table = f"s3://{BUCKET}/{self.key}"
        self.environment = server.environment(**variables)
        self.options = {
            "AWS_ENDPOINT_URL": server.endpoint, "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET, "aws_conditional_put": "etag"}

    def put(self, name, content):
        self.server.put(f"{self.key}/{name}", content)

    def log(self):
        client, prefix = self.server.client, f"{self.key}/_delta_log/"
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {entry["Key"].removeprefix(prefix):
                client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
                for page in pages for entry in page.get("Contents", [])}


class SharedTable:
    """A table that delta-rs made, taken into a catalog."""

    def __init__(self, ground, catalog, mode, tmp_path):
        self.ground, self.uri, self.tmp_path = ground, catalog.uri("numbers"), tmp_path
        write_deltalake(ground.table, pa.table({"id": pa.array([-1], pa.int64())}),
                        storage_options=ground.options,
                        configuration={"delta.checkpointInterval": "7"})
        self.run("import", ground.table, self.uri)
        self.run("mirror", "add", self.uri, "delta", "--mode", mode)
        self.run("mirror", "run", self.uri)

    def run(self, *arguments):
        return run(*arguments, "--json", env=self.ground.environment).object()

    def commit(self, number, commit_id=None):
        """Appends a row by the program and gives what it told of the commit."""
        return self.run(*self.command(number, commit_id))

    def command(self, number, commit_id=None):
        """What appends a row by the program, its data file being there."""
        content, name = io.BytesIO(), f"ours-{number}.parquet"
        pq.write_table(pa.table({"id": pa.array([number], pa.int64())}), content)
        self.ground.put(name, content.getvalue())
        actions = actions_file(self.tmp_path, add(name, len(content.getvalue()),
                                                  stats=json.dumps({"numRecords": 1})))
        more = ["--commit-id", commit_id] if commit_id else []
        return ["commit", self.uri, "--actions", actions, *more]

    def append(self, number):
        """Appends a row by delta-rs."""
        write_deltalake(self.ground.table, pa.table({"id": pa.array([number], pa.int64())}),
                        mode="append", storage_options=self.ground.options)

    def rows(self, version=None):
        """As delta-rs reads them."""
        table = DeltaTable(self.ground.table, version=version, storage_options=self.ground.options)
        return sorted(table.to_pyarrow_table().column("id").to_pylist())

    def commits(self):
        """The texts of the log, in order and without a gap."""
        log = self.ground.log()
        names = sorted(name for name in log if name.endswith(".json"))
        assert names == [f"{version:020d}.json" for version in range(len(names))]
        return [log[name] for name in names]

    def check(self, told, rows):
        """Nothing is lost, forked or doubled, and the catalog has what the log has. `told` are the
        commits of ours, `rows` all rows that somebody was told are in."""
        assert len(rows) == len(set(rows))
        texts = self.commits()
        actions = [[json.loads(line) for line in text.splitlines()] for text in texts]
        assert len(actions) == len(rows) + 1, "a commit of nobody, or of nobody any more"
        by_id = collections.Counter()
        for commit in actions:
            by_id.update(each["commitInfo"].get("txnId") for each in commit if "commitInfo" in each)
        for done in told:
            [info] = [each["commitInfo"] for each in actions[done["version"]]
                      if "commitInfo" in each]
            assert info["txnId"] == done["commitId"] and by_id[done["commitId"]] == 1
        assert len({done["version"] for done in told}) == len(told)
        paths = [each["add"]["path"] for commit in actions for each in commit if "add" in each]
        assert len(paths) == len(set(paths)) == len(rows) + 1
        assert self.rows() == sorted([-1, *rows])
        self.check_catalog(texts, sorted(paths))

    def check_catalog(self, texts, paths):
        report = self.run("mirror", "sync", self.uri)
        assert report["commits"] == 0 or report["toVersion"] == len(texts) - 1
        assert self.run("snapshot", self.uri)["version"] == len(texts) - 1
        files = run("files", self.uri, "--json", env=self.ground.environment).lines()
        assert sorted(file["path"] for file in files) == paths
        outcome = run("verify", self.uri, "--against", self.ground.table, "--json",
                      env=self.ground.environment)
        assert outcome.status == DONE, outcome
        assert self.run("mirror", "verify", self.uri)["differences"] == []
        out = self.tmp_path / f"out-{uuid.uuid4()}"
        self.run("export", self.uri, out)
        assert [path.read_bytes() for path in sorted((out / "_delta_log").glob("*.json"))] == texts
        told = self.run("mirror", "status", self.uri)
        assert (told["state"], told["publishedVersion"], told["lagVersions"]) == (
            "SUCCESS", len(texts) - 1, 0)


@pytest.fixture(params=["disk", "s3"])
def ground(request, tmp_path):
    if request.param == "disk":
        return Disk(tmp_path / "numbers")
    return S3(request.getfixturevalue("s3"))


def start(*command, ground):
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, **ground.environment})


def start_appenders(ground, count):
    """One for each writer, which all wait for a line to begin."""
    processes = [start(sys.executable, APPENDER, ground.table, THEIRS + writer * PER_WRITER, count,
                       ground=ground) for writer in range(WRITERS)]
    for process in processes:
        process.stdin.write(json.dumps(ground.options) + "\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    return processes


@pytest.mark.parametrize("catalog", ["sqlite", "postgres"], indirect=True)
def test_SharedTable_LosesForksAndDoublesNothing(catalog, ground, tmp_path):
    table = SharedTable(ground, catalog, "shared", tmp_path)
    each = -(-ground.commits // (2 * WRITERS))

    def write(writer):
        return [table.commit(OURS + writer * PER_WRITER + n, str(uuid.uuid4()))
                for n in range(each)]

    # The service takes in, too, what delta-rs writes.
    service = start(PROGRAM, "mirror", "watch", catalog.uri(""), "--interval-ms", "100", "--json",
                    ground=ground)
    theirs = start_appenders(ground, each)
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(2 * WRITERS) as threads:
            outputs = [threads.submit(process.communicate, "\n", SECONDS_MAX)
                       for process in theirs]
            told = [done for reports in threads.map(write, range(WRITERS)) for done in reports]
            rows = [int(line) for output in outputs for line in output.result()[0].split()]
        seconds = time.monotonic() - began
        service.send_signal(signal.SIGTERM)
        _, warnings = service.communicate(timeout=60)
    finally:
        for process in [service, *theirs]:
            process.kill()
            process.wait()
    assert [process.returncode for process in [service, *theirs]] == [0] * (1 + WRITERS), [
        warnings, *(output.result()[1][-2000:] for output in outputs)]
    assert len(told) == len(rows) == WRITERS * each
    table.check(told, rows + [OURS + writer * PER_WRITER + n
                              for writer in range(WRITERS) for n in range(each)])
    versions = sorted(done["version"] for done in told)
    assert versions != list(range(versions[0], versions[-1] + 1)), "they did not write at once"
    print(f"{len(told)} commits of ours and {len(rows)} of delta-rs, by {WRITERS} writers each, on "
          f"{catalog.kind} and {type(ground).__name__} in {seconds:.1f} s; the service warned "
          f"{len(warnings.splitlines())} times")


def lose_answers(proxy):
    """Commits are written, and of every third nobody is told."""
    counts, lock = [0], threading.Lock()

    def lose(handler):
        proxy.forward(handler)
        handler.close_connection = True

    def fault(request):
        if request.command != "PUT" or not request.path.endswith(".json"):
            return None
        with lock:
            counts[0] += 1
            return lose if counts[0] % 3 == 0 else None

    proxy.fault = fault


@pytest.mark.parametrize("catalog", ["sqlite"], indirect=True)
def test_SharedTableWhoseAnswersGetLost_DoublesNothing(catalog, s3, s3_proxy, tmp_path):
    ground = S3(s3, AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_MAX_ATTEMPTS="1")
    table = SharedTable(ground, catalog, "shared", tmp_path)
    lose_answers(s3_proxy)

    def write(writer):
        return [table.commit(OURS + writer * PER_WRITER + n) for n in range(3)]

    def append(number):
        table.append(THEIRS + number)

    with ThreadPoolExecutor(WRITERS + 1) as threads:
        others = [threads.submit(append, number) for number in range(3)]
        told = [done for reports in threads.map(write, range(WRITERS)) for done in reports]
        for other in others:
            other.result()
    s3_proxy.fault = lambda request: None
    table.check(told, [*range(THEIRS, THEIRS + 3), *(OURS + writer * PER_WRITER + n
                                                     for writer in range(WRITERS)
                                                     for n in range(3))])


@pytest.mark.parametrize("catalog", ["sqlite", "postgres"], indirect=True)
def test_KilledCommitsToASharedTable_AreThereOnceAfterTheyAreMadeAgain(catalog, tmp_path):
    print(f"DELTALAKEDB_SEED={SEED}")
    chance = random.Random(SEED)
    ground = Disk(tmp_path / "numbers")
    table = SharedTable(ground, catalog, "shared", tmp_path)
    told, killed = [], 0
    for number in range(KILLS):
        table.append(THEIRS + number)
        command = table.command(OURS + number, str(uuid.uuid4()))
        writer = start(PROGRAM, *command, ground=ground)
        time.sleep(chance.uniform(0, 0.1))
        writer.kill()
        writer.communicate()
        killed += writer.returncode != 0
        told.append(table.run(*command))
    assert killed > 0
    table.check(told, [*range(THEIRS, THEIRS + KILLS), *range(OURS, OURS + KILLS)])
    print(f"{killed} of {KILLS} commits killed")


@pytest.mark.parametrize("catalog", ["sqlite", "postgres"], indirect=True)
def test_ExclusiveTable_TakesTurnsBySync(catalog, ground, tmp_path):
    table = SharedTable(ground, catalog, "exclusive", tmp_path)
    told = []
    for turn in range(3):
        before = len(table.commits())
        table.append(THEIRS + 2 * turn)
        table.append(THEIRS + 2 * turn + 1)
        report = table.run("mirror", "sync", table.uri)
        assert (report["commits"], report["toVersion"]) == (2, before + 1)
        told.append(table.commit(OURS + turn))
        assert told[-1]["version"] == before + 2 == len(table.commits()) - 1
        assert table.run("mirror", "sync", table.uri)["commits"] == 0
    rows = [*range(THEIRS, THEIRS + 6), *range(OURS, OURS + 3)]
    table.check(told, rows)
    # Checkpoints of ours are what delta-rs begins with, and time travel goes behind them.
    assert f"{7:020d}.checkpoint.parquet" in table.ground.log()
    assert table.rows(version=1) == [-1, THEIRS]
    assert table.rows(version=8) == sorted([-1, OURS, OURS + 1, *range(THEIRS, THEIRS + 6)])
