"""The rejects file: the records kept back, as they stand in the source, each with its reason and its cure.

It has the form of the source (encoding, delimiter, line ends, quotes) and is written to be corrected and
dropped back as it is: the reader drops the two added columns again. The sender's own cells are never
altered, not even those that a spreadsheet would take for a formula; in the two added columns no text may be
one.

A record with too many or too few cells is written as it stands, so that it is refused again unless it was
mended; its reason begins with a mark, because a spreadsheet evens the cells out when it saves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from agent.feedback.owed import Owed
from agent.readers.base import MEND_COLUMN, REASON_COLUMN, SHIFTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.model import Fault
    from agent.readers.delimited import Delimited
    from agent.readers.form import Form
    from agent.readers.header import Header

LONGEST = 2_000  # characters of a reason or of the way to mend it

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # also in full width, as some spreadsheets read them


class KeptBack(NamedTuple):
    """A record that was not sent: its number and first line (both from 1), why, and how to mend it."""

    number: int
    line: int
    reason: str
    mend: str
    blank: bool = False  # it has nothing that could be read again


def write_rejects(
    source: Delimited,
    *,
    kept_back: Iterator[KeptBack],
    target: BinaryIO,
    everything: bool = False,
) -> int:
    """Write the header and the records kept back; return how many records were written.

    Args:
        source: the file as it was opened and read.
        kept_back: each record, ascending.
        target: where the bytes go.
        everything: write all records, because none was sent; those without a reason get a common one.

    Raises:
        RefusedFile: the source cannot be read.
        ValueError: a number is not ascending, or the source has no such record.

    """
    sieve = _Sieve(kept_back, target, everything=everything)
    sieve.begin(source.header, source.form)
    if everything:
        again = source.again(sieve.take_damaged)
        for cells in again:
            sieve.take_sound(again.number, cells)
    else:
        for cells in source.records_at(sieve.wanted_lines()):
            sieve.take(cells)
    return sieve.end()


class _Sieve:
    """Lets the records kept back through to the target, as the source's records pass by in their order."""

    def __init__(self, kept_back: Iterator[KeptBack], target: BinaryIO, *, everything: bool) -> None:
        self._owed, self._target = Owed(kept_back, everything=everything), target

    def begin(self, header: Header, form: Form) -> None:
        """Write the header: the sender's columns as written, then the two of ours."""
        self._form, self._header = form, header
        self._width = header.kept + len(header.nameless) + 2
        self._target.write(form.mark)
        self._write([*self._own(header.written), REASON_COLUMN, MEND_COLUMN])

    def wanted_lines(self) -> Iterator[int]:
        """Give the line of each record kept back, until all have been taken."""
        last = 0
        while first := self._owed.first:
            if first.number <= last:
                raise ValueError(f"record {first.number} is not in the order of the source")
            last = first.number
            if first.blank:
                self.take([])
            else:
                yield first.line

    def take(self, cells: list[str]) -> None:
        """Write the record that begins on the line asked for, sound or not."""
        if self._owed.first:
            self._write_any(self._owed.first.number, cells)

    def take_sound(self, number: int, cells: list[str]) -> None:
        """Let a sound record through if it is kept back."""
        if why := self._owed.why(number):
            self._write([*cells, *[""] * len(self._header.nameless), *map(self._plain, why)])

    def take_damaged(self, number: int, line: int, cells: list[str], fault: Fault) -> None:
        """Let a damaged record through if it is kept back."""
        del line, fault  # the reason given has them
        self._write_any(number, cells)

    def _write_any(self, number: int, cells: list[str]) -> None:
        if not (why := self._owed.why(number)):
            return
        reason, mend = map(self._plain, why)
        mark = self._mark(cells)
        if not cells:  # a blank line: written so that it shows in a spreadsheet
            self._write([*[""] * (self._width - 2), reason, mend])
        elif len(cells) == self._header.width and mark < 0:
            self._write([*self._own(cells), reason, mend])
        else:
            self._write_shifted(cells[:mark] if mark >= 0 else cells, reason, mend)

    def end(self) -> int:
        """Check that every record asked for came by; return how many were written."""
        return self._owed.end()

    def _write_shifted(self, cells: list[str], reason: str, mend: str) -> None:
        """Write a record whose cells are not in line with the columns; never as wide as a sound one."""
        filler = [""] if len(cells) + 2 == self._width else []
        self._write([*cells, *filler, f"{SHIFTED} {reason}", mend])

    def _mark(self, cells: list[str]) -> int:
        """Find the mark of an earlier rejects file where it should not be; -1: nowhere."""
        marked = (
            at for at, cell in enumerate(cells) if cell.startswith(SHIFTED) and at != self._header.reason
        )
        return next(marked, -1)

    def _own(self, cells: list[str] | tuple[str, ...]) -> list[str]:
        """Return a full record without the columns that an earlier rejects file added."""
        return [*cells[: self._header.kept], *(cells[position] for position in self._header.nameless)]

    def _plain(self, text: str) -> str:
        """Make a text of ours fit for a cell; only characters the encoding has."""
        return self._form.writable(plain_line(text.replace(SHIFTED, "")))

    def _write(self, cells: list[str]) -> None:
        self._target.write(self._form.encode(cells))


@lru_cache(maxsize=1_000)  # a file of many mistakes makes the same ones again and again
def plain_line(text: str) -> str:
    """Make a text of ours fit for one cell or line: nothing that breaks it, no formula, not too long."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    short = line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
    return f"'{short}" if short.startswith(_FORMULA) else short
