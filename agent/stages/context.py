"""What every stage is given: where things are kept, what the settings say, and the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.ledger.ledger import Ledger
    from agent.settings.models import Feed, Settings
    from agent.spool import Spool
    from agent.workers import Workers


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to stages; holds nothing that a restart would miss."""

    settings: Settings
    ledger: Ledger
    spool: Spool
    workers: Workers
    now: Callable[[], float]  # UTC epoch seconds
    dice: Callable[[], float]  # 0 ≤ x < 1, for jitter

    def feed(self, name: str) -> Feed | None:
        """The settings of a feed; None where they no longer name it."""
        return self.settings.feeds.get(name)

    def folder(self, feed: str) -> Path:
        """A feed's drop folder."""
        return self.settings.drop / feed
