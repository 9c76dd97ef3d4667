"""The head file: how far the ledger had come, so that an older copy put in its place is noticed.

It is written after each commit and never synced on its own account, so it may lag behind the ledger, never
lead. A ledger that lacks the line the head names is not the one that was last in use.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from agent.errors import LedgerError
from agent.ledger import statements
from agent.ledger.chain import Mark

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

_LINE = re.compile(rb"(\d{20}) ([0-9a-f]{64})\n")


class Head:
    """The open head file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def read(self) -> Mark | None:
        """Return the mark, or None where none was written yet.

        Raises:
            LedgerError: the file holds something else.

        """
        found = os.pread(self._fd, 200, 0)
        while found != (again := os.pread(self._fd, 200, 0)):  # another process is writing it
            found = again
        if not found:
            return None
        match = _LINE.fullmatch(found)
        if match is None:
            raise LedgerError(
                f"{self.path} is damaged. If the ledger beside it is the latest, remove {self.path}"
            )
        return Mark(int(match[1]), match[2].decode())

    def write(self, mark: Mark) -> None:
        """Put the mark; always as many bytes, so that no room need be found for it."""
        os.pwrite(self._fd, f"{mark.seq:020d} {mark.hash}\n".encode(), 0)

    def start(self, mark: Mark) -> None:
        """Write the first mark and put the file and its name on disk, so that its room is there."""
        self.write(mark)
        os.fsync(self._fd)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def check(connection: sqlite3.Connection, mark: Mark, path: Path) -> None:
    """Check that the ledger has come at least as far as the mark, on the same way.

    Raises:
        LedgerError: it is an older copy, or another ledger.

    """
    row = connection.execute(statements.AUDIT_HASH, {"seq": mark.seq}).fetchone()
    if mark.seq and (row is None or row[0] != mark.hash):
        kind = "an older copy than the one last used" if row is None else "not the ledger last used here"
        raise LedgerError(
            f"{path} is {kind}: it lacks what was recorded up to line {mark.seq} of its audit, so what was "
            "sent since is unknown. Put the latest ledger back (with its -wal file). To go on with this one "
            f"all the same, find out what the far side has already, then remove {path.with_suffix('.head')}"
        )
