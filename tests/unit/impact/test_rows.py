"""Rules for whole rows: what a row does, and which cells do not go together."""

from decimal import Decimal
from itertools import product

import pytest

from agent.impact.rules import row_rules
from agent.model import Change, Level

ORDER = ["ActionID", "Oid", "ActionTrackerID", "Amount", "currencyCode", "CustomerStatus", "Reason"]
ITEM = ["ActionID", "Oid", "ActionTrackerID", "SKU", "Amount", "Quantity", "Category", "Reason"]
CODES = {
    "VALIDATED": Change.APPROVAL,
    "RETURNED": Change.REVERSAL,
    "CORRECTED": Change.MODIFICATION,
    "OPEN": None,
    "APPROVED": None,
    "REJECTED": None,
    "OTHER": Change.REVERSAL,
}
A = "1000.4636.158133"


def verdict(level, header, cells, codes=CODES, currency=""):
    """Judge a row twice, the second time as a list and from memory."""
    rules = row_rules(level, header, codes=codes, currency=currency, max_amount=Decimal("999999.99"))
    assert tuple(header) == rules.header
    twice = [rules.judge(cells), rules.judge(list(cells))]
    assert twice[0] == twice[1]
    return str(twice[0].change), sorted(fault.code for fault in twice[0].faults)


@pytest.mark.parametrize(
    ("cells", "change", "codes"),
    [
        ((A, "", "", "0", "", "", "ITEM_RETURNED"), "reversal", []),
        (("", "O1", "16027", "0", "", "", "CONS_FRAUD"), "reversal", []),
        ((A, "", "", "19.99", "", "", "ORDER_UPDATE"), "modification", []),
        ((A, "O1", "16027", "19.99", "USD", "NEW", "ORDER_UPDATE"), "modification", []),
        ((A, "O1", "", "19.99", "", "", "ORDER_UPDATE"), "modification", []),
        (("", "O1", "", "0", "", "", "CONS_FRAUD"), "reversal", ["E-REQ"]),
        (("", "", "16027", "0", "", "", "CONS_FRAUD"), "reversal", ["E-REQ"]),
        (("", "", "", "0", "", "", "CONS_FRAUD"), "reversal", ["E-ID"]),
        ((A, "", "", "0", "", "EXISTING", "ITEM_RETURNED"), "reversal", ["E-FORBID"]),
        ((A, "", "", "0", "USD", "", "ITEM_RETURNED"), "reversal", ["W-UNLISTED"]),
        ((A, "", "", "0", "", "", "ORDER_UPDATE"), "reversal", ["W-UPDREV"]),
        ((A, "", "", "0", "", "", "CORRECTED"), "modification", ["W-UPDREV"]),
        ((A, "", "", "", "", "NEW", "ORDER_UPDATE"), "modification", ["W-NOAMOUNT"]),
        ((A, "", "", "", "USD", "", "ORDER_UPDATE"), "modification", ["W-NOAMOUNT"]),
        ((A, "", "", "", "", "", "ORDER_UPDATE"), "modification", ["W-NOCHANGE"]),
        ((A, "", "", "", "", "", "OPEN"), "modification", ["W-NOCHANGE"]),
        ((A, "", "", "", "", "", "VALIDATED"), "approval", []),
        ((A, "", "", "12.00", "", "", "VALIDATED"), "approval", []),
        ((A, "", "", "0", "", "", "VALIDATED"), "approval", ["E-CODEAMT"]),
        ((A, "", "", "", "", "", "APPROVED"), "approval", []),
        ((A, "", "", "0", "", "", "REJECTED"), "reversal", []),
        ((A, "", "", "5.00", "", "", "REJECTED"), "reversal", ["E-CODEAMT"]),
        ((A, "", "", "0", "", "", "RETURNED"), "reversal", []),
        ((A, "", "", "", "", "", "RETURNED"), "reversal", ["W-NOAMOUNT"]),
        ((A, "", "", "5.00", "", "", "RETURNED"), "reversal", ["E-CODEAMT"]),
        ((A, "", "", "5.00", "", "", "OTHER"), "reversal", ["E-CODEAMT"]),
        ((A, "", "", "5.00", "", "", "CORRECTED"), "modification", []),
        ((A, "", "", "0", "", "", "OPEN"), "reversal", []),
        ((A, "", "", "5.00", "", "", "OPEN"), "modification", []),
        ((A, "", "", "100.00", "JPY", "", "ORDER_UPDATE"), "modification", []),
        ((A, "", "", "100.50", "JPY", "", "ORDER_UPDATE"), "modification", ["E-SCALE"]),
        ((A, "", "", "100.50", "BHD", "", "ORDER_UPDATE"), "modification", []),
        (
            ("", "O1", "", "0", "USD", "NEW", "ORDER_UPDATE"),
            "reversal",
            ["E-FORBID", "E-REQ", "W-UNLISTED", "W-UPDREV"],
        ),
    ],
)
def test_order_rows(cells, change, codes):
    """Amount 0 reverses, unless the code says what it does; all that is wrong is named at once."""
    assert (change, codes) == verdict(Level.ORDER, ORDER, cells)


