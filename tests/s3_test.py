"""Tables on S3: the same answers as from the disk, with few requests, by the settings of the AWS
tools."""

import json
import os
import re
import subprocess
from pathlib import Path

from catalog_support import Catalog
from object_store_support import BUCKET, KEY_ID, SECRET, TOKEN
from support import DONE, REPOSITORY, add, metadata, protocol, remove, run

COMMANDS = ["snapshot", "files", "schema", "protocol", "properties", "history"]


def without_times(outcome):
    """The lines of an outcome without commits' times, which are those of the files."""
    return [{name: value for name, value in line.items() if name != "timestamp"}
            for line in outcome.lines()]


def same_answers(s3, uri, folder, *at):
    for command in COMMANDS:
        on_s3 = s3.run(command, uri, "--json", *(at if command != "history" else []))
        on_disk = run(command, folder, "--json", *(at if command != "history" else []))
        assert without_times(on_s3) == without_times(on_disk)


def files(s3, uri, *arguments, **variables):
    return [file["path"] for file in s3.run("files", uri, *arguments, "--json",
                                            **variables).lines()]


def test_TableWithCheckpoint_AnswersAsFromDisk(s3, table):
    table.grow(12)
    table.checkpoint(8, *table.state(8))
    table.commit(12, remove("f3"), add("f12", stats='{"numRecords":3}'))
    uri = s3.upload(table.folder)
    same_answers(s3, uri, table.folder)
    same_answers(s3, uri + "/", table.folder, "--version", 5)


def test_ImportedFromS3_IsAsTheSourceAndTakesInWhatIsNew(s3, table, tmp_path):
    table.grow(4)
    uri = s3.upload(table.folder)
    catalog = Catalog(tmp_path / "meta.db")
    report = s3.run("import", uri, catalog.table("orders"), "--json").object()
    assert (report["fromVersion"], report["toVersion"], report["verified"]) == (0, 3, True)
    s3.put(f"{uri.removeprefix(f's3://{BUCKET}/')}/_delta_log/{4:020d}.json",
           table.commit(4, remove("f0")).read_bytes())
    assert s3.run("import", uri + "/", catalog.table("orders"), "--json").object()["commits"] == 1
    assert s3.run("verify", catalog.table("orders"), "--against", uri).status == DONE
    assert run("tables", catalog.uri, "--json").object()["location"] == uri
    assert files(s3, catalog.table("orders")) == ["f1", "f2", "f3"]


def test_KeyWithOddCharacters_IsReadAndKeptAsUri(s3, table, tmp_path):
    table.grow(2)
    key = "odd/ a%20b$c=d+ö"
    uri = s3.upload(table.folder, key)
    assert uri.endswith("%20a%2520b%24c%3Dd%2B%C3%B6")
    assert files(s3, uri) == ["f0", "f1"]
    catalog = Catalog(tmp_path / "meta.db")
    s3.run("import", uri, catalog.table("odd"), "--json").object()
    location = run("tables", catalog.uri, "--json").object()["location"]
    assert files(s3, location) == ["f0", "f1"]
    assert s3.run("verify", catalog.table("odd"), "--against", location).status == DONE


def test_AbsolutePaths_NameFilesOfTheTableInEachSpelling(s3, table, tmp_path):
    key = "absolute/a b"
    table.create(*[add(f"f{n}") for n in range(5)])
    for version, spelling in enumerate(["s3://tables/absolute/a%20b/f0",
                                        "s3a://tables/absolute/a%20b/f1",
                                        "s3n://tables/absolute/a%20b/f2"], 1):
        table.commit(version, remove(spelling))
    table.commit(4, remove("s3a://other/absolute/a%20b/f3"))
    uri = s3.upload(table.folder, key)
    assert files(s3, uri) == ["f3", "f4"]
    catalog = Catalog(tmp_path / "meta.db")
    s3.run("import", uri, catalog.table("t"), "--json").object()
    assert files(s3, catalog.table("t")) == ["f3", "f4"]
    assert s3.run("verify", catalog.table("t"), "--against", uri).status == DONE


def test_BucketItself_IsATable(s3, table):
    table.grow(2)
    s3.client.create_bucket(Bucket="whole-bucket")
    for file in table.log.iterdir():
        s3.client.put_object(Bucket="whole-bucket", Key=f"_delta_log/{file.name}",
                             Body=file.read_bytes())
    assert files(s3, "s3://whole-bucket") == ["f0", "f1"]


def test_TimeOfAVersion_IsThatOfItsObject(s3, table):
    uri = s3.upload(table.grow(1).folder)
    key = f"{uri.removeprefix(f's3://{BUCKET}/')}/_delta_log/{0:020d}.json"
    listed = s3.client.list_objects_v2(Bucket=BUCKET, Prefix=key)["Contents"][0]["LastModified"]
    told = s3.run("snapshot", uri, "--json").object()["timestamp"]
    assert told // 1000 == int(listed.timestamp())


def test_MoreFilesThanOneListingTells_AreAllFound(s3, table):
    commits = 1_050  # S3 lists 1,000 at a time
    uri = s3.upload(table.grow(commits).folder)
    assert s3.run("snapshot", uri, "--json").object()["numFiles"] == commits
    assert len(s3.run("history", uri, "--json").lines()) == commits


# ---- how many requests ---------------------------------------------------------------------------


