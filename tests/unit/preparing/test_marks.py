"""What is remembered of rows: digests that stand for what they say, however they are written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agent.impact.rules import row_rules
from agent.model import Level
from agent.preparing.marks import WHOLE, Marks, merged, packed, parts

ITEMS = ("Oid", "ActionTrackerID", "SKU", "Amount", "Quantity", "Reason")


def marks(*header, level=Level.ITEM):
    """Make the marks of a batch with these columns, and put a row given by column into its order."""
    rules = row_rules(level, header, codes={}, currency="", max_amount=Decimal(1000))
    return Marks(rules), lambda **row: [row.get(name, "") for name in rules.header]


@pytest.fixture
def items():
    """The marks of item rows."""
    return marks(*ITEMS)


def row(**changed):
    """Give the cells of a row, with some of them changed."""
    plain = {"Oid": "A", "ActionTrackerID": "1", "SKU": "s1", "Amount": "5.00", "Quantity": "1"}
    return {**plain, "Reason": "OTHER", **changed}


def test_marks_stay_what_they_are(items):
    """They are kept in the ledger for years: other digests would forget all that was sent."""
    made, cells = items
    assert made.order(cells(**row())).hex() == "428bc179c8a5cc0701bd8cc8e695b7fe"
    assert made.said([cells(**row())]).hex() == "89a147da21bb29543888fad1a37d9d96"
    assert WHOLE.hex() == "e4a6a0577479b2b4"


def test_an_order_is_named_by_its_identifiers_alone(items):
    """Not by what is said of it."""
    made, cells = items
    assert made.order(cells(**row())) == made.order(cells(**row(SKU="s2", Amount="0", Reason="x")))
    assert made.order(cells(**row())) != made.order(cells(**row(ActionTrackerID="2")))
    assert made.order(cells(**row())) != made.order(cells(**row(Oid="B")))


@pytest.mark.parametrize("changed", [{"Amount": "5.01"}, {"Quantity": "2"}, {"Reason": "X"}], ids=str)
def test_what_is_said_of_an_item_is_all_its_other_cells(items, changed):
    """Each of them counts; the identifiers and the SKU do not."""
    made, cells = items
    ((item, value),) = parts(made.said([cells(**row())]))
    ((same, other),) = parts(made.said([cells(**row(**changed))]))
    assert same == item
    assert other != value
    assert list(parts(made.said([cells(**row(Oid="B", ActionTrackerID="2"))]))) == [(item, value)]
    assert next(parts(made.said([cells(**row(SKU="s2"))]))) != (item, value)


def test_a_column_more_that_is_empty_says_nothing(items):
    """A template that gets a column does not make all that was sent something else."""
    made, cells = items
    wider, wide = marks(*ITEMS, "Category")
    assert wider.said([wide(**row())]) == made.said([cells(**row())])
    assert wider.said([wide(**row(Category="c"))]) != made.said([cells(**row())])


def test_a_row_of_an_order_is_about_the_whole_action():
    """There is no item at that level."""
    made, cells = marks("Oid", "ActionTrackerID", "Amount", "Reason", level=Level.ORDER)
    ((item, _),) = parts(made.said([cells(Oid="A", ActionTrackerID="1", Amount="5", Reason="OTHER")]))
    assert item == WHOLE


def test_rows_of_one_item_count_together_in_no_order(items):
    """One piece returned and one re-priced is something else than either."""
    made, cells = items
    one, other = cells(**row()), cells(**row(Amount="0"))
    both = merged(made.said([one, other]))
    assert both == merged(made.said([other, one]))
    assert both == merged(packed(both))
    assert both not in (merged(made.said([one])), merged(made.said([other])))
    assert merged(made.said([one, one])) == merged(made.said([one]))
