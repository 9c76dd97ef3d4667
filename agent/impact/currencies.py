"""Currencies of ISO 4217: which there are, and how many decimals each has.

Only money counts: codes without decimals of their own (metals, tests, "no currency") are not taken, since no
amount could be checked against them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from iso4217 import raw_table

from agent.impact.cells import blame, code_point, formula, unfilled, unwritable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.impact.cells import Rule
    from agent.model import Fault

__all__ = ["EXPONENTS", "currency", "known"]

EXPONENTS: Mapping[str, int] = MappingProxyType(
    {
        code: int(str(entry["CcyMnrUnts"]))
        for code, entry in raw_table.items()
        if code and str(entry["CcyMnrUnts"]).isdecimal()
    }
)

_LETTERS = 3
_LONGEST = 12  # characters that a mistaken code is looked into
# Capital letters of Cyrillic and Greek that look like Latin ones.
_LOOKALIKES = str.maketrans("АВСЕНІЈКМОРЅТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABCEHIJKMOPSTXYABEZHIKMNOPTYX")  # noqa: RUF001 - the point of the table


def known(code: str) -> bool:
    """Tell whether a code is a currency that amounts can be in."""
    return code in EXPONENTS


def currency(column: str) -> Rule:
    """Read a currency code: three capital letters of ISO 4217, nothing else."""

    def read(text: str) -> str | Fault:
        return text if text in EXPONENTS else _unknown(text, column)

    return read


def _unknown(text: str, column: str) -> Fault:
    fault = formula(text, column) or unwritable(text, column) or unfilled(text, column)
    if fault is not None:
        return fault
    meant = _meant(text)
    foreign = next((character for character in text if not character.isascii()), None)
    words = "is no ISO 4217 currency code"
    if meant and foreign:
        words = f"contains {code_point(foreign)}, which only looks like a Latin letter"
    mend = f"did you mean {meant}?" if meant else "write the three capital letters, such as USD"
    return blame("E-CUR", column, words, mend, text)


def _meant(text: str) -> str:
    """Guess the code meant: in another case, with blanks around it, lookalike letters, or more letters."""
    if len(text) > _LONGEST:
        return ""
    code = text.strip().upper().translate(_LOOKALIKES)
    return next((guess for guess in (code, code[:_LETTERS]) if guess in EXPONENTS), "")
