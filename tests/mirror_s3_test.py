"""Mirrors on S3: what is published there, whatever may happen on the way, and what is told of it.
And a disk that fills up. The server is a real one."""

import io
import json
import shutil
import sqlite3
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from catalog_support import CONFLICT, small_disk
from create_support import ORDERS, actions_file
from object_store_support import (BUCKET, KEY_ID, SECRET, TOKEN, access_denied, cut_off, silent)
from support import DONE, UNAVAILABLE, add, commit_info, run

INTERVAL = 3  # of checkpoints, in versions
CATALOGS = pytest.mark.parametrize("catalog", ["sqlite", "postgres"], indirect=True)
SQLITE = pytest.mark.parametrize("catalog", ["sqlite"], indirect=True)


class Orders:
    """A table whose data is on S3. The program gets there through a proxy."""

    def __init__(self, s3, proxy, catalog, columns, tmp_path):
        self.s3, self.proxy, self.catalog, self.tmp_path = s3, proxy, catalog, tmp_path
        self.key = f"mirrors/{uuid.uuid4()}"
        self.uri, self.location, self.rows = catalog.uri(), f"s3://{BUCKET}/{self.key}", 0
        self.said = ""  # all that the program wrote
        self.ask("create", self.uri, "--schema", columns(ORDERS), "--location", self.location,
                 "--property", f"delta.checkpointInterval={INTERVAL}")

    def run(self, *arguments, attempts=2):
        outcome = self.s3.run(*arguments, "--json", AWS_ENDPOINT_URL=self.proxy.endpoint,
                              AWS_SESSION_TOKEN=TOKEN, AWS_MAX_ATTEMPTS=str(attempts))
        self.said += outcome.stdout + outcome.stderr
        return outcome

    def ask(self, *arguments, **how):
        return self.run(*arguments, **how).object()

    def append(self, **how):
        """Commits a row, and gives what was told of it."""
        self.rows += 1
        content, name = io.BytesIO(), f"part-{self.rows}.parquet"
        pq.write_table(pa.table({"id": pa.array([self.rows], pa.int64()), "day": ["2024-01-01"],
                                 "note": ["n"]}), content)
        self.s3.put(f"{self.key}/{name}", content.getvalue())
        action = add(name, len(content.getvalue()), stats=json.dumps({"numRecords": 1}))
        outcome = self.run("commit", self.uri, "--actions", actions_file(self.tmp_path, action),
                           **how)
        assert outcome.object()["version"] == self.rows
        return outcome

    def mirror(self, *options):
        return self.ask("mirror", "add", self.uri, "delta", *options)

    def status(self):
        return self.ask("mirror", "status", self.uri)

    def failures(self):
        return self.run("mirror", "status", self.uri, "--failures").lines()

    def log(self, key=None):
        """The files of a log with their bytes."""
        client, prefix = self.s3.client, f"{key or self.key}/_delta_log/"
        listed = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {entry["Key"].removeprefix(prefix):
                client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
                for entry in listed}

    def put_log(self, name, content, key=None):
        self.s3.put(f"{key or self.key}/_delta_log/{name}", content)

    def exported(self, *options):
        """The commits that the catalog has."""
        out = self.tmp_path / f"out-{uuid.uuid4()}"
        self.ask("export", self.uri, out, *options)
        return {path.name: path.read_bytes() for path in (out / "_delta_log").glob("*.json")}

    def ids(self, version=None):
        """The rows that delta-rs reads at the table's location."""
        table = DeltaTable(self.location, version=version, storage_options=self.options())
        return sorted(table.to_pyarrow_table().column("id").to_pylist())

    def options(self):
        return {"AWS_ENDPOINT_URL": self.s3.endpoint, "AWS_ALLOW_HTTP": "true",
                "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET}

    def due(self):
        return self.rows // INTERVAL * INTERVAL

    def check(self):
        """The mirror at the table's location has all, and delta-rs reads it."""
        told = self.status()
        assert (told["state"], told["publishedVersion"], told["lagVersions"], told["attempts"]) == (
            "SUCCESS", self.rows, 0, 0)
        log = self.log()
        assert {name: log[name] for name in log if name.endswith(".json")} == self.exported()
        if self.due():
            assert f"{self.due():020d}.checkpoint.parquet" in log
            assert json.loads(log["_last_checkpoint"])["version"] == self.due()
        assert self.ids() == list(range(1, self.rows + 1))
        assert self.ask("mirror", "verify", self.uri)["differences"] == []

    def check_secrets(self):
        """Neither what the program said nor what the catalog keeps has any."""
        kept = json.dumps(self.failures())
        if self.catalog.kind == "sqlite":
            with sqlite3.connect(self.tmp_path / "meta.db") as connection:
                kept += "\n".join(connection.iterdump())
                [(count,)] = connection.execute("SELECT count(*) FROM dl_mirror_failures")
            connection.close()
            assert count == len(self.failures())
        for secret in (SECRET, TOKEN):
            assert secret not in self.said and secret not in kept


@pytest.fixture
def orders(s3, s3_proxy, catalog, columns, tmp_path):
    made = Orders(s3, s3_proxy, catalog, columns, tmp_path)
    yield made
    made.proxy.fault = lambda request: None
    made.check_secrets()


# ---- what comes there ----------------------------------------------------------------------------


@CATALOGS
def test_TableOnS3_IsPublishedByteForByteWithCheckpoints(orders):
    assert orders.mirror()["place"] == orders.location
    for count in range(1, 2 * INTERVAL + 2):
        assert orders.append().warnings() == []
        assert orders.ids() == list(range(1, count + 1))
    orders.check()
    assert sorted(name for name in orders.log() if not name.endswith(".json")) == [
        f"{INTERVAL:020d}.checkpoint.parquet", f"{2 * INTERVAL:020d}.checkpoint.parquet",
        "_last_checkpoint"]
    assert orders.ids(version=2) == [1, 2]
    # From the checkpoint alone, too.
    for version in range(2 * INTERVAL):
        orders.s3.client.delete_object(Bucket=BUCKET,
                                       Key=f"{orders.key}/_delta_log/{version:020d}.json")
    assert orders.ids() == list(range(1, orders.rows + 1))
    assert orders.ask("mirror", "verify", orders.uri)["differences"] == []


@SQLITE
@pytest.mark.parametrize("options", [[], ["--absolute-paths"]])
def test_MirrorElsewhere_HasTheLogThatIsExported(orders, options):
    key = f"{orders.key}-apart"
    orders.mirror("--to", f"s3://{BUCKET}/{key}/", *options)
    for _ in range(INTERVAL + 1):
        orders.append()
    log = orders.log(key)
    assert {name: log[name] for name in log if name.endswith(".json")} == orders.exported(*options)
    assert sorted(name for name in log if not name.endswith(".json")) == [
        f"{INTERVAL:020d}.checkpoint.parquet", "_last_checkpoint"]
    assert orders.log() == {}
    paths = [row["add"]["path"] for row in pq.read_table(
        io.BytesIO(log[f"{INTERVAL:020d}.checkpoint.parquet"])).to_pylist() if row["add"]]
    before = f"{orders.location}/" if options else ""
    assert sorted(paths) == [f"{before}part-{n}.parquet" for n in range(1, INTERVAL + 1)]
    if not options:
        # The data is copied to where the log is.
        for number in range(1, orders.rows + 1):
            name = f"part-{number}.parquet"
            orders.s3.client.copy_object(Bucket=BUCKET, Key=f"{key}/{name}",
                                         CopySource=f"{BUCKET}/{orders.key}/{name}")
        table = DeltaTable(f"s3://{BUCKET}/{key}", storage_options=orders.options())
        assert sorted(table.to_pyarrow_table().column("id").to_pylist()) == list(
            range(1, orders.rows + 1))
    assert orders.ask("mirror", "verify", orders.uri)["differences"] == []
    assert orders.status()["state"] == "SUCCESS"


# ---- faults --------------------------------------------------------------------------------------


def is_log_write(request):
    return request.command == "PUT" and "/_delta_log/" in request.path


def on_writes(fault):
    return lambda request: fault if is_log_write(request) else None


def on_everything(fault):
    return lambda request: fault


DENIED = access_denied(f"{SECRET} {TOKEN}")
BUSY = (503, b"<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>")
BROKEN = (500, b"<Error><Code>InternalError</Code></Error>")


@pytest.mark.parametrize(("catalog", "where", "fault", "code"), [
    ("sqlite", on_writes, DENIED, "Permission"), ("postgres", on_writes, DENIED, "Permission"),
    ("sqlite", on_everything, DENIED, "Permission"), ("sqlite", on_writes, BUSY, "Unavailable"),
    ("postgres", on_everything, BUSY, "Unavailable"), ("sqlite", on_writes, BROKEN, "Unavailable")],
    indirect=["catalog"])
def test_StoreThatRefuses_IsToldAndCaughtUpWith(orders, where, fault, code):
    orders.mirror()
    orders.append()
    before = orders.log()
    orders.proxy.fault = where(fault)
    for attempt in range(1, 3):
        # The commit stands.
        assert any("mirror" in warning for warning in orders.append(attempts=1).warnings())
        told = orders.status()
        assert (told["state"], told["attempts"], told["publishedVersion"], told["lagVersions"]) == (
            "FAILED", attempt, 1, attempt)
        assert told["lastError"] and told["nextAttemptAt"] > told["lastAttemptAt"]
    outcome = orders.run("mirror", "run", orders.uri, attempts=1)
    assert outcome.status == UNAVAILABLE and outcome.stderr, outcome
    [newest, *_] = failures = orders.failures()
    assert [failure["version"] for failure in failures] == [2, 2, 2]
    assert {failure["code"] for failure in failures} == {code}
    assert newest["error"] == orders.status()["lastError"]
    assert orders.log() == before
    orders.proxy.fault = lambda request: None
    assert orders.ask("mirror", "run", orders.uri)["publishedVersion"] == orders.rows
    orders.check()


@SQLITE
def test_StoreThatDoesNotAnswer_IsToldAndCaughtUpWith(orders):
    orders.mirror()
    orders.append()
    orders.proxy.fault = on_writes(silent)
    assert orders.append(attempts=1).warnings()
    told = orders.status()
    assert (told["state"], told["attempts"], told["publishedVersion"]) == ("FAILED", 1, 1)
    orders.proxy.fault = lambda request: None
    # The next commit catches up, too.
    assert orders.append().warnings() == []
    orders.check()


@SQLITE
def test_AnswersThatAreCutOff_AreToldAndCaughtUpWith(orders):
    """Of reading, as a mirror that begins reads what is there."""
    orders.append()
    orders.mirror()
    orders.proxy.fault = lambda request: cut_off if request.command == "GET" else None
    assert orders.run("mirror", "run", orders.uri, attempts=1).status == UNAVAILABLE
    assert orders.status()["state"] == "FAILED" and orders.log() == {}
    orders.proxy.fault = lambda request: None
    orders.ask("mirror", "run", orders.uri)
    orders.check()


def lose_answers(proxy):
    """Every object is written, and the first time nobody is told."""
    seen = set()

    def lose(handler):
        proxy.forward(handler)
        handler.close_connection = True

    def fault(request):
        if not is_log_write(request) or request.path in seen:
            return None
        seen.add(request.path)
        return lose

    proxy.fault = fault
    return seen


@SQLITE
@pytest.mark.parametrize("attempts", [1, 3])
def test_AnswersThatGetLost_AreSettledByWhatIsThere(orders, attempts):
    orders.mirror()
    lost = lose_answers(orders.proxy)
    for _ in range(INTERVAL + 1):
        orders.append(attempts=attempts)
    orders.proxy.fault = lambda request: None
    assert len(lost) >= INTERVAL + 2
    orders.ask("mirror", "run", orders.uri)
    orders.check()


@CATALOGS
def test_CheckpointThatFails_IsWrittenByTheNextRun(orders):
    orders.mirror()
    orders.proxy.fault = lambda request: (
        DENIED if is_log_write(request) and ".checkpoint" in request.path else None)
    for _ in range(INTERVAL):
        outcome = orders.append(attempts=1)
    assert outcome.warnings()
    told = orders.status()
    assert (told["state"], told["publishedVersion"], told.get("checkpointVersion")) == (
        "FAILED", INTERVAL, None)
    # Whoever reads misses nothing.
    assert orders.ids() == list(range(1, INTERVAL + 1))
    orders.proxy.fault = lambda request: None
    # The service tries again what failed, also when no version is missing.
    outcome = orders.run("mirror", "watch", orders.catalog.uri(""), "--once")
    assert outcome.status == DONE, outcome
    orders.check()


# ---- divergence ----------------------------------------------------------------------------------


@CATALOGS
@pytest.mark.parametrize("elsewhere", [False, True])
def test_OtherObject_IsADivergenceAndStays(orders, elsewhere):
    key = f"{orders.key}-apart" if elsewhere else orders.key
    orders.mirror(*(["--to", f"s3://{BUCKET}/{key}"] if elsewhere else []))
    orders.append()
    foreign = json.dumps(commit_info(engineInfo="Another/1")) + "\n"
    orders.put_log(f"{2:020d}.json", foreign, key)
    assert any("diverged" in warning for warning in orders.append().warnings())
    orders.append()
    told = orders.status()
    assert (told["state"], told["publishedVersion"], told["alert"]) == ("DIVERGED", 1, True)
    outcome = orders.run("mirror", "run", orders.uri)
    assert outcome.status == CONFLICT, outcome
    [failure] = orders.failures()
    assert (failure["code"], failure["version"]) == ("Conflict", 2)
    assert f"s3://{BUCKET}/{key}/_delta_log/{2:020d}.json" in failure["error"]
    log = orders.log(key)
    assert sorted(log) == [f"{version:020d}.json" for version in range(3)]
    assert log[f"{2:020d}.json"].decode() == foreign
    # One way out.
    other = f"{orders.key}-repaired"
    report = orders.ask("mirror", "repair", orders.uri, "--keep", "database", "--to",
                        f"s3://{BUCKET}/{other}")
    assert report["publishedVersion"] == orders.rows
    log = orders.log(other)
    assert {name: log[name] for name in log if name.endswith(".json")} == orders.exported(
        "--absolute-paths")
    assert orders.status()["state"] == "SUCCESS"
    assert orders.ask("mirror", "verify", orders.uri)["differences"] == []


# ---- a disk that fills up ------------------------------------------------------------------------


@CATALOGS
def test_DiskThatFillsUp_IsToldAndCaughtUpWith(orders, tmp_path):
    disk = tmp_path / "disk"
    with small_disk(disk, 512) as mounted:
        if not mounted:
            pytest.skip("file systems cannot be mounted here")
        orders.mirror("--to", disk / "orders")
        log = disk / "orders" / "_delta_log"
        orders.append()
        before = {path.name: path.read_bytes() for path in log.iterdir()}
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(b"x" * 4096)
        assert shutil.disk_usage(disk).free == 0
        for attempt in range(1, INTERVAL):
            assert orders.append().warnings()
            told = orders.status()
            assert (told["state"], told["attempts"], told["publishedVersion"]) == (
                "FAILED", attempt, 1)
            assert "space" in told["lastError"]
            assert {path.name: path.read_bytes() for path in log.iterdir()} == before
        outcome = orders.run("mirror", "run", orders.uri)
        assert outcome.status == UNAVAILABLE, outcome
        assert {failure["code"] for failure in orders.failures()} == {"Io"}
        assert {path.name: path.read_bytes() for path in log.iterdir()} == before
        filler.unlink()
        assert orders.ask("mirror", "run", orders.uri)["publishedVersion"] == orders.rows
        assert {path.name: path.read_bytes()
                for path in log.glob("*.json")} == orders.exported()
        assert sorted(path.name for path in log.iterdir() if path.suffix != ".json") == [
            f"{INTERVAL:020d}.checkpoint.parquet", "_last_checkpoint"]
        assert orders.ask("mirror", "verify", orders.uri)["differences"] == []
        told = orders.status()
        assert (told["state"], told["attempts"]) == ("SUCCESS", 0)


@SQLITE
def test_CommitTooLargeForTheDisk_LeavesNothingHalfWritten(orders, tmp_path):
    """There is room for a part of it."""
    disk = tmp_path / "disk"
    with small_disk(disk, 256) as mounted:
        if not mounted:
            pytest.skip("file systems cannot be mounted here")
        orders.mirror("--to", disk / "orders")
        orders.append()
        log = disk / "orders" / "_delta_log"
        before = sorted(path.name for path in log.iterdir())
        large = actions_file(tmp_path, *[add(f"large-{n}", tags={"t": "x" * 200})
                                         for n in range(2000)])
        outcome = orders.run("commit", orders.uri, "--actions", large)
        assert outcome.object()["version"] == 2 and outcome.warnings()
        assert sorted(path.name for path in log.iterdir()) == before
        [failure] = orders.failures()
        assert (failure["code"], failure["version"]) == ("Io", 2)
        assert orders.status()["state"] == "FAILED"
        assert run("verify", orders.uri, "--json").status == DONE
