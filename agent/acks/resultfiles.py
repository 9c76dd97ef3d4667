"""The `resultfiles` source: files that impact.com writes into a result folder, on disk or behind an SFTP login.

A file is taken only when it is finished: unchanged for `settle` between two looks, or last written so long
ago (at a server, whose clock may differ, five minutes longer). Written anew with another content it is
another answer. A file larger than `max_size` is not taken: an answer is kept whole or not at all, so it
stays where it is and is told with every look, until a person takes it away or raises the bound.
"""

from __future__ import annotations

import hashlib
import time
from fnmatch import fnmatchcase
from pathlib import Path  # noqa: TC003 - pydantic reads annotations at run time
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from agent.acks.base import Fetched
from agent.acks.places.disk import Disk
from agent.acks.places.remote import Remote
from agent.channels.sftp import Options as Sftp
from agent.errors import ChannelError, Permanent
from agent.settings.forms import Bytes, Wildcards  # noqa: TC001 - pydantic reads annotations at run time
from agent.settings.models import AckOptions, Name, Seconds
from agent.settings.problems import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from agent.acks.base import Kind
    from agent.acks.places.base import Found, Place
    from agent.settings.models import Secret, Settings

_LONGEST = 255  # characters of a file's name


class Options(AckOptions):
    """A folder into which impact.com writes its receipts and results."""

    type: Literal["resultfiles"] = "resultfiles"
    folder: Path | None = None  # either a folder on disk; relative: to the folder of agent.yaml
    through: Name | None = None  # or the name of an sftp destination, whose login is used
    directory: str = ""  # with `through`: the folder there; "" = where the login starts
    receipts: Wildcards = ("receipt_*",)  # names of files that say that a batch was taken
    results: Wildcards = ("result_*",)  # names of files that say what became of it
    settle: Seconds = 10.0  # a file is finished when it has been still for so long
    max_size: Bytes = 32 * 2**20  # a larger file is not taken, but told
    afterwards: Literal["leave", "remove", "move"] = "leave"  # what is done with a file once it is kept
    move_to: str = ""  # with `move`: a folder; relative: to the one with the results

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.folder is None) == (self.through is None):
            raise ValueError("needs either a folder on disk, or through and a directory there")
        if self.directory and self.through is None:
            raise ValueError(
                "has a directory, which goes with through; a folder on disk is written as folder"
            )
        if (self.afterwards == "move") != bool(self.move_to.strip("./")):
            raise ValueError("needs both or neither: afterwards: move, and move_to with another folder")
        return self

    @property
    def place(self) -> str:
        """What names this source for good."""
        return f"results in {self.folder}" if self.folder else f"results at {self.through}:{self.directory}"


class Source:
    """One result folder; see `base.Source`.

    Args:
        options: which folder, and what is in it.
        settings: of the whole agent, for the destination named by `through`.
        reveal: reads a secret; asked at each login.
        clock: monotonic seconds, for how long a file has been still.
        wall: UTC epoch seconds, for how long ago a file was written.
    """

    kind: Kind = "file"

    def __init__(
        self,
        options: Options,
        settings: Settings,
        reveal: Callable[[Secret], bytes],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._options, self._clock, self._wall = options, clock, wall
        self._place = _place(options, settings, reveal, clock)
        self._since: dict[str, tuple[tuple[object, ...], float]] = {}  # how each looked, and since when
        self._done: dict[str, tuple[object, ...]] = {}  # how each looked that is kept
        self._offered: dict[str, Found] = {}  # by key: what is not known to be kept yet

    def fetch(self, known: Callable[[str], bool]) -> Iterator[Fetched]:
        """Yield what is new, oldest first; see `base.Source`."""
        try:
            faults = yield from self._each(known)
        finally:
            if self._options.afterwards == "leave":
                self._place.rest()
        if faults:
            more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
            raise type(faults[0])(f"{faults[0]}{more}", evidence=faults[0].evidence)

    def kept(self, fetched: Fetched) -> None:
        """Note that it is safe with us; remove or move it where settings say so."""
        found = self._offered.get(fetched.key)
        if found is not None:
            self._tidy(found, fetched.key)
            del self._offered[fetched.key]

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        self._place.rest()

    def _each(self, known: Callable[[str], bool]) -> Generator[Fetched, None, list[ChannelError]]:
        faults: list[ChannelError] = []
        listed = self._place.listing(self._wanted)
        self._forget({found.name for found in listed})
        for found in sorted(listed, key=lambda found: (found.modified or 0.0, found.name)):
            if self._done.get(found.name) == found.stamp or not self._finished(found):
                continue
            try:
                fetched = self._taken(found)
                if fetched is not None and known(fetched.key):
                    self._tidy(found, fetched.key)
                    fetched = None
            except ChannelError as error:
                if not self._place.alive:
                    raise
                faults.append(error)
                continue
            if fetched is not None:
                self._offered[fetched.key] = found
                yield fetched
        return faults

    def _wanted(self, name: str) -> bool:
        return any(
            fnmatchcase(name, pattern) for pattern in (*self._options.receipts, *self._options.results)
        )

    def _forget(self, there: set[str]) -> None:
        for notes in (self._since, self._done):
            for name in notes.keys() - there:
                notes.pop(name)

    def _finished(self, found: Found) -> bool:
        now, settle = self._clock(), self._options.settle
        stamp, since = self._since.get(found.name, ((), now))
        if stamp != found.stamp:
            self._since[found.name] = found.stamp, now
        elif now - since >= settle:
            return True
        still = settle + self._place.clocks_differ
        return found.modified is not None and self._wall() - found.modified >= still

    def _taken(self, found: Found) -> Fetched | None:
        name = shown(found.name, _LONGEST)[1:-1]
        if found.size > self._options.max_size:
            raise Permanent(
                f"{name} has {found.size} bytes, more than max_size allows; it was not taken", evidence=name
            )
        content = self._place.content(found)
        if content is None:
            return None
        digest = hashlib.sha256(content).hexdigest()
        return Fetched(f"{name} sha256:{digest}", name, content, found.modified)

    def _tidy(self, found: Found, key: str) -> None:
        if self._options.afterwards == "leave":
            self._done[found.name] = found.stamp
            return
        if self._options.afterwards == "remove":
            self._place.remove(found)
        else:
            digest = key.rpartition(":")[2]
            self._place.move(found, self._options.move_to, (found.name, f"{found.name}.{digest[:16]}"))
        self._since.pop(found.name, None)  # what comes under this name next is another file


def _place(
    options: Options, settings: Settings, reveal: Callable[[Secret], bytes], clock: Callable[[], float]
) -> Place:
    if options.folder is not None:
        return Disk(settings.folder / options.folder)
    destination = settings.destinations.get(options.through or "")
    if not isinstance(destination, Sftp):
        raise TypeError(f"{options.through} is no sftp destination")  # the loader has told it with its place
    return Remote(destination, options.directory, reveal, clock)
