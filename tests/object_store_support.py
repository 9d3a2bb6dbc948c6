"""What the tests of object stores share: an S3 server, and a proxy before it that misbehaves.

The server is moto's, in this process; the program talks to it over HTTP as to any other.
"""

import contextlib
import http.client
import logging
import os
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

import support

BUCKET = "tables"
KEY_ID, SECRET, TOKEN = "test-key-id", "very+secret/key", "very+secret/token"

# The machine's own settings must not get into the tests.
NO_OTHER_SETTINGS = {name: "" for name in os.environ
                     if name.startswith(("AWS_", "AZURE_", "AZURITE_", "GOOGLE_", "STORAGE_"))}
NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true"}


class S3Server:
    """A server with one bucket, for tables below keys of their own."""

    def __init__(self):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self.host, self.port = self._server.get_host_and_port()
        self.endpoint = f"http://{self.host}:{self.port}"
        self.client = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET, config=Config(max_pool_connections=16))
        self.client.create_bucket(Bucket=BUCKET)
        self._tables = 0

    def stop(self):
        self._server.stop()

    def environment(self, **others):
        return {**NO_OTHER_SETTINGS, **NO_FILES, "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET, **others}

    def run(self, *arguments, **variables):
        """Runs the program with this server, and these variables beside."""
        return support.run(*arguments, env=self.environment(**variables))

    def put(self, key, content):
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def upload(self, folder, key=None):
        """Copies a folder's files below a key, by default a new one, and gives its URI."""
        if key is None:
            self._tables += 1
            key = f"t{self._tables}/{Path(folder).name}"
        files = [file for file in Path(folder).rglob("*") if file.is_file()]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda file: self.put(
                f"{key}/{file.relative_to(folder).as_posix()}", file.read_bytes()), files))
        return f"s3://{BUCKET}/{quote(key, safe='/')}"


def access_denied(text="Access Denied"):
    """S3's answer to whoever may not."""
    return 403, f"<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>".encode()


class Proxy:
    """Passes requests on to a server and remembers them. A fault decides otherwise: it gets the
    request and gives what is done to it, None for nothing."""

    def __init__(self, server, certificate=None):
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                proxy._answer(self)

            do_HEAD = do_PUT = do_DELETE = do_GET

            def log_message(self, *arguments):
                pass

        self.target = (server.host, server.port)
        self.requests = []  # (method, path, headers)
        self.writes = []  # (path, headers, body) of the objects that were put
        self.fault = lambda request: None
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        scheme = "http"
        if certificate is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.endpoint = f"{scheme}://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self):
        self._http.shutdown()
        self._http.server_close()

    def reads(self):
        """The paths that were asked for, listings left out."""
        return [path for _, path, _ in self.requests if "list-type=2" not in path]

    def listings(self):
        return len(self.requests) - len(self.reads())

    def forward(self, handler, without=()):
        """Passes a request on, without some of its headers, and gives what came back."""
        connection = http.client.HTTPConnection(*self.target, timeout=60)
        headers = {name: value for name, value in handler.headers.items()
                   if name.lower() not in without}
        connection.request(handler.command, handler.path, body=handler.body, headers=headers)
        answer = connection.getresponse()
        got = answer.status, answer.getheaders(), answer.read()
        connection.close()
        return got

    def _answer(self, handler):
        size = int(handler.headers.get("Content-Length", 0))
        handler.body = handler.rfile.read(size) if size else None
        self.requests.append((handler.command, handler.path, dict(handler.headers)))
        if handler.command == "PUT":
            self.writes.append((handler.path, dict(handler.headers), handler.body or b""))
        fault = self.fault(handler)
        if callable(fault):
            fault(handler)
            return
        if fault is None:
            status, headers, body = self.forward(handler)
        elif len(fault) == 3:
            status, headers, body = fault
        else:
            status, body = fault
            headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        handler.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "date", "server", "transfer-encoding"):
                handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)


def cut_off(handler):
    """An answer that announces more than it has."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"x" * 100)
    handler.close_connection = True


def silent(handler):
    """No answer at all."""
    handler.close_connection = True
    time.sleep(600)


def trickling(handler):
    """An answer that comes in, but never to its end."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(1000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.5)
