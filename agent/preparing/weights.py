"""Under which total a row counts: counted first, added up later, because values repeat."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.preparing.batches import Totals
    from agent.preparing.verdicts import Verdict

_MANY = 16384  # distinct verdicts kept before they are added up
_WAITING = 8192  # rows that wait to be counted


class Scales:
    """Counts the rows of one draft by their verdict; `settle` puts them into its totals."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._in, self._out = _Pan(), _Pan()

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Count rows in."""
        if self._in.take(verdicts):
            self.settle()

    def take_out(self, verdicts: Sequence[Verdict]) -> None:
        """Count rows out again."""
        if self._out.take(verdicts):
            self.settle()

    def settle(self) -> None:
        """Add up what was counted."""
        for pan, sign in ((self._in, 1), (self._out, -1)):
            for verdict, times in pan.emptied().items():
                self._totals.add(verdict.total, verdict.hundredths, sign * times)


class _Pan:
    """Counts how often each verdict came."""

    def __init__(self) -> None:
        self._waiting: list[Verdict] = []
        self._counted: Counter[Verdict] = Counter()

    def take(self, verdicts: Sequence[Verdict]) -> bool:
        """Count rows; tell whether it is time to add up."""
        self._waiting += verdicts
        if len(self._waiting) < _WAITING:
            return False
        self._counted.update(self._waiting)
        self._waiting.clear()
        return len(self._counted) > _MANY

    def emptied(self) -> Counter[Verdict]:
        """Give what was counted, and begin anew."""
        self._counted.update(self._waiting)
        counted, self._counted = self._counted, Counter()
        self._waiting.clear()
        return counted
