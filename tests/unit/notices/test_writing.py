"""What people read: subjects of one line, texts that can be read in any mail program."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.notices.writing import subject, text
from agent.ways.base import Item

FILE = Item("file:a", "new", "refunds.csv", "Nothing was sent", 1_800_000_000.0, feed="shop", submission="a")
OVER = replace(FILE, about="file:b", state="over", headline="All 3 rows were delivered", title="b.csv")
FAULT = Item("destination:there", "new", "destination there", "1 batch held", 1_800_000_000.0)


@pytest.mark.parametrize(
    ("items", "more", "expected"),
    [
        ((FILE,), 0, "Nothing was sent — refunds.csv"),
        ((OVER,), 0, "Settled: All 3 rows were delivered — b.csv"),
        ((replace(OVER, state="done"),), 0, "All 3 rows were delivered — b.csv"),
        ((FILE, OVER), 0, "1 file needs somebody, 1 settled — shop"),
        ((FILE, FILE), 10, "12 files need somebody — shop"),
        ((OVER, OVER), 0, "2 settled — shop"),
        ((FAULT,), 0, "Destination there: 1 batch held"),
        ((replace(FAULT, state="lasts"),), 0, "Still: destination there: 1 batch held"),
        ((replace(FAULT, state="over", headline="well again"),), 0, "Over: destination there: well again"),
        ((FAULT, FAULT), 0, "2 faults"),
        ((FAULT, replace(FAULT, state="over")), 0, "1 fault, 1 over"),
    ],
)  # fmt: skip
def test_a_subject_says_what_it_is_about(items, more, expected):
    """Headline and name of one thing, numbers of several."""
    assert subject(items, more) == expected


def test_a_subject_stays_one_short_line():
    """However long the names are."""
    told = subject([replace(FILE, title="x" * 300, headline="y" * 300)])
    assert len(told) == 180
    assert told.endswith("…")


def test_a_text_is_folded_and_names_the_machine():
    """No line is wider than mail programs show; who wrote it stands below."""
    long = replace(
        FILE, details=("word " * 60,), todo="word " * 60, commands=(("impact-agent show a", "shows it"),)
    )
    told = text([long], 0, report=True, host="host.example.net")
    assert max(map(len, told.splitlines())) <= 76
    assert "    impact-agent show a\n        shows it\n" in told
    assert told.endswith(
        "-- \nWritten by the impact agent on host.example.net.\nNobody reads what is answered to this mail.\n"
    )  # fmt: skip


def test_what_is_settled_is_short_among_others():
    """Its details are of no use any more; alone, it is told whole."""
    settled = replace(OVER, details=("In 1 batch to there.",))
    assert "In 1 batch" not in text([settled, FILE], 0, report=False, host="h")
    assert "In 1 batch" in text([settled], 0, report=False, host="h")
