"""Tables on Google Cloud Storage and Azure: as far as imitations of the few requests go that
reading takes. Only the real services would tell whether they are good ones."""

import base64
import json
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from catalog_support import Catalog
from object_store_support import NO_FILES, NO_OTHER_SETTINGS
from support import DONE, NOT_FOUND, UNAVAILABLE, add, remove, run

MODIFIED_SECONDS = 1_700_000_000
SECRET = base64.b64encode(b"very secret key").decode()


class Store:
    """Objects by name, over HTTP. What the answers look like is a subclass's."""

    def __init__(self):
        store = self
        self.objects = {}
        self.denies = False

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                status, headers, body = store.answer(self, unquote(url.path), query)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *arguments):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}"

    def stop(self):
        self._http.shutdown()
        self._http.server_close()

    def upload(self, folder, key):
        for file in Path(folder).rglob("*"):
            if file.is_file():
                name = f"{key}/{file.relative_to(folder).as_posix()}"
                self.objects[name] = file.read_bytes()

    def listed(self, query):
        """The objects and folders right below a prefix."""
        prefix = query.get("prefix", "")
        below = sorted(name for name in self.objects if name.startswith(prefix))
        folders = sorted({prefix + name[len(prefix):].split("/")[0] + "/" for name in below
                          if "/" in name[len(prefix):]})
        return [name for name in below if "/" not in name[len(prefix):]], folders

    def part(self, request, name):
        """Status, headers and bytes of an object or of the range that is asked for."""
        content = self.objects[name]
        wanted = request.headers.get("x-ms-range") or request.headers.get("Range")
        if not wanted:
            return 200, {}, content
        first, last = wanted.removeprefix("bytes=").split("-")
        last = min(int(last or len(content) - 1), len(content) - 1)
        headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        return 206, headers, content[int(first):last + 1]


class GoogleStore(Store):
    bucket = "tables"
    uri = "gs://tables/orders"

    def environment(self):
        return {"STORAGE_EMULATOR_HOST": self.endpoint.removeprefix("http://")}

    def error(self, status, text):
        body = json.dumps({"error": {"code": status, "message": text}}).encode()
        return status, {"Content-Type": "application/json"}, body

    def answer(self, request, path, query):
        if self.denies:
            return self.error(403, "no access")
        if f"/b/{self.bucket}" not in path and f"/{self.bucket}/" not in path:
            return self.error(404, "The specified bucket does not exist.")
        if path.endswith("/o"):
            names, folders = self.listed(query)
            body = {"kind": "storage#objects", "prefixes": folders,
                    "items": [self.about(name) for name in names]}
            return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()
        name = path.split("/o/")[-1] if "/o/" in path else path.split(f"/{self.bucket}/", 1)[1]
        if name not in self.objects:
            return self.error(404, "No such object")
        if "/storage/v1" in path and query.get("alt") != "media":
            return 200, {"Content-Type": "application/json"}, json.dumps(self.about(name)).encode()
        return self.part(request, name)

    def about(self, name):
        return {"kind": "storage#object", "bucket": self.bucket, "name": name, "generation": "1",
                "size": str(len(self.objects[name])), "updated": "2023-11-14T22:13:20.000Z",
                "timeCreated": "2023-11-14T22:13:20.000Z"}


