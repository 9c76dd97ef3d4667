"""Read the records of a JSON document: a list of objects, at the top or where the feed's `records:` says.

Streamed through a window, one record at a time, each kept as it is written. What makes the document no JSON refuses
the file by line and column; what is wrong with one record (a name twice, NaN, half a character) makes it a damaged one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from agent.readers.base import refusal
from agent.readers.content import HEAD, as_ascii
from agent.readers.detected import Detected, encoding_words
from agent.readers.encoding import find_encoding
from agent.readers.jsonpatterns import JsonPatterns
from agent.readers.jsonvalues import Decoder
from agent.readers.jsonwindow import Window
from agent.readers.keyed import Keyed
from agent.readers.ndjson import claims as claims_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.errors import RefusedFile
    from agent.model import Fault
    from agent.readers.base import Listener, Reading
    from agent.readers.encoding import Encoding

FORMATS = ("json",)

_BEGINS = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{}"\]])')
_MEND = "declare where the records are under `records:` in the feed, as names parted by dots"


def claims(head: bytes, stream: BinaryIO, reading: Reading) -> str:
    """Claim what begins as a JSON document does and is no file of lines."""
    if reading.format == "ndjson" or claims_lines(head, stream, reading):
        return ""
    return "json" if _BEGINS.match(as_ascii(head)) else ""


def open_file(stream: BinaryIO, reading: Reading, listener: Listener) -> Keyed:
    """Open a document.

    Raises:
        RefusedFile: E-JSON, E-SHAPE, E-ENC, E-DEPTH, E-KEYDUP, E-NOROWS, or its names cannot be used.

    """
    stream.seek(0)
    encoding = find_encoding(stream, stream.read(HEAD), reading.encoding, lines=False)
    path = tuple(reading.records.split(".")) if reading.records else ()
    return Keyed(Document(stream, encoding, path, reading.decimal), encoding.notes, reading, listener)


class Document:
    """The records of a document; see `keyed.Objects`."""

    def __init__(self, stream: BinaryIO, encoding: Encoding, path: tuple[str, ...], decimal: str) -> None:
        self.raw = ""
        self.names: dict[str, bool] | None = None
        self.path, self.encoding = path, encoding
        words = encoding_words(encoding.codec, encoding.mark)
        self.detected = Detected(encoding=words, records=".".join(path))
        self._stream = stream
        self._decoder, self._patterns = Decoder(decimal), JsonPatterns(decimal=decimal)

    def attend(self, identifiers: Mapping[str, str]) -> None:
        """Learn which names hold ids; see `keyed.Objects`."""
        self._decoder.identifiers = identifiers
        self._patterns.attend(identifiers)

    def unlike(self) -> Iterator[Mapping[str, bool]]:
        """Yield the names of those records that tell all; see `keyed.Objects`."""
        patterns = self._patterns
        for window in self._windows():
            window.pass_run(patterns.run)
            if not window.fitting(patterns.fit):
                value = self._value(window)
                names = self._decoder.names(value)
                if patterns.hopeful and not any(names.values()):
                    self._cells(value)
                yield names

    def records(self, names: tuple[str, ...]) -> Iterator[tuple[int, list[str], Fault | None]]:
        """Yield all records; see `keyed.Objects`."""
        patterns = self._patterns
        for window in self._windows():
            line = window.line
            if found := window.fitting(patterns.fit):
                self.raw = found[0]
                yield line, patterns.row(found, names), None
            else:
                cells, fault = self._cells(self._value(window))
                yield line, [cells.get(name, "") for name in names], fault

    def _windows(self) -> Iterator[Window]:
        """Go through the document; yield the window as it stands before each record, which must then be taken."""
        window = Window(self._stream, self.encoding, self._decoder.decode)
        for _ in self._reached(window, self.path):
            window.peek()
            yield window
        if window.peek():
            raise window.broken("more text stands behind the end of the document")

    def _value(self, window: Window) -> object:
        """Take the next record as the decoder gives it."""
        self._decoder.faults.clear()
        value, self.raw = window.value()
        self._patterns.parsed(len(self.raw))
        return value

    def _cells(self, value: object) -> tuple[Mapping[str, str], Fault | None]:
        """Return the cells of the record that was taken last; others may be like it."""
        cells, fault = self._decoder.cells(value)
        if not fault:
            self._patterns.learn(self.raw, cells)
        return cells, fault

    def _reached(self, window: Window, path: tuple[str, ...]) -> Iterator[None]:
        """Go down to the list of records and through it; then on to the end of the document."""
        if not path:
            if window.peek() != "[":
                raise self._shape(window)
            yield from window.elements()
            return
        if window.peek() != "{":
            words = f"an object with the name “{path[0]}” is expected on line {window.line}"
            raise refusal("E-SHAPE", words, _MEND, line=window.line)
        reached, others = False, list[str]()
        for name in window.members():
            if name != path[0]:
                others.append(name)
                window.passed()
            elif reached:
                raise window.refused("E-KEYDUP", f"the name “{name}” stands twice in one object")
            else:
                reached = True
                yield from self._reached(window, path[1:])
        if not reached:
            words = f"there is no “{path[0]}” where the feed's `records:` leads; there is {_listed(others)}"
            raise refusal("E-SHAPE", words, _MEND)

    def _shape(self, window: Window) -> RefusedFile:
        """Say what stands where a list of records is expected, and where there are lists."""
        if self.path or window.peek() != "{":
            where = f"at “{'.'.join(self.path)}”" if self.path else "at the top"
            return refusal("E-SHAPE", f"a list of records is expected {where}", _MEND, line=window.line)
        lists: list[str] = []
        for name in window.members():
            if window.peek() == "[":
                lists.append(name)
            window.passed()
        words = (
            f"a list of records is expected at the top, and there is an object; lists in it: {_listed(lists)}"
        )
        return refusal("E-SHAPE", words, _MEND)


def _listed(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names[:10]) or "none"
