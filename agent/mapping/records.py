"""Records on their way through a template, and where each row came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import pass_environment

from agent.model import Fault
from agent.readers.base import InPieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

    from agent.readers.base import Piece, Source

    Columns = Sequence[Sequence[str]]

Origin = tuple[int, int]  # a record's number (1-based) and its line, as a row remembers it

# Told of records on which an expression failed: where they are, what is wrong, their cells.
Failed = Callable[[tuple[Origin, ...], tuple[Fault, ...], Sequence[Sequence[str]]], None]


class Record:
    """One record whose cells are found by name or position. It has no public attribute that could hide a column."""

    __slots__ = ("_cells", "_line", "_number", "_positions")

    def __init__(self, cells: Sequence[str], positions: dict[str, int], number: int, line: int) -> None:
        self._cells, self._positions, self._number, self._line = cells, positions, number, line

    def __getitem__(self, key: str | int) -> str:
        return self._cells[key if isinstance(key, int) else self._positions[key]]

    def __repr__(self) -> str:
        return "a record"

    def _by_name(self) -> dict[str, str]:
        return dict(zip(self._positions, self._cells, strict=True))


class Group(NamedTuple):
    """What `rows | groupby(…)` gives: the common value and the records that share it."""

    grouper: str
    list: Lines


class Lines(list["Record"]):
    """A group's records; while a template walks them, rows come from the record at hand."""

    def __init__(self, records: list[Record], stream: Stream) -> None:
        super().__init__(records)
        self._stream = stream

    def __iter__(self) -> Iterator[Record]:
        stream = self._stream
        before = mine = stream.at
        try:
            for record in super().__iter__():
                stream.at = mine = (_origin(record),)
                yield record
        finally:
            if stream.at is mine:  # a walk that was broken off may end much later, in another group
                stream.at = before


def _origin(record: Record) -> Origin:
    return record._number, record._line  # noqa: SLF001 - our own record


class Stream:
    """The records of one file as a template sees them, knowing at each moment where a row comes from.

    In the plain way `source.number` and `source.line` tell the record at hand. With groupby, `at` tells the records
    of the row at hand, `group` those of the group, and `members` are their cells.
    """

    def __init__(self, source: Source, columns: Sequence[str], fill_down: Sequence[str] = ()) -> None:
        self.source = source
        self.columns = tuple(columns)
        self.at: tuple[Origin, ...] = ()
        self.group: tuple[Origin, ...] = ()
        self.members: tuple[Sequence[str], ...] = ()
        self._filler = _Filler(source, tuple(map(self.columns.index, fill_down))) if fill_down else None
        self._records: Iterator[Sequence[str]] = iter(source if self._filler is None else self._filler)

    @property
    def cells(self) -> Sequence[str]:
        """The record at hand, as the template sees it."""
        return self.source.cells if self._filler is None else self._filler.cells

    def completed(self, number: int, cells: list[str]) -> Sequence[str]:
        """Give a damaged record what it would have taken from the one before, to tell its order."""
        return cells if self._filler is None else self._filler.filled(number, cells)

    def plain(self, positions: Sequence[int], *, wrapped: bool) -> Iterator[object]:
        """Give what the compiled loop wants: records, or just the columns used."""
        if wrapped:
            return self._wrapped()
        return map(itemgetter(*positions), self._records) if positions else self._records

    def by_column(self, cells: Sequence[int | str] | None) -> Iterator[tuple[Piece, Columns]] | None:
        """Give the records many at a time, as cells of rows by column, where both the source and the template can.

        Args:
            cells: each the position of a column, or a constant; None where the template does more than that.
        """
        if cells is None or self._filler is not None or not isinstance(self.source, InPieces):
            return None
        return ((piece, _picked(piece, cells)) for piece in self.source.pieces())

    def _wrapped(self) -> Iterator[Record]:
        positions = {name: index for index, name in enumerate(self.columns)}
        source = self.source
        for cells in self._records:
            yield Record(cells, positions, source.number, source.line)

    def groups(self, name: str) -> Iterator[Group]:
        """Give the groups of records with one value in a column, in the order in which they first appear."""
        groups: dict[str, list[Record]] = {}
        for record in self._wrapped():
            groups.setdefault(record[name], []).append(record)
        while groups:
            value = next(iter(groups))
            records = groups.pop(value)
            self.group = self.at = tuple(map(_origin, records))
            self.members = tuple(record._cells for record in records)  # noqa: SLF001 - our own record
            yield Group(value, Lines(records, self))


def _picked(piece: Piece, cells: Sequence[int | str]) -> Columns:
    many = len(piece.lines)
    return [(one,) * many if isinstance(one, str) else piece.columns[one] for one in cells]


class _Filler:
    """Records whose named cells are all blank take them from the record before, where that stands right before."""

    def __init__(self, source: Source, places: tuple[int, ...]) -> None:
        self.source, self.places = source, places
        self.cells: Sequence[str] = ()
        self._last = 0  # the number of the record before

    def __iter__(self) -> Iterator[Sequence[str]]:
        source = self.source
        for cells in source:
            number = source.number
            self.cells = self.filled(number, cells)
            self._last = number
            yield self.cells

    def filled(self, number: int, cells: list[str]) -> Sequence[str]:
        if number != self._last + 1 or not self.cells or any(cells[place].strip() for place in self.places):
            return cells
        full = list(cells)
        for place in self.places:
            full[place] = self.cells[place]
        return full


@pass_environment
def groupby(environment: Environment, rows: object, name: str) -> object:
    """Bring records together that share a value.

    As in `{% for order, lines in rows | groupby("Order ID") %}`.

    Reads the whole file into memory.
    """
    if not isinstance(rows, Stream):
        groups: dict[object, list[object]] = {}
        for item in rows:  # type: ignore[attr-defined]
            groups.setdefault(environment.getitem(item, name), []).append(item)
        return list(groups.items())
    return rows.groups(name)
