"""Time travel on logs whose file times and in-commit timestamps are set on purpose.

The rules are those of PROTOCOL.md, In-commit timestamps and time travel.
"""

import os
import random
from datetime import datetime, timezone

import pytest

from support import (CORRUPT, NOT_FOUND, TableLog, add, commit_info, metadata, protocol, refused,
                     run)

BASE_MS = 1_704_164_645_000  # 2024-01-02T03:04:05Z
ICT_PROTOCOL = protocol(1, 7, writerFeatures=["inCommitTimestamp"])


def text(ms):
    """A moment as --timestamp takes it."""
    moment = datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{ms % 1000:03d}Z"


def version_at(table, ms):
    return run("snapshot", table.folder, "--timestamp", text(ms), "--json").object()["version"]


def history_times(table, *options):
    """Timestamps of the history by version."""
    entries = run("history", table.folder, "--json", *options).lines()
    assert [entry["version"] for entry in entries] == sorted(
        (entry["version"] for entry in entries), reverse=True)
    return {entry["version"]: entry["timestamp"] for entry in entries}


def write_commits(table, times_ms):
    table.create(add("f0"), mtime_ms=times_ms[0])
    for version, time_ms in enumerate(times_ms[1:], 1):
        table.commit(version, commit_info(), add(f"f{version}"), mtime_ms=time_ms)


def assert_times(table, expected):
    """Every command tells these times, and finds each version at exactly its own."""
    assert history_times(table) == expected
    versions = sorted(expected)
    for before, version in zip([None, *versions], versions):
        snapshot = run("snapshot", table.folder, "--version", version, "--json").object()
        assert snapshot["timestamp"] == expected[version]
        assert version_at(table, expected[version]) == version
        if before is not None:
            assert version_at(table, expected[version] - 1) == before
    error = refused(NOT_FOUND, "snapshot", table.folder, "--timestamp",
                    text(expected[versions[0]] - 1))
    assert error["earliestTimestamp"] == expected[versions[0]]
    assert error["latestTimestamp"] == expected[versions[-1]]
    assert version_at(table, expected[versions[-1]] + 1) == versions[-1]
    assert version_at(table, BASE_MS * 2) == versions[-1]


def test_FileTimesThatIncrease_AreTheTimes(table):
    times = [BASE_MS, BASE_MS + 1, BASE_MS + 1000, BASE_MS + 86_400_000]
    write_commits(table, times)
    assert_times(table, dict(enumerate(times)))


def test_EqualAndDecreasingFileTimes_AreMovedOneMillisecondOn(table):
    write_commits(table, [BASE_MS + t for t in [1000, 1000, 500, 1002, 2000, 1999, 2001, 2003]])
    expected = [1000, 1001, 1002, 1003, 2000, 2001, 2002, 2003]
    assert_times(table, {n: BASE_MS + t for n, t in enumerate(expected)})


def test_FileTimesBelowAMillisecond_AreCutOff(table):
    table.create(add("f0"), mtime_ms=BASE_MS)
    path = table.commit(1, add("f1"))
    os.utime(path, ns=(0, (BASE_MS + 5) * 1_000_000 + 999_999))
    assert_times(table, {0: BASE_MS, 1: BASE_MS + 5})


@pytest.mark.parametrize("seed", range(5))
def test_AnyFileTimes_IncreaseAsTheProtocolSays(table, seed):
    chance = random.Random(seed)
    times = [BASE_MS + chance.randrange(12) for _ in range(12)]
    write_commits(table, times)
    expected = []
    for time in times:
        expected.append(max(time, expected[-1] + 1) if expected else time)
    assert history_times(table) == dict(enumerate(expected))
    for moment in range(expected[0], expected[-1] + 2, 5):
        wanted = max(n for n, time in enumerate(expected) if time <= moment)
        assert version_at(table, moment) == wanted


def test_FractionsOfAMillisecond_NeverReachIntoTheNextOne(table):
    write_commits(table, [BASE_MS, BASE_MS + 10])
    almost = text(BASE_MS + 9)[:-1] + "999999Z"  # 9.999999 ms
    at = run("snapshot", table.folder, "--timestamp", almost, "--json").object()
    assert at["version"] == 0
    assert history_times(table, "--since", almost) == {1: BASE_MS + 10}
    assert history_times(table, "--until", almost) == {0: BASE_MS}


