"""Goes through an XML document of which most records are written alike: those that fit a pattern are not parsed.

The parser gets the document in pieces that end where a record may end. If one really ends there, by the parser's own
word, what comes next is either a record that fits a pattern, and the parser gets only its line ends; or anything else,
and the parser gets that. So a pattern is never tried inside a comment, a text or another record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from agent.errors import RefusedFile
from agent.readers.patterns import LONGEST
from agent.readers.xmlparser import BLOCK
from agent.readers.xmlpatterns import BLANKS
from agent.readers.xmlrecords import Element, Records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from agent.readers.patterns import Patterns

    # line, the record where it was parsed, its text where that is known, how it fits where it was not parsed
    Found: TypeAlias = "tuple[int, Element | None, bytes, re.Match[bytes] | None]"

_BLANKS = re.compile(BLANKS.encode())
_CLOSING = re.compile(rb"</[^<>\r]*>")
_ANY_TAG, _EMPTY_TAG = b">", b"/>"  # how tags end


class AlikeRecords(Records):
    """The records of one document in UTF-8."""

    def __init__(self, path: Sequence[str], patterns: Patterns[bytes]) -> None:
        super().__init__(path)
        self._patterns = patterns
        self._held, self._at = b"", 0  # what is at hand, and up to where it was read
        self._given, self._tail = 0, b"  "  # how many bytes the parser got, and the last of them
        # how records end; nothing: it is not known, and looked for by whole blocks
        self._end_of_record = _ANY_TAG
        # whether reading stands right behind a record, on which line, and what was parsed since it last did
        self._between, self._here, self._sample = False, 0, b""
        self._passed = False  # whether the parser did not get all

    def all(self, stream: BinaryIO, *, every: bool = True) -> Iterator[Found]:
        """Yield all records; or, unless `every`, only those that fit no pattern.

        Raises:
            RefusedFile: as `Records.through`.

        """
        try:
            yield from self._all(stream, every=every)
        except RefusedFile:
            if self._passed:  # the parser does not know the column then; it says so when it is told all
                for _ in Records(self.path).through(stream):
                    pass
            raise

    def _all(self, stream: BinaryIO, *, every: bool) -> Iterator[Found]:
        stream.seek(0)
        while block := stream.read(BLOCK):
            self._held, self._at = self._held[self._at :] + block, 0
            while self._at < len(self._held):
                if self._between and every:
                    yield from self._fitting()
                elif self._between:
                    self._run()
                if not (end := self._piece()):
                    break
                yield from self._parsed(end)
            if self._end_of_record == _ANY_TAG:
                self._end_of_record = b""
        yield from self._parsed(len(self._held))
        yield from self._parsed(len(self._held), ended=True)

    def _fitting(self) -> Iterator[Found]:
        """Yield the records that come next and fit a pattern."""
        text, at, line, fit = self._held, self._at, self._here, self._patterns.fit
        while True:
            begin = _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # it always matches
            if not (found := fit(text, begin)):
                break
            line += text.count(b"\n", at, begin)
            yield line, None, b"", found
            at = found.end()
            line += text.count(b"\n", begin, at)
        self._pass(at)

    def _run(self) -> None:
        """Pass by such records, in runs of those that fit the same pattern."""
        text, patterns = self._held, self._patterns
        end = patterns.run(text, self._at)
        while found := patterns.fit(text, _BLANKS.match(text, end).end()):  # type: ignore[union-attr]  # as above
            end = patterns.run(text, found.end())
        self._pass(end)

    def _pass(self, end: int) -> None:
        """Let the parser have only the line ends up to there."""
        if end > self._at:
            lines = self._held.count(b"\n", self._at, end)
            self._parse(b"\n" * lines)
            self._given += lines
            self._here += lines
            self._at, self._passed = end, True

    def _piece(self) -> int:
        """Say up to where the parser gets the text; 0: more of it is needed first."""
        text, at, sign = self._held, self._at, self._end_of_record
        if not sign or not self._patterns.hopeful:
            return len(text)
        end = text.find(sign, at)
        if end >= 0:
            return end + len(sign)
        return 0 if self._between and len(text) - at < BLOCK else len(text)

    def _parsed(self, end: int, *, ended: bool = False) -> Iterator[Found]:
        """Let the parser have the text up to there; yield what it finds."""
        piece, self._at = self._held[self._at : end], end
        is_whole = self._between or 0 < len(self._sample) < LONGEST  # since reading stood behind a record
        self._sample = self._sample + piece if is_whole else b""
        self._between = False
        self._parse(piece, ended=ended)
        self._patterns.parsed(len(piece))
        if self.found:
            self._look_where(self._tail + piece)
            sample = self._sample.lstrip(b" \t\r\n") if self._between and len(self.found) == 1 else b""
            self._sample = b""
            for line, element in self.found:
                yield line, element, sample, None
            self.found.clear()
        self._given += len(piece)
        self._tail = (self._tail + piece)[-len(_EMPTY_TAG) :]

    def _look_where(self, text: bytes) -> None:
        """Find out how the last record ends, and whether nothing stands behind it; `text` has the tail before it."""
        (index, self._here), element = self.closed, self.found[-1][1]
        at = index - self._given + len(self._tail)
        if at < len(self._tail):
            return
        if text.endswith(_EMPTY_TAG, 0, at) and not element.inside and not element.text:
            tag, end = _EMPTY_TAG, at  # the parser tells its end
        elif found := _CLOSING.match(text, at):
            tag, end = found[0], found.end()
        else:
            return
        self._end_of_record = tag
        self._between = end == len(text)
        self._here += text.count(b"\n", at, end)
