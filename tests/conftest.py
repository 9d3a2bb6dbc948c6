import json

import pytest

import support


@pytest.fixture
def table(tmp_path):
    """A table whose log the test writes."""
    return support.TableLog(tmp_path / "table")


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


def pytest_generate_tests(metafunc):
    """Gives each conformance table to tests that take one as `conformance_table`."""
    if "conformance_table" not in metafunc.fixturenames:
        return
    folder = support.conformance_tables.folder()
    found = [ConformanceTable(folder, file) for file in sorted((folder / "truth").glob("*.json"))
             ] if folder else []
    metafunc.parametrize("conformance_table", found, ids=[table.name for table in found])
