"""Where a parcel's files are at the server, and what can be learnt about them there."""

from __future__ import annotations

import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.channels.base import Sighting
from agent.channels.ftps.failures import RefusedError
from agent.channels.ftps.replies import size_in
from agent.channels.sightings import (
    NOT_RENAMED,
    Presence,
    attempts,
    of_content,
    of_nothing,
    of_size,
    taken_as,
    temporary_name,
)

if TYPE_CHECKING:
    from agent.channels.base import Parcel
    from agent.channels.ftp import Options
    from agent.channels.ftps.session import Session

_NO_FILE = 550  # of SIZE: not there, or not to be looked at; a server says the same of both


class Places:
    """One parcel's names at one server."""

    def __init__(self, session: Session, options: Options, parcel: Parcel) -> None:
        self._control, self._transfers = session.control, session.transfers
        self._options, self._parcel = options, parcel
        self.final = posixpath.join(options.directory, parcel.name)
        self.temporary = self._temporary(parcel.attempt)
        self.swept = options.sweeps  # the server may take away what it got at any time

    def presence(self, path: str) -> int | Presence:
        """Return the size of a file in bytes, or what else is known of it."""
        if not self._options.look:
            return Presence.HIDDEN
        size = self.size(path)
        return self._listed(path) if size is None else size

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; None where the server tells none."""
        if not self._options.look:
            return None
        reply = self._control.ask("tell the size of a file", "SIZE", path)
        return size_in(reply) if reply.good else None

    def taken(self, path: str, *, tells: bool) -> bool:
        """Tell whether something stands under a name, as far as the server lets us look.

        Args:
            path: the name.
            tells: whether the server tells sizes, so that its "no such file" can be believed.
        """
        if not self._options.look:
            return False
        reply = self._control.ask("tell the size of a file", "SIZE", path)
        if reply.good or (tells and reply.code == _NO_FILE):
            return reply.good
        with suppress(RefusedError):
            return self._in_list(path)
        return False

    def look(self) -> Sighting:
        """Tell whether the parcel is at the other end, from an earlier attempt or this one."""
        presence = self.presence(self.final)
        if not isinstance(presence, Presence):
            return self._compare(presence)
        processed = self._processed()
        if processed is not None:
            return processed
        if self.unpublished():
            return NOT_RENAMED
        return of_nothing(presence, swept=self.swept)

    def unpublished(self) -> bool:
        """Prove, if it can be proved, that no attempt renamed its temporary file: one is there to remove.

        Each attempt begins by removing those of the attempts before it. So where one can be removed, no later
        attempt came as far as a rename; and its own rename can come no more, even from a frozen server.
        """
        if self._options.publish == "direct":
            return False
        never_made, *removed = self._remove(0, self._parcel.attempt)
        return any(removed) and not never_made  # a server that "removes" what never was proves nothing

    def remove_stale(self) -> None:
        """Remove what earlier attempts for this parcel left under their temporary names.

        It also makes a rename still under way in a frozen server fail: its source is gone.
        """
        self._remove(1, self._parcel.attempt - 1)

    def removed(self, path: str) -> bool:
        """Remove a file of ours; tell whether the server says that it did."""
        return self._control.ask("remove a file", "DELE", path).good

    def _remove(self, first: int, last: int) -> list[bool]:
        """Remove the temporary files of some attempts, as far back as it is worth it."""
        return [self.removed(self._temporary(attempt)) for attempt in attempts(first, last)]

    def _temporary(self, attempt: int) -> str:
        folder = self._options.temp_directory or self._options.directory
        return posixpath.join(folder, temporary_name(self._parcel, attempt))

    def _listed(self, path: str) -> Presence:
        try:
            return Presence.HIDDEN if self._in_list(path) else Presence.ABSENT
        except RefusedError:
            return Presence.HIDDEN

    def _in_list(self, path: str) -> bool:
        folder, name = posixpath.split(path)
        return name in list(self._transfers.names(folder))

    def _compare(self, size: int) -> Sighting:
        judged = of_size(self._parcel, size)
        if judged is not None:
            return judged
        content = None
        with suppress(RefusedError):
            content = self._transfers.digest(self.final, size)
        return of_content(self._parcel, content)

    def _processed(self) -> Sighting | None:
        folder = self._options.processed_directory
        if not folder:
            return None
        try:
            ours = [name for name in self._transfers.names(folder) if taken_as(self._parcel, name)]
        except RefusedError as refusal:
            return Sighting(found=None, evidence=f"the processed files cannot be listed: {refusal}")
        if not ours:
            return None
        return Sighting(found=True, evidence=f"it is among the processed files: {ours[0]!r}")
