"""Workbooks in forms other than .xlsx: what is in them, and what would break the library that reads them."""

from __future__ import annotations

import struct
import time

import pytest

from tests.oldbooks import brt, compound, record, xls, xlsb
from tests.workbooks import ods, repacked

TABLE = [["Order", "SKU", "Amount"], ["00120", "Größe, 茶", 12.5], ["7", "b", 21.0], ["9", "c", 0.1]]
READ = [["00120", "Größe, 茶", "12.5"], ["7", "b", "21"], ["9", "c", "0.1"]]


@pytest.mark.parametrize("make", [xls, xlsb])
def test_cells_are_what_they_hold(open_any, make):
    """Texts to the letter, numbers in their shortest form."""
    opened = open_any(make(TABLE, "Refunds"))
    assert (list(opened.columns), opened.records, opened.damaged) == (TABLE[0], READ, [])
    assert opened.places[0] == (1, "Refunds, row 2")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (brt(3, struct.pack("<IIB", 0, 0, 0x07)), "a cell with an error"),
        (brt(11, struct.pack("<IIB", 0, 0, 0x07)), "a cell with an error"),
        (brt(0, struct.pack("<IIHBBI", 4, 0, 300, 0, 0x10, 0)), "a hidden row"),
        (brt(177, struct.pack("<IIII", 1, 2, 0, 0)), "merged cells"),
    ],
)
def test_what_is_odd_in_an_xlsb_refuses_it(open_any, more, words):
    """As it cannot be told where it is."""
    opened = open_any(xlsb(TABLE, more=more))
    assert [code for code, _ in opened.refused] == ["E-CELL"]
    assert words in opened.words[0]


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
