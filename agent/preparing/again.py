"""The second look: orders that came back later in the file, or were found bad after some of their rows were written.

Their lines are taken out of the drafts and each order is settled as a whole; good ones go to the end of the drafts.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import chain, islice, starmap
from typing import TYPE_CHECKING

from agent.impact.batchfile import encode
from agent.preparing.batches import WrittenDrafts, lines_of, without
from agent.preparing.recalling import SENT_ALREADY
from agent.preparing.rows import Repeats, Rows
from agent.preparing.settling import REPEATED, Settling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from agent.preparing.batches import DraftFile
    from agent.preparing.runs import FirstLook
    from agent.preparing.scratch import Place, Run
    from agent.preparing.verdicts import Verdict

Known = tuple[tuple[str, ...], "Verdict"]  # a line's cells, and what the rules say of it


class SecondLook(Settling):
    """Puts the scattered orders of one file together. Made after the first look has finished."""

    def __init__(self, look: FirstLook) -> None:
        super().__init__(look.rules, look.scratch, look.drafts, look.tally)
        self.entangled = (
            False  # an order went bad here that shares a record with another: nobody can part them
        )
        self._verdicts = look.verdicts
        self._linked = self.scratch.linked()
        self._written = WrittenDrafts(look.drafts.files)
        self._emptied: frozenset[int] = frozenset()  # drafts of which nothing stays

    def run(self) -> None:
        """Settle every unsettled order anew and mend the drafts."""
        self.drafts.close()
        try:
            self.scratch.gather(self._identical)
            removed = self.scratch.removed_rows()
            self._empty(removed)
            self._leave_out(removed.keys() - self._emptied)
            for runs in self.scratch.orders_again():
                self._order(runs)
        finally:
            self._written.close()
        self.drafts.close()
        for number, rows in removed.items():
            without(self.drafts.files[number - 1], self.scratch.removed(number), rows)

    def _identical(self, places: Iterable[Place]) -> bool:
        """Tell whether the same bytes stand in all places of the drafts."""
        texts = starmap(self._written.text, places)
        one = next(texts)
        return all(map(one.__eq__, texts))

    def _empty(self, removed: Mapping[int, int]) -> None:
        """Begin the totals of drafts of which nothing stays anew, so that their rows need not be counted out."""
        drafts = {number: self.drafts.files[number - 1] for number in removed}
        self._emptied = frozenset(number for number, draft in drafts.items() if draft.rows == removed[number])
        for number in self._emptied:
            drafts[number].begin_totals()

    def _leave_out(self, partly: Collection[int]) -> None:
        """Leave out the runs whose lines are those of their order's first run; `partly` are drafts that keep rows."""
        rows, came = self.scratch.left_out_rows()
        self.tally.sent -= rows
        self.tally.repeated += rows
        for run, first in self.scratch.left_out():
            if self.scratch.findings.room(REPEATED) <= 0:
                break
            repeats, earlier = Repeats(), Rows()
            repeats.rows.take_origins(run.number, run.line, run.rows, run.origins)
            earlier.take_origins(*first)
            repeats.earlier = earlier.numbers
            repeats.extend(Repeats.read(run.repeats))
            self.note_repeats(repeats, run.seq)
            came -= run.came
        self.scratch.findings.count(REPEATED, came)
        for number in partly:
            for run, _ in self.scratch.left_out(number):
                self._rows_of(run, {})

    def _order(self, runs: list[Run]) -> None:
        shared = self.scratch.shared_in(runs)
        if culprit := min((run.bad for run in runs if run.bad), default=0):
            self.scratch.mark_bad(runs, culprit)
            for run in runs:  # one by one: the order may be larger than memory should hold
                if run.batch:
                    self._keep_back(self._rows_of(run, {}), Repeats.read(run.repeats), {culprit}, shared)
            return
        rows, repeats, known = Rows(), Repeats(), dict[str, Known]()
        for run in runs:
            rows.extend(self._rows_of(run, known))
            repeats.extend(Repeats.read(run.repeats))
        settled = self.settle(rows, runs[0].seq)
        if settled.guilty:
            self.entangled = self.entangled or runs[0].key in self._linked
            self.scratch.mark_bad(runs, min(settled.guilty))
            self._keep_back(rows, repeats, settled.guilty, shared)
            return
        self._take_back(rows, repeats, shared)
        if before := self.scratch.claims.spared(runs[0].key):
            self._spare(rows, repeats, before, shared, runs)
            return
        repeats.extend(settled.repeats)
        number, *_ = self.send(settled.rows.lines, settled.rows.verdicts)
        self.scratch.moved(runs, number)
        self.note_repeats(repeats, runs[0].seq)
        repeated = self.count_sent(settled.rows, repeats, shared)
        self.scratch.drop_shared(repeated & shared, runs)

    def _spare(
        self, rows: Rows, repeats: Repeats, before: str, shared: set[int], runs: Sequence[Run]
    ) -> None:
        """Leave an order out that was sent before; its records have been taken out of the tally."""
        records = rows.record_numbers() | repeats.rows.record_numbers()
        self.tally.repeated += len(records - shared)
        self.scratch.drop_shared(records & shared, runs)
        origins = dict.fromkeys(chain.from_iterable((*rows.origins, *repeats.rows.origins)))
        self.scratch.findings.add(replace(SENT_ALREADY, found=before), tuple(origins))

    def _take_back(self, rows: Rows, repeats: Repeats, shared: set[int]) -> set[int]:
        """Take the records of rows that were sent out of the tally; return them."""
        sent = rows.record_numbers() - shared
        repeated = repeats.rows.record_numbers() - sent - shared
        self.tally.sent -= len(sent)
        self.tally.repeated -= len(repeated)
        return sent | repeated

    def _keep_back(
        self, rows: Rows, repeats: Repeats, guilty: frozenset[int] | set[int], shared: set[int]
    ) -> None:
        """Keep back rows that were sent, and with them those that only repeated them."""
        self.tally.kept_back += len(self._take_back(rows, repeats, shared))
        self.blame([*rows.origins, *repeats.rows.origins], guilty, min(guilty))

    def _rows_of(self, run: Run, known: dict[str, Known]) -> Rows:
        """Read a run back from its draft, and take its rows out of the draft's totals."""
        rows = Rows()
        rows.lines = lines_of(self._written.text(run.batch, run.start, run.size))
        for line in rows.lines:
            if line not in known:
                cells = (
                    tuple(map(encode, next(csv.reader((line,))))) if '"' in line else tuple(line.split(","))
                )
                known[line] = (cells, self._verdicts.of(cells))
        rows.cells = [known[line][0] for line in rows.lines]
        rows.verdicts = [known[line][1] for line in rows.lines]
        rows.take_origins(run.number, run.line, run.rows, run.origins)
        if run.batch not in self._emptied:
            self.drafts.files[run.batch - 1].scales.take_out(rows.verdicts)
        return rows


def first_rows(drafts: Sequence[DraftFile], many: int) -> tuple[tuple[str, ...], ...]:
    """Read the first rows of the drafts back, for showing."""
    shown: list[tuple[str, ...]] = []
    for draft in drafts:
        if draft.rows and len(shown) < many:
            draft.flush()
            with draft.path.open(encoding="utf-8", newline="") as file:
                shown.extend(tuple(row) for row in islice(csv.reader(file), 1, 1 + many - len(shown)))
    return tuple(shown)
