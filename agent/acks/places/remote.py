"""A folder with result files behind the login of an SFTP destination; every wait has the destination's deadlines."""

from __future__ import annotations

import posixpath
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from agent.acks.places.base import Found
from agent.channels.failures import classify
from agent.channels.ssh.failures import RefusedError
from agent.channels.ssh.loading import connect
from agent.channels.ssh.packets import FOR_READING, Entry
from agent.channels.ssh.steps import run
from agent.net.failures import REFUSALS, FarError, LostError
from agent.net.kept import Kept
from agent.net.patience import WaitingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.channels.sftp import Options
    from agent.channels.ssh.connection import Connection
    from agent.channels.ssh.steps import Steps
    from agent.channels.ssh.wire import Wire
    from agent.settings.models import Secret

T = TypeVar("T")
_PIECE = 32768  # bytes; what every server returns at once
_MOST = 100_000  # files of a folder that are looked at
_TYPE_BITS = 0o170000


class Remote:
    """One folder at a server; see `base.Place`."""

    clocks_differ = 300.0

    def __init__(
        self, options: Options, directory: str, reveal: Callable[[Secret], bytes], clock: Callable[[], float]
    ) -> None:
        self._options, self._directory = options, directory
        self._login: Kept[Connection] = Kept(
            lambda: connect(options, reveal), lambda there: there.alive, REFUSALS, clock
        )

    @property
    def alive(self) -> bool:
        """Whether there is a connection that nobody knows to be dead."""
        return self._login.is_open

    def listing(self, wanted: Callable[[str], bool]) -> list[Found]:
        """Return the plain files whose names are wanted."""
        listed: list[Entry] = []

        def note(entry: Entry) -> bool:
            if "/" not in entry.name and wanted(entry.name) and _plain(entry):
                listed.append(entry)
            return len(listed) >= _MOST

        self._asked(lambda wire: wire.find(self._directory or ".", note))
        return [_found(entry.name, entry) for entry in listed]

    def content(self, found: Found) -> bytes | None:
        """Return a file's bytes; None where it is not the file that was listed any more."""
        return self._asked(lambda wire: _content(wire, self._path(found.name), found))

    def remove(self, found: Found) -> None:
        """Remove a file, unless it is not the one that was listed."""
        if self._same(found):
            self._asked(lambda wire: wire.done(wire.ask_remove(self._path(found.name))))

    def move(self, found: Found, folder: str, names: tuple[str, ...]) -> None:
        """Move a file into a folder; a server that keeps to the standard replaces nothing there."""
        if self._same(found):
            target = posixpath.join(self._directory, folder)
            paths = [posixpath.join(target, name) for name in names]
            self._asked(lambda wire: _renamed(wire, self._path(found.name), paths))

    def rest(self) -> None:
        """Let go of the connection."""
        self._login.close()

    def _path(self, name: str) -> str:
        return posixpath.join(self._directory, name)

    def _same(self, found: Found) -> bool:
        return found in self.listing(lambda name: name == found.name)

    def _asked(self, steps: Callable[[Wire], Steps[T]]) -> T:
        with self._classified():
            connection = self._login.get()
            connection.watch.begin(self._options.deadline, self._options.idle_timeout)
            try:
                return run(connection.wire, steps(connection.wire))
            finally:
                connection.watch.end()

    @contextmanager
    def _classified(self) -> Iterator[None]:
        try:
            yield
        except (FarError, WaitingError, OSError) as error:
            if isinstance(error, (LostError, OSError)):
                self.rest()
            raise classify(error) from error


def _plain(entry: Entry) -> bool:
    """Tell whether it is a plain file; a server that tells no types is believed, as every wait ends."""
    kind = (entry.mode or 0) & _TYPE_BITS
    return not kind or stat.S_ISREG(kind)


def _found(name: str, entry: Entry) -> Found:
    size, modified = entry.size or 0, entry.modified
    return Found(name, size, None if modified is None else float(modified), (size, modified))


def _content(wire: Wire, path: str, found: Found) -> Steps[bytes | None]:
    handle = yield from wire.open(path, FOR_READING)
    pieces, size = [], 0
    while size <= found.size:
        piece = yield from wire.piece(wire.ask_read(handle, size, min(_PIECE, found.size + 1 - size)))
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    now = yield from wire.about(wire.ask_open_size(handle))
    yield from wire.done(wire.ask_close(handle))
    return b"".join(pieces) if size == found.size and _found(found.name, now) == found else None


def _renamed(wire: Wire, path: str, targets: list[str]) -> Steps[None]:
    for target in targets[:-1]:
        try:
            return (yield from wire.done(wire.ask_rename(path, target)))
        except RefusedError:
            continue  # the name may be taken there: the next one is tried, and its refusal told
    return (yield from wire.done(wire.ask_rename(path, targets[-1])))
