"""Read delimited text strictly (commas, semicolons, tabs, pipes): each cell as it stands, no record lost.

`open_delimited` looks through the whole file once (content, encoding, line lengths) and checks the header;
the records then come one by one. What makes the file as a whole unreadable leaves as `RefusedFile`; a
record that cannot be trusted goes to `damaged` and the reading goes on. Blank lines at the end are no
records; in the middle they are damaged ones, because a row may be missing there.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Sequence
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, BinaryIO

from agent.model import Fault
from agent.readers.above import below
from agent.readers.base import FIELD_CAP, Lines, Piece, refusal
from agent.readers.content import HEAD, refuse_other_content
from agent.readers.csvblocks import CsvBlocks
from agent.readers.delimiter import DELIMITERS, choose_delimiter, take_sample, wrong_width
from agent.readers.detected import Detected, encoding_words
from agent.readers.encoding import find_encoding
from agent.readers.footer import TOTAL_SPELLINGS, looks_like_footer, names_total
from agent.readers.form import find_form
from agent.readers.header import read_header
from agent.readers.lines import text_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.readers.base import Damaged
    from agent.readers.encoding import Encoding
    from agent.readers.form import Form

_BLANK = Fault("E-BLANK", "the record is blank", "delete the line, or fill in the missing record")
_FOOTER = Fault("E-FOOTER", "the last record is a line of totals, no order", "delete it, or `totals: skip`")
_HEADER_AGAIN = Fault("E-ROWHDR", "the header stands here once more", "delete this line")

Run = tuple[int, Sequence[int], list[list[str]]]

_FIRST = itemgetter(0)
_NEVER = -1  # a width no record has: sends the next record to be looked at closely


def open_delimited(
    stream: BinaryIO,
    *,
    encoding: tuple[str, ...],
    delimiter: str,
    canonical: Callable[[str], str] | None,
    damaged: Damaged,
    header_row: int = 0,
) -> Delimited:
    """Open a seekable stream as delimited text; its bytes must not change while it is read.

    Args:
        stream: the bytes; sought to and fro, never closed here.
        encoding: the codecs the feed declares, tried in order over the whole file.
        delimiter: one character, or "auto".
        canonical: gives each column its canonical name; None leaves the names as written.
        damaged: told of each record that cannot be used, in the order of the file.
        header_row: the line of the header, from 1; 0: the first. A rejects file has it in the first in any case.

    Raises:
        RefusedFile: the file cannot be read as delimited text, or its header cannot be used.

    """
    stream.seek(0)
    head = stream.read(HEAD)
    refuse_other_content(head)
    found = find_encoding(stream, head, encoding)
    sample = take_sample(text_lines(stream, found))
    if sample.whole and not "".join(sample.lines).strip():
        raise refusal("E-EMPTY", "the file has nothing but blanks in it", "export it again; has it any rows?")
    above, table = below(sample, header_row)
    form = find_form(table, found, choose_delimiter(table, delimiter))
    return Delimited(stream, found, form, canonical, damaged, above)


class Delimited(Lines):
    """An opened delimited file; a `Source` that may be iterated once."""

    def __init__(
        self,
        stream: BinaryIO,
        encoding: Encoding,
        form: Form,
        canonical: Callable[[str], str] | None,
        damaged: Damaged,
        above: int = 0,
    ) -> None:
        self.number, self.line = 0, 0
        self.cells: list[str] = []
        self.notes = encoding.notes
        self.form = form
        words = encoding_words(form.codec, form.mark)
        name = DELIMITERS.get(form.delimiter, form.delimiter)
        self.detected = Detected(encoding=words, delimiter=name, header_row=above + 1 if above else 0)
        self._above = above  # lines above the header
        self._stream, self._encoding, self._damaged = stream, encoding, damaged
        self._held: tuple[int, int, list[str]] | None = None  # number, line, cells of what may be a footer
        self._blank_lines = array("Q")  # lines of the blank records before the next one
        self._gap = array("Q")  # lines of those before what may be a footer
        self._blocks = CsvBlocks(stream, encoding, form, above)
        self.header = read_header(self._blocks.first(), canonical, above + 1)
        self.columns = self.header.columns
        self._expected = self.header.width  # of the next record, where it is not to be looked at in any case
        first = self.header.written[0]
        self._odd_beginnings = TOTAL_SPELLINGS | {"", first, first.strip()}

    def __iter__(self) -> Iterator[list[str]]:
        """Yield each sound record's cells; see `Source`."""
        for first, lines, rows in self._runs():
            numbers = range(first, first + len(rows))
            for self.number, self.line, self.cells in zip(numbers, lines, rows, strict=True):
                yield self.cells

    def pieces(self) -> Iterator[Piece]:
        """Yield the same, many at a time; see `InPieces`."""
        for first, lines, rows in self._runs():
            self.number, self.line, self.cells = first + len(rows) - 1, lines[-1], rows[-1]
            yield Piece(first, lines, tuple(zip(*rows, strict=True)))

    def again(self, damaged: Damaged) -> Delimited:
        """Open the file once more at its beginning, without proving its encoding again; columns are as written."""
        return Delimited(self._stream, self._encoding, self.form, None, damaged, self._above)

    def records_at(self, lines: Iterator[int]) -> Iterator[list[str]]:
        """Yield the records that begin on these lines (ascending), all their cells as they stand.

        Lines between them are passed over unread, which costs a tenth of reading them.

        Raises:
            ValueError: the file has no such line.
        """
        text, at = text_lines(self._stream, self._encoding), 1
        for line in lines:
            reader = csv.reader(islice(text, line - at, None), delimiter=self.form.delimiter, strict=True)
            cells = next(reader, None)
            if cells is None:
                raise ValueError(f"the file has no line {line}")
            yield cells
            at = line + reader.line_num

    def _runs(self) -> Iterator[Run]:
        """Yield sound records as they follow each other: the number of the first, their lines, their cells."""
        whole, number = self.header.kept == self.header.width, 1
        for lines, rows, long in self._blocks:
            if whole and not long and self._are_plain(rows):
                yield number, lines, rows
            else:
                runs = self._one_by_one(number, lines, rows, long=long)
                yield from runs if whole else self._own(runs)
            number += len(rows)
        self.number = number - 1
        self._end()

    def _are_plain(self, rows: list[list[str]]) -> bool:
        """Tell at a glance that there is nothing to be looked at."""
        return {*map(len, rows)} == {self._expected} and self._odd_beginnings.isdisjoint(map(_FIRST, rows))

    def _one_by_one(
        self, number: int, lines: Sequence[int], rows: list[list[str]], *, long: bool
    ) -> Iterator[Run]:
        """Look at each record; those that are plain stay together."""
        begin = 0
        for at, cells in enumerate(rows):
            plain = len(cells) == self._expected and not (long and sum(map(len, cells)) > FIELD_CAP)
            if plain and not (cells[0] in self._odd_beginnings and self._is_odd(cells)):
                continue
            if begin < at:
                yield number + begin, lines[begin:at], rows[begin:at]
            begin = at + 1
            self.number, self.line, self.cells = number + at, lines[at], cells
            for sound in self._look_closely(cells):
                yield self.number, (self.line,), [sound]
        if begin < len(rows):
            yield number + begin, lines[begin:], rows[begin:]

    def _own(self, runs: Iterator[Run]) -> Iterator[Run]:
        """Yield records without the cells behind the sender's columns."""
        kept, mend = self.header.kept, "put each value back under its column, as in the original file"
        for first, lines, rows in runs:
            for number, line, cells in zip(range(first, first + len(rows)), lines, rows, strict=True):
                if words := self.header.misplaced(cells):
                    self._damaged(number, line, cells, Fault("E-COLS", words, mend))
                else:
                    yield number, (line,), [cells[:kept]]

    def _is_odd(self, cells: list[str]) -> bool:
        if cells[0]:
            return True
        first = next(filter(None, cells[: self.header.kept]), "")
        return not first or names_total(first)

    def _look_closely(self, cells: list[str]) -> Iterator[list[str]]:
        """Sort a record that may be blank, a footer, a header, too long or too wide; yield a sound one."""
        number, line = self.number, self.line
        if self._is_blank(cells):
            self._blank_lines.append(line)
            self._expected = _NEVER
            return
        is_footer = looks_like_footer(cells[: self.header.kept], self.header.kept)
        if is_footer and not self._held:
            self._gap, self._blank_lines = self._blank_lines, array("Q")
        yield from self._release(number)
        self.number, self.line, self.cells = number, line, cells
        self._expected = self.header.width
        if is_footer:
            self._held, self._expected = (number, line, cells), _NEVER
        else:
            yield from self._sound(cells)

    def _is_blank(self, cells: list[str]) -> bool:
        if len(cells) == self.header.width:
            return not any(cells[: self.header.kept]) and not self.header.misplaced(cells)
        return not "".join(cells).strip()

    def _release(self, following: int) -> Iterator[list[str]]:
        """Let go what waited to be the end of the file, now that record number `following` comes."""
        if self._held:
            self._give_back(self._held[0], self._gap, _BLANK)
            (self.number, self.line, self.cells), self._held = self._held, None
            yield from self._sound(self.cells)
        self._give_back(following, self._blank_lines, _BLANK)

    def _give_back(self, following: int, blanks: array[int], fault: Fault) -> None:
        for number, line in enumerate(blanks, following - len(blanks)):
            self._damaged(number, line, [], fault)
        del blanks[:]

    def _sound(self, cells: list[str]) -> Iterator[list[str]]:
        if fault := self._fault(cells):
            self._damaged(self.number, self.line, cells, fault)
        else:
            yield cells

    def _fault(self, cells: list[str]) -> Fault | None:
        if len(cells) != self.header.width:
            return wrong_width(len(cells), self.header.width, self.form.delimiter)
        if self.header.is_repeated_by(cells):
            return _HEADER_AGAIN
        for position, cell in enumerate(cells):
            if len(cell) > FIELD_CAP:
                words = f"the cell has {len(cell):,} characters; {FIELD_CAP:,} are the most"
                mend = "shorten it, and look whether a quote is missing at its end"
                return Fault("E-FIELDLEN", words, mend, field=self.header.written[position].strip())
        return None

    def _end(self) -> None:
        """Settle what waited for the end of the file; blank records there are none."""
        self.number -= len(self._blank_lines)
        if self._held:
            number, line, cells = self._held
            self._give_back(number, self._gap, _FOOTER)
            self._damaged(number, line, cells, _FOOTER)
        if not self.number:
            raise refusal(
                "E-NOROWS", "the file has a header but no records", "export it again; has it any rows?"
            )
