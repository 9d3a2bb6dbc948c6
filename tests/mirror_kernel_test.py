"""What the Java kernel, on which connectors are built, makes of mirrors: row for row what Spark
reads from the originals, at every version, and from our checkpoints alone."""

import pytest

from mirror_support import (leave_checkpoint_alone, mirror_absolute, mirror_beside,
                            mirror_in_place)
from spark_support import ORIGINALS, Kernel, Spark, make_original


@pytest.fixture(scope="module")
def spark():
    started = Spark()
    yield started
    started.close()


@pytest.fixture(scope="module")
def kernel():
    started = Kernel()
    yield started
    started.close()


@pytest.fixture(scope="module", params=ORIGINALS)
def original(request, spark, kernel, tmp_path_factory):
    made = make_original(request.param, spark, tmp_path_factory.mktemp("original") / "t")
    made.check(kernel, made.folder)
    return made


def leave_checkpoint(mirror):
    """The kernel, too, wants the commit of a checkpoint's version beside it."""
    return leave_checkpoint_alone(mirror.folder, with_its_commit=True)


def test_MirrorBeside_IsReadAsTheOriginal(kernel, original, tmp_path):
    mirror = mirror_beside(original.folder, tmp_path / "t")
    original.check(kernel, mirror.folder)


def test_MirrorWithAbsolutePaths_IsReadAsTheOriginal(kernel, original, tmp_path):
    mirror = mirror_absolute(original.folder, tmp_path / "t")
    original.check(kernel, mirror.folder)
    mirror.make_checkpoint()
    assert leave_checkpoint(mirror) == original.latest + 1
    original.check_latest(kernel, mirror.folder, original.latest + 1)


def test_MirrorInPlace_IsReadBehindACheckpointOfOurs(kernel, original, tmp_path):
    mirror = mirror_in_place(original.folder, tmp_path / "t")
    assert mirror.make_checkpoint() == original.latest + 1
    original.check(kernel, mirror.folder, original.latest + 1)
    leave_checkpoint(mirror)
    original.check_latest(kernel, mirror.folder, original.latest + 1)
