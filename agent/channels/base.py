"""What a channel promises, whatever carries the bytes.

A channel is one module in this folder with two names: `Options` (a `Destination` with the channel's own
fields and a `type` literal) and `Channel`. It is found by its module name. No channel imports another.

Failures leave as `Transient`, `Permanent` or `UnknownOutcome`, made by one `classify(error)`: the module's own, or
that of `failures.py`, which channels to servers share.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.errors import ChannelError
from agent.net.failures import ChangedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be delivered: a file of known size and digest under a fixed name."""

    batch: str  # the batch id, 20 characters of base32 in lower case
    name: str  # the final file name at the other end; never changes between attempts
    path: Path  # absolute path of the bytes
    size: int
    sha256: str
    attempt: int  # 1-based
    made_at: float = 0.0  # when the batch was made, UTC epoch seconds; never changes between attempts


@dataclass(frozen=True, slots=True)
class Receipt:
    """The transport's proof that a delivery ended well."""

    how: str  # "verified" (looked at afterwards), "swept" (already gone), "accepted" (the far side's word)
    evidence: str  # plain words for the audit: reply, host key fingerprint, bytes


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at the other end found for a parcel whose earlier attempt may have become visible."""

    found: (
        bool | None
    )  # True: there, same size (and content where readable); False: surely not; None: cannot tell
    evidence: str


class Channel(Protocol):
    """One configured way to travel; used by one thread only, its connection kept between parcels."""

    def look(self, parcel: Parcel) -> Sighting:
        """Look whether an earlier attempt became visible; send nothing.

        Raises:
            ChannelError: the far side could not be asked.
        """

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Deliver; call `will_publish` once, right before anything can become visible.

        `will_publish` returns only after the ledger has it on disk; if it raises, nothing may become visible.

        Raises:
            Transient: nothing became visible; it may work later.
            Permanent: nothing became visible; a person must change something.
            UnknownOutcome: it may have become visible.
        """

    def send_all(
        self, parcels: Iterable[Parcel], will_publish: Callable[[Sequence[Parcel]], None]
    ) -> Iterator[Sequence[tuple[Parcel, Receipt | ChannelError]]]:
        """Deliver several, group by group; a channel may let those of a group travel side by side.

        Yields each group with what became of each of its parcels, in order. `will_publish` is called
        at most once per group, with those that are about to become visible; else all is as with `send`.

        Raises:
            ChannelError: the far side cannot be reached; nothing of what was not yielded became visible.
        """

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""


def pieces(parcel: Parcel, size: int = 2**18) -> Iterator[bytes]:
    """Yield the parcel's bytes in pieces of `size`.

    Raises:
        ChangedError: at the end, when they were not the parcel's; or they cannot be read.
    """
    sha256, total = hashlib.sha256(), 0
    try:
        with parcel.path.open("rb", buffering=0) as source:
            while piece := source.read(size):
                sha256.update(piece)
                total += len(piece)
                yield piece
    except OSError as error:
        raise ChangedError(f"the batch file cannot be read: {error.strerror}") from error
    if (total, sha256.hexdigest()) != (parcel.size, parcel.sha256):
        raise ChangedError("the bytes of the batch file changed since it was prepared; nothing of it is used")


def one_by_one(
    send: Callable[[Parcel, Callable[[], None]], Receipt],
    parcels: Iterable[Parcel],
    will_publish: Callable[[Sequence[Parcel]], None],
) -> Iterator[Sequence[tuple[Parcel, Receipt | ChannelError]]]:
    """Deliver several with a channel's `send`, each a group of its own: for channels without anything better."""
    for parcel in parcels:
        try:
            end: Receipt | ChannelError = send(parcel, lambda one=parcel: will_publish([one]))  # type: ignore[misc]  # bound at once
        except ChannelError as error:
            end = error
        yield [(parcel, end)]
