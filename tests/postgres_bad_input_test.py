"""What catalogs in PostgreSQL do when something is wrong: with the server, the way to it, the
user's rights, or what others do at the same time. And what a DuckDB file does that another
process has.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from urllib.parse import quote

import pytest

from catalog_support import Catalog, answers
from postgres_server import DATABASE, PASSWORD, USER, PostgresServer
from support import (CORRUPT, DONE, NOT_FOUND, PROGRAM, REPOSITORY, UNAVAILABLE, UNSUPPORTED, USAGE,
                     TableLog, add, commit_info, run)

# The migrations of a catalog in PostgreSQL.
STEPS = [path.name.split("_", 1)[1].removesuffix(".up.sql") for path in
         sorted((REPOSITORY / "sql" / "postgres" / "migrations").glob("*.up.sql"))]
# What no output may hold. The wrong one shows by itself where it is quoted.
WRONG = "Xyzzy%Plugh 9@/:"
SECRETS = [PASSWORD, quote(PASSWORD), WRONG, quote(WRONG, safe="")]
# A connection that is refused, and a failure after it, are told at once.
AT_ONCE_SECONDS = 8


@pytest.fixture(scope="module")
def server():
    with PostgresServer(tls=True, pgbouncer=True) as started:
        yield started


@pytest.fixture(scope="module")
def server_without_tls():
    with PostgresServer() as started:
        yield started


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return TableLog(tmp_path_factory.mktemp("source") / "t").grow(5).folder


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """A table whose import takes long enough for another one to come between."""
    table = TableLog(tmp_path_factory.mktemp("source") / "larger").grow(3)
    for version in range(3, 30):
        table.commit(version, commit_info(),
                     *(add(f"part-{version}-{n:05}.parquet", n) for n in range(200)))
    return table.folder


class Schema:
    """An SQL schema of a server, that is or is to be a catalog."""

    number = 0

    def __init__(self, server):
        Schema.number += 1
        self.server, self.name = server, f"c{Schema.number}"

    def uri(self, table="", options="", user=USER):
        return self.server.uri(self.name, table, options, user)

    def over_tcp(self, table="", options="", **parts):
        return over_tcp(self.server.port, schema=self.name, table=table, options=options, **parts)

    def sql(self, text):
        return self.server.sql(DATABASE, text)

    def left(self):
        """All rows of the schema, and which schemas there are."""
        return (self.sql("SELECT nspname FROM pg_namespace ORDER BY 1"),
                self.sql(f"SELECT schema_to_xml(nspname, true, false, '') FROM pg_namespace "
                         f"WHERE nspname = '{self.name}'"))


@pytest.fixture
def empty(server):
    return Schema(server)


@pytest.fixture
def filled(empty, source):
    run("import", source, empty.uri("t"), "--json").object()
    return empty


@pytest.fixture
def guest(filled):
    """A user that may do nothing yet."""
    name = f"guest_{filled.name}"
    filled.sql(f"CREATE ROLE {name} LOGIN")
    return name


def over_tcp(port, user=USER, password=PASSWORD, database=DATABASE, schema="c", **rest):
    options = rest.get("options")
    return (f"deltasql://postgres/{quote(user, safe='')}:{quote(password, safe='')}"
            f"@127.0.0.1:{port}/{database}/{schema}/{rest.get('table', '')}"
            + (f"?{options}" if options else ""))


def refused(status, code, *arguments, sql_state=None, env=None):
    """Runs a command that has to fail like this, without saying a password; gives its error."""
    outcome = run(*arguments, "--json", env=env)
    assert outcome.status == status, outcome
    for secret in SECRETS:
        assert secret not in outcome.stdout + outcome.stderr, outcome
    error = outcome.error()
    assert error["code"] == code and error.get("sqlState") == sql_state, error
    assert error["message"].count(error["database"]) == 1, "it says where, once"
    return error


def everything(source, catalog, table):
    """Commands of all kinds, none of which may do anything here."""
    return [["tables", catalog], ["migrate", "status", catalog], ["migrate", "up", catalog],
            ["migrate", "down", catalog, "--yes"], ["init", catalog], ["import", source, table],
            ["import", source, table, "--dry-run"], ["verify", table], ["reindex", table],
            ["snapshot", table], ["files", table], ["history", table]]


# ---- the way to the server -----------------------------------------------------------------------


def test_NobodyThere_IsUnavailableAtOnce(source):
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        port = taken.getsockname()[1]
        for command in everything(source, over_tcp(port), over_tcp(port, table="t")):
            start = time.monotonic()
            error = refused(UNAVAILABLE, "Unavailable", *command, sql_state="08001")
            assert "Connection refused" in error["message"] and str(port) in error["message"]
            assert time.monotonic() - start < AT_ONCE_SECONDS


def test_MissingSocketFolder_IsUnavailableAtOnce(source, tmp_path):
    folder = quote(str(tmp_path / "none"), safe="")
    uri = f"deltasql://postgres/a:{quote(WRONG, safe='')}@{folder}:5432/shop/c/"
    for command in everything(source, uri, uri + "t"):
        error = refused(UNAVAILABLE, "Unavailable", *command, sql_state="08001")
        # The user `a`, who is no secret, leaves the words whole.
        assert "No such file or directory" in error["message"]


@pytest.mark.parametrize("hosts", [1, 2])
def test_ServerThatNeverAnswers_IsGivenUp(hosts):
    with contextlib.ExitStack() as listeners:
        ports = []
        for _ in range(hosts):
            listener = listeners.enter_context(contextlib.closing(socket.socket()))
            listener.bind(("127.0.0.1", 0))
            listener.listen(5)
            ports.append(listener.getsockname()[1])
        places = ",".join(f"127.0.0.1:{port}" for port in ports)
        uri = f"deltasql://postgres/{USER}:{quote(WRONG, safe='')}@{places}/shop/c/"
        start = time.monotonic()
        refused(UNAVAILABLE, "Unavailable", "tables", uri + "?connect_timeout=1",
                sql_state="08001")
        assert time.monotonic() - start < AT_ONCE_SECONDS


def test_HostThatDoesNotAnswer_IsPassedOver(filled):
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        hosts = f"127.0.0.1:{listener.getsockname()[1]},127.0.0.1:{filled.server.port}"
        uri = (f"deltasql://postgres/{USER}:{quote(PASSWORD)}@{hosts}/{DATABASE}/{filled.name}/"
               "?connect_timeout=2")
        assert run("tables", uri, "--json").lines()[0]["name"] == "t"


@pytest.mark.parametrize("user", [USER, "nobody_here"])
def test_WrongPasswordOrUser_IsPermission(filled, source, user):
    catalog = filled.over_tcp(user=user, password=WRONG)
    table = filled.over_tcp("t", user=user, password=WRONG)
    before = filled.left()
    for command in everything(source, catalog, table):
        error = refused(UNAVAILABLE, "Permission", *command, sql_state="28P01")
        assert f'"{user}"' in error["message"] and "pg_hba.conf" in error["message"]
    assert filled.left() == before


def test_MissingPassword_IsPermissionAndSaysWhereToGiveOne(filled):
    uri = f"deltasql://postgres/{USER}@127.0.0.1:{filled.server.port}/{DATABASE}/{filled.name}/"
    error = refused(UNAVAILABLE, "Permission", "tables", uri, sql_state="08001",
                    env={"PGPASSFILE": "/dev/null"})
    assert "PGPASSWORD" in error["message"]


def test_PoolerWithoutPrepareOff_IsInvalidAndNamesTheOption(filled):
    uri = filled.server.uri(filled.name, "t", pooled=True)
    assert run("history", uri).status == DONE
    outcomes = [run("history", uri.replace("prepare=off", "retries=0"), "--json")
                for _ in range(3)]
    errors = [outcome.error() for outcome in outcomes if outcome.status != DONE]
    assert errors and all(error["code"] == "InvalidArgument" for error in errors), outcomes
    assert all("prepare=off" in error["message"] for error in errors)


def test_NameThatTheServerKeepsForItself_IsInvalid(server, source):
    for command in [["init", server.uri("pg_x")], ["import", source, server.uri("pg_x", "t")]]:
        refused(USAGE, "InvalidArgument", *command, sql_state="42939")


def test_SettingsOfTheDatabase_DoNotMatter(empty, source):
    empty.sql(f"ALTER ROLE {USER} SET standard_conforming_strings = off")
    try:
        assert run("import", source, empty.uri("t")).status == DONE
        assert run("verify", empty.uri("t")).status == DONE
    finally:
        empty.sql(f"ALTER ROLE {USER} RESET standard_conforming_strings")


def test_TimeToConnect_IsTakenFromTheEnvironment():
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        uri = f"deltasql://postgres/a@127.0.0.1:{listener.getsockname()[1]}/shop/c/"
        error = refused(UNAVAILABLE, "Unavailable", "tables", uri + "?retries=0",
                        sql_state="08001", env={"PGCONNECT_TIMEOUT": "1"})
        assert "within 1 s" in error["message"]


def test_UserAndPasswordOfVariables_AreNotTold(filled):
    uri = f"deltasql://postgres/${{WHO}}:${{PW}}@127.0.0.1:{filled.server.port}/shop/c/"
    env = {"WHO": "hidden_visitor", "PW": WRONG}
    error = refused(UNAVAILABLE, "Permission", "tables", uri, sql_state="28P01", env=env)
    assert "hidden_visitor" not in str(error)


def test_TlsThatTheServerHasNot_IsUnavailable(server_without_tls, source):
    schema = Schema(server_without_tls)
    assert run("init", schema.over_tcp(options="sslmode=prefer")).status == DONE
    for mode in ["require", "verify-ca&sslrootcert=system-is-not-here"]:
        error = refused(UNAVAILABLE, "Unavailable", "tables",
                        schema.over_tcp(options=f"sslmode={mode}"), sql_state="08001")
        assert "SSL" in error["message"] or "certificate" in error["message"]


def test_TlsCertificate_IsChecked(filled, tmp_path):
    root = filled.server.folder / "root.crt"
    checked = filled.over_tcp(options=f"sslmode=verify-full&sslrootcert={root}")
    assert run("tables", checked, "--json").lines()[0]["name"] == "t"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", tmp_path / "key", "-out",
                    tmp_path / "other.crt"], check=True, capture_output=True)
    (tmp_path / "empty.crt").write_text("")
    for certificate in ["other.crt", "empty.crt", "none.crt"]:
        error = refused(UNAVAILABLE, "Unavailable", "tables", filled.over_tcp(
            options=f"sslmode=verify-full&sslrootcert={tmp_path / certificate}"),
            sql_state="08001")
        assert "certificate" in error["message"]


# ---- what is not there ---------------------------------------------------------------------------


def test_MissingDatabase_IsNotFoundAndNotMade(server, source):
    catalog = over_tcp(server.port, database="none")
    for command in everything(source, catalog, catalog + "t"):
        error = refused(NOT_FOUND, "NotFound", *command, sql_state="3D000")
        assert '"none"' in error["message"] and "create it" in error["message"]
    assert "none" not in server.sql("postgres", "SELECT datname FROM pg_database").split()


def test_MissingSchemaOrCatalog_IsNotFound(empty, source):
    for has_schema in [False, True]:
        if has_schema:
            empty.sql(f"CREATE SCHEMA {empty.name}")
        before = empty.left()
        for command in everything(source, empty.uri(), empty.uri("t")):
            if command[0] in ("init", "import") or command[1] in ("status", "up"):
                continue
            error = refused(NOT_FOUND, "NotFound", *command)
            assert "init" in error["message"] or command[:2] == ["migrate", "down"]
        steps = run("migrate", "status", empty.uri(), "--json").lines()
        assert "appliedAt" not in steps[0]
        assert empty.left() == before
    run("import", source, empty.uri("t"), "--json").object()
    assert run("tables", empty.uri(), "--json").lines()[0]["name"] == "t"


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_DatabaseOfAnotherEncoding_IsUnsupported(server, source, encoding):
    name = f"as_{encoding.lower()}"
    server.sql("postgres", f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' "
                           "LC_CTYPE 'C' TEMPLATE template0")
    catalog = over_tcp(server.port, database=name)
    for command in everything(source, catalog, catalog + "t"):
        error = refused(UNSUPPORTED, "Unsupported", *command)
        assert encoding in error["message"] and "UTF8" in error["message"]
    assert server.sql(name, "SELECT 1 FROM pg_namespace WHERE nspname = 'c'") == ""


def test_NewerSchema_IsUnsupportedAndLeftAlone(filled, source):
    filled.sql(f"INSERT INTO {filled.name}.dl_schema_migrations (version, name, checksum, "
               "applied_at) VALUES (9, 'of_tomorrow', gen_random_uuid(), 0)")
    before = filled.left()
    for command in everything(source, filled.uri(), filled.uri("t")):
        if command[:2] == ["migrate", "status"]:
            continue
        error = refused(UNSUPPORTED, "Unsupported", *command)
        assert error["schemaVersion"] == 9 and "newer" in error["message"]
    assert filled.left() == before
    steps = run("migrate", "status", filled.uri(), "--json").lines()
    assert [step["name"] for step in steps] == [*STEPS, "of_tomorrow"]


# ---- privileges ----------------------------------------------------------------------------------


def test_SchemaWithoutUsage_IsPermission(filled, guest, source):
    before = filled.left()
    for command in everything(source, filled.uri(user=guest), filled.uri("t", user=guest)):
        error = refused(UNAVAILABLE, "Permission", *command)
        assert "USAGE" in error["message"]
    assert filled.left() == before


def test_TablesWithoutSelect_ArePermission(filled, guest, source):
    filled.sql(f"GRANT USAGE ON SCHEMA {filled.name} TO {guest}")
    before = filled.left()
    for command in everything(source, filled.uri(user=guest), filled.uri("t", user=guest)):
        error = refused(UNAVAILABLE, "Permission", *command, sql_state="42501")
        assert error["statement"] in error["message"] and "privilege" in error["message"]
    assert filled.left() == before


def test_TablesWithoutInsert_AreReadAndNotWritten(filled, guest, source, larger):
    filled.sql(f"GRANT USAGE ON SCHEMA {filled.name} TO {guest};"
               f"GRANT SELECT ON ALL TABLES IN SCHEMA {filled.name} TO {guest}")
    assert answers(filled.uri("t", user=guest)) == answers(source)
    assert run("import", source, filled.uri("t", user=guest)).status == DONE, "nothing to do"
    before = filled.left()
    for command in [["import", larger, filled.uri("new", user=guest)],
                    ["import", source, filled.uri("t", user=guest), "--force"],
                    ["reindex", filled.uri("t", user=guest)],
                    ["migrate", "down", filled.uri(user=guest), "--yes"]]:
        error = refused(UNAVAILABLE, "Permission", *command, sql_state="42501")
        assert "privilege" in error["message"]
    assert filled.left() == before
    # As many as it takes, and no more.
    filled.sql(f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {filled.name} TO {guest};"
               f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {filled.name} TO {guest}")
    assert run("import", larger, filled.uri("new", user=guest)).status == DONE


def test_DatabaseWithoutCreate_GetsNoCatalog(empty, source):
    empty.sql("CREATE ROLE visitor LOGIN")
    before = empty.left()
    for command in [["init", empty.uri(user="visitor")],
                    ["import", source, empty.uri("t", user="visitor")],
                    ["migrate", "up", empty.uri(user="visitor")]]:
        error = refused(UNAVAILABLE, "Permission", *command, sql_state="42501")
        assert DATABASE in error["message"] and "privilege" in error["message"]
    assert empty.left() == before


# ---- others at work ------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(schema, relation):
    """Another session that keeps everybody out of a relation."""
    session = subprocess.Popen(
        [schema.server.bin / "psql", "-X", "-q", "-A", "-t", "-h", schema.server.folder, "-p",
         str(schema.server.port), "-U", USER, "-d", DATABASE],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    session.stdin.write(f"BEGIN; LOCK TABLE {schema.name}.{relation} IN ACCESS EXCLUSIVE MODE;"
                        "SELECT 'locked';\n")
    session.stdin.flush()
    assert session.stdout.readline() == "locked\n"
    try:
        yield
    finally:
        session.communicate()


def test_StatementTimeout_IsUnavailableAndNamesTheOption(filled, larger):
    before = filled.left()
    with locked(filled, "dl_tables"):
        options = "statement_timeout=200"
        for command in [["tables", filled.uri(options=options)],
                        ["snapshot", filled.uri("t", options)],
                        ["import", larger, filled.uri("new", options)]]:
            start = time.monotonic()
            error = refused(UNAVAILABLE, "Unavailable", *command, sql_state="57014")
            assert "statement_timeout" in error["message"]
            assert time.monotonic() - start < AT_ONCE_SECONDS
    assert filled.left() == before


def test_TimeoutInTheMiddleOfAnImport_LeavesNothing(filled, larger):
    before = filled.left()
    with locked(filled, "dl_add_files"):
        refused(UNAVAILABLE, "Unavailable", "import", larger,
                filled.uri("new", "statement_timeout=200"), sql_state="57014")
    assert filled.left() == before
    assert run("import", larger, filled.uri("new")).status == DONE


def start(*arguments):
    return subprocess.Popen([PROGRAM, *map(str, arguments), "--json"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def test_LockedRelation_IsBusyAfterAWhile(filled, larger):
    before = filled.left()
    with locked(filled, "dl_tables"):
        start_time = time.monotonic()
        waiting = start("import", larger, filled.uri("new"))
        error = refused(UNAVAILABLE, "Busy", "tables", filled.uri(), sql_state="55P03")
        assert "another process" in error["message"] and "again" in error["message"]
        waiting.communicate(timeout=60)
        assert waiting.returncode == UNAVAILABLE
        assert time.monotonic() - start_time < 30
    assert filled.left() == before


def waiting_backend(schema):
    """The server's process that waits for a lock on behalf of the program."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = schema.sql("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                           "application_name = 'deltalakedb'").split()
        if found:
            return int(found[0])
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def ended(process, status, sql_state):
    """Waits for a run that fails like this; gives its error."""
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (status, ""), stderr
    error = json.loads(stderr)["error"]
    assert error["code"] == "Unavailable" and error["sqlState"] == sql_state, error
    return error


