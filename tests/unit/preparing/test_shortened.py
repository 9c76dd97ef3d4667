"""Ids that lost their last digits before they came: when a column is suspect, and when it is not."""

from __future__ import annotations

import pytest

from agent.preparing.shortened import Shortened


@pytest.mark.parametrize(
    ("ids", "suspect"),
    [
        (["123456789012345000"], True),
        (["1234567890123450"] * 3, True),
        (["1234567890123450", "12345678901234500"], True),
        (["1234567890123450"] * 2, False),
        (["123456789012345000", "1234567890123456"], False),
        (["123456789012345"], False),
        (["A23456789012345000"], False),
        (["١٢٣٤٥٦٧٨٩٠١٢٣٤٥٠٠٠"], False),
        ([], False),
    ],
)
def test_a_column_is_suspect_when_all_its_long_ids_end_in_zeros(ids, suspect):
    """Fifteen digits and nothing behind them, more often than chance would."""
    column = Shortened("Oid", str.lower)
    assert [column(one) for one in ids] == [one.lower() for one in ids]
    fault = column.fault()
    assert (fault is not None) == suspect
    if fault:
        assert (fault.code, fault.found, fault.field) == ("W-IDPREC", ids[0], "Oid")
