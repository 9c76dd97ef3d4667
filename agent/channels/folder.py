"""The `folder` channel: a batch appears in a directory from which impact.com pulls, whole or not at all.

It is written under a hidden temporary name, put on disk, and renamed without ever replacing anything. No link
is followed. What the disk did becomes one of three things in `classify`: it may work later, a person must
change something, nobody can tell. A disk has no deadline: where a network file system hangs, so does the caller.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path  # noqa: TC003 - pydantic reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from agent.channels.base import Receipt, Sighting, one_by_one, pieces
from agent.channels.sightings import NOT_RENAMED, attempts, of_content, of_size, temporary_name
from agent.errors import Permanent, Transient, UnknownOutcome
from agent.net.failures import ChangedError
from agent.settings.models import Destination
from agent.spool.disk import NO_ROOM, digest_of, fsync_folder, move_without_overwrite, write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent.channels.base import Parcel
    from agent.errors import ChannelError
    from agent.settings.models import Secret

_EVERYBODY_WRITES = 0o002
_LASTING = {
    errno.ENOENT: "there is no such file or folder",
    errno.ENOTDIR: "it is no folder, or a link to one; write the path that the link leads to",
    errno.ELOOP: "it is a link, and links are not followed",
    errno.EACCES: "the agent has no right to it",
    errno.EPERM: "the agent has no right to it, or the file system cannot do it",
    errno.EROFS: "the disk may only be read",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.EOPNOTSUPP: "the file system cannot do it",
}


class UnclearError(Exception):
    """Something stands under the parcel's name, or may, and it cannot be told to be the parcel."""


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError("is not the whole path of a folder; write one such as /srv/impact-pull")
    return path


def _mode(value: object) -> object:
    if isinstance(value, str) and re.fullmatch("0?[0-7]{3}", value):
        value = int(value, 8)
    elif isinstance(value, str):
        raise ValueError('is not a file mode; write three octal digits, such as "0640"')
    if isinstance(value, int) and value & _EVERYBODY_WRITES:
        raise ValueError("lets everybody change what is delivered; the last digit may be 0, 4 or 5")
    return value


class Options(Destination):
    """A destination that is a directory of this machine."""

    type: Literal["folder"] = "folder"
    directory: Annotated[Path, AfterValidator(_absolute)]  # where files are delivered; the whole path
    sweeps: bool = True  # files are taken away after the pull, so that a missing file proves nothing
    mode: Annotated[
        int,
        BeforeValidator(_mode),
        WithJsonSchema({"type": "string", "pattern": "^0?[0-7]{3}$", "examples": ["0640"]}),
    ] = 0o640  # who may read the files: owner, group, everybody


