"""Which places the cells of a sheet name, told from its text without parsing it: how far they reach, if each is one.

The library that reads the values takes the last of several cells with one place, and says nothing. Here a place that
may be named twice, or out of order, is only suspected; who parses the sheet finds it.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import NamedTuple

_LETTERS, _DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0123456789"
_CELLS = re.compile(rb'<c r="([A-Z]{1,3}[1-9][0-9]{0,6})"')
_NO_PLACE = re.compile(
    rb'<c(?! r="[A-Z]{1,3}[1-9][0-9]{0,6}"|[A-Za-z])'
)  # a cell, and no element such as <cols>
# Within a tag stands no <, so that a search ends with the tag, also where that has no end of its own.
_ROWS = re.compile(rb'<row [^<>]*?r="([0-9]{1,7})"')


class Places(NamedTuple):
    """The places of some cells."""

    cells: int
    first: int  # rows, from 1
    last: int
    columns: set[bytes]  # in letters


NONE = Places(0, 0, 0, set())


def places(text: bytes) -> Places | None:
    """Find the places in the text of whole rows; None where one may be missing, or named twice."""
    named: list[bytes] = _CELLS.findall(text)
    if len(named) != text.count(b"<c") and _NO_PLACE.search(text):
        return None
    if not named:
        return NONE
    rows, columns = _alike(named) or _different(named)
    if not rows:
        return None
    if text.count(b"<row") != len(rows):
        written = [*map(int, _ROWS.findall(text))]
        if written != sorted(set(written)):
            return None
    return Places(len(named), rows[0], rows[-1], columns)


def _alike(named: list[bytes]) -> tuple[list[int], set[bytes]] | None:
    """Find the rows, ascending, and columns where all rows have cells in the columns of the first: the usual sheet."""
    row = named[0].lstrip(_LETTERS)
    columns = [one.removesuffix(row) for one in takewhile(lambda one: one.lstrip(_LETTERS) == row, named)]
    first, many = columns[0], len(columns)
    lead = b"\n".join(named[::many])
    digits = lead.replace(first, b"")
    rows = digits.split(b"\n")
    if lead.translate(None, _DIGITS + b"\n") != first * len(rows) or len(set(columns)) < many:
        return None
    if any(b"\n".join(named[at::many]) != lead.replace(first, columns[at]) for at in range(1, many)):
        return None
    numbers = [*map(int, rows)]
    return (numbers, set(columns)) if numbers == sorted(set(numbers)) else None


def _different(named: list[bytes]) -> tuple[list[int], set[bytes]]:
    """Find the rows, ascending, and columns of any cells; no rows where they descend, or a place is named twice."""
    every = b"\n".join(named)
    rows = [*map(int, every.translate(None, _LETTERS).split(b"\n"))]
    if len(set(named)) < len(named) or rows != sorted(rows):
        return [], set()
    return [*dict.fromkeys(rows)], set(every.translate(None, _DIGITS).split(b"\n"))
