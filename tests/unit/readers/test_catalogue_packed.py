"""The bad-input catalogue, as far as workbooks and unknown types are concerned: one case a row, named by its number.

Rows 24 to 53 for text are in `test_catalogue`, 91 to 103 also in `test_archive`, `test_json` and `test_xml`.
"""

from __future__ import annotations

import struct

import pytest

from tests.costs import at_cost
from tests.oldbooks import brt, record, xls, xlsb
from tests.workbooks import ods, repacked, xlsx, xml2003, zipped

MEGABYTE = 2**20
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TABLE = [["Order", "SKU", "Amount"], ["R1", "a", 1], ["R2", "b", 2]]
BOOK = xlsx(("S", TABLE))
SHEET = "xl/worksheets/sheet1.xml"


def _with_cell(place, cell=b"<v>1</v>"):
    """Put one more cell behind the last row."""
    row = place.lstrip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    more = b'<row r="%b"><c r="%b">%b</c></row></sheetData>' % (row, place, cell)
    return repacked(BOOK, [(SHEET, b"</sheetData>", more)])


def _utf16(*names):
    return b"".join(name.encode("utf-16-le") + b"\0\0" for name in names)


REFUSED = {
    "22 PDF renamed": (b"%PDF-1.7\n%\xe2\xe3\n", "E-TYPE", "PDF"),
    "22 a picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), "E-TYPE", "PNG"),
    "22 a web page": (b"<!DOCTYPE html><table><tr><td>a", "E-TYPE", "HTML"),
    "22 a letter": (zipped(("[Content_Types].xml", b"x"), ("word/document.xml", b"x")), "E-TYPE", "Office"),
    "22 a program": (b"\x7fELF" + bytes(99), "E-TYPE", "program"),
    "23 a password": (OLE + bytes(500) + _utf16("EncryptionInfo", "EncryptedPackage"), "E-TYPE", "password"),
    "23 an old workbook that is damaged": (OLE + bytes(500) + _utf16("Workbook"), "E-WORKBOOK", "damaged"),
    "23 an old document of another kind": (OLE + bytes(500) + _utf16("WordDocument"), "E-TYPE", "workbook"),
    "23 a password on an old workbook": (
        xls(TABLE, styles=record(0x002F, bytes(54)) + record(0x00FC, b"\xa5" * 8)),
        "E-TYPE",
        "password",
    ),
    "23 a workbook of Excel 2": (b"\x09\0\x04\0\x02\0\x10\0", "E-TYPE", "Excel 5 or older"),
    "23 a spreadsheet of Excel 2003 that is cut off": (xml2003(("S", TABLE))[:-9], "E-XML", ""),
    "23 a flat spreadsheet": (
        b'<?xml version="1.0"?><office:document office:mimetype="application/vnd.oasis.opendocument.spreadsheet"/>',
        "E-TYPE",
        ".fods",
    ),
    "23 a SYLK table": (b"ID;PWXL;N;E\r\nP;PGeneral\r\n", "E-TYPE", "SYLK"),
    "23 a DIF table": (b'TABLE\r\n0,1\r\n"EXCEL"\r\n', "E-TYPE", "DIF"),
    "84 bomb by its ratio": (
        repacked(BOOK, [(SHEET, b"</worksheet>", b" " * 30 * MEGABYTE + b"</worksheet>")]),
        "Q-BOMB",
        "100 times",
    ),
    "84 many parts": (repacked(BOOK, added=[(f"x{at}", b"") for at in range(10_001)]), "Q-BOMB", "parts"),
    "85 a cell in the last corner": (_with_cell(b"XFD1048576"), "E-COLCAP", "16,384 columns"),
    "85 a cell far below and to the right": (_with_cell(b"ALL900000"), "E-COLCAP", "900,000 rows"),
    "85 too many columns": (xlsx([[f"c{at}" for at in range(1_001)], ["x"]]), "E-COLCAP", "1,001 columns"),
    "86 several sheets": (xlsx(("A", TABLE), ("B", TABLE)), "E-SHEET", "“A”, “B”"),
    "90 macros": (repacked(BOOK, added=[("xl/vbaProject.bin", b"x")]), "Q-ACTIVE", "macros"),
    "90 macros of old": (OLE + bytes(500) + _utf16("Workbook", "_VBA_PROJECT"), "Q-ACTIVE", "macros"),
    "90 macro sheets": (repacked(BOOK, added=[("xl/macrosheets/sheet1.xml", b"x")]), "Q-ACTIVE", "macros"),
    "90 macros of another program": (
        repacked(ods(TABLE), added=[("Basic/Standard/Module1.xml", b"x")]),
        "Q-ACTIVE",
        "macros",
    ),
    "90 links": (repacked(BOOK, added=[("xl/externalLinks/externalLink1.xml", b"x")]), "Q-ACTIVE", "links"),
    "91 another folder": (repacked(BOOK, added=[("xl/../../x", b"")]), "Q-ZIP", "out of the file"),
    "91 twice": (repacked(BOOK, added=[("XL/Workbook.xml", b"")]), "Q-ZIP", "one name"),
    "99 a document type in a sheet": (
        repacked(BOOK, [(SHEET, b"<worksheet", b'<!DOCTYPE x [<!ENTITY e "1">]><worksheet')]),
        "Q-DTD",
        "document type",
    ),
    "99 a document type in the workbook": (
        repacked(BOOK, [("xl/workbook.xml", b"<workbook ", b"<!DOCTYPE x><workbook ")]),
        "Q-DTD",
        "document type",
    ),
    "damaged: no place": (_with_cell(b"Cormats4"), "E-WORKBOOK", "no place"),
    "damaged: no encoding": (
        repacked(BOOK, [("xl/workbook.xml", b'encoding="UTF-8"', b'encoding="UTF-M"')]),
        "E-WORKBOOK",
        "UTF-M",
    ),
    "damaged: a part is missing": (
        repacked(BOOK, [("_rels/.rels", b"xl/workbook.xml", b"xl/workbok.xml")]),
        "E-WORKBOOK",
        "missing",
    ),
    "86 several sheets of XML": (xml2003(("A", TABLE), ("B", TABLE)), "E-SHEET", "“A”, “B”"),
    "17 only a header": (xlsx([TABLE[0]]), "E-NOROWS", "no records"),
    "16 nothing at all": (xlsx([]), "E-EMPTY", "anything"),
    "38 a name twice": (xlsx([["a", "b", "A "], [1, 2, 3]]), "E-HDRDUP", "columns 1 and 3"),
    "40 no name": (xlsx([["a", None, "c"], [1, 2, 3]]), "E-HDREMPTY", "column 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_file_is_refused_with_code_and_words(open_any, case):
    """Quickly, in little memory, and with a cure."""
    content, code, words = REFUSED[case]
    opened, seconds, peak = at_cost(lambda: open_any(content))
    assert [found for found, _ in opened.refused] == [code]
    assert words in opened.words[0]
    assert opened.mends[0]
    assert seconds < 5
    assert peak < 64 * MEGABYTE


DAMAGED = {
    "87 formula": (
        _with_cell(b"C4", b"<f>1+1</f>"),
        [(3, "S!C4", "E-FORMULACELL", "Amount")],
    ),
    "88 merged": (
        xlsx(("S", TABLE), edit=lambda _, sheet: sheet.merge_range(1, 0, 2, 0, "R1")),
        [(2, "S!A3", "E-CELL", "Order")],
    ),
    "88 merged across": (
        xlsx(("S", TABLE), edit=lambda _, sheet: sheet.merge_range(2, 1, 2, 2, "x")),
        [(2, "S!C3", "E-CELL", "Amount")],
    ),
    "88 hidden": (
        xlsx(("S", TABLE), edit=lambda _, sheet: sheet.set_row(1, None, None, {"hidden": True})),
        [(1, "S, row 2", "E-CELL", "")],
    ),
    "43 header once more": (xlsx(("S", [*TABLE, TABLE[0], TABLE[1]])), [(3, "S, row 4", "E-ROWHDR", "")]),
    "51 blank in the middle": (xlsx(("S", [*TABLE, [], TABLE[1]])), [(3, "S, row 4", "E-BLANK", "")]),
    "52 totals": (xlsx(("S", [*TABLE, ["Total", None, 3]])), [(3, "S, row 4", "E-FOOTER", "")]),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_record_is_given_back_by_sheet_and_cell(open_any, case):
    """The others are read."""
    content, damaged = DAMAGED[case]
    opened = open_any(content)
    assert opened.damaged == damaged
    assert len(opened.records) >= 2 - len(damaged)
    assert all(opened.mends)


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"])
def test_88_every_error_is_found(open_any, error):
    """Whether a formula made it or it was pasted."""
    for cell in (b'<c r="C4" t="e"><v>%b</v></c>', b'<c r="C4" t="e"><f>x</f><v>%b</v></c>'):
        changed = cell % error.encode()
        book = repacked(_with_cell(b"C4"), [(SHEET, b'<c r="C4"><v>1</v></c>', changed)])
        assert open_any(book).damaged == [(3, "S!C4", "E-CELL", "Amount")]


def test_85_a_declared_size_alone_does_no_harm(open_any):
    """Real rows count, not what the sheet says of itself."""
    wide = repacked(BOOK, [(SHEET, b'ref="A1:C3"', b'ref="A1:XFD1048576"')])
    assert len(open_any(wide).records) == 2
    assert len(open_any(_with_cell(b"XFD1048576", b"")).records) == 2


def test_85_a_far_row_is_read_by_real_rows(open_any):
    """One table with a record a million rows below it: blank rows in between are told, nothing is lost."""
    opened = open_any(_with_cell(b"C5000"))
    assert {code for _, _, code, _ in opened.damaged} == {"E-BLANK"}
    assert opened.places[-1] == (4999, "S, row 5000")


@pytest.mark.parametrize("row", [20_000, 600_000])
def test_85_a_cell_far_below_is_named(open_any, row):
    """Thousands of blank rows are no gap in a table: the file is refused by the row of the cell."""
    opened = open_any(_with_cell(b"C%d" % row))
    assert opened.refused == [("E-BLANK", f"S, row {row}")]
    assert opened.damaged == []
    assert f"{row - 4:,} blank rows stand above it, from row 4 on" in opened.words[0]
    assert "stray cell" in opened.mends[0]


def test_85_a_cell_far_below_in_a_binary_workbook(open_any):
    """A few bytes say how far down it is."""
    cell = struct.pack("<II", 0, 0) + struct.pack("<I", 1) + "x".encode("utf-16-le")
    far = brt(0, struct.pack("<IIHHBI", 599_999, 0, 300, 0, 0, 0)) + brt(6, cell)
    opened = open_any(xlsb(TABLE, "S", more=far))
    assert opened.refused == [("E-BLANK", "S, row 600000")]
    assert "599,996 blank rows stand above it, from row 4 on" in opened.words[0]


def test_85_blank_rows_at_the_end_are_none(open_any):
    """However many there are: texts without a letter fill them."""
    opened = open_any(xlsx(("S", [*TABLE, *[[" "]] * 12_000])))
    assert (len(opened.records), opened.damaged, opened.refused) == (2, [], [])


def test_88_an_error_of_a_newer_excel_is_named(open_any):
    """Those that the library cannot read refuse the file, by their cell."""
    cell = b'<c r="C4" t="e"><v>#SPILL!</v></c>'
    opened = open_any(repacked(_with_cell(b"C4"), [(SHEET, b'<c r="C4"><v>1</v></c>', cell)]))
    assert (opened.refused, "#SPILL!" in opened.words[0]) == ([("E-CELL", "S!C4")], True)
