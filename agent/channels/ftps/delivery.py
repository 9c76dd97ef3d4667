"""The two ways to publish a parcel, each in two halves with the ledger's note in between.

`prepare` makes nothing visible. Then the caller has the ledger note that something is about to become
visible, and `publish` does it. `visible` turns true with the first request that may have made something
visible, and false again when a definite refusal and a look prove that nothing did.

FTP has no way to write or rename only where the name is free, and many servers overwrite. So the last thing
before the note is to look whether it is.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from agent.channels.base import Receipt, pieces
from agent.channels.failures import ShortError, UnclearError
from agent.channels.ftps.failures import RefusedError
from agent.channels.sightings import proof
from agent.net.failures import ChangedError, FarError, LostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.channels.base import Parcel
    from agent.channels.ftps.places import Places
    from agent.channels.ftps.session import Session


class Delivery:
    """What both ways share."""

    def __init__(self, session: Session, places: Places, parcel: Parcel) -> None:
        self._session, self._control = session, session.control
        self._places, self.parcel = places, parcel
        self._proof = ""
        self._tells = False  # whether the server has told us a size
        self.visible = False

    def prepare(self) -> Receipt | None:
        """Do all that makes nothing visible; a receipt means that an earlier attempt had got through."""
        raise NotImplementedError

    def publish(self) -> Receipt:
        """Make the parcel visible under its final name, and prove it."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Take back what `prepare` did, as far as the server lets us."""
        raise NotImplementedError

    def _prove(self) -> Receipt:
        """Look once more. The server's word is proof already: what cannot be looked at changes nothing."""
        try:
            presence = self._places.presence(self._places.final)
        except LostError as error:
            return self._receipt("accepted", f"not looked at: {error}")
        return self._receipt(*proof(self.parcel, presence, swept=self._places.swept))

    def _settle(self, why: str) -> Receipt:
        """Find out what has taken the name: an earlier attempt of ours, or nobody knows what."""
        sighting = self._places.look()
        if sighting.found:
            return self._receipt("verified", f"an earlier attempt had got through: {sighting.evidence}")
        raise UnclearError(f"{why}; {sighting.evidence}")

    def _store(self, path: str, beginning: Callable[[], None] = lambda: None) -> None:
        """Write the file, and make sure that the server has every byte, as far as it says."""
        said = self._session.transfers.store(self.parcel, path, beginning)
        size = self._places.size(path)
        if size not in {None, self.parcel.size}:
            raise ShortError(f"the server stored {size} of {self.parcel.size} bytes")
        self._tells = size is not None
        confirmed = "size confirmed" if self._tells else ""
        self._proof = ", ".join(filter(None, (f"{self.parcel.size} bytes", said, confirmed)))

    def _receipt(self, how: str, words: str) -> Receipt:
        return Receipt(how, "; ".join(filter(None, (self._proof, words, self._session.about))))


class ByRename(Delivery):
    """Upload under a temporary name, then rename: nobody ever sees a half."""

    _half_renamed = False  # the server waits for the rename's second half

    def prepare(self) -> Receipt | None:
        """Upload under the temporary name, and have the rename begun: what is left is one command."""
        self._places.remove_stale()
        try:
            self._upload()
            if self._places.taken(self._places.final, tells=self._tells):
                self.abandon()
                return self._settle("the name is taken already")
            self._begin_rename()
        except (RefusedError, ShortError, ChangedError, UnclearError):
            self.abandon()
            raise
        return None

    def publish(self) -> Receipt:
        """Rename to the final name."""
        self._control.check()
        self.visible, self._half_renamed = True, False
        try:
            self._control.order("rename the file", "RNTO", self._places.final)
        except RefusedError as refusal:
            return self._refused(refusal)
        return self._prove()

    def abandon(self) -> None:
        """Remove the temporary file."""
        temporary = self._places.temporary
        with suppress(FarError):
            if self._half_renamed:  # ProFTPD takes no other command before the rename's second half
                self._control.ask("leave the file its name", "RNTO", temporary)
                self._half_renamed = False
            self._places.removed(temporary)

    def _upload(self) -> None:
        path = self._places.temporary
        try:
            self._store(path)
        except RefusedError as refusal:
            if not refusal.lasting or not self._places.removed(path):
                raise
        else:
            return
        self._store(path)  # one from before was in the way: some servers do not overwrite

    def _begin_rename(self) -> None:
        temporary = self._places.temporary
        try:
            self._control.order("rename the file", "RNFR", temporary)
        except RefusedError as refusal:
            if self._places.removed(temporary) or self._places.size(temporary) is not None:
                raise
            words = "the temporary file may be gone: some servers take files away before they have their name"
            raise UnclearError(f"{words}, and then need `publish: direct` ({refusal})") from refusal
        self._half_renamed = True

    def _refused(self, refusal: RefusedError) -> Receipt:
        if self._places.removed(self._places.temporary):  # it is there: nothing was renamed
            self.visible = False
            raise refusal
        return self._settle(str(refusal))


class Direct(Delivery):
    """Upload under the final name, for servers that cannot rename: a half is visible while it lasts."""

    def prepare(self) -> Receipt | None:
        """Make sure of our own bytes and of the name: afterwards it would be too late."""
        for _ in pieces(self.parcel):
            pass
        if self._places.taken(self._places.final, tells=False):
            return self._settle("the name is taken already")
        return None

    def publish(self) -> Receipt:
        """Upload."""
        self._control.check()
        try:
            self._store(self._places.final, self._show)
        except (RefusedError, ShortError, ChangedError) as error:
            if isinstance(error, RefusedError) and not error.begun:
                self.visible = False
                raise
            gone = self._places.removed(self._places.final)
            after = "the half was removed" if gone else "a half may be there"
            raise UnclearError(f"{error}; {after}") from error
        return self._prove()

    def abandon(self) -> None:
        """There is nothing to take back."""

    def _show(self) -> None:
        self.visible = True