class AzureStore(Store):
    container = "tables"
    uri = "abfss://tables@account.dfs.core.windows.net/orders"

    def environment(self):
        return {"AZURITE_BLOB_STORAGE_URL": self.endpoint, "AZURE_STORAGE_ACCOUNT_KEY": SECRET}

    def error(self, request, status, code):
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"
        headers = {"x-ms-error-code": code}
        if request.command == "HEAD":
            return status, headers, b""
        return status, {"Content-Type": "application/xml", **headers}, body.encode()

    def answer(self, request, path, query):
        if self.denies:
            return self.error(request, 403, "AuthenticationFailed")
        container, _, name = path.removeprefix("/account/").partition("/")
        if container != self.container:
            return self.error(request, 404, "ContainerNotFound")
        if query.get("action") == "getAccessControl":  # asks for a hierarchical namespace
            return self.error(request, 400, "HierarchicalNamespaceNotEnabled")
        if query.get("comp") == "list":
            return self.listing(query)
        if name not in self.objects:
            return self.error(request, 404, "BlobNotFound")
        status, headers, body = self.part(request, name)
        return status, {**headers, **self.about(name)}, body

    def about(self, name):
        modified = formatdate(MODIFIED_SECONDS, usegmt=True)
        return {"Last-Modified": modified, "ETag": '"0x1"', "x-ms-blob-type": "BlockBlob",
                "x-ms-creation-time": modified, "x-ms-server-encrypted": "true",
                "x-ms-lease-status": "unlocked", "x-ms-lease-state": "available",
                "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}

    def listing(self, query):
        names, folders = self.listed(query)
        modified = formatdate(MODIFIED_SECONDS, usegmt=True)
        blobs = "".join(
            f"<Blob><Name>{name}</Name><Properties><Creation-Time>{modified}</Creation-Time>"
            f"<Last-Modified>{modified}</Last-Modified><Etag>0x1</Etag>"
            f"<Content-Length>{len(self.objects[name])}</Content-Length>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>" for name in names)
        prefixes = "".join(f"<BlobPrefix><Name>{name}</Name></BlobPrefix>" for name in folders)
        body = (f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName='
                f'"{self.container}"><Blobs>{blobs}{prefixes}</Blobs><NextMarker />'
                "</EnumerationResults>")
        return 200, {"Content-Type": "application/xml"}, body.encode()


@pytest.fixture(params=[GoogleStore, AzureStore])
def store(request):
    made = request.param()
    yield made
    made.stop()


def run_with(store, *arguments):
    return run(*arguments, env={**NO_OTHER_SETTINGS, **NO_FILES, **store.environment()})


def test_Table_IsReadAndImportedAsFromDisk(store, table, tmp_path):
    table.grow(6)
    table.checkpoint(3, *table.state(3))
    table.commit(6, remove("f2"), add("f6"))
    for version in range(7):
        table.set_time(table.path(version), 1000 * MODIFIED_SECONDS)
    store.upload(table.folder, "orders")
    for command in ["snapshot", "files", "history"]:
        assert (run_with(store, command, store.uri, "--json").lines()
                == run(command, table.folder, "--json").lines())
    catalog = Catalog(tmp_path / "meta.db")
    assert run_with(store, "import", store.uri, catalog.table("t")).status == DONE
    assert run("tables", catalog.uri, "--json").object()["location"] == store.uri
    verified = run_with(store, "verify", catalog.table("t"), "--against", store.uri)
    assert verified.status == DONE


def test_WhatIsNotThereOrDenied_IsATypedError(store, table):
    store.upload(table.grow(1).folder, "orders")
    outcome = run_with(store, "snapshot", store.uri + "/more", "--json")
    assert (outcome.status, outcome.error()["code"]) == (NOT_FOUND, "NotFound")
    elsewhere = store.uri.replace("tables", "nowhere")
    outcome = run_with(store, "snapshot", elsewhere, "--json")
    assert (outcome.status, outcome.error()["code"]) == (NOT_FOUND, "NotFound")
    store.denies = True
    outcome = run_with(store, "snapshot", store.uri, "--json")
    assert (outcome.status, outcome.error()["code"]) == (UNAVAILABLE, "Permission")
    assert SECRET not in outcome.stderr and store.uri in outcome.error()["message"]


def test_StoreThatIsNotThere_IsUnavailableInBoundedTime(store):
    store.stop()
    outcome = run_with(store, "snapshot", store.uri, "--json")
    assert (outcome.status, outcome.error()["code"]) == (UNAVAILABLE, "Unavailable")
    assert outcome.error()["store"] == store.uri.removesuffix("/orders")
