"""S3 that is not there, says no, or answers badly: a typed error that says what and where, in
bounded time, without a secret."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog_support import Catalog
from object_store_support import (BUCKET, SECRET, TOKEN, access_denied, cut_off, silent,
                                  trickling)
from support import CORRUPT, DONE, NOT_FOUND, UNAVAILABLE, USAGE, add

LIST = "list-type=2"


@pytest.fixture
def orders(s3, table):
    """The URI of a table with three versions."""
    return s3.upload(table.grow(3).folder)


def refused(s3, status, uri, command="snapshot", **variables):
    """Runs a command that has to fail with this status, and gives its error."""
    outcome = s3.run(command, uri, "--json", AWS_SESSION_TOKEN=TOKEN, **variables)
    assert outcome.status == status, outcome
    for secret in (SECRET, TOKEN):
        assert secret not in outcome.stderr
    return outcome.error()


def failing(s3, proxy, status, uri, fault, **variables):
    proxy.fault = fault
    return refused(s3, status, uri, AWS_ENDPOINT_URL=proxy.endpoint, **variables)


def on_lists(what):
    return lambda request: what if LIST in request.path else None


def on_reads(what):
    return lambda request: None if LIST in request.path else what


# ---- not there -----------------------------------------------------------------------------------


def test_MissingBucket_IsNotFoundByName(s3):
    error = refused(s3, NOT_FOUND, "s3://no-such-bucket/orders")
    assert error["message"] == ("no Delta table at s3://no-such-bucket/orders: there is no bucket "
                                "no-such-bucket")


def test_MissingKeyAndFolderWithoutALog_AreNotFound(s3, orders):
    for uri in [f"s3://{BUCKET}/nothing", f"s3://{BUCKET}", f"{orders}/_delta_log"]:
        error = refused(s3, NOT_FOUND, uri)
        assert (error["code"], error["table"]) == ("NotFound", uri)
    s3.put("lone-checksum/_delta_log/00000000000000000000.crc", b"{}")
    refused(s3, NOT_FOUND, f"s3://{BUCKET}/lone-checksum")


def test_MissingSource_LeavesNoDatabase(s3, tmp_path):
    (tmp_path / "database").mkdir()
    catalog = Catalog(tmp_path / "database" / "meta.db")
    outcome = s3.run("import", "s3://no-such-bucket/t", catalog.table("t"), "--json")
    assert (outcome.status, catalog.left()) == (NOT_FOUND, {})


def test_DamagedCommit_IsCorruptWithItsUri(s3, orders):
    path = f"{orders}/_delta_log/{1:020d}.json"
    s3.put(path.removeprefix(f"s3://{BUCKET}/"), b'{"add":{"path"')
    error = refused(s3, CORRUPT, orders)
    assert (error["file"], error["line"]) == (path, 1)


def test_KeyWithAnEmptyPart_IsRefused(s3):
    error = refused(s3, USAGE, f"s3://{BUCKET}/a//b")
    assert error["code"] == "InvalidArgument" and "a//b" in error["message"]


def test_CommitThatVanishes_IsUnavailableAndNamed(s3, s3_proxy, orders):
    missing = (404, b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>")
    error = failing(s3, s3_proxy, UNAVAILABLE, orders, on_reads(missing))
    assert "while it was read" in error["message"] and error["file"].startswith(orders)
    assert s3_proxy.listings() > 2  # it was listed anew before that was said


# ---- denied --------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [on_lists, on_reads])
def test_DeniedAccess_IsPermissionAndWhere(s3, s3_proxy, orders, where):
    error = failing(s3, s3_proxy, UNAVAILABLE, orders, where(access_denied()))
    assert error["code"] == "Permission"
    assert f"{orders}/_delta_log" in error["message"] and "credentials" in error["message"]


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_CredentialsThatAreRefused_ArePermission(s3, s3_proxy, orders, code):
    answer = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    error = failing(s3, s3_proxy, UNAVAILABLE, orders,
                    on_lists((400 if code == "ExpiredToken" else 403, answer)))
    assert error["code"] == "Permission"


def test_StoreThatRepeatsASecret_IsNotQuoted(s3, s3_proxy, orders):
    text = f"key {SECRET} token {TOKEN} at https://h/b?X-Amz-Signature=0123abc"
    error = failing(s3, s3_proxy, UNAVAILABLE, orders, on_lists(access_denied(text)))
    assert "***" in error["message"] and "0123abc" not in error["message"]
    human = s3.run("snapshot", orders, AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_SESSION_TOKEN=TOKEN)
    assert SECRET not in human.stderr and TOKEN not in human.stderr


# ---- not answering -------------------------------------------------------------------------------


def test_RefusedConnection_IsUnavailableAndWhere(s3, orders):
    error = refused(s3, UNAVAILABLE, orders, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (error["code"], error["store"]) == ("Unavailable", f"s3://{BUCKET}")
    assert error["message"].startswith(f"cannot list folder {orders}/_delta_log: ")


def test_HostThatIsNone_IsUnavailable(s3, orders):
    error = refused(s3, UNAVAILABLE, orders, AWS_ENDPOINT_URL="http://no-such-host.invalid")
    assert error["code"] == "Unavailable"


@pytest.mark.parametrize("name, value", [("AWS_ENDPOINT_URL", "localhost:9000"),
                                         ("AWS_MAX_ATTEMPTS", "none")])
def test_SettingThatIsWrong_IsNamed(s3, orders, name, value):
    error = refused(s3, USAGE, orders, **{name: value})
    assert error["variable"] == name and name in error["message"]


def test_StoresThatAnswerTooSlowly_AreGivenUp(s3, orders, make_s3_proxy):
    """Nothing comes, to a listing and to a read; and something comes all the time, but too little.
    Together, since each takes as long as it may take: a minute at most."""
    def outcome_of(case):
        proxy = make_s3_proxy()
        started = time.monotonic()
        error = failing(s3, proxy, UNAVAILABLE, orders, case, AWS_MAX_ATTEMPTS="1")
        return error, time.monotonic() - started

    cases = [on_lists(silent), on_reads(silent), on_lists(trickling), on_reads(trickling)]
    with ThreadPoolExecutor(len(cases)) as threads:
        for error, seconds in threads.map(outcome_of, cases):
            assert (error["code"], error["store"]) == ("Unavailable", f"s3://{BUCKET}")
            assert orders in error["message"]
            assert seconds < 100  # a hang would be for ever


# ---- answering badly -----------------------------------------------------------------------------


def once_each(fault):
    """That fault on the first request of each kind, then none."""
    seen = set()

    def decide(request):
        kind = (request.command, request.path.split("?")[0])
        is_first = kind not in seen
        seen.add(kind)
        return fault if is_first else None
    return decide


@pytest.mark.parametrize("fault", [
    cut_off, (503, b"<Error><Code>SlowDown</Code><Message>no</Message></Error>"),
    (500, b"<Error><Code>InternalError</Code><Message>no</Message></Error>")])
def test_AnswerThatFailsOnce_IsAskedForAgain(s3, s3_proxy, orders, fault):
    s3_proxy.fault = once_each(fault)
    outcome = s3.run("files", orders, "--json", AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert [file["path"] for file in outcome.lines()] == ["f0", "f1", "f2"]


@pytest.mark.parametrize("where", [on_lists, on_reads])
@pytest.mark.parametrize("fault", [
    cut_off, (503, b"<Error><Code>SlowDown</Code><Message>no</Message></Error>"), (502, b"")])
def test_AnswerThatAlwaysFails_IsUnavailable(s3, s3_proxy, orders, where, fault):
    error = failing(s3, s3_proxy, UNAVAILABLE, orders, where(fault), AWS_MAX_ATTEMPTS="2")
    assert (error["code"], error["store"]) == ("Unavailable", f"s3://{BUCKET}")


@pytest.mark.parametrize("answer", [(200, b"no XML at all"), (200, b""), (418, b"<a>")])
def test_ListingThatIsNone_IsAnError(s3, s3_proxy, orders, answer):
    outcome = s3.run("snapshot", orders, "--json", AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert outcome.status == DONE
    s3_proxy.fault = on_lists(answer)
    outcome = s3.run("snapshot", orders, "--json", AWS_ENDPOINT_URL=s3_proxy.endpoint,
                     AWS_MAX_ATTEMPTS="1")
    assert outcome.status in (NOT_FOUND, UNAVAILABLE)
    assert outcome.error()["message"]


@pytest.mark.parametrize("change", ["shorter by one", "shorter by a line", "nothing left"])
def test_ObjectWrittenAnewAfterItWasListed_IsReadAsItIsNow(s3, s3_proxy, table, change):
    table.create(add("f0"), add("f1"))
    uri = s3.upload(table.folder)
    key = f"{uri.removeprefix(f's3://{BUCKET}/')}/_delta_log/{0:020d}.json"
    whole = table.path(0).read_bytes()
    short, status = {"shorter by one": (whole[:-1], DONE),
                     "shorter by a line": (whole[:whole[:-1].rfind(b"\n") + 1], DONE),
                     "nothing left": (b"", CORRUPT)}[change]

    def shorten(request):
        if LIST not in request.path:
            s3.put(key, short)
    s3_proxy.fault = shorten
    outcome = s3.run("files", uri, "--json", AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert outcome.status == status, outcome
    assert s3_proxy.listings() > 2
    if status == DONE:
        assert [file["path"] for file in outcome.lines()] == (
            ["f0"] if change == "shorter by a line" else ["f0", "f1"])


def test_LastByteThatLooksLikeNone_IsReadAllTheSame(s3, orders):
    """A commit that ends with the byte by which short answers are told: corrupt, not changed."""
    path = f"{orders.removeprefix(f's3://{BUCKET}/')}/_delta_log/{1:020d}.json"
    s3.put(path, b'{"add":{}}\n\xff')
    assert refused(s3, CORRUPT, orders)["line"] in (1, 2)


def test_CheckpointThatCannotBeFetched_IsNoDamage(s3, s3_proxy, table):
    """Commits could replace a damaged checkpoint, but not a store that does not answer."""
    table.grow(4)
    table.checkpoint(2, *table.state(2))
    uri = s3.upload(table.folder)
    error = failing(s3, s3_proxy, UNAVAILABLE, uri,
                    lambda request: (503, b"") if "checkpoint" in request.path else None,
                    AWS_MAX_ATTEMPTS="1")
    assert error["code"] == "Unavailable" and "checkpoint.parquet" in error["message"]
