"""One feed's drop folder, held open, so that every name is used relative to the folder that was looked at.

The only code that renames and removes in a drop folder on the way in. It follows no link, never waits for the
other end of a pipe, and never overwrites. Errors of the system leave it as `OSError`; callers know their
meaning.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from agent.settle import OWN_FOLDERS, Look, fitting
from agent.spool import fsync_folder, move_without_overwrite
from agent.stages.intake import lease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.model import Submission

_WORKING: Final = OWN_FOLDERS[0]
_MADE: Final = OWN_FOLDERS[:3]  # the others only where something has to be told in them
_FOR_US, _FOR_PEOPLE = 0o700, 0o775
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PIN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def make_folders(folder: Path) -> None:
    """Make a feed's drop folder and the folders in it, where they are not there; the one above has to be.

    `working/` is the agent's alone; `done/` and `attention/` are for people, as far as the umask lets them.

    Raises:
        OSError: one could not be made.

    """
    with suppress(FileExistsError):
        folder.mkdir(_FOR_PEOPLE)
    for name in _MADE:
        with suppress(FileExistsError):
            (folder / name).mkdir(_FOR_US if name == _WORKING else _FOR_PEOPLE)


def working_name(submission_id: str, shown: str) -> str:
    """Return the name in `working/` of a submission's file; `shown` is its name as the ledger has it."""
    return fitting(f"{submission_id}--{shown}")


def late_write(folder: Path, submission: Submission) -> bool:
    """Whether the file in `working/` was written to after it was taken; False when it is not there."""
    path = folder / _WORKING / working_name(submission.id, submission.name)
    try:
        found = path.lstat()
    except OSError:
        return False
    return to_look(path.name, found).fingerprint != submission.fingerprint


def to_look(name: str, found: os.stat_result) -> Look:
    """Turn what the system says of a file into a look."""
    return Look(
        name,
        dev=found.st_dev,
        ino=found.st_ino,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        nlink=found.st_nlink,
        mode=found.st_mode,
    )


class DropFolder:
    """One feed's drop folder and the `working/` in it. `attend` opens it; all else needs it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = self._working = -1
        self.identity: tuple[int, int] | None = None  # device and inode, of the last one open
        self._leases = False

    def attend(self) -> bool:
        """See that the folder open is the one under the path, and open that if not; return whether it did.

        Raises:
            OSError: the folder is out of reach.

        """
        if self._fd >= 0 and self._is_the_one():
            return False
        self.close()
        self._open()
        return True

    def entries(self) -> Iterator[Look]:
        """Look at everything in the folder; what vanishes meanwhile is left out."""
        with os.scandir(self._fd) as found:
            for entry in found:
                with suppress(FileNotFoundError):
                    yield to_look(entry.name, entry.stat(follow_symlinks=False))

    def working(self, name: str) -> Look | None:
        """Look at one name in `working/`, None when it is not there."""
        return _look(self._working, name)

    def names_in_working(self) -> list[str]:
        """Return the names in `working/`."""
        return os.listdir(self._working)  # noqa: PTH208 - a descriptor, not a path

    def pin(self, name: str) -> int:
        """Return a descriptor that holds on to what is under a name without opening or following it."""
        return os.open(name, _PIN, dir_fd=self._fd)

    def open_file(self, name: str) -> int:
        """Open a name for reading without following a link or waiting; the descriptor may be of anything."""
        return os.open(name, _FILE, dir_fd=self._fd)

    def is_written(self, fd: int) -> bool:
        """Whether a program is known to have this file open for writing; often nobody can tell."""
        return self._leases and lease.is_written(fd)

    def may_move(self, owner: int) -> bool:
        """Whether a file of this user may be moved out; not from a sticky folder, if neither is ours."""
        folder = os.fstat(self._fd)
        return not folder.st_mode & stat.S_ISVTX or os.geteuid() in {0, owner, folder.st_uid}

    def take_away(self, name: str, target: str) -> None:
        """Move a name into `working/`, whatever is under it by now.

        A plain rename: in `working/` nobody else writes, and the fallback by link and unlink, for file
        systems without a rename that never replaces, could unlink what a sender puts there in between.

        Raises:
            FileNotFoundError: it is gone.
            OSError: it cannot be moved.

        """
        if self.working(target) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        os.rename(name, target, src_dir_fd=self._fd, dst_dir_fd=self._working)

    def give_back(self, target: str, name: str) -> str:
        """Move a file that is not ours to keep back from `working/`, beside whatever has its name now.

        Returns the name it got.
        """
        path = PurePosixPath(name)
        for number in range(1_000_000):
            free = fitting(f"{path.stem}.{number}{path.suffix}") if number else name
            with suppress(FileExistsError):
                move_without_overwrite(self._working, target, self._fd, free)
                return free
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)

    def drop_marker(self, name: str) -> None:
        """Remove a ready marker whose file was taken, so that it cannot speak for the next of that name."""
        with suppress(OSError):  # one that stays is older than the next file, so it does not count
            os.unlink(name, dir_fd=self._fd)

    def sync(self) -> None:
        """Make moves durable on both ends."""
        fsync_folder(self._working)
        fsync_folder(self._fd)

    def close(self) -> None:
        """Let go of the folder; `attend` opens it again."""
        for fd in (self._fd, self._working):
            if fd >= 0:
                os.close(fd)
        self._fd = self._working = -1

    def _open(self) -> None:
        self._fd = os.open(self.path, _FOLDER)
        for name in _MADE:
            with suppress(FileExistsError):
                os.mkdir(name, _FOR_US if name == _WORKING else _FOR_PEOPLE, dir_fd=self._fd)
        self._working = os.open(_WORKING, _FOLDER | os.O_NOFOLLOW, dir_fd=self._fd)
        if not os.access(".", os.R_OK | os.W_OK | os.X_OK, dir_fd=self._fd, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.path))
        self.identity = _identity(os.fstat(self._fd))
        self._leases = lease.told_here(self._working)

    def _is_the_one(self) -> bool:
        inside = _look(self._fd, _WORKING)
        kept = os.fstat(self._working)
        same = inside is not None and (inside.dev, inside.ino) == (kept.st_dev, kept.st_ino)
        return same and _identity(self.path.stat()) == self.identity


def _look(fd: int, name: str) -> Look | None:
    try:
        return to_look(name, os.stat(name, dir_fd=fd, follow_symlinks=False))
    except FileNotFoundError:
        return None


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
