"""Orders that were sent before: the same is left out, an older value is kept back, what is new goes."""

from __future__ import annotations

import json

import pytest

from agent.model import Counts
from agent.preparing.pipeline import prepare
from agent.preparing.remembered import read_orders
from tests.remembering import Memory
from tests.unit.preparing.test_pipeline import HEADER, TWO_ORDERS, Desk, codes

GROUPED = f"""\
{HEADER}
{{% for order, records in rows | groupby("Order") %}}
{{% for row in records %}}
{{{{ order }}}},{{{{ feed.tracker }}}},{{{{ row.Sku }}}},{{{{ row.Amount }}}},1,OTHER
{{% endfor %}}
{{% endfor %}}
"""


class Office(Desk):
    """A desk that remembers what it has sent."""

    def __init__(self, folder):
        super().__init__(folder)
        self.memory = Memory()

    def drop(self, *records, again=False, **how):
        """Prepare a file and send what comes out; return how that ended, and the rows."""
        for path in self.scratch.iterdir():
            path.unlink()
        text = "".join(f"{record}\r\n" for record in ("Take,Order,Sku,Amount", *records))
        job = self.job(text, **how)
        prepared = prepare(
            job.__class__.from_json(json.dumps(json.loads(job.to_json()) | {"again": again})),
            lambda _: None,
            self.memory.ask,
        )
        self.memory.take(job, prepared)
        return prepared, [line for batch in self.batches(prepared) for line in batch]

    def found(self, code):
        """Return record and what is said of the findings of a code."""
        lines = (self.scratch / "findings").read_text(encoding="utf-8").splitlines()
        return [(one["record"], one["found"]) for one in map(json.loads, lines) if one["code"] == code]


@pytest.fixture
def office(tmp_path):
    """A folder to prepare in."""
    return Office(tmp_path)


def item(order, sku, amount):
    """Give an item's row as it stands in a batch."""
    return f"{order},16027,{sku},{amount},1,OTHER"


def test_what_was_sent_with_the_same_values_is_left_out(office):
    """An export that repeats the days before sends what is new; what counts is the row as written."""
    office.drop("y,A,s1,5", "y,B,s1,1")
    prepared, rows = office.drop("y,A,s1,5.00", "y,C,s1,1", "y,B,s1,1")
    assert rows == [item("C", "s1", "1.00")]
    assert Counts(records=3, sent=1, repeated=2, rows=1, orders=3) == prepared.counts
    assert codes(prepared) == {"N-RESENT": 2}
    assert office.found("N-RESENT") == [
        (1, "submission 1 of 1970-01-01"),
        (3, "submission 1 of 1970-01-01"),
    ]


def test_a_file_of_which_everything_was_sent_sends_nothing(office):
    """And that is no mistake."""
    office.drop("y,A,s1,5")
    prepared, rows = office.drop("n,Z,s1,5", "y,A,s1,5")
    assert (prepared.verdict, rows, codes(prepared)) == ("nothing", [], {"N-RESENT": 1})
    assert Counts(records=2, repeated=1, skipped=1, orders=1) == prepared.counts


def test_another_value_goes_with_a_warning(office):
    """A second correction of an order is what corrections are for."""
    office.drop("y,A,s1,5")
    prepared, rows = office.drop("y,B,s1,1", "y,A,s1,3")
    assert rows == [item("B", "s1", "1.00"), item("A", "s1", "3.00")]
    assert codes(prepared) == {"W-RESENT": 1}
    assert office.found("W-RESENT") == [(2, "submission 1 of 1970-01-01")]


def test_an_older_value_is_kept_back(office):
    """An old export that is dropped again does not undo the correction that came between."""
    office.drop("y,A,s1,5")
    office.drop("y,A,s1,3")
    prepared, rows = office.drop("y,A,s0,1", "y,A,s1,5", "y,B,s1,1")
    assert rows == [item("B", "s1", "1.00")]
    assert Counts(records=3, sent=1, kept_back=2, rows=1, orders=2, bad_orders=1) == prepared.counts
    assert office.rejects(prepared) == [("y,A,s0,1", "E-ORDERKEPT"), ("y,A,s1,5", "E-RESENT")]
    assert office.found("E-RESENT") == [(2, "submission 2 of 1970-01-01")]


def test_the_last_value_may_come_again_after_an_older_one_was_refused(office):
    """What was refused was not sent."""
    office.drop("y,A,s1,5")
    office.drop("y,A,s1,3")
    office.drop("y,A,s1,5")
    prepared, rows = office.drop("y,A,s1,3")
    assert (rows, codes(prepared)) == ([], {"N-RESENT": 1})


def test_an_item_that_is_new_takes_its_order_along(office):
    """An order is sent whole."""
    office.drop("y,A,s1,5")
    _, rows = office.drop("y,A,s1,5", "y,A,s2,1")
    assert rows == [item("A", "s1", "5.00"), item("A", "s2", "1.00")]
    assert office.drop("y,A,s2,1", "y,A,s1,5")[1] == []


@pytest.mark.parametrize(
    ("policy", "rows", "found"),
    [
        ("leave-out", [], {"N-RESENT": 1}),
        ("send", [item("A", "s1", "5.00")], {"W-RESENT": 1}),
        ("refuse", [], {"E-RESENT": 1}),
    ],
)
def test_the_feed_says_what_becomes_of_the_same_once_more(office, policy, rows, found):
    """Left out, sent or refused."""
    office.drop("y,A,s1,5")
    prepared, sent = office.drop("y,A,s1,5", sent_before=policy)
    assert (sent, codes(prepared)) == (rows, found)


