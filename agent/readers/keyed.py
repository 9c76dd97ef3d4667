"""Records whose cells have their names with them (JSON, XML): the columns are all names that occur in the file.

The file is gone through twice: for its names, and for its records. A name that a record does not have is an empty cell
of it, as in a table. So a file is known to be whole before its first record is used. What makes twice bearable is that
most records are written like the one before them (`patterns`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent.model import Fault
from agent.readers.base import FIELD_CAP, MEND_COLUMN, REASON_COLUMN, Lines, refusal
from agent.readers.header import COLUMN_CAP, read_header
from agent.readers.nested import Nest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.readers.base import Listener, Reading
    from agent.readers.detected import Detected

_OURS = (REASON_COLUMN, MEND_COLUMN)
_BLANK = Fault("E-BLANK", "the record is blank", "delete it, or fill in the missing record")
_HALF = Fault(
    "E-ENC",
    "a value holds half a character (a lone surrogate)",
    "export the file again with a program that writes whole characters",
)


class Objects(Protocol):
    """The records of a file by name; may be gone through again and again."""

    raw: str  # of the record yielded last: its text in the file
    detected: Detected  # what the file is read as
    names: dict[str, bool] | None  # all names, and whether each holds several values; None: to be collected

    def attend(self, identifiers: Mapping[str, str]) -> None:
        """Learn which names hold ids, and the column of each, before the records."""

    def unlike(self) -> Iterator[Mapping[str, bool]]:
        """Go through the whole file and yield the names of each record, and whether they hold several values.

        A record may be left out if one before it had the same names, and if neither holds several values in a cell.

        Raises:
            RefusedFile: the file cannot be read from here on.

        """

    def records(self, names: tuple[str, ...]) -> Iterator[tuple[int, list[str], Fault | None]]:
        """Yield the line of each record, its cells under these names, and what makes it a damaged one.

        Raises:
            RefusedFile: the file cannot be read from here on.

        """


class Keyed(Lines):
    """A source of such records."""

    def __init__(
        self, objects: Objects, notes: tuple[Fault, ...], reading: Reading, listener: Listener
    ) -> None:
        self.number, self.line = 0, 0
        self.cells: list[str] = []
        self.notes = notes
        self.objects, self.detected = objects, objects.detected
        self._listener = listener
        found = objects.names or _collected(objects)
        if not found:
            raise refusal("E-NOROWS", "the file has no records", "export it again; has it any rows?")
        self._names = _ordered(found)
        self.header = read_header([*self._names], reading.canonical)
        self.columns = self.header.columns
        self._nested = [at for at in range(self.header.kept) if found[self._names[at]]]
        self.nested = frozenset(self.columns[at] for at in self._nested)

    def attend(
        self, used: frozenset[str] | None, identifiers: frozenset[str], filled: frozenset[str] = frozenset()
    ) -> None:
        """Learn which columns hold ids: not every number is one."""
        del used, filled
        pairs = zip(self._names, self.columns, strict=False)  # the columns of a rejects file have none
        self.objects.attend({name: column for name, column in pairs if column in identifiers})

    def __iter__(self) -> Iterator[list[str]]:
        """Yield each sound record's cells; see `Source`."""
        kept, width, nested = self.header.kept, self.header.width, self._nested
        for number, (line, row, fault) in enumerate(self.objects.records(self._names), 1):
            self.number, self.line = number, line
            self.cells = cells = row if kept == width else row[:kept]
            text = "".join(cells)
            is_odd = len(text) > FIELD_CAP or not text.isascii() or not text or text.isspace()
            wrong = fault or (nested and self._single(row)) or (is_odd and _fault(cells, self.columns))
            if wrong:
                self._listener.damaged(number, line, cells, wrong)
            else:
                yield cells

    def _single(self, row: list[str]) -> Fault | None:
        """Refuse a single value where others have a list: a template would go through its letters."""
        for at in self._nested:
            if row[at] and not isinstance(row[at], Nest):
                words = "is a single value here and a list of several elsewhere"
                mend = "export it the same way for all records; a list may hold one value"
                return Fault("E-SHAPE", words, mend, row[at], self.columns[at])
        return None


def _collected(objects: Objects) -> dict[str, bool]:
    """Collect all names, in the order in which they first occur, and whether they hold several values."""
    found: dict[str, bool] = {}
    empty = True
    for names in objects.unlike():
        empty = False
        if not names.keys() <= found.keys():
            found.update((name, False) for name in names if name not in found)
            refuse_many(len(found))
        if True in names.values():
            found.update((name, True) for name, several in names.items() if several)
    return found if found or empty else {"": False}


def refuse_many(names: int) -> None:
    """Refuse a file that has more names than columns are allowed.

    Raises:
        RefusedFile: E-COLCAP.

    """
    if names > COLUMN_CAP:
        words = f"the records have more than {COLUMN_CAP:,} different names"
        raise refusal("E-COLCAP", words, "export only what the feed needs")


def _ordered(found: Iterable[str]) -> tuple[str, ...]:
    """Put the names that a rejects file added behind the others."""
    if not _whole("".join(found)):
        raise refusal(_HALF.code, "a name holds half a character (a lone surrogate)", _HALF.mend)
    return tuple(sorted(found, key=_OURS.__contains__))


def _fault(cells: list[str], columns: tuple[str, ...]) -> Fault | None:
    text = "".join(cells)
    if not text or not text.strip():
        return _BLANK
    if not text.isascii() and not _whole(text):
        return _HALF
    if len(text) <= FIELD_CAP:
        return None
    long = next((at for at, cell in enumerate(cells) if type(cell) is str and len(cell) > FIELD_CAP), -1)
    if long < 0:
        return None
    words = f"the value has {len(cells[long]):,} characters; {FIELD_CAP:,} are the most"
    return Fault("E-FIELDLEN", words, "shorten it", field=columns[long])


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
