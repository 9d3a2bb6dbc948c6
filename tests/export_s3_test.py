"""Exporting to S3: real conditional PUTs to a real server, signed as the AWS tools sign, and
whatever may happen to a request on its way."""

import collections
import hashlib
import threading
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from catalog_support import CONFLICT, Catalog
from object_store_support import (BUCKET, KEY_ID, SECRET, TOKEN, access_denied, silent)
from support import (CORRUPT, DONE, NOT_FOUND, UNAVAILABLE, UNSUPPORTED, add, commit_info, remove,
                     run)

COMMITS = 5


@pytest.fixture
def orders(table, tmp_path):
    """A table of five versions in a catalog."""
    table.grow(COMMITS)
    catalog = Catalog(tmp_path / "meta.db")
    catalog.take_in(table.folder, "orders")
    return catalog.table("orders")


@pytest.fixture
def place(request):
    """A key that nothing is below."""
    return f"exports/{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]}"


def uri_of(place):
    return f"s3://{BUCKET}/{quote(place)}"


def objects(s3, place):
    """What there is below a key, by name."""
    listed = s3.client.list_objects_v2(Bucket=BUCKET, Prefix=place + "/").get("Contents", [])
    return {entry["Key"].removeprefix(place + "/"):
            s3.client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
            for entry in listed}


def logs_of(table):
    return {f"_delta_log/{file.name}": file.read_bytes() for file in table.log.iterdir()}


def failing(s3, status, *arguments, **variables):
    """Runs an export that has to fail with this status and gives its error."""
    outcome = s3.run("export", *arguments, "--json", AWS_SESSION_TOKEN=TOKEN, **variables)
    assert outcome.status == status, outcome
    for secret in (SECRET, TOKEN):
        assert secret not in outcome.stderr
    return outcome.error()


def puts(proxy):
    return collections.Counter(path for path, _, _ in proxy.writes)


# ---- what comes there ----------------------------------------------------------------------------


def test_Commits_AreThereByteForByteAndOnce(s3, table, orders, place):
    report = s3.run("export", orders, uri_of(place), "--json").object()
    warnings = report.pop("warnings")
    assert report == {"table": "orders", "fromVersion": 0, "toVersion": COMMITS - 1,
                      "commits": COMMITS, "destination": uri_of(place)}
    assert len(warnings) == 1 and "time" in warnings[0]
    assert objects(s3, place) == logs_of(table)
    assert s3.run("export", orders, uri_of(place), "--json").object()["commits"] == 0
    assert objects(s3, place) == logs_of(table)


def test_LogThatStartsAboveZero_IsReadFromThere(s3, table, tmp_path, place):
    table.grow(COMMITS)
    table.commit(COMMITS, commit_info(), remove("f0"), add("a%20b", tags={"t": "v"}))
    catalog = Catalog(tmp_path / "meta.db")
    catalog.take_in(table.folder, "late", "--latest-only")
    report = s3.run("export", catalog.table("late"), uri_of(place), "--json").object()
    assert (report["fromVersion"], report["checkpoint"]) == (COMMITS, COMMITS)
    assert sorted(objects(s3, place)) == [
        f"_delta_log/{COMMITS:020d}.checkpoint.parquet", f"_delta_log/{COMMITS:020d}.json",
        "_delta_log/_last_checkpoint"]
    expected = run("files", table.folder, "--json").lines()
    assert s3.run("files", uri_of(place), "--json").lines() == [
        {**file, "dataChange": False} for file in expected]  # as in every checkpoint
    assert s3.run("export", catalog.table("late"), uri_of(place), "--json").object()["commits"] == 0


def test_TableWithInCommitTimestamps_NeedsNoWarning(s3, table, tmp_path, place):
    table.commit(0, commit_info(inCommitTimestamp=5),
                 *[{"protocol": {"minReaderVersion": 1, "minWriterVersion": 7,
                                 "writerFeatures": ["inCommitTimestamp"]}}],
                 {"metaData": {"id": "t", "format": {"provider": "parquet", "options": {}},
                               "schemaString": '{"type":"struct","fields":[]}',
                               "partitionColumns": [],
                               "configuration": {"delta.enableInCommitTimestamps": "true"}}})
    catalog = Catalog(tmp_path / "meta.db")
    catalog.take_in(table.folder, "t")
    assert s3.run("export", catalog.table("t"), uri_of(place), "--json").object()["warnings"] == []
    assert s3.run("snapshot", uri_of(place), "--json").object()["timestamp"] == 5


def test_FileBasedTable_IsExportedFromBucketToBucket(s3, table, place):
    source = s3.upload(table.grow(3).folder)
    report = s3.run("export", source, uri_of(place), "--absolute-paths", "--json").object()
    assert (report["table"], report["commits"]) == (source, 3)
    assert [file["path"] for file in s3.run("files", uri_of(place), "--json").lines()] == [
        f"{source}/f{n}" for n in range(3)]


# ---- how it is asked for -------------------------------------------------------------------------


