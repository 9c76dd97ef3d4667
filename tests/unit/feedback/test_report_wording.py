from __future__ import annotations

from datetime import UTC, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.feedback import wording

SUMMER = timezone(timedelta(hours=2), "CEST")


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (None, 2, "—"),
        (Decimal(0), 0, "0"),
        (Decimal("1234.5"), 2, "1,234.50"),
        (Decimal("-1234567.891"), 2, "-1,234,567.891"),
        (Decimal("1E+3"), 0, "1,000"),
        (Decimal("1E+9999999"), 2, "1E+9999999"),
        (Decimal("1E-9999999"), 2, "1E-9999999"),
        (Decimal("NaN"), 2, "NaN"),
        (Decimal("sNaN"), 2, "sNaN"),
        (Decimal("-Infinity"), 2, "-Infinity"),
    ],
)
def test_amounts_are_exact(value, places, text) -> None:
    """No digit is rounded away, and no amount is written out for ever."""
    assert text == wording.amount(value, places)


def test_sums_are_exact_and_never_raise() -> None:
    """Thirty digits add up to the last one; nonsense gives nonsense, no traceback."""
    big = Decimal("99999999999999999999999999999.99")

    assert Decimal("100000000000000000000000000000.00") == wording.added([big, None, Decimal("0.01")])
    assert wording.added([None, None]) is None
    assert str(wording.added([Decimal("sNaN"), Decimal(1)])) == "NaN"


@pytest.mark.parametrize(
    ("at", "zone", "text"),
    [
        (0.0, UTC, "—"),
        (1_753_783_200.0, UTC, "2025-07-29 10:00:00 UTC"),
        (1_753_783_200.0, SUMMER, "2025-07-29 12:00:00 CEST (10:00:00 UTC)"),
        (1_753_826_400.0, SUMMER, "2025-07-30 00:00:00 CEST (2025-07-29 22:00:00 UTC)"),
        (1e300, UTC, "an unknown time"),
        (float("nan"), UTC, "an unknown time"),
        (float("-inf"), SUMMER, "an unknown time"),
    ],
)
def test_times_are_local_and_universal(at, zone, text) -> None:
    """Both clocks are named, and the day of each where they differ."""
    assert text == wording.when(at, zone)


@pytest.mark.parametrize(
    ("at", "text"), [(0.0, "—"), (1_753_783_200.0, "2025-07-29 12:00 CEST"), (1e300, "an unknown time")]
)
def test_moments_are_short(at, text) -> None:
    """Tables tell the local minute with its zone."""
    assert text == wording.moment(at, SUMMER)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2**50, "1,125.9 TB"),
    ],
)
def test_sizes_are_short(number, text) -> None:
    """Sizes grow through their units without 1000.0 of any."""
    assert text == wording.size(number)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ("damaged", "damaged"),
        ("a\u202evsc.exe\0\x1b[31m", "a[U+202E]vsc.exe[NUL][ESC][31m"),
        ("line\r\nbreak\t\x85\u2028", "line[CR][LF]break[TAB][U+0085][U+2028]"),
        ("\ufeffOTHER\u200b", "[U+FEFF]OTHER[U+200B]"),
        ("1\u00a0234", "1[NBSP]234"),
        ("\udc80", "[U+DC80]"),
        (" x  ", "[space]x[2 spaces]"),
        ("   ", "[3 spaces]"),
        ("שלום", "שלום"),
        ("x" * 5000, "x" * 160 + "… (5,000 characters)"),
    ],
)
def test_what_cannot_be_seen_is_named(found, text) -> None:
    """A value shows every character that could hide, and is cut with its length named."""
    assert text == wording.value(found)


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_text_can_be_printed(text) -> None:
    """Whatever the text: its shown forms are printable, encodable and bounded."""
    for shown in (wording.value(text), wording.prose(text)):
        assert shown.isprintable()
        assert shown.encode("utf-8").decode("utf-8") == shown
    assert len(wording.value(text)) <= 160 * 10 + 30


@given(st.text(max_size=200), st.integers(min_value=2, max_value=40))
def test_folding_keeps_the_text_and_the_width(text, width) -> None:
    """No folded line is too wide, and apart from spaces nothing is lost."""
    shown = wording.prose(text)
    lines = list(wording.fold(shown, width))

    assert max(map(wording.columns, lines)) <= width
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")


def test_tables_keep_their_width() -> None:
    """Wide cells are folded in their column, wide characters count twice."""
    lines = wording.table([("Record", "Found"), ("7", "日本語の理由" * 20)], right=[0], width=40)

    assert lines[0] == "Record  Found"
    assert lines[2].startswith("     7  日本語")
    assert max(map(wording.columns, lines)) == 40
