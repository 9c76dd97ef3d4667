"""What a place where result files lie promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Found:
    """A plain file that was listed."""

    name: str
    size: int
    modified: float | None  # UTC epoch seconds, by the place's own clock
    stamp: tuple[object, ...]  # another one when the file was written to, or replaced


class Place(Protocol):
    """One folder. Everything raises `ChannelError`; where that ended the connection, `alive` turns false."""

    clocks_differ: float  # seconds by which the place's clock may be ahead of ours or behind

    @property
    def alive(self) -> bool:
        """Whether the next file may be asked for after a failure."""

    def listing(self, wanted: Callable[[str], bool]) -> list[Found]:
        """Return the plain files whose names are wanted; links are not followed."""

    def content(self, found: Found) -> bytes | None:
        """Return a file's bytes; None where it is not the file that was listed any more."""

    def remove(self, found: Found) -> None:
        """Remove a file, unless it is not the one that was listed."""

    def move(self, found: Found, folder: str, names: tuple[str, ...]) -> None:
        """Move a file into a folder under the first name that is free there, unless it is not the one listed."""

    def rest(self) -> None:
        """Let go of the connection until the next call; never raises."""
