"""Which column is proposed for what: by its name, unless what stands in it says otherwise."""

from __future__ import annotations

import pytest

from agent.starting.columns import propose
from agent.starting.texts import Column


def picked(**columns):
    """Propose uses for columns; return the name of the column for each."""
    return {use: pick.column.name for use, pick in propose([Column(*one) for one in columns.items()]).items()}


@pytest.mark.parametrize("texts", [("81.2.69.142", "10.0.0.1"), ("9.3.3", "10.1.12")])
def test_addresses_and_versions_are_no_ids_of_impact(texts):
    """They have points, too, and stand in exports of shops; the order's own number is taken."""
    assert picked(customer_ip_address=texts, order_number=("5101", "5102")) == {"order": "order_number"}


def test_impacts_ids_are_known_by_their_form():
    """Whatever the column is called."""
    assert picked(theirs=("1000.4636.158133", "M.8882.4808.1063415")) == {"action_id": "theirs"}


def test_a_customers_name_is_no_orders_number():
    """Where a column is called just “name”, which is the order's number in some exports."""
    assert picked(Name=("Ann Lee", "Bob")) == {}
    assert picked(Name=("#1001", "#1002")) == {"order": "Name"}


def test_a_cell_with_several_articles_is_no_articles_number():
    """No row of a batch could name them both."""
    assert "sku" not in picked(SKU=("TEE-R,TEE-B", "TEE-R"))


def test_the_sign_by_which_spreadsheets_mark_texts_is_no_part_of_an_id():
    """Some exports keep it."""
    assert Column("Order", ("'00012345", "'00012346")).prefix == "'"


def test_texts_that_name_each_record_are_no_reasons():
    """A description with the order's number in it says nothing that comes again."""
    texts = ("Order W-5101", "REFUND FOR CHARGE (W-5102)", "Order W-5103", "STRIPE PAYOUT")
    assert picked(description=texts) == {}
    assert picked(description=("damaged", "too small", "gift")) == {"reason": "description"}


def test_what_is_left_is_never_below_nothing():
    """A refund's net sum has a minus in lists of payments."""
    assert picked(net_sales=("29.99", "19.99")) == {"left": "net_sales"}
    assert picked(net_sales=("29.99", "-19.99")) == {}


def test_a_payment_services_own_order_id_is_not_taken_alone():
    """The shop's own number is called the merchant's reference there."""
    columns = [
        Column("order_id", ("b04f5e2c-1", "b04f5e2c-2")),
        Column("merchant_reference1", ("W-1", "W-2")),
    ]
    pick = propose(columns)["order"]
    assert (pick.sure, pick.others) == (False, ("merchant_reference1",))
