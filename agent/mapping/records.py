"""Records on their way through a template, and where each row came from."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import pass_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jinja2 import Environment

    from agent.readers.base import Source


class Record:
    """One record whose cells are found by name or position. It has no public attribute that could hide a column."""

    __slots__ = ("_cells", "_line", "_number", "_positions")

    def __init__(self, cells: Sequence[str], positions: dict[str, int], number: int, line: int) -> None:
        self._cells, self._positions, self._number, self._line = cells, positions, number, line

    def __getitem__(self, key: str | int) -> str:
        return self._cells[key if isinstance(key, int) else self._positions[key]]

    def _cell(self, name: str) -> str | None:
        position = self._positions.get(name)
        return None if position is None else self._cells[position]


Origin = tuple[int, int]  # a record's number (1-based) and its line, as a row remembers it


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
        group = stream.group
        for record in super().__iter__():
            stream.at = ((record._number, record._line),)  # noqa: SLF001 - our own record
            yield record
        stream.at = group


class Stream:
    """The records of one file as a template sees them, knowing at each moment where a row comes from.

    In the plain way `source.number` and `source.line` tell the record at hand. With groupby, `at` tells the records
    of the row at hand and `group` those of the group.
    """

    def __init__(self, source: Source, columns: Sequence[str]) -> None:
        self.source = source
        self.columns = tuple(columns)
        self.at: tuple[Origin, ...] = ()
        self.group: tuple[Origin, ...] = ()
        self._records = iter(source)
        self._groups: Iterator[Group] | None = None

    def plain(self, positions: Sequence[int], *, wrapped: bool) -> Iterator[object]:
        """Give what the compiled loop wants: records, or just the columns used."""
        if wrapped:
            return self._wrapped()
        return map(itemgetter(*positions), self._records) if positions else self._records

    def _wrapped(self) -> Iterator[Record]:
        positions = {name: index for index, name in enumerate(self.columns)}
        source = self.source
        for cells in self._records:
            yield Record(cells, positions, source.number, source.line)

    def groups(self, key: Callable[[Record], str]) -> Iterator[Group]:
        """Give the groups in the order in which they first appear; asked again, go on where it stopped."""
        if self._groups is None:
            self._groups = self._grouped(key)
        return self._groups

    def _grouped(self, key: Callable[[Record], str]) -> Iterator[Group]:
        groups: dict[str, list[Record]] = {}
        for record in self._wrapped():
            groups.setdefault(key(record), []).append(record)
        for value, records in groups.items():
            self.group = self.at = tuple((record._number, record._line) for record in records)  # noqa: SLF001
            yield Group(value, Lines(records, self))


@pass_environment
def groupby(environment: Environment, rows: object, name: str) -> object:
    """Group records by a column: `{% for order, lines in rows | groupby("Order ID") %}`. Reads the whole file."""
    if not isinstance(rows, Stream):
        groups: dict[object, list[object]] = {}
        for item in rows:  # type: ignore[attr-defined]
            groups.setdefault(environment.getitem(item, name), []).append(item)
        return list(groups.items())
    return rows.groups(lambda record: record[name])
