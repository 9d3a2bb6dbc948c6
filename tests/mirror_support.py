"""What the tests of mirrors with other engines share: tables taken in and mirrored, and how a log
is left with nothing but its newest checkpoint."""

import dataclasses
import json
import shutil
from pathlib import Path

from catalog_support import Catalog
from support import DONE, run

# Real tables with data files, by what each is for. Their names are those of the archive.
TABLES = {
    "dat/deletion_vectors": "deletion vectors",
    "kernel-rs/table-with-dv-small": "deletion vectors in a small file",
    "delta-kernel/basic-dv-with-checkpoint": "deletion vectors in checkpoints",
    "delta-golden/log-replay-dv-key-cases": "a file again, with another deletion vector",
    "delta-golden/dv-with-columnmapping": "deletion vectors and column mapping",
    "delta-golden/table-with-columnmapping-mode-id": "column mapping by id",
    "delta-golden/table-with-columnmapping-mode-name": "column mapping by name",
    "dat/column_mapping": "renamed and dropped columns",
    "delta-kernel/data-reader-partition-values-column-mapping-name": "mapped partitions",
    "delta-golden/data-reader-escaped-chars": "odd paths",
    "delta-golden/hive.deltatbl-special-chars-in-partition-column": "odd partitions",
    "dask/partition.test2": "partitions",
    "dat/partitioned_with_null": "partitions without a value",
    "delta-rs/partition-type-primitives": "partitions of every type",
    "delta-golden/time-travel-partition-changes-b": "other partitions in another version",
    "dat/with_schema_change": "a schema that changes",
    "dat/nested_types": "structs, lists and maps",
    "dat/no_stats": "no statistics",
    "delta-golden/basic-with-inserts-deletes-checkpoint": "removed files and a checkpoint",
    "delta-kernel/kernel-pagination-multi-part-checkpoints": "a checkpoint of several parts",
    "delta-golden/v2-checkpoint-json": "V2 checkpoints",
    "kernel-rs/v2-checkpoints-parquet-with-sidecars": "V2 checkpoints with sidecars",
    "kernel-rs/v2-json-sidecars-struct-stats-only": "V2 checkpoints with typed statistics alone",
    "delta-rs/delta-1.2.1-only-struct-stats": "typed statistics alone",
    "delta-golden/data-skipping-basic-stats-all-types": "statistics of every type",
    "delta-golden/type-widening-nested": "types that were widened",
    "delta-golden/data-reader-timestamp_ntz": "timestamps without a zone",
    "kernel-rs/cdf-table-with-cdc-and-dvs": "change data and deletion vectors",
}


def copy_data(source, destination):
    """All of a table but its log."""
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns("_delta_log"),
                    dirs_exist_ok=True)


def log_of(folder):
    return Path(folder) / "_delta_log"


def checkpoints(folder):
    """The versions of a log's checkpoints."""
    return {int(path.name[:20]) for path in log_of(folder).glob("[0-9]*.checkpoint*")}


def leave_checkpoint_alone(folder, with_its_commit=False):
    """Removes the commits and the older checkpoints of a log, so that its newest checkpoint, which
    has to be of the latest version, says all; the commit of that version may stay, which says
    nothing of files. Gives the version."""
    log, newest = log_of(folder), max(checkpoints(folder))
    commits = [path for path in log.glob("[0-9]*.json") if "checkpoint" not in path.name]
    assert newest == max(int(path.name[:20]) for path in commits)
    assert json.loads((log / "_last_checkpoint").read_text(encoding="utf-8"))["version"] == newest
    for path in log.iterdir():
        is_older = path.name[:20].isdigit() and int(path.name[:20]) < newest
        if is_older or (path in commits and not with_its_commit):
            path.unlink()
    return newest


@dataclasses.dataclass
class Mirror:
    """A table of a catalog with its mirror."""

    uri: str
    folder: Path

    def add(self, *options):
        run("mirror", "add", self.uri, "delta", *options, "--json").object()
        self.publish()
        return self

    def publish(self):
        return run("mirror", "run", self.uri, "--json").object()["publishedVersion"]

    def sync(self):
        return run("mirror", "sync", self.uri, "--json").object()

    def make_checkpoint(self):
        """Has a checkpoint published behind a further commit. Gives its version."""
        done = run("set-properties", self.uri, "delta.checkpointInterval=1", "mirrored=yes",
                   "--json").object()
        assert done["version"] in checkpoints(self.folder)
        return done["version"]

    def check(self):
        assert run("mirror", "verify", self.uri, "--json").object()["differences"] == []
        assert run("verify", self.uri, "--json").status == DONE


def take_in(source, database, *options):
    catalog = Catalog(database)
    catalog.take_in(source, "t", "--verify", "none", *options)
    return catalog.table("t")


def mirror_beside(source, root, *options):
    """Imports a table and mirrors it to a folder, into which its data is copied."""
    root.mkdir(parents=True)
    copy_data(source, root / "mirror")
    return Mirror(take_in(source, root / "meta.db", *options), root / "mirror").add(
        "--to", root / "mirror")


def mirror_absolute(source, root, *options):
    """The same apart from its data."""
    root.mkdir(parents=True)
    return Mirror(take_in(source, root / "meta.db", *options), root / "mirror").add(
        "--to", root / "mirror", "--absolute-paths")


def mirror_in_place(source, root, mode="exclusive"):
    """Imports a copy of a table, over whose log the catalog decides from then on, or which others
    share."""
    root.mkdir(parents=True)
    shutil.copytree(source, root / "table")
    return Mirror(take_in(root / "table", root / "meta.db"), root / "table").add(
        "--mode", mode)
