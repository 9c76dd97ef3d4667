"""Wake the agent when something is finished in or moved into a drop folder: a hint that shortens the wait.

The scan finds every file without it. So nothing here raises: where the kernel gives no watch (limits, network
file systems) the agent lives on scans alone and says so once, and every scan begins with `check`, which mends
what has died unnoticed.

It stands on the lowest layer of watchdog, one inotify reader with a callback. The Observer above it holds
every event back for half a second behind each file that leaves the folder, which taking a file does, and its
search for the other half of a rename is quadratic in the backlog; both were measured.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyFD, Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from watchdog.observers.inotify_c import InotifyEvent, WatchDescriptor

__all__ = ["Watch"]

_KINDS: Final = Mask(
    InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
)  # not CREATE, not MOVED_FROM: the first comes too early, the second is our own doing
_NO_WATCH = -1  # what watchdog answers where the folder may not be read
_STOP_PATIENCE = 5.0  # seconds for the reading thread to end

_Identity = tuple[int, int] | None


class _Bell:
    """What the inotify reader calls: it rings whatever happened, an overflow of the queue included."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self.cracked = False  # the kernel dropped a watch: begin anew

    def on_event(self, event: InotifyEvent) -> None:
        if event.is_delete_self or event.is_move_self:
            self.cracked = True
        self._wake()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:  # noqa: ARG002 - watchdog's signature
        self.cracked = True
        self._wake()

    def on_queue_overflow(self) -> None:
        self._wake()


class Watch:
    """Watches over drop folders, none below them. One thread calls its methods.

    Args:
        folders: the drop folders; one that is not there is watched once it is.
        wake: called from another thread, often and for nothing; it should only set a flag. Should it raise,
            the watch dies and the next `check` starts it anew.
        warn: called with one sentence when there is no watch, once until there is one again.

    """

    def __init__(
        self,
        folders: Sequence[Path],
        wake: Callable[[], None],
        warn: Callable[[str], None] = lambda _words: None,
    ) -> None:
        self._folders = tuple(folders)
        self._wake = wake
        self._warn = warn
        self._reader: InotifyFD | None = None
        self._bell = _Bell(wake)
        self._watched: dict[Path, _Identity] = {}
        self._warned = False

    @property
    def polling(self) -> bool:
        """Whether scans are all there is."""
        return self._reader is None

    def start(self) -> None:
        """Begin to watch; does nothing when a watch is on."""
        if self._reader is not None:
            return
        try:
            self._open()
        except (OSError, RuntimeError) as error:  # RuntimeError: no more threads
            self.stop()
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._say(f"folders cannot be watched ({why}); files are found by scanning only")
        else:
            self._warned = False

    def watch_over(self, folders: Sequence[Path]) -> None:
        """Watch over these folders from now on."""
        if tuple(folders) != self._folders:
            self._folders = tuple(folders)
            self.stop()
            self.start()

    def check(self) -> None:
        """Start anew what has died or watches a folder that is no longer the one under that name.

        To be called before the folders are looked at, so that the look finds what came while nothing watched.
        """
        if not self._sound():
            self.stop()
            self.start()

    def stop(self) -> None:
        """End the watch; it can be started again."""
        reader, self._reader = self._reader, None
        self._watched = {}
        if reader is not None:
            reader.stop()
            reader.join(_STOP_PATIENCE)

    def _open(self) -> None:
        self._bell = _Bell(self._wake)
        reader = InotifyFD()
        reader.start()  # before anything can fail: a reader that never ran does not give its descriptors back
        self._reader = reader
        for folder in self._folders:
            identity = _identity(folder)  # asked first: should it change now, the next check sees it
            self._watched[folder] = identity if self._add(reader, folder, identity) else None

    def _add(self, reader: InotifyFD, folder: Path, identity: _Identity) -> bool:
        if identity is None:
            return False
        ticket = CallbackId(id(self._bell))
        return reader.add_callback(os.fsencode(folder), _KINDS, self._bell, ticket) != _NO_WATCH

    def _sound(self) -> bool:
        if self._reader is None or not self._reader.is_alive() or self._bell.cracked:
            return False
        return all(_identity(folder) == self._watched.get(folder) for folder in self._folders)

    def _say(self, words: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(words)


def _identity(folder: Path) -> _Identity:
    """Return what tells a folder from another one under the same name, None when it is not there."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
