"""Where a quote went wrong: csv knows the line on which it noticed, people need the one where it opens."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')


@dataclass(frozen=True, slots=True)
class BadQuote:
    """The lines, counted from 1 within the text, where a quoted cell opens and closes (0: never)."""

    opens: int
    closes: int


def find_bad_quote(text: str, delimiter: str) -> BadQuote | None:
    """Find the cell in a record's text whose quote is not closed, or is closed in front of other text."""
    parted = re.escape(delimiter)
    cell = re.compile(
        rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{parted}\r\n][^{parted}\r\n]*+|)(?:{parted}|\r\n|[\r\n]|\Z)'
    )
    place = 0
    while place < len(text) and (sound := cell.match(text, place)):
        place = sound.end()
    if place >= len(text):
        return None
    closed = _QUOTED.match(text, place)
    return BadQuote(opens=_line(text, place), closes=_line(text, closed.end()) if closed else 0)


def _line(text: str, place: int) -> int:
    before = text[:place]
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")
