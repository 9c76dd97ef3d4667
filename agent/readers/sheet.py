"""One sheet of a workbook as a source of records."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

from agent.model import Fault
from agent.readers.base import FIELD_CAP, refusal, refusal_at
from agent.readers.cellvalues import cell_texts, column_letters, id_fault, percent_text, writers
from agent.readers.detected import Detected
from agent.readers.formats import PERCENT
from agent.readers.header import read_header
from agent.readers.sheetodd import TWICE, odd_cells
from agent.readers.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.readers.base import Listener, Reading
    from agent.readers.cellvalues import Value
    from agent.readers.sheetmarks import Corners, Marks

_NEVER = -1  # a number of cells that no row has
_HIDDEN = Fault(
    "E-CELL",
    "the row is hidden: nobody can tell if it is meant",
    "show the row or delete it; or declare `hidden_rows: read` or `skip` in the feed",
)


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


class Sheet:
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
        self.number, self.line = 0, 0
        self.cells: list[str] = []
        self.notes = notes
        self.name, self.reading = sheet.name, reading
        self._marks, self._listener = marks, listener
        # nothing of the sheet itself is kept, so that its memory is free once its rows have been read
        self.width = sheet.width  # columns from the first of the table on, named or not
        self._last_row, self._last_column = sheet.end or (0, 0)
        self._merged = sheet.merged_cell_ranges or marks.merged
        self._refused = marks.hidden if reading.hidden_rows == "refuse" else set[int]()
        self._passed_over = marks.hidden if reading.hidden_rows == "skip" else set[int]()
        self._first_column = sheet.start[1] if sheet.start else 0
        # it gives the empty rows above the table, but not the empty columns before it
        self._rows: Iterator[tuple[int, list[Value]]] = enumerate(sheet.iter_rows(), 1)
        self._header_line, names = self._first(reading.header_row)
        self.detected = Detected(sheet=sheet.name, header_row=self._header_line)
        for column in sorted(marks.twice.get(self._header_line, ())):
            raise refusal_at(f"{self.name}!{column_letters(column)}{self._header_line}", *TWICE)
        self.header = read_header(names, reading.canonical)
        self.columns = self.header.columns
        self._identifiers: tuple[int, ...] = ()
        self._suspects: tuple[int, ...] = ()  # those of them that are not always text
        self._mixed: list[int] = []  # columns in which anything else than text was met so far
        self._closely: set[int] = set()  # rows to be looked at closely
        self._skipped = 0  # hidden rows
        self._odd: dict[int, Fault] = {}  # row → why it cannot be used
        self.attend(None, frozenset())

    def own(self, cells: list[str]) -> list[str]:
        """Return a row without the columns that a rejects file added, and as wide as the sheet without them."""
        header = self.header
        full = [*cells, *[""] * self.width]
        nameless = (full[position] for position in header.nameless)
        return [*full[: header.kept], *nameless, *full[header.width : self.width]]

    def _first(self, wanted: int) -> tuple[int, list[str]]:
        """Read the header: the row asked for, or the first with anything in it."""
        for line, values in self._rows:
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

    def place(self, line: int, column: str = "") -> str:
        """Name a cell, or a row where no column is to blame."""
        if not line:
            return ""
        if column not in self.columns:
            return f"{self.name}, row {line}"
        return f"{self.name}!{self._letters(self.columns.index(column))}{line}"

    def _letters(self, position: int) -> str:
        return column_letters(self._first_column + position)

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
        """Yield each sound record's cells; see `Source`. This loop is the cost of reading: nothing in it may grow."""
        tail: Tail[list[Value]] = Tail(self.header, self._odd)
        expected = self.header.width if self.header.kept == self.header.width else _NEVER
        odd_beginnings, closely = tail.odd_beginnings, self._closely
        closely.update(self._odd, self._refused)
        for row in self._records():
            line, cells, values = row
            first, is_odd = cells[0], line in closely or len(cells) != expected or tail.waiting
            if is_odd or first in odd_beginnings or not first.strip():
                yield from self._looked_at(tail.passed(row))
            else:
                self.number = tail.number = tail.number + 1
                self.line, self.cells = line, cells
                if self._suspects and (fault := self._id_fault(values)):
                    self._listener.damaged(self.number, line, cells, fault)
                else:
                    yield cells
        yield from self._looked_at(tail.last())
        self.number = tail.number
        if self._skipped:
            words = f"{self._skipped:,} hidden rows were left out, as the feed declares"
            self.notes = (*self.notes, Fault("N-HIDDEN", words))
        if not self.number:
            raise refusal(
                "E-NOROWS", "the sheet has a header but no records", "export it again; has it any rows?"
            )

    def _looked_at(
        self, settled: Iterable[tuple[int, int, list[str], list[Value], Fault | None]]
    ) -> Iterator[list[str]]:
        """Yield the sound ones among records that are to be looked at closely."""
        kept = self.header.kept
        for self.number, self.line, cells, values, odd in settled:
            self.cells = cells if kept == len(cells) else cells[:kept]
            if fault := odd or self._fault(cells) or self._id_fault(values):
                self._listener.damaged(self.number, self.line, cells, fault)
            else:
                yield self.cells

    def _records(self) -> Iterator[tuple[int, list[str], list[Value]]]:
        """Yield the rows behind the header, as wide as it; hidden ones as the feed declares."""
        width, passed_over, mixed = self.header.width, self._passed_over, self._mixed
        write, shown = writers(self.reading.decimal), self._marks.padded
        line = self._header_line
        for line, values in self._rows:
            if line in passed_over:
                self._skipped += 1
                continue
            # as `cell_texts`, but only where there is more than text: beside reading a sheet, this is what it costs
            cells: list[str] = values.copy()  # type: ignore[assignment]  # made true here
            for at in mixed:
                if (value := values[at]).__class__ is not str:
                    cells[at] = write[value.__class__](value)
            try:
                long = len("".join(cells)) > FIELD_CAP
            except TypeError:
                cells, mixed = cell_texts(values, write), self._mixed_in(values)
                long = len("".join(cells)) > FIELD_CAP
            if long:
                self._closely.add(line)
            if line in shown:
                self._show(cells, values, shown[line])
            yield line, cells if len(cells) == width else self._fitted(cells), values
        self._rows = iter(())
        yield from self._without_values(line)

    def _without_values(self, line: int) -> Iterator[tuple[int, list[str], list[Value]]]:
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

    def _mixed_in(self, values: list[Value]) -> list[int]:
        """Learn from a row which columns hold more than text; return them all."""
        found = {at for at, value in enumerate(values) if not isinstance(value, str)}
        self._mixed = sorted(found.union(self._mixed))
        self._suspects = tuple(at for at in self._identifiers if at in self._mixed)
        return self._mixed

    def _fitted(self, cells: list[str]) -> list[str]:
        """Cut off the empty cells behind the header; what is not empty there shows as a cell too many."""
        width = self.header.width
        while len(cells) > width and not cells[-1]:
            cells.pop()
        return cells

    def _fault(self, cells: list[str]) -> Fault | None:
        line = self.line
        if len(cells) > self.header.width:
            where = self._letters(len(cells) - 1)
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

    def _id_fault(self, values: list[Value]) -> Fault | None:
        """Look at ids that are no texts; what may be lost is told, what surely is makes the record a damaged one."""
        for position in self._suspects:
            value = values[position]
            if value.__class__ is str or (fault := self._of_id(value, position)) is None:
                continue
            if fault.code.startswith("E-"):
                return fault
            self._listener.remarked(self.number, self.line, fault)
        return None

    def _of_id(self, value: Value, position: int) -> Fault | None:
        shown = self._marks.padded.get(self.line, {}).get(self._first_column + position, 0)
        return id_fault(value, self.columns[position], shown)


def _trimmed(cells: list[str]) -> list[str]:
    """Leave out the empty cells at the end of a header."""
    width = max((at for at, cell in enumerate(cells, 1) if cell.strip()), default=0)
    return list(islice(cells, width))
