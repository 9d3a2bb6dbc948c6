"""What the tests of making tables share: where tables can be made, and what they are made of."""

import json
import os
import random

import pyarrow as pa
import pyarrow.parquet as pq

from support import DONE, NOT_FOUND, add, run


def field(name, kind, **metadata):
    return {"name": name, "type": kind, "nullable": True, "metadata": metadata}


def schema(*fields):
    return {"type": "struct", "fields": list(fields)}


ORDERS = schema(field("id", "long"), field("day", "string"), field("note", "string"))


class Place:
    """Where tables are made: a folder, or a catalog that is not there yet."""

    number = 0

    def __init__(self, kind, root, server):
        Place.number += 1
        self.kind, self.root, self.server = kind, root, server
        self.schema = f"p{Place.number}"

    @property
    def is_catalog(self):
        return self.kind != "folder"

    def uri(self, name="orders"):
        if self.kind == "folder":
            return str(self.root / "tables" / name)
        if self.kind == "postgres":
            return self.server.uri(self.schema, name)
        separator = "?table=" + name if name else ""
        return f"deltasql://{self.kind}/{self.root}/meta.db{separator}"

    def location(self, name="orders"):
        return str(self.root / "tables" / name)

    def options(self, name="orders"):
        return ["--location", self.location(name)] if self.is_catalog else []

    def names(self):
        """The tables that there are."""
        if not self.is_catalog:
            folders = (self.root / "tables").glob("*/_delta_log/*.json")
            return sorted(path.parent.parent.name for path in folders)
        found = run("tables", self.uri(""), "--json")
        return [] if found.status == NOT_FOUND else [table["name"] for table in found.lines()]

    def check(self, name="orders"):
        if self.is_catalog:
            assert run("verify", self.uri(name), "--json").status == DONE


KINDS = ["folder", "sqlite", "duckdb", "postgres"]


def properties_of(properties):
    return [word for key, value in properties.items() for word in ("--property", f"{key}={value}")]


def create(place, path, *options, name="orders", **properties):
    return run("create", place.uri(name), "--schema", path, *place.options(name), *options,
               *properties_of(properties), "--json").object()


def actions_file(tmp_path, *actions):
    path = tmp_path / f"actions-{random.getrandbits(64)}.jsonl"
    path.write_text("".join(json.dumps(action) + "\n" for action in actions), encoding="utf-8")
    return path


def write_rows(place, day, ids):
    """A data file of the table, and the action that adds it."""
    folder = os.path.join(place.location(), f"day={day}")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"part-{min(ids)}.parquet")
    pq.write_table(pa.table({"id": pa.array(ids, pa.int64()),
                             "note": pa.array([f"n{n}" for n in ids])}), path)
    return add(f"day={day}/part-{min(ids)}.parquet", os.path.getsize(path),
               partitionValues={"day": day}, stats=json.dumps({"numRecords": len(ids)}))