class Channel:
    """One directory; opened for each parcel anew, so that nothing is kept.

    Args:
        options: where and how.
        reveal: not used; a directory needs no secret.
    """

    def __init__(self, options: Options, reveal: Callable[[Secret], bytes]) -> None:
        del reveal
        self._options = options

    def look(self, parcel: Parcel) -> Sighting:
        """Look whether an earlier attempt became visible; see `base.Channel`."""
        try:
            with _opened(self._options.directory) as folder:
                return _Place(folder, self._options, parcel).look()
        except OSError as error:
            raise classify(error) from error

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Deliver; see `base.Channel`."""
        place: _Place | None = None
        try:
            with _opened(self._options.directory) as folder:
                place = _Place(folder, self._options, parcel)
                place.write()
                _noted(place, will_publish)
                return place.publish()
        except (OSError, ChangedError, UnclearError) as error:
            raise classify(error, visible=place is not None and place.visible) from error

    def send_all(
        self, parcels: Iterable[Parcel], will_publish: Callable[[Sequence[Parcel]], None]
    ) -> Iterator[Sequence[tuple[Parcel, Receipt | ChannelError]]]:
        """Deliver several, one after the other; see `base.Channel`."""
        return one_by_one(self.send, parcels, will_publish)

    def close(self) -> None:
        """Let go of nothing: nothing is kept."""


class _Place:
    """One parcel's names in the open folder."""

    def __init__(self, folder: int, options: Options, parcel: Parcel) -> None:
        self._folder, self._options, self._parcel = folder, options, parcel
        self._temporary = self._name_of(parcel.attempt)
        self.visible = False

    def write(self) -> None:
        """Write under the temporary name, all of it on disk."""
        self._remove_parts()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._temporary, flags, 0o600, dir_fd=self._folder)
        try:
            try:
                for piece in pieces(self._parcel):
                    write_all(fd, piece)
                os.fchmod(fd, self._options.mode)
                os.fsync(fd)
            finally:
                os.close(fd)  # network file systems may tell of a full disk only here
        except (OSError, ChangedError):
            self.abandon()
            raise

    def publish(self) -> Receipt:
        """Rename to the final name, unless something has it."""
        folder, name = self._folder, self._parcel.name
        self.visible = True
        try:
            move_without_overwrite(folder, self._temporary, folder, name)
        except FileExistsError:
            self.abandon()
            return self._settle()
        except OSError:
            self.visible = not (self._remove_parts() and self._there() is None)
            raise
        fsync_folder(folder)
        return self._proven()

    def abandon(self) -> None:
        """Remove the temporary file."""
        with suppress(OSError):
            os.unlink(self._temporary, dir_fd=self._folder)

    def look(self) -> Sighting:
        """Tell whether the parcel is there, from an earlier attempt or this one."""
        if (found := self._there()) is not None:
            return found
        if self._remove_parts():  # each attempt removes those before it, so none came as far as a rename
            return NOT_RENAMED
        if self._options.sweeps:
            return Sighting(found=None, evidence="no such file is there; it may have been taken already")
        return Sighting(found=False, evidence="no such file is there, and nobody takes any away")

    def _there(self) -> Sighting | None:
        """Compare what stands under the final name; None where nothing does."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            fd = os.open(self._parcel.name, flags, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            words = _said(error)
            return Sighting(found=None, evidence=f"what is there under this name cannot be read: {words}")
        try:
            return self._compared(fd)
        finally:
            os.close(fd)

    def _compared(self, fd: int) -> Sighting:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            return Sighting(found=None, evidence="what is there under this name is no plain file")
        judged = of_size(self._parcel, about.st_size)
        if judged is not None and not judged.found:
            return judged
        sha256, _ = digest_of(fd)  # also of a large one: nothing has to travel for it
        return of_content(self._parcel, sha256)

    def _settle(self) -> Receipt:
        sighting = self._there()
        if sighting is not None and sighting.found:
            return Receipt("verified", f"an earlier attempt had got through: {sighting.evidence}")
        words = sighting.evidence if sighting else "and now it is gone"
        raise UnclearError(f"the name was taken already; {words}")

    def _proven(self) -> Receipt:
        done = f"{self._parcel.size} bytes, on disk, renamed"
        try:
            size = os.stat(self._parcel.name, dir_fd=self._folder, follow_symlinks=False).st_size
        except FileNotFoundError:
            if self._options.sweeps:
                return Receipt("swept", f"{done}; taken away at once")
            raise UnclearError(
                "renamed, but no file is there, though nobody is said to take any away"
            ) from None
        if size != self._parcel.size:
            raise UnclearError(f"renamed, but {size} bytes are there instead of {self._parcel.size}")
        return Receipt("verified", f"{done}; size seen under the final name")

    def _remove_parts(self) -> bool:
        """Remove temporary files of this and earlier attempts; tell whether there was one."""
        last = self._parcel.attempt
        removed = False
        for attempt in attempts(1, last):
            with suppress(FileNotFoundError):
                os.unlink(self._name_of(attempt), dir_fd=self._folder)
                removed = True
        return removed

    def _name_of(self, attempt: int) -> str:
        return temporary_name(self._parcel, attempt)


def _noted(place: _Place, will_publish: Callable[[], None]) -> None:
    with ExitStack() as undo:
        undo.callback(place.abandon)
        will_publish()
        undo.pop_all()


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def classify(error: Exception, *, visible: bool = False) -> ChannelError:
    """Decide what follows from a failure.

    Args:
        error: what went wrong, from the disk or from comparing.
        visible: whether the batch had become visible before it went wrong.
    """
    words = f"the folder cannot be delivered to: {_said(error)}" if isinstance(error, OSError) else str(error)
    if visible or isinstance(error, UnclearError):
        evidence = f"nobody can tell whether the batch is there for good: {words}"
        return UnknownOutcome(evidence, evidence=str(error))
    lasting = isinstance(error, ChangedError) or (isinstance(error, OSError) and error.errno in _LASTING)
    return (Permanent if lasting else Transient)(words, evidence=str(error))


def _said(error: OSError) -> str:
    number = error.errno or 0
    return _LASTING.get(number) or NO_ROOM.get(number) or error.strerror or str(error)
