"""Rows and texts of a catalog, changed by hand in random ways: verify finds every one.

    DELTALAKEDB_SEED=7 repeats a run, DELTALAKEDB_SOAK=1 makes it longer.
"""

import contextlib
import os
import random
import sqlite3

import pyarrow as pa
import pytest

from catalog_support import ANSWER_IS_NO, Catalog
from support import (CORRUPT, DONE, NOT_FOUND, TableLog, add, commit_info, metadata, protocol,
                     remove, run)

WAYS = 500 if os.environ.get("DELTALAKEDB_SOAK") == "1" else 50
SEED = int(os.environ.get("DELTALAKEDB_SEED", random.SystemRandom().randrange(2**32)))

# What reindex makes anew: whole relations, and columns of others.
DERIVED = ["dl_add_files", "dl_remove_files", "dl_cdc_files", "dl_metadata_updates",
           "dl_protocol_updates", "dl_txn_actions", "dl_domain_metadata"]
DERIVED_COLUMNS = {
    "dl_tables": ["metadata_version", "protocol_version"],
    "dl_table_versions": ["num_added", "num_removed", "num_cdc", "num_files", "size_in_bytes",
                          "last_add_id", "last_remove_id", "last_cdc_id", "commit_info"]}
RELATIONS = ["dl_tables", "dl_table_versions", "dl_body_parts", *DERIVED]
# These may be changed by who owns the catalog.
FREE_COLUMNS = ["name", "location", "mode", "properties"]


# ---- tables with a past --------------------------------------------------------------------------

FEATURES = {"reader": 3, "writer": 7, "readerFeatures": ["deletionVectors"],
            "writerFeatures": ["deletionVectors", "domainMetadata", "changeDataFeed",
                               "rowTracking", "appendOnly"]}
SCHEMA = ('{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}},'
          '{"name":"day","type":"string","nullable":true,"metadata":{}}]}')


def vector(offset, cardinality=2):
    return {"deletionVector": {"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^",
                               "offset": offset, "sizeInBytes": 34, "cardinality": cardinality}}


def day(value):
    return {"partitionValues": {"day": value}}


def txn(app, version, **others):
    return {"txn": {"appId": app, "version": version, **others}}


def domain(name, configuration, removed=False):
    return {"domainMetadata": {"domain": name, "configuration": configuration,
                               "removed": removed}}


def cdc(path, **others):
    return {"cdc": {"path": path, "partitionValues": {"day": "1"}, "size": 7, "dataChange": False,
                    **others}}


def commits():
    """Every action, files that come and go and come back, vectors that replace each other."""
    stats = {"stats": '{"numRecords":3,"minValues":{"id":1}}'}
    row_ids = {"baseRowId": 100, "defaultRowCommitVersion": 1, "clusteringProvider": "liquid"}
    yield [protocol(**FEATURES),
           metadata({"delta.enableChangeDataFeed": "true"}, schema=SCHEMA,
                    partitionColumns=["day"], name="orders", createdTime=5),
           add("a", **day("1"), **stats), add("b", size=20, **day(None), tags={"k": "v"})]
    yield [commit_info(timestamp=1, userName="someone"), add("c", **day("2"), **row_ids),
           txn("loader", 1, lastUpdated=9), domain("first", '{"x":1}')]
    yield [remove("a", extendedFileMetadata=True, size=10, **day("1"), tags={"q": None}, **stats),
           add("a", **day("1"), **vector(1)), commit_info()]
    yield [remove("a", **vector(1)), add("a", **day("1"), **vector(5, 3)),
           cdc("_change_data/c1", tags={"z": "1"}), commit_info()]
    yield [metadata({"delta.appendOnly": "false"}, schema=SCHEMA, partitionColumns=["day"],
                    description="once more"), txn("loader", 2), txn("other", 7), commit_info()]
    yield [remove("b", dataChange=False, baseRowId=3, defaultRowCommitVersion=2),
           domain("second", "text"), commit_info(), add("d%20e", **day("3"))]
    yield [add("b", size=21, **day(None)), domain("first", "{}", removed=True), commit_info()]
    yield [protocol(**{**FEATURES, "writerFeatures": FEATURES["writerFeatures"][:-1]}),
           remove("c", **day("2")), cdc("_change_data/c2"), commit_info()]
    yield [add("c", size=30, dataChange=False, **day("2")), txn("loader", 3), commit_info()]


def write_plain(folder):
    log = TableLog(folder)
    for version, actions in enumerate(commits()):
        log.commit(version, *actions)
    return log.folder


def write_from_checkpoint(folder):
    """The same from version 4 on: a checkpoint, and the commit that it stands for."""
    log = TableLog(folder)
    past = list(commits())
    for version, actions in enumerate(past[4:], start=4):
        log.commit(version, *actions)
    log.checkpoint(4, protocol(**FEATURES), past[4][0],
                   add("a", partitionValues=[("day", "1")], **vector(5, 3)),
                   add("b", size=20, partitionValues=[("day", None)], tags=[("k", "v")]),
                   add("c", partitionValues=[("day", "2")]),
                   remove("a"), remove("gone"), txn("loader", 2), txn("other", 7))
    return log.folder


