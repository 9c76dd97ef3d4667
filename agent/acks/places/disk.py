"""A folder on disk with result files. Never follows a link, never waits for a pipe."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.acks.places.base import Found
from agent.errors import ChannelError, Permanent, Transient
from agent.settings.problems import shown
from agent.spool.disk import move_without_overwrite, opened_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_LASTING = (PermissionError, NotADirectoryError, FileExistsError)


class Disk:
    """One folder; see `base.Place`."""

    clocks_differ = 0.0
    alive = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listing(self, wanted: Callable[[str], bool]) -> list[Found]:
        """Return the plain files whose names are wanted."""
        with _told("list the folder of results"), opened_folder(self._folder) as folder:
            looks = [(name, _look(folder, name)) for name in os.listdir(folder) if wanted(name)]  # noqa: PTH208 - of an open folder
        return [_found(name, look) for name, look in looks if look and stat.S_ISREG(look.st_mode)]

    def content(self, found: Found) -> bytes | None:
        """Return a file's bytes; None where it is not the file that was listed any more."""
        with _told(f"read {shown(found.name)}"), opened_folder(self._folder) as folder:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            try:
                opened = os.open(found.name, flags, dir_fd=folder)
            except FileNotFoundError:
                return None
            with os.fdopen(opened, "rb") as stream:
                if _found(found.name, os.fstat(stream.fileno())) != found:
                    return None
                content = stream.read(found.size + 1)
                return content if _found(found.name, os.fstat(stream.fileno())) == found else None

    def remove(self, found: Found) -> None:
        """Remove a file, unless it is not the one that was listed."""
        with _told(f"remove {shown(found.name)}"), opened_folder(self._folder) as folder:
            if self._same(folder, found):
                os.unlink(found.name, dir_fd=folder)

    def move(self, found: Found, folder: str, names: tuple[str, ...]) -> None:
        """Move a file into a folder on the same file system under the first name that is free there."""
        target = self._folder / folder
        with (
            _told(f"move {shown(found.name)} to {shown(str(target))}"),
            opened_folder(self._folder) as source,
            opened_folder(target) as there,
        ):
            if not self._same(source, found):
                return
            for name in names:
                if _look(there, name) is None:
                    move_without_overwrite(source, found.name, there, name)
                    return
            raise FileExistsError(0, "every name for it is taken there")

    def rest(self) -> None:
        """There is nothing to let go of."""

    @staticmethod
    def _same(folder: int, found: Found) -> bool:
        look = _look(folder, found.name)
        return look is not None and _found(found.name, look) == found


def _look(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _found(name: str, look: os.stat_result) -> Found:
    stamp = (look.st_dev, look.st_ino, look.st_size, look.st_mtime_ns)
    return Found(name, look.st_size, look.st_mtime, stamp)


@contextmanager
def _told(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind: type[ChannelError] = Permanent if isinstance(error, _LASTING) else Transient
        raise kind(f"cannot {doing}: {error.strerror or error}", evidence=str(error)) from error
