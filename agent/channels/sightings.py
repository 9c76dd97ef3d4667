"""What is found under a parcel's names says about it, whatever the far side speaks. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from agent.channels.base import Sighting
from agent.channels.failures import UnclearError

if TYPE_CHECKING:
    from agent.channels.base import Parcel

__all__ = [
    "NOT_RENAMED",
    "Presence",
    "attempts",
    "of_content",
    "of_nothing",
    "of_size",
    "proof",
    "taken_as",
    "temporary_name",
]

_COMPARED = 64 * 2**20  # bytes; larger files are compared by size only
_STALE = 128  # how many earlier attempts' temporary files are removed: more than a day's attempts
_ENDING = ".part"
NOT_RENAMED = Sighting(found=False, evidence="it was not renamed: its temporary file was still there")


class Presence(Enum):
    """What is known of a file whose size is not."""

    ABSENT = "not there"
    HIDDEN = "the server does not let the agent look"


def temporary_name(parcel: Parcel, attempt: int) -> str:
    """Return the hidden name under which an attempt writes."""
    return f".{parcel.name}.{attempt}{_ENDING}"


def attempts(first: int, last: int) -> list[int]:
    """Return the attempts whose temporary files are removed: the first, and no more than `_STALE` others."""
    return [first, *range(max(first + 1, last - _STALE), last + 1)][: max(last - first + 1, 0)]


def taken_as(parcel: Parcel, name: str) -> bool:
    """Whether a file the far side took has this name from the parcel's, not from one that it had on the way."""
    return parcel.name in name and not name.endswith(_ENDING)


def of_size(parcel: Parcel, size: int) -> Sighting | None:
    """Judge a file under the parcel's name by its size; None: its content has to be compared."""
    if size != parcel.size:
        words = f"a file of this name is there, but with {size} bytes instead of {parcel.size}"
        return Sighting(found=None, evidence=words)
    if size > _COMPARED:
        return Sighting(found=True, evidence=f"{_there(parcel)} (too large to compare the content)")
    return None


def of_content(parcel: Parcel, sha256: str | None) -> Sighting:
    """Judge a file of the parcel's name and size by its content; None: that may not be read."""
    if sha256 is None:
        return Sighting(found=True, evidence=f"{_there(parcel)} (the content may not be read)")
    if sha256 == parcel.sha256:
        return Sighting(found=True, evidence=f"{_there(parcel)}, same content")
    words = f"a file of this name and size ({parcel.size} bytes) has another content"
    return Sighting(found=None, evidence=words)


def of_nothing(presence: Presence, *, swept: bool) -> Sighting:
    """Judge that no file was seen under the parcel's name; `swept`: files are taken away from there."""
    if presence is Presence.HIDDEN:
        return Sighting(found=None, evidence=presence.value)
    if swept:
        return Sighting(found=None, evidence="no such file is there; it may have been taken already")
    return Sighting(found=False, evidence="no such file is there, and the server takes none away")


def proof(parcel: Parcel, presence: int | Presence, *, swept: bool) -> tuple[str, str]:
    """Say how well a look after a delivery proves it, and in which words; see `base.Receipt`.

    Raises:
        UnclearError: what is seen contradicts the delivery.
    """
    if presence is Presence.ABSENT and not swept:
        raise UnclearError("published, but no file is there, though the server is said to take none away")
    if presence is Presence.ABSENT:
        return "swept", "taken away by the server at once"
    if presence is Presence.HIDDEN:
        return "accepted", Presence.HIDDEN.value
    if presence != parcel.size:
        raise UnclearError(f"published, but {presence} bytes are there instead of {parcel.size}")
    return "verified", "size seen under the final name"


def _there(parcel: Parcel) -> str:
    return f"it is there, {parcel.size} bytes"
