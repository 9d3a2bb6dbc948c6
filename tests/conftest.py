import json
import os

import pytest

import support

# Set by ctest where the build has sanitizers, which make the program several times slower
# (cmake/Testing.cmake): what goes over all tables takes a sample of them, and what goes over all
# databases a part of it.
IS_SAMPLED = os.environ.get("DELTALAKEDB_SAMPLE") == "1"


@pytest.fixture
def table(tmp_path):
    """A table whose log the test writes."""
    return support.TableLog(tmp_path / "table")


@pytest.fixture(scope="session")
def s3():
    """An S3 server for all tests of a run; each puts its tables below keys of its own."""
    import object_store_support  # only here: most tests can do without loading a server
    server = object_store_support.S3Server()
    yield server
    server.stop()


@pytest.fixture
def make_s3_proxy(s3):
    """Makes proxies before that server, which end with the test."""
    import object_store_support
    proxies = []

    def make(certificate=None):
        proxies.append(object_store_support.Proxy(s3, certificate))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.stop()


@pytest.fixture
def s3_proxy(make_s3_proxy):
    return make_s3_proxy()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody has signed but itself, with its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - day).not_valid_after(now + day)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return path


class ConformanceTable:
    def __init__(self, folder, truth_file):
        self.truth = json.loads(truth_file.read_text(encoding="utf-8"))
        self.name = self.truth["table"]
        self.path = folder / "tables" / self.name
        self.expect = self.truth["expectation"]["expect"]
        self.why = self.truth["expectation"]["why"]
        self.replay = self.truth["replay"]

    def version(self, number):
        """What is recorded of a version, None where it cannot be rebuilt."""
        return self.replay["versions"].get(str(number))


SAMPLE_SIZE = 30


def sample(tables):
    """Always the same few tables, spread over all of them."""
    return sorted(tables, key=lambda table: support.sha256(table.name))[:SAMPLE_SIZE]


def pytest_generate_tests(metafunc):
    """Gives each conformance table to tests that take one as `conformance_table`, and each of a
    sample to those that take a `sampled_table`."""
    every = sample if IS_SAMPLED else list
    for name, choose in [("conformance_table", every), ("sampled_table", sample)]:
        if name not in metafunc.fixturenames:
            continue
        folder = support.conformance_tables.folder()
        found = choose([ConformanceTable(folder, file)
                        for file in sorted((folder / "truth").glob("*.json"))] if folder else [])
        metafunc.parametrize(name, found, ids=[table.name for table in found])


# Fixtures that go over kinds of places and databases, with the one that a sample always has.
KINDS = {"place": "folder", "catalog": "sqlite"}


def is_in_sample(item):
    """Whether a sample has this test: with one kind always, with others every fourth time."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    others = [name for name, always in KINDS.items() if parameters.get(name, always) != always]
    return not others or int(support.sha256(item.name)[:8], 16) % 4 == 0


def pytest_collection_modifyitems(config, items):
    if not IS_SAMPLED:
        return
    config.hook.pytest_deselected(items=[item for item in items if not is_in_sample(item)])
    items[:] = [item for item in items if is_in_sample(item)]


# ---- where tables are made -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def database_server():
    """A PostgreSQL server for all tests of a run; each has an SQL schema of its own."""
    from postgres_server import PostgresServer
    with PostgresServer() as started:
        yield started


def make_place(request, tmp_path):
    import create_support
    on_server = request.param == "postgres"
    server = request.getfixturevalue("database_server") if on_server else None
    return create_support.Place(request.param, tmp_path, server)


@pytest.fixture(params=["folder", "sqlite", "duckdb", "postgres"])
def place(request, tmp_path):
    return make_place(request, tmp_path)


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def catalog(request, tmp_path):
    """The same without the folder: a catalog that is not there yet."""
    return make_place(request, tmp_path)


@pytest.fixture
def columns(tmp_path):
    """Writes schemas to files of their own and gives their paths."""
    import create_support

    def write(value=None):
        value = create_support.ORDERS if value is None else value
        path = tmp_path / f"schema-{len(list(tmp_path.glob('schema-*')))}.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2),
                        encoding="utf-8")
        return path

    return write
