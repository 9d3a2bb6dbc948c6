"""Publishers that are killed at random while tables are committed to: afterwards the log is
complete and what the catalog has, and it never held a wrong byte.

    DELTALAKEDB_SEED=7 repeats a run of kills, DELTALAKEDB_SOAK=1 makes it longer.
"""

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from create_support import ORDERS, actions_file, create
from support import DONE, PROGRAM, add, run

KILLS = 300 if os.environ.get("DELTALAKEDB_SOAK") == "1" else 15
SEED = int(os.environ.get("DELTALAKEDB_SEED", random.SystemRandom().randrange(2**32)))


class Onlooker(threading.Thread):
    """Looks at a log all the time: what is there once is never another, and nothing is left out."""

    def __init__(self, log):
        super().__init__()
        self.log, self.seen, self.wrong, self.ends = Path(log), {}, [], threading.Event()

    def run(self):
        while not self.ends.wait(0.01):
            self.look()

    def look(self):
        names = sorted(path.name for path in self.log.glob("*.json")) if self.log.exists() else []
        if names != [f"{version:020d}.json" for version in range(len(names))]:
            self.wrong.append(f"the log has {names}")
        for name in names:
            content = (self.log / name).read_bytes()
            if self.seen.setdefault(name, content) != content or not content.endswith(b"\n"):
                self.wrong.append(name)
        for path in self.log.glob("*.parquet"):
            content = path.read_bytes()
            if self.seen.setdefault(path.name, content) != content or content[-4:] != b"PAR1":
                self.wrong.append(path.name)


@pytest.mark.parametrize("catalog", ["sqlite", "postgres"], indirect=True)
def test_KilledPublishers_LeaveTheLogCompleteAndRight(catalog, columns, tmp_path):
    print(f"DELTALAKEDB_SEED={SEED}")
    chance = random.Random(SEED)
    create(catalog, columns(ORDERS), **{"delta.checkpointInterval": "3"})
    uri, location = catalog.uri(), Path(catalog.location())
    run("mirror", "add", uri, "delta", "--json").object()
    onlooker = Onlooker(location / "_delta_log")
    onlooker.start()
    publishers, killed, commits = [], 0, 0
    try:
        while killed < KILLS:
            publishers = [each for each in publishers if each.poll() is None]
            while len(publishers) < 2:
                publishers.append(subprocess.Popen(
                    [PROGRAM, "mirror", "watch", catalog.uri(""), "--interval-ms", "1",
                     "--no-sync"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            action = add(f"part-{commits}.parquet", partitionValues={})
            # The writers publish, too, and some of them die of it.
            writer = subprocess.Popen(
                [PROGRAM, "commit", uri, "--actions", actions_file(tmp_path, action)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 0.06))
            victim = chance.choice([writer, *publishers])
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            killed += 1
            writer.wait()
            commits += 1
    finally:
        for each in publishers:
            each.kill()
            each.wait()
        onlooker.ends.set()
        onlooker.join()
    assert run("mirror", "run", uri, "--json").status == DONE
    onlooker.look()
    assert not onlooker.wrong, onlooker.wrong[:5]
    version = run("snapshot", uri, "--json").object()["version"]
    assert version >= commits // 4, "hardly any commit came through"
    told = run("mirror", "status", uri, "--json").object()
    assert (told["state"], told["publishedVersion"]) == ("SUCCESS", version)
    out = tmp_path / "exported"
    run("export", uri, out, "--json").object()
    expected = {path.name: path.read_bytes() for path in (out / "_delta_log").glob("*.json")}
    found = {name: content for name, content in onlooker.seen.items() if name.endswith(".json")}
    assert found == expected and len(found) == version + 1
    assert run("mirror", "verify", uri, "--json").object()["differences"] == []
    assert list((location / "_delta_log").glob("*.checkpoint.parquet"))
    # Nothing half-written is left beside what was published.
    due = version // 3 * 3
    assert (location / "_delta_log" / f"{due:020d}.checkpoint.parquet").exists()
    print(f"{killed} processes killed, {version} versions of {commits} commits published")
