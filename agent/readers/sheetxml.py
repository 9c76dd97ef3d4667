"""XML spreadsheets of Excel 2003, as NetSuite, Magento and many shop programs write them under the name .xls or .xml.

They are gone through twice: to prove that all of it can be read and to find what there is beside values, and for the
rows of one sheet. So no more than a block of rows is in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from agent.readers.content import as_ascii
from agent.readers.sheetmarks import Marks
from agent.readers.sheetxmlrows import ROOT, SPACE, Rows
from agent.readers.sheetxmlvalues import value_of
from agent.readers.xmlencoding import judge_encoding
from agent.readers.xmlparser import root_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.readers.cellvalues import Value
    from agent.readers.sheetxmlrows import Cell, Row

_SIGN = SPACE.encode()


def is_spreadsheet(head: bytes) -> bool:
    """Say whether a file is such a spreadsheet, by its first bytes."""
    return _SIGN in as_ascii(head) and root_name(head) == ROOT


def find_sheets(stream: BinaryIO) -> dict[str, Table]:
    """Go through a whole spreadsheet; return its sheets by name.

    Raises:
        RefusedFile: E-XML, E-ENC, Q-DTD, E-DEPTH, E-WORKBOOK, E-COLCAP, E-FIELDLEN.

    """
    judge_encoding(stream)
    rows, found = Rows(), dict[str, Table]()
    for name, row in rows.through(stream):
        if name not in found:
            found[name] = Table(stream, name)
        found[name].look(row)
    tables = {name: found.get(name) or Table(stream, name) for name in rows.sheets}
    for name, hidden in rows.sheets.items():
        tables[name].hidden = hidden
    return tables


class Table:
    """One sheet: what was found out about it, and its rows; see `sheet.Grid`."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name, self.hidden = name, False
        self.marks = Marks()
        self.merged_cell_ranges = self.marks.merged
        self.start: tuple[int, int] | None = None
        self._stream = stream
        self._alike: dict[tuple[tuple[int, int], ...], dict[int, int]] = {}  # formats of whole rows

    @property
    def end(self) -> tuple[int, int] | None:
        """The last row and column with anything in it."""
        return (self.marks.height - 1, self.marks.width - 1) if self.start else None

    @property
    def width(self) -> int:
        """How many columns there are from the first to the last."""
        return self.marks.width - self.start[1] if self.start else 0

    @property
    def height(self) -> int:
        """How many rows there are from the first to the last."""
        return self.marks.height - self.start[0] if self.start else 0

    def look(self, row: Row) -> None:
        """Note where a row is and what is odd about it."""
        marks = self.marks
        marks.merged.extend(row.merged)
        if not row.cells:
            return
        first, last = row.cells[0][0], row.cells[-1][0]
        self.start = (self.start[0], min(self.start[1], first)) if self.start else (row.number - 1, first)
        marks.width, marks.height = max(marks.width, last + 1), row.number
        marks.cells += len(row.cells)
        if row.hidden:
            marks.hidden.add(row.number)
        odd = [cell for cell in row.cells if cell[1] != "String" or cell[4]]
        for cell in odd:
            self._judge(row.number, cell)
        if alike := tuple([(cell[0], cell[3]) for cell in odd if cell[3]]):
            # one for all rows that are alike, as a format is mostly that of a column
            marks.padded[row.number] = self._alike.setdefault(alike, dict(alike))

    def _judge(self, number: int, cell: Cell) -> None:
        marks, (column, kind, text, _, bare) = self.marks, cell
        if bare:
            marks.formulas.setdefault(number, set()).add(column)
        elif kind == "Error":
            marks.errors.setdefault(number, {})[column] = text
        elif value_of(kind, text) is None:
            marks.untrue.setdefault(number, {})[column] = f"{kind}: {text}"

    def iter_rows(self) -> Iterator[list[Value]]:
        """Yield each row from the first of the sheet on, and its cells from the first column of the table on."""
        left, width, line = (self.start or (0, 0))[1], self.width, 0
        for name, row in Rows().through(self._stream):
            if name != self.name or not row.cells:
                continue
            for _ in range(line + 1, row.number):
                yield [""] * width
            line = row.number
            cells: list[Value] = [""] * width
            for column, kind, text, _, _ in row.cells:
                value = value_of(kind, text)
                cells[column - left] = text if value is None else value
            yield cells
            if line == self.marks.height:
                return
