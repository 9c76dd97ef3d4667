"""The folders people look into: each file has a sub-folder of its own in its feed's `sent/`, `done/` or `attention/`.

Others write there too. So every name is used relative to a folder held open, no link is followed, and nothing
is overwritten or removed but our own reports and those rejects files that nobody has changed. What is done
here can be done again, whole, after a crash at any point. Where a folder cannot be used that is a
`DropFolderError`: the agent goes on and comes back to it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar, Self

from agent.errors import AgentError
from agent.spool import disk
from agent.stages.close.story import REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from agent.errors import Follows
    from agent.model import Submission

_KINDS = ("sent", "done", "attention")
_WORKING = "working"
_PARTIAL = ".writing.partial"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOR_PEOPLE, _FILES_FOR_PEOPLE = 0o775, 0o664  # as far as the umask lets them
_MANY = 1000  # names tried until one is free
_LONGEST = 255  # bytes of a file name


class DropFolderError(AgentError):
    """A folder that people look into cannot be used; nothing is lost, and it is tried again."""

    follows: ClassVar[Follows] = "defer"


class Place:
    """One sub-folder of `sent/`, `done/` or `attention/`, made and held open; a context manager.

    Args:
        drop: the feed's drop folder.
        folder: the sub-folder, such as `done/20261121-k3v9q2hd--refunds.csv`.

    """

    def __init__(self, drop: Path, folder: str) -> None:
        self._drop, self._feed = drop, drop.name
        self._kind, _, self._label = folder.partition("/")
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack, self._said_plainly():
            self._root = self._held(os.open(self._drop, _FOLDER & ~os.O_NOFOLLOW))
            self._shelf = self._made(self._kind, self._root)
            self._here = self._made(self._label, self._shelf)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bring_original(self, submission: str, name: str, spare: Callable[[], Path | None]) -> None:
        """Bring the dropped file from `working/`, or from where it was told of before.

        Where it is gone from all of these, what `spare` finds, the agent's own copy, is copied.
        """
        with self._said_plainly():
            for folder, found in self._originals(submission, name):
                self._move(folder, found, name)
            if not _is_there(self._here, name) and (copy := spare()):
                self._copy(copy, name)

    def bring(self, source: Path, name: str) -> None:
        """Copy a file of ours for people to work with, unless one of this name is there."""
        with self._said_plainly():
            if not _is_there(self._here, name):
                self._copy(source, name)

    def write(self, name: str, draw: Callable[[Utf8], None]) -> None:
        """Write one of our reports, replacing an older one at once."""
        with self._said_plainly(), self._new(name, replacing=True) as fd:
            draw(Utf8(fd))

    def remove_unchanged(self, digests: Mapping[str, str]) -> None:
        """Remove files of ours (digests by name) that nobody has changed."""
        with self._said_plainly():
            _remove_unchanged(self._here, digests)

    def clear_the_others(self, digests: Mapping[str, str]) -> None:
        """Put on disk what is here, then take away what was told in other folders; others' files stay."""
        with self._said_plainly():
            for folder in (self._here, self._shelf):
                os.fsync(folder)
            for kind in self._others:
                self._clear(kind, digests)

    def _clear(self, kind: str, digests: Mapping[str, str]) -> None:
        with ExitStack() as stack:
            try:
                shelf = self._held(self._opened(kind, self._root), stack)
                there = self._held(self._opened(self._label, shelf), stack)
            except (FileNotFoundError, NotADirectoryError):
                return
            _remove_unchanged(there, digests)
            for name in (*REPORTS, _PARTIAL):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=there)
            with suppress(OSError):  # somebody else's files are in it
                os.rmdir(self._label, dir_fd=shelf)
            os.fsync(shelf)

    @property
    def _others(self) -> tuple[str, ...]:
        return tuple(kind for kind in _KINDS if kind != self._kind)

    def _originals(self, submission: str, name: str) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        with suppress(FileNotFoundError):
            working = self._held(self._opened(_WORKING, self._root))
            found += [(working, each) for each in _of_submission(working, submission)]
        for kind in self._others:
            with suppress(FileNotFoundError, NotADirectoryError):
                shelf = self._held(self._opened(kind, self._root))
                there = self._held(self._opened(self._label, shelf))
                found += [(there, name)] if _is_there(there, name) else []
        return found

    def _move(self, folder: int, found: str, name: str) -> None:
        for number in range(_MANY):
            free = _cut(f"{number}--{name}") if number else name
            with suppress(FileExistsError):
                disk.move_without_overwrite(folder, found, self._here, free)
                return
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)

    def _copy(self, source: Path, name: str) -> None:
        with disk.opened_plain(source) as old, self._new(name, replacing=False) as new:
            place = 0
            while chunk := os.pread(old, disk.CHUNK, place):
                disk.write_all(new, chunk)
                place += len(chunk)

    @contextmanager
    def _new(self, name: str, *, replacing: bool) -> Iterator[int]:
        """Open a file that gets its name when it is whole and on disk."""
        with suppress(FileNotFoundError):
            os.unlink(_PARTIAL, dir_fd=self._here)
        fd = os.open(_PARTIAL, _NEW, _FILES_FOR_PEOPLE, dir_fd=self._here)
        try:
            yield fd
            os.fsync(fd)
        finally:
            os.close(fd)
        if replacing:
            os.rename(_PARTIAL, name, src_dir_fd=self._here, dst_dir_fd=self._here)
        else:
            disk.move_without_overwrite(self._here, _PARTIAL, self._here, name)

    def _made(self, name: str, folder: int) -> int:
        with suppress(FileExistsError):
            os.mkdir(name, _FOR_PEOPLE, dir_fd=folder)
        return self._held(self._opened(name, folder))

    @staticmethod
    def _opened(name: str, folder: int) -> int:
        return os.open(name, _FOLDER, dir_fd=folder)

    def _held(self, fd: int, stack: ExitStack | None = None) -> int:
        (stack or self._stack).callback(os.close, fd)
        return fd

    @contextmanager
    def _said_plainly(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = f"the folder {self._kind} of feed {self._feed}"
            raise DropFolderError(f"{where} cannot be written: {error.strerror or error}") from error


class Utf8:
    """Takes text and writes it to an open file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, text: str, /) -> None:
        """Write a piece."""
        disk.write_all(self._fd, text.encode())


def written_late(drop: Path, submission: Submission) -> bool:
    """Whether the file in `working/` was written to after it was taken; False when it is not there."""
    _, _, *taken = submission.fingerprint.split(":")  # devices may change their number at a restart
    with suppress(OSError), disk.opened_folder(drop / _WORKING) as working:
        for name in _of_submission(working, submission.id):
            found = os.stat(name, dir_fd=working, follow_symlinks=False)
            return [str(found.st_size), str(found.st_mtime_ns)] != taken
    return False


def _of_submission(working: int, submission: str) -> list[str]:
    return sorted(name for name in os.listdir(working) if name.startswith(f"{submission}--"))


def _cut(name: str) -> str:
    return name.encode()[:_LONGEST].decode(errors="ignore")


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _remove_unchanged(folder: int, digests: Mapping[str, str]) -> None:
    for name, digest in digests.items():
        with suppress(FileNotFoundError):
            if _digest(folder, name) == digest:
                os.unlink(name, dir_fd=folder)


def _digest(folder: int, name: str) -> str:
    """Return the SHA-256 of a plain file, "" of anything else."""
    try:
        fd = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO, errno.EACCES}:
            return ""
        raise
    try:
        return disk.digest_of(fd)[0] if stat.S_ISREG(os.fstat(fd).st_mode) else ""
    finally:
        os.close(fd)
