"""What must not reach impact.com unless the feed says so: e-mail addresses and numbers of payment cards.

A text is suspected, never known: a number of 15 or 16 digits with a card's first digits and its check digit, alone or
in groups of four; and whatever has an address's form. What is found is never shown whole.
"""

from __future__ import annotations

import re
from itertools import cycle
from typing import TYPE_CHECKING

from agent.model import Fault

if TYPE_CHECKING:
    from agent.impact.cells import Check

__all__ = ["CARD_LIKE", "personal"]

# First digits as the card schemes publish them: American Express 34 and 37 (15 digits), Visa 4, Mastercard 51-55 and
# 2221-2720, JCB 3528-3589, Discover 6011, 644-649 and 65 (16 digits).
_FIRST = "4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|352[89]|35[3-8]|6011|64[4-9]|65"
_CARD = re.compile(
    rf"(?<![0-9])(?:3[47][0-9]{{2}}(?P<gap>[ -]?)[0-9]{{6}}(?P=gap)[0-9]{{5}}"
    rf"|(?=(?:{_FIRST}))[0-9]{{4}}(?P<sign>[ -]?)(?:[0-9]{{4}}(?P=sign)){{2}}[0-9]{{4}})(?![0-9])"
)
# What an id that is looked at no further must not be, as a pattern's beginning.
CARD_LIKE = rf"(?:3[47]|{_FIRST})[0-9-]{{11,18}}$"
_ADDRESS = re.compile(r"[^\s@,;<>\"]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,63}")
_LAST = 4  # digits of a card that are shown
_NINE = 9


def personal(column: str, *, ids: bool = False) -> Check:
    """Make the check of one column: E-PII, its value masked.

    In columns of `ids` a card is suspected only where its digits stand in groups: one in ten long ids that begin
    like a card has its check digit by chance.
    """
    mend = f"take it out; if {column} shall hold such values, list it under `personal:`"

    def check(text: str, field: str) -> Fault | None:
        if "@" in text and _ADDRESS.search(text):
            return Fault("E-PII", f"{field} holds an e-mail address", mend, "…@…", field)
        for found in _CARD.finditer(text):
            if ids and not (found["gap"] or found["sign"]):
                continue
            digits = "".join(filter(str.isdigit, found[0]))
            if _checks(digits):
                words = f"{field} holds what looks like the number of a payment card"
                return Fault("E-PII", words, mend, f"…{digits[-_LAST:]}", field)
        return None

    return check


def _checks(digits: str) -> bool:
    """Tell whether the last digit is the check digit of the others (ISO/IEC 7812, the Luhn formula)."""
    total = 0
    for digit, factor in zip(reversed(digits), cycle((1, 2)), strict=False):
        product = int(digit) * factor
        total += product - _NINE if product > _NINE else product
    return total % 10 == 0
