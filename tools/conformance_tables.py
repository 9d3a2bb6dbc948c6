#!/usr/bin/env python3
"""The folder with the conformance tables (tables/, truth/), unpacked when it is not there yet.

It is $DELTALAKEDB_CONFORMANCE where that is set; otherwise ../shared/tables-dev.tar.zst, beside the
repository, is unpacked into build/conformance, once, however many ask at the same time. Without the
archive the answer is a failure where $CI is set, else one line that says so.

    tools/conformance_tables.py     prints the folder; exit status 77 without one (ctest: skipped)

In Python: `conformance_tables.folder()`, which gives None without one.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ARCHIVE = REPOSITORY.parent / "shared" / "tables-dev.tar.zst"
UNPACKED = REPOSITORY / "build" / "conformance"
STATUS_SKIPPED = 77


def folder(archive=ARCHIVE, unpacked=UNPACKED):
    """The folder as a Path, or None where there is none and that is no failure."""
    if given := os.environ.get("DELTALAKEDB_CONFORMANCE"):
        if not Path(given, "tables").is_dir():
            raise SystemExit(f"conformance: DELTALAKEDB_CONFORMANCE={given} has no folder tables/")
        return Path(given)
    if not archive.exists():
        if os.environ.get("CI"):
            raise SystemExit(f"conformance: no {archive.name} beside the repository, in CI")
        print(f"conformance: no {archive.name} beside the repository: its tables are not tested",
              file=sys.stderr)
        return None
    unpacked.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{unpacked}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = unpacked / "unpacked-from"
        state = archive.stat()
        source = f"{state.st_size} bytes, {state.st_mtime_ns}\n"
        if not stamp.exists() or stamp.read_text() != source:
            unpack(archive, unpacked, source)
    return unpacked


def unpack(archive, unpacked, source):
    """Replaces the folder in one step, so that half of an archive is never taken for all of it."""
    fresh = Path(tempfile.mkdtemp(prefix="conformance-", dir=unpacked.parent))
    try:
        subprocess.run(["tar", "--use-compress-program=zstd", "--extract", f"--file={archive}",
                        f"--directory={fresh}", "--strip-components=1", "--no-same-owner"],
                       check=True)
        (fresh / "unpacked-from").write_text(source)
        fresh.chmod(0o755)
        shutil.rmtree(unpacked, ignore_errors=True)
        fresh.rename(unpacked)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


if __name__ == "__main__":
    found = folder()
    if found is None:
        sys.exit(STATUS_SKIPPED)
    print(found)
