"""Workbooks in forms other than .xlsx: what is in them, and what would break the library that reads them."""

from __future__ import annotations

import struct
import time

import pytest

from tests.oldbooks import brt, compound, record, xls, xlsb
from tests.workbooks import ods, repacked, xlsx

TABLE = [["Order", "SKU", "Amount"], ["00120", "Größe, 茶", 12.5], ["7", "b", 21.0], ["9", "c", 0.1]]
READ = [["00120", "Größe, 茶", "12.5"], ["7", "b", "21"], ["9", "c", "0.1"]]


@pytest.mark.parametrize("make", [xls, xlsb])
def test_cells_are_what_they_hold(open_any, make):
    """Texts to the letter, numbers in their shortest form."""
    opened = open_any(make(TABLE, "Refunds"))
    assert (list(opened.columns), opened.records, opened.damaged) == (TABLE[0], READ, [])
    assert opened.places[0] == (1, "Refunds, row 2")


@pytest.mark.parametrize(
    ("more", "place"),
    [
        (brt(3, struct.pack("<IIB", 2, 0, 0x07)), "Refunds!C4"),
        (brt(11, struct.pack("<IIB", 2, 0, 0x07)), "Refunds!C4"),
        (brt(0, struct.pack("<IIHBBI", 3, 0, 300, 0, 0x10, 0)), "Refunds, row 4"),
        (brt(177, struct.pack("<IIII", 2, 3, 2, 2)), "Refunds!C4"),
    ],
    ids=["error", "formula", "hidden", "merged"],
)
def test_what_is_odd_in_an_xlsb_is_found_by_its_cell(open_any, more, place):
    """As in an .xlsx; nothing else of the file is kept back."""
    opened = open_any(xlsb(TABLE, "Refunds", more=more))
    assert [(where, code) for _, where, code, _ in opened.damaged] == [(place, "E-CELL")]
    assert opened.records == READ[:2]


def test_an_xlsb_with_cells_in_the_short_form_is_refused(open_any):
    """They are passed over by the library: an amount would be missing, and nobody would hear of it."""
    short = brt(0, struct.pack("<IIHBBI", 4, 0, 300, 0, 0, 0)) + brt(16, struct.pack("<Id", 0, 1.5))
    opened = open_any(xlsb(TABLE, more=short))
    assert opened.refused == [("E-TYPE", "")]
    assert ".xlsx" in opened.mends[0]


@pytest.mark.parametrize(
    ("result", "grbit", "found"),
    [
        (struct.pack("<d", 0), 2, "E-FORMULACELL"),
        (b"\x03" + bytes(5) + b"\xff\xff", 0, "E-FORMULACELL"),
        (b"\x02\0\x07" + bytes(3) + b"\xff\xff", 0, "E-CELL"),
        (struct.pack("<d", 0), 0, ""),
        (struct.pack("<d", 2.5), 2, ""),
    ],
    ids=["on loading", "nothing", "error", "zero", "value"],
)
def test_a_formula_in_an_xls_that_nobody_worked_out_is_no_zero(open_any, result, grbit, found):
    """Apache POI writes 0 and “calculate on loading”; an Amount of 0 would reverse the order."""
    cell = struct.pack("<HHH", 4, 2, 0) + result + struct.pack("<HIH", grbit, 0, 0)
    opened = open_any(xls([*TABLE, ["10", "d"]], more=record(0x0006, cell)))
    assert opened.damaged == ([(4, "Sheet1!C5", found, "Amount")] if found else [])
    assert len(opened.records) == (3 if found else 4)


def _styles(named, style):
    one = struct.pack("<I", 1)
    return brt(278) + brt(615, one) + named + brt(616) + brt(617, one) + style + brt(618) + brt(279)


