"""Answers as trees: JSON and XML, read into the same entries. Pure.

Of an XML element, an object is what has other elements or attributes in it; document types and entities are
refused. Every walk is bounded in depth and in number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from agent.acks.forms.entries import Entry, UnreadableError, entry_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 32
_MOST = 500_000  # objects and lists; each takes far more memory than its text
_MOST_VALUES = 4_000_000


@dataclass(slots=True)
class _Object:
    pairs: list[tuple[str, str]] = field(default_factory=list)
    children: list[_Object] = field(default_factory=list)


def json_entries(text: str) -> Iterator[Entry]:
    """Yield every object in a JSON text, outer ones first.

    Raises:
        UnreadableError: it is no JSON, too deep or too large.
    """
    if text.count("{") + text.count("[") > _MOST or text.count(",") > _MOST_VALUES:
        raise UnreadableError("it has too many parts")
    try:
        root = json.loads(text, object_pairs_hook=_json_object, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("it begins like JSON and is none") from error
    top = _Object()
    _add(top, "", root)
    yield from _walk(top)


def xml_entries(content: bytes) -> Iterator[Entry]:
    """Yield every object in an XML document, outer ones first.

    Raises:
        UnreadableError: it is no XML, has a document type, is too deep or too large.
    """
    if content.count(b"<") > 2 * _MOST:
        raise UnreadableError("it has too many parts")
    growing = _Growing()
    parser = DefusedXMLParser(target=growing.listener(), forbid_dtd=True)
    try:
        parser.feed(content)
        parser.close()
    except DefusedXmlException as error:
        raise UnreadableError("it has a document type, which is not understood") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableError("it begins like XML and is none") from error
    yield from _walk(growing.top)


def _json_object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object()
    for name, value in pairs:
        _add(made, name, value)
    return made


def _add(made: _Object, name: str, value: Any) -> None:
    """Put one value of a JSON object into it; a list gives each of its items the list's name."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one)
        elif isinstance(one, _Object):
            made.children.append(one)
        elif one is not None:
            made.pairs.append((name, str(one)))


def _walk(top: _Object) -> Iterator[Entry]:
    waiting = [(top, "", 0)]
    while waiting:
        one, around, depth = waiting.pop()
        if depth > _DEEPEST:
            raise UnreadableError(f"it is nested deeper than {_DEEPEST}")
        entry = entry_of(one.pairs, around, inner=bool(one.children))
        yield entry
        waiting += [(child, entry.file, depth + 1) for child in reversed(one.children)]


class _Growing:
    """Grows a tree of what the XML parser meets."""

    def __init__(self) -> None:
        self.top = _Object()
        self._open = [self.top]
        self._texts: list[list[str]] = [[]]

    def listener(self) -> SimpleNamespace:
        """Return what the parser calls, under the names it has for it."""
        return SimpleNamespace(start=self._begin, data=self._text, end=self._end, close=lambda: None)

    def _begin(self, _tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) > _DEEPEST:
            raise UnreadableError(f"it is nested deeper than {_DEEPEST}")
        self._open.append(_Object([(_local(name), value) for name, value in attributes.items()]))
        self._texts.append([])

    def _text(self, text: str) -> None:
        self._texts[-1].append(text)

    def _end(self, tag: str) -> None:
        """End an element: one with nothing but text in it is a field of the one around it."""
        made, text = self._open.pop(), "".join(self._texts.pop())
        around = self._open[-1]
        if made.children or made.pairs:
            around.children.append(made)
        else:
            around.pairs.append((_local(tag), text))


def _local(name: str) -> str:
    return name.rpartition("}")[2]
