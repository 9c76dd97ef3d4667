"""Rules for the number columns, and exact sums in hundredths.

Only plain numbers with a decimal point are understood: the template's filters have read the source's own way
of writing before. An amount is written with two places, and no amount at all as `0`, as impact.com's samples
do. No number is expanded: what is too long to be one is refused as text.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from agent.impact.cells import blame, code_point, formula, unfilled, untrimmed, unwritable
from agent.impact.dialect import dialect

if TYPE_CHECKING:
    from agent.impact.cells import Rule
    from agent.model import Fault

__all__ = ["ZERO", "amount", "amount_from", "minor", "places", "quantity", "tracker"]

ZERO = dialect().zero
_DECIMALS = dialect().decimals
_HUNDREDTHS = 10**_DECIMALS
_LONGEST = 40  # characters; an amount that long is damage

_PLAIN = re.compile(rf"([0-9]+)(?:\.([0-9]{{1,{_DECIMALS}}}))?")
# Nearly all amounts are written as we write them: when shorter than the limit they pass at once.
_WRITTEN = re.compile(rf"[1-9][0-9]*\.[0-9]{{{_DECIMALS}}}")
_WHOLE = re.compile(r"[0-9]+")
_FRACTION = re.compile(r"[0-9]+\.[0-9]*")

_POINT = "write it with a decimal point and nothing else, such as 1234.50"
_FILTER = f"{_POINT}; or say under `numbers:` how the source writes it, and use the amount filter"
_ROUND = "round it in the source; if the point parts thousands, say so under `numbers:`"
_STANDS = "write what shall stand, 0 or more"
_PIECES = "write the new number of pieces in the digits 0 to 9, such as 2"

# What people write instead; the first that fits is told: (pattern, code, words, mend).
_HINTS = tuple(
    (re.compile(pattern), code, words, mend)
    for pattern, code, words, mend in (
        (r"[-\u2212] ?[0-9]+(?:\.[0-9]*)?", "E-NEG", "is negative", f"{_STANDS}; see `numbers: negative`"),
        (r"[0-9]+\.[0-9]{3,}", "E-SCALE", f"has more than the {_DECIMALS} decimals of the format", _ROUND),
        (r"[0-9]+\.|\.[0-9]+", "E-NUM", "has no digit before or behind its point", _POINT),
        (r"\([^()]*\)", "E-NUM", "is in brackets: an accounting negative?", _STANDS),
        (r"(?i)[+-]?(?:s?nan|inf(?:inity)?)[0-9]*", "E-NUM", "is not a number", "fill it in"),
        (r"[+-]?[0-9.,]+[eE][+-]?[0-9]+", "E-NUM", "is in scientific notation", _POINT),
        (r"[0-9_.,]*_[0-9_.,]*", "E-NUM", "has an underscore in it", _POINT),
        (r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]*", "E-NUM", "has commas between the thousands", _FILTER),
        (r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]*", "E-NUM", "has points between the thousands", _FILTER),
        (
            r"[+-]?[0-9]{1,3}(?:[\s'][0-9]{3})+(?:[.,][0-9]*)?",
            "E-NUM",
            "has gaps between the thousands",
            _FILTER,
        ),
        (r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+", "E-NUM", "has a comma: thousands, or a decimal comma?", _FILTER),
        (r"[+-]?[0-9]+,[0-9]*", "E-NUM", "has a comma: a decimal comma?", _FILTER),
        (
            r"\D{1,4}[0-9.,]*[0-9]|[0-9][0-9.,]*\D{1,4}",
            "E-NUM",
            "has a sign or unit beside the number",
            _FILTER,
        ),
    )
)


def amount(column: str, *, limit: Decimal) -> Rule:
    """Read an amount of money, 0 or more, with at most two decimals and not above `limit`."""
    most = int((limit * _HUNDREDTHS).to_integral_value(ROUND_FLOOR))
    digits = len(str(most))

    def read(text: str) -> str | Fault:
        if len(text) <= digits and _WRITTEN.fullmatch(text) is not None:
            return text
        found = _PLAIN.fullmatch(text.strip()) if len(text) <= _LONGEST else None
        if found is None:
            return _no_number(text, column)
        whole = found[1].lstrip("0") or "0"
        cents = (found[2] or "").ljust(_DECIMALS, "0")
        if len(whole) > digits or int(whole + cents) > most:
            return _over(text, column, limit)
        return ZERO if whole == "0" and not cents.strip("0") else f"{whole}.{cents}"

    return read


def quantity(column: str, *, size: int) -> Rule:
    """Read a number of pieces: whole, 0 or more."""

    def read(text: str) -> str | Fault:
        stripped = text.strip() if len(text) <= _LONGEST else ""
        if _WHOLE.fullmatch(stripped) is None:
            return _no_quantity(text, stripped, column)
        whole = stripped.lstrip("0") or "0"
        if len(whole) > size:
            return blame("E-LIMIT", column, f"has more than {size} digits", "check the quantity", text)
        return whole

    return read


def tracker(column: str, *, size: int) -> Rule:
    """Read the number of an action tracker: ASCII digits only, at most `size` of them."""
    mend = f"write the number that impact.com shows for the event type, up to {size} digits"

    def read(text: str) -> str | Fault:
        if _WHOLE.fullmatch(text) is not None:
            if len(text) <= size:
                return text
            return blame("E-LEN", column, f"has {len(text)} digits; {size} are allowed", mend, text)
        for check in (formula, _other_digits, unwritable, unfilled, untrimmed):
            if (fault := check(text, column)) is not None:
                return fault
        return blame("E-NUM", column, "is not made of digits alone", mend, text)

    return read


def minor(text: str) -> int:
    """Count the hundredths of an amount as the rules write it (`19.99` or `0`).

    Raises:
        ValueError: the text is empty or no such amount.

    """
    whole, point, cents = text.partition(".")
    return int(whole + cents) if point else int(whole) * _HUNDREDTHS


def amount_from(hundredths: int) -> Decimal:
    """Give the exact amount that a sum of hundredths stands for."""
    return Decimal(f"{hundredths}E-{_DECIMALS}")


def places(tail: str) -> int:
    """Count the decimals that are used by an amount as the rules write it; its last three characters do."""
    return len(tail.partition(".")[2].rstrip("0"))


def _over(text: str, column: str, limit: Decimal) -> Fault:
    words = f"is above {limit}, the most that this feed lets through"
    return blame("E-LIMIT", column, words, "check it; `max_amount` of the feed sets the limit", text)


def _no_quantity(text: str, stripped: str, column: str) -> Fault:
    if _FRACTION.fullmatch(stripped):
        return blame("E-NUM", column, "is not a whole number", _PIECES, text)
    fault = _no_number(text, column)
    return replace(fault, mend=_PIECES) if fault.code == "E-NUM" else fault


def _no_number(text: str, column: str) -> Fault:
    """Say why a text is no number, with the likeliest cause."""
    if len(text) > _LONGEST:
        return blame("E-NUM", column, f"has {len(text)} characters, too many for a number", _POINT, text)
    if (fault := unfilled(text, column) or _other_digits(text, column)) is not None:
        return fault
    stripped = text.strip()
    for pattern, code, words, mend in _HINTS:
        if pattern.fullmatch(stripped):
            return blame(code, column, words, mend, text)
    return blame("E-NUM", column, "is not a number", _POINT, text)


def _other_digits(text: str, column: str) -> Fault | None:
    """Refuse digits of other scripts, which look like numbers and are not those impact.com reads."""
    if text.isascii():
        return None
    foreign = next((one for one in text if one.isdigit() and not one.isascii()), None)
    if foreign is None:
        return None
    return blame(
        "E-DIGITS", column, f"contains {code_point(foreign)}", "write it with the digits 0 to 9", text
    )
