"""Ids that a program may have changed before they were saved as text.

A spreadsheet keeps 15 digits and writes zeros behind. One such id proves nothing, as a tenth of all ids of 16 digits
end in 0. A column is suspect when every long id in it ends so, and chance alone would give that in less than one file
of a thousand. It makes dates of ids such as 3-4 (Mar-04, 04. Mrz), and truth values; programs that take a column with
gaps for numbers write 12345.0. And it takes leading zeros away: where some ids of figures begin with a zero, those that
are shorter may have had one. A shop may well write its ids so, so this is remarked and no more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.model import Fault
from agent.readers.nested import Figure, no_id

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT = 15  # digits that Excel keeps: https://support.microsoft.com/kb/269370
_CERTAIN = 3  # zeros in all, each with a chance of one in ten
_TURNED_LONGEST = 16  # characters
_MONTHS = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    "|mrz|mär|mai|okt|dez|fév|avr|juin|juil|aoû|déc|ene|abr|ago|dic"
)
_MONTH = f"(?:{_MONTHS}|{_MONTHS.title()})"
_TURNED = re.compile(
    rf"[0-3]?[0-9](?:-|\. ){_MONTH}\.?|{_MONTH}[- ][0-9]{{2}}"  # 4-Mar, 04. Mrz; Mar-24, Mrz 24
    r"|[0-3]?[0-9][/.][0-3]?[0-9][/.](?:19|20)[0-9]{2}"
    r"|[1-9][0-9]{2,}\.0"
    r"|TRUE|FALSE|WAHR|FALSCH|VRAI|FAUX",
    re.ASCII,
)


class Shortened:
    """The rule of an identifier column that looks at the ids it passes."""

    def __init__(self, column: str, rule: Callable[[str], str | Fault]) -> None:
        self._column, self._rule = column, rule
        self._zeros = self._ids = 0
        self._whole = False  # some long id is whole
        self._first = ""
        self._turned = 0
        self._first_turned = ""
        self._padded = 0  # figures of the longest id that begins with a zero
        self._shortest = ""  # of the ids of figures that do not

    def __call__(self, text: str) -> str | Fault:
        """Read a cell; it is asked once per distinct value, or again where there are thousands."""
        if isinstance(text, Figure):
            return no_id(text, self._column)
        if text.isascii() and text.isdigit():
            self._figures(text)
        elif len(text) <= _TURNED_LONGEST and _TURNED.fullmatch(text):
            self._turned += 1
            self._first_turned = self._first_turned or text
        return self._rule(text)

    def _figures(self, text: str) -> None:
        if text[0] == "0":
            self._padded = max(self._padded, len(text))
        elif not self._shortest or len(text) < len(self._shortest):
            self._shortest = text
        if len(text) <= _KEPT:
            return
        if text[_KEPT:].strip("0"):
            self._whole = True
        else:
            self._first = self._first or text
            self._ids += 1
            self._zeros += len(text) - _KEPT

    def fault(self) -> Fault | None:
        """Say what the column looks like, once all its cells were read."""
        if self._whole or self._zeros < _CERTAIN:
            return None
        ids = "ids of more than 15 digits end" if self._ids > 1 else "id of more than 15 digits ends"
        words = f"{self._column}: the {self._ids} {ids} in zeros; a spreadsheet may have lost the true digits"
        mend = "compare it with the shop; export the column as text"
        return Fault("W-IDPREC", words, mend, self._first, self._column)

    def turned(self) -> Fault | None:
        """Say that ids look like dates, numbers or truth values, once all cells of the column were read."""
        if not self._turned:
            return None
        ids = "ids look" if self._turned > 1 else "id looks"
        what = "a date, a number or a truth value"
        words = f"{self._column}: {self._turned:,} {ids} like what a program makes of one: {what}"
        mend = "compare it with the shop; export the column as text"
        return Fault("W-IDFORM", words, mend, self._first_turned, self._column)

    def stripped(self) -> Fault | None:
        """Say that ids may have lost leading zeros, once all cells of the column were read."""
        if not 0 < len(self._shortest) < self._padded:
            return None
        which = (
            f"some ids begin with zeros and have up to {self._padded} figures; without any, others have fewer"
        )
        words = f"{self._column}: {which}"
        mend = "compare them with the shop; export the column as text; `id_lengths:` of the feed refuses such ids"
        return Fault("W-IDZERO", words, mend, self._shortest, self._column)
