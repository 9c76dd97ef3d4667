"""A mistake in the settings: what it is, where it stands, how to mend it.

Whoever finds mistakes in a settings file tells them to its `Page`, which knows the lines and what of them is
secret. A secret is never shown: where one stands in clear text, a row of stars of fixed length does.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["MASK", "Page", "Place", "Problem", "Span", "listed", "nearest", "shown"]

MASK = "********"
_WIDTH = 100  # characters of a source line that are shown
_BEFORE = 70  # of these, before the place
_MOST = 100  # mistakes told of one file
_MOST_LISTED = 30  # names in a row
_LONGEST = 60  # characters of a value or a key quoted in words


class Place(NamedTuple):
    """A place in a text, both numbers from 1; columns count characters."""

    line: int
    column: int


class Span(NamedTuple):
    """A stretch of a text; `end` is behind its last character."""

    start: Place
    end: Place


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake; its text is `file:line:column: CODE words; mend`, the source line and a caret below it."""

    code: str
    file: str = ""  # relative to the folder of agent.yaml
    line: int = 0  # from 1; 0: the file as a whole
    column: int = 0
    words: str = ""
    mend: str = ""
    source_line: str = ""  # as shown: clipped, secrets masked
    caret: int = 0  # characters of `source_line` before the place

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        text = f"{place}: " if place else ""
        text += f"{self.code} {self.words}" + (f"; {self.mend}" if self.mend else "")
        if not self.source_line:
            return text
        return f"{text}\n{self.source_line}\n{' ' * _cells(self.source_line[: self.caret])}^"


class Page:
    """One settings file while it is read: its lines, the mistakes in it, and what must not be shown of it."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines = re.split(r"\r\n|\r|\n", text)
        self._mistakes: dict[tuple[Place | None, str, str], str] = {}
        self._spans: dict[Span, None] = {}
        self._starts: set[Place] = set()
        self._more = False

    @property
    def sound(self) -> bool:
        """Whether no mistake was found so far."""
        return not self._mistakes

    @property
    def full(self) -> bool:
        """Whether so many mistakes were found that further ones are not told."""
        return len(self._mistakes) >= _MOST

    def say(self, code: str, place: Place | None, words: str, mend: str = "") -> None:
        """Note a mistake; the same one at the same place counts once. `words` hold no secret."""
        if self.full:
            self._more = True
        else:
            self._mistakes.setdefault((place, code, words), mend)

    def mistaken_lines(self) -> list[int]:
        """Return the numbers of the lines that will be shown."""
        return sorted({place.line for place, _, _ in self._mistakes if place})

    def hide(self, span: Span) -> None:
        """Show stars instead of this stretch, whatever mistake is shown on its lines."""
        if span.end > span.start:
            self._spans[span] = None
            self._starts.add(span.start)

    def hides(self, place: Place) -> bool:
        """Tell whether the value that begins here is hidden, so that words may not quote it."""
        return place in self._starts

    def problems(self) -> list[Problem]:
        """Return the mistakes with their source lines; call it once all that must be hidden is known."""
        told = [self._problem(*mistake, mend) for mistake, mend in self._mistakes.items()]
        if self._more:
            words = f"there are more than {_MOST} mistakes in this file"
            told.append(
                Problem("C-MORE", self.file, words=words, mend="the others are told when these are mended")
            )
        return told

    def _problem(self, place: Place | None, code: str, words: str, mend: str) -> Problem:
        if place is None:
            return Problem(code, self.file, words=words, mend=mend)
        line, caret = _clipped(*self._masked(place))
        return Problem(code, self.file, place.line, place.column, words, mend, line, caret)

    def _masked(self, place: Place) -> tuple[str, int]:
        """Return the line of a place with stars for what is hidden, and where the place is in it now."""
        line, caret = self.lines[place.line - 1], place.column - 1
        shown_line, seen, shift = "", 0, 0
        for start, end in self._hidden(place.line, len(line)):
            shown_line += line[seen:start] + MASK
            if caret >= end:
                shift += len(MASK) - (end - start)
            elif caret > start:
                shift = len(shown_line) - len(MASK) - caret
            seen = end
        return shown_line + line[seen:], caret + shift

    def _hidden(self, number: int, length: int) -> list[tuple[int, int]]:
        """Return the hidden columns of a line, from 0, in order and parted."""
        found: list[tuple[int, int]] = []
        for start, end in sorted(
            (
                span.start.column - 1 if span.start.line == number else 0,
                span.end.column - 1 if span.end.line == number else length,
            )
            for span in self._spans
            if span.start.line <= number <= span.end.line
        ):
            if found and start <= found[-1][1]:
                found[-1] = (found[-1][0], max(end, found[-1][1]))
            elif end > start:
                found.append((start, end))
        return found


def shown(text: str, longest: int = _LONGEST) -> str:
    """Quote a text in words: clipped, in quotes, with nothing in it that a terminal would obey."""
    clipped = text if len(text) <= longest else text[: longest - 1] + "…"
    return "'" + "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in clipped) + "'"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, or "" when none is near."""
    words = {_squashed(one): one for one in known}
    squashed = _squashed(word[:_LONGEST])
    found = difflib.get_close_matches(squashed, words, n=1, cutoff=0.65) if squashed else []
    return words[found[0]] if found else ""


def listed(names: Collection[str]) -> str:
    """Return names in a row, the first of them when they are many."""
    row = ", ".join(list(names)[:_MOST_LISTED])
    return row if len(names) <= _MOST_LISTED else f"{row} and {len(names) - _MOST_LISTED} more"


def _squashed(word: str) -> str:
    return re.sub(r"[-_ .]", "", word).lower()


def _clipped(line: str, caret: int) -> tuple[str, int]:
    """Cut a long line down to what stands round the caret, and make it safe to print."""
    plain = "".join(sign if sign.isprintable() else " " if sign == "\t" else "\ufffd" for sign in line)
    if len(plain) <= _WIDTH:
        return plain, caret
    first = max(0, min(caret - _BEFORE, len(plain) - _WIDTH))
    piece = plain[first : first + _WIDTH]
    before, behind = "…" if first else "", "…" if first + _WIDTH < len(plain) else ""
    return before + piece + behind, caret - first + len(before)


def _cells(text: str) -> int:
    """Count the cells of a terminal that a text takes."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(bool(unicodedata.combining(sign)) for sign in text)
