"""Open a sample in whatever way it can be read, and take the texts of its columns.

The ways are tried from the plainest on: each refusal of a reader names what may be otherwise (the encoding, the
delimiter, the sheet, where the records are). What had to be chosen is told with what else there was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from agent.errors import RefusedFile
from agent.readers import open_source
from agent.readers.base import Listener, Reading
from agent.readers.nested import Nest
from agent.starting.columns import recognised
from agent.starting.texts import Column
from agent.starting.ways import other_ways

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.model import Fault
    from agent.readers.base import OpenedFile
    from agent.readers.detected import Detected
    from agent.readers.nested import Value

RECORDS = 5_000  # looked at
_WAYS = 60  # tried
_HEADERS = 10  # rows of a sheet tried as its header
_VALUE = re.compile(r"[0-9][0-9.,:T-]*")  # what is no name of a column: a number or a day
_TYPED = ("json", "ndjson", "xlsx", "xls", "xlsb", "ods")  # formats that tell a number from a text
_TITLE = 4  # weight of known names without which the first row may be a title, and no later one is taken for the header


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample as it was read."""

    reading: Reading
    detected: Detected
    columns: tuple[Column, ...]  # flat ones, and those inside of lists behind them
    records: int  # looked at
    more: bool  # whether there are more
    damaged: tuple[Fault, ...]
    notes: tuple[Fault, ...]
    choices: Mapping[str, tuple[str, ...]]  # setting → what else would have done

    @property
    def flat(self) -> tuple[Column, ...]:
        """The columns that hold one text each."""
        return tuple(column for column in self.columns if not column.within)

    def names(self, within: str = "") -> list[str]:
        """Name the columns inside of a list; those in none."""
        return [column.name for column in self.columns if column.within == within]


def sampled(stream: BinaryIO) -> Sample:
    """Read a sample.

    Raises:
        RefusedFile: it can be read in no way; why not in the plainest one.

    """
    found, refusals = [], []
    waiting = [Reading()]
    tried: set[Reading] = set()
    while waiting and len(tried) < _WAYS:
        way = waiting.pop(0)
        if way in tried:
            continue
        tried.add(way)
        try:
            sample = _taken(stream, way)
        except RefusedFile as refused:
            refusals.append(refused)
            waiting += other_ways(stream, way, refused)
            continue
        if way.header_row and any(_VALUE.fullmatch(column.name) for column in sample.flat):
            continue  # a row of values is no header
        found.append(sample)
        waiting += _other_headers(sample)
    tables = [one for one in found if len(one.columns) > 1 or _worth(one)[0] or not refusals]
    if not tables:
        raise refusals[0]
    return _with_numbers(stream, _best(tables))


def _best(found: Sequence[Sample]) -> Sample:
    """Choose the way in which most names are known; the plainest of several."""
    best = max((one for one in found if _has_header(one, found)), key=_worth, default=found[0])
    chosen = _settings(best.reading)
    choices = {
        key: tuple(dict.fromkeys(_settings(one.reading)[key] for one in found if _worth(one)[0]))
        for key in chosen
    }
    return replace(
        best,
        choices={key: tuple(one for one in others if one != chosen[key]) for key, others in choices.items()},
    )


def _with_numbers(stream: BinaryIO, sample: Sample) -> Sample:
    """Find the texts that are numbers by themselves: those that another decimal mark changes."""
    if sample.detected.format not in _TYPED:
        return sample
    others = _taken(stream, replace(sample.reading, decimal=",")).columns
    columns = tuple(
        replace(
            one,
            numbers=frozenset(
                here for here, there in zip(one.texts, other.texts, strict=True) if here != there
            ),
        )
        for one, other in zip(sample.columns, others, strict=True)
    )
    return replace(sample, columns=columns)


def _has_header(sample: Sample, found: Sequence[Sample]) -> bool:
    """Whether a row further down is the header: by its names, or as only it fits what is below it."""
    if not sample.reading.header_row or _worth(sample)[0] >= _TITLE:
        return True
    first = next((one for one in found if not one.reading.header_row), None)
    return first is None or (len(first.damaged) >= first.records and not sample.damaged)


def _worth(sample: Sample) -> tuple[int, bool, int]:
    lists = dict.fromkeys(column.within for column in sample.columns if column.within)
    inside = max((recognised(sample.names(within)) for within in lists), default=0)
    return recognised(sample.names()) + inside, not sample.damaged, min(len(sample.flat), 2)


def _settings(reading: Reading) -> dict[str, str]:
    return {
        "encoding": reading.encoding[0],
        "delimiter": reading.delimiter,
        "sheet": reading.sheet,
        "header_row": str(reading.header_row or ""),
        "records": reading.records,
    }


def _other_headers(sample: Sample) -> Iterator[Reading]:
    """Where the first row of a sheet looks like a title, the header may be below it; one line may be a document."""
    names = [column.name for column in sample.flat]
    tabular = sample.detected.header_row or sample.detected.format == "csv"
    if tabular and not sample.reading.header_row and recognised(names) < _TITLE:
        first = max(sample.detected.header_row, 1) + 1
        for row in range(first, first + _HEADERS):
            yield replace(sample.reading, header_row=row)
    if sample.detected.format == "ndjson" and sample.records == 1:
        for name in dict.fromkeys(column.within for column in sample.columns if column.within):
            yield replace(sample.reading, records=name)


def _taken(stream: BinaryIO, way: Reading) -> Sample:
    damaged: list[Fault] = []
    listener = Listener(lambda _number, _line, _cells, fault: damaged.append(fault), lambda *_: None)
    source = open_source(stream, way, listener)
    records: list[list[str]] = []
    more = False
    for cells in source:
        if len(records) == RECORDS:
            more = True
            break
        records.append(list(cells))
    return Sample(
        way, source.detected, (*_flat(source, records), *_inside(source, records)), len(records), more,
        tuple(damaged), source.notes, {},
    )  # fmt: skip


def _flat(source: OpenedFile, records: list[list[str]]) -> Iterator[Column]:
    for position, name in enumerate(source.columns):
        if name not in source.nested:
            yield Column(name, tuple(cells[position] for cells in records))


def _inside(source: OpenedFile, records: list[list[str]]) -> Iterator[Column]:
    """Yield the columns of the items in each list, as if the items of all records were one table."""
    for position, within in enumerate(source.columns):
        if within not in source.nested:
            continue
        items = [item for cells in records for item in _items(cells[position])]
        names = dict.fromkeys(name for item in items for name, _ in item)
        for name in names:
            yield Column(name, tuple(dict(item).get(name, "") for item in items), within)


def _items(cell: str) -> Iterator[list[tuple[str, str]]]:
    values: Sequence[Value] = list(cell) if isinstance(cell, Nest) else []
    for value in values:
        if not isinstance(value, str):
            every = value._values.items()  # noqa: SLF001 - our own item
            yield [(name, one) for name, one in every if isinstance(one, str) and not isinstance(one, Nest)]
