"""Preparing as a whole, against an oracle that holds all in memory and knows of no runs and second looks."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from agent.model import Change, Counts, Level
from agent.preparing.job import Job, Prepared
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed

TRACKER = "16027"
HEADER = ["N", "Take", "Order", "Other", "Sku", "Amount"]
PLAIN = """\
Oid,ActionTrackerID,SKU,Amount,Reason
{% for row in rows if row.Take == "y" %}
{{ row.Order }},{{ feed.tracker }},{{ row.Sku }},{{ row.Amount }},OTHER
{% endfor %}
"""
TWO_ORDERS = """\
Oid,ActionTrackerID,SKU,Amount,Reason
{% for row in rows if row.Take == "y" %}
{{ row.Order }},{{ feed.tracker }},{{ row.Sku }},{{ row.Amount }},OTHER
{{ row.Other }},{{ feed.tracker }},{{ row.Sku }},0,ITEM_RETURNED
{% endfor %}
"""
GROUPED = """\
Oid,ActionTrackerID,SKU,Amount,Reason
{% for order, lines in rows | groupby("Order") %}
{% for row in lines if row.Take == "y" %}
{{ order }},{{ feed.tracker }},{{ row.Sku }},{{ row.Amount }},OTHER
{% endfor %}
{% endfor %}
"""
TEMPLATES = [
    pytest.param(PLAIN, id="plain"),
    pytest.param(TWO_ORDERS, id="two-orders"),
    pytest.param(GROUPED, id="grouped"),
]
AMOUNTS = {"": "", "0": "0", "0.00": "0", "1": "1.00", "1.00": "1.00", "12.5": "12.50", "99.99": "99.99"}

orders = st.sampled_from(["A", "A", "B", "B", "C", "D", "E", "F", "G", ""])
sound = st.sampled_from(sorted(AMOUNTS))
amounts = sound | sound | sound | st.sampled_from(["x", "-1"])
widths = st.sampled_from([0] * 12 + [-1, 1])  # cells too few or too many
skus = st.sampled_from(["s1", "s2", "s3", "s,4", 's"5'])
mostly = st.sampled_from(["y"] * 5 + ["n"])
cells = st.tuples(mostly, orders, orders, skus, amounts)
clean = st.tuples(mostly, orders.filter(bool), orders.filter(bool), skus, sound)


@st.composite
def files(draw: st.DrawFn) -> list[list[str]]:
    """Make the records of a file: scattered or adjacent, clean or not; cells are few so that rows repeat."""
    tidy = draw(st.booleans())
    drawn = draw(st.lists(clean if tidy else cells, min_size=1, max_size=24))
    if draw(st.booleans()):
        drawn.sort(key=lambda one: one[1])
    records = [[str(number), *one] for number, one in enumerate(drawn, start=1)]
    for record in [] if tidy else records:
        width = draw(widths)
        record[:] = record[:-1] if width < 0 else [*record, "9"] if width else record
    return records


policies = st.fixed_dictionaries(
    {
        "policy": st.sampled_from(["split", "split", "hold", "refuse-file"]),
        "at_most": st.sampled_from(["0%", "10%", "50%", "100%"]),
    }
)


class Row(NamedTuple):
    """A row as the oracle makes it; `bad` rows cannot be sent."""

    order: str
    sku: str
    amount: str
    reason: str
    bad: bool


@dataclass
class Expected:
    """What the oracle says becomes of a file."""

    rows: set[tuple[str, ...]] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)
    kept_back: set[int] = field(default_factory=set)
    sent: set[int] = field(default_factory=set)
    repeated: set[int] = field(default_factory=set)
    records: int = 0

    @property
    def counts(self) -> Counts:
        """The counts before any policy."""
        ended = len(self.sent), len(self.kept_back), len(self.repeated)
        skipped = self.records - sum(ended)
        return Counts(self.records, *ended, skipped, len(self.rows), len(self.orders), len(self.bad))

    def verdict(self, policy: str, at_most: str) -> str:
        """What the feed's policy makes of it."""
        if not self.bad:
            return "ready" if self.rows else "nothing"
        if not self.rows or policy == "refuse-file":
            return "refused"
        if policy == "hold":
            return "hold"
        most = int(at_most.rstrip("%"))
        return "refused" if len(self.bad) * 100 > len(self.orders) * most else "ready"


def rows_of(record: list[str], *, two: bool) -> list[Row]:
    """Give the rows that the templates make of a record; of a damaged one, those that tell its orders."""
    number, take, order, other, sku, *rest = [*record, ""]
    if take != "y":
        return [Row(f"alone {number}", "", "", "", bad=True)] if len(record) != len(HEADER) else []
    amount = AMOUNTS.get(rest[0])
    damaged = len(record) != len(HEADER)
    first = Row(order, sku, amount or "", "OTHER", bad=damaged or amount is None or not order)
    second = Row(other, sku, "0", "ITEM_RETURNED", bad=damaged or not other)
    rows = [first, second] if two else [first]
    if damaged:
        rows = [row for row in rows if row.order] or rows[:1]
    return [row if row.order else row._replace(order=f"alone {number}") for row in rows]


