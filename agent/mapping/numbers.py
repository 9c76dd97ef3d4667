"""Numbers as a feed declares them, read exactly: what `amount` and `quantity` do. Nothing is guessed.

A text that means another number in another country is refused with both readings. Written the one declared way it is
what it says, so `12.345` where the point is declared to part thousands is 12345.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, Protocol

from agent.mapping.problems import BadValueError
from agent.mapping.texts import BLANKS, foreign_digit
from agent.model import Fault
from agent.readers.novalue import NO_VALUE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NumberForm", "number_text", "quantity_text"]

_LONGEST = 40  # characters of a number; more is refused unread
_FOUND = 64  # characters of a value that a finding shows
_MINUS = ("-", "\u2212")
_ALIKE = {" ": " \u00a0\u202f", "'": "'\u2019"}  # signs between thousands that are one and the same
_GROUP = 3  # digits between two of them
# One sign, three digits behind it, and what stands before could be the first group of thousands.
_TWO_WAYS = re.compile(r"([1-9][0-9]{0,2})([.,])([0-9]{3})", re.ASCII)
_CALLED = {".": "point", ",": "comma"}


class NumberForm(Protocol):
    """How numbers are written: the feed's `numbers`."""

    @property
    def decimal(self) -> str:
        """The decimal mark."""

    @property
    def thousands(self) -> str:
        """What parts thousands, or ""."""

    @property
    def currency_signs(self) -> tuple[str, ...]:
        """What may stand before or behind a number."""

    @property
    def negative(self) -> str:
        """What a minus sign means: "refuse" (kept, and refused by the rules) or "absolute" (dropped)."""

    @property
    def minus(self) -> tuple[str, ...]:
        """Where a minus may stand: "before", "behind", "brackets"."""

    @property
    def percent(self) -> str:
        """What a percent sign means: "refuse", "number" (12 % is 12) or "fraction" (0.12)."""

    @property
    def three_decimals(self) -> str:
        """What 1.234 is: "refuse" (perhaps 1234) or "read"."""


def number_text(text: str, form: NumberForm) -> str:
    """Read a number as declared and write it with a point and nothing else: "1.234,50 €" → "1234.50".

    Raises:
        BadValueError: E-NUM, with the reading that was declared, or both readings where there are two; E-DIGITS;
            E-NULLTXT.
    """
    plain = text.strip(BLANKS)
    if not plain:
        return ""
    if len(plain) > _LONGEST:
        _refuse("is far too long for a number", "put the amount here, in figures", plain)
    body, negative = _unsigned(plain, form)
    hundredths = form.percent != "refuse" and body.endswith("%")
    if hundredths:
        body = body[:-1].rstrip(BLANKS)
    found = _pattern(form.decimal, form.thousands).fullmatch(body)
    if found is None:
        raise BadValueError(_no_number(text, plain, body, form))
    if form.three_decimals == "refuse" and _TWO_WAYS.fullmatch(body) and found["fraction"]:
        raise BadValueError(_two_readings(text, body, form))
    number = "".join(filter(str.isdigit, found["whole"])) + (
        f".{found['fraction']}" if found["fraction"] else ""
    )
    if hundredths and form.percent == "fraction":
        number = format(Decimal(number).scaleb(-2), "f")
    return f"-{number}" if negative and form.negative != "absolute" else number


def quantity_text(text: str, form: NumberForm) -> str:
    """Read a whole number: "2", "2.00" → "2".

    Raises:
        BadValueError: as `number_text`, and E-NUM when it is not whole.
    """
    number = number_text(text, form)
    whole, _, fraction = number.partition(".")
    if fraction.strip("0"):
        _refuse("is not a whole number", "a quantity has no fraction", text)
    return whole


