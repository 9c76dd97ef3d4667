"""The two ways to publish a parcel, each in two halves with the ledger's note in between.

`prepare` makes nothing visible. Then the caller has the ledger note that something is about to become
visible, and `publish` does it. `visible` turns true with the first request that may have made something
visible, and false again when a definite refusal and a look prove that nothing did.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from agent.channels.base import Receipt, pieces
from agent.channels.failures import ShortError, UnclearError
from agent.channels.sightings import Presence, proof
from agent.channels.ssh.failures import EXISTS, FAILURE, PERMISSION_DENIED, UNSUPPORTED, RefusedError
from agent.channels.ssh.packets import FOR_NEW
from agent.channels.ssh.steps import together
from agent.channels.ssh.upload import Upload
from agent.net.failures import ChangedError, FarError, LostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.channels.base import Parcel
    from agent.channels.ssh.connection import Connection
    from agent.channels.ssh.places import Places
    from agent.channels.ssh.steps import Steps
    from agent.channels.ssh.wire import Ticket

_MEANS_NO = frozenset({PERMISSION_DENIED, UNSUPPORTED})
_MAY_MEAN_EXISTS = frozenset({FAILURE, EXISTS})  # version 3 has no code of its own for a name that is taken


class Delivery:
    """What both ways share."""

    def __init__(self, connection: Connection, places: Places, parcel: Parcel) -> None:
        self._connection, self._wire = connection, connection.wire
        self._places, self.parcel = places, parcel
        self._proof = ""
        self.visible = False

    def prepare(self) -> Steps[None]:
        """Do all that makes nothing visible."""
        raise NotImplementedError

    def publish(self) -> Steps[Receipt]:
        """Make the parcel visible under its final name, and prove it."""
        raise NotImplementedError

    def abandon(self) -> Steps[None]:
        """Take back what `prepare` did, as far as the server lets us."""
        raise NotImplementedError

    def _prove(self, look: Ticket | None) -> Steps[Receipt]:
        """Look once more. The server's word is proof already: what cannot be looked at changes nothing.

        Args:
            look: asked for in the same breath as the rename; some servers answer it first.
        """
        final = self._places.final
        try:
            presence = (yield from self._places.told(look)) if look else Presence.ABSENT
            if presence not in {self.parcel.size, Presence.HIDDEN}:
                presence = yield from self._places.presence(final)
        except LostError as error:
            return self._receipt("accepted", f"not looked at: {error}")
        return self._receipt(*proof(self.parcel, presence, swept=self._places.swept))

    def _settle(self, refusal: RefusedError) -> Steps[Receipt]:
        """Find out what has taken the name: an earlier attempt of ours, or nobody knows what."""
        sighting = yield from self._places.look()
        if sighting.found:
            return self._receipt("verified", f"an earlier attempt had got through: {sighting.evidence}")
        raise UnclearError(f"{refusal}; {sighting.evidence}")

    def _receipt(self, how: str, words: str) -> Receipt:
        return Receipt(how, "; ".join(filter(None, (self._proof, words, self._connection.about))))


class ByRename(Delivery):
    """Upload under a temporary name, then rename: nobody ever sees a half."""

    def prepare(self) -> Steps[None]:
        """Upload under the temporary name."""
        yield from self._places.remove_stale()
        handle = yield from self._opened()
        try:
            again = self._size_of_temporary if self._wire.hasty else None
            upload = Upload(self._wire, handle, self.parcel, again=again)
            self._proof = yield from upload.run()
        except (RefusedError, ShortError, ChangedError):
            yield from self.abandon()
            raise

    def publish(self) -> Steps[Receipt]:
        """Rename to the final name."""
        self._connection.check()
        self.visible = True
        rename = self._wire.ask_rename(self._places.temporary, self._places.final)
        look = self._places.ask(self._places.final)
        try:
            yield from self._wire.done(rename)
        except RefusedError as refusal:
            self._wire.forget(look)
            return (yield from self._refused(refusal))
        return (yield from self._prove(look))

    def abandon(self) -> Steps[None]:
        """Remove the temporary file."""
        with suppress(FarError):
            yield from self._places.removed(self._places.temporary)

    def _size_of_temporary(self) -> Steps[int | None]:
        presence = yield from self._places.presence(self._places.temporary)
        if presence is Presence.HIDDEN:
            self._wire.hasty = False
        return None if isinstance(presence, Presence) else presence

    def _opened(self) -> Steps[bytes]:
        path = self._places.temporary
        try:
            return (yield from self._wire.open(path, FOR_NEW))
        except RefusedError as refusal:
            if refusal.code not in _MAY_MEAN_EXISTS or not (yield from self._places.removed(path)):
                raise
        return (yield from self._wire.open(path, FOR_NEW))

    def _refused(self, refusal: RefusedError) -> Steps[Receipt]:
        presence = yield from self._places.presence(self._places.final)
        if isinstance(presence, Presence) and (yield from self._not_renamed(refusal, presence)):
            self.visible = False
            yield from self.abandon()
            raise refusal
        receipt = yield from self._settle(refusal)
        yield from self.abandon()
        return receipt

    def _not_renamed(self, refusal: RefusedError, presence: Presence) -> Steps[bool]:
        """Tell whether nothing was renamed for sure, neither now nor before."""
        if refusal.code in _MEANS_NO:
            return True
        if presence is not Presence.ABSENT:
            return False
        size = yield from self._size_of_temporary()
        return size is not None or (yield from self._places.unpublished())


class Direct(Delivery):
    """Upload under the final name, for servers that cannot rename: a half is visible while it lasts."""

    def prepare(self) -> Steps[None]:
        """Make sure of our own bytes: afterwards it would be too late."""
        for _ in pieces(self.parcel):
            pass
        yield from ()

    def publish(self) -> Steps[Receipt]:
        """Upload, provided that the name is free."""
        self._connection.check()
        self.visible = True
        try:
            handle = yield from self._wire.open(self._places.final, FOR_NEW)
        except RefusedError as refusal:
            return (yield from self._refused(refusal))
        try:
            self._proof = yield from Upload(self._wire, handle, self.parcel).run()
        except (RefusedError, ShortError, ChangedError) as error:
            gone = yield from self._places.removed(self._places.final)
            after = "the half was removed" if gone else "a half may be there"
            raise UnclearError(f"{error}; {after}") from error
        return (yield from self._prove(None))

    def abandon(self) -> Steps[None]:
        """There is nothing to take back."""
        yield from ()

    def _refused(self, refusal: RefusedError) -> Steps[Receipt]:
        presence = yield from self._places.presence(self._places.final)
        if presence is Presence.ABSENT or refusal.code not in _MAY_MEAN_EXISTS:
            self.visible = False
            raise refusal
        return (yield from self._settle(refusal))


def send_together(
    connection: Connection, deliveries: Sequence[Delivery], will_publish: Callable[[Sequence[Parcel]], None]
) -> list[Receipt | FarError]:
    """Deliver side by side over one connection; return what became of each, in their order."""
    prepared = together(connection.wire, [delivery.prepare() for delivery in deliveries])
    ends: dict[Delivery, Receipt | FarError] = {
        delivery: error
        for delivery, error in zip(deliveries, prepared, strict=True)
        if isinstance(error, FarError)
    }
    ready = [delivery for delivery in deliveries if delivery not in ends]
    if ready and connection.alive:
        _note(connection, ready, will_publish)
    published = together(connection.wire, [delivery.publish() for delivery in ready])
    ends.update(zip(ready, published, strict=True))
    return [ends[delivery] for delivery in deliveries]


def _note(
    connection: Connection, ready: Sequence[Delivery], will_publish: Callable[[Sequence[Parcel]], None]
) -> None:
    with ExitStack() as undo:
        undo.callback(lambda: together(connection.wire, [delivery.abandon() for delivery in ready]))
        will_publish([delivery.parcel for delivery in ready])
        undo.pop_all()