def test_ServerThatFallsSilent_IsGivenUpAfterTheTimeout(filled):
    with locked(filled, "dl_tables"):
        reader = start("tables", filled.uri(options="statement_timeout=2000&retries=0"))
        backend = waiting_backend(filled)
        os.kill(backend, signal.SIGSTOP)
        try:
            error = ended(reader, UNAVAILABLE, "08006")
            assert "not answered" in error["message"]
        finally:
            os.kill(backend, signal.SIGCONT)


def test_SessionThatIsEndedInTheMiddleOfAnImport_LeavesNothing(filled, larger):
    before = filled.left()
    with locked(filled, "dl_add_files"):
        importing = start("import", larger, filled.uri("new"))
        filled.sql(f"SELECT pg_terminate_backend({waiting_backend(filled)})")
        ended(importing, UNAVAILABLE, "57P01")
    assert filled.left() == before
    assert run("import", larger, filled.uri("new")).status == DONE


@pytest.mark.parametrize("has_catalog", [True, False])
def test_SameImportTwiceAtOnce_TakesItInOnce(empty, larger, has_catalog):
    if has_catalog:
        assert run("init", empty.uri()).status == DONE
    both = [start("import", larger, empty.uri("t")) for _ in range(2)]
    reports = []
    for process in both:
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == DONE, stderr
        reports.append(stdout)
    assert sorted('"commits":0' in report for report in reports) == [False, True]
    assert run("verify", empty.uri("t"), "--against", larger).status == DONE