def test_Commits_AreAskedForOnceForEachPass(s3, s3_proxy, table):
    commits = 40
    uri = s3.upload(table.grow(commits).folder)
    assert s3.run("protocol", uri, AWS_ENDPOINT_URL=s3_proxy.endpoint).status == DONE
    assert len(s3_proxy.reads()) == len(set(s3_proxy.reads())) == commits
    assert s3_proxy.listings() == 2
    s3_proxy.requests.clear()
    assert len(s3.run("history", uri, "--limit", 3, "--json",
                      AWS_ENDPOINT_URL=s3_proxy.endpoint).lines()) == 3
    assert len(s3_proxy.reads()) == commits + 3


def test_LargeCommitAndCheckpoint_AreReadInFewRanges(s3, s3_proxy, table):
    # 24 MB of commit; the texts of checkpoints are of a kind that does not shrink.
    table.create(*[add(f"f{n:05}", stats=json.dumps({"x": "y" * 1000})) for n in range(24_000)])
    uri = s3.upload(table.folder)
    s3.run("protocol", uri, AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert len(s3_proxy.reads()) <= 9
    s3_proxy.requests.clear()
    table.checkpoint(1, protocol(), metadata(),
                     *[add(f"f{n:05}-{os.urandom(200).hex()}") for n in range(10_000)])
    uri = s3.upload(table.folder)
    outcome = s3.run("files", uri, "--json", AWS_ENDPOINT_URL=s3_proxy.endpoint)
    assert len(outcome.lines()) == 10_000
    assert len(s3_proxy.reads()) <= 6


# ---- settings ------------------------------------------------------------------------------------


def test_EndpointForS3_GoesBeforeTheGeneralOne(s3, table):
    uri = s3.upload(table.grow(1).folder)
    wrong = "http://127.0.0.1:1"
    assert files(s3, uri, AWS_ENDPOINT_URL=wrong, AWS_ENDPOINT_URL_S3=s3.endpoint) == ["f0"]
    outcome = s3.run("files", uri, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true",
                     HTTPS_PROXY=wrong, AWS_MAX_ATTEMPTS="1")
    assert "127.0.0.1" not in outcome.stderr and outcome.status != DONE


def test_Credentials_AreTakenFromVariablesOrProfiles(s3, s3_proxy, table, tmp_path):
    uri = s3.upload(table.grow(1).folder)

    def sent(**variables):
        s3_proxy.requests.clear()
        files(s3, uri, AWS_ENDPOINT_URL=s3_proxy.endpoint, **variables)
        return s3_proxy.requests[0][2]

    headers = sent(AWS_SESSION_TOKEN=TOKEN)
    assert f"Credential={KEY_ID}/" in headers["authorization"]
    assert "/us-east-1/s3/" in headers["authorization"]
    assert headers["x-amz-security-token"] == TOKEN
    assert "/eu-west-3/s3/" in sent(AWS_REGION="", AWS_DEFAULT_REGION="eu-west-3")["authorization"]
    profiles = tmp_path / "credentials"
    profiles.write_text("[other]\naws_access_key_id = profile-key-id\n"
                        f"aws_secret_access_key = {SECRET}\n")
    headers = sent(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_PROFILE="other",
                   AWS_SHARED_CREDENTIALS_FILE=str(profiles))
    assert "Credential=profile-key-id/" in headers["authorization"]


def test_NoCredentials_AsksWithoutASignature(s3, s3_proxy, table):
    uri = s3.upload(table.grow(1).folder)
    s3.run("files", uri, AWS_ENDPOINT_URL=s3_proxy.endpoint, AWS_ACCESS_KEY_ID="",
           AWS_SECRET_ACCESS_KEY="")
    assert s3_proxy.requests and "authorization" not in s3_proxy.requests[0][2]


def test_TlsEndpoint_IsTrustedByTheBundleThatIsNamed(s3, table, make_s3_proxy, certificate):
    uri = s3.upload(table.grow(2).folder)
    proxy = make_s3_proxy(certificate)
    secure = {"AWS_ENDPOINT_URL": proxy.endpoint, "AWS_MAX_ATTEMPTS": "1"}
    assert files(s3, uri, AWS_CA_BUNDLE=str(certificate), **secure) == ["f0", "f1"]
    outcome = s3.run("files", uri, "--json", **secure)
    assert (outcome.status, outcome.error()["code"]) == (7, "Unavailable")


def test_CommandsInTheGuide_Run(s3, table, tmp_path):
    """The commands of docs/uri.md, Object stores, with this test's server for the one they name."""
    guide = (REPOSITORY / "docs" / "uri.md").read_text(encoding="utf-8")
    section = guide.split("## Object stores\n")[1].split("\n## ")[0]
    commands = re.findall(r"^    \$ (.*)$", section, re.MULTILINE)
    assert len(commands) >= 3
    s3.upload(table.grow(2).folder, "orders")
    script = "\n".join(["set -e", *commands]).replace("s3://bucket/", f"s3://{BUCKET}/")
    script = re.sub(r"AWS_ENDPOINT_URL=\S+", f"AWS_ENDPOINT_URL={s3.endpoint}", script)
    bin_folder = Path(os.environ["DELTALAKEDB_PROGRAM"]).parent
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, **s3.environment(), "PATH": f"{bin_folder}:{os.environ['PATH']}"})
    assert done.returncode == 0, done
    assert "verified" in done.stdout
