"""Ids that lost their last digits before they came: when a column is suspect, and when it is not."""

from __future__ import annotations

import pytest

from agent.preparing.shortened import Shortened


@pytest.mark.parametrize(
    ("ids", "first"),
    [
        (["R1", "4-Mar", "03. Mrz", "4-mar"], "4-Mar"),
        (["Mar-24"], "Mar-24"),
        (["Mrz 24"], "Mrz 24"),
        (["01/02/2026"], "01/02/2026"),
        (["12345.0"], "12345.0"),
        (["WAHR"], "WAHR"),
        (["3-4", "MAR-24", "Mar-2024-X", "1.10", "10.0", "true", "2026-03-04", "012345.0", "1.2.3"], ""),
    ],
)
def test_ids_that_look_like_what_a_program_makes_of_them_are_remarked(ids, first):
    """Once for a column, with the first of them; they are sent as they stand."""
    column = Shortened("SKU", str)
    assert [column(one) for one in ids] == ids
    fault = column.turned()
    assert (fault.code, fault.found, fault.field) == ("W-IDFORM", first, "SKU") if first else fault is None


@pytest.mark.parametrize(
    ("ids", "shortest"),
    [
        (["00012345", "4711", "12345"], "4711"),
        (["12345", "00012345"], "12345"),
        (["00012345", "12345678", "A-1"], ""),
        (["12345", "4711"], ""),
        (["0", "7"], ""),
        (["00120"], ""),
        (["00120", "\u0667"], ""),
    ],
)
def test_ids_shorter_than_those_with_leading_zeros_are_remarked(ids, shortest):
    """Where a column has both, what is shorter may have had a zero in front; the shortest is shown."""
    column = Shortened("Oid", str)
    assert [column(one) for one in ids] == ids
    fault = column.stripped()
    assert (
        (fault.code, fault.found, fault.field) == ("W-IDZERO", shortest, "Oid") if shortest else fault is None
    )


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
