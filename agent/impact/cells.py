"""What all cell rules share, and the rules for identifiers and plain text.

A rule is a pure function of one cell's text: it gives the text as it will be written, or the fault that keeps
it out. It depends on the text only, so a caller may remember its answers. It never raises and takes time
linear in the text. The words of a fault never hold the value; `found` does, cut short.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from agent.impact.personal import CARD_LIKE
from agent.model import Fault
from agent.readers.novalue import LONGEST, NO_VALUE

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[str], str | Fault]
    Check = Callable[[str, str], Fault | None]  # (text, column)

__all__ = [
    "blame",
    "cell",
    "code_point",
    "formula",
    "identifier",
    "plain_text",
    "shown",
    "unfilled",
    "untrimmed",
    "unwritable",
]

_SHOWN = 60
_FORMULA_STARTS = ("=", "@", "+", "\t")

# Nobody sees these in an id, and each makes it another id: controls, soft hyphen, zero width, bidirectional,
# line and paragraph separators, tags, the mark of a damaged decode, halves of characters.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# Free text may keep what its language needs, and separators that are no line end of a batch (VT, NEL,
# U+2028).
_UNPRINTABLE = re.compile("[\x00-\x0a\x0c-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")

# 1.23457E+12 is what a spreadsheet leaves of a long number; 1E5, without sign or point, may be somebody's id.
_DESTROYED = re.compile(r"[0-9](?:[.,][0-9]+[eE][+-]?|[eE][+-](?=[0-9]{2}))[0-9]+")

# Nearly all ids are plain, and pass at once. What might be a number in scientific notation, or begins like a
# word for nothing (n…, u…), or like a payment card, is looked at properly.
_BRACED_CARD = CARD_LIKE.replace("{", "{{").replace("}", "}}")
_SOUND_ID = rf"(?![nNuU]|[0-9](?:\.[0-9]+)?[eE]|{_BRACED_CARD})[A-Za-z0-9][A-Za-z0-9._-]{{{{0,{{}}}}}}"

_NO_ID = NO_VALUE | {"nan", "none", "undefined"}


def blame(code: str, column: str, words: str, mend: str, text: str) -> Fault:
    """Make the fault of one cell; its words begin with the column's name."""
    return Fault(code, f"{column} {words}", mend, shown(text), column)


def shown(text: str) -> str:
    """Cut a value short for `found`."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def code_point(character: str) -> str:
    """Name one character: `U+200B ZERO WIDTH SPACE`."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()


def cell(column: str, read: Rule, *, required: bool, why: str = "") -> Rule:
    """Make a column's rule: blank cells are settled here, all others by `read`."""
    missing = Fault(
        "E-REQ", f"{column} is empty", why or f"fill in {column}; every row needs it", field=column
    )

    def rule(text: str) -> str | Fault:
        if text and not text.isspace():
            return read(text)
        return missing if required else ""

    return rule


def identifier(column: str, *, size: int, prefix: str = "", private: tuple[Check, ...] = ()) -> Rule:
    """Read an id as opaque text: kept to the letter, or refused where it cannot be the true one.

    `private` are the checks of what must not be sent, here as below.
    """
    checks = (formula, _too_long(size), *private, unwritable, untrimmed, _other_digits, _destroyed, _no_id)
    sound = re.compile(_SOUND_ID.format(size - 1)).fullmatch

    def read(text: str) -> str | Fault:
        if sound(text) is not None and text.startswith(prefix):
            return text
        fault = _first(checks, text, column)
        if fault is not None or text.startswith(prefix):
            return fault or text
        words = f"does not begin with {prefix}, as the ids of mobile actions do"
        return blame("E-MOBILEID", column, words, "use a feed of another level for other actions", text)

    return read


def plain_text(column: str, *, size: int, private: tuple[Check, ...] = ()) -> Rule:
    """Read free text: kept to the letter, or refused."""
    checks = (formula, _too_long(size), *private, _unprintable, untrimmed, unfilled)

    def read(text: str) -> str | Fault:
        return _first(checks, text, column) or text

    return read


def formula(text: str, column: str) -> Fault | None:
    """Refuse text that a spreadsheet would run."""
    if not text.startswith(_FORMULA_STARTS):
        return None
    words = f"begins like a spreadsheet formula ({code_point(text[0])})"
    return blame("E-FORMULA", column, words, "write the plain value; it is never altered silently", text)


def unwritable(text: str, column: str) -> Fault | None:
    """Refuse characters that cannot be seen or written."""
    return _hidden(text, column, _INVISIBLE)


def untrimmed(text: str, column: str) -> Fault | None:
    """Refuse blanks around a value that counts to the letter."""
    if text == text.strip():
        return None
    mend = "remove it in the source, or write `| trim` in the template"
    return blame("E-TRIM", column, "has white space before or behind it", mend, text)


def unfilled(text: str, column: str) -> Fault | None:
    """Refuse the texts that programs write where a value is missing."""
    return _no_value(text, column, NO_VALUE)


def _first(checks: tuple[Check, ...], text: str, column: str) -> Fault | None:
    for check in checks:
        if (fault := check(text, column)) is not None:
            return fault
    return None


def _too_long(size: int) -> Check:
    def check(text: str, column: str) -> Fault | None:
        if len(text) <= size:
            return None
        words = f"has {len(text)} characters; {size} are allowed"
        return blame("E-LEN", column, words, f"shorten it to {size} characters", text)

    return check


def _unprintable(text: str, column: str) -> Fault | None:
    return _hidden(text, column, _UNPRINTABLE)


def _hidden(text: str, column: str, forbidden: re.Pattern[str]) -> Fault | None:
    if text.isascii() and text.isprintable():
        return None
    found = forbidden.search(text)
    if found is None:
        return None
    words = f"contains {code_point(found[0])}, which must not be in it"
    return blame("E-CTRL", column, words, "remove that character in the source", text)


def _other_digits(text: str, column: str) -> Fault | None:
    """Refuse an id with digits of another script: it looks like the true one and is not."""
    found = (
        None if text.isascii() else next((one for one in text if one.isdecimal() and not one.isascii()), None)
    )
    if found is None:
        return None
    mend = "write it with the digits 0 to 9, as the shop does"
    return blame("E-DIGITS", column, f"contains {code_point(found)}", mend, text)


def _destroyed(text: str, column: str) -> Fault | None:
    if _DESTROYED.fullmatch(text) is None:
        return None
    words = "is in scientific notation: a spreadsheet has destroyed this id"
    return blame("E-SCIID", column, words, "export it again with the column formatted as text", text)


def _no_id(text: str, column: str) -> Fault | None:
    return _no_value(text, column, _NO_ID)


def _no_value(text: str, column: str, no_values: frozenset[str]) -> Fault | None:
    if len(text) > LONGEST or text.strip().casefold() not in no_values:
        return None
    words = "holds a word for a missing value instead of a value"
    return blame("E-NULLTXT", column, words, "fill in the value, or leave the cell empty", text)