@lru_cache(maxsize=64)
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Match digits, in groups of three or in none, and a fraction; each number uses one sign between groups."""
    whole = "[0-9]+"
    if thousands:
        signs = next((alike for alike in _ALIKE.values() if thousands in alike), thousands)
        whole += rf"|[1-9][0-9]{{0,2}}(?P<sign>[{re.escape(signs)}])[0-9]{{3}}(?:(?P=sign)[0-9]{{3}})*"
    return re.compile(rf"(?P<whole>{whole})(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?", re.ASCII)


def _unsigned(plain: str, form: NumberForm) -> tuple[str, bool]:
    """Take off currency signs and the minus, which stands in one of the declared places; tell whether there is one."""
    signs = _longest_first(tuple(form.currency_signs))
    body = _bare(plain, signs)
    for place in form.minus:
        inner = _inside(body, place)
        if inner is not None:
            return _bare(inner.strip(BLANKS), signs), True
    return body, False


def _inside(body: str, place: str) -> str | None:
    if place == "brackets":
        return body[1:-1] if body.startswith("(") and body.endswith(")") else None
    if place == "behind":
        return body[:-1] if body.endswith(_MINUS) else None
    return body[1:] if body.startswith(_MINUS) else None


@lru_cache(maxsize=64)
def _longest_first(signs: tuple[str, ...]) -> tuple[str, ...]:
    """Order signs so that none is taken for the end of a longer one, as $ for that of A$."""
    return tuple(sorted(signs, key=len, reverse=True))


def _bare(text: str, signs: Sequence[str]) -> str:
    for sign in signs:
        text = text.removeprefix(sign).removesuffix(sign).strip(BLANKS)
    return text


def _refuse(words: str, mend: str, text: str) -> NoReturn:
    raise BadValueError(Fault("E-NUM", words, mend, text[:_FOUND]))


def _no_number(text: str, plain: str, body: str, form: NumberForm) -> Fault:
    """Say why a text is no number as declared, with the likeliest cause."""
    found = text[:_FOUND]
    if plain.casefold() in NO_VALUE:
        words = "holds a word for a missing value instead of a value"
        return Fault("E-NULLTXT", words, "fill in the value, or leave the cell empty", found)
    if digit := foreign_digit(plain):
        return Fault(
            "E-DIGITS", f"contains {digit}", "write it with the digits 0 to 9; only 0-9 are read", found
        )
    if _TWO_WAYS.fullmatch(body):
        return _two_readings(text, body, form)
    return Fault("E-NUM", "is not a number as this feed writes them", _hint(plain, body, form), found)


def _two_readings(text: str, body: str, form: NumberForm) -> Fault:
    """Show both numbers that a text may be; they stand with the value, not in the words."""
    before, sign, behind = body.partition("," if "," in body else ".")
    words = f"can be read in two ways: the {_CALLED[sign]} parts thousands, or it is the decimal sign"
    mend = "say which under `numbers:`, decimal and thousands"
    if sign == form.decimal:
        mend = "`numbers: three_decimals: read` reads it as a decimal sign; or write it with two decimals"
    return Fault("E-NUM", words, mend, f"{text[:_FOUND]} ({before}{behind}.00 or {before}.{behind})")


_HINTS = tuple(
    (re.compile(pattern, re.ASCII), mend)
    for pattern, mend in (
        (
            r"\(.*\)",
            "is it an accounting negative? list brackets under `numbers: minus`, or write it without them",
        ),
        (r".*[0-9]\s*[-\u2212]", "is it a minus behind the number? list behind under `numbers: minus`"),
        (r".*%", "is it a percentage? say under `numbers: percent` what it stands for"),
        (r"[0-9.,]*_[0-9_.,]*", "take the underscore out; it parts digits in programs only"),
        (
            r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+",
            "a spreadsheet has shortened it; export the column as text or with all digits",
        ),
    )
)


def _hint(plain: str, body: str, form: NumberForm) -> str:
    for pattern, mend in _HINTS:
        if pattern.fullmatch(plain):
            return mend
    declared = f"the feed declares {form.decimal!r} as decimal mark"
    other = "," if form.decimal == "." else "."
    if other in body and form.thousands != other:
        which = "is it a decimal comma? " if re.fullmatch(r"[0-9]+,[0-9]{1,2}", body, re.ASCII) else ""
        return f"{which}{declared}; if {other!r} is the decimal (or thousands) mark, say so under `numbers:`"
    if form.thousands and re.fullmatch(r"[0-9.,' \u00a0\u202f\u2019]+", body, re.ASCII):
        return f"{declared}, and {form.thousands!r} between groups of three digits, which these are not"
    return f"{declared}; signs such as a currency must be declared under `numbers: currency_signs`; only 0-9 are digits"
