"""Rules for the rows of one order: which rows belong together, and what they may not say at once."""

from decimal import Decimal

import pytest

from agent.impact.rules import row_rules
from agent.model import Change, Level

ITEM = ["ActionID", "Oid", "ActionTrackerID", "SKU", "Amount", "Quantity", "Reason"]
ORDER = ["ActionID", "Oid", "ActionTrackerID", "Amount", "Reason"]
A, B = "1000.4636.158133", "1000.4636.158134"


def make(level, header):
    """Make the rules of a header, with one approving code."""
    codes = {"VALIDATED": Change.APPROVAL}
    return row_rules(level, header, codes=codes, currency="", max_amount=Decimal(1000))


def found(level, header, rows):
    """Judge the rows as one order."""
    return [(index, fault.code) for index, fault in make(level, header).judge_order(rows)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((A, "O1", "1"), (A, "", ""), True),
        ((A, "O1", "1"), (B, "O1", "1"), False),
        (("", "O1", "1"), ("", "O1", "1"), True),
        (("", "O1", "1"), ("", "O1", "2"), False),
        (("", "O1", "1"), ("", "O2", "1"), False),
        (("", "O11", "1"), ("", "O1", "11"), False),
        (("", "1O1", "1"), ("", "O1", "11"), False),
        (("", " O1", "1"), ("", "O1", "1\u00a0"), True),
        ((f" {A}", "", ""), (A, "", ""), True),
    ],
)
def test_rows_belong_together_when_they_tell_the_same_action(one, other, same):
    """By ActionID where it is given, else by tracker and Oid; blanks around them do not count."""
    key = make(Level.ORDER, ORDER).key
    assert same == (key((*one, "0", "OTHER")) == key((*other, "5.00", "OTHER")))


@pytest.mark.parametrize("identifiers", [("", "", ""), ("", "O1", ""), ("", "", "1"), ("", "O1", " ")])
def test_a_row_that_tells_no_action_has_no_key(identifiers):
    """It stands alone."""
    assert make(Level.ORDER, ORDER).key((*identifiers, "0", "OTHER")) == ""


@pytest.mark.parametrize(
    ("header", "cells", "key"),
    [
        (["ActionID", "Amount", "Reason"], (A, "0", "OTHER"), A),
        (["ActionID", "Oid", "Amount", "Reason"], (A, "O1", "0", "OTHER"), A),
        (["Oid", "ActionTrackerID", "Amount", "Reason"], ("O1", "16027", "0", "OTHER"), "16027\x1fO1"),
        (["Oid", "ActionTrackerID", "Amount", "Reason"], ("O1", "", "0", "OTHER"), ""),
    ],
)
def test_the_key_does_with_the_columns_there_are(header, cells, key):
    """Either way to tell an action will do."""
    assert key == make(Level.ORDER, header).key(cells)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("", "O1", "1", "0", "OTHER"), ("", "O1", "1", "5.00", "OTHER")], "E-CONTRA"),
        ([("", "O1", "1", "0", "OTHER"), ("", "O1", "1", "0", "CONS_FRAUD")], "E-CONTRA"),
        ([(A, "O1", "1", "5.00", "OTHER"), (A, "", "", "6.00", "OTHER")], "E-CONTRA"),
        ([(A, "O1", "1", "5.00", "OTHER"), (A, "O2", "1", "5.00", "OTHER")], "E-CONTRA"),
        ([(A, "", "", "", "VALIDATED"), (A, "", "", "5.00", "OTHER")], "E-CONTRA"),
        ([(A, "O1", "1", "5.00", "OTHER"), (A, "", "", "5.00", "OTHER")], "W-ROWPAIR"),
    ],
)
def test_two_different_rows_for_one_order_contradict_each_other(rows, expected):
    """Both are named; only rows that differ in nothing but the identifiers pass with a warning."""
    assert [(0, expected), (1, expected)] == found(Level.ORDER, ORDER, rows)


def item(sku, amount, quantity, reason="OTHER", identifiers=(A, "", "")):
    """Make one item row."""
    return (*identifiers, sku, amount, quantity, reason)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([item("S1", "0", "0"), item("S2", "15.00", "1")], []),
        ([item("O7427540", "0", "0"), item("O7427540", "15.00", "1")], [(0, "W-ROWPAIR"), (1, "W-ROWPAIR")]),
        (
            [item("S1", "5.00", "1"), item("S2", "5.00", "1"), item("S1", "6.00", "1")],
            [(0, "W-ROWPAIR"), (2, "W-ROWPAIR")],
        ),
        ([item("S1", "", "", "VALIDATED"), item("S2", "5.00", "1")], []),
        ([item("S1", "", "", "VALIDATED"), item("S1", "0", "0")], [(0, "E-CONTRA"), (1, "E-CONTRA")]),
        ([item("S1", "0", "0"), item("s1", "0", "0")], []),
        ([item("S1", "0", "0", identifiers=(A, "O1", "1")), item("S2", "0", "0")], []),
        (
            [
                item("S1", "0", "0", identifiers=(A, "O1", "1")),
                item("S2", "0", "0", identifiers=(A, "O2", "1")),
            ],
            [(0, "E-CONTRA"), (1, "E-CONTRA")],
        ),
        (
            [
                item("S1", "0", "0", identifiers=(A, "O1", "1")),
                item("S2", "0", "0", identifiers=(A, "O1", "2")),
            ],
            [(0, "E-CONTRA"), (1, "E-CONTRA")],
        ),
    ],
)
def test_items_of_one_order_may_repeat_but_not_exclude_each_other(rows, expected):
    """A repeated SKU is legal; an approval beside a change of one item, or two orders for one id, are not."""
    assert expected == found(Level.ITEM, ITEM, rows)


def test_more_rows_than_impact_com_takes_for_one_action_are_told():
    """At most 1,000 modifications per action."""
    rows = [item(f"S{number}", "0", "0") for number in range(1001)]
    assert found(Level.ITEM, ITEM, rows[:1000]) == []
    assert found(Level.ITEM, ITEM, rows) == [(0, "W-MANYMODS")]
