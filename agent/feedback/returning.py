"""Give back the records of any file that were not sent, in the file's own form, with the reason and the cure of each.

Made to be corrected and dropped again as it is: readers leave out what is added here. Delimited text is written
by `rejects`, the other forms here: a workbook as .xlsx with nothing but text cells, so that no id is a number
and nothing a formula; JSON and lines of fixed width as they stand in the source; XML with the record's elements as
they were read. What was packed is packed again.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter  # type: ignore[import-untyped]  # it has no types of its own

from agent.feedback.owed import Owed
from agent.feedback.rejects import plain_line, write_rejects
from agent.readers import open_source
from agent.readers.archive import packed_like
from agent.readers.base import MEND_COLUMN, REASON_COLUMN, Listener
from agent.readers.delimited import Delimited
from agent.readers.fixedwidth import RETURNED as BEHIND
from agent.readers.fixedwidth import FixedWidth
from agent.readers.jsontext import Document as JsonDocument
from agent.readers.ndjson import ObjectLines
from agent.readers.sheet import Sheet
from agent.readers.sheetchoice import storable
from agent.readers.xmltext import RETURNED as ELEMENTS
from agent.readers.xmltext import Document as XmlDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.feedback.rejects import KeptBack
    from agent.model import Fault
    from agent.readers.base import OpenedFile, Reading
    from agent.readers.keyed import Keyed
    from agent.readers.xmlrecords import Element

_ESCAPED = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_XML_SPACE = "http://www.w3.org/XML/1998/namespace"
_LONGEST_CELL = 32_767  # characters, of a workbook
_TEXT = 49  # the number of the format in which what is typed stays text
_SAID = re.compile(rf'(?<!\\)"(?:{REASON_COLUMN}|{MEND_COLUMN})"\s*:\s*"(?:[^"\\]|\\.)*"\s*,?')


def write_kept_back(  # noqa: PLR0913 - the file both as its bytes and as it was opened
    stream: BinaryIO,
    source: OpenedFile,
    reading: Reading,
    *,
    kept_back: Iterator[KeptBack],
    target: BinaryIO,
    scratch: Path,
    everything: bool = False,
) -> int:
    """Write the records kept back; return how many were written.

    Args:
        stream: the file as it was read.
        source: the same as it was opened.
        reading: how it was read, columns as written.
        kept_back: each record, ascending.
        target: where the bytes go.
        scratch: a private folder, for what must be put aside on the way.
        everything: write all records, because none was sent; those without a reason get a common one.

    Raises:
        RefusedFile: the source cannot be read.
        ValueError: the source has no such record.

    """
    with packed_like(stream, target) as packed:
        if isinstance(source, Delimited):
            return write_rejects(source, kept_back=kept_back, target=packed, everything=everything)
        ids = source.identifiers if isinstance(source, Sheet) else ()
        return _Sieve(kept_back, everything=everything).run(stream, reading, packed, scratch, ids)


class _Writer(Protocol):
    """Writes records in one form; each is the one at hand in the source."""

    def write(self, cells: list[str], reason: str, mend: str) -> None: ...

    def close(self) -> None: ...


class _Sieve:
    """Lets through the records kept back, as those of the source pass by."""

    def __init__(self, kept_back: Iterator[KeptBack], *, everything: bool) -> None:
        self._owed = Owed(kept_back, everything=everything)

    def run(
        self, stream: BinaryIO, reading: Reading, target: BinaryIO, scratch: Path, ids: tuple[int, ...]
    ) -> int:
        """Write all of them; `ids` are the positions of a sheet's columns that hold identifiers."""
        source = open_source(stream, reading, Listener(self._damaged, lambda *_: None))
        self._writer = _writer(source, target, scratch, ids)
        for cells in source:
            self._take(source.number, cells)
        self._writer.close()
        return self._owed.end()

    def _damaged(self, number: int, line: int, cells: list[str], fault: Fault) -> None:
        del line, fault  # the reason given has them
        self._take(number, cells)

    def _take(self, number: int, cells: list[str]) -> None:
        if why := self._owed.why(number):
            reason, mend = map(plain_line, why)
            self._writer.write(cells, reason, mend)


def _writer(source: OpenedFile, target: BinaryIO, scratch: Path, ids: tuple[int, ...]) -> _Writer:
    if isinstance(source, Sheet):
        return _Workbook(source, target, scratch, ids)
    if isinstance(source, FixedWidth):
        return _Fixed(source, target)
    objects = cast("Keyed", source).objects
    if isinstance(objects, ObjectLines):
        return _Json(objects, target, ("", "\n", "\n"))
    if isinstance(objects, JsonDocument):
        opened = "".join(f"{{{json.dumps(name)}: " for name in objects.path)
        return _Json(objects, target, (f"{opened}[\n", ",\n", "\n]" + "}" * len(objects.path) + "\n"))
    return _Xml(cast("XmlDocument", objects), target)


