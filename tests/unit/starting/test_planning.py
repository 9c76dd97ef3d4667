"""What a draft does with exports as shops and payment services write them: never more than the file tells."""

from __future__ import annotations

import io
import json

import pytest

from agent.model import Level
from agent.starting.drafting import template_text
from agent.starting.feedfile import feed_text
from agent.starting.planning import planned
from agent.starting.sampling import sampled


def plan_of(text):
    """Plan a feed for a sample."""
    return planned(sampled(io.BytesIO(text.encode())), None)


def drafted(text):
    """Return the template for a sample."""
    return template_text(plan_of(text), "sample.csv")


@pytest.mark.parametrize("name", ["Type", "Event Type", "reporting_category", "Typ"])
def test_sales_and_refunds_in_one_list_are_told_apart(name):
    """A sale is never taken back; a refund's own sum says not how much of the order is left."""
    plan = plan_of(f"Order,{name},Amount\nA-1,Payment,9.50\nA-2,Refund,-3.00\nA-3,Refund,-4.00\n")
    assert (plan.amount, plan.statuses) == ("open", {"standing": ("payment",), "refunded": ("refund",)})


def test_a_status_that_tells_of_refunds_counts_more_than_a_kind():
    """And a kind that tells of them more than a status that does not."""
    text = "Order,Status,Type\nA-1,{},order\nA-2,completed,refund\n"
    assert plan_of(text.format("refunded")).column("status").name == "Status"
    assert plan_of(text.format("completed")).column("status").name == "Type"


def test_a_credit_memo_is_not_its_orders_total():
    """Where each record's total is what was given back, the difference would be 0, and all of each order taken back."""
    text = "Credit Memo,Order #,Status,Refunded,Grand Total\n{}"
    memos = "01,A-1,Refunded,$9.50,$9.50\n02,A-2,Refunded,$3.00,$3.00\n"
    orders = "01,A-1,Refunded,$9.50,$9.50\n02,A-2,Complete,$3.00,$8.00\n"
    assert plan_of(text.format(memos)).amount == "open"
    assert plan_of(text.format(orders)).amount == "difference"


@pytest.mark.parametrize(
    ("name", "cells", "condition"),
    [
        ("Refund Amount", ("0.00", "3.00"), '{% elif (row["Refund Amount"] | amount or "0") | float != 0 %}'),
        ("refund_items", ("", "amount:3.00|reason:"), "{% elif row.refund_items | trim %}"),
        ("payment", ("Paid", "Part refund"), '{% elif (row.payment | lower | trim) in ("part refund",) %}'),
    ],
)  # fmt: skip
def test_what_was_given_back_beside_the_status_is_not_passed_over(name, cells, condition):
    """A completed order of which something was given back is named and not sent, until a person says so."""
    one, two = cells
    text = f"Order,Status,SKU,{name}\nA-1,completed,R,{one}\nA-2,completed,R,{two}\nA-3,cancelled,R,{one}\n"
    template = drafted(text)
    assert condition in template.splitlines()
    assert "bad_rows" in feed_text(plan_of(text), sampled(io.BytesIO(text.encode())), "shop", "s.csv", "x")


def test_refunds_inside_a_record_are_not_passed_over():
    """Orders of an interface have theirs as a list."""
    item = [{"sku": "R", "quantity": 1}]
    orders = [
        {"id": 1, "status": "completed", "line_items": item, "refunds": [{"id": 7, "total": "-3.00"}]},
        {"id": 2, "status": "cancelled", "line_items": item, "refunds": []},
    ]
    assert '{% elif row["refunds"] | length %}' in drafted(json.dumps(orders)).splitlines()


def test_an_orders_sum_is_not_its_items():
    """Beside a list of items, and in a table of items by its name."""
    orders = [
        {"order_number": "A-1", "financial_status": "refunded", "current_total_price": "0.00",
         "line_items": [{"sku": "R", "price": "2.50", "current_quantity": 0}, {"sku": "B", "price": "3.00"}]}
    ]  # fmt: skip
    plan = plan_of(json.dumps(orders))
    assert (plan.amount, "left" in plan.picks) == ("open", False)
    assert plan_of("Order,SKU,Order total after\nA-1,R,9.50\nA-1,B,9.50\n").amount == "open"
    assert plan_of("Order,Order total after\nA-1,9.50\nA-2,9.50\n").amount == "left"


