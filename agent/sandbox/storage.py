"""What the stand-in keeps: files in one folder, what was accepted, and the faults it is told to have.

Like an old server of the kind it stands for, it may take each finished file away at once (sweep). A file
counts as accepted when it is complete under a name that people can see: renamed to one, or closed under
one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import paramiko
from paramiko import sftp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
Sweep = Literal["never", "rename", "close"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A file as the far side took it in."""

    name: str
    sha256: str
    size: int
    at: float


@dataclass(frozen=True, slots=True)
class Request:
    """One thing a client asks for, before it is done."""

    operation: str  # open, write, fstat, close, rename, renamed, stat, remove, read, list
    path: str  # as the client names it; for rename the new name
    end: int = 0  # write: where the written bytes would end


# Returns the SFTP status to answer instead of doing it (0: pretend that it was done), or None to do it.
Interfere: TypeAlias = "Callable[[Request], int | None]"


class Storage:
    """The files of one stand-in.

    Args:
        root: the folder clients see as `/`; accepted files stay here, or go to `/processed`.
        sweep: when finished files are taken away.
        interfere: is shown every request first; tests make faults with it.
    """

    def __init__(self, root: Path, sweep: Sweep, interfere: Interfere | None) -> None:
        self.root = root
        self.accepted: list[Accepted] = []
        self._sweep = sweep
        self.interfere = interfere
        self._lock = threading.Lock()

    def place(self, path: str) -> Path:
        """Return where a client's path is kept; nothing leads out of the root."""
        parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
        return self.root.joinpath(*parts)

    def verdict(self, operation: str, path: str, end: int = 0) -> int | None:
        """Return the status to answer instead of doing what is asked, if any."""
        return self.interfere(Request(operation, path, end)) if self.interfere else None

    def finished(self, path: str, how: Literal["rename", "close"]) -> None:
        """Take a finished file in, when people can see its name."""
        place = self.place(path)
        if place.name.startswith(".") or place.parent == self.root / "processed":
            return
        content = place.read_bytes()
        with self._lock:
            digest = hashlib.sha256(content).hexdigest()
            self.accepted.append(Accepted(place.name, digest, len(content), time.time()))
        if self._sweep == how:
            (self.root / "processed").mkdir(exist_ok=True)
            place.rename(self.root / "processed" / place.name)


class OpenFile(paramiko.SFTPHandle):
    """A file a client has open."""

    def __init__(self, files: Files, path: str, descriptor: int, flags: int) -> None:
        super().__init__(flags)
        self._files, self._storage = files, files.storage
        self._path, self._descriptor = path, descriptor
        self._written = bool(flags & (os.O_WRONLY | os.O_RDWR))

    def read(self, offset: int, length: int) -> bytes | int:
        """Read a piece."""
        instead = self._storage.verdict("read", self._path)
        return os.pread(self._descriptor, length, offset) if instead is None else instead

    def write(self, offset: int, data: Any) -> int:
        """Write a piece."""
        instead = self._storage.verdict("write", self._path, offset + len(data))
        if instead is None:
            os.pwrite(self._descriptor, data, offset)
        return instead or sftp.SFTP_OK

    def stat(self) -> paramiko.SFTPAttributes | int:
        """Tell its attributes."""
        instead = self._storage.verdict("fstat", self._path)
        return paramiko.SFTPAttributes.from_stat(os.fstat(self._descriptor)) if instead is None else instead

    def close(self) -> None:
        """Close it; take it in, unless the client went away without closing it.

        Raises:
            OSError: it cannot be kept. paramiko answers that with a failure.
        """
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        os.close(descriptor)
        if self._files.gone or not self._written:
            return
        if self._storage.verdict("close", self._path):
            raise OSError(errno.EDQUOT, "not kept")
        self._storage.finished(self._path, "close")


class Files(paramiko.SFTPServerInterface):
    """What clients may ask for by name."""

    def __init__(self, server: paramiko.ServerInterface, storage: Storage) -> None:
        super().__init__(server)
        self.storage = storage
        self.gone = False

    def session_ended(self) -> None:
        """Note that the client is gone."""
        self.gone = True

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        """Open or create a file; its attributes are the server's business."""
        del attr
        return self._done(
            "open", path, lambda place: OpenFile(self, path, os.open(place, flags, 0o600), flags)
        )

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        """Tell a file's attributes."""
        return self._done("stat", path, lambda place: paramiko.SFTPAttributes.from_stat(place.stat()))

    lstat = stat

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        """List a folder."""

        def listed(place: Path) -> list[paramiko.SFTPAttributes]:
            found = []
            for one in place.iterdir():
                with suppress(FileNotFoundError):  # it went while we looked
                    found.append(paramiko.SFTPAttributes.from_stat(one.stat(), one.name))
            return found

        return self._done("list", path, listed)

    def remove(self, path: str) -> int:
        """Remove a file."""

        def removed(place: Path) -> int:
            place.unlink()
            return sftp.SFTP_OK

        return self._done("remove", path, removed)

    def rename(self, oldpath: str, newpath: str) -> int:
        """Rename a file, provided that the new name is free."""

        def renamed(place: Path) -> int:
            os.link(self.storage.place(oldpath), place)  # fails when the name is taken
            self.storage.place(oldpath).unlink()
            self.storage.finished(newpath, "rename")
            return self.storage.verdict("renamed", newpath) or sftp.SFTP_OK

        return self._done("rename", newpath, renamed)

    def _done(self, operation: str, path: str, do: Callable[[Path], T]) -> T | int:
        instead = self.storage.verdict(operation, path)
        if instead is not None:
            return instead
        try:
            return do(self.storage.place(path))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