def _shown(form, code, table, number=120):
    """Make a workbook whose numbers are all shown in a format."""
    if form == "xls":
        named = record(0x041E, struct.pack("<HHB", 164, len(code), 0) + code.encode())
        return xls(table, styles=named + record(0x00E0, struct.pack("<HH", 0, 164) + bytes(16)))
    if form == "xlsb":
        named = brt(44, struct.pack("<HI", 164, len(code)) + code.encode("utf-16-le"))
        style = brt(47, struct.pack("<HH", 0, 164) + bytes(12))
        return xlsb(table, styles=_styles(named, style))
    if form == "xlsx":
        return xlsx(
            table, edit=lambda book, sheet: sheet.write(1, 0, number, book.add_format({"num_format": code}))
        )
    digits, text = code.count("0"), code.replace("0", "").strip('"')
    number = f'<number:text>{text}</number:text><number:number number:min-integer-digits="{digits}"/>'
    styles = (
        '<office:automatic-styles xmlns:number="n" xmlns:style="s">'
        f'<number:number-style style:name="N1">{number}</number:number-style>'
        '<style:style style:name="ce1" style:data-style-name="N1"/></office:automatic-styles><office:body>'
    )
    column = b'"Sheet1"><table:table-column table:default-cell-style-name="ce1"/>'
    changed = [("content.xml", b"<office:body>", styles.encode()), ("content.xml", b'"Sheet1">', column)]
    return repacked(ods(table), changed)


@pytest.mark.parametrize("form", ["xlsx", "xls", "xlsb"])
@pytest.mark.parametrize("code", ["0%", "0.00\\ %", "[Red]0%"])
def test_a_percentage_is_what_the_cell_shows_in_each_form(open_any, form, code):
    """The feed says what 20 % is; the cell's own 0.2 would be taken for an amount."""
    content = _shown(form, code, [["Order", "SKU"], [0.199, "a"]], 0.199)
    assert open_any(content).records == [["19.9%", "a"]]
    assert open_any(content, decimal=",").records == [["19,9%", "a"]]
    assert open_any(_shown(form, '0.00"%"', [["Order", "SKU"], [2.5, "a"]], 2.5)).records == [["2.5", "a"]]


def test_a_percentage_of_opendocument_is_what_the_cell_shows(open_any):
    """It is a type of its own there."""
    plain, shown = (
        b'office:value-type="float" office:value="12.5"',
        b'office:value-type="percentage" office:value="0.125"',
    )
    opened = open_any(repacked(ods(TABLE), [("content.xml", plain, shown)]))
    assert [cells[2] for cells in opened.records] == ["12.5%", "21", "0.1"]


@pytest.mark.parametrize("form", ["xlsx", "xls", "xlsb", "ods"])
@pytest.mark.parametrize("code", ["00000", '"INV-"0'])
def test_an_id_that_only_its_format_shows_whole_is_found_in_each_form(open_any, form, code):
    """The cell of 00120 or INV-120 holds 120: sent, it would be another order's id."""
    content = _shown(form, code, [["Order", "SKU"], [120.0, "a"]])
    opened = open_any(content, identifiers={"Order"})
    assert [(place, found) for _, place, found, _ in opened.damaged] == [("Sheet1!A2", "E-IDNUM")]
    assert open_any(content).records == [["120", "a"]]


def _far(row, column):
    return {
        "xls": xls(TABLE, more=record(0x0203, struct.pack("<HHHd", row, column, 0, 1.0))),
        "xlsb": xlsb(
            TABLE,
            more=brt(0, struct.pack("<IIHBBI", row * 16, 0, 300, 0, 0, 0))
            + brt(5, struct.pack("<IId", column, 0, 1.0)),
        ),
    }


