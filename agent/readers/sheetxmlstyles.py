"""What the styles of an XML spreadsheet of Excel 2003 make of the numbers in its cells (`formats.padding`)."""

from __future__ import annotations

from agent.readers.formats import padding

_NAMED = {"Percent": "0.00%"}  # formats that are named, as far as they matter
_PLAIN = "Default"  # the style of cells that name none


class Styles:
    """The styles that show more than a number has."""

    def __init__(self) -> None:
        self._shown: dict[str, int] = {}
        self._defined = ""

    def define(self, style: str, parent: str) -> None:
        """Begin the definition of a style, which is as its parent is."""
        self._defined = style
        if shown := self._shown.get(parent, 0):
            self._shown[style] = shown

    def format(self, code: str) -> None:
        """Take the format of the style that is being defined."""
        if shown := padding(_NAMED.get(code, code)):
            self._shown[self._defined] = shown
        else:
            self._shown.pop(self._defined, None)

    def shown(self, style: str) -> int:
        """Say what a style makes of a number."""
        return self._shown.get(style or _PLAIN, 0)

    def __bool__(self) -> bool:
        return bool(self._shown)
