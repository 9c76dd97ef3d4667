"""Which JSON objects are written alike: those that differ in strings, numbers, true, false and null only."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from agent.readers.patterns import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# each in one group, which holds the text of the value
_PLAIN = r'[^"\\\x00-\x1f]*'
_STRING = rf'"({_PLAIN})"'
_ESCAPED = rf'"({_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*)"'  # or plain; half as fast
_NUMBER = r"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
_WORD = r"(true|false)"
_COMMA = r"[ \t\n\r]*,[ \t\n\r]*"
_decode = json.JSONDecoder().raw_decode
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|(-?[0-9][0-9.eE+-]*)|(true|false)|null')


class JsonPatterns(Patterns[str]):
    """Those of one file; in a run, a comma stands behind each record."""

    def __init__(self, end: str = "") -> None:
        super().__init__()
        self._end = end  # what must stand behind a record, as a pattern
        self._escaped: set[str] = set()  # what stands before the values in which a backslash was met

    def _compiled(self, text: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
        one, without_groups = "".join(self._pieces(text, "(")), "".join(self._pieces(text, "(?:"))
        return re.compile(one + self._end), re.compile(f"(?:{without_groups}{_COMMA})++")

    def _pieces(self, text: str, group: str) -> Iterator[str]:
        """Yield what a record consists of: all as it is written but for its values, each in a group."""
        at = 0
        for token in _TOKEN.finditer(text):
            is_name, number, word = token.groups()
            if not is_name:
                before = text[at : token.start()]
                if "\\" in token[0]:
                    self._escaped.add(before)
                string = _ESCAPED if before in self._escaped else _STRING
                value = _NUMBER if number else _WORD if word else string
                yield f"{re.escape(before)}(?:{value.replace('(', group, 1)}|null)"
                at = token.end()
        yield re.escape(text[at:])

    def _cells(self, found: re.Match[str]) -> Sequence[str]:
        cells: tuple[str, ...] = found.groups("")
        if "\\" not in found[0]:
            return cells
        return [_decode(f'"{cell}"')[0] if "\\" in cell else cell for cell in cells]
