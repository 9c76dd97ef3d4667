"""Read the records of an XML document: the elements that the feed's `records:` leads to, or all below the root.

Attributes are columns with an @, elements inside others have points in their names, and those that stand several times
in one record are one column of several values. What makes the document no XML refuses the file by line and column.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, BinaryIO

from agent.readers.base import MEND_COLUMN, REASON_COLUMN, refusal
from agent.readers.content import as_ascii
from agent.readers.detected import Detected, encoding_words
from agent.readers.keyed import Keyed, refuse_many
from agent.readers.xmlalike import AlikeRecords
from agent.readers.xmlcells import Survey, cells_of
from agent.readers.xmlencoding import judge_encoding
from agent.readers.xmlpatterns import XmlPatterns
from agent.readers.xmlrecords import Records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.model import Fault
    from agent.readers.base import Listener, Reading
    from agent.readers.xmlrecords import Element

FORMATS = ("xml",)

_BEGINS = re.compile(rb"\s*<(?:\?xml\b|!DOCTYPE\b|!--|[A-Za-z_][\w:.-]*(?:\s[^<>]*)?>[\r\n ]*<)")
_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE | re.DOTALL
)
RETURNED = {
    "Not-sent-because": REASON_COLUMN,
    "How-to-mend-it": MEND_COLUMN,
}  # names of elements have no blanks
_OWN = {column: element for element, column in RETURNED.items()}
_UTF8 = ("utf-8", "utf8")


def claims(head: bytes, stream: BinaryIO, reading: Reading) -> str:
    """Claim what begins as XML does and is no web page."""
    del stream, reading
    text = as_ascii(head)
    return "xml" if _BEGINS.match(text) and not _HTML.match(text) else ""


def open_file(stream: BinaryIO, reading: Reading, listener: Listener) -> Keyed:
    """Open a document.

    Raises:
        RefusedFile: E-XML, E-ENC, E-SHAPE, E-DEPTH, Q-DTD, E-NOROWS, or its names cannot be used.

    """
    codec = judge_encoding(stream)
    return Keyed(Document(stream, reading, codec), (), reading, listener)


class Document:
    """The records of a document; see `keyed.Objects`."""

    def __init__(self, stream: BinaryIO, reading: Reading, codec: str) -> None:
        self.raw = ""
        self.detected = Detected(encoding=encoding_words(codec, b""), records=reading.records)
        self.path = _path(reading.records)
        self.space, self.root = "", ""  # of the document
        self._stream, self._codec = stream, codec
        self._record: Element | bytes = b""  # the one yielded last, or its text
        self._lists, self.names = self._surveyed(frozenset(reading.lists))

    @property
    def record(self) -> Element:
        """The record yielded last."""
        if isinstance(self._record, bytes):  # as it has no names with a prefix, it may stand alone
            alone = Records(()).through(io.BytesIO(b"<r>%b</r>" % self._record))
            self._record = next(record for _, record in alone)
        return self._record

    def _surveyed(self, lists: frozenset[str]) -> tuple[frozenset[str], dict[str, bool] | None]:
        """Go through the whole file; tell what stands several times in a record anywhere, and all names."""
        survey, kinds, patterns = Survey(lists), dict[str, None](), self._patterns()
        records = AlikeRecords(self.path, patterns)
        for _, record, text, _ in records.all(self._stream, every=False):
            if record:
                kinds[record.name] = None
                survey.look("", record)
                refuse_many(len(survey.names))
                if patterns.hopeful:
                    _learn(patterns, record, text, *cells_of(record, frozenset()))
        if not self.path and len(kinds) > 1:
            listed = ", ".join(f"“{name}”" for name in list(kinds)[:10])
            words = f"elements of several kinds stand below the root: {listed}"
            raise refusal("E-SHAPE", words, "declare where the records are under `records:` in the feed")
        if self.path and not kinds:
            listed = ", ".join(f"“{path}”" for path in records.seen) or "nothing else"
            words = f"there is nothing at “{'.'.join(self.path)}”; there is {listed}"
            raise refusal(
                "E-SHAPE", words, "mend the feed's `records:`, which names all elements from the root down"
            )
        names = {RETURNED.get(name, name): nested for name, nested in survey.found().items()}
        return frozenset(survey.lists), names or ({"": False} if kinds else {})

    def attend(self, identifiers: Mapping[str, str]) -> None:
        """Do nothing: all that stands in an element is text."""

    def unlike(self) -> Iterator[Mapping[str, bool]]:
        """Yield nothing, as all names are known already."""
        yield from ()

    def records(self, names: tuple[str, ...]) -> Iterator[tuple[int, list[str], Fault | None]]:
        """Yield all records; see `keyed.Objects`."""
        patterns = self._patterns()
        records = AlikeRecords(self.path, patterns)
        own = tuple(_OWN.get(name, name) for name in names)
        for line, record, text, found in records.all(self._stream):
            self.space, self.root = records.space or "", records.root
            if found:
                self._record = found[0]
                yield line, patterns.row(found, own), None
            elif record:
                self._record = record
                cells, fault = cells_of(record, self._lists)
                _learn(patterns, record, text, cells, fault)
                yield line, [cells.get(name, "") for name in own], fault

    def _patterns(self) -> XmlPatterns:
        """Make patterns for one way through the file, since its lists are known only after the first."""
        return XmlPatterns(off=self._codec not in _UTF8)


def _learn(
    patterns: XmlPatterns, record: Element, text: bytes, cells: Mapping[str, str], fault: Fault | None
) -> None:
    """Let a record be the pattern of others, if it is sound and its names are those of the root's namespace."""
    if text and not fault and "{" not in record.name:
        patterns.learn(text, cells)


def _path(records: str) -> tuple[str, ...]:
    """Part a path at its points, but not those inside the braces of a namespace."""
    return tuple(part for part in re.findall(r"(?:\{[^}]*\})?[^.{}]+", records)) if records else ()
