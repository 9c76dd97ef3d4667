"""What the rules say of a row, remembered per value of the cells that tell: values repeat, so most rows are known."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from agent.codes import CODES
from agent.impact.amounts import minor
from agent.model import Level, Severity

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from agent.impact.rules import RowRules
    from agent.model import Change, Fault

    TotalKey = tuple[str, str, Change]  # currency, reason, what the row does

IDENTIFIERS = ("ActionID", "Oid", "ActionTrackerID")

_REMEMBERED = 8192


class Verdict:
    """What one row does, what is wrong with it and how it counts; the same object for all rows that tell the same."""

    __slots__ = ("error", "faults", "hundredths", "muted", "times", "total")

    def __init__(self, total: TotalKey, hundredths: int | None, faults: tuple[Fault, ...]) -> None:
        self.total, self.hundredths, self.faults = total, hundredths, faults
        self.error = any(CODES[fault.code].severity is Severity.ERROR for fault in faults)
        self.muted = False  # enough of its warnings are listed: from now on they are only counted
        self.times = 0  # how often since then


class Verdicts:
    """The rules' verdicts on rows. What a row tells is in all its cells but identifiers, of which only the filling counts."""

    def __init__(self, rules: RowRules, currency: str) -> None:
        self._judge, self._currency = rules.judge, currency
        header = rules.header
        self._at = {name: place for place, name in enumerate(header)}
        identifiers = [place for place, name in enumerate(header) if name in IDENTIFIERS]
        self._identify = itemgetter(*identifiers, identifiers[-1])
        opaque = {*identifiers, *([self._at["SKU"]] if rules.level is Level.ITEM else [])}
        telling = [place for place in range(len(header)) if place not in opaque] or identifiers
        self.pick = itemgetter(*telling)
        self._known: dict[tuple[bool, ...], dict[Hashable, Verdict]] = {}
        self.forgotten: list[Verdict] = []  # verdicts with counted warnings, no longer remembered

    def known(self, cells: Sequence[str]) -> dict[Hashable, Verdict]:
        """Give the verdicts remembered for rows whose identifiers are filled as in this one: `known[pick(cells)]`."""
        return self._known.setdefault(tuple(map(bool, self._identify(cells))), {})

    def of(self, cells: Sequence[str]) -> Verdict:
        """Judge a row whose cells are sound one by one."""
        known, telling = self.known(cells), self.pick(cells)
        verdict = known.get(telling)
        if verdict is None:
            if len(known) >= _REMEMBERED:
                self.forgotten += [one for one in known.values() if one.times]
                known.clear()
            verdict = known[telling] = self._made(cells)
        return verdict

    def counted(self) -> list[Verdict]:
        """Give the verdicts whose warnings were counted without being listed."""
        return self.forgotten + [one for known in self._known.values() for one in known.values() if one.times]

    def _made(self, cells: Sequence[str]) -> Verdict:
        judgement = self._judge(cells)
        amount = self._cell(cells, "Amount")
        currency = self._cell(cells, "currencyCode") or self._currency
        total = (currency, self._cell(cells, "Reason"), judgement.change)
        return Verdict(total, minor(amount) if amount else None, judgement.faults)

    def _cell(self, cells: Sequence[str], name: str) -> str:
        return cells[self._at[name]] if name in self._at else ""
