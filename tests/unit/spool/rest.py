"""What the tests of the spool share."""

from __future__ import annotations

import hashlib

MIB = 1 << 20


def digest(content):
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def take(spool, content, limit=10 * MIB):
    """Take bytes as if they had been dropped."""
    dropped = spool.state.parent / "dropped"
    dropped.write_bytes(content)
    with dropped.open("rb") as file:
        return spool.take(file.fileno(), limit=limit)


def tree(folder):
    """Return every file below a folder with its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def make_scratch_file(spool, content):
    """Write a file into fresh scratch as a preparing does."""
    path = spool.scratch() / "made.csv"
    path.write_bytes(content)
    return path