def write_large(folder):
    """A commit that is kept in parts."""
    log = TableLog(folder)
    log.create(add("f"))
    log.commit(1, commit_info(), remove("f"),
               *(add(f"g{n}", tags={"padding": f"{n}" * 600_000}) for n in range(9)))
    log.commit(2, commit_info(), remove("g4"), add("f", size=11))
    return log.folder


SOURCES = {"plain": write_plain, "from a checkpoint": write_from_checkpoint, "large": write_large}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """The bytes of a catalog that holds them all."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "catalog").mkdir()
    catalog = Catalog(folder / "catalog" / "meta.db")
    for name, write in SOURCES.items():
        report = catalog.take_in(write(folder / name), name)
        assert report["verified"], report
        assert run("verify", catalog.table(name), "--json").status == DONE
    assert list(catalog.left()) == ["meta.db"]
    return catalog.path.read_bytes()


# ---- ways to change it ---------------------------------------------------------------------------


def columns_of(connection, relation):
    """Those that are stored."""
    return [row[1] for row in connection.execute(f"PRAGMA table_xinfo({relation})") if not row[6]]


def other_integer(chance, value):
    return chance.choice([value + 1, value - 1, -value - 1, value + 2**31, 0, 1, 2, 5, None])


def other_text(chance, value):
    if value and chance.random() < 0.5:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice("xyz019{}\" ") + value[at + 1:]
    return chance.choice([value + "x", value + " ", value[1:], value + "\0", "", None, "null", "[]",
                          "{}"])


def other_bytes(chance, value):
    if not value or chance.random() < 0.2:
        return chance.choice([value + b"\0", value[:-1], None])
    changed = bytearray(value)
    changed[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def other_value(chance, value):
    if isinstance(value, int):
        return other_integer(chance, value)
    if isinstance(value, str):
        return other_text(chance, value)
    if isinstance(value, bytes):
        return other_bytes(chance, value)
    return chance.choice([0, 1, 7, "", "x", "{}", b"", bytes(16)])


def text_of(compressed, size):
    """What a body decompresses to; none where it does not."""
    try:
        return pa.decompress(compressed, size, codec="zstd", asbytes=True)
    except (OSError, pa.ArrowException, TypeError):
        return None


class Tampering:
    """One change of one table's rows, made by chance."""

    def __init__(self, chance, connection, name):
        self.chance, self.connection = chance, connection
        self.table_id, = connection.execute("SELECT table_id FROM dl_tables WHERE name = ?",
                                            [name]).fetchone()
        self.relation = chance.choice([relation for relation in RELATIONS if self.rows(relation)])
        self.columns = columns_of(connection, self.relation)
        self.row = chance.choice(self.rows(self.relation))
        self.column = self.old = self.new = None

    def rows(self, relation):
        stored = ", ".join(columns_of(self.connection, relation))
        return self.connection.execute(f"SELECT {stored} FROM {relation} WHERE table_id = ? "
                                       "ORDER BY 2, 3, 4", [self.table_id]).fetchall()

    def where(self):
        return " AND ".join(f"{column} IS ?" for column in self.columns)

    def update(self):
        changed, = self.connection.execute(
            f"UPDATE {self.relation} SET {self.column} = ? WHERE {self.where()} "
            "RETURNING 1", [self.new, *self.row]).fetchall()
        assert changed

    def change_column(self):
        self.column = self.chance.choice([name for name in self.columns
                                          if name not in FREE_COLUMNS])
        self.old = self.row[self.columns.index(self.column)]
        self.new = other_value(self.chance, self.old)
        assert self.new != self.old or type(self.new) is not type(self.old)
        self.update()

    def change_text(self):
        """Another text of the same size, or of none, well compressed."""
        self.relation = self.chance.choice([relation for relation in RELATIONS[1:3]
                                            if self.rows(relation)])
        self.columns = columns_of(self.connection, self.relation)
        self.row = self.chance.choice(self.rows(self.relation))
        self.column = "body"
        values = dict(zip(self.columns, self.row))
        self.old = values["body"]
        size = values.get("text_bytes", values.get("body_bytes"))
        assert self.old is not None and size
        text = bytearray(text_of(self.old, size))
        text[self.chance.randrange(len(text))] ^= 1 << self.chance.randrange(8)
        self.new = pa.compress(bytes(text), codec="zstd", asbytes=True)
        self.update()

    def delete_row(self):
        self.connection.execute(f"DELETE FROM {self.relation} WHERE {self.where()}", self.row)

    def insert_copy(self):
        """Beside the row stands another that differs where its key is."""
        keys = {"dl_add_files": ["file_id", "version", "path_key", "dv_id", "origin"],
                "dl_remove_files": ["file_id", "version", "path_key", "dv_id", "origin"],
                "dl_cdc_files": ["file_id"], "dl_tables": ["table_id"],
                "dl_metadata_updates": ["key", "version"], "dl_txn_actions": ["app_id", "version"],
                "dl_protocol_updates": ["version"], "dl_table_versions": ["version", "commit_id"],
                "dl_domain_metadata": ["domain", "version"],
                "dl_body_parts": ["version", "origin", "part"]}[self.relation]
        copy = dict(zip(self.columns, self.row))
        if "file_id" in keys:
            copy["file_id"] = self.chance.choice([copy["file_id"] + self.chance.randrange(1, 99),
                                                  2**50 + self.chance.randrange(99)])
        for key in {self.chance.choice(keys), *(["commit_id"] if "commit_id" in keys else [])}:
            if key != "file_id":
                copy[key] = other_value(self.chance, copy[key])
        self.new = copy
        self.connection.execute(f"INSERT INTO {self.relation} ({', '.join(copy)}) VALUES "
                                f"({', '.join('?' * len(copy))})", list(copy.values()))

    def apply(self):
        self.way = self.chance.choice([self.change_column] * 5 + [self.change_text] +
                                      [self.delete_row] * 2 + [self.insert_copy] * 2)
        if self.relation == "dl_tables":  # there is one row, without which there is no table
            self.way = self.change_column
        self.way()

    def is_same_text(self):
        """Whether only the way in which a text is compressed has changed."""
        if self.column != "body" or self.new is None:
            return False
        values = dict(zip(self.columns, self.row))
        size = values.get("text_bytes", values.get("body_bytes"))
        return size is not None and text_of(self.new, size) == text_of(self.old, size)

    def is_of_text(self):
        return self.column in ("body", "body_hash", "base_body_hash")

    def is_derived(self):
        """Whether reindex can know what has to be there."""
        if self.column == "table_id":
            return False  # the row is another table's now
        return (self.relation in DERIVED or
                self.column in DERIVED_COLUMNS.get(self.relation, []))

    def __str__(self):
        return (f"{self.way.__name__} {self.relation}.{self.column}: "
                f"{str(self.old)[:80]!r} -> {str(self.new)[:300]!r}; row {str(self.row)[:600]}")


