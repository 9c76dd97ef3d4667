"""The rows of a sheet below its header: which of them are sound records, and what their cells are as text."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from agent.model import Fault
from agent.readers.base import FIELD_CAP, Piece, refusal_at
from agent.readers.cellvalues import cell_texts, column_letters, id_fault, percent_text, writers
from agent.readers.formats import PERCENT
from agent.readers.sheetglance import by_column
from agent.readers.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.errors import RefusedFile
    from agent.readers.base import Listener, Reading
    from agent.readers.cellvalues import Value
    from agent.readers.header import Header
    from agent.readers.sheetmarks import Marks

    Line = tuple[int, list[Value]]  # a row and what its cells hold
    Row = tuple[int, list[str], list[Value]]  # with the texts of its cells
    Judged = tuple[
        int, int, list[str], list[Value], Fault | None
    ]  # with its number before, what is wrong behind

_MANY = 512  # rows looked at together
_NEVER = -1  # a number of cells that no row has
_HIDDEN = Fault(
    "E-CELL",
    "the row is hidden: nobody can tell if it is meant",
    "show the row or delete it; or declare `hidden_rows: read` or `skip` in the feed",
)


class SheetRows:
    """What a sheet knows below its header; may be iterated once."""

    name: str

    def __init__(
        self,
        rows: Iterator[Line],
        header: Header,
        corner: tuple[int, int],
        marks: Marks,
        how: tuple[Reading, Listener],
    ) -> None:
        self.number, self.line = 0, 0
        self.cells: list[str] = []
        self.header, self.columns = header, header.columns
        self.reading, self._listener = how
        self._rows, self._marks = rows, marks
        self._header_line, self._first_column = corner
        self._refused = marks.hidden if self.reading.hidden_rows == "refuse" else set[int]()
        self._passed_over = marks.hidden if self.reading.hidden_rows == "skip" else set[int]()
        self._write = writers(self.reading.decimal)
        self._identifiers: tuple[int, ...] = ()
        self._suspects: tuple[int, ...] = ()  # those of them that are not always text
        self._mixed: list[int] = []  # columns in which anything else than text was met so far
        self._closely: set[int] = set()  # rows to be looked at closely
        self._skipped = 0  # hidden rows
        self._odd: dict[int, Fault] = {}  # row → why it cannot be used

    def runs(self, width: int) -> Iterator[Piece]:
        """Yield the sound records of a sheet with so many columns, those that follow each other together."""
        tail: Tail[list[Value]] = Tail(self.header, self._odd, self._far_below)
        self._closely.update(self._odd, self._refused)
        alone = {
            *self._closely,
            *self._passed_over,
            *self._marks.padded,
        }  # rows to be looked at by themselves
        glances = self.header.kept == self.header.width == width
        last = self._header_line
        while block := [*islice(self._rows, _MANY)]:
            begin, last = block[0][0], block[-1][0]
            columns = None
            plain = alone.isdisjoint(range(begin, last + 1))
            if plain and all(row.count("") == len(row) for _, row in block):
                tail.pass_blank((line, row[: self.header.width], row) for line, row in block)  # type: ignore[misc]  # all texts
                continue
            if plain and glances and not tail.waiting:
                values = (values for _, values in block)
                columns = by_column(values, self._write, tail.odd_beginnings, self._identifiers)
            if columns is None:
                yield from self._sound(self._numbered(self._texts(block), tail))
            else:
                yield Piece(tail.number + 1, range(begin, last + 1), columns)
                tail.number += len(block)
        self._rows = iter(())  # its memory is free
        yield from self._sound(self._numbered(self._without_values(last), tail))
        yield from self._sound(map(self._judged, tail.last()))
        self.number = tail.number

    def place(self, line: int, column: str = "") -> str:
        """Name a cell, or a row where no column is to blame."""
        if not line:
            return ""
        if column not in self.columns:
            return f"{self.name}, row {line}"
        letters = column_letters(self._first_column + self.columns.index(column))
        return f"{self.name}!{letters}{line}"

    def _far_below(self, blank: int, first: int, line: int) -> RefusedFile:
        """Refuse a sheet in which something stands below thousands of blank rows."""
        words = f"row {line:,} is filled, and {blank:,} blank rows stand above it, from row {first:,} on"
        mend = "look for a stray cell far below the table and delete its row, or delete the blank rows"
        return refusal_at(self.place(line), "E-BLANK", words, mend)

    def _sound(self, judged: Iterable[Judged]) -> Iterator[Piece]:
        """Yield the sound ones, and tell of the others."""
        lines: list[int] = []
        rows: list[list[str]] = []
        first, kept = 0, self.header.kept
        for number, line, cells, _, fault in judged:
            if not fault:
                first = first or number
                lines.append(line)
                rows.append(cells if len(cells) == kept else cells[:kept])
                continue
            if rows:
                yield Piece(first, lines, tuple(zip(*rows, strict=True)))
                first, lines, rows = 0, [], []
            self.number, self.line, self.cells = number, line, cells
            self._listener.damaged(number, line, cells, fault)
        if rows:
            yield Piece(first, lines, tuple(zip(*rows, strict=True)))

    def _numbered(self, rows: Iterable[Row], tail: Tail[list[Value]]) -> Iterator[Judged]:
        """Number rows and judge them."""
        expected = self.header.width if self.header.kept == self.header.width else _NEVER
        for row in rows:
            line, cells, values = row
            is_odd = line in self._closely or len(cells) != expected or tail.waiting
            if is_odd or cells[0] in tail.odd_beginnings or not cells[0].strip():
                yield from map(self._judged, tail.passed(row))
            else:
                tail.number += 1
                fault = self._id_fault(tail.number, line, values) if self._suspects else None
                yield tail.number, line, cells, values, fault

    def _judged(self, row: Judged) -> Judged:
        """Look closely at a row."""
        number, line, cells, values, odd = row
        return (
            number,
            line,
            cells,
            values,
            odd or self._fault(line, cells) or self._id_fault(number, line, values),
        )

    def _texts(self, rows: Iterable[Line]) -> Iterator[Row]:
        """Write rows as wide as the header; hidden ones as the feed declares."""
        width, shown = self.header.width, self._marks.padded
        for line, values in rows:
            if line in self._passed_over:
                self._skipped += 1
                continue
            # as `cell_texts`, but only where there is more than text
            cells: list[str] = values.copy()  # type: ignore[assignment]  # made true here
            for at in self._mixed:
                if (value := values[at]).__class__ is not str:
                    cells[at] = self._write[value.__class__](value)
            try:
                long = len("".join(cells)) > FIELD_CAP
            except TypeError:
                cells = cell_texts(values, self._write)
                self._mix(values)
                long = len("".join(cells)) > FIELD_CAP
            if long:
                self._closely.add(line)
            if line in shown:
                self._show(cells, values, shown[line])
            yield line, cells if len(cells) == width else self._fitted(cells), values

    def _without_values(self, line: int) -> Iterator[Row]:
        """Yield the odd rows below the last one that holds a value: formulas that were never worked out."""
        width = self.header.width
        for marked in sorted(below for below in self._odd if below > line):
            yield marked, [""] * width, [""] * width

    def _show(self, cells: list[str], values: list[Value], shown: dict[int, int]) -> None:
        """Write the percentages of a row as they are shown: 0.2 may as well be meant for 20 %."""
        for column, what in shown.items():
            at = column - self._first_column
            if what == PERCENT and 0 <= at < len(cells):
                cells[at] = percent_text(values[at], self.reading.decimal)

    def _mix(self, values: list[Value]) -> None:
        """Learn from a row which columns hold more than text."""
        found = {at for at, value in enumerate(values) if not isinstance(value, str)}
        self._mixed = sorted(found.union(self._mixed))
        self._suspects = tuple(at for at in self._identifiers if at in self._mixed)

    def _fitted(self, cells: list[str]) -> list[str]:
        """Cut off the empty cells behind the header; what is not empty there shows as a cell too many."""
        width = self.header.width
        while len(cells) > width and not cells[-1]:
            cells.pop()
        return cells

    def _fault(self, line: int, cells: list[str]) -> Fault | None:
        if len(cells) > self.header.width:
            where = column_letters(self._first_column + len(cells) - 1)
            words = f"a value stands in column {where}, which has no name in the header"
            return Fault("E-COLS", words, "name the column, or delete the value")
        if line in self._odd or line in self._refused:
            return self._odd.get(line, _HIDDEN)
        if self.header.kept < self.header.width and (words := self.header.misplaced(cells)):
            return Fault("E-COLS", words, "put each value back under its column")
        long = next((at for at, cell in enumerate(cells) if len(cell) > FIELD_CAP), -1)
        if long >= 0:
            words = f"the cell has {len(cells[long]):,} characters; {FIELD_CAP:,} are the most"
            return Fault("E-FIELDLEN", words, "shorten it", field=self.header.written[long].strip())
        return None

    def _id_fault(self, number: int, line: int, values: list[Value]) -> Fault | None:
        """Look at ids that are no texts; what may be lost is told, what surely is makes the record a damaged one."""
        for position in self._suspects:
            value = values[position]
            if value.__class__ is str or (fault := self._of_id(line, value, position)) is None:
                continue
            if fault.code.startswith("E-"):
                return fault
            self._listener.remarked(number, line, fault)
        return None

    def _of_id(self, line: int, value: Value, position: int) -> Fault | None:
        shown = self._marks.padded.get(line, {}).get(self._first_column + position, 0)
        return id_fault(value, self.columns[position], shown)
