"""The second look: orders that came back later in the file, or were found bad after some of their rows were written.

Their lines are taken out of the drafts and each order is settled as a whole; good ones go to the end of the drafts.
"""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from agent.impact.batchfile import encode
from agent.preparing.batches import DraftFile, lines_of, without
from agent.preparing.rows import Repeats, Rows
from agent.preparing.settling import Settling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.preparing.runs import FirstLook
    from agent.preparing.scratch import Run
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
        self._written: list[tuple[DraftFile, BinaryIO]] = []
        self._removed: list[int] = []  # rows taken out of each draft

    def run(self) -> None:
        """Settle every unsettled order anew and mend the drafts."""
        self.scratch.gather()
        self.drafts.close()
        first = list(self.drafts.files)
        self._removed = [0 for _ in first]
        self._written = [(draft, draft.path.open("rb")) for draft in first]
        try:
            for runs in self.scratch.orders_again():
                self._order(runs)
        finally:
            for _, file in self._written:
                file.close()
        self.drafts.close()
        for number, (draft, rows) in enumerate(zip(first, self._removed, strict=True), start=1):
            if rows:
                without(draft, self.scratch.removed(number), rows)

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
        repeats.extend(settled.repeats)
        self.send(settled.rows.lines, settled.rows.verdicts)
        self.note_repeats(repeats, runs[0].seq)
        repeated = self.count_sent(settled.rows, repeats, shared)
        self.scratch.drop_shared(repeated & shared, runs)

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
        draft, file = self._written[run.batch - 1]
        rows = Rows()
        rows.lines = lines_of(file, run.start, run.size)
        for line in rows.lines:
            if line not in known:
                cells = (
                    tuple(map(encode, next(csv.reader((line,))))) if '"' in line else tuple(line.split(","))
                )
                known[line] = (cells, self._verdicts.of(cells))
        rows.cells = [known[line][0] for line in rows.lines]
        rows.verdicts = [known[line][1] for line in rows.lines]
        rows.take_origins(run.number, run.line, run.rows, run.origins)
        draft.scales.take_out(rows.verdicts)
        self._removed[run.batch - 1] += len(rows.lines)
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
