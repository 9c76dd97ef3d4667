"""Headers of batches: canonical order, and every mistake at once."""

from decimal import Decimal

import pytest

from agent.impact.rules import RefusedHeader, row_rules
from agent.model import Change, Level


def make(level, header, codes=(), currency=""):
    """Make the rules of a header line."""
    return row_rules(level, header.split(","), codes=dict(codes), currency=currency, max_amount=Decimal(1000))


@pytest.mark.parametrize(
    ("level", "header", "expected", "order"),
    [
        (Level.MOBILE, "ActionId,Amount,Reason", "ActionID Amount Reason", (0, 1, 2)),
        (Level.RESET, "Oid,ActionTrackerId,Reason", "Oid ActionTrackerID Reason", (0, 1, 2)),
        (Level.ORDER, "ActionID,Oid,Amount,Reason", "ActionID Oid Amount Reason", (0, 1, 2, 3)),
        (Level.ORDER, "ActionTrackerID,Oid,Amount,Reason", "Oid ActionTrackerID Amount Reason", (1, 0, 2, 3)),
        (
            Level.ORDER,
            "ActionId,OID,ActionTrackerId,Amount,Reason,CustomerStatus",
            "ActionID Oid ActionTrackerID Amount CustomerStatus Reason",
            (0, 1, 2, 3, 5, 4),
        ),
        (
            Level.ITEM,
            "oid,actiontrackerid,Amount,SKU,Quantity,Reason",
            "Oid ActionTrackerID SKU Amount Quantity Reason",
            (0, 1, 3, 2, 4, 5),
        ),
        (Level.ITEM, "ActionID,SKU,Category,Reason", "ActionID SKU Category Reason", (0, 1, 2, 3)),
    ],
)
def test_header_lines_seen_in_the_wild_are_understood(level, header, expected, order):
    """Columns come in one spelling and order, with where each stood; every column has its rule."""
    rules = make(level, header)
    assert tuple(expected.split()) == rules.header
    assert order == rules.order
    assert len(rules.columns) == len(rules.header)


@pytest.mark.parametrize(
    ("level", "header", "expected"),
    [
        (Level.ORDER, "Oid,Amount,Reason", [("T-HDRMISS", "ActionTrackerID")]),
        (Level.ORDER, "ActionTrackerID,Amount,Reason", [("T-HDRMISS", "Oid")]),
        (Level.ORDER, "Amount,Reason", [("T-HDRMISS", "ActionID")]),
        (Level.ORDER, "ActionID,Amount", [("T-HDRMISS", "Reason")]),
        (Level.ITEM, "ActionID,Amount,Reason", [("T-HDRMISS", "SKU")]),
        (Level.ITEM, "ActionID,SKU,Quantity,Reason", [("T-HDRMISS", "Amount")]),
        (Level.MOBILE, "ActionID,Reason", [("T-HDRMISS", "Amount")]),
        (Level.RESET, "Oid,Reason", [("T-HDRMISS", "ActionTrackerID")]),
        (Level.RESET, "ActionID,Oid,ActionTrackerID,Reason", [("T-HDRFORB", "ActionID")]),
        (Level.RESET, "Oid,ActionTrackerID,Amount,Reason", [("T-HDRFORB", "Amount")]),
        (Level.ORDER, "ActionID,SKU,Amount,Reason", [("T-HDRFORB", "SKU")]),
        (Level.ITEM, "ActionID,SKU,currencyCode,Reason", [("T-HDRFORB", "currencyCode")]),
        (Level.MOBILE, "ActionID,Oid,Amount,Reason", [("T-HDRFORB", "Oid")]),
        (Level.ORDER, "ActionID,Amount,Reason,Notes", [("T-HDRUNK", "")]),
        (Level.ITEM, "ActionID,SKU1,Reason,SKU", [("T-HDRUNK", "")]),
        (Level.ORDER, "ActionID,Amount,,Reason", [("T-HDREMPTY", "")]),
        (Level.ORDER, "ActionID,Oid,OrderId,Reason", [("T-HDRDUP", "Oid")]),
        (
            Level.ORDER,
            "Amount,Sku,Raeson",
            [("T-HDRFORB", "SKU"), ("T-HDRUNK", ""), ("T-HDRMISS", "Reason"), ("T-HDRMISS", "ActionID")],
        ),
    ],
)
def test_a_header_that_cannot_make_a_batch_is_refused_with_all_its_mistakes(level, header, expected):
    """Each mistake is one fault with the column it concerns."""
    with pytest.raises(RefusedHeader) as refused:
        make(level, header)
    assert expected == [(fault.code, fault.field) for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("level", "header", "mend"),
    [
        (Level.ORDER, "ActionID,Amount,Raeson,Reason", "did you mean Reason?"),
        (Level.ITEM, "ActionID,SKU,Sku2,Reason", "one row per item, with a column SKU"),
        (Level.ORDER, "ActionID,Amount,Reason,Warehouse", "the columns are ActionID, Oid"),
    ],
)
def test_an_unknown_column_is_told_what_to_write(level, header, mend):
    """The nearest column, or the form that takes items."""
    with pytest.raises(RefusedHeader) as refused:
        make(level, header)
    assert mend in refused.value.faults[0].mend


@pytest.mark.parametrize(
    "codes",
    [
        {"RESET": None},
        {"MINE": Change.RESET},
        {"": None},
        {" MINE": None},
        {"x" * 65: None},
        {"=MINE": None},
        {"MI\u200bNE": None},
    ],
)
def test_a_code_that_cannot_be_sent_is_refused_with_the_settings(codes):
    """Before any row is read."""
    with pytest.raises(RefusedHeader) as refused:
        make(Level.ORDER, "ActionID,Amount,Reason", codes)
    assert [fault.code for fault in refused.value.faults] == ["C-CODE"]


def test_an_unknown_account_currency_is_refused_together_with_the_header():
    """All mistakes come at once."""
    with pytest.raises(RefusedHeader) as refused:
        make(Level.ORDER, "ActionID,Amount", currency="eur")
    assert [(fault.code, fault.mend) for fault in refused.value.faults][1] == ("C-CUR", "did you mean EUR?")


@pytest.mark.parametrize(
    ("header", "needed"),
    [
        ("Oid,ActionTrackerID,Amount,Reason", {"Oid", "ActionTrackerID", "Reason"}),
        ("ActionID,Amount,Reason", {"ActionID", "Reason"}),
        ("ActionID,Oid,Amount,Reason", {"ActionID", "Reason"}),
        ("ActionID,Oid,ActionTrackerID,Amount,Reason", {"Reason"}),
    ],
)
def test_the_only_identifiers_of_a_batch_are_needed_on_every_row(header, needed):
    """With both ways to tell an action, the row as a whole is judged instead."""
    rules = make(Level.ORDER, header)
    refused = {name for name, rule in zip(rules.header, rules.columns, strict=True) if rule("") != ""}
    assert needed == refused
