"""One sheet of a workbook as a source of records."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

from agent.model import Fault
from agent.readers.base import refusal, refusal_at
from agent.readers.cellvalues import cell_texts, column_letters
from agent.readers.detected import Detected
from agent.readers.header import read_header
from agent.readers.sheetodd import TWICE, odd_cells
from agent.readers.sheetrows import SheetRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.readers.base import Listener, Piece, Reading
    from agent.readers.cellvalues import Value
    from agent.readers.sheetmarks import Corners, Marks


class Grid(Protocol):
    """The values of a sheet, as calamine gives them."""

    @property
    def name(self) -> str:
        """The sheet's name."""

    @property
    def width(self) -> int:
        """How many columns there are from the first with anything in it on."""

    @property
    def start(self) -> tuple[int, int] | None:
        """Row and column of the first place, from 0."""

    @property
    def end(self) -> tuple[int, int] | None:
        """Row and column of the last place."""

    @property
    def merged_cell_ranges(self) -> list[Corners] | None:
        """First and last place of merged cells, as far as they are known here."""

    def iter_rows(self) -> Iterator[list[Value]]:
        """Yield each row from the first of the sheet on, its cells from the first column with anything in it on."""


class Sheet(SheetRows):
    """A sheet whose header is read; may be iterated once."""

    nested: frozenset[str] = frozenset()

    def __init__(
        self,
        sheet: Grid,
        marks: Marks,
        notes: tuple[Fault, ...],
        reading: Reading,
        listener: Listener,
    ) -> None:
        self.notes = notes
        self.name = sheet.name
        # nothing of the sheet itself is kept, so that its memory is free once its rows have been read
        self.width = sheet.width  # columns from the first of the table on, named or not
        self._last_row, self._last_column = sheet.end or (0, 0)
        self._merged = sheet.merged_cell_ranges or marks.merged
        # it gives the empty rows above the table, but not the empty columns before it
        rows: Iterator[tuple[int, list[Value]]] = enumerate(sheet.iter_rows(), 1)
        header_line, names = self._first(rows, reading.header_row)
        self.detected = Detected(sheet=sheet.name, header_row=header_line)
        for column in sorted(marks.twice.get(header_line, ())):
            raise refusal_at(f"{self.name}!{column_letters(column)}{header_line}", *TWICE)
        corner = header_line, sheet.start[1] if sheet.start else 0
        super().__init__(rows, read_header(names, reading.canonical), corner, marks, (reading, listener))
        self.attend(None, frozenset())

    def own(self, cells: list[str]) -> list[str]:
        """Return a row without the columns that a rejects file added, and as wide as the sheet without them."""
        header = self.header
        full = [*cells, *[""] * self.width]
        nameless = (full[position] for position in header.nameless)
        return [*full[: header.kept], *nameless, *full[header.width : self.width]]

    def _first(self, rows: Iterator[tuple[int, list[Value]]], wanted: int) -> tuple[int, list[str]]:
        """Read the header: the row asked for, or the first with anything in it."""
        for line, values in rows:
            cells = cell_texts(values)
            if line >= wanted and (wanted or any(cells)):
                if line > wanted > 0:
                    break
                return line, _trimmed(cells)
        if not self.width:
            raise refusal("E-EMPTY", f"the sheet “{self.name}” has nothing in it", "export it again")
        words = f"the sheet “{self.name}” has nothing in row {wanted}, where the feed says its header is"
        raise refusal_at(
            f"{self.name}, row {wanted}", "E-HDREMPTY", words, "mend the sheet, or the feed's `header_row:`"
        )

    @property
    def identifiers(self) -> tuple[int, ...]:
        """The positions of the columns that hold identifiers, once it is known."""
        return self._identifiers

    def attend(
        self, used: frozenset[str] | None, identifiers: frozenset[str], filled: frozenset[str] = frozenset()
    ) -> None:
        """Learn which columns matter; what is odd in the others does no harm."""
        positions = {name: index for index, name in enumerate(self.columns)}
        wanted = (
            set(range(len(self.columns)))
            if used is None
            else {positions[name] for name in used & set(positions)}
        )
        self._identifiers = tuple(positions[name] for name in self.columns if name in identifiers)
        self._odd = {}
        first = self._first_column
        downwards = {positions[name] + first for name in filled & set(positions)}
        last = self._last_row, self._last_column
        for fault, cells in odd_cells(self._marks, self._merged, last, downwards):
            for line, column in cells:
                if column - first in wanted and line > self._header_line:
                    self._odd.setdefault(line, Fault(*fault, field=self.columns[column - first]))

    def __iter__(self) -> Iterator[list[str]]:
        """Yield each sound record's cells; see `Source`."""
        for first, lines, columns in self._all():
            rows = map(list, zip(*columns, strict=True))
            numbers = range(first, first + len(lines))
            for self.number, self.line, self.cells in zip(numbers, lines, rows, strict=True):
                yield self.cells

    def pieces(self) -> Iterator[Piece]:
        """Yield the same, many at a time; see `InPieces`."""
        for piece in self._all():
            self.number, self.line = piece.number + len(piece.lines) - 1, piece.lines[-1]
            self.cells = [column[-1] for column in piece.columns]
            yield piece

    def _all(self) -> Iterator[Piece]:
        yield from self.runs(self.width)
        if self._skipped:
            words = f"{self._skipped:,} hidden rows were left out, as the feed declares"
            self.notes = (*self.notes, Fault("N-HIDDEN", words))
        if not self.number:
            raise refusal(
                "E-NOROWS", "the sheet has a header but no records", "export it again; has it any rows?"
            )


def _trimmed(cells: list[str]) -> list[str]:
    """Leave out the empty cells at the end of a header."""
    width = max((at for at, cell in enumerate(cells, 1) if cell.strip()), default=0)
    return list(islice(cells, width))
