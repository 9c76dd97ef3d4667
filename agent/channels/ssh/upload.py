"""Moving a parcel's bytes over the wire, out and back, many requests under way at once."""

from __future__ import annotations

import hashlib
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.channels.base import pieces
from agent.channels.failures import ShortError
from agent.channels.ssh.failures import PERMISSION_DENIED, UNSUPPORTED, RefusedError
from agent.channels.ssh.packets import FOR_READING
from agent.net.failures import ChangedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.channels.base import Parcel
    from agent.channels.ssh.steps import Steps
    from agent.channels.ssh.wire import Ticket, Wire

_UNDER_WAY = 2 * 2**20  # bytes: as much as OpenSSH's window takes
_BLOCK = 2**20  # bytes read and hashed at once: fewer hand-overs between threads
_NOT_OFFERED = frozenset({PERMISSION_DENIED, UNSUPPORTED})


class Upload:
    """Writes a parcel into an open, empty file and closes it, with the status of every request read.

    Args:
        wire: the session.
        handle: the file, open for writing and empty.
        parcel: what it shall hold.
        again: tells the stored size of the closed file, None where it may not be asked. With it the file is
            closed in the same breath as it is written, which saves a round trip; without it the file is
            closed only once its size is known.
    """

    def __init__(
        self, wire: Wire, handle: bytes, parcel: Parcel, again: Callable[[], Steps[int | None]] | None = None
    ) -> None:
        self._wire, self._handle, self._parcel = wire, handle, parcel
        self._again = again
        self._under_way: deque[Ticket] = deque()

    def run(self) -> Steps[str]:
        """Do it; return what proves that the server has every byte, in plain words.

        Raises:
            RefusedError: the server refused a write, the sync or the close.
            ShortError: the server has stored another number of bytes.
            ChangedError: the bytes on our own disk are not the parcel's.
            LostError: the connection broke.
        """
        try:
            yield from self._write()
            synced, confirmed = yield from self._settle()
        except (RefusedError, ShortError, ChangedError):
            self._wire.forget(*self._under_way)
            with suppress(RefusedError):
                yield from self._wire.done(self._wire.ask_close(self._handle))
            raise
        words = (
            f"{self._parcel.size} bytes, every write answered",
            "size confirmed" if confirmed else "",
            "on the server's disk" if synced else "",
        )
        return ", ".join(filter(None, words))

    def _write(self) -> Steps[None]:
        size, offset = self._wire.largest_write(self._handle), 0
        for block in pieces(self._parcel, size * max(_BLOCK // size, 1)):
            for at in range(0, len(block), size):
                piece = block[at : at + size]
                self._under_way.append(self._wire.ask_write(self._handle, offset, piece))
                offset += len(piece)
                if len(self._under_way) > _UNDER_WAY // size:
                    yield from self._wire.done(self._under_way.popleft())

    def _settle(self) -> Steps[tuple[bool, bool]]:
        """Sync, look and close; wait for all that is under way. Return whether synced, and confirmed."""
        wire, handle = self._wire, self._handle
        writes = len(self._under_way)
        sync, size = wire.ask_fsync(handle), wire.ask_open_size(handle)
        close = wire.ask_close(handle) if self._again else None
        self._under_way += filter(None, (sync, size, close))
        for _ in range(writes):
            yield from wire.done(self._under_way.popleft())
        synced = sync is not None and (yield from self._synced(self._under_way.popleft()))
        stored = yield from self._stored(self._under_way.popleft())
        if close:
            yield from wire.done(self._under_way.popleft())
        confirmed = yield from self._confirmed(stored)
        if not close:
            yield from wire.done(wire.ask_close(handle))
        return synced, confirmed

    def _synced(self, ticket: Ticket) -> Steps[bool]:
        try:
            yield from self._wire.done(ticket)
        except RefusedError as refusal:
            if refusal.code in _NOT_OFFERED:
                return False
            raise
        return True

    def _stored(self, ticket: Ticket) -> Steps[int | None]:
        try:
            return (yield from self._wire.size(ticket))
        except RefusedError:
            return None

    def _confirmed(self, stored: int | None) -> Steps[bool]:
        """Tell whether the server confirms the size; False where it tells none at all."""
        size = self._parcel.size
        if stored != size:  # some servers look before they have done all the writes under way
            again = self._again or self._look_again
            after = yield from again()
            stored = stored if after is None else after
        if stored not in {None, size}:
            raise ShortError(f"the server stored {stored} of {size} bytes")
        return stored is not None

    def _look_again(self) -> Steps[int | None]:
        return (yield from self._stored(self._wire.ask_open_size(self._handle)))


def digest(wire: Wire, path: str, size: int) -> Steps[str]:
    """Read a file of the server back; return its SHA-256, or "" when it has not the size it should have."""
    handle = yield from wire.open(path, FOR_READING)
    sha256, step = hashlib.sha256(), wire.largest_read()
    asked: deque[tuple[Ticket, int]] = deque()
    offset = 0
    while asked or offset < size:
        while offset < size and len(asked) < _UNDER_WAY // step:
            wanted = min(step, size - offset)
            asked.append((wire.ask_read(handle, offset, wanted), wanted))
            offset += wanted
        ticket, wanted = asked.popleft()
        piece = yield from wire.piece(ticket)
        sha256.update(piece)
        if len(piece) != wanted:
            wire.forget(*(ticket for ticket, _ in asked))
            break
    else:
        wanted = 0
    yield from wire.done(wire.ask_close(handle))
    return "" if wanted else sha256.hexdigest()
