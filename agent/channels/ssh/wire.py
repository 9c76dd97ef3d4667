"""One SFTP session: the few requests a delivery needs, and the status of every one of them.

paramiko's own SFTP client drops the replies to pipelined writes and to CLOSE and keeps the server's
extensions to itself, so a cut-off upload looks like a success. Here a request is asked (sent; several may
be under way) and its answer waited for; a status that says no raises `RefusedError`, whatever else goes
wrong raises `LostError`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from paramiko.ssh_exception import SSHException

from agent.channels.ssh import packets
from agent.channels.ssh.failures import RefusedError
from agent.channels.ssh.packets import Reader, blob, text
from agent.net.failures import LostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.channels.ssh.packets import Entry
    from agent.channels.ssh.steps import Steps

_EOF = 1
_FSYNC = "fsync@openssh.com"
_LIMITS = "limits@openssh.com"
_NONSENSE = "the server answered something that is no SFTP"
_HEAD = struct.Struct(">IBI")  # length of what follows, kind of packet, number of the request
_OK = bytes(4)
_LARGEST = 2**24  # bytes; a longer packet is no SFTP
_SPARE = 64  # bytes paramiko leaves free in an SSH packet
_WRITE_HEADER = 25  # bytes of a write request besides its handle and data
_LONGEST_HANDLE = 256
_PACKET = 32768  # bytes; what every server takes
_PACKETS = 7  # SSH packets for one write, where the server allows it; more gained nothing
_RECEIVE = 65536


class Stream(Protocol):
    """The SSH channel, or what stands in for it."""

    def send(self, data: bytes, /) -> int:
        """Send some of the bytes; 0 when the far side is gone."""

    def recv(self, size: int, /) -> bytes:
        """Return what has come, waiting for at least a byte; empty when the far side is gone."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request under way: the kind of answer it should get, and what it asks to do, in words."""

    number: int
    answer: int
    step: str


