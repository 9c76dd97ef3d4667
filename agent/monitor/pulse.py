"""Whether the agent does its work: when the loop that looks into the folders last came round, and what broke."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVALS = 3  # between two scans, after which the last finished one is too old


class Pulse:
    """Told by the loop, asked by the monitor; safe to use from several threads.

    Args:
        interval: seconds between two scans.
        clock: one that never jumps.

    """

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.interval = interval
        self.seconds = 0.0  # how long the last finished scan took
        self.scans = 0  # finished ones
        self.stopping = False
        self.failure: Callable[[], object] = lambda: None  # asked for what ended the agent's work
        self._clock = clock
        self._scanned_at: float | None = None

    def scanned(self, seconds: float) -> None:
        """Note that a scan of all folders has just finished, and how long it took."""
        self.seconds, self._scanned_at = seconds, self._clock()
        self.scans += 1

    @property
    def age(self) -> float | None:
        """Seconds since a scan last finished, None before the first."""
        return None if self._scanned_at is None else self._clock() - self._scanned_at

    def illness(self) -> str:
        """Return why the agent is not well, "" when it is."""
        age = self.age
        if (failure := self.failure()) is not None:
            return f"the agent cannot go on: {failure}"
        if age is None:
            return "the first scan has not finished"
        if age > _INTERVALS * self.interval:
            return f"the last scan finished {age:.0f} seconds ago; one is due every {self.interval:g} seconds"
        return ""

    def unready(self) -> str:
        """Return why the agent does not take files now, "" when it does."""
        if self.stopping:
            return "the agent is stopping"
        return "the first scan has not finished" if self.age is None else ""
