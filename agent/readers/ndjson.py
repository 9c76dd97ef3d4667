"""Read lines of JSON: one object a line. A line that cannot be read is a damaged record, and the others come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

from agent.model import Fault
from agent.readers.content import HEAD, as_ascii
from agent.readers.detected import Detected, encoding_words
from agent.readers.encoding import find_encoding
from agent.readers.jsonpatterns import JsonPatterns
from agent.readers.jsonvalues import Decoder
from agent.readers.keyed import Keyed
from agent.readers.lines import text_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.readers.base import Listener, Reading
    from agent.readers.encoding import Encoding

FORMATS = ("ndjson",)

_BLANKS = " \t\r\n"


def claims(head: bytes, stream: BinaryIO, reading: Reading) -> str:
    """Claim a file whose first line is a whole object, and whose second begins one or is not there.

    One object alone may be a document as well: it is one where the feed says so, or where its records are.
    """
    del stream
    if reading.format == "json":
        return ""
    first, _, rest = as_ascii(head).lstrip().partition(b"\n")
    if not first.startswith(b"{") or not _is_whole(first):
        return ""
    rest = rest.lstrip()
    return "ndjson" if rest.startswith(b"{") or (not rest and not reading.records) else ""


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True


def open_file(stream: BinaryIO, reading: Reading, listener: Listener) -> Keyed:
    """Open a file of such lines.

    Raises:
        RefusedFile: E-ENC, E-LINELEN, E-NUL, E-NOROWS, or its names cannot be used.

    """
    stream.seek(0)
    encoding = find_encoding(stream, stream.read(HEAD), reading.encoding)
    return Keyed(ObjectLines(stream, encoding, reading.decimal), encoding.notes, reading, listener)


class ObjectLines:
    """The records of such a file; see `keyed.Objects`."""

    def __init__(self, stream: BinaryIO, encoding: Encoding, decimal: str) -> None:
        self.raw = ""
        self.names: dict[str, bool] | None = None
        self.encoding = encoding
        self.detected = Detected(encoding=encoding_words(encoding.codec, encoding.mark))
        self._stream = stream
        self._decoder, self._patterns = Decoder(decimal), JsonPatterns(r"\Z", decimal)

    def attend(self, identifiers: Mapping[str, str]) -> None:
        """Learn which names hold ids; see `keyed.Objects`."""
        self._decoder.identifiers = identifiers
        self._patterns.attend(identifiers)

    def unlike(self) -> Iterator[Mapping[str, bool]]:
        """Yield the names of those records that tell all; see `keyed.Objects`."""
        decoder, patterns = self._decoder, self._patterns
        for text in text_lines(self._stream, self.encoding):
            raw = text.strip(_BLANKS)
            if raw and not patterns.fit(raw):
                value, fault = self._value(decoder, raw)
                names = decoder.names(value)
                if patterns.hopeful and not fault and not any(names.values()):
                    self._cells(decoder, raw, value)
                yield names

    def records(self, names: tuple[str, ...]) -> Iterator[tuple[int, list[str], Fault | None]]:
        """Yield all records; see `keyed.Objects`."""
        decoder, patterns = self._decoder, self._patterns
        for line, text in enumerate(text_lines(self._stream, self.encoding), 1):
            self.raw = raw = text.strip(_BLANKS)
            if found := patterns.fit(raw):
                yield line, patterns.row(found, names), None
            elif raw:
                value, broken = self._value(decoder, raw)
                cells, fault = ({}, broken) if broken else self._cells(decoder, raw, value)
                yield line, [cells.get(name, "") for name in names], fault

    def _value(self, decoder: Decoder, text: str) -> tuple[object, Fault | None]:
        """Return what a line holds; nothing, and why, where it cannot be read."""
        decoder.faults.clear()
        self._patterns.parsed(len(text))
        try:
            value, end = decoder.decode(text, 0)
        except json.JSONDecodeError as error:
            return None, _broken(f"{error.msg[:1].lower()}{error.msg[1:]} at column {error.pos + 1}")
        except RecursionError:
            return None, Fault("E-DEPTH", "values are nested too deep", "export the file in a flatter form")
        if end < len(text):
            return None, _broken(f"more text stands behind the object, at column {end + 1}")
        return value, None

    def _cells(self, decoder: Decoder, text: str, value: object) -> tuple[Mapping[str, str], Fault | None]:
        """Return the cells of a record; others may be like it."""
        cells, fault = decoder.cells(value)
        if not fault:
            self._patterns.learn(text, cells)
        return cells, fault


def _broken(words: str) -> Fault:
    return Fault("E-JSON", f"the line is no JSON: {words}", "export the file again; is the line whole?")
