"""Read text with fixed widths: each line a record, its columns where the feed declares them.

Lines must be long enough for all columns: one that is shorter may have lost digits. What stands behind the last column
must be blank, or what a rejects file put there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from agent.model import Fault
from agent.readers.base import REASON_COLUMN, Lines, refusal
from agent.readers.content import HEAD, refuse_other_content
from agent.readers.detected import Detected, encoding_words
from agent.readers.encoding import find_encoding
from agent.readers.header import read_header
from agent.readers.lines import text_lines
from agent.readers.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.readers.base import Column, Listener, Reading
    from agent.readers.encoding import Encoding

FORMATS = ("fixed",)
RETURNED = f"  [{REASON_COLUMN}] "  # parts a record of a rejects file from what the agent says about it

_TRIMS: dict[str, Callable[[str], str]] = {
    "both": lambda text: text.strip(" "),
    "left": lambda text: text.lstrip(" "),
    "right": lambda text: text.rstrip(" "),
    "none": str,
}


def claims(head: bytes, stream: BinaryIO, reading: Reading) -> str:
    """Claim nothing: only the feed knows where columns begin."""
    del head, stream, reading
    return ""


def open_file(stream: BinaryIO, reading: Reading, listener: Listener) -> FixedWidth:
    """Open a file of such lines.

    Raises:
        RefusedFile: E-EMPTY, E-TYPE, E-ENC, E-NUL, E-LINELEN, E-NOROWS.

    """
    stream.seek(0)
    head = stream.read(HEAD)
    refuse_other_content(head)
    return FixedWidth(stream, find_encoding(stream, head, reading.encoding), reading, listener)


class FixedWidth(Lines):
    """An opened file; a `Source` that may be iterated once."""

    def __init__(self, stream: BinaryIO, encoding: Encoding, reading: Reading, listener: Listener) -> None:
        self.number, self.line = 0, 0
        self.cells: list[str] = []
        self.notes = encoding.notes
        self.detected = Detected(encoding=encoding_words(encoding.codec, encoding.mark))
        self.encoding, self.raw = encoding, ""  # raw: the record at hand as it stands, without its line end
        self._stream, self._listener = stream, listener
        self._above = reading.header_row  # lines that are no records
        self._slices = [
            (slice(one.start - 1, one.start - 1 + one.width), _TRIMS[one.trim]) for one in reading.columns
        ]
        self._length = max(one.start - 1 + one.width for one in reading.columns)
        self.header = read_header(_names(reading.columns), reading.canonical)
        self.columns = self.header.columns

    def __iter__(self) -> Iterator[list[str]]:
        """Yield each sound record's cells; see `Source`."""
        tail: Tail[str] = Tail(self.header)
        for number, line, cells, text, odd in tail.settled(self._records()):
            self.number, self.line, self.cells, self.raw = number, line, cells, text
            if fault := odd or self._fault(text):
                self._listener.damaged(number, line, cells, fault)
            else:
                yield cells
        self.number = tail.number
        if not self.number:
            raise refusal("E-NOROWS", "the file has no records", "export it again; has it any rows?")

    def above(self) -> list[str]:
        """Return the lines above the first record, as they stand."""
        lines = text_lines(self._stream, self.encoding)
        return [line for line, _ in zip(lines, range(self._above), strict=False)]

    def _records(self) -> Iterator[tuple[int, list[str], str]]:
        for line, written in enumerate(text_lines(self._stream, self.encoding), 1):
            if line > self._above:
                text = written.rstrip("\r\n").partition(RETURNED)[0]
                yield line, [trim(text[where]) for where, trim in self._slices], text

    def _fault(self, text: str) -> Fault | None:
        if len(text) < self._length:
            words = f"the line has {len(text)} characters, and the columns need {self._length}"
            return Fault("E-COLS", words, "was it cut off? fill it up with blanks, if nothing is missing")
        if text[self._length :].strip():
            words = f"text stands behind the last column, from character {self._length + 1} on"
            return Fault("E-COLS", words, "are the columns where the feed declares them?")
        return None


def _names(columns: tuple[Column, ...]) -> list[str]:
    return [column.name for column in columns]
