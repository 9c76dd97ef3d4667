"""Where YAML itself is broken: the parser's complaint in words for people who write settings. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

from agent.settings.problems import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    import yaml

__all__ = ["complaint", "place_of"]

_QUOTE = "put the whole value into quotes"
_OPENED = "context"  # the mistake is told where the thing began, not where the parser gave up
_STOPPED = "stop"


class _Rule(NamedTuple):
    """What a complaint means: the pattern looks at `context | problem` of the parser's error."""

    pattern: str
    words: str
    mend: str
    where: str = _STOPPED
    code: str = "C-SYNTAX"


_UNCLOSED = _Rule(
    r"flow (sequence|mapping).*got '(<stream end>|<document)",
    "the bracket that opens here is never closed",
    "close it with the matching bracket",
    _OPENED,
)
_RULES = (
    _Rule(r"found character '\\t'", "a tab stands where only spaces can", "indent with spaces"),
    _Rule("found character", "a value cannot begin with this sign", _QUOTE),
    _Rule(
        "scanning an alias",
        "a value that begins with * is read as a reference to another place, which settings do not have",
        'if it is meant as text, put it into quotes, such as "*.csv"',
        _OPENED,
        "C-ALIAS",
    ),
    _Rule(
        "scanning an anchor",
        "a value that begins with & is read as a name for other places, which settings do not have",
        f"if it is meant as text, {_QUOTE}",
        _OPENED,
        "C-ALIAS",
    ),
    _Rule(
        "scanning a tag|tag handle|parsing a tag",
        "a value that begins with ! is read as a type, which settings do not have",
        f"if it is meant as text, {_QUOTE}",
        _OPENED,
        "C-TAG",
    ),
    _Rule(
        "mapping values are not allowed",
        "a ':' stands where none can",
        f"if it belongs to a text, {_QUOTE}; if not, look at the indentation of this line and the one above",
    ),
    _Rule(
        "could not find expected ':'",
        "this line is neither 'key: value' nor an item of a list",
        "put ': ' behind the key, or '- ' before the item, or mend the quotes above",
        _OPENED,
    ),
    _Rule(
        "quoted scalar.*(end of stream|document separator)",
        "the quote that opens here is never closed",
        "close it with the same quote",
        _OPENED,
    ),
    _Rule(
        "double-quoted scalar",
        "a backslash in double quotes begins a special sign, and this one is unknown",
        "use single quotes, or write the backslash twice",
    ),
    _UNCLOSED,
    _Rule(
        r"flow (sequence|mapping).*got '[]}]'",
        "this bracket closes another kind than the one that is open",
        "[ goes with ], { goes with }",
    ),
    _Rule(
        "flow (sequence|mapping)",
        "a comma or a closing bracket is missing before this",
        "part the items of a list by commas and close its bracket",
    ),
    _Rule(
        "but found '<(scalar|anchor|alias|tag)>'",
        "something stands behind a value that was already complete",
        "put the whole value into one pair of quotes, or begin a new line",
    ),
    _Rule(
        r"but found '(<block|\?|-)",
        "this line is indented differently from those it belongs to",
        "begin keys that belong together in the same column",
    ),
    _Rule("sequence entries", "an item of a list cannot begin here", "begin it on a line of its own"),
    _Rule("scanning a block scalar", "| and > begin a block of text on the lines below", _QUOTE),
    _Rule("directive|incompatible", "a line that begins with % is not understood here", "leave it out"),
    _Rule(
        r"found '[]},:]'|document start",
        "this does not belong here",
        "take it out, or put the text into quotes",
    ),
)
_OTHER = _Rule("", "this cannot be read as YAML", "compare it with the sample settings")


class _Mark(Protocol):
    """Where PyYAML says it was; both from 0."""

    line: int
    column: int


def place_of(mark: _Mark | None) -> Place:
    """Return the place of a mark; the parser always has one."""
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def complaint(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[str, Place, str, str]:
    """Return code, place, words and mend for the parser's error. The words quote nothing of the text."""
    seen = f"{error.context or ''} | {error.problem or ''}"
    found = next((rule for rule in _RULES if re.search(rule.pattern, seen)), _OTHER)
    rule = _UNCLOSED if _runs_on(error, lines) else found
    mark = (error.context_mark if rule.where == _OPENED else None) or error.problem_mark or error.context_mark
    return rule.code, place_of(mark), rule.words, rule.mend


def _runs_on(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> bool:
    """Tell a bracket that runs into the keys below it from a comma missing inside it."""
    opened, stopped = error.context_mark, error.problem_mark
    if "flow" not in (error.context or "") or not opened or not stopped or stopped.line <= opened.line:
        return False
    begun = lines[opened.line]
    return "got ':'" in (error.problem or "") or stopped.column <= len(begun) - len(begun.lstrip())