class Wire:
    """Speaks SFTP over a stream whose sftp subsystem is started. Used by one thread.

    Args:
        stream: the SSH channel.
        progress: called whenever the server answered.
        why: tells why we shut the connection ourselves, or "".
        packet: the largest SSH packet the server takes, in bytes.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        progress: Callable[[], None],
        why: Callable[[], str],
        packet: int = _PACKET,
    ) -> None:
        self._stream = stream
        self._progress = progress
        self._why = why
        self.hasty = (
            True  # close files in one breath with the last write; not where sizes are hidden afterwards
        )
        self._packet = min(packet, _PACKET) - _SPARE
        self._number = 0
        self._step = "start the SFTP session"
        self._unsent: list[bytes] = []
        self._unsent_size = 0
        self._unread = bytearray()
        self._forgotten: set[int] = set()
        self._arrived: dict[int, tuple[int, bytes]] = {}
        self.extensions = self._hello()
        self._limit = self._write_limit()

    def largest_write(self, handle: bytes) -> int:
        """Return how many bytes of a file make one request that fills SSH packets to the brim."""
        header = _WRITE_HEADER + len(handle)
        count = max(min((self._limit + header) // self._packet, _PACKETS), 1)
        return max(count * self._packet - header, 1024)

    def largest_read(self) -> int:
        """Return how many bytes every server returns at once."""
        return _PACKET

    def open(self, path: str, flags: int) -> Steps[bytes]:
        """Open a file and return its handle."""
        body = text(path) + struct.pack(">II", flags, 0)
        ticket = self._ask(packets.OPEN, packets.HANDLE, body, "open a file")
        yield ticket
        return Reader(self._reply(ticket)).blob()

    def ask_write(self, handle: bytes, offset: int, piece: bytes) -> Ticket:
        """Send one piece of a file."""
        place = blob(handle) + struct.pack(">QI", offset, len(piece))
        return self._ask(packets.WRITE, packets.STATUS, place, "write", piece)

    def ask_read(self, handle: bytes, offset: int, size: int) -> Ticket:
        """Ask for one piece of a file; `piece` waits for it."""
        place = blob(handle) + struct.pack(">QI", offset, size)
        return self._ask(packets.READ, packets.DATA, place, "read")

    def ask_fsync(self, handle: bytes) -> Ticket | None:
        """Ask the server to put a file on its disk; None where it does not offer that."""
        if _FSYNC not in self.extensions:
            return None
        body = text(_FSYNC) + blob(handle)
        return self._ask(packets.EXTENDED, packets.STATUS, body, "put the file on its disk")

    def ask_open_size(self, handle: bytes) -> Ticket:
        """Ask for an open file's size; `size` waits for it."""
        return self._ask(packets.FSTAT, packets.ATTRS, blob(handle), "look at the open file")

    def ask_close(self, handle: bytes) -> Ticket:
        """Ask to close a file; only here some servers say that they could not keep it."""
        return self._ask(packets.CLOSE, packets.STATUS, blob(handle), "close the file")

    def ask_rename(self, old: str, new: str) -> Ticket:
        """Ask to rename; a server that keeps to the standard refuses when the new name exists."""
        return self._ask(packets.RENAME, packets.STATUS, text(old) + text(new), "rename the file")

    def ask_remove(self, path: str) -> Ticket:
        """Ask to remove a file."""
        return self._ask(packets.REMOVE, packets.STATUS, text(path), "remove a file")

    def ask_size(self, path: str) -> Ticket:
        """Ask for a file's size; `size` waits for it."""
        return self._ask(packets.STAT, packets.ATTRS, text(path), "look at a file")

    def done(self, ticket: Ticket) -> Steps[None]:
        """Wait for a request's status."""
        yield ticket
        self._reply(ticket)

    def size(self, ticket: Ticket) -> Steps[int | None]:
        """Wait for a file's size in bytes; None where the server knows the file but tells no size."""
        return (yield from self.about(ticket)).size

    def about(self, ticket: Ticket) -> Steps[Entry]:
        """Wait for all that is told of an open file."""
        yield ticket
        return Reader(self._reply(ticket)).entry()

    def piece(self, ticket: Ticket) -> Steps[bytes]:
        """Wait for the bytes of a read; empty at the end of the file."""
        yield ticket
        reply = self._unless_end(ticket)
        return Reader(reply).blob() if reply else b""

    def find(self, folder: str, wanted: Callable[[Entry], bool]) -> Steps[Entry | None]:
        """Return the first entry of a folder that is wanted."""
        ticket = self._ask(packets.OPENDIR, packets.HANDLE, text(folder), "list a folder")
        yield ticket
        handle, found = Reader(self._reply(ticket)).blob(), None
        while found is None:
            ticket = self._ask(packets.READDIR, packets.NAME, blob(handle), "list a folder")
            yield ticket
            reply = self._unless_end(ticket)
            if not reply:
                break
            found = next(filter(wanted, Reader(reply).entries()), None)
        yield from self.done(self.ask_close(handle))
        return found

    def probe(self) -> Steps[None]:
        """Ask something harmless, to learn whether the server still answers."""
        yield from self.done(self._ask(packets.REALPATH, packets.NAME, text("."), "answer at all"))

    def arrive(self, ticket: Ticket) -> None:
        """Wait until the answer to a request is there."""
        self._step = ticket.step
        if ticket.number not in self._arrived:
            self._flush()
        while ticket.number not in self._arrived:
            kind, number, reply = self._packet_in()
            self._arrived[number] = kind, reply
            self._progress()
            if number in self._forgotten:
                self._forgotten.remove(number)
                del self._arrived[number]

    def forget(self, *tickets: Ticket | None) -> None:
        """Nobody waits for these answers any more."""
        for ticket in filter(None, tickets):
            if self._arrived.pop(ticket.number, None) is None:
                self._forgotten.add(ticket.number)

    def _hello(self) -> dict[str, bytes]:
        self._put(_HEAD.pack(5, packets.INIT, 3))
        self._flush()
        kind, _, reply = self._packet_in()  # its version is ours, or an older one with the same packets
        if kind != packets.VERSION:
            raise LostError(_NONSENSE)
        self._progress()
        return Reader(reply).extensions()

    def _write_limit(self) -> int:
        """Ask how much one write may carry: longer ones than the standard's need fewer answers."""
        if _LIMITS not in self.extensions:
            return 0
        ticket = self._ask(packets.EXTENDED, packets.EXTENDED_REPLY, text(_LIMITS), "tell its limits")
        self.arrive(ticket)
        try:
            reader = Reader(self._reply(ticket))
        except RefusedError:
            return 0
        largest_packet, _, largest_write = reader.number(8), reader.number(8), reader.number(8)
        return min(largest_packet - _WRITE_HEADER - _LONGEST_HANDLE, largest_write)

    def _ask(self, kind: int, answer: int, body: bytes, step: str, tail: bytes = b"") -> Ticket:
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._step = step
        self._put(_HEAD.pack(5 + len(body) + len(tail), kind, self._number), body, tail)
        if self._unsent_size >= self._packet:  # small requests wait for company: one SSH packet for several
            self._flush()
        return Ticket(self._number, answer, step)

    def _reply(self, ticket: Ticket) -> bytes:
        kind, reply = self._arrived.pop(ticket.number)
        if kind == packets.STATUS and not reply.startswith(_OK):
            raise RefusedError(ticket.step, *packets.refusal(reply))
        if kind != ticket.answer:
            raise LostError(f"the server answered nonsense when asked to {ticket.step}")
        return reply

    def _unless_end(self, ticket: Ticket) -> bytes:
        try:
            return self._reply(ticket)
        except RefusedError as refusal:
            if refusal.code == _EOF:
                return b""
            raise

    def _packet_in(self) -> tuple[int, int, bytes]:
        length, kind, number = _HEAD.unpack(self._take(_HEAD.size))
        if not _HEAD.size - 4 <= length <= _LARGEST:
            raise LostError(_NONSENSE)
        return kind, number, self._take(length + 4 - _HEAD.size)

    def _take(self, size: int) -> bytes:
        while len(self._unread) < size:
            try:
                found = self._stream.recv(_RECEIVE)
            except (OSError, EOFError, SSHException) as error:
                raise self._lost(error) from error
            if not found:
                raise self._lost(None)
            self._unread += found
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        return taken

    def _put(self, *parts: bytes) -> None:
        self._unsent += parts
        self._unsent_size += sum(map(len, parts))

    def _flush(self) -> None:
        packet = b"".join(self._unsent)
        self._unsent.clear()
        self._unsent_size = 0
        try:
            while packet:
                sent = self._stream.send(packet)
                if not sent:
                    raise self._lost(None)
                packet = packet[sent:]
        except (OSError, EOFError, SSHException) as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception | None) -> LostError:
        why = self._why()
        if not why and isinstance(error, TimeoutError):
            why = "no answer in time"
        return LostError(f"{why or 'the connection broke'} when the server was asked to {self._step}")
