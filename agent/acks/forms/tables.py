"""Answers as lines: "Key: value" text, a table with a header, or the first and then the second. Pure."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from agent.acks.forms.entries import Entry, UnreadableError, entry_of, known

if TYPE_CHECKING:
    from collections.abc import Iterator

_DELIMITERS = (",", ";", "\t", "|")
_ABOVE = 500  # lines in which pairs and a header are looked for
_FEWEST = 2  # known columns that make a header
_MOST = 1_000_000  # rows
_LONGEST = 2000  # characters of a line that may be "Key: value" or a header
_PAIR = re.compile(r"[\s*-]*([A-Za-z][A-Za-z _-]{0,40}?)\s*[:=]\s*(\S.*)?$")


def entries(text: str) -> Iterator[Entry]:
    """Yield what lines above a table say together, then one entry for each row of the table.

    Raises:
        UnreadableError: the table is malformed, or has too many rows.
    """
    if text.count("\n") > _MOST:
        raise UnreadableError(f"it has more than {_MOST} lines")
    lines = text.split("\n")
    start, delimiter = _header(lines)
    pairs = [
        match.groups("") for line in lines[: min(start, _ABOVE)] if (match := _PAIR.match(line[:_LONGEST]))
    ]
    above = entry_of((name, value) for name, value in pairs)
    if above.fields or above.statuses:
        yield above
    if delimiter:
        yield from _rows(lines[start:], delimiter, above.file)


def _header(lines: list[str]) -> tuple[int, str]:
    """Find the line with the names of columns and what parts them; behind the last line, and "", without one."""
    for number, line in enumerate(lines[:_ABOVE]):
        for delimiter in _DELIMITERS:
            if delimiter in line and len(line) <= _LONGEST:
                names = [known(cell) for cell in _cells(line, delimiter)]
                if sum(map(bool, names)) >= _FEWEST:
                    return number, delimiter
    return len(lines), ""


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]


def _rows(lines: list[str], delimiter: str, around: str) -> Iterator[Entry]:
    header = _cells(lines[0], delimiter)
    rows = csv.reader((f"{line}\n" for line in lines[1:]), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise UnreadableError("a row has another number of cells than the header")
            yield entry_of(zip(header, row, strict=True), around)
    except csv.Error as error:
        raise UnreadableError("the table is malformed") from error
