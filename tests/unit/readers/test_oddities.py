"""Workbooks other than .xlsx. Those in `old/` were written once with xlwt 1.3, two records and what their names say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from agent.readers.sheetmarks import Marks
from agent.readers.xlsbmarks import marks_of_xlsb
from tests.workbooks import ods, repacked

OLD = Path(__file__).parent / "old"
ROWS = [["Order", "Amount"], ["R1", 1.5], ["R2", 2.0]]
ODS_ERROR = (
    b'<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""'
    b' calcext:value-type="error" xmlns:calcext="x"><text:p>#DIV/0!</text:p></table:table-cell>'
)
PLAIN_CELL = b'<table:table-cell office:value-type="float" office:value="2.0"/>'
FIRST_CELL = b'<table:table-cell office:value-type="float" office:value="1.5"/>'
TEXT = b'<table:table-cell office:value-type="string"'
SECOND = b"<table:table-row>" + TEXT + b"><text:p>R2"


def _old(name):
    return (OLD / f"{name}.xls").read_bytes()


def test_an_old_workbook_is_read_by_its_cells(open_any):
    """Texts, numbers and dates; an id that lost digits is found at its cell."""
    opened = open_any(_old("plain"), identifiers=["Order"])
    assert opened.records == [["00120", " ä\nx", "64.76", "2024-03-02"]]
    assert opened.damaged == [(2, "Refunds!A3", "E-SCIID", "Order")]
    assert open_any(_old("plain"), format="xlsx").refused == []
    assert len(open_any(_old("merged")).records) == 3


@pytest.mark.parametrize(
    ("name", "code", "place"),
    [
        ("formula", "E-FORMULACELL", "Refunds!C4"),
        ("error", "E-CELL", "Refunds!C4"),
        ("hidden", "E-CELL", "Refunds, row 4"),
    ],
)
def test_what_the_library_does_not_tell_is_found_by_its_cell(open_any, name, code, place):
    """An empty cell in its place would mean something else; the other records are sound."""
    opened = open_any(_old(name))
    assert [(where, what) for _, where, what, _ in opened.damaged] == [(place, code)]
    assert len(opened.records) == 2
    assert len(open_any(_old(name), used={"Order"}).damaged) == (name == "hidden")


def test_hidden_rows_are_read_or_passed_over_where_the_feed_says_so(open_any):
    """That is the same for all forms."""
    assert len(open_any(_old("hidden"), hidden_rows="read").records) == 3
    assert len(open_any(_old("hidden"), hidden_rows="skip").records) == 2


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        (PLAIN_CELL, b'<table:table-cell table:formula="of:=1+1"/>', "E-FORMULACELL", "Sheet1!B3"),
        (PLAIN_CELL, ODS_ERROR, "E-CELL", "Sheet1!B3"),
        (SECOND, SECOND.replace(b"row", b'row table:visibility="collapse"', 1), "E-CELL", "Sheet1, row 3"),
        (FIRST_CELL, FIRST_CELL.replace(b" ", b' table:number-rows-spanned="2" ', 1), "E-CELL", "Sheet1!B3"),
    ],
    ids=["formula", "error", "hidden", "merged"],
)
def test_the_same_of_opendocument(open_any, old, new, code, place):
    """A formula with its value does no harm."""
    covered = [("content.xml", PLAIN_CELL, b"<table:covered-table-cell/>")] if b"spanned" in new else []
    opened = open_any(repacked(ods(ROWS), [("content.xml", old, new), *covered]))
    assert [(where, what) for _, where, what, _ in opened.damaged] == [(place, code)]
    assert opened.records == [["R1", "1.5"]]
    valued = b'<table:table-cell table:formula="of:=1+1" office:value-type="float" office:value="2"/>'
    assert open_any(repacked(ods(ROWS), [("content.xml", PLAIN_CELL, valued)])).records[1] == ["R2", "2"]


def test_what_an_opendocument_sheet_repeats_counts_as_often_as_it_stands_there(open_any):
    """The place of a cell is not its number in the file; and the empty rest of a sheet may well be hidden."""
    above = b'<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
    rest = b'<table:table-row table:visibility="collapse" table:number-rows-repeated="1048570">'
    rest += b'<table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>'
    before = b'<table:table-cell table:number-columns-repeated="3"/>'
    changed = [
        (b'"Sheet1">', b'"Sheet1">' + above),
        (b"</table:table>", rest),
        (b"<table:table-row>" + TEXT, b"<table:table-row>" + before + TEXT),
        (PLAIN_CELL, ODS_ERROR),
    ]
    opened = open_any(repacked(ods(ROWS), [("content.xml", *change) for change in changed]))
    assert opened.damaged == [(2, "Sheet1!E5", "E-CELL", "Amount")]
    assert opened.records == [["R1", "1.5"]]


def test_the_records_of_a_binary_sheet_are_told_apart():
    """Numbers of several bytes, as MS-XLSB 2.1.4 has them: a hidden row, an error, merged cells, a long one between."""
    row = b"\x00\x11" + bytes(11) + b"\x10" + bytes(5)
    merged, long = b"\xb1\x01\x10" + bytes(16), b"\x07\x88\x01" + bytes(8) + bytes([3] * 128)
    error = b"\x03\x09" + bytes(9)
    assert marks_of_xlsb(long, []) == Marks(cells=1, width=1)
    marks = marks_of_xlsb(row + long + error + merged, [])
    assert (marks.hidden, marks.errors, marks.merged) == ({1}, {1: {0: "#NULL!"}}, [((0, 0), (0, 0))])


def test_a_damaged_old_workbook_is_refused_or_read(open_any):
    """No change of a few bytes leads to anything else; chains that bite their tails end."""
    dice = random.Random(4)  # noqa: S311 - the same every time
    for _ in range(400):
        content = bytearray(_old("plain"))
        for _ in range(dice.choice([1, 2, 8])):
            at = dice.choice([dice.randrange(512), dice.randrange(len(content))])
            content[at] = dice.randrange(256)
        opened = open_any(bytes(content))
        assert opened.refused or opened.columns
