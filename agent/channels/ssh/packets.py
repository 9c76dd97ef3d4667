"""The few packet forms of SFTP version 3 that a delivery needs, to and from bytes. Pure.

Source: draft-ietf-secsh-filexfer-02 and OpenSSH's PROTOCOL file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from agent.net.failures import LostError

INIT, VERSION, OPEN, CLOSE, READ, WRITE = 1, 2, 3, 4, 5, 6
FSTAT, OPENDIR, READDIR, REMOVE, REALPATH, STAT, RENAME = 8, 11, 12, 13, 16, 17, 18
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105
EXTENDED, EXTENDED_REPLY = 200, 201

FOR_READING = 0x01
FOR_NEW = 0x02 | 0x08 | 0x20  # write, create, and fail when the name exists

_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_MORE = 0x01, 0x02, 0x04, 0x08, 0x80000000


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a folder, or an open file without one, with what the server tells of it."""

    name: str
    size: int | None  # bytes
    mode: int | None = None  # its type and permissions, as in POSIX
    modified: int | None = None  # UTC epoch seconds


class Reader:
    """Reads one reply from its start; what does not fit the form raises `LostError`."""

    def __init__(self, reply: bytes) -> None:
        self._reply = reply
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._reply)

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        found = self._reply[self._at : self._at + size]
        if len(found) < size:
            raise LostError("the server answered something that is no SFTP")
        self._at += size
        return found

    def number(self, size: int = 4) -> int:
        """Return the next unsigned number."""
        return int.from_bytes(self.take(size), "big")

    def blob(self) -> bytes:
        """Return the next string of bytes."""
        return self.take(self.number())

    def text(self) -> str:
        """Return the next string as text."""
        return self.blob().decode("utf-8", "replace")

    def size(self) -> int | None:
        """Read a file's attributes; return its size in bytes."""
        return self.entry().size

    def entry(self, name: str = "") -> Entry:
        """Read the attributes of a file."""
        flags = self.number()
        size = self.number(8) if flags & _HAS_SIZE else None
        self.take(8 if flags & _HAS_OWNER else 0)
        mode = self.number() if flags & _HAS_MODE else None
        times = self.number(8) if flags & _HAS_TIMES else None  # when read, and when written
        for _ in range(2 * self.number() if flags & _HAS_MORE else 0):
            self.blob()
        return Entry(name, size, mode, None if times is None else times & 0xFFFFFFFF)

    def entries(self) -> list[Entry]:
        """Read some names of a folder."""
        found = []
        for _ in range(self.number()):
            name = self.text()
            self.blob()  # the same as `ls -l` would print it
            found.append(self.entry(name))
        return found

    def extensions(self) -> dict[str, bytes]:
        """Read what a server offers beyond the standard."""
        found = {}
        while self.more:
            name = self.text()
            found[name] = self.blob()
        return found


def blob(content: bytes) -> bytes:
    """Return a string of bytes as SFTP writes it."""
    return struct.pack(">I", len(content)) + content


def text(content: str) -> bytes:
    """Return a path or name as SFTP writes it."""
    return blob(content.encode())


def refusal(reply: bytes) -> tuple[int, str]:
    """Return code and text of a status; the text may be missing."""
    reader = Reader(reply)
    code = reader.number()
    return code, reader.text() if reader.more else ""
