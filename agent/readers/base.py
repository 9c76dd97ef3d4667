"""What a reader promises: bytes in, records out, every character kept.

A reader is pure: it gets an open binary stream and values, touches no disk, clock or log, and never
guesses. What is wrong with the file as a whole leaves as `RefusedFile`; what is wrong with one record goes
to `damaged`, and the reading goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

from agent.errors import RefusedFile
from agent.model import Fault, Finding, Severity
from agent.readers.detected import UNSEEN, Detected

if TYPE_CHECKING:
    from collections.abc import Iterator

# The two columns of a rejects file behind the source's own. A reader drops them when they come back.
REASON_COLUMN = "Not sent because"
MEND_COLUMN = "How to mend it"

# Begins the reason of a record with too many or too few cells. A spreadsheet fills such a record up when it
# saves the rejects file, so the count alone would let it pass; the mark under another column's name tells.
SHIFTED = "[cells out of line]"

FIELD_CAP = 32_768  # characters of one cell

Damaged = Callable[[int, int, list[str], Fault], None]  # number, line, cells as they stand, what is wrong


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file with fixed widths: where it begins (from 1), and how many characters it has."""

    name: str
    start: int
    width: int
    trim: Literal["both", "left", "right", "none"] = "both"  # on which sides filling blanks are left out


@dataclass(frozen=True, slots=True)
class Reading:
    """How a feed wants its files read; each reader takes what concerns it."""

    format: str = "auto"  # one of the readers' FORMATS, or "auto": by content
    encoding: tuple[str, ...] = ("utf-8",)  # tried in order over the whole file
    delimiter: str = "auto"
    canonical: Callable[[str], str] | None = None  # gives columns their canonical names
    sheet: str = ""  # of a workbook: its name or number; "" where only one has anything in it
    header_row: int = 0  # from 1; 0: the first line, or row of a sheet that is not empty
    hidden_rows: Literal["refuse", "read", "skip"] = "refuse"
    decimal: str = (
        "."  # the mark with which texts write numbers, and so the numbers of a sheet or of JSON, too
    )
    records: str = ""  # where the records are in a JSON or XML file: names parted by dots
    lists: tuple[str, ...] = ()  # columns of an XML file that hold several values, though a file may have one
    columns: tuple[Column, ...] = ()  # of a file with fixed widths


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom a reader tells of single records, in the order of the file; of a remark the record may come later."""

    damaged: Damaged
    remarked: Callable[[int, int, Fault], None]  # number, line, what is remarkable about a sound record


class Piece(NamedTuple):
    """Sound records that follow each other, by column."""

    number: int  # of the first
    lines: Sequence[int]  # on which each begins
    columns: Sequence[Sequence[str]]


class Source(Protocol):
    """An opened file: its columns at once, its records one by one."""

    columns: tuple[str, ...]  # the header as written (or canonical, with `headers: impact`)
    number: int  # of the record yielded last, 1-based, header not counted
    cells: list[str]  # of that record; must not be changed
    notes: tuple[Fault, ...]  # remarks about the whole file: BOM stripped, fallback encoding used, …

    @property
    def line(self) -> int:
        """The 1-based line of the file on which that record begins."""

    def __iter__(self) -> Iterator[list[str]]:
        """Yield each sound record's cells, as many as there are columns.

        Damaged records are counted in `number` and handed to `damaged(number, line, cells, fault)` instead.

        Raises:
            RefusedFile: from here on the file cannot be read (open quote, NUL, …).

        """


@runtime_checkable
class InPieces(Protocol):
    """A source whose sound records may also be had many at a time."""

    def pieces(self) -> Iterator[Piece]:
        """Yield what iterating yields, in its place; `number` and `line` are those of a piece's last record."""


class OpenedFile(Source, Protocol):
    """A source of any format, with what the agent needs to tell of it and to give it back."""

    nested: frozenset[str]  # columns whose cells hold several values (`nested.Nest`)
    detected: Detected  # what it is read as

    def place(self, line: int, column: str = "") -> str:
        """Name a place the way people look for it: "line 7", "Refunds!C7" where a column is to blame."""

    def attend(
        self, used: frozenset[str] | None, identifiers: frozenset[str], filled: frozenset[str] = frozenset()
    ) -> None:
        """Learn which columns matter, before the first record.

        Args:
            used: those the template uses; None: any may be.
            identifiers: those of them that hold identifiers.
            filled: those whose blank cells are filled from above.
        """


class Lines:
    """What is the same for all sources that are text: a place is a line, and no use of a cell changes its text."""

    nested: frozenset[str] = frozenset()
    detected = UNSEEN

    def place(self, line: int, column: str = "") -> str:
        """Name a line."""
        del column
        return f"line {line}" if line else ""

    def attend(
        self, used: frozenset[str] | None, identifiers: frozenset[str], filled: frozenset[str] = frozenset()
    ) -> None:
        """Do nothing."""


def file_finding(
    code: str, words: str, mend: str, *, line: int = 0, found: str = "", field: str = ""
) -> Finding:
    """Say what is wrong with a file as a whole; `line` is 1-based, 0 when it concerns no single line."""
    return Finding(
        code=code,
        severity=Severity.ERROR,  # what makes a whole file unreadable is an error, whatever its code
        words=words,
        mend=mend,
        found=found,
        field=field,
        place=f"line {line}" if line else "",
    )


def refusal(
    code: str, words: str, mend: str, *, line: int = 0, found: str = "", field: str = ""
) -> RefusedFile:
    """Make the error that refuses a whole file for one reason."""
    return RefusedFile(file_finding(code, words, mend, line=line, found=found, field=field))


def refusal_at(place: str, code: str, words: str, mend: str) -> RefusedFile:
    """Make the error that refuses a whole file for one reason at a place that is no line."""
    return RefusedFile(replace(file_finding(code, words, mend), place=place))
