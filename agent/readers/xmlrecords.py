"""The records of an XML document, one element each, as the parser tells of them; the document is never in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

from agent.readers.base import refusal
from agent.readers.nested import Item, Nest
from agent.readers.xmlparser import AGAIN, BLOCK, DEEPEST, Parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.readers.nested import Value

RECORD_CAP = 4_194_304  # bytes
_written = json.JSONEncoder(ensure_ascii=False).encode
_SPACES = "http://www.w3.org/2001/XInclude"


class Element:
    """One element inside a record: its name, attributes, text and what is inside."""

    __slots__ = ("attributes", "inside", "name", "text")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name, self.attributes = name, attributes
        self.text = ""
        self.inside: list[Element] = []

    def value(self) -> Value:
        """As one of several values: a text where it has nothing but text."""
        if not self.inside and not self.attributes:
            return self.text
        values: dict[str, Value] = {f"@{name}": text for name, text in self.attributes.items()}
        for name, elements in self.by_name():
            values[name] = nest(elements) if len(elements) > 1 else elements[0].value()
        if self.text.strip():
            values["text"] = self.text
        return Item(values)

    def by_name(self) -> Iterator[tuple[str, Sequence[Element]]]:
        """Yield what is inside by name, in the order in which the names first occur."""
        found: dict[str, list[Element]] = {}
        for element in self.inside:
            found.setdefault(element.name, []).append(element)
        yield from found.items()

    def plain(self) -> object:
        """As plain values, to be written as one text."""
        if not self.inside and not self.attributes:
            return self.text
        inside = {name: [element.plain() for element in elements] for name, elements in self.by_name()}
        named = {f"@{name}": text for name, text in self.attributes.items()}
        return {**named, **inside, **({"text": self.text} if self.text.strip() else {})}


def nest(elements: Sequence[Element]) -> Nest:
    """Make one cell of elements with one name."""
    return Nest(
        _written([element.plain() for element in elements]), [element.value() for element in elements]
    )


class Records:
    """Goes through a document by its records; `path` is the names from the root to them, or () for the root's own."""

    def __init__(self, path: Sequence[str]) -> None:
        self.path = path
        self.names: list[str] = []  # of the elements that are open
        self.found: list[tuple[int, Element]] = []  # line and record, until they are fetched
        self.seen: dict[str, None] = {}  # paths of elements, to tell where records may be
        self._open: list[Element] = []  # within a record
        self._own: dict[str, str] = {}  # expat's name → what we call it
        self._path = list(path)
        self.space: str | None = None  # the root's namespace
        self.root = ""
        self._line = self._began = 0
        self.closed = 0, 0  # byte and line of the last record's closing tag, or of the end of its empty one
        self._parser = Parser(self._start, self._end, self._text)

    def through(self, stream: BinaryIO) -> Iterator[tuple[int, Element]]:
        """Yield the line of each record and the record.

        Raises:
            RefusedFile: E-XML, E-ENC, Q-DTD, E-DEPTH, E-SHAPE.

        """
        stream.seek(0)
        ended = False
        while not ended:
            block = stream.read(BLOCK)
            ended = not block
            self._parse(block, ended=ended)
            yield from self.found
            self.found.clear()

    def _parse(self, block: bytes, *, ended: bool = False) -> None:
        """Let the parser have the next bytes; what it finds is in `found`."""
        self._parser.parse(block, ended=ended)
        if self._open and self._parser.byte - self._began > RECORD_CAP:
            words = f"a record does not end within {RECORD_CAP // 2**20} MiB"
            raise refusal("E-SHAPE", words, "look at `records:` of the feed", line=self._line)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        opened = self._open
        if not opened:
            self._outside(name, attributes)
            return
        element = Element(self._own.get(name) or self._called(name), attributes and _local(attributes))
        opened[-1].inside.append(element)
        opened.append(element)
        if len(opened) > DEEPEST - len(self.names):
            raise self._parser.too_deep()

    def _outside(self, name: str, attributes: dict[str, str]) -> None:
        """Go down to where the records are; one of them may begin here."""
        if self.space is None:
            self.space, _, self.root = name.rpartition(" ")
        self.names.append(self._called(name))
        if len(self.names) > DEEPEST:
            raise self._parser.too_deep()
        if self._is_record():
            self._line, self._began = self._parser.line, self._parser.byte
            self._open.append(Element(self.names[-1], _local(attributes)))
        elif len(self.seen) < 20:  # noqa: PLR2004 - more than are read
            self.seen[".".join(self.names)] = None

    def _called(self, name: str) -> str:
        """Name an element; one of another namespace than the root's keeps that, so none is taken for another."""
        space, _, local = name.rpartition(" ")
        if space == _SPACES:
            line = self._parser.line
            raise refusal("Q-DTD", "the document asks to include others", AGAIN, line=line)
        self._own[name] = own = local if space == self.space else f"{{{space}}}{local}"
        return own

    def _is_record(self) -> bool:
        return self.names == self._path if self.path else len(self.names) == 2  # noqa: PLR2004 - below the root

    def _end(self, name: str) -> None:
        del name
        opened = self._open
        if not opened:
            self.names.pop()
            return
        element = opened.pop()
        if element.inside and not element.text.strip():
            element.text = ""  # blanks between elements are layout
        if not opened:
            self.names.pop()
            self.found.append((self._line, element))
            self.closed = self._parser.byte, self._parser.line

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text


def _local(attributes: dict[str, str]) -> dict[str, str]:
    """Attributes by their own names; those with a prefix keep the namespace."""
    return {
        f"{{{space}}}{local}" if space else local: text
        for name, text in attributes.items()
        for space, _, local in (name.rpartition(" "),)
    }
