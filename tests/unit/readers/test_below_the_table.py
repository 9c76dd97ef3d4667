"""What stands far below a table, or beside it: blank rows, a line of totals, formulas that were never worked out."""

from __future__ import annotations

import pytest

from agent.errors import RefusedFile
from agent.model import Fault
from agent.readers.base import Column, Listener, Reading
from agent.readers.sheet import Sheet
from agent.readers.sheetmarks import Marks
from tests.grid import Grid

HEADER = ["order", "amount", ""]
ONE = ["o1", 5.0, ""]
BLANK = ["", "", ""]
REASON, MEND = "Not sent because", "How to mend it"


class Read:
    """All that a sheet gave."""

    def __init__(self, *rows, marks=None, width=3, **reading):
        self.damaged, self.records, self.refused = [], [], []
        listener = Listener(
            lambda number, line, cells, fault: self.damaged.append((number, line, [*cells], fault.code)),
            lambda *_: None,
        )
        grid = Grid([*rows], width=width, end=(len(rows) - 1, width - 1))
        self.sheet = Sheet(grid, marks or Marks(), (), Reading(**reading), listener)
        try:
            self.records = [[*cells] for cells in self.sheet]
        except RefusedFile as refused:
            self.refused = [(one.code, one.place, one.words) for one in refused.findings]


@pytest.mark.parametrize("blank", [9_999, 10_000, 10_001, 12_345])
def test_a_record_below_ten_thousand_blank_rows_is_a_stray_one(blank):
    """With fewer, each blank one is told."""
    read = Read(HEADER, ONE, *[BLANK] * blank, ONE)
    if blank <= 10_000:
        assert read.refused == []
        assert [code for *_, code in read.damaged] == ["E-BLANK"] * blank
        assert {len(cells) for _, _, cells, _ in read.damaged} == {2}
        assert len(read.records) == 2
    else:
        words = f"row {blank + 3:,} is filled, and {blank:,} blank rows stand above it, from row 3 on"
        assert read.refused == [("E-BLANK", f"S, row {blank + 3}", words)]


@pytest.mark.parametrize("blank", [9_999, 10_000, 10_001])
def test_totals_count_as_anything_else_does(blank):
    """Below fewer blank rows they end the table, with these; behind them, blank ones are none."""
    totals = ["Total", 5.0, ""]
    read = Read(HEADER, ONE, *[BLANK] * blank, totals, BLANK)
    if blank <= 10_000:
        assert [code for *_, code in read.damaged] == ["E-FOOTER"] * (blank + 1)
    else:
        assert read.refused[0][:2] == ("E-BLANK", f"S, row {blank + 3}")
    above = Read(HEADER, ONE, totals, *[BLANK] * blank, ONE)
    assert bool(above.refused) == (blank > 9_999)
    assert "from row 4 on" in above.refused[0][2] if above.refused else above.damaged[0][1] == 4


def test_reasons_of_a_rejects_file_fill_no_row():
    """Its own rows are blank all the same."""
    header, row = ["order", "amount", REASON, MEND], ["", "", "E-BLANK it is blank", "fill it in"]
    read = Read(header, ["o1", "5", "", ""], *[row] * 10_002, width=4)
    assert (read.records, read.damaged, read.refused) == ([["o1", "5"]], [], [])


def test_fixed_widths_have_no_cells_far_below(open_any):
    """They are text: each blank line is a damaged record, as in any text."""
    columns = (Column("order", 1, 6), Column("amount", 7, 6))
    opened = open_any(
        b"o1    5     \n" + b" " * 12 + b"\n" * 10_002 + b"o2    6     \n", format="fixed", columns=columns
    )
    assert opened.refused == []
    assert len(opened.records) == 2
    assert {code for _, _, code, _ in opened.damaged} == {"E-BLANK"}


@pytest.mark.parametrize("hidden_rows", ["refuse", "read", "skip"])
def test_a_formula_without_value_below_the_last_value_is_found(hidden_rows):
    """Also where numbers stand in a column without a name, and whether or not its row is hidden."""
    marks = Marks(formulas={7: {0}}, hidden={7})
    read = Read(HEADER, ONE, ["o2", 2.0, 7.0], marks=marks, hidden_rows=hidden_rows)
    assert [(number, line, code) for number, line, _, code in read.damaged] == [
        (2, 3, "E-COLS"),
        (3, 7, "E-FORMULACELL"),
    ]
    assert read.records == [["o1", "5"]]


def test_hidden_rows_that_were_left_out_are_told_though_there_is_no_other():
    """The sheet is refused, and its note says what became of them."""
    read = Read(HEADER, ONE, ONE, marks=Marks(hidden={2, 3}), hidden_rows="skip")
    assert [code for code, *_ in read.refused] == ["E-NOROWS"]
    assert read.sheet.notes == (Fault("N-HIDDEN", "2 hidden rows were left out, as the feed declares"),)