def test_OffsetsOfTime_NameTheSameMoment(table):
    write_commits(table, [BASE_MS, BASE_MS + 1000])
    for moment in ["2024-01-02T05:04:05+02:00", "2024-01-01T22:34:05-04:30",
                   "2024-01-02t03:04:05z", "2024-01-02T03:04:05.0Z"]:
        snapshot = run("snapshot", table.folder, "--timestamp", moment, "--json").object()
        assert snapshot["version"] == 0, moment


def test_SinceAndUntil_TakeInTheirMoments(table):
    write_commits(table, [BASE_MS + 10 * n for n in range(6)])
    assert list(history_times(table, "--since", text(BASE_MS + 20))) == [5, 4, 3, 2]
    assert list(history_times(table, "--until", text(BASE_MS + 20))) == [2, 1, 0]
    assert list(history_times(table, "--since", text(BASE_MS + 11),
                              "--until", text(BASE_MS + 39))) == [3, 2]
    assert history_times(table, "--since", text(BASE_MS + 51)) == {}
    assert history_times(table, "--until", text(BASE_MS - 1)) == {}
    assert list(history_times(table, "--until", text(BASE_MS + 30), "--limit", 2)) == [3, 2]
    assert history_times(table, "--limit", 0) == {}


# ---- in-commit timestamps ------------------------------------------------------------------------


def in_commit(ms):
    # The writer's own clock and the file's time are something else on purpose.
    return commit_info(inCommitTimestamp=ms, timestamp=ms + 7)


def test_InCommitTimestampsFromTheStart_AreTheTimes(table):
    enabled = metadata({"delta.enableInCommitTimestamps": "true"})
    table.commit(0, in_commit(BASE_MS), ICT_PROTOCOL, enabled, mtime_ms=BASE_MS + 9_000_000)
    for version in range(1, 5):
        table.commit(version, in_commit(BASE_MS + 100 * version), add(f"f{version}"),
                     mtime_ms=BASE_MS + 8_000_000 - version)
    assert_times(table, {version: BASE_MS + 100 * version for version in range(5)})


def enable_later(table, file_times_ms, in_commit_times_ms):
    """In-commit timestamps from the version after those that have file times."""
    write_commits(table, file_times_ms)
    since, since_ms = len(file_times_ms), in_commit_times_ms[0]
    enabled = metadata({"delta.enableInCommitTimestamps": "true",
                        "delta.inCommitTimestampEnablementVersion": str(since),
                        "delta.inCommitTimestampEnablementTimestamp": str(since_ms)})
    table.commit(since, in_commit(since_ms), ICT_PROTOCOL, enabled, mtime_ms=BASE_MS * 2)
    for version, time_ms in enumerate(in_commit_times_ms[1:], since + 1):
        table.commit(version, in_commit(time_ms), add(f"f{version}"), mtime_ms=1_000)


def test_InCommitTimestampsEnabledLater_FollowTheFileTimes(table):
    enable_later(table, [BASE_MS, BASE_MS + 1, BASE_MS + 1], [BASE_MS + 50, BASE_MS + 60])
    assert_times(table, {0: BASE_MS, 1: BASE_MS + 1, 2: BASE_MS + 2, 3: BASE_MS + 50,
                         4: BASE_MS + 60})


def test_FileTimesAfterTheEnablement_DoNotHideWhatFollowedIt(table):
    # A copied table: the files of old commits are younger than the in-commit timestamps.
    enable_later(table, [BASE_MS + 40, BASE_MS + 70, BASE_MS + 90], [BASE_MS + 50, BASE_MS + 60])
    assert version_at(table, BASE_MS + 50) == 3
    assert version_at(table, BASE_MS + 59) == 3
    assert version_at(table, BASE_MS + 75) == 4
    # Before the enablement only the older versions are searched.
    assert version_at(table, BASE_MS + 49) == 0
    refused(NOT_FOUND, "snapshot", table.folder, "--timestamp", text(BASE_MS + 39))