@pytest.mark.parametrize(
    ("policy", "rows", "found"),
    [("send", [item("A", "s1", "5.00")], {"W-RESENT": 1}), ("refuse", [], {"E-RESENT": 1})],
)
def test_the_feed_says_what_becomes_of_an_older_value(office, policy, rows, found):
    """Sent or refused."""
    office.drop("y,A,s1,5")
    office.drop("y,A,s1,3")
    prepared, sent = office.drop("y,A,s1,5", sent_before=policy)
    assert (sent, codes(prepared)) == (rows, found)


def test_a_file_that_goes_out_again_on_purpose_goes_whole(office):
    """Whatever was sent before, and whatever the feed says."""
    office.drop("y,A,s1,5", "y,B,s1,1")
    office.drop("y,A,s1,3")
    prepared, rows = office.drop("y,A,s1,5", "y,B,s1,1", again=True, sent_before="refuse")
    assert rows == [item("A", "s1", "5.00"), item("B", "s1", "1.00")]
    assert codes(prepared) == {"W-RESENT": 2}


def test_a_scattered_order_counts_as_a_whole(office):
    """Its rows are compared together, wherever they stand, repeats included."""
    office.drop("y,A,s1,5", "y,A,s2,1", "y,B,s1,1")
    prepared, rows = office.drop("y,A,s1,5", "y,C,s1,1", "y,A,s2,1", "y,B,s1,1", "y,A,s1,5")
    assert rows == [item("C", "s1", "1.00")]
    assert Counts(records=5, sent=1, repeated=4, rows=1, orders=3) == prepared.counts
    assert codes(prepared) == {"N-RESENT": 4}


def test_an_order_that_comes_twice_alike_is_left_out_as_often(office):
    """Also where its runs are the same to the byte."""
    office.drop("y,A,s1,5")
    prepared, rows = office.drop("y,A,s1,5", "y,B,s1,1", "y,A,s1,5")
    assert rows == [item("B", "s1", "1.00")]
    assert Counts(records=3, sent=1, repeated=2, rows=1, orders=2) == prepared.counts
    assert codes(prepared) == {"N-RESENT": 2}


def test_a_scattered_order_is_remembered_where_it_is_sent(office):
    """It may go into another batch than its first row would have; the repeats count nowhere."""
    prepared, _ = office.drop("y,A,s1,5", "y,B,s1,1", "y,A,s2,1", "y,B,s1,1", max_rows=2)
    places = {mark: place for place, mark, _ in read_orders(office.scratch / prepared.orders_file)}
    assert [len(batch) for batch in office.batches(prepared)] == [1, 2]
    assert sorted(places.values()) == [0, 1]
    assert office.drop("y,A,s1,5", "y,A,s2,1", "y,B,s1,1")[1] == []


def test_what_is_kept_back_is_not_remembered(office):
    """It was never sent: when it has been mended it goes."""
    _, rows = office.drop("y,A,s1,5", "y,A,s2,wrong", "y,B,s1,1")
    assert rows == [item("B", "s1", "1.00")]
    _, rows = office.drop("y,A,s1,5", "y,A,s2,1", "y,B,s1,1")
    assert rows == [item("A", "s1", "5.00"), item("A", "s2", "1.00")]


def test_a_refused_file_is_not_remembered(office):
    """Nothing of it was sent."""
    prepared, _ = office.drop("y,A,s1,wrong", "y,B,s1,1", bad_rows={"policy": "refuse-file"})
    assert (prepared.verdict, prepared.orders_file) == ("refused", "")
    assert office.drop("y,B,s1,1")[1] == [item("B", "s1", "1.00")]


def test_an_order_is_found_again_whoever_groups_it(office):
    """Several records may stand behind one row, in one order each."""
    office.drop("y,A,s1,5", "y,B,s1,1", "y,A,s2,2")
    prepared, rows = office.drop("y,B,s1,1", "y,A,s1,5", "y,C,s1,1", "y,A,s2,2", template=GROUPED)
    assert rows == [item("C", "s1", "1.00")]
    assert Counts(records=4, sent=1, repeated=3, rows=1, orders=3) == prepared.counts


def test_a_record_with_rows_in_two_orders_is_sent_if_one_of_them_is(office):
    """The other one's row is left out, and the counts balance."""
    office.drop("B,A,s1,5", template=TWO_ORDERS)
    prepared, rows = office.drop("C,A,s1,5", template=TWO_ORDERS)
    assert [row.split(",")[0] for row in rows] == ["C"]
    assert Counts(records=1, sent=1, rows=1, orders=2) == prepared.counts
    prepared, rows = office.drop("C,A,s1,5", template=TWO_ORDERS)
    assert rows == []
    assert Counts(records=1, repeated=1, orders=2) == prepared.counts


def test_an_older_value_takes_the_other_order_of_its_record_with_it(office):
    """What hangs together is kept back together."""
    office.drop("B,A,s1,5", template=TWO_ORDERS)
    office.drop("B,A,s1,3", template=TWO_ORDERS)
    prepared, rows = office.drop("C,A,s1,5", "E,D,s1,1", template=TWO_ORDERS)
    assert [row.split(",")[0] for row in rows] == ["D", "E"]
    assert Counts(records=2, sent=1, kept_back=1, rows=2, orders=4, bad_orders=2) == prepared.counts


def test_totals_are_of_what_is_sent(office):
    """Not of what was left out."""
    office.drop("y,A,s1,5", "y,B,s1,1")
    prepared, _ = office.drop("y,A,s1,5", "y,B,s1,2", "y,C,s1,4")
    (draft,) = prepared.drafts
    assert [(total.rows, str(total.amount)) for total in draft.totals] == [(2, "6.00")]
