"""The rows of one run side by side, and how it is remembered which records they came from."""

from __future__ import annotations

import json
from itertools import compress
from operator import ne, not_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.mapping.records import Origin
    from agent.preparing.verdicts import Verdict

    Origins = tuple[Origin, ...]


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

    def records(self) -> int:
        """Count the records."""
        return len(self.numbers) if self.numbers and not self.several else len(self.record_numbers())

    def record_numbers(self) -> set[int]:
        """Give the numbers of the records."""
        return {number for one in self.many for number, _ in one} if self.many else set(self.numbers)

    def clear(self) -> None:
        """Make ready for the next run."""
        for part in (self.lines, self.cells, self.verdicts, self.numbers, self.at, self.many):
            part.clear()
        self.several = False

    def only(self, chosen: Sequence[bool]) -> Rows:
        """Give just some of the rows."""
        rows = Rows()
        rows.lines = list(compress(self.lines, chosen))
        rows.cells = list(compress(self.cells, chosen))
        rows.verdicts = list(compress(self.verdicts, chosen))
        rows.numbers = list(compress(self.numbers, chosen))
        rows.at = list(compress(self.at, chosen))
        rows.many = list(compress(self.many, chosen))
        rows.several = self.several
        return rows

    def take(self, block: Rows, begin: int, end: int) -> None:
        """Put some rows of a block behind, each from a record of its own."""
        self.lines += block.lines[begin:end]
        self.cells += block.cells[begin:end]
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
        """Write where each row came from; None where it is record by record and line by line (they only ascend)."""
        if self.numbers and not self.several:
            step = len(self.numbers) - 1
            if self.numbers[-1] - self.numbers[0] == step == self.at[-1] - self.at[0]:
                return None
        return json.dumps(self.origins)

    def take_origins(self, number: int, line: int, many: int, text: str | None) -> None:
        """Read what `origins_text` wrote, knowing the first record."""
        if text is None:
            self.numbers, self.at = list(range(number, number + many)), list(range(line, line + many))
        else:
            self.many = _origins(json.loads(text))


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
    many, repeats = len(rows.lines), Repeats()
    if len(set(rows.lines)) == many:
        return rows, repeats
    first = dict(zip(reversed(rows.lines), range(many - 1, -1, -1), strict=True))
    firsts = list(map(first.__getitem__, rows.lines))
    again = list(map(ne, firsts, range(many)))
    repeats.rows = rows.only(again)
    numbers = rows.numbers or [origins[0][0] for origins in rows.many]
    repeats.earlier = list(map(numbers.__getitem__, compress(firsts, again)))
    return rows.only(list(map(not_, again))), repeats


def _origins(raw: Iterable[Iterable[Sequence[int]]]) -> list[Origins]:
    return [tuple((number, line) for number, line in pairs) for pairs in raw]
