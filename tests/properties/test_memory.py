"""File after file, whatever is dropped: nothing is sent twice, no older value is put back, nothing else is held."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.model import Level
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed
from tests.remembering import Memory

HEADER = "Oid,ActionTrackerID,SKU,Amount,Reason"
PLAIN = """\
{% for row in rows %}
{{ row.Order }},1,{{ row.Sku }},{{ row.Amount }},OTHER
{% endfor %}
"""
TWO_ORDERS = """\
{% for row in rows %}
{{ row.Order }},1,{{ row.Sku }},{{ row.Amount }},OTHER
{{ row.Other }},1,{{ row.Sku }},{{ row.Amount }},OTHER
{% endfor %}
"""
GROUPED = """\
{% for order, lines in rows | groupby("Order") %}
{% for row in lines %}
{{ order }},1,{{ row.Sku }},{{ row.Amount }},OTHER
{% endfor %}
{% endfor %}
"""
_ROOM = 12  # rows of a batch: as many as any order can have
record = st.tuples(*map(st.sampled_from, ("ABCD", "ABCD", ("s1", "s2"), ("1.00", "2.00", "3.00"))))
files = st.lists(st.lists(record, min_size=1, max_size=6), min_size=2, max_size=5)


def by_item(rows):
    """Give what rows say: order → SKU → the set of amounts."""
    said = defaultdict(lambda: defaultdict(set))
    for order, sku, amount in rows:
        said[order][sku].add(amount)
    return {order: {sku: frozenset(found) for sku, found in items.items()} for order, items in said.items()}


def rows_of(template, records):
    """Give the rows that a template makes of records: order, SKU, amount."""
    for order, other, sku, amount in records:
        yield order, sku, amount
        if template is TWO_ORDERS:
            yield other, sku, amount


def sent(folder, template, records, memory):
    """Prepare a file and deliver what comes out; return the rows as they were sent, and the counts."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        scratch, source = Path(place), Path(place) / "source"
        text = "\n".join(["Order,Other,Sku,Amount", *map(",".join, records), ""])
        source.write_text(text)
        feed = Feed(
            name="shop", level=Level.ITEM, template="t", destination="d", delimiter="comma",
            bad_rows={"at_most": "100%"},
        )  # fmt: skip
        job = Job(feed, f"{HEADER}\n{template}", "", source, scratch, _ROOM)
        prepared = prepare(job, lambda _: None, memory.ask)
        memory.take(job, prepared)
        lines = [(scratch / draft.file).read_text() for draft in prepared.drafts]
        rows = [row for text in lines for row in csv.DictReader(io.StringIO(text))]
        return prepared, [(row["Oid"], row["SKU"], row["Amount"]) for row in rows]


@pytest.mark.parametrize("template", [PLAIN, TWO_ORDERS, GROUPED], ids=["plain", "two-orders", "grouped"])
@given(dropped=files)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_files_one_after_another(template, tmp_path, dropped):
    """Each order is sent unless it says what is known, or what was replaced; a file that is refused sends nothing."""
    memory, history = Memory(), defaultdict(list)
    for records in dropped:
        prepared, rows = sent(tmp_path, template, records, memory)
        assert prepared.counts.balanced
        wanted, gone = by_item(rows_of(template, records)), by_item(rows)
        known = {order for order, items in wanted.items() if is_known(items, history, order)}
        older = {order for order, items in wanted.items() if is_older(items, history, order)}
        assert not known & gone.keys()
        assert not older & gone.keys()
        assert all(gone[order] == wanted[order] for order in gone)
        held = wanted.keys() - gone.keys() - known - older
        assert held <= linked(older, records if template is TWO_ORDERS else [])
        for order, items in gone.items():
            for sku, amounts in items.items():
                history[order, sku].append(amounts)


def is_known(items, history, order):
    """Whether the last batch that names each item says the same."""
    return all(history[order, sku][-1:] == [amounts] for sku, amounts in items.items())


def is_older(items, history, order):
    """Whether an item had this value before its last one."""
    return any(
        amounts in history[order, sku] and history[order, sku][-1] != amounts
        for sku, amounts in items.items()
    )


def linked(orders, records):
    """Give the orders that share a record with some orders, and so on."""
    found, more = set(), set(orders)
    while more - found:
        found |= more
        more = {one for record in records if found & {record[0], record[1]} for one in record[:2]}
    return found
