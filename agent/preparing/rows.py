"""The rows of one run side by side, and how it is remembered which records they came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain, compress, pairwise, repeat
from operator import add, ne
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.mapping.records import Origin
    from agent.preparing.verdicts import Verdict

    Origins = tuple[Origin, ...]


_PARTS = ("lines", "cells", "verdicts", "numbers", "at", "many")
_STEP = '{{"step": {}}}'
_FEW = 32  # rows left out one by one rather than all others chosen


class Rows:
    """Adjacent rows of one order. Rows that failed have an origin and nothing else."""

    __slots__ = ("at", "cells", "lines", "many", "numbers", "several", "verdicts")

    def __init__(self) -> None:
        self.lines: list[str] = []  # as they will be written, without line end
        self.cells: list[tuple[str, ...]] = []
        self.verdicts: list[Verdict] = []
        self.numbers: list[int] = []  # of the record each row came from
        self.at: list[int] = []  # and its line
        self.many: list[Origins] = []  # in the place of both, where rows come from several records
        self.several = False  # a record may have given several rows

    def __len__(self) -> int:
        return len(self.numbers) or len(self.many)

    @property
    def origins(self) -> list[Origins]:
        """Where each row came from."""
        return self.many or [((number, line),) for number, line in zip(self.numbers, self.at, strict=True)]

    def origins_of(self, index: int) -> Origins:
        """Where one row came from."""
        return self.many[index] if self.many else ((self.numbers[index], self.at[index]),)

    def record_numbers(self) -> set[int]:
        """Give the numbers of the records."""
        return {number for one in self.many for number, _ in one} if self.many else set(self.numbers)

    def clear(self) -> None:
        """Make ready for the next run."""
        for part in (self.lines, self.cells, self.verdicts, self.numbers, self.at, self.many):
            part.clear()
        self.several = False

    def only(self, chosen: Sequence[int]) -> Rows:
        """Give just some of the rows."""
        rows = Rows()
        for name in _PARTS:
            setattr(rows, name, [part[index] for index in chosen] if (part := getattr(self, name)) else [])
        rows.several = self.several
        return rows

    def without(self, left_out: Sequence[int]) -> Rows:
        """Give all but some of the rows, whose places ascend."""
        if len(left_out) > _FEW:
            return self.only(sorted(set(range(len(self))).difference(left_out)))
        rows = Rows()
        for name in _PARTS:
            part = getattr(self, name).copy()
            for index in reversed(left_out) if part else ():
                del part[index]
            setattr(rows, name, part)
        rows.several = self.several
        return rows

    def take(self, block: Block, begin: int, end: int) -> None:
        """Put some rows of a block behind."""
        self.lines += block.lines[begin:end]
        self.cells += zip(*(column[begin:end] for column in block.columns), strict=True)
        self.verdicts += block.verdicts[begin:end]
        self.numbers += block.numbers[begin:end]
        self.at += block.at[begin:end]

    def extend(self, other: Rows) -> None:
        """Put more rows of the same order behind."""
        self.lines += other.lines
        self.cells += other.cells
        self.verdicts += other.verdicts
        if self.many or other.many:
            self.many, self.numbers, self.at = [*self.origins, *other.origins], [], []
        else:
            self.numbers += other.numbers
            self.at += other.at
        self.several = self.several or other.several

    def origins_text(self) -> str | None:
        """Write where each row came from; None where it is record by record and line by line.

        Else `{"records": …, "step": …}`, each where it is needed: the first record and their count, over and over,
        where records are left out; how many lines further each record is, or all their `"lines"` where that differs.
        Where a row comes from several records, or a record may have given several, `[[[number, line], …] per row]`.
        """
        numbers, at = self.numbers, self.at
        if not numbers or self.several:
            return json.dumps(self.origins)
        step = step_of(numbers, at)
        if step == 1 and numbers[-1] - numbers[0] == len(numbers) - 1:  # they ascend, as no record gave two
            return None
        known: dict[str, object] = {}
        follows = map(add, numbers, repeat(1))
        begins = [0, *compress(range(1, len(numbers)), map(ne, numbers[1:], follows)), len(numbers)]
        if len(begins) > 2:  # noqa: PLR2004 - where the first one begins, and where the last one ends
            known["records"] = [(numbers[begin], end - begin) for begin, end in pairwise(begins)]
        if step is None:
            known["lines"] = at
        elif step != 1:
            known["step"] = step
        return json.dumps(known) if known else None

    def take_origins(self, number: int, line: int, many: int, text: str | None) -> None:
        """Read what `origins_text` wrote, knowing the first record."""
        known = {} if text is None else json.loads(text)
        if isinstance(known, list):
            self.many = _origins(known)
            return
        ranges = (range(first, first + count) for first, count in known.get("records", ((number, many),)))
        self.numbers = list(chain.from_iterable(ranges))
        step = known.get("step", 1)
        self.at = known.get("lines") or [line + step * (one - number) for one in self.numbers]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows by column, all of them sound and each from a record of its own."""

    columns: Sequence[Sequence[str]]
    lines: Sequence[str]
    verdicts: Sequence[Verdict]
    numbers: Sequence[int]
    at: Sequence[int]
    step: int | None  # see `step_of`

    def origins_text(self, begin: int, end: int) -> str | None:
        """Write where some of the rows came from, as `Rows` do; this is what each order pays."""
        further = end - 1 - begin
        if self.step is not None and self.numbers[end - 1] - self.numbers[begin] == further:
            return None if self.step == 1 or not further else _STEP.format(self.step)
        rows = Rows()
        rows.numbers, rows.at = [*self.numbers[begin:end]], [*self.at[begin:end]]
        return rows.origins_text()


