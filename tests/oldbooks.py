"""Workbooks in the two binary forms, made by hand: texts and numbers in one sheet, or records as one likes.

The forms: MS-CFB 2 (an .xls is a small file system), MS-XLS 2.4 (its records), MS-XLSB 2.4 (those of an .xlsb).
"""

from __future__ import annotations

import struct

from tests.workbooks import zipped

_SECTOR, _SMALLEST = 512, 4096  # streams of fewer bytes would lie elsewhere
_END, _FREE, _TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_SHEET, _BOOK = 0x0010, 0x0005
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = b"""<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>"""


def xls(rows, name="Sheet1", more=b"", styles=b"") -> bytes:
    """Make an .xls; `more` are further records of its sheet, `styles` of its book; all cells have the first style."""
    cells = b"".join(
        _xls_cell(at, column, value) for at, row in enumerate(rows) for column, value in enumerate(row)
    )
    sheet = _begin(_SHEET) + cells + more + record(0x000A)
    shown = name.encode()
    codepage = record(0x0042, struct.pack("<H", 1200))

    def book(offset: int) -> bytes:
        bound = record(0x0085, struct.pack("<IHBB", offset, 0, len(shown), 0) + shown)
        return _begin(_BOOK) + codepage + styles + bound + record(0x000A)

    return compound(book(len(book(0))) + sheet)


def record(kind: int, body: bytes = b"") -> bytes:
    """Make one record of an .xls."""
    return struct.pack("<HH", kind, len(body)) + body


def _begin(what: int) -> bytes:
    return record(0x0809, struct.pack("<HHHHII", 0x0600, what, 0x0DBB, 0x07CC, 0, 0x06))


def _xls_cell(row: int, column: int, value) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, str):
        return record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
    return record(0x0203, place + struct.pack("<d", value))


def compound(stream: bytes, name="Workbook") -> bytes:
    """Put one stream into a compound file: the table of sectors, the directory, then the stream."""
    stream = stream.ljust(max(_SMALLEST, -(-len(stream) // _SECTOR) * _SECTOR), b"\0")
    many = len(stream) // _SECTOR
    tables = 1
    while tables * _SECTOR // 4 < many + tables + 1:
        tables += 1
    chain = [_TABLE] * tables + [_END] + [*range(tables + 2, tables + 1 + many), _END]
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * _SECTOR, b"\xff")
    root = _entry("Root Entry", 5, _END, 0, child=1)
    directory = root + _entry(name, 2, tables + 1, len(stream)) + _entry("", 0, 0, 0) * 2
    first = [*range(tables), *[_FREE] * (109 - tables)]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    sizes = (0x3E, 3, 0xFFFE, 9, 6, 0, tables, tables, 0, _SMALLEST, _END, 0, _END, 0)
    head += struct.pack("<5H6x9I", *sizes)
    return head + struct.pack("<109I", *first) + table + directory + stream


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE) -> bytes:
    written = name.encode("utf-16-le")
    length = len(written) + 2 if name else 0
    return (
        written.ljust(64, b"\0")
        + struct.pack("<HBBIII", length, kind, 1, _FREE, _FREE, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def xlsb(rows, name="Sheet1", more=b"", styles=b"") -> bytes:
    """Make an .xlsb; `more` are further records of its sheet, `styles` of its styles."""
    written = bytearray()
    for at, row in enumerate(rows):
        written += brt(0, struct.pack("<IIHHBI", at, 0, 300, 0, 0, 0))
        written += b"".join(_xlsb_cell(column, value) for column, value in enumerate(row))
    size = struct.pack("<IIII", 0, max(len(rows) - 1, 0), 0, max(map(len, rows), default=1) - 1)
    sheet = brt(129) + brt(148, size) + brt(145) + written + more + brt(146) + brt(130)
    bundle = brt(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide(name))
    book = brt(131) + brt(143) + bundle + brt(144) + brt(132)
    related = [("worksheet", "worksheets/sheet1.bin"), *([("styles", "styles.bin")] if styles else [])]
    return zipped(
        ("[Content_Types].xml", _TYPES),
        ("_rels/.rels", _relation(("officeDocument", "xl/workbook.bin"))),
        ("xl/workbook.bin", book),
        ("xl/_rels/workbook.bin.rels", _relation(*related)),
        ("xl/worksheets/sheet1.bin", sheet),
        *([("xl/styles.bin", styles)] if styles else []),
    )


def brt(kind: int, body: bytes = b"") -> bytes:
    """Make one record of an .xlsb: its kind and length in seven bits a byte."""
    return _sevens(kind) + _sevens(len(body)) + body


def _sevens(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _xlsb_cell(column: int, value) -> bytes:
    place = struct.pack("<II", column, 0)
    if isinstance(value, str):
        return brt(6, place + _wide(value))
    return brt(5, place + struct.pack("<d", value))


def _relation(*targets: tuple[str, str]) -> bytes:
    """Relate parts by their kinds, as rId1, rId2 and so on."""
    related = "".join(
        f'<Relationship Id="rId{at}" Type="{_KINDS}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets, 1)
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<?xml version="1.0"?><Relationships xmlns="{space}">{related}</Relationships>'.encode()
