"""Look closely at one settled file and bring its bytes into the spool.

A file that is not as it was when it settled is let be. What is no plain file with a plain name is refused
without being opened. Every file is pinned until it was moved: as long as it is, its inode number cannot be
given to another file that a sender puts in its place. Changes nothing in the drop folder, asks nobody but the
disk, and may run in several threads at once: the disk then makes many files durable at the cost of one.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from agent.errors import SpoolError
from agent.model import Paper
from agent.stages.intake import faults
from agent.stages.intake.dropfolder import to_look
from agent.stages.intake.owners import not_trusted

if TYPE_CHECKING:
    from agent.model import Fault
    from agent.settings.models import Feed
    from agent.settle import Look
    from agent.spool import Spool
    from agent.stages.intake.dropfolder import DropFolder

_SWAPPED = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO})  # what an open meets after a swap


@dataclass(frozen=True, slots=True)
class Copied:
    """A file whose bytes are in the spool."""

    look: Look
    paper: Paper


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not read and goes aside, with the event that says how."""

    look: Look
    fault: Fault
    event: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """A file that may not be taken as it is now; `fault` is None where it is only being written."""

    look: Look
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Short:
    """A file that was not tried, for the machine has run out of something."""

    look: Look
    fault: Fault


Reading = Copied | Refused | Deferred | Short | None


class Pins:
    """Files kept from being forgotten by the system, whatever happens to their names."""

    def __init__(self) -> None:
        self._held: list[int] = []

    def hold(self, fd: int) -> int:
        """Keep a descriptor open until all are released."""
        self._held.append(fd)
        return fd

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._held:
            os.close(self._held.pop())


class Reader:
    """Reads files of one feed."""

    def __init__(self, feed: Feed, folder: DropFolder, spool: Spool) -> None:
        self._feed, self._folder, self._spool = feed, folder, spool

    def read(self, look: Look, pins: Pins) -> Reading:
        """Read one file; None when it is no longer what it was.

        Raises:
            SpoolError: its bytes could not be kept.

        """
        try:
            return self._read(look, pins)
        except (OSError, SpoolError) as error:
            if fault := faults.short_of(error):
                return Short(look, fault)
            if isinstance(error, SpoolError):
                raise
            return None if error.errno in _SWAPPED else Deferred(look, faults.unreadable(look, error))

    def _read(self, look: Look, pins: Pins) -> Reading:
        found = os.fstat(pins.hold(self._folder.pin(look.name)))
        if to_look(look.name, found) != look:
            return None
        if not self._folder.may_move(found.st_uid):
            return Deferred(look, faults.sticky(look))
        if fault := faults.unsafe(look):
            return Refused(look, fault, "quarantined")
        fd = self._folder.open_file(look.name)
        try:
            return self._read_open(fd, look)
        finally:
            os.close(fd)

    def _read_open(self, fd: int, look: Look) -> Reading:
        found = os.fstat(fd)
        if to_look(look.name, found) != look:
            return None
        if refused := self._refused(look, found):
            return refused
        if not self._feed.ready_marker and self._folder.is_written(fd):
            return Deferred(look, None)
        return self._copied(fd, look)

    def _refused(self, look: Look, found: os.stat_result) -> Refused | None:
        """Refuse an open file that the feed does not take, by what the system says of it."""
        if fault := not_trusted(self._feed, look.name, found):
            return Refused(look, fault, "quarantined")
        if look.size > self._feed.max_size:
            return Refused(look, faults.too_big(look, self._feed.max_size), "refused-unread")
        return None

    def _copied(self, fd: int, look: Look) -> Reading:
        copy = self._spool.take(fd, limit=self._feed.max_size)
        if copy is None:
            return None
        if copy.size != look.size or _changed(fd, look):
            self._spool.discard(copy.path)
            return None
        return Copied(look, Paper("original", self._spool.keep(copy), copy.sha256, copy.size))


def _changed(fd: int, look: Look) -> bool:
    return to_look(look.name, os.fstat(fd)) != look
