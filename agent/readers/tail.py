"""Where the records of a table end: blank ones at the end are none, a last line of totals is no order.

For readers whose rows come with their place; `delimited` does the same within its own loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from agent.model import Fault
from agent.readers.footer import TOTAL_SPELLINGS, looks_like_footer, names_total

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from agent.errors import RefusedFile
    from agent.readers.header import Header

    FarBelow = Callable[
        [int, int, int], RefusedFile
    ]  # of how many blank rows, the first of them, the row below

More = TypeVar("More")

_MOST_BLANK = 10_000  # rows, behind which a record is none of the same table
_BLANK = Fault("E-BLANK", "the record is blank", "delete the row, or fill in the missing record")
_FOOTER = Fault("E-FOOTER", "the last record is a line of totals, no order", "delete it, or `totals: skip`")
_HEADER_AGAIN = Fault("E-ROWHDR", "the header stands here once more", "delete this row")


class Tail(Generic[More]):
    """Numbers records and holds back those that may turn out to be behind the last."""

    def __init__(
        self, header: Header, marked: Container[int] = (), far_below: FarBelow | None = None
    ) -> None:
        """Begin behind a header.

        Args:
            header: what was read of it.
            marked: lines that hold something, though their cells be empty.
            far_below: refuses a table with something below very many blank rows; None: they are damaged records.
        """
        self._header, self._marked, self._far_below = header, marked, far_below
        first = header.written[0]
        self.odd_beginnings = TOTAL_SPELLINGS | {"", first, first.strip()}
        self.waiting: list[tuple[int, list[str], More]] = []  # a possible line of totals, and blank rows
        self._more = 0  # rows that wait behind those, not kept
        self.number = 0  # of records so far, blank ones at the end left out

    def settled(
        self, rows: Iterable[tuple[int, list[str], More]]
    ) -> Iterator[tuple[int, int, list[str], More, Fault | None]]:
        """Yield (number, line, cells, whatever came along, fault) for rows of (line, cells, whatever)."""
        for row in rows:
            yield from self.passed(row)
        yield from self.last()

    def passed(
        self, row: tuple[int, list[str], More]
    ) -> Iterator[tuple[int, int, list[str], More, Fault | None]]:
        """Settle one row, and those that waited for it; it may have to wait itself.

        A row that no other waits for and that neither begins oddly nor with a blank needs no more than its number.
        """
        line, cells, more = row
        is_odd = cells[0] in self.odd_beginnings or not cells[0].strip()
        if is_odd and self._may_be_behind(line, cells):
            self._wait(row)
            return
        self._refuse_below(line)
        waited, self.waiting = self.waiting, []
        for before, waiting, with_it in waited:
            self.number += 1
            yield self.number, before, waiting, with_it, self._odd(waiting)
        self.number += 1
        yield self.number, line, cells, more, self._again(cells) if is_odd else None

    def pass_blank(self, rows: Iterable[tuple[int, list[str], More]]) -> None:
        """Let rows without anything in them wait, none of which is marked."""
        for row in rows:
            self._wait(row)

    def _wait(self, row: tuple[int, list[str], More]) -> None:
        blank = self._odd(row[1]) is not None
        if self._far_below and blank and len(self.waiting) >= _MOST_BLANK:
            self._more += 1
            return
        if not blank:
            self._refuse_below(row[0])
        self.waiting.append(row)

    def _refuse_below(self, line: int) -> None:
        if self._far_below and self._more:
            blank = [before for before, cells, _ in self.waiting if self._odd(cells)]
            raise self._far_below(len(blank) + self._more, blank[0], line)

    def _may_be_behind(self, line: int, cells: list[str]) -> bool:
        """Say whether a row may stand behind the last record: a blank one, or a line of totals."""
        if line in self._marked:
            return False
        kept = self._header.kept
        first = next((cell for cell in self._own(cells) if cell.strip()), "")
        return not first or (names_total(first) and looks_like_footer(cells[:kept], kept))

    def last(self) -> Iterator[tuple[int, int, list[str], More, Fault | None]]:
        """Settle what waited for the end of the table; blank rows there are none."""
        filled = max((at for at, row in enumerate(self.waiting, 1) if self._odd(row[1]) is None), default=0)
        for at, (line, cells, more) in enumerate(self.waiting[:filled], 1):
            self.number += 1
            yield self.number, line, cells, more, _FOOTER if at == filled or self._odd(cells) else None

    def _own(self, cells: list[str]) -> list[str]:
        """Return the cells without what a rejects file says about them."""
        header = self._header
        if header.kept == header.width == len(cells):
            return cells
        nameless = (cells[position] for position in header.nameless if position < len(cells))
        return [*cells[: header.kept], *nameless, *cells[header.width :]]

    def _odd(self, cells: list[str]) -> Fault | None:
        return None if "".join(self._own(cells)).strip() else _BLANK

    def _again(self, cells: list[str]) -> Fault | None:
        return _HEADER_AGAIN if self._header.is_repeated_by(cells) else None
