"""An import that is killed at any moment: the catalog has the table or has it not.

    DELTALAKEDB_SEED=7 repeats a run, DELTALAKEDB_SOAK=1 makes it longer.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from catalog_support import CATALOGS
from support import DONE, NOT_FOUND, PROGRAM, REPOSITORY, TableLog, add, commit_info, remove, run

sys.path.insert(0, str(REPOSITORY / "bench"))

import make_log  # noqa: E402

# Where sanitizers make the program slow (conftest.py), a smaller table takes as long.
IS_SAMPLED = os.environ.get("DELTALAKEDB_SAMPLE") == "1"
KILLS = (200 if os.environ.get("DELTALAKEDB_SOAK") == "1" else
         8 if IS_SAMPLED else 24)  # of each database
SEED = int(os.environ.get("DELTALAKEDB_SEED", random.SystemRandom().randrange(2**32)))
FILES, COMMITS = (20_000 if IS_SAMPLED else 100_000), 100
COUNTS = {"numFiles": FILES, "version": COMMITS}


@pytest.fixture(scope="module", params=CATALOGS)
def make_catalog(request):
    """Catalogs of each kind, by the path of their file."""
    return CATALOGS[request.param]


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A table whose import takes about a second."""
    folder = tmp_path_factory.mktemp("source") / "big"
    make_log.make_log(folder, FILES, COMMITS)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    table = TableLog(tmp_path_factory.mktemp("source") / "small").grow(5)
    table.commit(5, commit_info(), remove("f1"), add("f9", size=9))
    return table.folder


def import_arguments(source, catalog, level):
    return [PROGRAM, "import", source, catalog.table("big"), "--verify", level, "--json"]


@pytest.fixture(scope="module")
def seconds(make_catalog, big, tmp_path_factory):
    """How long an import takes when nobody disturbs it, by level of verification."""
    taken = {}
    for level in ["none", "full"]:
        catalog = make_catalog(tmp_path_factory.mktemp("timed") / "meta.db")
        start = time.monotonic()
        subprocess.run(import_arguments(big, catalog, level), check=True, timeout=300,
                       stdout=subprocess.DEVNULL)
        taken[level] = time.monotonic() - start
    return taken


def kill_import(source, catalog, level, delay):
    """Starts an import and kills it after a while; tells whether it was still at work."""
    process = subprocess.Popen(import_arguments(source, catalog, level),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait(timeout=60) == -signal.SIGKILL


def big_is_complete(catalog):
    """Whether the table is there; anything between there and not there fails."""
    snapshot = run("snapshot", catalog.table("big"), "--json")
    if snapshot.status == NOT_FOUND:
        return False
    found = snapshot.object()
    assert {name: found[name] for name in COUNTS} == COUNTS
    assert run("verify", catalog.table("big"), "--json").status == DONE
    return True


def repair_by_importing(source, catalog):
    """Another import ends with the table, whatever the killed one left."""
    report = run("import", source, catalog.table("big"), "--verify", "counts", "--json").object()
    assert report["toVersion"] == COMMITS, report
    assert big_is_complete(catalog)


@pytest.mark.parametrize("level", ["none", "full"])
@pytest.mark.parametrize("is_fresh", [True, False], ids=["fresh", "beside another table"])
def test_ImportKilledAtAnyMoment_LeavesTheTableAbsentOrComplete(
        tmp_path, make_catalog, big, small, seconds, level, is_fresh):
    print(f"DELTALAKEDB_SEED={SEED}")
    chance = random.Random(f"{SEED} {level} {is_fresh}")
    other = make_catalog(tmp_path / "other.db")
    other.take_in(small, "small")
    kills = complete = number = 0
    while kills < -(-KILLS // 4):
        number += 1
        folder = tmp_path / f"run-{number}"
        folder.mkdir()
        catalog = make_catalog(folder / "meta.db")
        if not is_fresh:
            shutil.copy(other.path, catalog.path)
        # Somewhat later than the end too, so that the commit itself is hit.
        delay = chance.uniform(0, 1.05 * seconds[level])
        print(f"kill {number} after {delay:.4f} s")
        kills += kill_import(big, catalog, level, delay)
        if not is_fresh:
            assert catalog.names() in (["small"], ["big", "small"])
            assert run("verify", catalog.table("small"), "--against", small).status == DONE
        if catalog.path.exists() and big_is_complete(catalog):
            complete += 1
        elif number % 5 == 0:
            repair_by_importing(big, catalog)
        shutil.rmtree(folder)
    print(f"{level}, {'fresh' if is_fresh else 'beside another table'}: {kills} of {number} imports"
          f" killed, after {complete} of all the table was complete")


def test_ImportAfterSeveralThatWereKilled_CompletesTheTable(tmp_path, make_catalog, big, seconds):
    """The same file goes through one kill after the other."""
    chance = random.Random(f"{SEED} again")
    print(f"DELTALAKEDB_SEED={SEED}")
    catalog = make_catalog(tmp_path / "meta.db")
    for _ in range(5):
        kill_import(big, catalog, "none", chance.uniform(0, 0.9 * seconds["none"]))
    repair_by_importing(big, catalog)
    left = {file.name for file in tmp_path.iterdir() if file.stat().st_size > 0}
    assert left == {"meta.db"}
