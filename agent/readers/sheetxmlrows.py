"""The rows of an XML spreadsheet of Excel 2003, as the parser tells of them; never more than a block's in memory.

Where a row or a cell stands is said by `ss:Index`, or it is the one behind the last; cells that a merged one covers
are not written. Whatever names a place twice is damaged, as Excel does not open it either.

The form: "XML Spreadsheet Reference" of Microsoft, for Office 2003.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from agent.readers.base import refusal, refusal_at
from agent.readers.header import COLUMN_CAP
from agent.readers.sheetmarks import ERRORS, Marks, too_wide
from agent.readers.sheetxmlstyles import Styles
from agent.readers.xmlparser import BLOCK, DEEPEST, Parser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.errors import RefusedFile

    Attributes = dict[str, str]
    Cell = tuple[
        int, str, str, int, bool
    ]  # column from 0, type, text, `formats.padding`, a formula without value
    Corners = tuple[tuple[int, int], tuple[int, int]]  # row and column from 0

SPACE = "urn:schemas-microsoft-com:office:spreadsheet"
ROOT = f"{SPACE} Workbook"
_WAY = ("", ROOT, *(f"{SPACE} {name}" for name in ("Worksheet", "Table", "Row", "Cell", "Data")), "")
_SHEET, _TABLE, _ROW, _CELL, _DATA = range(2, 7)  # how far on that way the parser is
_TYPE = f"{SPACE} Type"
_EXCEL = "urn:schemas-microsoft-com:office:excel"
_VISIBLE = f"{_EXCEL} Visible"
_ROWS, _COLUMNS = 2**20, 2**14  # of a sheet; no program shows more
_ROW_CAP = 4_194_304  # bytes
_MERGED_CAP = 2_000_000  # columns of merged cells, all counted
_LIBREOFFICE_ERROR = "Err:"  # it writes errors of formulas as texts
_DIGITS = 9  # of a number of rows or columns
_AGAIN = "open it in a spreadsheet program and save it as .xlsx"


@dataclass(slots=True)
class Row:
    """A row with anything in it; its number is counted from 1."""

    number: int
    hidden: bool
    cells: list[Cell] = field(default_factory=list)
    merged: list[Corners] = field(default_factory=list)


class Rows:
    """Goes through a spreadsheet once."""

    def __init__(self) -> None:
        self.sheets: dict[str, bool] = {}  # name → it is hidden, which is said behind its rows
        self._name = ""  # of the sheet at hand
        self._found: list[tuple[str, Row]] = []
        self._parts: list[str] = []  # of the text being read; whatever stands between elements, too
        self._parser = Parser(self._start, self._end, self._parts.append)
        self._depth = self._within = 0  # open elements; how many of them are the way to a cell's value
        self._began = -1  # byte at which a row begins, or another element whose text counts; -1: in none
        self._muted = self._heard = 0  # depth of an element whose text is none of the cell's; parts before it
        self._begin: tuple[Callable[[Attributes], None], ...] = (
            self._begin_book,
            self._begin_book,
            self._begin_sheet,
            self._begin_table,
            self._begin_row,
            self._begin_cell,
            self._begin_value,
        )
        self._beside: dict[str, Callable[[Attributes], None]] = {
            f"{SPACE} Style": self._style,
            f"{SPACE} NumberFormat": self._format,
            f"{SPACE} Column": self._begin_column,
            f"{SPACE} PhoneticText": self._mute,
            f"{_EXCEL} PhoneticText": self._mute,
            _VISIBLE: self._begin_visible,
        }
        self._styles = Styles()
        self._merged = 0

    def through(self, stream: BinaryIO) -> Iterator[tuple[str, Row]]:
        """Yield each row with anything in it, and the name of its sheet.

        Raises:
            RefusedFile: E-XML, E-ENC, Q-DTD, E-DEPTH, E-WORKBOOK, E-COLCAP, E-FIELDLEN.

        """
        stream.seek(0)
        ended = False
        while not ended:
            block = stream.read(BLOCK)
            ended = not block
            self._parser.parse(block, ended=ended)
            yield from self._found
            self._found.clear()
            if self._began < 0:
                self._parts.clear()
            elif self._parser.byte - self._began > _ROW_CAP:
                words = f"a row of a sheet has more than {_ROW_CAP // 2**20} MiB"
                mend = "look for a text in it that is no cell's"
                raise refusal("E-FIELDLEN", words, mend, line=self._parser.line)

    def _start(self, name: str, attributes: Attributes) -> None:
        self._depth = depth = self._depth + 1
        if depth == self._within + 1 and name == _WAY[depth]:
            self._within = depth
            self._begin[depth](attributes)
        elif depth > DEEPEST:
            raise self._parser.too_deep()
        elif beside := self._beside.get(name):
            beside(attributes)

    def _end(self, name: str) -> None:
        depth = self._depth
        if depth == self._within:
            if depth == _DATA:
                self._end_value()
            elif depth == _CELL:
                if self._kind is None and self._cell and _of(self._cell, "Formula"):
                    self._note("", "", bare=True)
            elif depth == _ROW:
                self._end_row()
            self._within = depth - 1
        elif name in self._beside:
            self._end_beside(name)
        self._depth = depth - 1

    def _end_beside(self, name: str) -> None:
        if self._depth == self._muted:
            self._muted = 0
            del self._parts[self._heard :]
        elif name == _VISIBLE and self._says_whether_visible():
            self.sheets[self._name] = "".join(self._parts).strip() != "SheetVisible"
            self._began = -1

    def _begin_book(self, attributes: Attributes) -> None:
        """A workbook itself says nothing that matters."""

    def _begin_sheet(self, attributes: Attributes) -> None:
        name = _of(attributes, "Name") or f"Sheet{len(self.sheets) + 1}"
        if name in self.sheets:
            raise self._damaged(f"two sheets have the name “{name}”")
        self.sheets[name], self._name = False, name
        self._row = self._last_column = 0
        self._table_style = self._row_style = ""
        self._column_styles: dict[int, str] = {}
        self._covered: dict[int, tuple[int, int]] = {}  # column → first and last row of a merged cell in it

    def _begin_table(self, attributes: Attributes) -> None:
        self._table_style = _of(attributes, "StyleID")

    def _begin_column(self, attributes: Attributes) -> None:
        if self._within != _TABLE:
            return
        first = self._following(attributes, self._last_column)
        self._last_column = last = first + self._whole(attributes, "Span")
        if style := _of(attributes, "StyleID"):
            self._column_styles.update(dict.fromkeys(range(first - 1, min(last, COLUMN_CAP)), style))

    def _begin_row(self, attributes: Attributes) -> None:
        self._row = self._following(attributes, self._row)
        self._span = self._whole(attributes, "Span")  # rows below it that are not written, as they are empty
        self._row_style = _of(attributes, "StyleID")
        self._column = 0  # the last one, from 1
        self._began = self._parser.byte
        self._at_hand = Row(self._row, _of(attributes, "Hidden") in ("1", "true"))

    def _end_row(self) -> None:
        row = self._at_hand
        if row.cells or row.merged:
            if row.number > _ROWS:
                raise self._damaged("a sheet has more rows than there can be")
            self._found.append((self._name, row))
        self._row += self._span
        self._began = -1

    def _begin_cell(self, attributes: Attributes) -> None:
        self._kind: str | None = None
        self._cell = attributes
        if not attributes:
            self._at = self._column
            self._column += 1
            return
        self._at = self._following(attributes, self._column) - 1
        across, down = self._whole(attributes, "MergeAcross"), self._whole(attributes, "MergeDown")
        self._column = self._at + across + 1
        if across or down:
            self._merge(self._at, self._at + across, down)

    def _merge(self, left: int, right: int, down: int) -> None:
        """Note a merged cell; none of the places that it covers may be another's."""
        row = self._row
        self._merged += 1 + min(right - left, COLUMN_CAP)
        if self._merged > _MERGED_CAP:
            raise self._damaged("more cells are merged than any table has")
        for column in range(left, min(right + 1, COLUMN_CAP)):
            self._refuse_covered(column)
            if down:
                self._covered[column] = row, row + down
        self._at_hand.merged.append(((row - 1, left), (row - 1 + down, right)))

    def _refuse_covered(self, column: int) -> None:
        first, last = self._covered.get(column, (0, 0))
        if first < self._row <= last:
            raise self._damaged(f"a cell of row {self._row} stands where a merged cell is")

    def _begin_value(self, attributes: Attributes) -> None:
        if self._kind is not None:
            raise self._damaged(f"a cell of row {self._row} has two values")
        self._kind = attributes.get(_TYPE) or attributes.get("Type", "")
        self._parts.clear()

    def _end_value(self) -> None:
        text, kind = "".join(self._parts), self._kind or ""
        if not (self._cell and _of(self._cell, "Formula")):
            if text:
                self._note(kind, text, bare=False)
        elif text or kind != "String":  # it may well give an empty text; an empty number is none
            is_error = text in ERRORS or text.startswith(_LIBREOFFICE_ERROR)
            self._note("Error" if is_error else kind, text, bare=not text)

    def _note(self, kind: str, text: str, *, bare: bool) -> None:
        """Note what is in the cell at hand."""
        column = self._at
        if self._covered:
            self._refuse_covered(column)
        if column >= _COLUMNS:
            raise too_wide(Marks(width=column + 1, height=self._row))
        shown = self._shown_by(column) if self._styles and kind == "Number" else 0
        self._at_hand.cells.append((column, kind, text, shown, bare))

    def _shown_by(self, column: int) -> int:
        """Say what its format makes of a number in that column (`formats.padding`)."""
        own = _of(self._cell, "StyleID") or self._row_style
        return self._styles.shown(own or self._column_styles.get(column) or self._table_style)

    def _style(self, attributes: Attributes) -> None:
        self._styles.define(_of(attributes, "ID"), _of(attributes, "Parent"))

    def _format(self, attributes: Attributes) -> None:
        self._styles.format(_of(attributes, "Format"))

    def _mute(self, attributes: Attributes) -> None:
        """Pass over how a text is pronounced."""
        del attributes
        if not self._muted:
            self._muted, self._heard = self._depth, len(self._parts)

    def _begin_visible(self, attributes: Attributes) -> None:
        del attributes
        if self._says_whether_visible():
            self._parts.clear()
            self._began = self._parser.byte

    def _says_whether_visible(self) -> bool:
        return self._within == _SHEET and self._depth == _SHEET + 2  # among the options of a sheet

    def _following(self, attributes: Attributes, last: int) -> int:
        """Return the number of a row, cell or column behind the last one."""
        if not attributes or not _of(attributes, "Index"):
            return last + 1
        number = self._whole(attributes, "Index")
        if number <= last:
            raise self._damaged(f"ss:Index is {number} where at least {last + 1} is due")
        return number

    def _whole(self, attributes: Attributes, name: str) -> int:
        text = _of(attributes, name).strip()
        if not text:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
            raise self._damaged(f"ss:{name} is {text[:20]!r}, which is no number of rows or columns")
        return int(text)

    def _damaged(self, words: str) -> RefusedFile:
        return refusal_at(
            f"line {self._parser.line}", "E-WORKBOOK", f"the workbook is damaged: {words}", _AGAIN
        )


def _of(attributes: Attributes, name: str) -> str:
    """Return an attribute; some programs leave out its prefix."""
    if not attributes:
        return ""
    return attributes.get(f"{SPACE} {name}") or attributes.get(name, "")