def test_InCommitTimestampsGivenUp_CountNowhereAndCountAgainFromTheirReturn(table):
    write_commits(table, [BASE_MS, BASE_MS + 10])
    enabled = {"delta.enableInCommitTimestamps": "true",
               "delta.inCommitTimestampEnablementVersion": "2",
               "delta.inCommitTimestampEnablementTimestamp": str(BASE_MS + 500)}
    table.commit(2, in_commit(BASE_MS + 500), ICT_PROTOCOL, metadata(enabled),
                 mtime_ms=BASE_MS + 20)
    table.commit(3, in_commit(BASE_MS + 600), add("f3"), mtime_ms=BASE_MS + 30)
    table.commit(4, commit_info(), metadata({"delta.enableInCommitTimestamps": "false"}),
                 mtime_ms=BASE_MS + 40)
    assert_times(table, {version: BASE_MS + 10 * version for version in range(5)})
    enabled |= {"delta.inCommitTimestampEnablementVersion": "5",
                "delta.inCommitTimestampEnablementTimestamp": str(BASE_MS + 900)}
    table.commit(5, in_commit(BASE_MS + 900), metadata(enabled), mtime_ms=BASE_MS + 50)
    assert_times(table, {**{version: BASE_MS + 10 * version for version in range(5)},
                         5: BASE_MS + 900})


def test_EnablementThatIsNotRecorded_MeansFromTheStart(table):
    # PROTOCOL.md: without the properties they are enabled from version 0, where there are none.
    write_commits(table, [BASE_MS, BASE_MS + 10])
    enabled = metadata({"delta.enableInCommitTimestamps": "true"})
    table.commit(2, in_commit(BASE_MS + 20), ICT_PROTOCOL, enabled)
    snapshot = run("snapshot", table.folder, "--json").object()
    assert (snapshot["version"], snapshot["timestamp"]) == (2, BASE_MS + 20)
    error = refused(CORRUPT, "history", table.folder)
    assert "00000000000000000001.json" in error["message"]


def test_MissingInCommitTimestamp_IsCorrupt(table):
    enabled = metadata({"delta.enableInCommitTimestamps": "true"})
    table.commit(0, in_commit(BASE_MS), ICT_PROTOCOL, enabled)
    table.commit(1, commit_info(timestamp=BASE_MS + 1), add("f1"))
    error = refused(CORRUPT, "history", table.folder)
    assert "inCommitTimestamp" in error["message"]
    refused(CORRUPT, "snapshot", table.folder)


# ---- logs that were cleaned up -------------------------------------------------------------------


def test_LogThatStartsAtACheckpoint_HasTimesFromThereOn(table):
    table.grow(8)
    for version in range(8):
        table.set_time(table.path(version), BASE_MS + 10 * version)
    table.set_time(table.checkpoint(5, *table.state(5)), BASE_MS + 999_999)
    for version in range(5):
        table.path(version).unlink()
    assert_times(table, {version: BASE_MS + 10 * version for version in [5, 6, 7]})
    error = refused(NOT_FOUND, "snapshot", table.folder, "--version", 4)
    assert (error["earliestVersion"], error["latestVersion"]) == (5, 7)


def test_AdjustedTimes_StartAtTheFirstCommitThatIsLeft(table):
    write_commits(table, [BASE_MS + 5000, BASE_MS, BASE_MS + 1, BASE_MS + 2])
    assert history_times(table)[1] == BASE_MS + 5001
    table.checkpoint(1, *table.state(1))
    table.path(0).unlink()
    assert history_times(table) == {1: BASE_MS, 2: BASE_MS + 1, 3: BASE_MS + 2}


def test_CheckpointWithoutItsCommit_CanBeReadByVersionAndTime(tmp_path):
    table = TableLog(tmp_path / "table")
    table.grow(4)
    for version in range(4):
        table.set_time(table.path(version), BASE_MS + 10 * version)
    table.set_time(table.checkpoint(2, *table.state(2)), BASE_MS + 25)
    for version in range(3):
        table.path(version).unlink()
    assert table.files("--version", 2) == ["f0", "f1", "f2"]
    assert version_at(table, BASE_MS + 25) == 2
    assert version_at(table, BASE_MS + 30) == 3
    assert history_times(table) == {3: BASE_MS + 30}
