"""Files longer than a block of rows: what is true of short ones is true of them, wherever the blocks end."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.test_preparing import (
    AMOUNTS,
    TEMPLATES,
    TWO_ORDERS,
    assert_batches,
    assert_rejects,
    assert_totals,
    foretell,
    prepared_in,
    write_source,
    written,
)

SPLIT = {"policy": "split", "at_most": "100%"}  # whatever is bad, the good goes

shapes = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10**9),
        "many": st.sampled_from([511, 512, 513, 1024, 1500]),
        "odd": st.sampled_from([0.0, 0.001, 0.02]),
        "scattered": st.sampled_from([0.0, 0.001, 0.05]),
        "width": st.sampled_from([1, 3, 40]),
        "times": st.sampled_from([1, 1, 2, 3]),
    }
)


def file_of(*, seed: int, many: int, odd: float, scattered: float, width: int, times: int) -> list[list[str]]:
    """Make a file of orders with up to `width` records; shares of them are odd in some way, or stand elsewhere.

    All come again `times` over, as two exports that were put together.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret
    records: list[list[str]] = []
    order = 0
    while len(records) < many:
        order += 1
        for number in range(dice.randint(1, width)):
            amount = "x" if dice.random() < odd else dice.choice(sorted(AMOUNTS))
            other = f"o{dice.randint(1, order)}" if dice.random() < odd else f"p{order}"
            sku = dice.choice(["s1", "s,4", 's"5', "sé"]) if dice.random() < odd else f"s{number}"
            at = dice.randint(0, len(records)) if dice.random() < scattered else len(records)
            take = "n" if dice.random() < odd else "y"
            records.insert(at, ["", take, f"o{order}", other, sku, amount])
    records = [record.copy() for _ in range(times) for record in records]
    for number, record in enumerate(records, start=1):
        record[0] = str(number)
        if dice.random() < odd / 4:
            record.pop()
    return records


@pytest.mark.parametrize("template", TEMPLATES)
@given(shape=shapes, max_rows=st.sampled_from([7, 100, 600, 100_000]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_long_file_ends_as_the_oracle_says(template, shape, max_rows):
    """Rows, orders, counts, totals and rejects are what the slow and plain way gives."""
    records = file_of(**shape)
    expected = foretell(records, max_rows, two=template is TWO_ORDERS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "scratch")
        source = write_source(Path(name), records)
        prepared = prepared_in(folder, source, template, max_rows, bad_rows=SPLIT)
        if prepared.verdict == "refused":  # no order was good
            assert not expected.rows
            return
        assert expected.counts == prepared.counts
        batches = written(folder, prepared)
        assert_batches(batches, expected, max_rows)
        assert_totals(prepared, batches)
        assert_rejects(folder, prepared, records, expected.kept_back)
