"""Workbooks other than .xlsx. Those in `old/` were written once with xlwt 1.3, two records and what their names say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from agent.readers.oddities import ERROR, HIDDEN, MERGED, _of_binary
from tests.workbooks import ods, repacked

OLD = Path(__file__).parent / "old"
ROWS = [["Order", "Amount"], ["R1", 1.5], ["R2", 2.0]]
ODS_ERROR = (
    b'<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""'
    b' calcext:value-type="error" xmlns:calcext="x"><text:p>#DIV/0!</text:p></table:table-cell>'
)
PLAIN_CELL = b'<table:table-cell office:value-type="float" office:value="2.0"/>'


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
    ("name", "words"),
    [("formula", "a formula without a value"), ("error", "a cell with an error"), ("hidden", "a hidden row")],
)
def test_what_nobody_tells_the_cell_of_refuses_the_file(open_any, name, words):
    """An empty cell in its place would mean something else; the cure is to save it as .xlsx."""
    opened = open_any(_old(name))
    assert (opened.refused, words in opened.words[0]) == ([("E-CELL", "")], True)
    assert ".xlsx" in opened.mends[0]


def test_hidden_rows_are_read_where_the_feed_says_so(open_any):
    """That is the same for all forms."""
    assert len(open_any(_old("hidden"), hidden_rows="read").records) == 3
    assert open_any(_old("hidden"), hidden_rows="skip").refused == [("E-CELL", "")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PLAIN_CELL, b'<table:table-cell table:formula="of:=1+1"/>'),
        (PLAIN_CELL, ODS_ERROR),
        (b"<table:table-row>", b'<table:table-row table:visibility="collapse">'),
        (PLAIN_CELL, b"<table:covered-table-cell/>"),
    ],
    ids=["formula", "error", "hidden", "merged"],
)
def test_the_same_of_opendocument(open_any, old, new):
    """A formula with its value does no harm."""
    assert open_any(repacked(ods(ROWS), [("content.xml", old, new)])).refused == [("E-CELL", "")]
    valued = b'<table:table-cell table:formula="of:=1+1" office:value-type="float" office:value="2"/>'
    assert open_any(repacked(ods(ROWS), [("content.xml", PLAIN_CELL, valued)])).records[1] == ["R2", "2"]


def test_the_records_of_a_binary_sheet_are_told_apart():
    """Numbers of several bytes, as MS-XLSB 2.1.4 has them: a hidden row, an error, merged cells, a long one between."""
    row = b"\x00\x11" + bytes(11) + b"\x10" + bytes(5)
    merged, long = b"\xb1\x01\x10" + bytes(16), b"\x07\x88\x01" + bytes(8) + bytes([3] * 128)
    error = b"\x03\x09" + bytes(9)
    assert set(_of_binary(long)) == set()
    assert list(_of_binary(row + long + error + merged)) == [HIDDEN, ERROR, MERGED]


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
