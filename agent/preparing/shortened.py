"""Ids that a spreadsheet may have shortened before they were saved as text: it keeps 15 digits and writes zeros behind.

One such id proves nothing, as a tenth of all ids of 16 digits end in 0. A column is suspect when every long id in it
ends so, and chance alone would give that in less than one file of a thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT = 15  # digits that Excel keeps: https://support.microsoft.com/kb/269370
_CERTAIN = 3  # zeros in all, each with a chance of one in ten


class Shortened:
    """The rule of an identifier column that looks at the ids it passes."""

    def __init__(self, column: str, rule: Callable[[str], str | Fault]) -> None:
        self._column, self._rule = column, rule
        self._zeros = self._ids = 0
        self._whole = False  # some long id is whole
        self._first = ""

    def __call__(self, text: str) -> str | Fault:
        """Read a cell; it is asked once per distinct value."""
        if len(text) > _KEPT and text.isascii() and text.isdigit():
            if text[_KEPT:].strip("0"):
                self._whole = True
            else:
                self._first = self._first or text
                self._ids += 1
                self._zeros += len(text) - _KEPT
        return self._rule(text)

    def fault(self) -> Fault | None:
        """Say what the column looks like, once all its cells were read."""
        if self._whole or self._zeros < _CERTAIN:
            return None
        ids = "ids of more than 15 digits end" if self._ids > 1 else "id of more than 15 digits ends"
        words = f"{self._column}: the {self._ids} {ids} in zeros; a spreadsheet may have lost the true digits"
        mend = "compare it with the shop; export the column as text"
        return Fault("W-IDPREC", words, mend, self._first, self._column)