def dump(path):
    """Every row of the catalog."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {relation: sorted(connection.execute(f"SELECT * FROM {relation}").fetchall(),
                                 key=repr) for relation in RELATIONS}


def tamper(chance, pristine, path):
    """Puts a catalog with one change at `path`."""
    while True:
        path.write_bytes(pristine)
        name = chance.choice([*SOURCES, "plain", "from a checkpoint"])
        with contextlib.closing(sqlite3.connect(path)) as connection:
            tampering = Tampering(chance, connection, name)
            try:
                tampering.apply()
                connection.commit()
            except (sqlite3.IntegrityError, AssertionError):
                continue  # the schema refuses it, or nothing would be changed
        if not tampering.is_same_text():
            return name, tampering


def check_reindex(catalog, table, tampering, sound, changed):
    reindexed = run("reindex", table, "--json")
    verified = run("verify", table, "--json")
    if tampering.is_derived():
        assert reindexed.status == DONE, reindexed
        assert verified.status == DONE, verified
        assert dump(catalog.path) == sound
    elif tampering.relation in DERIVED:
        # The row is another table's now; what this table lacked is there again.
        assert reindexed.status == DONE, reindexed
        assert verified.status == DONE, verified
        left = dump(catalog.path)
        assert all(set(rows) <= set(left[relation]) for relation, rows in sound.items())
    elif tampering.is_of_text():
        assert reindexed.status == CORRUPT, reindexed
        assert dump(catalog.path) == changed
    elif reindexed.status == DONE:
        # What the texts do not say stays wrong, and is still found.
        assert verified.status in (ANSWER_IS_NO, CORRUPT) or dump(catalog.path) == sound, verified
    else:
        assert reindexed.status in (CORRUPT, NOT_FOUND), reindexed
        assert dump(catalog.path) == changed


def test_ChangesByHand_AreFoundAndMendedWhereTheTextsSayHow(tmp_path, pristine):
    print(f"DELTALAKEDB_SEED={SEED}")
    catalog = Catalog(tmp_path / "meta.db")
    catalog.path.write_bytes(pristine)
    sound = dump(catalog.path)
    problems = []
    for number in range(WAYS):
        chance = random.Random(f"{SEED} {number}")
        name, tampering = tamper(chance, pristine, catalog.path)
        changed = dump(catalog.path)
        try:
            found = run("verify", catalog.table(name), "--json")
            assert found.status in (ANSWER_IS_NO, CORRUPT, NOT_FOUND), found
            if found.status == ANSWER_IS_NO:
                assert '"differences":[{' in found.stdout.replace(" ", ""), found
            assert dump(catalog.path) == changed, "verify changed something"
            check_reindex(catalog, catalog.table(name), tampering, sound, changed)
        except AssertionError as error:
            problems.append(f"way {number}, table {name!r}: {tampering}\n{str(error)[:1500]}")
    assert not problems, f"DELTALAKEDB_SEED={SEED}\n" + "\n".join(problems)
