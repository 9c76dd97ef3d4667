"""What the sheets of an .xls have beside values, which the library that reads the values does not tell.

Cells with an error and formulas that were never worked out are empty cells to it; formats and hidden rows it knows
nothing of. And it makes room for what a sheet only declares, so a cell far outside the table is refused here.

The form: MS-XLS 2.4 (records), MS-CFB 2 (the file they lie in).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from agent.readers.compound import book
from agent.readers.formats import BUILT_IN, padding
from agent.readers.sheetmarks import Marks, damaged, locked, too_wide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FORMULA, _ROW, _BOOLERR, _BEGIN = 0x0006, 0x0208, 0x0205, 0x0809
_SEVERAL, _DECLARED, _STRINGS = 0x00BD, 0x0200, 0x00FC
_NUMBERS = frozenset((_FORMULA, 0x0203, 0x027E))  # begin with row, column and style
_CELLS = _NUMBERS | {_BOOLERR, _SEVERAL, 0x00D6, 0x00FD, 0x0204}  # begin with row and column
_LOCKED, _NAMED, _FORMAT, _STYLE = 0x002F, 0x0085, 0x041E, 0x00E0
_ROW_HIDDEN, _ON_LOAD = 0x20, 0x02
_SHORTEST, _WIDE = 3, 12  # bytes: of a text; of a declared size with rows of four bytes, as since 1997
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_ERROR, _NOTHING = 2, 3  # what a formula may give, beside numbers
_SINCE_1997 = 0x0600  # the version from which on texts tell how they are written


def marks_of_xls(stream: BinaryIO) -> list[Marks]:
    """Look through the records of an .xls; return the marks of its sheets, in their order.

    Raises:
        RefusedFile: E-WORKBOOK, its parts do not fit; E-COLCAP, a cell lies far outside the table; E-TYPE, it has
            a password.

    """
    stream.seek(0)
    try:
        look = _Look(book(stream.read()))
        return look.run()
    except (struct.error, IndexError, ValueError) as error:
        raise damaged(f"its parts do not fit: {error}") from error


def _records(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 4 <= len(content):
        kind, size = struct.unpack_from("<HH", content, at)
        yield at, kind, content[at + 4 : at + 4 + size]
        at += 4 + size


class _Look:
    """One look through the records."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._marks = Marks()
        self._begun = {-1: self._marks}  # where it begins → sheet; charts, too
        self._sheets: list[int] = []  # where the named ones begin
        self._formats = dict(BUILT_IN)
        self._padded: list[int] = []  # by the number of a style
        self._shown = False  # one of them is not 0
        self._version = _SINCE_1997
        self._kinds: dict[int, Callable[[bytes], None]] = {
            _FORMULA: self._formula,
            _ROW: self._row,
            _BOOLERR: self._error,
            _DECLARED: self._declared,
            _STRINGS: self._strings,
            _NAMED: self._named,
            _FORMAT: self._format,
            _STYLE: self._style,
        }

    def run(self) -> list[Marks]:
        """Look at each record."""
        for at, kind, record in _records(self._content):
            if kind == _BEGIN:
                self._marks = self._begun[at] = Marks()
                self._version = struct.unpack_from("<H", record)[0]
            elif kind == _LOCKED:  # all that follows cannot be read
                raise locked()
            elif kind in _CELLS:
                self._cell(kind, record)
            if looked := self._kinds.get(kind):
                looked(record)
        for marks in self._begun.values():
            if marks.is_sparse:
                raise too_wide(marks)
        return [self._begun.get(at, Marks()) for at in self._sheets]

    def _cell(self, kind: int, record: bytes) -> None:
        """Note where a cell, or a run of several, lies, and which styles show more than a number has."""
        marks = self._marks
        row, first = struct.unpack_from("<HH", record)
        last = struct.unpack_from("<H", record, len(record) - 2)[0] if kind == _SEVERAL else first
        marks.cells += max(last - first, 0) + 1
        marks.height, marks.width = max(marks.height, row + 1), max(marks.width, last + 1)
        if self._shown and (kind in _NUMBERS or kind == _SEVERAL):
            for position in range(first, last + 1):
                style = struct.unpack_from("<H", record, 4 + 6 * (position - first))[0]
                if digits := self._padded[style] if style < len(self._padded) else 0:
                    marks.padded.setdefault(row + 1, {})[position] = digits

    def _formula(self, record: bytes) -> None:
        row, column = struct.unpack_from("<HH", record)
        what = record[6] if record[12:14] == b"\xff\xff" else -1
        if what == _ERROR:
            self._broken(row, column, record[8])
        # Programs that cannot work a formula out write nothing, or 0 and that it is to be done on loading.
        elif what == _NOTHING or (record[6:14] == bytes(8) and record[14] & _ON_LOAD):
            self._marks.formulas.setdefault(row + 1, set()).add(column)

    def _error(self, record: bytes) -> None:
        row, column = struct.unpack_from("<HH", record)
        if record[7]:
            self._broken(row, column, record[6])

    def _broken(self, row: int, column: int, code: int) -> None:
        self._marks.errors.setdefault(row + 1, {})[column] = _ERRORS.get(code, f"error {code}")

    def _row(self, record: bytes) -> None:
        if record[12] & _ROW_HIDDEN:
            self._marks.hidden.add(struct.unpack_from("<H", record)[0] + 1)

    def _declared(self, record: bytes) -> None:
        """Note how far a sheet says that it reaches; it gets room for it at once."""
        marks = self._marks
        top, height, left, width = struct.unpack_from("<IIHH" if len(record) >= _WIDE else "<HHHH", record)
        if top > height or left > width:
            raise ValueError("a sheet ends before it begins")
        marks.height, marks.width = max(marks.height, height), max(marks.width, width)

    def _strings(self, record: bytes) -> None:
        if struct.unpack_from("<I", record, 4)[0] > len(self._content) // _SHORTEST:
            raise ValueError("it declares more texts than it could hold")

    def _named(self, record: bytes) -> None:
        self._sheets.append(struct.unpack_from("<I", record)[0])

    def _format(self, record: bytes) -> None:
        if self._version < _SINCE_1997:
            code = record[3:].decode("latin-1")
        else:
            code = record[5:].decode("utf-16-le" if record[4] & 1 else "latin-1", "replace")
        self._formats[struct.unpack_from("<H", record)[0]] = code

    def _style(self, record: bytes) -> None:
        digits = padding(self._formats.get(struct.unpack_from("<H", record, 2)[0], ""))
        self._padded.append(digits)
        self._shown = self._shown or bool(digits)
