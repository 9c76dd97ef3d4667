"""The records of delimited text, some hundred at a time: what most files need looking at is then seen at a glance."""

from __future__ import annotations

import csv
from itertools import accumulate, islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from agent.errors import RefusedFile
from agent.readers.above import records
from agent.readers.base import FIELD_CAP, refusal
from agent.readers.lines import text_lines
from agent.readers.quotes import find_bad_quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.readers.encoding import Encoding
    from agent.readers.form import Form

RECORD_CAP = 2_097_152  # bytes of one record with the line breaks inside its quotes; twice as many in UTF-16
_MANY = 512  # records of a block
_MUCH = 1_048_576  # bytes of text, behind which a block ends with the record at hand


class Block(NamedTuple):
    """Records as they stand."""

    lines: Sequence[int]  # on which each begins
    rows: list[list[str]]
    long: bool  # one of them takes up a whole piece of text, so that a cell may be too long


class CsvBlocks:
    """An encoding proved, a form found: the text may be read once."""

    def __init__(self, stream: BinaryIO, encoding: Encoding, form: Form, above: int) -> None:
        self._stream, self._encoding = stream, encoding
        self._delimiter, self._above = form.delimiter, above
        self._record_cap = RECORD_CAP * len("a".encode(encoding.codec))
        self._read = 0  # records, header included, without those of the block being read
        self._rows: list[list[str]] = []  # that block
        self._size, self._long = 0, False  # its bytes; see `Block`
        self._seen, self._grown = 0, 0  # records when text last came in; bytes since a record began
        self._reader = records(text_lines(stream, encoding, self._before_text), above, form.delimiter)

    def first(self) -> list[str]:
        """Read the header.

        Raises:
            RefusedFile: E-QUOTE, E-FIELDLEN.
        """
        try:
            cells = next(self._reader)
        except csv.Error as error:
            raise self._broken(error) from None
        self._read = 1
        return cells

    def __iter__(self) -> Iterator[Block]:
        """Yield all other records.

        Raises:
            RefusedFile: E-QUOTE, E-FIELDLEN; behind the records that could be read.
        """
        while True:
            begin, failure = self._reader.line_num + 1, None
            self._rows, self._size, self._long = [], 0, False
            try:
                self._fill()
            except csv.Error as error:
                failure = self._broken(error)
            except RefusedFile as refused:
                failure = refused
            rows = self._rows
            if rows:
                yield Block(self._lines(begin), rows, self._long)
            if failure:
                raise failure from None
            if not rows:
                return
            self._read += len(rows)

    def _fill(self) -> None:
        """Read a block. This loop is the cost of reading: nothing in it may grow."""
        add = self._rows.append
        for cells in islice(self._reader, _MANY):
            add(cells)
            if self._size > _MUCH:
                break

    def _lines(self, begin: int) -> Sequence[int]:
        """Tell on which lines the records of a block begin."""
        rows = self._rows
        if self._reader.line_num - begin + 1 == len(rows):  # all of them have one line
            return range(begin, begin + len(rows))
        return [*accumulate((1 + _line_ends(cells) for cells in rows[:-1]), initial=begin)]

    def _before_text(self, size: int) -> None:
        """Notice, once per piece of text, a record that takes up more than a whole one."""
        self._size += size
        seen = self._read + len(self._rows)
        if seen != self._seen:
            self._seen, self._grown = seen, 0
            return
        self._grown += size
        self._long = True
        if self._grown > self._record_cap:
            words = f"the record does not end within {RECORD_CAP // 1024:,} KiB; was a quote left open?"
            mend = 'close it; double the quotes that belong to the text ("")'
            raise refusal("E-QUOTE", words, mend, line=self._next_line())

    def _next_line(self) -> int:
        """Return the line behind the record read last, by counting again; for refusals only."""
        reader = records(text_lines(self._stream, self._encoding), self._above, self._delimiter)
        for _ in islice(reader, self._read + len(self._rows)):
            pass
        return reader.line_num + 1

    def _broken(self, error: csv.Error) -> RefusedFile:
        """Say why csv gave up in the record behind the one read last, by a second look at its text."""
        start = self._next_line()
        lines = islice(text_lines(self._stream, self._encoding), start - 1, self._reader.line_num)
        bad = find_bad_quote("".join(lines), self._delimiter)
        if not bad:
            words = f"a cell has far more than {FIELD_CAP:,} characters ({error})"
            return refusal("E-FIELDLEN", words, "shorten the cell, or close its quote", line=start)
        opens, closes = start + bad.opens - 1, start + bad.closes - 1
        if not bad.closes:
            at_end = "unexpected end" in str(error)
            until = "" if at_end else f" within {csv.field_size_limit():,} characters"
            words = f"the quote that opens on line {opens} is not closed{until}"
            return refusal("E-QUOTE", words, "close it, or leave it out", line=opens)
        where = "" if closes == opens else f" on line {closes}"
        words = f"a quoted cell opens on line {opens}, and text stands behind its closing quote{where}"
        mend = 'close the quote before the next cell; double the quotes that belong to the text ("")'
        return refusal("E-QUOTE", words, mend, line=opens)


def _line_ends(cells: list[str]) -> int:
    """Count the line ends inside the cells of a record: CR, LF and CRLF."""
    text = " ".join(cells)
    return text.count("\n") + text.count("\r") - text.count("\r\n")
