"""Records are read many at a time; how many, and whether they need a closer look, changes nothing about them."""

from __future__ import annotations

import csv
import io
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from agent.errors import RefusedFile
from agent.readers import csvblocks, sheetrows
from agent.readers.base import FIELD_CAP, Listener, Reading
from agent.readers.delimited import Delimited, open_delimited
from agent.readers.sheet import Sheet
from agent.readers.sheetmarks import Marks
from tests.grid import Grid

LINES = (
    "o{},5",
    '"o{}",5',
    '"two\nlines {}",5',
    "o{},",
    ",o{}",
    "",
    ",",
    "  ,",
    "o{}",
    "o{},5,6",
    "Total,{}",
    "order,amount",
    f"{'x' * (FIELD_CAP + 1)},1",
    'o{},"open',
)
VALUES = st.sampled_from(
    [
        "o1",
        "7",
        "",
        "",
        "",
        " ",
        " ",
        "Total",
        "Total",
        "order",
        "x" * (FIELD_CAP + 1),
        1.5,
        7.0,
        12345678901234567.0,
        -1.0,
        True,
    ]
)


def told(open_source, *, pieces: bool):
    """Read to the end; give everything that was said, in its order."""
    events = []
    listener = Listener(
        lambda number, line, cells, fault: events.append((number, line, [*cells], fault.code)),
        lambda number, line, fault: events.append((number, line, fault.code)),
    )
    source = open_source(listener)
    try:
        if pieces:
            for piece in source.pieces():
                rows = zip(*piece.columns, strict=True)
                events += ((piece.number + at, piece.lines[at], [*row]) for at, row in enumerate(rows))
                assert (source.number, source.line, [*source.cells]) == events[-1]
        else:
            for cells in source:
                assert cells == source.cells
                events.append((source.number, source.line, [*cells]))
        events.append((source.number, [note.code for note in source.notes]))
    except RefusedFile as refused:
        events += [(finding.code, finding.place) for finding in refused.findings]
    # what is remarked of a row may be said before the rows in front of it are handed over
    return sorted(events, key=str) if source.__class__ is Sheet else events


def assert_same(opened, module, many, plain):
    """Whether in blocks as they are or of so many, and whether had singly or in pieces."""
    assert told(opened, pieces=False) == plain
    with mock.patch.object(module, "_MANY", many):
        assert told(opened, pieces=False) == plain
        assert told(opened, pieces=True) == plain


def of_text(text):
    """Open delimited text."""

    def opened(listener):
        return open_delimited(
            io.BytesIO(text.encode()),
            encoding=("utf-8",),
            delimiter=",",
            canonical=None,
            damaged=listener.damaged,
        )

    return opened


@example(["o{},5", 'o{},"open'], 1)
@given(st.lists(st.sampled_from(LINES), max_size=12), st.integers(1, 5))
def test_delimited_text_is_the_same_in_blocks_of_any_size(lines, many):
    """Whether a block is seen at a glance or row by row."""
    opened = of_text("order,amount\n" + "".join(f"{line.format(at)}\n" for at, line in enumerate(lines)))
    with mock.patch.object(Delimited, "_are_plain", return_value=False):
        plain = told(opened, pieces=False)
    assert_same(opened, csvblocks, many, plain)


@given(st.lists(st.sampled_from(LINES[:9]), max_size=12), st.integers(1, 5))
def test_a_record_has_the_line_on_which_it_begins(lines, many):
    """Counted by Python's csv."""
    text = "order,amount\n" + "".join(f"{line.format(at)}\n" for at, line in enumerate(lines))
    reader, begins = csv.reader(io.StringIO(text, newline="")), [1]
    begins += [reader.line_num + 1 for _ in reader]
    with mock.patch.object(csvblocks, "_MANY", many):
        events = told(of_text(text), pieces=True)
    for number, line, *_ in (event for event in events if len(event) > 2):
        assert line == begins[number]


@example([("o1", "7", "a"), (" ", "", "")], 5, "read", set(), "note")
@example([("o1", "7", "a"), ("Total", "7", "")], 5, "read", set(), "note")
@example([("o1", "7", "a"), ("order", "amount", "note")], 5, "read", set(), "note")
@given(
    st.lists(st.tuples(VALUES, VALUES, st.sampled_from(["a", "", "", 2.0])), max_size=12),
    st.integers(1, 5),
    st.sampled_from(["refuse", "read", "skip"]),
    st.sets(st.integers(2, 9), max_size=1),
    st.sampled_from(["note", ""]),
)
def test_a_sheet_is_the_same_in_blocks_of_any_size(rows, many, hidden_rows, hidden, last):
    """Also with rows that are hidden, and with values in columns that have no name."""

    def opened(listener):
        marks = Marks(hidden=set(hidden))
        sheet = Sheet(
            Grid([["order", "amount", last], *rows]), marks, (), Reading(hidden_rows=hidden_rows), listener
        )
        sheet.attend(None, frozenset(["order"]))
        return sheet

    with mock.patch.object(sheetrows, "by_column", return_value=None):
        plain = told(opened, pieces=False)
    assert_same(opened, sheetrows, many, plain)