def step_of(numbers: Sequence[int], at: Sequence[int]) -> int | None:
    """Say how many lines further each record is than the one before it; None where that differs."""
    step = (at[-1] - at[0]) // ((numbers[-1] - numbers[0]) or 1) if len(numbers) > 1 else 1
    ahead = at[0] - step * numbers[0]
    return step if [*at] == [step * number + ahead for number in numbers] else None


class Repeats:
    """Rows that were left out because each repeats one of an earlier record."""

    __slots__ = ("earlier", "rows")

    def __init__(self) -> None:
        self.rows = Rows()  # where they came from
        self.earlier: list[int] = []  # the record each repeats

    def __len__(self) -> int:
        return len(self.earlier)

    def extend(self, other: Repeats) -> None:
        """Put more of them behind."""
        self.rows.extend(other.rows)
        self.earlier += other.earlier

    def text(self) -> str | None:
        """Write them down."""
        return json.dumps((self.rows.origins, self.earlier)) if self.earlier else None

    @classmethod
    def read(cls, text: str | None) -> Repeats:
        """Read what `text` wrote."""
        repeats = cls()
        if text is not None:
            origins, repeats.earlier = json.loads(text)
            repeats.rows.many = _origins(origins)
        return repeats


def parted(rows: Rows) -> tuple[Rows, Repeats]:
    """Part rows from those that repeat an earlier one exactly."""
    lines, repeats = rows.lines, Repeats()
    if len(set(lines)) == len(lines):
        return rows, repeats
    many = len(lines)
    first = dict(zip(reversed(lines), reversed(range(many)), strict=True))  # of each line
    again = [*compress(range(many), map(ne, map(first.__getitem__, lines), range(many)))]
    repeats.rows = rows.only(again)
    repeats.earlier = [rows.origins_of(first[lines[index]])[0][0] for index in again]
    return rows.without(again), repeats


def _origins(raw: Iterable[Iterable[Sequence[int]]]) -> list[Origins]:
    return [tuple((number, line) for number, line in pairs) for pairs in raw]
