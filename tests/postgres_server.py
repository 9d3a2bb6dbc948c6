"""A real PostgreSQL for a test run, in a folder of its own, gone when the test is.

    python postgres_server.py [--pgbouncer] [--tls] [--fsync]

Prints one line of JSON when the server answers, then obeys lines on standard input: `kill`
(SIGKILL to all of it), `start`, `stop`; each is answered with `ok` or what went wrong. The end of
standard input ends everything. Python tests use the class; C++ tests start this program
(tests/test_database.cc).

Local connections (the folder is the host) are trusted; those over 127.0.0.1 take the password.
Servers refuse to run as root, so root becomes another user for them.
"""

import argparse
import contextlib
import glob
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

USER = "tester"
PASSWORD = "correct horse"
DATABASE = "shop"
START_SECONDS_MAX = 60


def binaries():
    """The folder of the newest PostgreSQL server's programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"),
                   key=lambda path: int(path.split("/")[4]))
    if found:
        return Path(found[-1]).parent
    initdb = shutil.which("initdb")
    if not initdb:
        raise RuntimeError("no PostgreSQL server here: run `make setup`")
    return Path(initdb).resolve().parent


def free_port():
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def as_server_user():
    """What goes in front of a command so that it does not run as root, and that user's ids."""
    if os.geteuid() != 0:
        return [], None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return (["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                     "--clear-groups"], user)
    raise RuntimeError("no user to run PostgreSQL as")


class PostgresServer:
    def __init__(self, pgbouncer=False, tls=False, fsync=False):
        self.bin = binaries()
        self.prefix, user = as_server_user()
        # Paths of sockets have to be short.
        self.folder = Path(tempfile.mkdtemp(prefix="dlpg-", dir="/tmp"))
        self.folder.chmod(0o755)
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.data = self.folder / "data"
        self.port = free_port()
        self.pgbouncer_port = free_port() if pgbouncer else None
        self.server = self.pooler = None
        try:
            self._make(tls, fsync)
            self.start()
            self.sql("postgres", f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0")
            if pgbouncer:
                self._start_pgbouncer()
        except BaseException:
            self.close()
            raise

    # What a URI needs.
    @property
    def host(self):
        return str(self.folder)

    def uri(self, schema, table="", options="", user=USER, pooled=False):
        port = self.pgbouncer_port if pooled else self.port
        if pooled:
            options = f"prepare=off&{options}" if options else "prepare=off"
        host = self.host.replace("/", "%2F")
        return (f"deltasql://postgres/{user}@{host}:{port}/{DATABASE}/{schema}/{table}"
                + (f"?{options}" if options else ""))

    def _run(self, *command, **more):
        done = subprocess.run([*self.prefix, *map(str, command)], capture_output=True, text=True,
                              cwd="/", timeout=START_SECONDS_MAX, check=False, **more)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def _make(self, tls, fsync):
        password = self.folder / "password"
        password.write_text(PASSWORD + "\n", encoding="utf-8")
        password.chmod(0o644)
        self._run(self.bin / "initdb", "-D", self.data, "-U", USER, "--encoding=UTF8",
                  "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256",
                  f"--pwfile={password}", "--no-sync")
        password.unlink()
        settings = [f"unix_socket_directories = '{self.folder}'", "listen_addresses = '127.0.0.1'",
                    f"port = {self.port}", "max_connections = 200", "logging_collector = off",
                    f"fsync = {'on' if fsync else 'off'}", "shared_buffers = 256MB",
                    "max_wal_size = 4GB"]
        if tls:
            self._make_certificate()
            settings.append("ssl = on")
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\n".join(settings) + "\n")

    def _make_certificate(self):
        self._run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                  "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                  "-keyout", self.data / "server.key", "-out", self.data / "server.crt")
        (self.data / "server.key").chmod(0o600)
        shutil.copy(self.data / "server.crt", self.folder / "root.crt")
        (self.folder / "root.crt").chmod(0o644)

    def start(self):
        log = (self.folder / "server.log").open("ab")
        self.server = subprocess.Popen([*self.prefix, str(self.bin / "postgres"), "-D",
                                        str(self.data)], stdout=log, stderr=log, cwd="/",
                                       start_new_session=True)
        log.close()
        until = time.monotonic() + START_SECONDS_MAX
        while subprocess.run([self.bin / "pg_isready", "-q", "-h", self.folder, "-p",
                              str(self.port), "-U", USER, "-d", "postgres"], cwd="/",
                             check=False).returncode != 0:
            if self.server.poll() is not None or time.monotonic() > until:
                raise RuntimeError("PostgreSQL does not start: "
                                   + (self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self):
        """An immediate shutdown, from which the server recovers when it starts again."""
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait(START_SECONDS_MAX)

    def kill(self):
        """SIGKILL to the server and all its children."""
        if self.server and self.server.poll() is None:
            children = subprocess.run(["pgrep", "-P", str(self.server.pid)], capture_output=True,
                                      text=True, check=False).stdout.split()
            for pid in [str(self.server.pid), *children]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            self.server.wait(START_SECONDS_MAX)
            for pid in children:  # the next server must not meet them
                while os.path.exists(f"/proc/{pid}"):
                    time.sleep(0.01)

    def sql(self, database, text):
        return self._run(self.bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h",
                         self.folder, "-p", self.port, "-U", USER, "-d", database, "-c", text)

    def _start_pgbouncer(self):
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        users = self.folder / "users.txt"
        users.write_text(f'"{USER}" ""\n', encoding="utf-8")
        config = self.folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host={self.folder} port={self.port}\n[pgbouncer]\n"
            f"unix_socket_dir = {self.folder}\nlisten_port = {self.pgbouncer_port}\n"
            f"auth_type = any\nauth_file = {users}\npool_mode = transaction\n"
            "default_pool_size = 3\nmax_client_conn = 100\n"
            f"server_login_retry = 1\nlogfile = {self.folder}/pgbouncer.log\n",
            encoding="utf-8")
        # auth_type any takes its user from here.
        text = config.read_text(encoding="utf-8").replace(
            f"port={self.port}\n", f"port={self.port} user={USER}\n", 1)
        config.write_text(text, encoding="utf-8")
        for path in (users, config):
            path.chmod(0o644)
        self.pooler = subprocess.Popen([*self.prefix, program, "-q", str(config)], cwd="/",
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       start_new_session=True)
        until = time.monotonic() + START_SECONDS_MAX
        while not (self.folder / f".s.PGSQL.{self.pgbouncer_port}").exists():
            if self.pooler.poll() is not None or time.monotonic() > until:
                raise RuntimeError("pgbouncer does not start")
            time.sleep(0.05)

    def close(self):
        for process in (self.pooler, self.server):
            if process and process.poll() is None:
                process.send_signal(signal.SIGQUIT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                if process.poll() is None:
                    process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("--pgbouncer", "--tls", "--fsync"):
        parser.add_argument(option, action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with PostgresServer(options.pgbouncer, options.tls, options.fsync) as server:
        print(json.dumps({"host": server.host, "port": server.port, "user": USER,
                          "password": PASSWORD, "database": DATABASE,
                          "pgbouncerPort": server.pgbouncer_port}), flush=True)
        for line in sys.stdin:
            try:
                {"kill": server.kill, "start": server.start, "stop": server.stop}[line.strip()]()
                print("ok", flush=True)
            except Exception as error:  # noqa: BLE001 - the other side has to hear of any
                print(repr(error), flush=True)


if __name__ == "__main__":
    main()
