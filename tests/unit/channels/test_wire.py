"""The SFTP protocol against a scripted far end: out of order, early, garbled, missing."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from agent.channels.failures import ShortError
from agent.channels.ssh import packets
from agent.channels.ssh.failures import RefusedError
from agent.channels.ssh.steps import run, together
from agent.channels.ssh.upload import Upload, digest
from agent.channels.ssh.wire import Wire
from agent.net.failures import FarError, LostError

if TYPE_CHECKING:
    from collections.abc import Callable

OK, FAILURE = 0, 4
Reply = bytes | None


def packet(kind: int, number: int, body: bytes) -> bytes:
    """Return one packet as it goes over the wire."""
    return struct.pack(">IBI", 5 + len(body), kind, number) + body


def status(number: int, code: int = OK) -> bytes:
    """Return the answer yes or no."""
    return packet(packets.STATUS, number, struct.pack(">I", code) + packets.text("said") + packets.text(""))


class Asked(NamedTuple):
    """One request."""

    kind: int
    number: int
    body: bytes


class FarEnd:
    """Answers with what `answer` makes of each request; hands bytes over in small pieces."""

    def __init__(self, answer: Callable[[Asked], bytes], hello: bytes | None = None) -> None:
        self._answer = answer
        self._incoming, self._outgoing = b"", b""
        self._hello = packet(packets.VERSION, 3, b"") if hello is None else hello
        self.sends = 0

    def send(self, data: bytes, /) -> int:
        """Take up to a packet's worth."""
        self.sends += 1
        taken = data[:32704]
        self._incoming += taken
        while len(self._incoming) >= 9:
            length, kind, number = struct.unpack_from(">IBI", self._incoming)
            if len(self._incoming) < length + 4:
                break
            body, self._incoming = self._incoming[9 : length + 4], self._incoming[length + 4 :]
            self._outgoing += self._hello if kind == packets.INIT else self._answer(Asked(kind, number, body))
        return len(taken)

    def recv(self, size: int, /) -> bytes:
        """Give seven bytes at a time, then hang up."""
        given, self._outgoing = self._outgoing[:7], self._outgoing[7:]
        return given


def wire_to(far: FarEnd) -> Wire:
    """Return a session with it."""
    return Wire(far, progress=lambda: None, why=lambda: "")


def test_small_requests_share_a_packet() -> None:
    """Requests asked in one breath travel together; answers find their requests in any order."""
    held: list[bytes] = []

    def backwards(asked: Asked) -> bytes:
        held.insert(0, status(asked.number, FAILURE if asked.body.endswith(b"b") else OK))
        return b"".join(held) if len(held) == 3 else b""

    far = FarEnd(backwards)
    wire = wire_to(far)
    tickets = [wire.ask_remove(name) for name in "abc"]
    ends = together(wire, [wire.done(ticket) for ticket in tickets])
    assert [type(end) for end in ends] == [type(None), RefusedError, type(None)]
    assert far.sends == 2  # the greeting, and the three


def test_what_is_forgotten_is_not_kept() -> None:
    """Answers nobody waits for any more go, whether they came before or come after."""
    wire = wire_to(FarEnd(lambda asked: status(asked.number)))
    first, second, third, fourth = (wire.ask_remove(name) for name in "abcd")
    wire.forget(first, None)
    run(wire, wire.done(third))
    wire.forget(second)
    run(wire, wire.done(fourth))
    assert (wire._arrived, wire._forgotten) == ({}, set())


def test_a_write_fills_whole_ssh_packets() -> None:
    """One byte more in a write would cost a second packet: two encryptions in place of one."""
    far = FarEnd(lambda asked: status(asked.number))
    wire = wire_to(far)
    size = wire.largest_write(b"hand")
    before = far.sends
    ticket = wire.ask_write(b"hand", 0, bytes(size))
    assert (size, far.sends - before) == (32675, 1)
    run(wire, wire.done(ticket))
    wire.ask_write(b"hand", 0, bytes(size + 1))
    assert far.sends - before == 3


def test_larger_writes_where_the_server_says_so() -> None:
    """The server's limits are asked for and kept."""
    hello = packet(packets.VERSION, 3, packets.text("limits@openssh.com") + packets.text("1"))

    def limits(asked: Asked) -> bytes:
        return packet(packets.EXTENDED_REPLY, asked.number, struct.pack(">QQQQ", 262144, 261120, 261120, 0))

    size = wire_to(FarEnd(limits, hello)).largest_write(b"hand")
    assert size == 7 * 32704 - 29
    assert size <= 261120
    assert wire_to(FarEnd(lambda asked: status(asked.number, 8), hello)).largest_write(b"hand") == 32675


