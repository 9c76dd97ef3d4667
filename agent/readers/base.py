"""What a reader promises: bytes in, records out, every character kept.

A reader is pure: it gets an open binary stream and values, touches no disk, clock or log, and never
guesses. What is wrong with the file as a whole leaves as `RefusedFile`; what is wrong with one record goes
to `damaged`, and the reading goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from agent.errors import RefusedFile
from agent.model import Fault, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

# The two columns of a rejects file behind the source's own. A reader drops them when they come back.
REASON_COLUMN = "Not sent because"
MEND_COLUMN = "How to mend it"

# Begins the reason of a record with too many or too few cells. A spreadsheet fills such a record up when it
# saves the rejects file, so the count alone would let it pass; the mark under another column's name tells.
SHIFTED = "[cells out of line]"

Damaged = Callable[[int, int, list[str], Fault], None]  # number, line, cells as they stand, what is wrong


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
