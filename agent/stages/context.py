"""What every stage is given: where things are kept, what the settings say, the clock, and whether to stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.ledger.ledger import Ledger
    from agent.settings.models import Feed, Settings
    from agent.spool import Spool
    from agent.workers import Workers

REFUSED = 3600.0  # seconds a destination that refused us is left alone: servers lock accounts


class Stop:
    """A word that is said once: come to rest. Asking for it takes no lock, so a signal handler may."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked = False

    def ask(self) -> None:
        """Ask everybody to come to rest at the next safe point."""
        self.asked = True


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to stages; holds nothing that a restart would miss."""

    settings: Settings
    ledger: Ledger
    spool: Spool
    workers: Workers
    now: Callable[[], float]  # UTC epoch seconds
    dice: Callable[[], float]  # 0 ≤ x < 1, for jitter
    stop: Stop = field(default_factory=Stop)

    def feed(self, name: str) -> Feed | None:
        """Return the settings of a feed; None where they no longer name it."""
        return self.settings.feeds.get(name)

    def awaits(self, destination: str) -> bool:
        """Whether an answer of impact.com is awaited to what a destination gets."""
        return self.settings.awaits(destination)

    def answered_within(self, destination: str) -> tuple[float | None, float | None]:
        """Return the seconds within which a batch should be taken, and processed; None: no limit."""
        sources = [one for one in self.settings.acknowledgements if one.covers(destination)]
        taken = [one.taken_within for one in sources if one.taken_within is not None]
        processed = [one.processed_within for one in sources if one.processed_within is not None]
        return min(taken, default=None), min(processed, default=None)

    def folder(self, feed: str) -> Path:
        """Return a feed's drop folder."""
        return self.settings.drop / feed
