"""Sums of amounts are exact."""

from decimal import Decimal

import pytest

from agent.impact.amounts import amount_from, minor


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("0.01", 1), ("19.99", 1999), ("999999.99", 99999999), ("5.00", 500)]
)
def test_an_amount_counts_in_hundredths(text, expected):
    """Of the texts that the rules write."""
    assert expected == minor(text)


@pytest.mark.parametrize("text", ["", "x", "1.x"])
def test_no_amount_has_no_hundredths(text):
    """An empty cell is no zero."""
    with pytest.raises(ValueError, match="invalid literal"):
        minor(text)


def test_a_sum_of_many_amounts_is_exact():
    """No binary fraction, no rounding, however large."""
    assert Decimal("10000.00") == amount_from(sum(map(minor, ["0.10"] * 100_000)))
    assert str(amount_from(10**40 + 1)) == "1" + "0" * 37 + "0.01"
