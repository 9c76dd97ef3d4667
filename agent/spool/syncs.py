"""Which names are not on disk yet, and the one place that syncs.

Once a sync has failed nobody knows what is on disk, and asking again would be answered with a yes that means
nothing. So from then on every sync is refused, until the agent is started anew.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from agent.errors import SpoolError
from agent.spool.disk import NO_ROOM, fsync_folder, opened_folder

if TYPE_CHECKING:
    from pathlib import Path


class Syncs:
    """The syncs of one spool, for all its threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._owed: set[Path] = set()
        self._failed = ""

    def file(self, fd: int) -> None:
        """Put an open file on disk; where there is no room, throw it away: no more is wrong then."""
        self._refuse_if_failed()
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in NO_ROOM:
                self._failed = str(error)
            raise

    def folder(self, folder: Path) -> None:
        """Put the names in a folder on disk."""
        self._refuse_if_failed()
        with opened_folder(folder) as fd:
            try:
                fsync_folder(fd)
            except OSError as error:
                self._failed = str(error)
                raise

    def owe(self, folder: Path) -> None:
        """Remember that names in this folder changed."""
        self._owed.add(folder)

    def settle(self) -> None:
        """Sync the folders that changed; who comes meanwhile waits, for its names may be among them."""
        with self._lock:
            while self._owed:
                folder = self._owed.pop()  # before the sync: a name that comes during it is owed again
                try:
                    self.folder(folder)
                except OSError:
                    self._owed.add(folder)
                    raise
            self._refuse_if_failed()

    def make_folder(self, folder: Path) -> None:
        """Make a private folder and those above it, each name on disk."""
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        with suppress(FileExistsError):  # another thread was quicker
            folder.mkdir(mode=0o700)
        self.folder(folder.parent)

    def _refuse_if_failed(self) -> None:
        if self._failed:
            raise SpoolError(
                f"the disk failed to keep what was written before ({self._failed}); start the agent anew"
            )
