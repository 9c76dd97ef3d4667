"""Under which total a row counts: counted first, added up later, because values repeat."""

from __future__ import annotations

from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.model import Change
    from agent.preparing.batches import Totals
    from agent.preparing.runs import Entry

    Weight = tuple[tuple[str, ...], Change]  # (reason, amount, currency), what the row does

_MANY = 4096  # distinct weights kept before they are added up


class Scales:
    """Counts the rows of one draft by what they weigh; `settle` puts them into its totals."""

    def __init__(self, header: Sequence[str], currency: str, totals: Totals) -> None:
        reason = header.index("Reason")
        names = ("Reason", "Amount", "currencyCode")
        self._pick = itemgetter(*(header.index(name) if name in header else reason for name in names))
        self._has = tuple(name in header for name in names)
        self._default = currency
        self._totals = totals
        self._counted: Counter[Weight] = Counter()

    def add(self, entries: Iterable[Entry]) -> None:
        """Count rows in."""
        pick = self._pick
        self._counted.update([(pick(entry[1]), entry[2]) for entry in entries])
        if len(self._counted) > _MANY:
            self.settle()

    def take_out(self, entries: Iterable[Entry]) -> None:
        """Count rows out again."""
        pick = self._pick
        self._counted.subtract([(pick(entry[1]), entry[2]) for entry in entries])
        if len(self._counted) > _MANY:
            self.settle()

    def settle(self) -> None:
        """Add up what was counted."""
        _, has_amount, has_currency = self._has
        for ((reason, amount, currency), change), times in self._counted.items():
            hundredths = _hundredths(amount) if has_amount and amount else None
            self._totals.add(
                ((currency if has_currency else "") or self._default, reason, change), hundredths, times
            )
        self._counted.clear()


def _hundredths(amount: str) -> int:
    """An amount as the rules write it: "0", or with two places."""
    whole, _, places = amount.partition(".")
    return int(whole) * 100 + int(places or "0")
