"""The first look: rows arrive, adjacent rows of one order form a run, a finished run goes to the draft or is kept back.

Most exports come grouped by order, so the first look is the last: each run is a whole order. Where an order comes
back later, the second look (`again.py`) puts its runs together.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import getitem, itemgetter
from typing import TYPE_CHECKING

from agent.impact.batchfile import encode
from agent.mapping.records import Origin
from agent.model import Change, Fault
from agent.preparing.scratch import Run, origins_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent.impact.rules import RowRules
    from agent.mapping.mapping import BoundTemplate
    from agent.preparing.batches import DraftSet
    from agent.preparing.scratch import Scratch
    from agent.readers.base import Source

IDENTIFIERS = ("ActionID", "Oid", "ActionTrackerID")

_MEMO = 20_000  # remembered values of one column
_SHORT = 64  # characters; longer texts are not remembered
_EVERY = 8192  # records between two words about progress


class CellMemo(dict[str, "str | Fault"]):
    """One column's expression, rule and CSV form, worked out once per distinct short text: `memo[text]`."""

    def __init__(
        self, rule: Callable[[str], str | Fault], function: Callable[[str], str | Fault] | None = None
    ) -> None:
        super().__init__()
        self._rule, self._function = rule, function

    def __missing__(self, text: str) -> str | Fault:
        found: str | Fault = text if self._function is None else self._function(text)
        if not isinstance(found, Fault):
            found = self._rule(found)
        if not isinstance(found, Fault):
            found = encode(found)
        if len(text) <= _SHORT:
            if len(self) >= _MEMO:
                self.clear()
            self[text] = found
        return found


# One row on its way into a draft: its line (None where the row is bad), cells, what it does, its records.
Entry = tuple[str | None, tuple[str, ...], Change, tuple[Origin, ...]]


@dataclass(slots=True)
class Tally:
    """How many records ended in which way."""

    sent: int = 0
    kept_back: int = 0
    repeated: int = 0


class Settling:
    """What both looks share: judging a whole order and counting how its records end."""

    def __init__(self, rules: RowRules, scratch: Scratch, drafts: DraftSet) -> None:
        self.rules, self.scratch, self.drafts = rules, scratch, drafts
        self.tally = Tally()

    def settle(self, entries: list[Entry], run: int, counted: set[int]) -> tuple[list[Entry], set[int]]:
        """Take out repeats and judge the order as a whole; return what is left and the records to blame, if any."""
        distinct = self._without_repeats(entries, run, counted)
        guilty: set[int] = set()
        if len(distinct) > 1:
            for index, fault in self.rules.judge_order([entry[1] for entry in distinct]):
                origins = distinct[index][3]
                error = fault.code.startswith("E-")
                self.scratch.add_finding(fault, origins, run=None if error else run)
                if error:
                    guilty.update(number for number, _ in origins)
        return distinct, guilty

    def _without_repeats(self, entries: list[Entry], run: int, counted: set[int]) -> list[Entry]:
        if len({entry[0] for entry in entries}) == len(entries):
            return entries
        first: dict[str | None, Entry] = {}
        repeated: set[int] = set()
        for entry in entries:
            earlier = first.setdefault(entry[0], entry)
            if earlier is entry:
                continue
            words = "repeats an earlier row exactly; it is sent once"
            fault = Fault("N-ROWDUP", words, "", f"record {earlier[3][0][0]}")
            self.scratch.add_finding(fault, entry[3], run=run)
            repeated.update(number for number, _ in entry[3])
        left = list(first.values())
        self.tally.repeated += len(repeated - numbers_of(left) - counted)
        return left

    def send(self, entries: list[Entry], counted: set[int]) -> tuple[int, int, int]:
        """Put an order into the drafts; return the draft's number, first byte and size."""
        number, draft = self.drafts.room_for(len(entries))
        draft.scales.add(entries)
        data = ("\r\n".join([entry[0] or "" for entry in entries]) + "\r\n").encode()
        self.tally.sent += len(numbers_of(entries) - counted)
        return number, draft.add(data, len(entries)), len(data)

    def keep_back(self, entries: list[Entry], guilty: set[int], counted: set[int]) -> None:
        """Keep an order back; records that have no finding of their own are told which record is to blame."""
        blame = f"record {min(guilty)}" if guilty else ""
        words = "is kept back because another row of the same order has a mistake"
        fault = Fault("E-ORDERKEPT", words, "mend that row and drop the whole order again", blame)
        for entry in entries:
            innocent = [origin for origin in entry[3] if origin[0] not in guilty]
            if innocent:
                self.scratch.add_finding(fault, innocent)
        self.tally.kept_back += len(numbers_of(entries) - counted)


def numbers_of(entries: Sequence[Entry]) -> set[int]:
    """The records that some rows come from."""
    return {origin[0] for entry in entries for origin in entry[3]}