def expected_signature(proxy, path, headers, body):
    """The signature that an implementation of its own gives the same request."""
    given = headers["Authorization"] if "Authorization" in headers else headers["authorization"]
    fields = dict(part.strip().split("=", 1)
                  for part in given.removeprefix("AWS4-HMAC-SHA256").split(","))
    lower = {name.lower(): value for name, value in headers.items()}
    signed = fields["SignedHeaders"].split(";")
    request = AWSRequest("PUT", proxy.endpoint + path, data=body,
                         headers={name: lower[name] for name in signed})
    request.context["timestamp"] = lower["x-amz-date"]
    auth = S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", fields["Credential"].split("/")[2])
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)),
                               request)
    return fields["Signature"], signature, signed, lower


def test_Requests_AreSignedWithPayloadConditionAndToken(s3, s3_proxy, table, tmp_path, place):
    table.create(*[add(f"f{n:05}", stats="x" * 300) for n in range(5_000)])  # 2 MB
    catalog = Catalog(tmp_path / "meta.db")
    catalog.take_in(table.folder, "t")
    odd = place + "/odd/ a%20b$c=d+ö'()*!~"
    outcome = s3.run("export", catalog.table("t"), uri_of(odd), "--json",
                     AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_SESSION_TOKEN=TOKEN,
                     AWS_REGION="eu-west-3")
    assert outcome.status == DONE, outcome
    assert objects(s3, odd) == logs_of(table)
    assert s3_proxy.writes
    for path, headers, body in s3_proxy.writes:
        sent, expected, signed, lower = expected_signature(s3_proxy, path, headers, body)
        assert sent == expected
        assert {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token",
                "if-none-match"} <= set(signed)
        assert lower["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
        assert lower["x-amz-security-token"] == TOKEN
        assert "/eu-west-3/s3/aws4_request" in lower["authorization"]
        assert lower["if-none-match"] == "*"


def test_FirstWrite_IsMadeTwiceAndNoOther(s3, s3_proxy, orders, place):
    outcome = s3.run("export", orders, uri_of(place), AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert outcome.status == DONE, outcome
    assert sorted(puts(s3_proxy).values()) == [1] * (COMMITS - 1) + [2]


def test_NoCredentials_AsksWithoutASignature(s3, s3_proxy, orders, place):
    outcome = s3.run("export", orders, uri_of(place), AWS_ENDPOINT_URL=s3_proxy.endpoint,
                     AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert s3_proxy.writes, outcome
    assert all("authorization" not in {name.lower() for name in headers}
               for _, headers, _ in s3_proxy.writes)


def test_TlsEndpoint_IsTrustedByTheBundleThatIsNamed(s3, make_s3_proxy, orders, table, place,
                                                     certificate):
    proxy = make_s3_proxy(certificate)
    secure = {"AWS_ENDPOINT_URL": proxy.endpoint, "AWS_MAX_ATTEMPTS": "1"}
    assert failing(s3, UNAVAILABLE, orders, uri_of(place), **secure)["code"] == "Unavailable"
    assert proxy.writes == []
    outcome = s3.run("export", orders, uri_of(place), AWS_CA_BUNDLE=str(certificate), **secure)
    assert outcome.status == DONE, outcome
    assert objects(s3, place) == logs_of(table)


# ---- what may happen on the way ------------------------------------------------------------------


def once_each(fault):
    """The fault for the first PUT of each object."""
    seen = set()

    def decide(request):
        if request.command != "PUT" or request.path in seen:
            return None
        seen.add(request.path)
        return fault

    return decide


def lose_answer(proxy):
    """The object is written, and nobody is told."""

    def fault(handler):
        proxy.forward(handler)
        handler.close_connection = True

    return fault


def test_LostAnswers_AreSettledByWhatIsThere(s3, s3_proxy, table, orders, place):
    s3_proxy.fault = once_each(lose_answer(s3_proxy))
    outcome = s3.run("export", orders, uri_of(place), "--json", AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert outcome.object()["commits"] == COMMITS
    assert objects(s3, place) == logs_of(table)


def test_LostAnswerToTheLastAttempt_IsSettledToo(s3, s3_proxy, table, orders, place):
    s3_proxy.fault = once_each(lose_answer(s3_proxy))
    outcome = s3.run("export", orders, uri_of(place), "--json", AWS_MAX_ATTEMPTS="1",
                     AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert outcome.object()["commits"] == COMMITS
    assert objects(s3, place) == logs_of(table)


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_PassingRefusals_AreTriedAgain(s3, s3_proxy, table, orders, place, status):
    s3_proxy.fault = once_each((status, b"<Error><Code>ConditionalRequestConflict</Code></Error>"))
    outcome = s3.run("export", orders, uri_of(place), "--json", AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert outcome.object()["commits"] == COMMITS
    assert objects(s3, place) == logs_of(table)


def test_StoreThatIsBusyForGood_IsUnavailableAfterAFewRequests(s3, s3_proxy, orders, place):
    s3_proxy.fault = lambda request: (
        (503, b"<Error><Code>SlowDown</Code></Error>") if request.command == "PUT" else None)
    error = failing(s3, UNAVAILABLE, orders, uri_of(place), AWS_ENDPOINT_URL=s3_proxy.endpoint,
                    AWS_MAX_ATTEMPTS="4")
    assert (error["code"], error["store"]) == ("Unavailable", f"s3://{BUCKET}")
    assert list(puts(s3_proxy).values()) == [4]
    s3_proxy.fault = lambda request: None
    assert s3.run("export", orders, uri_of(place), "--json").object()["commits"] == COMMITS


def test_StoreThatIsSilent_IsUnavailable(s3, s3_proxy, orders, place):
    s3_proxy.fault = lambda request: silent if request.command == "PUT" else None
    error = failing(s3, UNAVAILABLE, orders, uri_of(place), AWS_ENDPOINT_URL=s3_proxy.endpoint,
                    AWS_MAX_ATTEMPTS="1")
    assert error["store"] == f"s3://{BUCKET}"


def test_OtherCommitThatComesFirst_IsAConflict(s3, s3_proxy, orders, place):
    other = b'{"commitInfo":{}}\n'

    def overtake(handler):
        key = f"{place}/_delta_log/{2:020d}.json"
        if handler.command == "PUT" and handler.path.endswith(f"{2:020d}.json"):
            s3.put(key, other)

    s3_proxy.fault = overtake
    error = failing(s3, CONFLICT, orders, uri_of(place), AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert (error["code"], error["file"]) == (
        "AlreadyExists", f"{uri_of(place)}/_delta_log/{2:020d}.json")
    found = objects(s3, place)
    assert found[f"_delta_log/{2:020d}.json"] == other and len(found) == 3


def test_DeniedWrite_IsPermissionWithoutASecret(s3, s3_proxy, orders, place):
    s3_proxy.fault = lambda request: (
        access_denied(f"{SECRET} {TOKEN}") if request.command == "PUT" else None)
    error = failing(s3, UNAVAILABLE, orders, uri_of(place), AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert error["code"] == "Permission" and "AccessDenied" in error["message"]
    assert sum(puts(s3_proxy).values()) == 1  # it is not tried again


def test_StoreThatIgnoresTheCondition_IsRefusedAndLosesNothing(s3, s3_proxy, table, orders, place):
    def ignore(handler):
        if handler.command == "PUT":
            return s3_proxy.forward(handler, without=("if-none-match",))
        return None

    s3_proxy.fault = ignore
    theirs = table.path(0).read_bytes()
    s3.put(f"{place}/_delta_log/{0:020d}.json", theirs)
    error = failing(s3, UNSUPPORTED, orders, uri_of(place), AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert (error["code"], error["store"]) == ("Unsupported", f"s3://{BUCKET}")
    # The first one that was missing is what the store was found out by.
    assert sorted(objects(s3, place)) == [f"_delta_log/{n:020d}.json" for n in range(2)]
    assert objects(s3, place)[f"_delta_log/{0:020d}.json"] == theirs


def test_StoreThatDoesNotKnowConditions_IsUnsupported(s3, s3_proxy, orders, place):
    s3_proxy.fault = lambda request: (
        (501, b"<Error><Code>NotImplemented</Code></Error>") if request.command == "PUT" else None)
    failing(s3, UNSUPPORTED, orders, uri_of(place), AWS_ENDPOINT_URL=s3_proxy.endpoint)


def test_TwoExportsAtOnce_EndWithTheSameLog(s3, table, orders, place):
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(
        s3.run("export", orders, uri_of(place), "--json"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcome.object()["commits"] for outcome in outcomes) >= COMMITS
    assert objects(s3, place) == logs_of(table)


# ---- what is refused -----------------------------------------------------------------------------


def test_MissingBucket_IsNotFoundByName(s3, orders):
    error = failing(s3, NOT_FOUND, orders, "s3://no-such-bucket/orders")
    assert error["bucket"] == "no-such-bucket"


@pytest.mark.parametrize("uri", ["gs://bucket/orders", "abfss://c@account.dfs.core.windows.net/o"])
def test_OtherStores_AreRefusedByName(s3, orders, uri):
    error = failing(s3, UNSUPPORTED, orders, uri)
    assert error["code"] == "Unsupported" and uri in error["message"]


def test_OtherLog_IsAConflictAndStays(s3, table, orders, place):
    s3.put(f"{place}/_delta_log/{3:020d}.json", b'{"commitInfo":{}}\n')
    error = failing(s3, CONFLICT, orders, uri_of(place))
    assert error["file"] == f"{uri_of(place)}/_delta_log/{3:020d}.json"
    assert list(objects(s3, place)) == [f"_delta_log/{3:020d}.json"]


def test_DamagedText_IsCorruptAndNotWritten(s3, orders, place, tmp_path):
    catalog = Catalog(tmp_path / "meta.db")
    catalog.sql("UPDATE dl_table_versions SET body_hash = zeroblob(16) WHERE version = 3")
    error = failing(s3, CORRUPT, orders, uri_of(place))
    assert (error["version"], error["table"]) == (3, "orders")
    assert sorted(objects(s3, place)) == [f"_delta_log/{n:020d}.json" for n in range(3)]