@pytest.mark.parametrize(
    "hello",
    [
        b"",
        b"This account is currently not available.\n",
        packet(packets.STATUS, 3, b""),
        packet(packets.VERSION, 3, packets.text("half an extension")),
        struct.pack(">IBI", 2**31, packets.VERSION, 3),
        struct.pack(">IBI", 0, packets.VERSION, 3),
    ],
)
def test_a_greeting_that_is_no_sftp(hello: bytes) -> None:
    """Whatever comes in place of the greeting, nothing hangs and nothing else is raised."""
    with pytest.raises(LostError):
        wire_to(FarEnd(lambda _: b"", hello))


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: b"",
        lambda number: packet(packets.STATUS, number, struct.pack(">I", FAILURE)),
        lambda number: packet(packets.STATUS, number, b"\0"),
        lambda number: status(number, OK),
        lambda number: packet(packets.ATTRS, number, struct.pack(">I", 1) + b"half"),
        lambda number: packet(packets.ATTRS, number, struct.pack(">II", 0x80000000, 2**31)),
        lambda number: packet(packets.DATA, number, packets.blob(b"bytes")),
        lambda number: packet(77, number, b""),
    ],
)
def test_an_answer_that_is_none(answer: Callable[[int], bytes]) -> None:
    """Garbage in place of a size is a failure of the far end, never an error of ours."""
    wire = wire_to(FarEnd(lambda asked: answer(asked.number)))
    with pytest.raises(FarError):
        run(wire, wire.size(wire.ask_size("name")))


def test_attributes_of_every_kind_are_read() -> None:
    """Size, owner, mode, times and extensions; or none of them."""
    everything = struct.pack(">IQIIIIIIIII", 0x8000000F, 5, 1, 2, 3, 4, 5, 1, 0, 0, 0)[: 4 + 8 + 8 + 4 + 8]
    everything += struct.pack(">I", 1) + packets.text("name") + packets.text("value")
    replies = iter([everything, struct.pack(">I", 0)])
    wire = wire_to(FarEnd(lambda asked: packet(packets.ATTRS, asked.number, next(replies))))
    assert run(wire, wire.size(wire.ask_size("a"))) == 5
    assert run(wire, wire.size(wire.ask_size("b"))) is None


class Disk:
    """A far end that keeps one file, and may look at its size before the writes it has already answered."""

    def __init__(self, *, late: bool, hides: bool = False, keeps: int = 10**9) -> None:
        self.stored = bytearray()
        self._waiting: list[tuple[int, bytes]] = []
        self._late, self._hides, self._keeps = late, hides, keeps
        self._looked = 0

    def __call__(self, asked: Asked) -> bytes:
        """Answer one request."""
        kind, number, body = asked
        if kind == packets.WRITE:
            offset = int.from_bytes(body[8:16], "big")
            self._waiting.append((offset, body[20:]))
            if not self._late:
                self._work()
            return status(number)
        if kind in {packets.FSTAT, packets.STAT}:
            return self._look(kind, number)
        self._work()
        return status(number)

    def _look(self, kind: int, number: int) -> bytes:
        self._looked += 1
        if self._looked > 1:
            self._work()
        if kind == packets.STAT and self._hides:
            return status(number, 3)
        return packet(packets.ATTRS, number, struct.pack(">IQ", 1, len(self.stored)))

    def _work(self) -> None:
        for offset, piece in self._waiting:
            self.stored[offset : offset + len(piece)] = piece
        del self.stored[self._keeps :]
        self._waiting.clear()


@pytest.mark.parametrize("hasty", [True, False])
def test_a_server_that_looks_too_early_is_asked_again(make_parcel: Any, *, hasty: bool) -> None:
    """A size told before the last write was done is no proof of a short file."""
    content = hashlib.shake_256(b"x").digest(100_000)
    disk = Disk(late=True)
    wire = wire_to(FarEnd(disk))
    again = (lambda: wire.size(wire.ask_size("temporary"))) if hasty else None
    proof = run(wire, Upload(wire, b"hand", make_parcel(content), again).run())
    assert bytes(disk.stored) == content
    assert "size confirmed" in proof


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("hasty", [True, False])
def test_a_short_file_is_found(make_parcel: Any, *, hasty: bool, late: bool) -> None:
    """A file that is really short is found, whenever the server looks."""
    wire = wire_to(FarEnd(Disk(late=late, keeps=99_999)))
    again = (lambda: wire.size(wire.ask_size("temporary"))) if hasty else None
    with pytest.raises(ShortError, match=r"stored \d+ of 100000 bytes"):
        run(wire, Upload(wire, b"hand", make_parcel(bytes(100_000)), again).run())


@pytest.mark.parametrize("size", [0, 1, 32768, 32769, 500_001])
def test_reading_back(size: int) -> None:
    """A file read back gives its digest; one that is shorter or longer than it should be gives none."""
    content = hashlib.shake_256(b"y").digest(size)

    def file(asked: Asked) -> bytes:
        kind, number, body = asked
        if kind == packets.OPEN:
            return packet(packets.HANDLE, number, packets.blob(b"h"))
        if kind != packets.READ:
            return status(number)
        offset, length = struct.unpack_from(">QI", body, 5)
        piece = content[offset : offset + length]
        return packet(packets.DATA, number, packets.blob(piece)) if piece else status(number, 1)

    wire = wire_to(FarEnd(file))
    assert run(wire, digest(wire, "name", size)) == hashlib.sha256(content).hexdigest()
    assert run(wire, digest(wire, "name", size + 1)) == ""