def test_MigrationTwiceAtOnce_HappensOnce(empty):
    several = [start("migrate", "up", empty.uri()) for _ in range(4)]
    reports = [process.communicate(timeout=60)[0] for process in several]
    assert [process.returncode for process in several] == [DONE] * 4
    applied = [json.loads(report)["migrationsApplied"] for report in reports]
    assert sorted(applied) == [0, 0, 0, len(STEPS)]


# ---- DuckDB --------------------------------------------------------------------------------------


class DuckDbCatalog(Catalog):
    def __init__(self, path):
        super().__init__(path)
        self.uri = f"deltasql://duckdb/{self.path}"


@pytest.fixture
def duck(tmp_path):
    (tmp_path / "database").mkdir()
    return DuckDbCatalog(tmp_path / "database" / "meta.duckdb")


def test_MissingDuckDbFile_IsNotFound(duck, source):
    for command in everything(source, duck.uri, duck.table("t")):
        if command[0] in ("init", "import"):
            continue
        refused(NOT_FOUND, "NotFound", *command)
    assert duck.left() == {}


# What is left of a DuckDB file: the beginning of its header, and bytes that no header has room for.
CUT = b"\0" * 8 + b"DUCK" + b"\0" * 8988


@pytest.mark.parametrize("content", [b"hello", b"no database " * 1000, b"\0" * 5000,
                                     b"SQLite format 3\0" + b"\xff" * 5000, CUT])
