"""What the rules say of a row, remembered per value of the cells that tell: values repeat, so most rows are known."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from agent.codes import CODES
from agent.impact.amounts import minor
from agent.model import Level, Severity
from agent.preparing.marks import of_value

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from agent.impact.rules import RowRules
    from agent.model import Change, Fault

    TotalKey = tuple[str, str, Change]  # currency, reason, what the row does

IDENTIFIERS = ("ActionID", "Oid", "ActionTrackerID")

_REMEMBERED = 8192


class Verdict:
    """What one row does, what is wrong with it and how it counts; the same object for all rows that tell the same."""

    __slots__ = ("error", "faults", "hundredths", "mark", "muted", "times", "total")

    def __init__(
        self, total: TotalKey, hundredths: int | None, faults: tuple[Fault, ...], mark: bytes
    ) -> None:
        self.total, self.hundredths, self.faults = total, hundredths, faults
        self.mark = mark  # of what it says, see `agent.preparing.marks`
        self.error = any(CODES[fault.code].severity is Severity.ERROR for fault in faults)
        self.muted = False  # enough of its warnings are listed: from now on they are only counted
        self.times = 0  # how often since then


class Verdicts:
    """The rules' verdicts on rows, remembered by what a row tells: its cells, of identifiers only whether filled."""

    def __init__(self, rules: RowRules, currency: str) -> None:
        self._judge, self._currency = rules.judge, currency
        header = rules.header
        self._at = {name: place for place, name in enumerate(header)}
        identifiers = [place for place, name in enumerate(header) if name in IDENTIFIERS]
        self._identify = itemgetter(*identifiers, identifiers[-1])
        opaque = {*identifiers, *([self._at["SKU"]] if rules.level is Level.ITEM else [])}
        telling = [place for place in range(len(header)) if place not in opaque] or identifiers
        self._telling = telling
        self._told = [(header[place], place) for place in telling]
        self._pick = itemgetter(*telling)
        self._known: dict[tuple[bool, ...], dict[Hashable, Verdict]] = {}
        self.remarkable: set[Verdict] = set()  # those with faults
        self._forgotten: list[Verdict] = []  # verdicts with counted warnings, no longer remembered

    def of(self, cells: Sequence[str]) -> Verdict:
        """Judge a row whose cells are sound one by one."""
        known, told = self._known_as(cells), self._pick(cells)
        verdict = known.get(told)
        if verdict is None:
            if len(known) >= _REMEMBERED:
                self._forgotten += [one for one in known.values() if one.times]
                self.remarkable.difference_update(known.values())
                known.clear()
            verdict = known[told] = self._made(cells)
            if verdict.faults:
                self.remarkable.add(verdict)
        return verdict

    def of_all(self, columns: Sequence[Sequence[str]]) -> list[Verdict]:
        """Judge many rows, given by column, in all of which the same identifiers are filled."""
        told = [columns[place] for place in self._telling]
        known = self._known_as([column[0] for column in columns])
        found = list(map(known.get, zip(*told, strict=True) if len(told) > 1 else told[0]))
        if None not in found:
            return found  # type: ignore[return-value]  # none is None
        return [one or self.of([column[index] for column in columns]) for index, one in enumerate(found)]

    def _known_as(self, cells: Sequence[str]) -> dict[Hashable, Verdict]:
        return self._known.setdefault(tuple(map(bool, self._identify(cells))), {})

    def counted(self) -> list[Verdict]:
        """Give the verdicts whose warnings were counted without being listed."""
        return self._forgotten + [
            one for known in self._known.values() for one in known.values() if one.times
        ]

    def _made(self, cells: Sequence[str]) -> Verdict:
        judgement = self._judge(cells)
        amount = self._cell(cells, "Amount")
        currency = self._cell(cells, "currencyCode") or self._currency
        total = (currency, self._cell(cells, "Reason"), judgement.change)
        mark = of_value((name, cells[place]) for name, place in self._told)
        return Verdict(total, minor(amount) if amount else None, judgement.faults, mark)

    def _cell(self, cells: Sequence[str], name: str) -> str:
        return cells[self._at[name]] if name in self._at else ""
