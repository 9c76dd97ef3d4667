"""Which texts are suspected to be personal, and that none of them is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.impact.personal import CARD_LIKE, personal

CHECK = personal("Category")
# The schemes' published test numbers.
CARDS = [
    "4111111111111111",
    "4012888888881881",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "3530111333300000",
    "6445644564456445",
]


def grouped(card: str, gap: str) -> str:
    """Write a card's number as it is printed."""
    ends = (4, 10, 15) if len(card) == 15 else (4, 8, 12, 16)
    return gap.join(card[begin:end] for begin, end in zip((0, *ends), ends, strict=False))


@pytest.mark.parametrize("gap", ["", " ", "-"])
@pytest.mark.parametrize("card", CARDS)
def test_a_card_is_suspected_wherever_it_stands(card, gap):
    """Only its last four digits are shown."""
    for text in (grouped(card, gap), f"paid with {grouped(card, gap)}, thanks"):
        fault = CHECK(text, "Category")
        assert (fault.code, fault.found) == ("E-PII", f"…{card[-4:]}")
        assert card not in fault.words + fault.mend
    assert gap == " " or re.match(CARD_LIKE, grouped(card, gap))


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "41111111111111111",
        "04111111111111111",
        "4111 11111111 1111",
        "4111 1111-1111 1111",
        "9217374917472",
        "1234567812345670",
        "4006381333931",
        "1000.4636.158133",
        "@home",
        "me@home",
        "a@b.c",
        "5 @ 3.50",
        "",
    ],
)
def test_what_is_neither_passes(text):
    """Other check digits, other lengths, mixed gaps, other first digits, article numbers; no whole address."""
    assert CHECK(text, "Category") is None


@pytest.mark.parametrize(
    "text",
    [
        "jane@example.com",
        "Jane Doe <jane.doe+x@mail.example.co.uk>",
        "mailto:j@münchen.example",
        "a@b.example,",
    ],
)
def test_an_address_is_suspected_and_not_shown(text):
    """Wherever it stands in the text."""
    fault = CHECK(text, "Category")
    assert (fault.code, fault.found) == ("E-PII", "…@…")


@given(st.text("4@.a -", max_size=5000))
def test_no_text_takes_long(text):
    """The patterns are linear; hypothesis' deadline is the judge."""
    CHECK(text, "Category")
