"""The first look: rows arrive, adjacent rows of one order form a run, a finished run goes to the draft or is kept back.

Most exports come grouped by order, so the first look is the last: each run is a whole order. Where an order comes
back later, the second look (`again.py`) puts its runs together.
"""

from __future__ import annotations

from operator import attrgetter, getitem
from typing import TYPE_CHECKING

from agent.model import Fault, Level
from agent.preparing import marks
from agent.preparing.memo import CellMemo
from agent.preparing.rows import Rows
from agent.preparing.scratch import Run
from agent.preparing.settling import Settled, Settling, Tally
from agent.preparing.shortened import Shortened
from agent.preparing.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.impact.rules import RowRules
    from agent.mapping.mapping import BoundTemplate
    from agent.preparing.batches import DraftSet
    from agent.preparing.rows import Origins
    from agent.preparing.scratch import Scratch
    from agent.preparing.verdicts import Verdict

_MARK = attrgetter("mark")
_IDS = frozenset({"ActionID", "Oid", "SKU"})  # opaque texts; a tracker has at most ten digits


class FirstLook(Settling):
    """Takes rows one by one, each from one record; `finish` when the last one came."""

    def __init__(
        self, rules: RowRules, scratch: Scratch, drafts: DraftSet, bound: BoundTemplate, currency: str
    ) -> None:
        super().__init__(rules, scratch, drafts, Tally())
        named = tuple(zip(rules.header, rules.columns, strict=True))
        self._ids = {name: Shortened(name, rule) for name, rule in named if name in _IDS}
        self.memos = tuple(
            CellMemo(self._ids.get(name, rule), bound.functions.get(cell))
            for cell, (name, rule) in enumerate(named)
        )
        self.verdicts = Verdicts(rules, currency)
        self.sku = rules.header.index("SKU") if rules.level is Level.ITEM else None
        self._items = marks.Items()
        self.used = 0  # records that gave a row or a finding
        self._run = Rows()
        self._key = ""
        self._guilty: set[int] = set()  # records of this run with a mistake of their own
        self._shared: set[int] = set()  # records of this run with rows in other runs too
        self._told: frozenset[int] = frozenset()  # records of the run before that have a reason already
        self._last = 0  # the record of the row before
        self._oversize = ""  # the order that has more rows than a batch may hold, and its first record
        self._oversize_record = 0

    def failed(self, key: str, faults: Sequence[Fault], origins: Origins) -> None:
        """Take records that gave no row but findings; `key` is their order's, "" where it cannot be told."""
        self._enter(key or f"\0{origins[0][0]}", origins)
        for fault in faults:
            self.scratch.findings.add(fault, origins)
        self._guilty.update(number for number, _ in origins)
        self._came_from(origins)

    def finish(self) -> None:
        """Settle the last run, say what whole columns look like, and count the warnings that were not listed."""
        self._flush()
        faults = [fault for column in self._ids.values() for fault in (column.turned(), column.stripped())]
        if not self.scratch.findings.told("W-IDPREC"):  # by the cells of a workbook
            faults += (column.fault() for column in self._ids.values())
        for fault in filter(None, faults):
            self.scratch.findings.add(fault, ())
        for verdict in self.verdicts.counted():
            for fault in verdict.faults:
                self.scratch.findings.count(fault, verdict.times)

    def _row(self, cells: tuple[str, ...], origins: Origins) -> None:
        """Take one row."""
        checked = tuple(map(getitem, self.memos, cells))
        try:
            line = ",".join(checked)  # type: ignore[arg-type]  # a Fault among them is what the except is for
        except TypeError:
            self._faulty(cells, checked, origins)
            return
        key = self.rules.key(checked)  # type: ignore[arg-type]  # all text: join took them
        self._enter(key or f"\0{origins[0][0]}", origins)
        verdict = self.verdicts.of(checked)  # type: ignore[arg-type]  # as above
        if verdict.faults:
            self._remark(verdict, origins)
        self._run.lines.append(line)
        self._run.cells.append(checked)  # type: ignore[arg-type]  # as above
        self._run.verdicts.append(verdict)
        self._came_from(origins)

    def _faulty(self, cells: tuple[str, ...], checked: Sequence[str | Fault], origins: Origins) -> None:
        faults = [
            fault if fault.field else Fault(fault.code, fault.words, fault.mend, fault.found, name)
            for fault, name in zip(checked, self.rules.header, strict=True)
            if isinstance(fault, Fault)
        ]
        plain = [raw if isinstance(cell, Fault) else cell for raw, cell in zip(cells, checked, strict=True)]
        FirstLook.failed(self, self.rules.key(plain), faults, origins)

    def _enter(self, key: str, origins: Origins) -> None:
        """Begin a run, or go on with the one at hand; note a record with rows in two orders."""
        number = origins[0][0]
        again = number == self._last
        if key != self._key:
            if again:
                self.scratch.link(hash(self._key), hash(key))
                self._shared.add(number)
            self._flush()
            self._key = key
        if again:
            self._run.several = True
            if not len(self._run):
                self._shared.add(number)
        else:
            self.used += 1
            self._last = number

    def _came_from(self, origins: Origins) -> None:
        ((number, line),) = origins
        self._run.numbers.append(number)
        self._run.at.append(line)

    def _remark(self, verdict: Verdict, origins: Origins) -> None:
        """Note what is wrong with a row or remarkable about it."""
        if verdict.muted:
            verdict.times += len(origins)
            return
        if verdict.error:
            self._guilty.update(number for number, _ in origins)
        for fault in verdict.faults:
            self.scratch.findings.add(fault, origins)
        if not verdict.error:
            verdict.muted = all(self.scratch.findings.room(fault) <= 0 for fault in verdict.faults)

    def _bound(self) -> None:
        """Keep back an order larger than a batch in pieces, so that memory stays flat."""
        if len(self._run) > self.drafts.max_rows:
            self._shared.add(self._last)
            self._flush()

    def _too_large(self) -> None:
        if self._oversize != self._key:
            origins = self._run.origins_of(0)
            self.scratch.findings.add(oversize(self.drafts.max_rows), origins)
            self._oversize, self._oversize_record = self._key, origins[0][0]
        self._guilty.add(self._oversize_record)

    def _flush(self) -> None:
        """Settle the run at hand."""
        rows = self._run
        if not len(rows):
            return
        if len(rows) > self.drafts.max_rows or self._oversize == self._key:
            self._too_large()
        run = self.scratch.next_run()
        settled = Settled(rows, guilty=frozenset(self._guilty)) if self._guilty else self.settle(rows, run)
        place, culprit, repeated = (0, 0, 0), 0, set[int]()
        if settled.guilty:
            culprit = min(settled.guilty)
            self.blame(rows.origins, settled.guilty | self._told, culprit)
            self._told = frozenset(self._shared)
            self.tally.kept_back += len(rows.record_numbers() - self._shared)
        else:
            place = self.send(settled.rows.lines, settled.rows.verdicts)
            self.note_repeats(settled.repeats, run)
            repeated = self.count_sent(settled.rows, settled.repeats, self._shared)
        if self._shared:
            self.scratch.share(self._shared & rows.record_numbers(), run, repeated)
        self._note_run(run, place, settled, culprit)
        rows.clear()
        self._guilty, self._shared = set(), set()

    def _note_run(self, run: int, place: tuple[int, int, int], settled: Settled, culprit: int) -> None:
        rows = settled.rows
        number, line = rows.origins_of(0)[0]
        origins = None if culprit else rows.origins_text()
        repeats = settled.repeats.text()
        counts = (len(rows), len(self._run))
        says = (None, None) if culprit else (marks.of_order(self._key), self._said_by(rows))
        self.scratch.add_run(
            Run(run, hash(self._key), *place, *counts, culprit, number, line, origins, repeats, *says)
        )

    def _said_by(self, rows: Rows) -> bytes:
        return self._said(
            None if self.sku is None else [cells[self.sku] for cells in rows.cells], rows.verdicts
        )

    def _said(self, skus: Sequence[str] | None, verdicts: Sequence[Verdict]) -> bytes:
        """Give the marks of rows, see `agent.preparing.marks`; `skus` is None where rows are of whole actions."""
        told = [marks.WHOLE] * (2 * len(verdicts))
        if skus is not None:
            told[::2] = map(self._items.__getitem__, skus)
        told[1::2] = map(_MARK, verdicts)
        return b"".join(told)


def oversize(most: int) -> Fault:
    """Say that an order does not fit into a batch."""
    words = f"its order has more rows than one batch may hold ({most}, repeated rows included)"
    return Fault("E-ORDERSIZE", words, "raise max_rows, or part the order")
