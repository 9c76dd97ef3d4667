"""What the sheets of an .xlsb have beside values, which the library that reads the values does not tell.

Cells with an error are empty cells to it; hidden rows and formats it knows nothing of. It makes room up to the last
cell, so one far outside the table is refused here; and it passes over cells written in the short form, which few
programs use: a file with any is refused, as their values would be missing.

The form: MS-XLSB 2.1.4 and 2.3.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from agent.readers.base import refusal
from agent.readers.formats import BUILT_IN, padding
from agent.readers.sheetmarks import Marks, too_wide

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROW, _ROW_HIDDEN, _CELLS = 0, 0x10, 12  # cells have the numbers in between
_SHORT = range(12, 19)
_ERRORS_IN = (3, 11)  # BrtCellError, BrtFmlaError
_NUMBERS = (2, 5, 9)  # BrtCellRk, BrtCellReal, BrtFmlaNum
_SHEET, _MERGED, _FORMAT, _STYLE, _STYLES, _STYLES_END = 156, 177, 44, 47, 617, 618
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


def marks_of_xlsb(part: bytes, padded: list[int]) -> Marks:
    """Look through a sheet.

    Args:
        part: its records.
        padded: by the number of a style, how many digits it shows at least (`formats.padding`).

    Raises:
        RefusedFile: E-COLCAP, a cell lies far outside the table; E-TYPE, cells are written in the short form.
        struct.error, IndexError: it is damaged.

    """
    marks, row = Marks(), 0
    for kind, record in _records(part):
        if kind == _ROW:
            row = int(struct.unpack_from("<I", record)[0]) + 1
            marks.height = max(marks.height, row)
            if record[11] & _ROW_HIDDEN:
                marks.hidden.add(row)
        elif kind < _CELLS:
            _cell(kind, record, row, marks, padded)
        elif kind in _SHORT:
            words = "the workbook's cells are written in a short form that is not read"
            raise refusal("E-TYPE", words, "open it in a spreadsheet program and save it as .xlsx")
        elif kind == _MERGED:
            top, bottom, left, right = struct.unpack_from("<IIII", record)
            marks.merged.append(((top, left), (bottom, right)))
    if marks.is_sparse:
        raise too_wide(marks)
    return marks


def _cell(kind: int, record: bytes, row: int, marks: Marks, padded: list[int]) -> None:
    column, style = struct.unpack_from("<II", record)
    style &= 0xFFFFFF
    marks.cells += 1
    marks.width = max(marks.width, column + 1)
    if kind in _ERRORS_IN:
        marks.errors.setdefault(row, {})[column] = _ERRORS.get(record[8], f"error {record[8]}")
    elif kind in _NUMBERS and style < len(padded) and padded[style]:
        marks.padded.setdefault(row, {})[column] = padded[style]


def padded_styles(part: bytes) -> list[int]:
    """Return, by the number of each style of cells, how many digits it shows at least."""
    formats = dict(BUILT_IN)
    found: list[int] = []
    within = False
    for kind, record in _records(part):
        if kind == _FORMAT:
            formats[struct.unpack_from("<H", record)[0]] = _text(record, 2)
        elif kind in (_STYLES, _STYLES_END):
            within = kind == _STYLES
        elif kind == _STYLE and within:
            found.append(padding(formats.get(struct.unpack_from("<H", record, 2)[0], "")))
    return found


def sheet_relations(part: bytes) -> list[str]:
    """Return the names under which the workbook's own part is related to its sheets, in their order."""
    return [_text(record, 8) for kind, record in _records(part) if kind == _SHEET]


def _text(record: bytes, at: int) -> str:
    length = struct.unpack_from("<I", record, at)[0]
    return record[at + 4 : at + 4 + 2 * length].decode("utf-16-le", "replace")


def _records(part: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(part):
        kind, at = _number(part, at, 2)
        size, at = _number(part, at, 4)
        yield kind, part[at : at + size]
        at += size


def _number(part: bytes, at: int, longest: int) -> tuple[int, int]:
    """Read a number of seven bits a byte; return it and where it ends."""
    value = 0
    for place in range(longest):
        byte = part[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    return value, at
