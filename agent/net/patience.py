"""How often a login may be refused before the agent stops asking for a while: servers lock accounts."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_REFUSALS = 3
_WITHIN = 3600.0  # seconds


class WaitingError(Exception):
    """The login was refused so often that the agent does not try again for a while."""


class Patience:
    """Counts refused logins of one destination."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refusals: deque[float] = deque()

    def check(self) -> None:
        """Tell whether a login may be tried.

        Raises:
            WaitingError: not now.
        """
        now = self._clock()
        while self._refusals and now - self._refusals[0] >= _WITHIN:
            self._refusals.popleft()
        if len(self._refusals) >= _REFUSALS:
            minutes = (self._refusals[0] + _WITHIN - now) / 60
            raise WaitingError(
                f"the login was refused {_REFUSALS} times within an hour; the agent asks again in "
                f"{minutes:.0f} minutes, so that the server does not lock the account"
            )

    def refused(self) -> None:
        """Note a refused login."""
        self._refusals.append(self._clock())

    def accepted(self) -> None:
        """Note a login that went well: the refusals before it no longer count."""
        self._refusals.clear()
