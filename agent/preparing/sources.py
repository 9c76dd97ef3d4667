"""The file of a job as a source: opened the way its feed wants, with what the template makes of each column known.

Readers know cells, templates know what a cell is used for; here the one learns from the other, so that a number
which stands in for an id is found where it was read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from agent.impact.dialect import canonical
from agent.mapping.columns import missing_column
from agent.model import Fault
from agent.preparing.verdicts import IDENTIFIERS
from agent.readers import open_source
from agent.readers.base import Column, Listener, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.mapping.mapping import BoundTemplate
    from agent.readers.base import OpenedFile
    from agent.settings.models import Feed

_TOTALS = Fault("N-FOOTER", "the last record is a line of totals; it was passed over")
_IDS = frozenset((*IDENTIFIERS, "SKU"))
_FULL = (65_536, 1_048_576)  # rows of a spreadsheet, up to 2003 and since
_TABLES = ("csv", "xlsx", "xls", "xlsb", "ods", "xml2003")


def reading(feed: Feed, *, as_written: bool = False) -> Reading:
    """Say how a feed wants its files read; `as_written` keeps the columns' own names."""
    return Reading(
        format=feed.format,
        encoding=feed.encoding,
        delimiter=feed.delimiter,
        canonical=canonical if feed.headers == "impact" and not as_written else None,
        sheet=feed.sheet,
        header_row=feed.header_row,
        hidden_rows=feed.hidden_rows,
        decimal=feed.numbers.decimal,
        records=feed.records,
        lists=feed.lists,
        columns=tuple(Column(one.name, one.start, one.width, one.trim) for one in feed.columns),
    )


def open_feed_file(stream: BinaryIO, feed: Feed, listener: Listener) -> OpenedFile:
    """Open a file of a feed.

    Raises:
        RefusedFile: it cannot be read as what the feed takes.
    """
    if feed.totals == "skip":
        listener = _past_totals(listener)
    opened = open_source(stream, reading(feed), listener)
    lengths = {
        canonical(name) if feed.headers == "impact" else name: many for name, many in feed.id_lengths.items()
    }
    return _Measured(opened, lengths, listener) if lengths else opened


def _past_totals(listener: Listener) -> Listener:
    """Pass over a last line of totals, and say so."""

    def damaged(number: int, line: int, cells: list[str], fault: Fault) -> None:
        if fault.code == "E-FOOTER":
            listener.remarked(number, line, _TOTALS)
        else:
            listener.damaged(number, line, cells, fault)

    return Listener(damaged, listener.remarked)


def opened(source: OpenedFile) -> OpenedFile:
    """Return a file of a feed as its reader opened it."""
    return source.source if isinstance(source, _Measured) else source


def cut_off(source: OpenedFile) -> Iterator[Fault]:
    """Remark a table that, read to its end, has as many rows as a spreadsheet holds, its header counted."""
    rows = source.number + max(source.detected.header_row, 1)
    if rows in _FULL and source.detected.format in _TABLES:
        words = f"the file has {rows:,} rows, as many as a spreadsheet holds; what came behind them may be missing"
        yield Fault("W-CUT", words, "export it again without a spreadsheet, or in parts")


def missing_columns(feed: Feed, source: OpenedFile, filled: tuple[str, ...]) -> Iterator[Fault]:
    """Name the columns that the feed names and the file does not have: those that are `filled` down, those of ids."""
    for name in filled:
        if name not in source.columns:
            yield missing_column(name, source.columns, "the feed names under `fill_down:`")
    for name in feed.id_lengths:
        if (canonical(name) if feed.headers == "impact" else name) not in source.columns:
            yield missing_column(name, source.columns, "the feed names under `id_lengths:`")


def of_header(faults: Iterable[Fault], source: OpenedFile, feed: Feed) -> Iterator[Fault]:
    """Yield each fault of a header once; if nobody said which row of a sheet it is, that may be all that is wrong."""
    row = 0 if feed.header_row else source.detected.header_row
    hint = (
        f"; row {row} was taken for the header: if it stands further down, declare `header_row:` in the feed"
    )
    for fault in dict.fromkeys(faults):
        yield replace(fault, mend=f"{fault.mend}{hint}") if row else fault


class Uses:
    """What a template makes of each of a file's columns."""

    def __init__(self, source: OpenedFile, bound: BoundTemplate, filled: tuple[str, ...]) -> None:
        self._source = source
        self._columns = {
            name: tuple(source.columns[position] for position in sorted(positions))
            for name, positions in bound.hanging.items()
        }
        ids = frozenset(column for name in _IDS for column in self._columns.get(name, ()))
        used = None if bound.bound.travels else bound.bound.used | frozenset(filled)
        source.attend(used, ids, frozenset(filled))

    def place(self, line: int, field: str) -> str:
        """Name the place that a fault in a batch column, or in a column of the file, leads to."""
        own = self._columns.get(field, (field,) if field in self._source.columns else ())
        return self._source.place(line, own[0] if len(own) == 1 else "")


class _Measured:
    """A source whose ids have a declared number of characters; others are damaged records."""

    def __init__(self, source: OpenedFile, lengths: Mapping[str, int], listener: Listener) -> None:
        self.source, self._listener = source, listener
        columns = source.columns
        self._lengths = [(columns.index(name), many) for name, many in lengths.items() if name in columns]
        self.columns, self.nested, self.detected = columns, source.nested, source.detected
        self.number, self.cells, self.notes = 0, source.cells, source.notes

    @property
    def line(self) -> int:
        return self.source.line

    def place(self, line: int, column: str = "") -> str:
        return self.source.place(line, column)

    def attend(
        self, used: frozenset[str] | None, identifiers: frozenset[str], filled: frozenset[str] = frozenset()
    ) -> None:
        self.source.attend(used, identifiers, filled)

    def __iter__(self) -> Iterator[list[str]]:
        source = self.source
        for cells in source:
            self.number, self.cells = source.number, cells
            for position, many in self._lengths:
                if len(cells[position]) != many and cells[position]:
                    fault = _wrong_length(cells[position], many, self.columns[position])
                    self._listener.damaged(self.number, self.line, cells, fault)
                    break
            else:
                yield cells
        self.number, self.notes = source.number, source.notes


def _wrong_length(text: str, many: int, column: str) -> Fault:
    lost = len(text) < many and text.isascii() and text.isdigit()
    words = f"has {len(text)} characters where the feed declares {many}"
    mend = "export the column as text, and look at what it was in the shop"
    if lost:
        words = f"{words}; {'a leading zero is' if many - len(text) == 1 else 'leading zeros are'} lost?"
    return Fault("E-IDLEN", words, mend, text, column)