class _Workbook:
    """One sheet of texts, found again by what the feed says of sheet and header.

    The columns of ids have the format of text, so that 00120 keeps its zeros when somebody types it there.
    """

    def __init__(self, source: Sheet, target: BinaryIO, scratch: Path, ids: tuple[int, ...]) -> None:
        self._source = source
        options = {"constant_memory": True, "tmpdir": str(scratch), "use_zip64": True}
        self._target = target
        self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed by close; the target may not be sought in
        self._book = xlsxwriter.Workbook(self._file, options)
        wanted = source.reading.sheet
        before = int(wanted) - 1 if wanted != source.name and wanted.isascii() and wanted.isdigit() else 0
        for number in range(before):  # so that the sheet has the number that the feed declares
            # with a text in it, as its temporary file would otherwise stay behind
            self._book.add_worksheet(f"({number + 1})").write_string(0, 0, "no part of the table")
        self._sheet = self._book.add_worksheet(storable(source.name))
        self._sheet.activate()
        as_text = self._book.add_format({"num_format": _TEXT})
        self._formats = dict.fromkeys(ids, as_text)
        for position in ids:
            self._sheet.set_column(position, position, None, as_text)
        self._row = max(source.reading.header_row - 1, 0)
        self.write(list(source.header.written), REASON_COLUMN, MEND_COLUMN)

    def write(self, cells: list[str], reason: str, mend: str) -> None:
        for column, text in enumerate((*self._source.own(cells), reason, mend)):
            if text:
                self._sheet.write_string(self._row, column, text[:_LONGEST_CELL], self._formats.get(column))
        self._row += 1

    def close(self) -> None:
        self._book.close()
        self._file.seek(0)
        shutil.copyfileobj(self._file, self._target)
        self._file.close()


class _Fixed:
    """Lines as they stand, what is said about each behind it."""

    def __init__(self, source: FixedWidth, target: BinaryIO) -> None:
        self._source, self._target = source, target
        target.write(source.encoding.mark)
        target.writelines(line.encode(source.encoding.codec) for line in source.above())

    def write(self, cells: list[str], reason: str, mend: str) -> None:
        del cells
        codec = self._source.encoding.codec
        said = f"{BEHIND}{reason}{'; ' if mend else ''}{mend}\r\n"
        self._target.write(self._source.raw.encode(codec) + said.encode(codec, "replace"))

    def close(self) -> None:
        """Nothing is left to write."""


class _Json:
    """Records as they stand, with two names more each; a record that is no object cannot be told anything."""

    def __init__(
        self, objects: JsonDocument | ObjectLines, target: BinaryIO, signs: tuple[str, str, str]
    ) -> None:
        self._objects, self._target = objects, target
        begin, self._between, self._end = signs
        target.write(objects.encoding.mark)
        self._put(begin)
        self._first = True

    def write(self, cells: list[str], reason: str, mend: str) -> None:
        del cells
        said = json.dumps({REASON_COLUMN: reason, MEND_COLUMN: mend}, ensure_ascii=True)[1:-1]
        own = _SAID.sub("", self._objects.raw)
        if own.startswith("{") and own.endswith("}"):
            own = own[:-1].rstrip().removesuffix(",")
            own = f"{own}{'' if own == '{' else ', '}{said}}}"
        self._put(own if self._first else f"{self._between}{own}")
        self._first = False

    def _put(self, text: str) -> None:
        self._target.write(text.encode(self._objects.encoding.codec))

    def close(self) -> None:
        self._put(self._end)


class _Xml:
    """Records as they were read, below elements of the names that lead to them; in UTF-8."""

    def __init__(self, document: XmlDocument, target: BinaryIO) -> None:
        self._document, self._target = document, target
        self._begun = False

    def _around(self) -> list[str]:
        return list(self._document.path[:-1]) or [self._document.root]

    def write(self, cells: list[str], reason: str, mend: str) -> None:
        del cells
        if not self._begun:
            self._begun = True
            space = f" xmlns={quoteattr(self._document.space)}" if self._document.space else ""
            root, *others = (" ".join(_named("n", name)).rstrip() for name in self._around())
            opened = f"<{root}{space}>" + "".join(f"<{name}>" for name in others)
            self._put(f'<?xml version="1.0" encoding="UTF-8"?>\n{opened}\n')
        reasons = zip(ELEMENTS, (reason, mend), strict=True)
        said = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in reasons)
        self._put(f"{_element(self._document.record, said)}\n")

    def _put(self, text: str) -> None:
        self._target.write(text.encode())

    def close(self) -> None:
        names = [_named("n", name)[0] for name in reversed(self._around())]
        self._put("".join(f"</{name}>" for name in names) + "\n")


def _element(element: Element, said: str = "") -> str:
    """Write an element again, `said` at its end, without what an earlier rejects file said."""
    named = [_named(f"n{at}", name) for at, name in enumerate((element.name, *element.attributes))]
    spaces = "".join(space for _, space in named)
    (tag, _), *others = named
    texts = (quoteattr(text, _ESCAPED) for text in element.attributes.values())
    attributes = "".join(f" {name}={text}" for (name, _), text in zip(others, texts, strict=True))
    inside = "".join(_element(one) for one in element.inside if one.name not in ELEMENTS or not said)
    text = escape(element.text, {"\r": "&#13;"})
    return f"<{tag}{attributes}{spaces}>{text}{inside}{said}</{tag}>"


def _named(prefix: str, name: str) -> tuple[str, str]:
    """Write a name that may have a namespace before it in braces, and what declares that."""
    if not name.startswith("{"):
        return name, ""
    space, _, local = name[1:].partition("}")
    if space == _XML_SPACE:
        return f"xml:{local}", ""
    return f"{prefix}:{local}", f" xmlns:{prefix}={quoteattr(space)}"
