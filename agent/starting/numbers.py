"""In which way a sample writes its numbers, as far as its own figures tell.

Every way there is is tried on all figures at once. Where two ways read all of them and differ, both are told, and the
one that impact.com's rules would refuse comes first: nothing wrong can be sent before somebody has chosen.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from agent.impact import currencies
from agent.mapping.numbers import number_text
from agent.mapping.problems import BadValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST = 2_000  # different figures looked at
_TRIED = 200  # of them, to find out what is none
_MARKS = ("", ",", ".", " ", "'", "\u00a0", "\u202f")
_WORDS = frozenset(("kr", "kr.", "zł", "zl", "kč", "ft", "lei", "fr.", "r$", "kn", "us$", "a$", "c$", "rm"))
_MINUS = {
    "behind": re.compile(r"[^()]*[0-9][^0-9()]*[-\u2212]", re.DOTALL | re.ASCII),
    "brackets": re.compile(r"\([^()]*[0-9][^()]*\)", re.DOTALL | re.ASCII),
}  # where a minus stands besides before the figure
_AROUND = re.compile(r"([^0-9.,()'+-]*)[+-]?\s*([^0-9.,()'+-]*)[0-9](?:.*[0-9])?(\D*)", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write numbers; as the feed's `numbers:`."""

    decimal: str = "."
    thousands: str = ""
    currency_signs: tuple[str, ...] = ()
    negative: str = "refuse"
    minus: tuple[str, ...] = ("before",)
    percent: str = "refuse"
    three_decimals: str = "read"  # so that both readings of 1.234 are seen


@dataclass(frozen=True, slots=True)
class NumbersRead:
    """What figures tell about how they are written."""

    form: Form
    other: Form | None = None  # reads all of them, too, and otherwise
    example: str = ""  # a figure on which the two differ
    unread: tuple[str, ...] = ()  # what no way reads; no form is told then
    told: bool = False  # whether anything in the figures tells the decimal mark
    negative: str = ""  # a figure with a minus sign, where there is one


_FORMS = tuple(
    Form(decimal, thousands) for thousands in _MARKS for decimal in (".", ",") if decimal != thousands
)


def read_numbers(texts: Iterable[str]) -> NumbersRead:
    """Find the way in which figures are written."""
    return _read(tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))[:_MOST])


def read_as(text: str, form: Form) -> str:
    """Read one figure; "" where it is none in this form."""
    try:
        return number_text(text, form)
    except BadValueError:
        return ""


def plain_digits(text: str) -> bool:
    """Whether a text is made of the digits 0 to 9 alone."""
    return text.isascii() and text.isdigit()


@lru_cache(maxsize=512)
def _read(texts: tuple[str, ...]) -> NumbersRead:
    signs = tuple(sorted({sign for text in texts for sign in _signs(text)}))
    minus = ("before", *(place for place, there in _MINUS.items() if any(map(there.fullmatch, texts))))
    forms = [Form(form.decimal, form.thousands, signs, minus=minus) for form in _FORMS]
    left = forms
    for text in texts:
        left = [form for form in left if read_as(text, form)]
        if not left:
            return _unread(texts[:_TRIED], forms)
    if not texts:
        return NumbersRead(Form())
    fitting = [(form, [read_as(text, form) for text in texts]) for form in left]
    form, values = fitting[0]
    negative = next((text for text, value in zip(texts, values, strict=True) if value.startswith("-")), "")
    for other, differing in fitting[1:]:
        pairs = zip(texts, values, differing, strict=True)
        if example := next((text for text, one, two in pairs if one != two), ""):
            return NumbersRead(form, other, example, told=True, negative=negative)
    told = {one.decimal for one, _ in fitting} == {form.decimal}
    return NumbersRead(form, told=told, negative=negative)


def _unread(texts: tuple[str, ...], forms: Sequence[Form]) -> NumbersRead:
    """Name what the way that reads most of the texts does not read; the first is named where it reads these."""
    best = max(forms, key=lambda form: sum(bool(read_as(text, form)) for text in texts))
    unread = tuple(text for text in texts if not read_as(text, best))
    return NumbersRead(best, unread=unread or texts[:1])


def _signs(text: str) -> Sequence[str]:
    found = _AROUND.fullmatch(text)
    parts = (part.strip() for part in found.groups()) if found else ()
    return [part for part in parts if part and _is_sign(part)]


def _is_sign(text: str) -> bool:
    one_sign = len(text) == 1 and unicodedata.category(text) == "Sc"
    return one_sign or text.casefold() in _WORDS or currencies.known(text)
