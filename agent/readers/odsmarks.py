"""What the sheets of an .ods have beside values, which the library that reads the values does not tell.

Cells with an error and formulas without a value are empty cells to it; merged cells, hidden rows and formats it knows
nothing of. As with .xlsx, a search finds out whether there is anything of the kind before the sheets are parsed for it.
And the content is proved to be whole: the library never comes back from one that is cut off.

The form: OpenDocument 1.3 part 3, chapters 9 and 16.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from agent.readers.formats import DRESSED, PERCENT
from agent.readers.header import COLUMN_CAP
from agent.readers.sheetmarks import Marks, damaged, refuse_type

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 262_144
# Each sign is looked for by a plain text first, which costs next to nothing.
_SHOWN = (
    (b"number:min-integer-digits=", re.compile(rb'number:min-integer-digits="(?:[2-9]|1[0-9])"')),
    (b"<number:text>", re.compile(rb"<number:text>[^<]*\w")),
)
_ODD = (
    (b'value-type="error"', re.compile(b"")),
    (b'value-type="percentage"', re.compile(b"")),
    (b"<table:covered-table-cell", re.compile(b"")),
    (
        b"table:formula=",
        re.compile(rb"<table:table-cell(?=[^<>]*table:formula=)(?![^<>]*office:value-type=)"),
    ),
    (
        b"table:visibility=",
        re.compile(rb'<table:table-row[^<>]*table:visibility="(?:collapse|filter)"'),
    ),
    *_SHOWN,
)
_CELLS = ("table:table-cell", "table:covered-table-cell")
_NUMBERS = ("float", "currency")
_ROWS = 2**20  # of a sheet; no program shows more


def marks_of_ods(content: BinaryIO, styles: BinaryIO) -> list[Marks]:
    """Look through the part with the content; return the marks of its sheets, in their order, if any has one.

    Raises:
        RefusedFile: E-WORKBOOK, a part is no XML; Q-DTD, it declares a document type.

    """
    shown = _whole(styles, _SHOWN)
    if not _whole(content, _ODD) and not shown:
        return []
    parse = _Parse()
    for part in (styles, content):
        part.seek(0)
        parse.run(part)
    return parse.sheets


def _whole(part: BinaryIO, signs: tuple[tuple[bytes, re.Pattern[bytes]], ...]) -> bool:
    """Prove that a part is whole; say whether there is a sign in it."""
    parser = _parser()
    held, odd = b"", False
    with _Refusing():
        while block := part.read(_BLOCK):
            parser.Parse(block, False)  # noqa: FBT003 - expat takes it by place only
            text = held + block
            odd = odd or any(plain in text and sign.search(text) for plain, sign in signs)
            held = text[text.rfind(b"<") :][-_BLOCK:]
        parser.Parse(b"", True)  # noqa: FBT003 - as above
    return odd


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse_type
    return parser


class _Refusing:
    """Makes a refusal of what expat fails with, also over an encoding that there is not."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        """Refuse the file if it is no XML.

        Raises:
            RefusedFile: E-WORKBOOK.

        """
        if isinstance(error, expat.ExpatError | LookupError | ValueError):
            raise damaged(f"its content is no XML: {error}") from error


class _Parse:
    """One parse of the content, cell by cell."""

    def __init__(self) -> None:
        self.sheets: list[Marks] = []
        self._row = self._column = 0  # the next ones, from 0
        self._rows = 1  # times that the row at hand stands there
        self._hidden = self._filled = False  # that row
        self._padded: dict[
            str, int
        ] = {}  # name of a style, of numbers or of cells → digits it shows at least
        self._numbers = ""  # the style of numbers at hand
        self._within: list[str] = []  # the open elements
        self._columns: list[str] = []  # the styles of the columns
        self._broken: list[tuple[int, int]] = []  # places of the cell at hand, if it holds an error
        self._kinds: dict[str, Callable[[dict[str, str]], None]] = {
            "number:number-style": self._number_style,
            "number:number": self._number,
            "style:style": self._style,
            "table:table": self._table,
            "table:table-column": self._begin_column,
            "table:table-row": self._begin_row,
        }

    def run(self, part: BinaryIO) -> None:
        """Parse a whole part."""
        parser = _parser()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        with _Refusing():
            parser.ParseFile(part)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._within.append(name)
        if looked := self._kinds.get(name):
            looked(attributes)
        elif name in _CELLS:
            self._cell(name, attributes)

    def _number_style(self, attributes: dict[str, str]) -> None:
        self._numbers = attributes.get("style:name", "")

    def _number(self, attributes: dict[str, str]) -> None:
        digits = int(attributes.get("number:min-integer-digits") or 0)
        if digits > 1 and self._numbers:
            self._padded.setdefault(self._numbers, digits)

    def _characters(self, text: str) -> None:
        if self._within[-1] == "number:text" and self._numbers and re.search(r"\w", text):
            self._padded[self._numbers] = DRESSED
        elif self._within[-1] == "text:p":
            for row, column in self._broken:
                self.sheets[-1].errors[row][column] += text

    def _style(self, attributes: dict[str, str]) -> None:
        if digits := self._padded.get(attributes.get("style:data-style-name", ""), 0):
            self._padded[attributes.get("style:name", "")] = digits

    def _table(self, attributes: dict[str, str]) -> None:
        del attributes
        self.sheets.append(Marks())
        self._row, self._columns = 0, []

    def _begin_column(self, attributes: dict[str, str]) -> None:
        many = min(_times(attributes, "columns"), COLUMN_CAP)
        self._columns += [attributes.get("table:default-cell-style-name", "")] * many

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self._column, self._rows = 0, min(_times(attributes, "rows"), _ROWS)
        self._hidden, self._filled = attributes.get("table:visibility") in ("collapse", "filter"), False

    def _cell(self, name: str, attributes: dict[str, str]) -> None:
        many = _times(attributes, "columns")
        self._broken = []
        if name == _CELLS[0]:
            self._judge(attributes, many)
            self._merge(attributes)
        self._column += many

    def _judge(self, attributes: dict[str, str], many: int) -> None:
        """Note what is odd about a cell at each of its places."""
        marks, kind = self.sheets[-1], attributes.get("office:value-type", "")
        formula = "table:formula" in attributes
        self._filled = self._filled or bool(kind) or formula
        style = attributes.get("table:style-name") or "".join(self._columns[self._column : self._column + 1])
        digits = self._padded.get(style, 0) if kind in _NUMBERS else PERCENT if kind == "percentage" else 0
        broken = "error" in (kind, attributes.get("calcext:value-type"))
        if not broken and not digits and (kind or not formula):
            return
        for row in range(self._row + 1, self._row + 1 + self._rows):
            for column in range(self._column, self._column + min(many, COLUMN_CAP)):
                if broken:
                    marks.errors.setdefault(row, {})[column] = ""
                    self._broken.append((row, column))
                elif digits:
                    marks.padded.setdefault(row, {})[column] = digits
                else:
                    marks.formulas.setdefault(row, set()).add(column)

    def _merge(self, attributes: dict[str, str]) -> None:
        down, right = (
            int(attributes.get(f"table:number-{which}-spanned") or 1) for which in ("rows", "columns")
        )
        if down > 1 or right > 1:
            row, column = self._row, self._column
            self.sheets[-1].merged.append(((row, column), (row + down - 1, column + right - 1)))

    def _end(self, name: str) -> None:
        self._within.pop()
        if name == "table:table-row":
            if self._hidden and self._filled:
                self.sheets[-1].hidden.update(range(self._row + 1, self._row + 1 + self._rows))
            self._row += self._rows
            if self._row > _ROWS and self._filled:
                raise damaged("a sheet has more rows than there can be")
        elif name == "number:number-style":
            self._numbers = ""


def _times(attributes: dict[str, str], what: str) -> int:
    return int(attributes.get(f"table:number-{what}-repeated") or 1)