def test_FileThatIsNoDuckDb_IsCorrupt(duck, source, content):
    duck.path.write_bytes(content)
    before = duck.left()
    for command in everything(source, duck.uri, duck.table("t")):
        refused(CORRUPT, "Corrupt", *command)
    assert duck.left() == before


def holds(process, path):
    """Whether a process has a lock on a file."""
    inode = os.stat(path).st_ino
    with open("/proc/locks", encoding="ascii") as locks:
        return any(f" {process.pid} " in line and f":{inode} " in line for line in locks)


def test_DuckDbFileOfAnotherProcess_IsBusyAndSaysWhat(duck, source, larger):
    run("import", source, duck.table("t"), "--json").object()
    holder = start("import", larger, duck.table("new"))
    try:
        while not holds(holder, duck.path):
            assert holder.poll() is None, "it is done too early"
            time.sleep(0.002)
        os.kill(holder.pid, signal.SIGSTOP)
        assert os.waitid(os.P_PID, holder.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_status \
            == signal.SIGSTOP
        readers = [start("tables", duck.uri), start("import", source, duck.table("t"))]
        error = refused(UNAVAILABLE, "Busy", "snapshot", duck.table("t"))
        assert "process" in error["message"] and "again" in error["message"]
        for reader in readers:
            assert reader.wait(timeout=60) == UNAVAILABLE
    finally:
        os.kill(holder.pid, signal.SIGCONT)
    assert holder.wait(timeout=60) == DONE
    assert len(run("tables", duck.uri, "--json").lines()) == 2