def foretell(records: list[list[str]], max_rows: int, *, two: bool) -> Expected:
    """Say what must become of the records, the slow and plain way."""
    made = {number: rows_of(record, two=two) for number, record in enumerate(records, start=1)}
    expected = Expected(records=len(records))
    note_orders(made, max_rows, expected)
    for number, rows in made.items():
        lines = {(row.order, TRACKER, row.sku, row.amount, row.reason) for row in rows}
        if not rows:
            continue
        if rows[0].order in expected.bad:
            expected.kept_back.add(number)
        elif lines <= expected.rows:
            expected.repeated.add(number)
        else:
            expected.sent.add(number)
            expected.rows |= lines
    return expected


def note_orders(made: dict[int, list[Row]], max_rows: int, expected: Expected) -> None:
    """Find the orders and those that are bad."""
    many: dict[str, int] = defaultdict(int)
    for row in (row for rows in made.values() for row in rows):
        expected.orders.add(row.order)
        many[row.order] += 1
        if row.bad:
            expected.bad.add(row.order)
    expected.bad.update(order for order, rows in many.items() if rows > max_rows)
    before = -1
    while before < (
        before := len(expected.bad)
    ):  # a record is sent or kept back as a whole: so its orders are
        for rows in made.values():
            if expected.bad & (its := {row.order for row in rows}):
                expected.bad |= its


def written(folder: Path, prepared: Prepared) -> list[list[tuple[str, ...]]]:
    """Read the batches' rows back."""
    batches = []
    for draft in prepared.drafts:
        header, *rows = csv.reader(io.StringIO((folder / draft.file).read_text(encoding="utf-8"), newline=""))
        assert header == ["Oid", "ActionTrackerID", "SKU", "Amount", "Reason"]
        assert draft.rows == len(rows) > 0
        batches.append([tuple(row) for row in rows])
    return batches


def assert_totals(prepared: Prepared, batches: list[list[tuple[str, ...]]]) -> None:
    """Each draft's totals are those of its rows, to the hundredth."""
    for draft, rows in zip(prepared.drafts, batches, strict=True):
        amounts_of: dict[tuple[str, Change], list[str]] = defaultdict(list)
        for _, _, _, amount, reason in rows:
            amounts_of[reason, Change.REVERSAL if amount == "0" else Change.MODIFICATION].append(amount)
        sums = {
            kind: (len(all_), sum(map(Decimal, filter(None, all_))) if any(all_) else None)
            for kind, all_ in amounts_of.items()
        }
        assert len(sums) == len(draft.totals)
        assert sums == {(one.reason, one.change): (one.rows, one.amount) for one in draft.totals}


def assert_batches(batches: list[list[tuple[str, ...]]], expected: Expected, max_rows: int) -> None:
    """All that should go out stands in them once, whole orders together."""
    rows = [row for batch in batches for row in batch]
    assert len(rows) == len(set(rows))
    assert set(rows) == expected.rows
    assert max(map(len, batches)) <= max_rows
    runs = [order for batch in batches for order, _ in groupby(row[0] for row in batch)]
    assert len(runs) == len(set(runs))


def assert_rejects(folder: Path, prepared: Prepared, records: list[list[str]], kept_back: set[int]) -> None:
    """Each record kept back is in the rejects file once, as it was written, with a reason."""
    text = (folder / prepared.rejects_file).read_text(encoding="utf-8") if prepared.rejects_file else ""
    rejects = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [int(one[0]) for one in rejects] == sorted(kept_back)
    for one in rejects:
        record = records[int(one[0]) - 1]
        assert one[: len(record)] == record
        assert one[-2]


def write_source(folder: Path, records: list[list[str]]) -> Path:
    """Write the file that is dropped."""
    source = folder / "source.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *records])
    return source


def prepared_in(
    folder: Path, source: Path, template: str, max_rows: int, *, max_size: int | None = None, **feed: Any
) -> Prepared:
    """Prepare a file into a folder that is made for it, for a feed with these settings besides the usual."""
    folder.mkdir()
    usual = {"name": "shop", "level": Level.ITEM, "template": "t.csv.j2", "destination": "d"}
    shop = Feed(**usual, variables={"tracker": TRACKER}, delimiter="comma", **feed)
    return prepare(Job(shop, template, "", source, folder, max_rows, max_size=max_size), lambda _: None)


@pytest.mark.parametrize("template", TEMPLATES)
@given(records=files(), policy=policies, max_rows=st.sampled_from([2, 3, 4, 6, 30]))
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=set(Phase) - {Phase.explain},  # it costs a minute
)
def test_every_record_ends_as_the_oracle_says(template, records, policy, max_rows):
    """Rows, orders, counts, totals, verdict and rejects are what the slow and plain way gives."""
    expected = foretell(records, max_rows, two=template is TWO_ORDERS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "scratch")
        source = write_source(Path(name), records)
        prepared = prepared_in(folder, source, template, max_rows, bad_rows=policy)
        counts, verdict = expected.counts, expected.verdict(**policy)
        event(verdict)
        assert prepared.counts.balanced
        assert verdict == prepared.verdict
        kept_back = expected.kept_back
        if verdict == "refused":
            counts = Counts(
                records=counts.records,
                kept_back=counts.sent + counts.kept_back,
                repeated=counts.repeated,
                skipped=counts.skipped,
                orders=counts.orders,
                bad_orders=counts.bad_orders,
            )
            kept_back = set(range(1, len(records) + 1))
        assert counts == prepared.counts
        assert bool(prepared.drafts) == (verdict in {"ready", "hold"})
        if prepared.drafts:
            batches = written(folder, prepared)
            assert_batches(batches, expected, max_rows)
            assert_totals(prepared, batches)
        assert_rejects(folder, prepared, records, kept_back)