@pytest.mark.parametrize(
    ("cells", "change", "codes"),
    [
        ((A, "", "", "O7427540", "0", "0", "", "ITEM_RETURNED"), "reversal", []),
        ((A, "", "", "O7427540", "15.00", "1", "", "ORDER_UPDATE"), "modification", []),
        (("", "O1", "16027", "S", "15.00", "1", "Shoes", "ORDER_UPDATE"), "modification", []),
        ((A, "", "", "S", "15.00", "", "", "ORDER_UPDATE"), "modification", ["W-NOQTY"]),
        ((A, "", "", "S", "0", "", "", "ITEM_RETURNED"), "reversal", ["W-NOQTY"]),
        ((A, "", "", "S", "", "2", "", "ORDER_UPDATE"), "modification", ["E-REQ"]),
        ((A, "", "", "S", "", "0", "", "ITEM_RETURNED"), "modification", ["E-REQ"]),
        ((A, "", "", "S", "15.00", "0", "", "ITEM_RETURNED"), "modification", ["E-QTYZERO"]),
        ((A, "", "", "S", "0", "2", "", "ITEM_RETURNED"), "reversal", ["W-QTYREV"]),
        ((A, "", "", "S", "", "", "Shoes", "ORDER_UPDATE"), "modification", ["W-NOQTY"]),
        ((A, "", "", "S", "", "", "", "ORDER_UPDATE"), "modification", ["W-NOCHANGE", "W-NOQTY"]),
        ((A, "", "", "S", "0", "0", "Shoes", "ITEM_RETURNED"), "reversal", ["W-UNLISTED"]),
        ((A, "", "", "S", "0", "0", "", "ORDER_UPDATE"), "reversal", ["W-UPDREV"]),
        ((A, "", "", "S", "", "", "", "VALIDATED"), "approval", []),
        ((A, "", "", "S", "", "2", "", "VALIDATED"), "approval", ["E-REQ"]),
        ((A, "", "", "S", "0", "0", "", "VALIDATED"), "approval", ["E-CODEAMT"]),
        ((A, "", "", "S", "", "", "", "RETURNED"), "reversal", ["W-NOAMOUNT", "W-NOQTY"]),
        (("", "", "", "S", "0", "0", "", "ITEM_RETURNED"), "reversal", ["E-ID"]),
        (("", "O1", "", "S", "0", "0", "", "ITEM_RETURNED"), "reversal", ["E-REQ"]),
    ],
)
def test_item_rows(cells, change, codes):
    """A row names the new line total and quantity; 0 and 0 take the item back."""
    assert (change, codes) == verdict(Level.ITEM, ITEM, cells)


@pytest.mark.parametrize(
    ("currency", "amount", "codes"),
    [
        ("JPY", "100.50", ["E-SCALE"]),
        ("JPY", "100.00", []),
        ("JPY", "0", []),
        ("EUR", "100.50", []),
        ("", "100.50", []),
    ],
)
def test_the_account_currency_counts_where_a_row_names_none(currency, amount, codes):
    """Decimals that the currency has not are refused, at item level too."""
    header, cells = (
        ["ActionID", "SKU", "Amount", "Quantity", "Reason"],
        (A, "S", amount, "0" if amount == "0" else "1", "OPEN"),
    )
    assert codes == verdict(Level.ITEM, header, cells, currency=currency)[1]


