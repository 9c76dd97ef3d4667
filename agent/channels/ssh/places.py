"""Where a parcel's files are at the server, and what can be learnt about them there."""

from __future__ import annotations

import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.channels.base import Sighting
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
from agent.channels.ssh.failures import NO_SUCH_FILE, RefusedError
from agent.channels.ssh.upload import digest

if TYPE_CHECKING:
    from agent.channels.base import Parcel
    from agent.channels.sftp import Options
    from agent.channels.ssh.packets import Entry
    from agent.channels.ssh.steps import Steps
    from agent.channels.ssh.wire import Ticket, Wire


class Places:
    """One parcel's names at one server."""

    def __init__(self, wire: Wire, options: Options, parcel: Parcel) -> None:
        self._wire, self._options, self._parcel = wire, options, parcel
        self.final = posixpath.join(options.directory, parcel.name)
        self.temporary = self._temporary(parcel.attempt)
        self.swept = options.sweeps  # the server may take away what it got at any time

    def presence(self, path: str) -> Steps[int | Presence]:
        """Return the size of a file in bytes, or what else is known of it."""
        ticket = self.ask(path)
        return Presence.HIDDEN if ticket is None else (yield from self.told(ticket))

    def ask(self, path: str) -> Ticket | None:
        """Ask for a file; `told` waits for the answer. None where the settings forbid to ask."""
        return self._wire.ask_size(path) if self._options.look else None

    def told(self, ticket: Ticket) -> Steps[int | Presence]:
        """Return what the server answered; as `presence`."""
        try:
            size = yield from self._wire.size(ticket)
        except RefusedError as refusal:
            return Presence.ABSENT if refusal.code == NO_SUCH_FILE else Presence.HIDDEN
        return Presence.HIDDEN if size is None else size

    def look(self) -> Steps[Sighting]:
        """Tell whether the parcel is at the other end, from an earlier attempt or this one."""
        presence = yield from self.presence(self.final)
        if not isinstance(presence, Presence):
            return (yield from self._compare(presence))
        processed = yield from self._processed()
        if processed is not None:
            return processed
        if (yield from self.unpublished()):
            return NOT_RENAMED
        return of_nothing(presence, swept=self.swept)

    def unpublished(self) -> Steps[bool]:
        """Prove, if it can be proved, that no attempt renamed its temporary file: one is there to remove.

        Each attempt begins by removing those of the attempts before it. So where one can be removed, no later
        attempt came as far as a rename; and its own rename can come no more, even from a frozen server.
        """
        if self._options.publish == "direct":
            return False
        never_made, *removed = yield from self._remove(0, self._parcel.attempt)
        return any(removed) and not never_made  # a server that "removes" what never was proves nothing

    def remove_stale(self) -> Steps[None]:
        """Remove what earlier attempts for this parcel left under their temporary names.

        It also makes a rename still under way in a frozen server fail: its source is gone.
        """
        yield from self._remove(1, self._parcel.attempt - 1)

    def removed(self, path: str) -> Steps[bool]:
        """Remove a file of ours; tell whether the server says that it did."""
        return (yield from self._gone(self._wire.ask_remove(path)))

    def _remove(self, first: int, last: int) -> Steps[list[bool]]:
        """Remove the temporary files of some attempts, as far back as it is worth it."""
        tickets = [self._wire.ask_remove(self._temporary(attempt)) for attempt in attempts(first, last)]
        removed = []
        for ticket in tickets:
            gone = yield from self._gone(ticket)
            removed.append(gone)
        return removed

    def _gone(self, ticket: Ticket) -> Steps[bool]:
        try:
            yield from self._wire.done(ticket)
        except RefusedError:
            return False
        return True

    def _temporary(self, attempt: int) -> str:
        folder = self._options.temp_directory or self._options.directory
        return posixpath.join(folder, temporary_name(self._parcel, attempt))

    def _compare(self, size: int) -> Steps[Sighting]:
        judged = of_size(self._parcel, size)
        if judged is not None:
            return judged
        content = None
        with suppress(RefusedError):
            content = yield from digest(self._wire, self.final, size)
        return of_content(self._parcel, content)

    def _processed(self) -> Steps[Sighting | None]:
        folder = self._options.processed_directory
        if not folder:
            return None
        try:
            entry = yield from self._wire.find(folder, self._ours)
        except RefusedError as refusal:
            return Sighting(found=None, evidence=f"the processed files cannot be listed: {refusal}")
        if entry is None:
            return None
        return Sighting(found=True, evidence=f"it is among the processed files: {entry.name!r}")

    def _ours(self, entry: Entry) -> bool:
        return taken_as(self._parcel, entry.name) and entry.size in {self._parcel.size, None}
