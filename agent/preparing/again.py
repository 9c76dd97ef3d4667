"""The second look: orders that came back later in the file, or were found bad after some of their rows were written.

Their lines are taken out of the drafts and each order is settled as a whole; good ones go to the end of the drafts.
"""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from agent.impact.batchfile import encode
from agent.model import Fault
from agent.preparing.batches import DraftFile, DraftSet, lines_of, without
from agent.preparing.runs import Entry, Settling, numbers_of
from agent.preparing.scratch import origins_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.impact.rules import RowRules
    from agent.preparing.runs import Tally
    from agent.preparing.scratch import Run, Scratch


class SecondLook(Settling):
    """Puts the scattered orders of one file together. Made after the first look has finished."""

    def __init__(
        self, rules: RowRules, scratch: Scratch, drafts: DraftSet, tally: Tally
    ) -> None:
        super().__init__(rules, scratch, drafts)
        self.tally = tally
        self.entangled = False  # an order went bad here that shares a record with another: nobody can part them
        self._first_drafts: list[tuple[DraftFile, BinaryIO]] = []
        self._linked = scratch.linked()
        self._moved: set[int] = set()  # records with rows in several orders, counted once

    def run(self) -> None:
        """Settle every unsettled order anew and mend the drafts."""
        self.scratch.gather()
        self.drafts.close()
        first = list(self.drafts.files)
        removed = [0 for _ in first]
        self._first_drafts = [(draft, draft.path.open("rb")) for draft in first]
        try:
            for bad, total, runs in self.scratch.orders_again():
                self._order(runs, removed, bad=bad, total=total)
        finally:
            for _, file in self._first_drafts:
                file.close()
        self.drafts.close()
        for number, (draft, rows) in enumerate(zip(first, removed, strict=True), start=1):
            if rows:
                without(draft, self.scratch.removed(number), rows)

    def _order(self, runs: list[Run], removed: list[int], *, bad: bool, total: int) -> None:
        written = [run for run in runs if run.batch]
        oversize = total > self.drafts.max_rows
        if bad or oversize:
            self._keep_back(runs, written, removed, oversize=oversize)
            return
        entries = [entry for run in written for entry in self._entries(run, removed)]
        counted = self._take_back(entries)
        left, guilty = self.settle(entries, runs[0].seq, counted)
        if guilty:
            self.entangled = self.entangled or runs[0].key in self._linked
            self.scratch.mark_bad(runs)
            self.keep_back(left, guilty, counted)
        else:
            self.send(left, counted)

    def _take_back(self, entries: list[Entry]) -> set[int]:
        """Take the records of some sent rows out of the tally; return those that had been taken out before."""
        numbers = numbers_of(entries)
        counted = self._moved & numbers
        self.tally.sent -= len(numbers - counted)
        if self._linked:
            self._moved |= numbers
        return counted

    def _keep_back(
        self, runs: Sequence[Run], written: Sequence[Run], removed: list[int], *, oversize: bool
    ) -> None:
        """Keep back an order run by run: it may be larger than memory should hold."""
        self.scratch.mark_bad(runs)
        guilty = {run.number for run in runs if run.bad}
        if oversize and not guilty:
            words = f"its order has more rows than one batch may hold ({self.drafts.max_rows})"
            fault = Fault("E-ORDERSIZE", words, "raise max_rows, or part the order")
            self.scratch.add_finding(fault, ((runs[0].number, runs[0].line),))
            guilty = {runs[0].number}
        for run in written:
            entries = self._entries(run, removed)
            self.keep_back(entries, guilty, self._take_back(entries))

    def _entries(self, run: Run, removed: list[int]) -> list[Entry]:
        """Read a run back from its draft, and take its rows out of the draft's totals."""
        draft, file = self._first_drafts[run.batch - 1]
        judge, entries = self.rules.judge, list[Entry]()
        for line, origins in zip(lines_of(file, run.start, run.size), origins_of(run), strict=True):
            cells = tuple(map(encode, next(csv.reader((line,))))) if '"' in line else tuple(line.split(","))
            entries.append((line, cells, judge(cells).change, origins))
        draft.scales.take_out(entries)
        removed[run.batch - 1] += len(entries)
        return entries


def first_rows(drafts: Sequence[DraftFile], many: int) -> tuple[tuple[str, ...], ...]:
    """Read the first rows of the drafts back, for showing."""
    shown: list[tuple[str, ...]] = []
    for draft in drafts:
        if draft.rows and len(shown) < many:
            with draft.path.open(encoding="utf-8", newline="") as file:
                shown.extend(tuple(row) for row in islice(csv.reader(file), 1, 1 + many - len(shown)))
    return tuple(shown)