def test_the_row_currency_counts_before_the_account_currency():
    """An amount with cents in USD passes in an account of JPY."""
    cells = (A, "", "", "100.50", "USD", "", "ORDER_UPDATE")
    assert verdict(Level.ORDER, ORDER, cells, currency="JPY") == ("modification", [])


@pytest.mark.parametrize(
    ("cells", "change", "codes"),
    [
        (("M.8882.4808.1063415", "0", "REJECTED"), "reversal", []),
        (("M.8882.4808.1063415", "0", "ITEM_RETURNED"), "reversal", []),
        (("M.8882.4808.1063415", "5.00", "ORDER_UPDATE"), "modification", []),
    ],
)
def test_mobile_rows(cells, change, codes):
    """The official sample row is a reversal."""
    assert (change, codes) == verdict(Level.MOBILE, ["ActionID", "Amount", "Reason"], cells)


def test_reset_rows():
    """The official sample row resets, and nothing else can be wrong with it."""
    header = ["Oid", "ActionTrackerID", "Reason"]
    assert verdict(Level.RESET, header, ("O9999935", "16027", "RESET")) == ("reset", [])


def test_a_reset_code_of_the_feed_changes_nothing_in_a_reset_file():
    """The feed's own codes are for the other levels."""
    header = ["Oid", "ActionTrackerID", "Reason"]
    assert verdict(Level.RESET, header, ("O1", "1", "RESET"), codes={}) == ("reset", [])


@pytest.mark.parametrize("missing", ["Amount", "Quantity", "Category", "ActionID"])
def test_rows_are_judged_alike_whichever_columns_a_batch_has(missing):
    """A column that is not there counts as empty."""
    if missing == "Amount":
        header, cells = ["ActionID", "SKU", "Category", "Reason"], (A, "S", "Shoes", "ORDER_UPDATE")
        full = (A, "", "", "S", "", "", "Shoes", "ORDER_UPDATE")
    else:
        full = (
            "" if missing == "ActionID" else A,
            "O1",
            "1",
            "S",
            "5.00",
            "" if missing == "Quantity" else "1",
            "",
            "OPEN",
        )
        kept = [place for place, name in enumerate(ITEM) if name != missing]
        header, cells = [ITEM[place] for place in kept], tuple(full[place] for place in kept)
    assert verdict(Level.ITEM, ITEM, full) == verdict(Level.ITEM, header, cells)


def test_a_judgement_does_not_leak_into_rows_that_look_alike():
    """Whatever came before, each row gets the verdict that it gets alone."""
    ways = (("", A), ("", "O1"), ("", "1"), ("", "0", "5.00", "5.50"), ("", "USD", "JPY"), ("", "NEW"))
    rows = [(*cells, reason) for reason in ("ORDER_UPDATE", "RETURNED") for cells in product(*ways)]
    fresh = [row_rules(Level.ORDER, ORDER, codes=CODES, currency="", max_amount=Decimal(1000)) for _ in rows]
    assert [rules.judge(row) for rules, row in zip(fresh, rows, strict=True)] == list(
        map(fresh[0].judge, rows)
    )


def test_what_the_feed_says_about_a_standard_code_counts():
    """ORDER_UPDATE means an update unless the event type has it as a code that reverses."""
    cells = (A, "", "", "0", "", "", "ORDER_UPDATE")
    assert verdict(Level.ORDER, ORDER, cells, codes={}) == ("reversal", ["W-UPDREV"])
    assert verdict(Level.ORDER, ORDER, cells, codes={"ORDER_UPDATE": Change.REVERSAL}) == ("reversal", [])


def test_an_amount_with_too_many_decimals_is_told_for_each_row():
    """The value found is that row's own, although other verdicts are remembered."""
    rules = row_rules(Level.ORDER, ORDER, codes={}, currency="JPY", max_amount=Decimal(1000))
    rows = [(A, "", "", amount, "", "", "ORDER_UPDATE") for amount in ("1.50", "2.50", "1.50")]
    assert [rules.judge(row).faults[0].found for row in rows] == ["1.50", "2.50", "1.50"]