@pytest.mark.parametrize("form", ["xls", "xlsb"])
def test_a_cell_far_outside_is_refused_before_room_is_made_for_it(open_any, form):
    """Row 65,536 and column 256 of an .xls would take half a gigabyte."""
    opened = open_any(_far(65_535, 255)[form])
    assert [code for code, _ in opened.refused] == ["E-COLCAP"]
    assert "256 columns" in opened.words[0]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (record(0x0200, struct.pack("<IIHHH", 0, 2**32 - 1, 0, 5, 0)), "E-COLCAP"),
        (record(0x0200, struct.pack("<HHHHH", 0, 65_535, 0, 256, 0)), "E-COLCAP"),
        (record(0x0200, struct.pack("<IIHHH", 5, 2, 0, 3, 0)), "E-WORKBOOK"),
        (record(0x00FC, struct.pack("<II", 1, 2**31 - 1)), "E-WORKBOOK"),
    ],
    ids=["rows", "all", "backwards", "texts"],
)
def test_what_an_xls_only_declares_is_refused_before_room_is_made_for_it(open_any, more, code):
    """A few bytes that ask for a terabyte."""
    assert [found for found, _ in open_any(xls(TABLE, more=more)).refused] == [code]


def test_a_declared_size_that_fits_does_no_harm(open_any):
    """Every program but ours declares one."""
    opened = open_any(xls(TABLE, more=record(0x0200, struct.pack("<IIHHH", 0, 4, 0, 3, 0))))
    assert opened.records == READ


@pytest.mark.parametrize("at", [1, 3, 9])
def test_a_chain_of_sectors_that_runs_in_a_circle_is_refused(open_any, at):
    """It was followed until memory ended."""
    content = bytearray(xls(TABLE))
    struct.pack_into("<I", content, 512 + 4 * at, at)  # the table of sectors is the first
    began = time.process_time()
    opened = open_any(bytes(content))
    assert time.process_time() - began < 1
    assert [code for code, _ in opened.refused] == ["E-WORKBOOK"]


def test_a_table_of_sectors_that_runs_in_a_circle_is_refused(open_any):
    """The sectors that tell where the table is are a chain, too."""
    content = bytearray(compound(b"x"))
    struct.pack_into("<I", content, 68, 3)
    struct.pack_into("<I", content, 512 * 5 - 4, 3)
    assert [code for code, _ in open_any(bytes(content)).refused] == ["E-WORKBOOK"]


def test_text_in_a_feed_of_workbooks_is_of_another_type(open_any):
    """Not a damaged archive."""
    assert [code for code, _ in open_any(b"a;b\n1;2\n", format="xlsx").refused] == ["E-TYPE"]


@pytest.mark.parametrize("cut", [b"</table:table-cell>", b"</table:table-row>", b"</office:body>", b"UTF"])
def test_an_ods_that_is_not_whole_is_refused(open_any, cut):
    """Its reader went round and round, waiting for the end of a cell."""
    book = repacked(ods(TABLE), [("content.xml", cut, b"")])
    opened = open_any(book)
    assert [code for code, _ in opened.refused] == ["E-WORKBOOK"]
    assert "no XML" in opened.words[0]


def test_sectors_of_a_size_that_there_is_not_are_refused(open_any):
    """The size is written as a power of two; any other than those of the form would be beyond all numbers."""
    content = bytearray(xls(TABLE))
    struct.pack_into("<H", content, 30, 65_535)
    assert [code for code, _ in open_any(bytes(content)).refused] == ["E-WORKBOOK"]


def test_what_the_library_panics_at_is_refused(open_any):
    """It is no ordinary exception, and would end the preparing process."""
    whole = xls(TABLE)
    ends = [open_any(whole[:size]) for size in range(512 * 2 + 64, 512 * 3, 37)]
    assert {code for opened in ends for code, _ in opened.refused} <= {"E-WORKBOOK", "E-TYPE"}
    assert all(opened.refused for opened in ends)
    book = repacked(xlsb(TABLE), [("xl/_rels/workbook.bin.rels", b'Id="rId1"', b'Id="rId2"')])
    assert [code for code, _ in open_any(book).refused] == ["E-WORKBOOK"]