def test_what_is_asked_of_an_item_is_asked_inside_its_loop():
    """There the record's items have a name; before it, no line that a person writes could use them."""
    orders = [
        {"order_number": "A-1", "line_items": [{"sku": "R", "price": "2.50", "quantity": 1}, {"sku": "B"}]}
    ]
    lines = drafted(json.dumps(orders)).splitlines()
    assert lines.index('{% for item in row["line_items"] %}') < lines.index('{% set amount = "CHECK" %}')


@pytest.mark.parametrize(
    ("header", "left", "quantity"),
    [
        ("Order,SKU,Value old,Value new,Qty old,Qty new", "Value new", "Qty new"),
        ("Order,SKU,gross_before,gross_after,units_before,units_after", "gross_after", "units_after"),
        ("Order,SKU,OrigLineTotal,FinalLineTotal,OrigQty,FinalQty", "FinalLineTotal", "FinalQty"),
        ("Auftrag,Artikelnr.,Wert alt,Wert neu,Menge alt,Menge neu", "Wert neu", "Menge neu"),
        (
            "Order,SKU,Original value,Value after refund,Original qty,Qty kept",
            "Value after refund",
            "Qty kept",
        ),
    ],
)
def test_a_name_tells_what_was_there_before_and_what_is_left(header, left, quantity):
    """The one before is never taken for what is left."""
    plan = plan_of(f"{header}\nA-1,R,9.50,5.00,2,1\nA-2,R,4.00,0.00,1,0\n")
    assert (plan.column("left").name, plan.column("quantity_left").name) == (left, quantity)


def test_neither_what_was_there_before_nor_what_was_given_back_is_offered_as_what_is_left():
    """The lines to choose from are lines that may be right."""
    assert "is what is left" not in drafted("Order,Original value\nA-1,9.50\n")
    assert "is what is left" not in drafted("Order,SKU,Refunded amount,Original qty\nA-1,R,9.50,2\n")
    assert "is what is left" in drafted("Order,Amount\nA-1,9.50\n")


def test_hundredths_are_divided():
    """As payment services write them, whole: cents taken for euros are a hundred times too much."""
    template = drafted(
        '{"order_number": "A-1", "amount_cents": 1234}\n{"order_number": "A-2", "amount_cents": 99}\n'
    )
    assert "where “amount_cents” is what is left" in template
    assert "{% set amount = (row.amount_cents | amount | float / 100) %}" in template
    assert "“amount_cents” are taken for hundredths" in template


@pytest.mark.parametrize(
    "text", ["Remboursement partiel", "Refunded (partially)", "partially_cancelled", "Teilweise storniert"]
)
def test_a_part_of_a_refund_is_known_in_other_words(text):
    """What is left is not in the file then."""
    plan = plan_of(f"Order,Status\nA-1,{text}\nA-2,refunded\n")
    assert plan.statuses["partly"] == (text.lower(),)


def test_an_order_of_which_nothing_is_left_names_no_currency():
    """On a reversal the column means nothing, and impact.com's rules would say so of each row."""
    template = drafted("Order,Total,Refunded,Currency\nA-1,9.50,3.00,EUR\nA-2,4.00,4.00,EUR\n")
    assert '{{ row.Currency if amount else "" }}' in template


def test_a_line_without_a_reason_is_a_line():
    """Only what every order's first line alone has tells the lines apart."""
    plan = plan_of("Order,New total,Why\nA-1,9.50,damaged\nA-2,4.00,damaged\nA-2,3.00,\n")
    assert (plan.level, plan.only) == (Level.ORDER, None)


def test_whole_figures_that_may_be_hundredths_are_asked_about():
    """Interfaces of payment services write them without saying so; other files have small figures, or decimals."""
    asked = "Where they are hundredths"
    assert asked in drafted("Order,Amount\nA-1,3499\nA-2,123450\n")
    assert asked not in drafted("Order,Amount\nA-1,3499\nA-2,12\n")
    assert asked not in drafted("Order,Amount\nA-1,34.99\nA-2,1234\n")


def test_a_price_of_one_piece_is_not_what_is_left():
    """Of two pieces, twice as much is."""
    text = "Order,SKU,Qty,Old price,New price\nA-1,R,2,29.99,24.99\nA-2,B,1,40.00,0.00\n"
    assert plan_of(text).amount == "open"
    template = drafted(text)
    assert '(row["New price"] | amount | float * (row.Qty | quantity | int)).normalize()' in template
    assert "where “New price” is what is left" not in template


def test_an_invoices_number_is_likelier_the_orders_than_a_payments():
    """A payment service gives each refund a number of its own."""
    plan = plan_of("Transaction ID,Invoice Number,Amount\n5AB1,W-1,9.50\n6AB2,W-2,3.00\n")
    assert plan.column("order").name == "Invoice Number"
