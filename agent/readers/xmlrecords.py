"""The records of an XML document, one element each, as expat tells of them; the document itself is never in memory.

Expat with handlers of our own rather than defusedxml: what makes that safe is that document types are refused, and
with them every entity; defusedxml lets a plain document type pass by default and asks Python about each, at twice the
price for the same safety.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from agent.model import Fault
from agent.readers.base import refusal, refusal_at
from agent.readers.nested import Item, Nest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.errors import RefusedFile
    from agent.readers.nested import Value

DEEPEST = 256
RECORD_CAP = 4_194_304  # bytes
_BLOCK = 65_536
_WRONG_ENCODING = (
    expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
    expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
)
_SPACES = "http://www.w3.org/2001/XInclude"
_AGAIN = "export the file again; it is no whole XML"


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
    text = json.dumps([element.plain() for element in elements], ensure_ascii=False)
    return Nest(text, [element.value() for element in elements])


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
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse_type

    def through(self, stream: BinaryIO) -> Iterator[tuple[int, Element]]:
        """Yield the line of each record and the record.

        Raises:
            RefusedFile: E-XML, E-ENC, Q-DTD, E-DEPTH, E-SHAPE.

        """
        stream.seek(0)
        ended = False
        while not ended:
            block = stream.read(_BLOCK)
            ended = not block
            try:
                self._parser.Parse(block, ended)
            except expat.ExpatError as error:
                raise self._broken(error) from None
            except (
                LookupError,
                ValueError,
            ) as error:  # an encoding that expat does not read, of several bytes a letter
                raise refusal("E-ENC", str(error), "export the file again as UTF-8", line=1) from None
            if self._open and self._parser.CurrentByteIndex - self._began > RECORD_CAP:
                words = f"a record does not end within {RECORD_CAP // 2**20} MiB"
                raise refusal("E-SHAPE", words, "look at `records:` of the feed", line=self._line)
            yield from self.found
            self.found.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        opened = self._open
        if not opened:
            self._outside(name, attributes)
            return
        element = Element(self._own.get(name) or self._called(name), attributes and _local(attributes))
        opened[-1].inside.append(element)
        opened.append(element)
        if len(opened) > DEEPEST - len(self.names):
            raise self._too_deep()

    def _outside(self, name: str, attributes: dict[str, str]) -> None:
        """Go down to where the records are; one of them may begin here."""
        if self.space is None:
            self.space, _, self.root = name.rpartition(" ")
        self.names.append(self._called(name))
        if len(self.names) > DEEPEST:
            raise self._too_deep()
        if self._is_record():
            self._line, self._began = self._parser.CurrentLineNumber, self._parser.CurrentByteIndex
            self._open.append(Element(self.names[-1], _local(attributes)))
        elif len(self.seen) < 20:  # noqa: PLR2004 - more than are read
            self.seen[".".join(self.names)] = None

    def _called(self, name: str) -> str:
        """Name an element; one of another namespace than the root's keeps that, so none is taken for another."""
        space, _, local = name.rpartition(" ")
        if space == _SPACES:
            line = self._parser.CurrentLineNumber
            raise refusal("Q-DTD", "the document asks to include others", _AGAIN, line=line)
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

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def _too_deep(self) -> RefusedFile:
        words = f"elements are nested more than {DEEPEST} deep"
        return refusal("E-DEPTH", words, _AGAIN, line=self._parser.CurrentLineNumber)

    def _refuse_type(self, *declared: object) -> None:
        del declared
        words = "the document declares a document type; with it, entities could make it read other files"
        raise refusal("Q-DTD", words, "export it without <!DOCTYPE …>", line=self._parser.CurrentLineNumber)

    def _broken(self, error: expat.ExpatError) -> RefusedFile:
        words = expat.ErrorString(error.code)
        code = "E-ENC" if error.code in _WRONG_ENCODING else "E-XML"
        return refusal_at(f"line {error.lineno}, column {error.offset + 1}", code, words, _AGAIN)


def _local(attributes: dict[str, str]) -> dict[str, str]:
    """Attributes by their own names; those with a prefix keep the namespace."""
    return {
        f"{{{space}}}{local}" if space else local: text
        for name, text in attributes.items()
        for space, _, local in (name.rpartition(" "),)
    }


class Survey:
    """What names the records of a file have, and which of them stand several times in one."""

    def __init__(self, lists: frozenset[str]) -> None:
        self.names: dict[str, None] = {}
        self.lists = set(lists)

    def look(self, before: str, element: Element) -> None:
        """Look at an element inside a record, or at a record."""
        names, inside = self.names, element.inside
        for name in element.attributes:
            names[f"{before}@{name}"] = None
        for inner in inside:
            name = f"{before}{inner.name}"
            if inner.inside or inner.attributes:
                self.look(f"{name}.", inner)
                if inner.text.strip():
                    names[name] = None
            else:
                names[name] = None
        if not inside and not before and element.text.strip():
            names["text"] = None
        if len(inside) > len({inner.name for inner in inside}):
            self.lists.update(f"{before}{name}" for name, several in element.by_name() if len(several) > 1)

    def found(self) -> dict[str, bool]:
        """Tell all names, and whether each is one of several values, which hides the names inside it."""
        found: dict[str, bool] = {}
        for name in self.names:
            around = (path for path in self.lists if name == path or name.startswith(f"{path}."))
            found[min(around, key=len, default=name)] = False
        return {name: name in self.lists for name in found}


def cells_of(record: Element, lists: frozenset[str]) -> tuple[Mapping[str, str], Fault | None]:
    """Return a record's cells by name: `@id`, `total`, `customer.email`; those in `lists` hold several values."""
    cells: dict[str, str] = {}
    for element in record.inside:  # most records are flat
        if element.inside or element.attributes or element.name in cells or element.name in lists:
            break
        cells[element.name] = element.text
    else:
        if cells and not record.attributes:
            return cells, None
    cells = {}
    twice = _spread(cells, "", record, lists)
    if not record.inside and record.text.strip():
        cells.setdefault("text", record.text)
    if twice:
        words = f"“{twice}” stands several times in this record"
        return cells, Fault(
            "E-KEYDUP", words, f"declare `lists: [{twice}]` in the feed, if several are meant"
        )
    return cells, None


def _spread(cells: dict[str, str], before: str, element: Element, lists: frozenset[str]) -> str:
    """Put what is inside an element into cells; return the name of one that stands there twice."""
    twice = ""
    for name, text in element.attributes.items():
        cells[f"{before}@{name}"] = text
    for name, elements in element.by_name():
        path = f"{before}{name}"
        if path in lists:
            cells[path] = nest(elements)
            continue
        inner = elements[0]
        if len(elements) > 1:
            twice = twice or path
        if inner.inside or inner.attributes:
            twice = _spread(cells, f"{path}.", inner, lists) or twice
        if inner.text.strip() or not (inner.inside or inner.attributes):
            cells[path] = inner.text
    return twice
