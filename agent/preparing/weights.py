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
        self._waiting: list[Verdict] = []
        self._counted: Counter[Verdict] = Counter()

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Count rows in."""
        self._waiting += verdicts
        if len(self._waiting) >= _WAITING:
            self._count()

    def take_out(self, verdicts: Sequence[Verdict]) -> None:
        """Count rows out again."""
        self._counted.subtract(verdicts)
        if len(self._counted) > _MANY:
            self.settle()

    def settle(self) -> None:
        """Add up what was counted."""
        self._counted.update(self._waiting)
        self._waiting.clear()
        for verdict, times in self._counted.items():
            self._totals.add(verdict.total, verdict.hundredths, times)
        self._counted.clear()

    def _count(self) -> None:
        self._counted.update(self._waiting)
        self._waiting.clear()
        if len(self._counted) > _MANY:
            self.settle()
