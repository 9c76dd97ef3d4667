"""What is odd in workbooks other than .xlsx, told for the file as a whole.

In .xls, .xlsb and .ods nobody tells us at which cell an error, a formula without a value or a hidden row is: calamine
gives an empty cell for the first two. An empty amount means something else than a broken one, so a file with any of
them is refused, and saving it as .xlsx is the cure: there each is found by its cell.

They are also looked at for what calamine does not survive: in an .xls, chains of sectors that run in a circle, which it
follows until memory ends; in both binary forms a cell far outside the table, for which it makes room up to there.

The forms: MS-XLS 2.4 (records), MS-CFB 2 (the file they lie in), MS-XLSB 2.1.4, OpenDocument 1.3 part 3.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from agent.readers.base import refusal
from agent.readers.sheetmarks import Marks, damaged, refuse_type, too_wide
from agent.readers.zipped import DAMAGE

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

    from agent.errors import RefusedFile

ERROR, FORMULA = "a cell with an error", "a formula without a value"
HIDDEN, MERGED = "a hidden row", "merged cells"

_END, _ENTRY = 0xFFFFFFFA, 128  # ends of chains and free sectors are from _END on
_SMALL = 64  # bytes of a sector of the small stream
_FORMULA, _ROW, _BOOLERR, _SHEET = 0x0006, 0x0208, 0x0205, 0x0809
_SEVERAL, _DECLARED, _STRINGS = 0x00BD, 0x0200, 0x00FC
_CELLS = frozenset(
    (_FORMULA, _BOOLERR, _SEVERAL, 0x00D6, 0x00FD, 0x0203, 0x0204, 0x027E)
)  # begin with row and column
_ROW_HIDDEN = 0x20
_SHORTEST, _WIDE = 3, 12  # bytes: of a text; of a declared size with rows of four bytes, as since 1997
_BLOCK = 262_144
_IN_ODS = (
    (re.compile(rb'value-type="error"'), ERROR),
    (re.compile(rb"<table:table-cell(?=[^>]*table:formula=)(?![^>]*office:value-type=)"), FORMULA),
    (re.compile(rb'<table:table-row[^>]*table:visibility="(?:collapse|filter)"'), HIDDEN),
    (re.compile(rb"<table:covered-table-cell"), MERGED),
)
_IN_XLSB = {3: ERROR, 11: ERROR, 177: MERGED}  # BrtCellError, BrtFmlaError, BrtMergeCell
_BRT_ROW, _BRT_ROW_HIDDEN, _BRT_CELLS = 0, 0x10, 12  # cells have the numbers in between


def refuse_odd(found: set[str], *, hidden_rows_matter: bool) -> None:
    """Refuse a file in which something odd was found.

    Raises:
        RefusedFile: E-CELL.

    """
    if not hidden_rows_matter:
        found = found - {HIDDEN}
    if found:
        raise _odd(sorted(found))


def _odd(found: list[str]) -> RefusedFile:
    words = f"the workbook has {' and '.join(found)}, and its form does not tell where"
    return refusal("E-CELL", words, "save it as .xlsx, where each is named by its cell; or mend it first")


def in_xls(stream: BinaryIO) -> set[str]:
    """Look through the records of an .xls.

    Raises:
        RefusedFile: E-WORKBOOK, its parts do not fit; E-COLCAP, a cell lies far outside the table.

    """
    stream.seek(0)
    try:
        return set(_of_records(_book(stream.read())))
    except (struct.error, IndexError, ValueError) as error:
        raise damaged(f"its parts do not fit: {error}") from error


def _records(book: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<HH", book, at)
        yield kind, book[at + 4 : at + 4 + size]
        at += 4 + size


def _of_records(book: bytes) -> Iterator[str]:
    sheets = [Marks()]
    for kind, record in _records(book):
        if kind == _SHEET:
            sheets.append(Marks())
        elif kind in _CELLS:
            _measure(record, sheets[-1], several=kind == _SEVERAL)
        else:
            _measure_declared(kind, record, sheets[-1], len(book))
        if what := _odd_in(kind, record):
            yield what
    for marks in sheets:
        if marks.is_sparse:
            raise too_wide(marks)


def _odd_in(kind: int, record: bytes) -> str:
    if kind == _FORMULA and record[12:14] == b"\xff\xff":  # its result is no number but …
        return {2: ERROR, 3: FORMULA}.get(
            record[6], ""
        )  # … an error, or nothing: also when not worked out yet
    if kind == _BOOLERR and record[7]:
        return ERROR
    return HIDDEN if kind == _ROW and record[12] & _ROW_HIDDEN else ""


def _measure_declared(kind: int, record: bytes, marks: Marks, most: int) -> None:
    """Note how far a sheet says that it reaches, and count the texts it says there are: each gets room at once."""
    if kind == _DECLARED:
        top, height, left, width = struct.unpack_from("<IIHH" if len(record) >= _WIDE else "<HHHH", record)
        if top > height or left > width:
            raise ValueError("a sheet ends before it begins")
        marks.height, marks.width = max(marks.height, height), max(marks.width, width)
    elif kind == _STRINGS and struct.unpack_from("<I", record, 4)[0] > most // _SHORTEST:
        raise ValueError("it declares more texts than it could hold")


def _measure(record: bytes, marks: Marks, *, several: bool) -> None:
    """Note where a cell, or a run of several, lies."""
    row, first = struct.unpack_from("<HH", record)
    last = struct.unpack_from("<H", record, len(record) - 2)[0] if several else first
    marks.cells += max(last - first, 0) + 1
    marks.height, marks.width = max(marks.height, row + 1), max(marks.width, last + 1)


def _book(content: bytes) -> bytes:
    """Return the stream of records that lies in a compound file."""
    power = struct.unpack_from("<H", content, 30)[0]
    if power not in (9, 12):
        raise ValueError("its sectors have a size that there is not")
    size = 1 << power
    directory, small_size, small_start = (struct.unpack_from("<I", content, at)[0] for at in (48, 56, 60))
    table: list[int] = []
    for sector in _table_sectors(content, size):
        table += struct.unpack_from(f"<{size // 4}I", content, (sector + 1) * size)
    entries = _joined(content, table, directory, size)
    book = -1
    for at in range(0, len(entries), _ENTRY):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        if entries[at : at + max(length - 2, 0)].decode("utf-16-le", "replace") in ("Workbook", "Book"):
            book = at
    if book < 0:
        raise ValueError("there is no workbook in it")
    start, length = struct.unpack_from("<II", entries, book + 116)
    # all chains are followed, needed or not, as calamine follows them all
    small = _joined(content, table, struct.unpack_from("<I", entries, 116)[0], size)
    raw = _joined(content, table, small_start, size)
    chain = list(struct.unpack(f"<{len(raw) // 4}I", raw))
    if length >= small_size:
        return _joined(content, table, start, size)[:length]
    return b"".join(small[at * _SMALL : (at + 1) * _SMALL] for at in _chain(chain, start))[:length]


def _table_sectors(content: bytes, size: int) -> Iterator[int]:
    """Yield the sectors that the table of chains is in."""
    more = struct.unpack_from("<I", content, 68)[0]
    sectors = list(struct.unpack_from("<109I", content, 76))
    yield from (sector for sector in sectors if sector < _END)
    for _ in range(len(content) // size):
        if more >= _END:
            return
        *sectors, more = struct.unpack_from(f"<{size // 4}I", content, (more + 1) * size)
        yield from (sector for sector in sectors if sector < _END)
    raise ValueError("its table of sectors runs in a circle")


def _joined(content: bytes, table: list[int], start: int, size: int) -> bytes:
    return b"".join(content[(at + 1) * size : (at + 2) * size] for at in _chain(table, start))


def _chain(table: list[int], start: int) -> Iterator[int]:
    for _ in range(len(table)):
        if start >= _END:
            return
        yield start
        start = table[start]
    if start < _END:
        raise ValueError("a chain of sectors runs in a circle")


def in_zip(archive: zipfile.ZipFile) -> set[str]:
    """Look through an .ods or .xlsb."""
    found: set[str] = set()
    try:
        for name in archive.namelist():
            if name == "content.xml":
                with archive.open(name) as part:
                    found.update(_of_content(part))  # type: ignore[arg-type]  # it can be read
            elif name.startswith("xl/worksheets/") and name.endswith(".bin"):
                found.update(_of_binary(archive.read(name)))
    except (IndexError, *DAMAGE) as error:
        raise damaged(str(error)) from error
    return found


def _of_content(part: BinaryIO) -> Iterator[str]:
    """Look through an .ods, and prove that it is whole: calamine never comes back from one that is cut off."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse_type
    held = b""
    try:
        while block := part.read(_BLOCK):
            parser.Parse(block, False)  # noqa: FBT003 - expat takes it by place only
            text = held + block
            for sign, what in _IN_ODS:
                if sign.search(text):
                    yield what
            held = text[text.rfind(b"<") :][-_BLOCK:]
        parser.Parse(b"", True)  # noqa: FBT003 - as above
    except (expat.ExpatError, LookupError, ValueError) as error:  # also an encoding that there is not
        raise damaged(f"its content is no XML: {error}") from error


def _of_binary(part: bytes) -> Iterator[str]:
    at, marks = 0, Marks()
    while at < len(part):
        kind, at = _number(part, at, 2)
        size, at = _number(part, at, 4)
        if kind in _IN_XLSB:
            yield _IN_XLSB[kind]
        if kind == _BRT_ROW:
            if part[at + 11] & _BRT_ROW_HIDDEN:
                yield HIDDEN
            marks.height = max(marks.height, int.from_bytes(part[at : at + 4], "little") + 1)
        elif kind < _BRT_CELLS:
            marks.cells += 1
            marks.width = max(marks.width, int.from_bytes(part[at : at + 4], "little") + 1)
        at += size
    if marks.is_sparse:
        raise too_wide(marks)


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
