"""What the Python tests share: running the program, and writing logs by hand.

The program is $DELTALAKEDB_PROGRAM, which ctest sets.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tools"))

import conformance_tables  # noqa: E402

PROGRAM = os.environ.get("DELTALAKEDB_PROGRAM")
if not PROGRAM or not os.access(PROGRAM, os.X_OK):
    raise SystemExit("set DELTALAKEDB_PROGRAM to the built program, or run these tests by ctest")

# Exit statuses (CLI.md).
DONE, USAGE, NOT_FOUND, UNSUPPORTED, CORRUPT, UNAVAILABLE = 0, 2, 3, 4, 5, 7


@dataclass
class Outcome:
    """How a run of the program ended."""

    arguments: list
    status: int
    stdout: str
    stderr: str

    def object(self):
        """The one JSON object on standard output."""
        assert self.status == DONE, self
        return json.loads(self.stdout)

    def lines(self):
        """The JSON objects on standard output, one per line."""
        assert self.status == DONE, self
        assert self.stdout == "" or self.stdout.endswith("\n"), self
        return [json.loads(line) for line in self.stdout.splitlines()]

    def error(self):
        """The JSON error, after having looked at what goes for every error."""
        assert self.status != DONE and self.stdout == "", self
        error = json.loads(self.stderr.splitlines()[-1])["error"]
        assert list(error)[:2] == ["code", "message"] and error["message"], self
        return error

    def warnings(self):
        """The messages of the JSON warnings."""
        found = [json.loads(line) for line in self.stderr.splitlines()]
        return [entry["warning"]["message"] for entry in found if "warning" in entry]


def run(*arguments, env=None, **how):
    """Runs the program with these arguments and waits for it."""
    arguments = [os.fspath(argument) if isinstance(argument, os.PathLike) else str(argument)
                 for argument in arguments]
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=300, env={**os.environ, **(env or {})}, **how)
    return Outcome(arguments, done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(status, *arguments):
    """Runs a command that has to fail with this status, and gives its JSON error."""
    outcome = run(*arguments, "--json")
    assert outcome.status == status, outcome
    return outcome.error()


# ---- what the conformance tables record ----------------------------------------------------------


def canonical_path(path):
    """TRUTH.md: decoded once, and absolute local paths as file:/…"""
    decoded = unquote(path)
    if decoded.startswith("file:///"):
        return "file:" + decoded[7:]
    return "file:" + decoded if decoded.startswith("/") else decoded


def deletion_vector_id(vector):
    if vector is None:
        return ""
    offset = "" if vector.get("offset") is None else f"@{vector['offset']}"
    return vector["storageType"] + vector["pathOrInlineDv"] + offset


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def file_hashes(adds):
    """files_hash and files_full_hash of TRUTH.md."""
    rows = []
    for add in adds:
        identity = (canonical_path(add["path"]), deletion_vector_id(add.get("deletionVector")))
        values = {name: value or None for name, value in sorted(add["partitionValues"].items())}
        rows.append((identity, [*identity, add["size"], add["modificationTime"], values]))
    rows.sort(key=lambda row: row[0])
    short = "".join(f"{path}\t{vector}\n" for (path, vector), _ in rows)
    full = "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n"
                   for _, row in rows)
    return sha256(short), sha256(full)


# ---- logs written by hand ------------------------------------------------------------------------

SCHEMA = json.dumps({"type": "struct", "fields": [
    {"name": "id", "type": "long", "nullable": True, "metadata": {}}]}, separators=(",", ":"))


def protocol(reader=1, writer=2, **features):
    return {"protocol": {"minReaderVersion": reader, "minWriterVersion": writer, **features}}


def metadata(configuration=None, schema=SCHEMA, **others):
    fields = {"id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
              "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
              "partitionColumns": [], "configuration": configuration or {}, **others}
    return {"metaData": {name: value for name, value in fields.items() if value is not None}}


def add(path, size=10, **others):
    return {"add": {"path": path, "partitionValues": {}, "size": size,
                    "modificationTime": 1_700_000_000_000, "dataChange": True, **others}}


def remove(path, **others):
    return {"remove": {"path": path, "deletionTimestamp": 1_700_000_000_000, "dataChange": True,
                       **others}}


def commit_info(**fields):
    return {"commitInfo": {"operation": "WRITE", **fields}}


TEXT_MAP = pa.map_(pa.string(), pa.string())
DELETION_VECTOR = pa.struct([("storageType", pa.string()), ("pathOrInlineDv", pa.string()),
                             ("offset", pa.int32()), ("sizeInBytes", pa.int32()),
                             ("cardinality", pa.int64())])
ADD = pa.struct([("path", pa.string()), ("partitionValues", TEXT_MAP), ("size", pa.int64()),
                 ("modificationTime", pa.int64()), ("dataChange", pa.bool_()),
                 ("tags", TEXT_MAP), ("deletionVector", DELETION_VECTOR), ("stats", pa.string())])
REMOVE = pa.struct([("path", pa.string()), ("deletionTimestamp", pa.int64()),
                    ("dataChange", pa.bool_())])
METADATA = pa.struct([("id", pa.string()), ("name", pa.string()), ("description", pa.string()),
                      ("format", pa.struct([("provider", pa.string()), ("options", TEXT_MAP)])),
                      ("schemaString", pa.string()), ("partitionColumns", pa.list_(pa.string())),
                      ("configuration", TEXT_MAP), ("createdTime", pa.int64())])
PROTOCOL = pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32()),
                      ("readerFeatures", pa.list_(pa.string())),
                      ("writerFeatures", pa.list_(pa.string()))])
TXN = pa.struct([("appId", pa.string()), ("version", pa.int64()), ("lastUpdated", pa.int64())])
CHECKPOINT_METADATA = pa.struct([("version", pa.int64()), ("tags", TEXT_MAP)])
SIDECAR = pa.struct([("path", pa.string()), ("sizeInBytes", pa.int64()),
                     ("modificationTime", pa.int64()), ("tags", TEXT_MAP)])
CHECKPOINT = pa.schema([("txn", TXN), ("add", ADD), ("remove", REMOVE), ("metaData", METADATA),
                        ("protocol", PROTOCOL)])
CHECKPOINT_V2 = pa.schema([*CHECKPOINT, ("checkpointMetadata", CHECKPOINT_METADATA),
                           ("sidecar", SIDECAR)])


def write_checkpoint(path, actions, schema=CHECKPOINT):
    """A Parquet file with one action per row."""
    pq.write_table(pa.Table.from_pylist(actions, schema=schema), path)


class TableLog:
    """A table of which there is nothing but the log."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.log = self.folder / "_delta_log"
        self.log.mkdir(parents=True)

    def path(self, version, suffix="json"):
        return self.log / f"{version:020d}.{suffix}"

    def commit(self, version, *actions, mtime_ms=None):
        """Writes a commit, and sets its file time where one is given. Gives the file's path."""
        path = self.path(version)
        path.write_text("".join(json.dumps(action, ensure_ascii=False) + "\n"
                                for action in actions), encoding="utf-8")
        if mtime_ms is not None:
            self.set_time(path, mtime_ms)
        return path

    def set_time(self, path, mtime_ms):
        os.utime(path, ns=(mtime_ms * 1_000_000, mtime_ms * 1_000_000))

    def create(self, *actions, mtime_ms=None, **properties):
        """Writes version 0: protocol, metadata and these actions."""
        return self.commit(0, protocol(), metadata(properties), *actions, mtime_ms=mtime_ms)

    def grow(self, versions):
        """Writes version 0 with file f0, and each next version with one file more."""
        self.create(add("f0"))
        for version in range(1, versions):
            self.commit(version, commit_info(), add(f"f{version}"))
        return self

    def checkpoint(self, version, *actions, suffix="checkpoint.parquet"):
        path = self.path(version, suffix)
        write_checkpoint(path, actions)
        return path

    def state(self, version):
        """The actions of the state that grow() makes, for a checkpoint."""
        return [protocol(), metadata(), *(add(f"f{n}") for n in range(version + 1))]

    def files(self, *arguments):
        """The paths of the live files as the program tells them."""
        outcome = run("files", self.folder, *arguments, "--json")
        return [file["path"] for file in outcome.lines()]
