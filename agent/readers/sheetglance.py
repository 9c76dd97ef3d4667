"""A look at many rows of a sheet at once: where nothing about them is odd they are written column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.readers.base import FIELD_CAP
from agent.readers.cellvalues import SURE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from agent.readers.cellvalues import Value

_TEXT = {str}
_NUMBERS = {str, float, int}


def by_column(
    rows: Iterable[list[Value]],
    write: Mapping[type, Callable[..., str]],
    odd_beginnings: frozenset[str],
    identifiers: Collection[int],
) -> list[Sequence[str]] | None:
    """Write rows by column; None where one of them is to be looked at by itself.

    Args:
        rows: as wide as the header.
        write: writes what is no text, see `cellvalues.writers`.
        odd_beginnings: texts in the first column of rows that may be no records.
        identifiers: positions of the columns in which a number may have lost digits.
    """
    columns: list[Sequence[str]] = []
    for at, values in enumerate(zip(*rows, strict=True)):
        kinds = {*map(type, values)}
        if kinds == _TEXT:
            columns.append(values)
            continue
        if at in identifiers and not _are_sure(values, kinds):
            return None
        if len(kinds) == 1:
            columns.append([*map(write[kinds.pop()], values)])
        else:
            columns.append([one if one.__class__ is str else write[one.__class__](one) for one in values])
    first = columns[0]
    if not odd_beginnings.isdisjoint(first) or not all(map(str.strip, first)):
        return None
    return None if any(map(_has_long, columns)) else columns


def _has_long(column: Sequence[str]) -> bool:
    return len("".join(column)) > FIELD_CAP and max(map(len, column)) > FIELD_CAP


def _are_sure(values: Iterable[Value], kinds: set[type]) -> bool:
    """Tell whether all ids are texts, or whole numbers of which no digit is lost."""
    return kinds <= _NUMBERS and all(
        isinstance(one, str) or (isinstance(one, int | float) and 0 <= one < SURE and one == int(one))
        for one in values
    )
