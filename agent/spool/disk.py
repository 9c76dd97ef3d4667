"""What the spool does to a disk: write all of it, move it without overwriting, read it back by digest.

These functions raise `OSError` as the system gives it; `said_plainly` turns it into a `SpoolError` in plain
words.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from ctypes import CDLL, get_errno
from typing import TYPE_CHECKING

from agent.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 20  # bytes read at once
NO_ROOM = {
    errno.ENOSPC: "the disk is full; make room",
    errno.EDQUOT: "the disk quota is used up; make room or raise the quota",
    errno.EFBIG: "the file is larger than the limit on file sizes; raise that limit",
}
_LIBC = CDLL(None, use_errno=True)
_NO_REPLACE = 1  # RENAME_NOREPLACE in linux/fs.h
_UNKNOWN_HERE = (errno.ENOSYS, errno.EINVAL)  # what a kernel or a file system says that has no such rename


class NoRoomError(SpoolError):
    """There is no room for more; nothing was lost, and it works again once there is."""


@contextmanager
def said_plainly(doing: str) -> Iterator[None]:
    """Turn an OSError into a SpoolError that says what was being done."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise NoRoomError(f"cannot {doing}: {NO_ROOM[error.errno]}") from error
        raise SpoolError(f"cannot {doing}: {error.strerror or error}") from error


def write_all(fd: int, content: bytes) -> None:
    """Write every byte, however few the system takes at once."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]


def fsync_folder(folder: Path | int) -> None:
    """Put the names in a folder on disk; `folder` is a path or an open descriptor."""
    if isinstance(folder, int):
        os.fsync(folder)
        return
    with opened_folder(folder) as fd:
        os.fsync(fd)


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """Open a folder for as long as its descriptor is needed."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def opened_plain(path: Path) -> Iterator[int]:
    """Open a plain file for reading; a link, pipe or folder is an error."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        yield fd
    finally:
        os.close(fd)


@contextmanager
def opened_new(path: Path) -> Iterator[int]:
    """Open a file that must not exist yet for writing."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def digest_of(fd: int) -> tuple[str, int]:
    """Return SHA-256 and size of an open file, read from its beginning."""
    digest, size = hashlib.sha256(), 0
    while chunk := os.pread(fd, CHUNK, size):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def digest_at(path: Path) -> tuple[str, int]:
    """Return SHA-256 and size of a plain file."""
    with opened_plain(path) as fd:
        return digest_of(fd)


def remove(path: Path) -> None:
    """Remove a file or a whole folder; fine if it is gone already."""
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def move(source: Path, target: Path) -> None:
    """Rename without overwriting, by path."""
    with opened_folder(source.parent) as src_dirfd, opened_folder(target.parent) as dst_dirfd:
        move_without_overwrite(src_dirfd, source.name, dst_dirfd, target.name)


def move_without_overwrite(src_dirfd: int, src: str, dst_dirfd: int, dst: str) -> None:
    """Rename within one file system without ever replacing what is there; both names are in open folders.

    Where there is no such rename, a file is linked under its new name first, and a folder is renamed after a
    look, which can replace nothing but an empty folder. The folders are not synced.

    Raises:
        FileExistsError: the target name is taken; nothing was moved.
        OSError: the move failed; EXDEV where the folders are on two file systems, EPERM in a sticky folder.

    """
    number = _renameat2(src_dirfd, os.fsencode(src), dst_dirfd, os.fsencode(dst))
    if number in _UNKNOWN_HERE:
        _move_by_link(src_dirfd, src, dst_dirfd, dst)
    elif number:
        raise OSError(number, os.strerror(number), src, None, dst)


def _renameat2(src_dirfd: int, src: bytes, dst_dirfd: int, dst: bytes) -> int:
    """Return 0, or the error number."""
    renameat2 = getattr(_LIBC, "renameat2", None)
    if renameat2 is None:  # an older C library
        return errno.ENOSYS
    return get_errno() if renameat2(src_dirfd, src, dst_dirfd, dst, _NO_REPLACE) else 0


def _move_by_link(src_dirfd: int, src: str, dst_dirfd: int, dst: str) -> None:
    if stat.S_ISDIR(os.stat(src, dir_fd=src_dirfd, follow_symlinks=False).st_mode):
        with suppress(FileNotFoundError):
            os.stat(dst, dir_fd=dst_dirfd, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), src, None, dst)
        os.rename(src, dst, src_dir_fd=src_dirfd, dst_dir_fd=dst_dirfd)
        return
    os.link(src, dst, src_dir_fd=src_dirfd, dst_dir_fd=dst_dirfd, follow_symlinks=False)
    try:
        os.unlink(src, dir_fd=src_dirfd)
    except OSError:  # it may not be taken away from there: then it is not moved either
        os.unlink(dst, dir_fd=dst_dirfd)
        raise
