"""Tables on S3 whose log decides: made, committed to one by one and by many at once, with answers
that get lost. The server is a real one, and so are its conditional PUTs."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog_support import CONFLICT, Catalog
from object_store_support import BUCKET, access_denied
from support import DONE, NOT_FOUND, SCHEMA, UNAVAILABLE, USAGE, add, remove, run

WRITERS = 8
MINE = "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d"
APPENDS = 4  # of each writer


@pytest.fixture
def place(request):
    """A key that nothing is below."""
    return f"commits/{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]}"


def uri_of(place):
    return f"s3://{BUCKET}/{place}"


@pytest.fixture
def columns(tmp_path):
    path = tmp_path / "schema.json"
    path.write_text(SCHEMA, encoding="utf-8")
    return path


@pytest.fixture
def actions(tmp_path):
    """Writes actions to a file of their own and gives its path."""
    numbers = iter(range(1_000_000))
    lock = threading.Lock()

    def write(*lines):
        with lock:
            path = tmp_path / f"actions-{next(numbers)}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def table(s3, place, columns):
    """A table of version 0."""
    s3.run("create", uri_of(place), "--schema", columns, "--json").object()
    return uri_of(place)


def commits_of(s3, place):
    """The commits that there are, in order, as lists of actions."""
    listed = s3.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{place}/_delta_log/")
    keys = sorted(entry["Key"] for entry in listed.get("Contents", []))
    assert keys == [f"{place}/_delta_log/{n:020d}.json" for n in range(len(keys))]
    return [[json.loads(line) for line in
             s3.client.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()]
            for key in keys]


def commit_ids(commits):
    return [commit[0]["commitInfo"]["txnId"] for commit in commits]


def paths(s3, table):
    return sorted(file["path"] for file in s3.run("files", table, "--json").lines())


# ---- one by one ----------------------------------------------------------------------------------


def test_Create_IsTheFirstCommit(s3, place, columns):
    report = s3.run("create", uri_of(place), "--schema", columns, "--property",
                    "delta.enableInCommitTimestamps=true", "--json").object()
    assert (report["table"], report["location"], report["version"]) == (
        uri_of(place), uri_of(place), 0)
    [first] = commits_of(s3, place)
    assert [list(action) for action in first] == [["commitInfo"], ["protocol"], ["metaData"]]
    assert first[2]["metaData"]["id"] == report["tableId"]
    assert s3.run("snapshot", uri_of(place), "--json").object()["timestamp"] == (
        first[0]["commitInfo"]["inCommitTimestamp"])
    outcome = s3.run("create", uri_of(place), "--schema", columns, "--json")
    assert outcome.status == CONFLICT
    assert (outcome.error()["code"], outcome.error()["location"]) == (
        "AlreadyExists", uri_of(place))
    assert commits_of(s3, place) == [first]


def test_LifeOfATable_IsReadBack(s3, place, table, actions):
    for version, lines in enumerate([[add("f1")], [add("f2"), add("f3")],
                                     [remove("f1"), add("f4")]], 1):
        done = s3.run("commit", table, "--actions", actions(*lines), "--json").object()
        assert done["version"] == version
    assert s3.run("set-properties", table, "owner=me", "--json").object()["version"] == 4
    assert paths(s3, table) == ["f2", "f3", "f4"]
    history = s3.run("history", table, "--json").lines()
    assert [entry["operation"] for entry in history] == [
        "SET TBLPROPERTIES", "WRITE", "WRITE", "WRITE", "CREATE TABLE"]
    assert s3.run("properties", table, "--json").object() == {"owner": "me"}
    assert len(set(commit_ids(commits_of(s3, place)))) == 5


def test_StaleVersion_IsAConflict(s3, place, table, actions):
    s3.run("commit", table, "--actions", actions(add("f1")), "--json").object()
    outcome = s3.run("commit", table, "--actions", actions(add("f2")), "--expect-version", "0",
                     "--json")
    assert outcome.status == CONFLICT
    error = outcome.error()
    assert (error["expectedVersion"], error["actualVersion"]) == (0, 1)
    outcome = s3.run("commit", table, "--actions", actions(remove("f1")), "--read-version", "0",
                     "--json")
    assert outcome.status == USAGE  # which version 0 does not have
    assert len(commits_of(s3, place)) == 2


def test_RemoveOfAFileThatIsGone_IsRefused(s3, table, actions):
    s3.run("commit", table, "--actions", actions(add("f1")), "--json").object()
    s3.run("commit", table, "--actions", actions(remove("f1")), "--json").object()
    assert s3.run("commit", table, "--actions", actions(remove("f1")), "--json").status == USAGE
    outcome = s3.run("commit", table, "--actions", actions(remove("f1")), "--read-version", "1",
                     "--json")
    assert outcome.status == CONFLICT


def test_AppTransaction_IsSkippedTheSecondTime(s3, place, table, actions):
    options = ["--app-id", "loader", "--app-version", "4", "--json"]
    assert s3.run("commit", table, "--actions", actions(add("f1")), *options).object()[
        "version"] == 1
    assert s3.run("commit", table, "--actions", actions(add("f2")), *options).object()["skipped"]
    assert paths(s3, table) == ["f1"] and len(commits_of(s3, place)) == 2


def test_CommitOfTheSameIdAgain_IsFound(s3, place, table, actions):
    arguments = ["commit", table, "--actions", actions(add("f1")), "--commit-id", MINE,
                 "--expect-version", "0", "--json"]
    assert s3.run(*arguments).object() == {"version": 1, "commitId": MINE}
    assert s3.run(*arguments).object() == {"version": 1, "commitId": MINE}
    assert len(commits_of(s3, place)) == 2


def test_TableThatIsNotThere_IsNotFound(s3, place, actions):
    assert s3.run("commit", uri_of(place), "--actions", actions(add("f1")),
                  "--json").status == NOT_FOUND
    assert s3.run("set-properties", uri_of(place), "a=1", "--json").status == NOT_FOUND


def test_CatalogTableWhoseDataIsOnS3_IsCommittedExportedAndRead(s3, place, columns, actions,
                                                                tmp_path):
    catalog = Catalog(tmp_path / "meta.db")
    s3.run("create", catalog.table("t"), "--schema", columns, "--location", uri_of(place) + "/",
           "--json").object()
    assert run("tables", catalog.uri, "--json").lines()[0]["location"] == uri_of(place)
    run("commit", catalog.table("t"), "--actions", actions(add("f1")), "--json").object()
    s3.run("export", catalog.table("t"), uri_of(place), "--json").object()
    assert paths(s3, uri_of(place)) == ["f1"]
    outcome = s3.run("create", catalog.table("u"), "--schema", columns, "--location",
                     uri_of(place), "--json")
    assert (outcome.status, outcome.error()["table"]) == (CONFLICT, "t")


# ---- many at once --------------------------------------------------------------------------------


def test_ManyCreate_OneWins(s3, place, columns):
    with ThreadPoolExecutor(WRITERS) as threads:
        outcomes = list(threads.map(
            lambda _: s3.run("create", uri_of(place), "--schema", columns, "--json"),
            range(WRITERS)))
    assert sorted(outcome.status for outcome in outcomes) == [DONE] + [CONFLICT] * (WRITERS - 1)
    [made] = [outcome.object() for outcome in outcomes if outcome.status == DONE]
    [first] = commits_of(s3, place)
    assert first[2]["metaData"]["id"] == made["tableId"]
    assert commit_ids([first]) == [made["commitId"]]


def test_ManyAppend_AllLandOnce(s3, place, table, actions):
    def write(writer):
        return [s3.run("commit", table, "--actions", actions(add(f"f{writer}-{n}")),
                       "--json").object() for n in range(APPENDS)]

    with ThreadPoolExecutor(WRITERS) as threads:
        done = [report for reports in threads.map(write, range(WRITERS)) for report in reports]
    commits = commits_of(s3, place)
    assert sorted(report["version"] for report in done) == list(range(1, WRITERS * APPENDS + 1))
    assert len(commits) == WRITERS * APPENDS + 1
    ids = commit_ids(commits)
    assert len(set(ids)) == len(ids)
    assert {report["version"]: report["commitId"] for report in done} == dict(
        enumerate(ids[1:], 1))
    assert paths(s3, table) == sorted(f"f{writer}-{n}" for writer in range(WRITERS)
                                      for n in range(APPENDS))
    # Each comes after the one before it: what it read is no later than that.
    for version, commit in enumerate(commits[1:], 1):
        assert commit[0]["commitInfo"]["readVersion"] < version


def test_ManyRemoveTheSameFile_OneWins(s3, place, table, actions):
    s3.run("commit", table, "--actions", actions(add("f1")), "--json").object()
    with ThreadPoolExecutor(WRITERS) as threads:
        outcomes = list(threads.map(
            lambda n: s3.run("commit", table, "--actions", actions(remove("f1"), add(f"g{n}")),
                             "--read-version", "1", "--json"), range(WRITERS)))
    assert sorted(outcome.status for outcome in outcomes) == [DONE] + [CONFLICT] * (WRITERS - 1)
    assert len(commits_of(s3, place)) == 3 and len(paths(s3, table)) == 1


def test_ManyWithTheSameCommitId_AreOneCommit(s3, place, table, actions):
    path = actions(add("f1"))
    with ThreadPoolExecutor(WRITERS) as threads:
        done = list(threads.map(
            lambda _: s3.run("commit", table, "--actions", path, "--commit-id", MINE, "--json"),
            range(WRITERS)))
    assert {outcome.status for outcome in done} == {DONE}, done
    assert {outcome.object()["version"] for outcome in done} == {1}
    assert commit_ids(commits_of(s3, place)).count(MINE) == 1


# ---- answers that get lost -----------------------------------------------------------------------


def is_commit(request):
    return request.command == "PUT" and "/_delta_log/" in request.path


def lose_answers(proxy, count):
    """Commits are written and nobody is told, so many times."""
    left = [count]

    def lose(handler):
        proxy.forward(handler)
        handler.close_connection = True

    def fault(request):
        if not is_commit(request) or left[0] == 0:
            return None
        left[0] -= 1
        return lose

    proxy.fault = fault


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_LostAnswers_AreSettledAndNothingIsDoubled(s3, s3_proxy, place, table, actions, attempts,
                                                   count):
    lose_answers(s3_proxy, count)
    done = s3.run("commit", table, "--actions", actions(add("f1")), "--json",
                  AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_MAX_ATTEMPTS=str(attempts)).object()
    assert done["version"] == 1
    commits = commits_of(s3, place)
    assert len(commits) == 2 and commit_ids(commits)[1] == done["commitId"]
    assert paths(s3, table) == ["f1"]


@pytest.mark.parametrize("attempts", [1, 3])
def test_LostAnswerToCreate_IsSettled(s3, s3_proxy, place, columns, attempts):
    lose_answers(s3_proxy, 1)
    made = s3.run("create", uri_of(place), "--schema", columns, "--json",
                  AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_MAX_ATTEMPTS=str(attempts)).object()
    [first] = commits_of(s3, place)
    assert first[2]["metaData"]["id"] == made["tableId"]


def test_RequestThatIsLostOnItsWay_IsMadeAgain(s3, s3_proxy, place, table, actions):
    lost = []

    def fault(request):
        if not is_commit(request) or lost:
            return None
        lost.append(request.path)
        return lambda handler: setattr(handler, "close_connection", True)

    s3_proxy.fault = fault
    done = s3.run("commit", table, "--actions", actions(add("f1")), "--json",
                  AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_MAX_ATTEMPTS="1").object()
    assert done["version"] == 1 and len(commits_of(s3, place)) == 2 and lost


def test_AnotherThatIsFirstWhileTheAnswerIsLost_IsComeBehind(s3, s3_proxy, place, table, actions):
    """The request never arrives, and meanwhile somebody else takes the version."""
    overtaken = []

    def overtake(handler):
        other = s3.run("commit", table, "--actions", actions(add("theirs")), "--json").object()
        overtaken.append(other["version"])
        handler.close_connection = True

    s3_proxy.fault = lambda request: overtake if is_commit(request) and not overtaken else None
    done = s3.run("commit", table, "--actions", actions(add("ours")), "--json",
                  AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_MAX_ATTEMPTS="1").object()
    assert (overtaken, done["version"]) == ([1], 2)
    assert paths(s3, table) == ["ours", "theirs"]
    ids = commit_ids(commits_of(s3, place))
    assert len(ids) == 3 and ids.count(done["commitId"]) == 1


def test_StoreThatNeverAnswers_IsInDoubtAndTheIdSettlesIt(s3, s3_proxy, place, table, actions):
    lose_answers(s3_proxy, -1)
    path = actions(add("f1"))
    outcome = s3.run("commit", table, "--actions", path, "--json",
                     AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_MAX_ATTEMPTS="1")
    # It may have found its own text there; if not, it says what to do.
    if outcome.status == DONE:
        assert outcome.object()["version"] == 1
        commit_id = outcome.object()["commitId"]
    else:
        assert outcome.status == 8, outcome
        commit_id = outcome.error()["commitId"]
    again = s3.run("commit", table, "--actions", path, "--commit-id", commit_id,
                   "--expect-version", "0", "--json").object()
    assert again == {"version": 1, "commitId": commit_id}
    assert commit_ids(commits_of(s3, place)).count(commit_id) == 1


def test_ManyAppendWhileAnswersGetLost_AllLandOnce(s3, s3_proxy, place, table, actions):
    """Every third answer is lost."""
    count = [0]
    lock = threading.Lock()

    def lose(handler):
        s3_proxy.forward(handler)
        handler.close_connection = True

    def fault(request):
        if not is_commit(request):
            return None
        with lock:
            count[0] += 1
            return lose if count[0] % 3 == 0 else None

    s3_proxy.fault = fault

    def write(writer):
        return [s3.run("commit", table, "--actions", actions(add(f"f{writer}-{n}")), "--json",
                       AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_MAX_ATTEMPTS="1").object()
                for n in range(2)]

    with ThreadPoolExecutor(WRITERS) as threads:
        done = [report for reports in threads.map(write, range(WRITERS)) for report in reports]
    ids = commit_ids(commits_of(s3, place))
    assert sorted(report["version"] for report in done) == list(range(1, WRITERS * 2 + 1))
    assert {report["version"]: report["commitId"] for report in done} == dict(
        enumerate(ids[1:], 1))
    assert len(set(ids)) == len(ids)
    assert len(paths(s3, table)) == WRITERS * 2


def test_DeniedCommit_IsPermissionAndChangesNothing(s3, s3_proxy, place, table, actions):
    s3_proxy.fault = lambda request: access_denied() if is_commit(request) else None
    outcome = s3.run("commit", table, "--actions", actions(add("f1")), "--json",
                     AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert (outcome.status, outcome.error()["code"]) == (UNAVAILABLE, "Permission")
    assert len(commits_of(s3, place)) == 1