class FirstLook(Settling):
    """Takes rows as they come; `finish` when the last one came."""

    def __init__(self, rules: RowRules, scratch: Scratch, drafts: DraftSet, bound: BoundTemplate) -> None:
        super().__init__(rules, scratch, drafts)
        functions = bound.functions
        self.memos = tuple(CellMemo(rule, functions.get(cell)) for cell, rule in enumerate(rules.columns))
        self.used = 0  # records that gave a row or a finding
        self._grouped = bound.grouped
        self._key = ""
        self._entries: list[Entry] = []
        self._guilty: set[int] = set()  # records of this run with an error of their own
        self._last = 0  # the record of the row before
        self._group: frozenset[int] = frozenset()  # with groupby: the records of the group at hand that gave a row
        self._counted: set[int] = set()  # records that an earlier run has counted
        self._oversize = ""
        places = [rules.header.index(name) for name in IDENTIFIERS if name in rules.header]
        self._identify = itemgetter(*places)
        self._identity: object = None  # what `_identify` gave for the run at hand

    def rows(self, rows: Iterable[tuple[str, ...]], source: Source, progress: Callable[[int], None]) -> None:
        """Take all rows of a plain file. This loop is the cost of preparing: nothing in it may grow."""
        memos, judge, identify, join = self.memos, self.rules.judge, self._identify, ",".join
        most, due = self.drafts.max_rows, _EVERY
        for cells in rows:
            checked = tuple(map(getitem, memos, cells))
            number = source.number
            try:
                line = join(checked)  # type: ignore[arg-type]  # a Fault among them is what the except is for
            except TypeError:
                self._faulty(cells, checked, ((number, source.line),))
                continue
            origins = ((number, source.line),)
            if number == self._last or identify(checked) != self._identity:
                self._enter_row(checked, origins)
            else:
                self.used += 1
                self._last = number
            judgement = judge(checked)  # type: ignore[arg-type]  # all text: join took them
            if judgement.faults:
                self._judged(judgement.faults, origins)
            self._entries.append((line, checked, judgement.change, origins))  # type: ignore[arg-type]  # as above
            if len(self._entries) > most:
                self._too_large()
            if number >= due:
                due = number + _EVERY
                progress(number)

    def grouped_row(self, cells: tuple[str, ...], origins: tuple[Origin, ...]) -> None:
        """Take one row of a group of records."""
        checked = tuple(map(getitem, self.memos, cells))
        try:
            line = ",".join(checked)  # type: ignore[arg-type]  # a Fault among them is what the except is for
        except TypeError:
            self._faulty(cells, checked, origins)
            return
        self._enter_row(checked, origins)
        judgement = self.rules.judge(checked)  # type: ignore[arg-type]  # all text: join took them
        self._judged(judgement.faults, origins)
        self._entries.append((line, checked, judgement.change, origins))  # type: ignore[arg-type]  # as above
        if len(self._entries) > self.drafts.max_rows:
            self._too_large()

    def failed(self, key: str, faults: Sequence[Fault], origins: tuple[Origin, ...]) -> None:
        """Take records that gave no row but findings; `key` is their order's, "" where it cannot be told."""
        self._enter(key or f"\0{origins[0][0]}", origins)
        for fault in faults:
            self.scratch.add_finding(fault, origins)
        self._guilty.update(number for number, _ in origins)
        self._entries.append((None, (), Change.MODIFICATION, origins))
        self._identity = None

    def finish(self) -> None:
        """Settle the last run."""
        self._flush()
        self.used += len(self._group)

    def next_group(self) -> None:
        """With groupby: what follows comes from other records."""
        self.used += len(self._group)
        self._group = frozenset()
        self._last = 0

    def _faulty(self, cells: tuple[str, ...], checked: Sequence[str | Fault], origins: tuple[Origin, ...]) -> None:
        faults = [
            fault if fault.field else Fault(fault.code, fault.words, fault.mend, fault.found, name)
            for fault, name in zip(checked, self.rules.header, strict=True)
            if isinstance(fault, Fault)
        ]
        plain = [raw if isinstance(cell, Fault) else cell for raw, cell in zip(cells, checked, strict=True)]
        self.failed(self.rules.key(plain), faults, origins)

    def _enter_row(self, checked: Sequence[str | Fault], origins: tuple[Origin, ...]) -> None:
        self._enter(self.rules.key(checked) or f"\0{origins[0][0]}", origins)  # type: ignore[arg-type]  # all text
        self._identity = self._identify(checked)

    def _enter(self, key: str, origins: tuple[Origin, ...]) -> None:
        """Begin a run, or go on with the one at hand; note records with rows in two orders."""
        number = origins[0][0]
        same_records = bool(self._last) and (self._grouped or number == self._last)
        if key != self._key:
            if same_records and self._entries:
                self.scratch.link(hash(self._key), hash(key))
            self._flush()
            if not same_records:
                self._counted = set()
            self._key = key
        if self._grouped:
            self._group |= {origin[0] for origin in origins}
        elif not same_records:
            self.used += 1
        self._last = number

    def _judged(self, faults: Sequence[Fault], origins: tuple[Origin, ...]) -> None:
        for fault in faults:
            self.scratch.add_finding(fault, origins)
            if fault.code.startswith("E-"):
                self._guilty.update(number for number, _ in origins)

    def _too_large(self) -> None:
        """An order larger than a batch is kept back in pieces, so that memory stays flat."""
        if self._oversize != self._key:
            words = f"its order has more rows than one batch may hold ({self.drafts.max_rows})"
            fault = Fault("E-ORDERSIZE", words, "raise max_rows, or part the order")
            self.scratch.add_finding(fault, self._entries[0][3])
            self._oversize = self._key
        self._guilty.add(self._entries[0][3][0][0])
        blame = min(self._guilty)
        self._flush()
        self._guilty = {blame}

    def _flush(self) -> None:
        entries, guilty = self._entries, self._guilty
        if not entries:
            return
        run = self.scratch.next_run()
        if not guilty and len(entries) > 1:
            entries, guilty = self.settle(entries, run, self._counted)
        place = (0, 0, 0)
        if guilty:
            self.keep_back(entries, guilty, self._counted)
        else:
            place = self.send(entries, self._counted)
        self._counted |= numbers_of(entries) if self._grouped else {self._last}
        number, line = entries[0][3][0]
        origins = origins_text([entry[3] for entry in entries])
        self.scratch.add_run(Run(run, hash(self._key), *place, len(entries), int(bool(guilty)), number, line, origins))
        self._entries, self._guilty = [], set()
