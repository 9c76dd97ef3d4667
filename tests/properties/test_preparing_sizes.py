"""Batches for a destination that takes small files only: the same rows, in files of that size, whole orders in each."""

from __future__ import annotations

import tempfile
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from agent.impact.batchfile import line
from tests.properties.test_preparing import (
    GROUPED,
    PLAIN,
    assert_totals,
    files,
    prepared_in,
    write_source,
    written,
)
from tests.properties.test_preparing_long import SPLIT, file_of, shapes

Batches = list[list[tuple[str, ...]]]

COLUMNS = ("Oid", "ActionTrackerID", "SKU", "Amount", "Reason")


def prepared_from(
    source: Path, folder: Path, template: str, max_size: int | None, identifiers: str
) -> tuple[Batches, list[int]]:
    """Prepare a file; return its batches' rows and sizes."""
    choices = {"bad_rows": SPLIT, "identifiers": identifiers}
    prepared = prepared_in(folder, source, template, 400, max_size=max_size, **choices)
    assert prepared.counts.balanced
    batches = written(folder, prepared)
    if identifiers == "repeat":
        assert_totals(prepared, batches)
    sizes = [(folder / draft.file).stat().st_size for draft in prepared.drafts]
    assert sizes == [draft.size for draft in prepared.drafts]
    return batches, sizes


def order_of(row: tuple[str, ...]) -> str:
    """Tell which order a row belongs to."""
    return row[0]


@pytest.mark.parametrize("template", [pytest.param(PLAIN, id="plain"), pytest.param(GROUPED, id="grouped")])
@given(records=files() | shapes.map(lambda shape: file_of(**shape)), max_size=st.integers(60, 3000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_batch_is_larger_and_none_parts_an_order(template, records, max_size):
    """Together they hold the rows that unlimited ones hold, but for orders that alone are too large."""
    with tempfile.TemporaryDirectory() as name:
        source = write_source(Path(name), records)
        unlimited, _ = prepared_from(source, Path(name, "unlimited"), template, None, "repeat")
        batches, sizes = prepared_from(source, Path(name, "limited"), template, max_size, "repeat")
        shorter, least = prepared_from(source, Path(name, "once"), template, max_size, "once")
    whole = [list(rows) for batch in unlimited for _, rows in groupby(batch, key=order_of)]
    header = len(line(COLUMNS))
    fitting = [rows for rows in whole if header + sum(len(line(row).encode()) for row in rows) <= max_size]
    event(f"{len(whole) - len(fitting)} of {len(whole)} orders are too large, {len(batches)} batches")
    assert [row for rows in fitting for row in rows] == [row for batch in batches for row in batch]
    assert max([0, *sizes, *least]) <= max_size
    runs = [order for batch in batches for order, _ in groupby(batch, key=order_of)]
    assert len(runs) == len(set(runs))
    assert [len(batch) for batch in shorter] == [len(batch) for batch in batches]
