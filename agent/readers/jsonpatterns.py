"""Which JSON objects are written alike: those that differ in strings, numbers, true, false and null only."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from agent.readers.patterns import MOST, Pattern, Patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# each in one group, which holds the text of the value
_PLAIN = r'[^"\\\x00-\x1f]*'
_STRING = rf'"({_PLAIN})"'
_ESCAPED = rf'"({_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*)"'  # or plain; half as fast
_WHOLE = r"(-?(?:0|[1-9][0-9]*))"
_NUMBER = r"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)"  # an exponent is the parser's to write out
_WORD = r"(true|false)"
_COMMA = r"[ \t\n\r]*,[ \t\n\r]*"
_decode = json.JSONDecoder().raw_decode
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|(-?[0-9][0-9.eE+-]*)|(true|false)|null')


class JsonPatterns(Patterns[str]):
    """Those of one file; in a run, a comma stands behind each record."""

    def __init__(self, end: str = "", decimal: str = ".") -> None:
        super().__init__()
        self._end = end  # what must stand behind a record, as a pattern
        self._decimal = decimal
        self._identifiers: frozenset[str] = frozenset()
        self._escaped: set[str] = set()  # what stands before the values in which a backslash was met

    def attend(self, identifiers: Iterable[str]) -> None:
        """Leave numbers with more than digits to the parser where they are ids; begin anew, unless it was given up."""
        self._identifiers = frozenset(identifiers)
        if self.hopeful:
            self._known, self._left = [], MOST

    def _compiled(self, text: str, names: tuple[str, ...]) -> Pattern[str]:
        values = [token for token in _TOKEN.finditer(text) if not token[1]]
        one, without_groups = (
            "".join(self._pieces(text, zip(values, names, strict=False), group)) for group in ("(", "(?:")
        )
        figures = () if self._decimal == "." else tuple(at for at, value in enumerate(values) if value[2])
        run = re.compile(f"(?:{without_groups}{_COMMA})++")
        return Pattern(re.compile(one + self._end).match, run.match, names, figures)

    def _pieces(self, text: str, values: Iterable[tuple[re.Match[str], str]], group: str) -> Iterator[str]:
        """Yield what a record consists of: all as it is written but for its values, each in a group."""
        at = 0
        for value, name in values:
            before = text[at : value.start()]
            yield f"{re.escape(before)}(?:{self._like(value, name, before).replace('(', group, 1)}|null)"
            at = value.end()
        yield re.escape(text[at:])

    def _like(self, value: re.Match[str], name: str, before: str) -> str:
        """Say what may stand in the place of a value."""
        _, number, word = value.groups()
        if number:
            return _WHOLE if name in self._identifiers else _NUMBER
        if word:
            return _WORD
        if "\\" in value[0]:
            self._escaped.add(before)
        return _ESCAPED if before in self._escaped else _STRING

    def _cells(self, found: re.Match[str], pattern: Pattern[str]) -> Sequence[str]:
        cells: Sequence[str] = found.groups("")
        if pattern.figures or "\\" in found[0]:
            cells = [_decode(f'"{cell}"')[0] if "\\" in cell else cell for cell in cells]
            for at in pattern.figures:
                cells[at] = cells[at].replace(".", self._decimal)
        return cells
