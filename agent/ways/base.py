"""What a way to tell people promises, and what is told: a bulletin of one or more items.

A way is one module in this folder with two names: `Options` (a `WayOptions` with the way's own fields and a
`type` literal) and `Way`. It is found by its module name. Nothing in a bulletin holds contents of rows or
secrets; only the report that may go along does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from agent.errors import AgentError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.errors import Follows

State = Literal["new", "changed", "lasts", "over", "done"]


class WayError(AgentError):
    """A bulletin could not be sent, or nobody can tell whether it was; it is tried again later."""

    follows: ClassVar[Follows] = "defer"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is told."""

    about: str  # file:SUBMISSION, destination:NAME, …: the same as long as it is the same thing
    state: State  # of the thing: over is what was told before and is well now, done what was well at once
    title: str  # what it is about: a file's name, "destination impact-sftp"
    headline: str  # how it stands, one line
    since: float  # UTC epoch seconds
    details: tuple[str, ...] = ()
    todo: str = ""
    commands: tuple[tuple[str, str], ...] = ()  # what may be typed, and what it does
    feed: str = ""
    submission: str = ""
    folder: str = ""  # below the feed's drop folder, where a file and its report lie


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a file, as a page of its own; it holds contents of rows."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What is told at once, to the same people."""

    id: str  # the same when it is sent again, because nobody knew whether it had arrived
    made_at: float  # UTC epoch seconds
    addressees: tuple[str, ...]  # mail addresses; empty where the way itself knows whom it tells
    subject: str  # one line
    text: str  # all of it in words
    items: tuple[Item, ...]
    more: int = 0  # items beyond those
    report: Report | None = None


class Way(Protocol):
    """One configured way; used by one thread, but `close` by any."""

    def send(self, bulletin: Bulletin) -> None:
        """Send a bulletin, or raise.

        Raises:
            WayError: it did not arrive, as far as is known.

        """

    def close(self) -> None:
        """Let go of what is open and cut short what is under way; never raises, safe to call twice."""
