"""Which character parts the cells: what the feed declares, or what the first records say beyond doubt.

`auto` never takes the likelier of two: where two characters would both make a table, the feed must declare
one. A declared delimiter is checked the same way, so that a semicolon file in a comma feed is refused whole
and by name, not row by row.
"""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from agent.model import Fault
from agent.readers.base import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.errors import RefusedFile

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
SAMPLE_RECORDS = 50
SAMPLE_CHARACTERS = 65_536

_SURE = 0.9  # share of the records that must have the header's width before we contradict the feed
_USUAL = 0.5  # share above which a delimiter may be the right one
_HINT = re.compile(r'"?sep=.?"?\s*')


@dataclass(frozen=True, slots=True)
class Sample:
    """The first lines of a file with their line ends; `whole`: there are no more."""

    lines: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well one delimiter fits the sample."""

    delimiter: str
    width: int  # columns the header would have
    share: float  # of the records behind it that have as many cells

    @property
    def makes_table(self) -> bool:
        return self.width > 1


def take_sample(lines: Iterator[str]) -> Sample:
    """Take the first lines, some 64 Ki characters of them."""
    taken: list[str] = []
    left = SAMPLE_CHARACTERS
    for line in lines:
        taken.append(line)
        left -= len(line)
        if left <= 0:
            return Sample(tuple(taken), whole=False)
    return Sample(tuple(taken), whole=True)


def choose_delimiter(sample: Sample, declared: str) -> str:
    """Return the delimiter of the file; `declared` is one character or "auto".

    Raises:
        RefusedFile: E-DELIM.

    """
    if sample.lines and _HINT.fullmatch(sample.lines[0]):
        raise refusal(
            "E-DELIM",
            "the first line is a hint for spreadsheets (“sep=”), not the header",
            "delete the first line, or declare `header_row: 2` in the feed",
            line=1,
        )
    fits = [_fit(sample, delimiter) for delimiter in DELIMITERS]
    if declared == "auto":
        return _clearest(fits)
    _refuse_wrong(_fit(sample, declared), fits)
    return declared


def _fit(sample: Sample, delimiter: str) -> _Fit:
    records: list[list[str]] = []
    with suppress(csv.Error):  # a cell above csv's own limit: the records before it must do
        records.extend(islice(csv.reader(sample.lines, delimiter=delimiter), SAMPLE_RECORDS + 1))
    if not sample.whole and 1 < len(records) <= SAMPLE_RECORDS:
        records.pop()  # it may go on behind the sample
    width, *others = [len(record) for record in records if record] or [0]
    return _Fit(delimiter, width, share=others.count(width) / len(others) if others else 1.0)


def _clearest(fits: Iterable[_Fit]) -> str:
    tables = sorted((fit for fit in fits if fit.makes_table), key=lambda fit: fit.share, reverse=True)
    if not tables:
        raise refusal(
            "E-DELIM",
            "no delimiter was found in the first line: neither comma, semicolon, tab nor pipe",
            "export it as CSV; if it really has a single column, declare `delimiter: comma` in the feed",
            line=1,
        )
    best, others = tables[0], tables[1:]
    if others and not (best.share > _USUAL >= others[0].share):
        raise _ambiguous(tables)
    return best.delimiter


def _ambiguous(tables: list[_Fit]) -> RefusedFile:
    names = " or ".join(DELIMITERS[fit.delimiter] for fit in tables)
    return refusal(
        "E-DELIM",
        f"the cells may be parted by {names}; both would make a table",
        f"declare the right one in the feed, for instance `delimiter: {DELIMITERS[tables[0].delimiter]}`",
    )


def _refuse_wrong(declared: _Fit, fits: Iterable[_Fit]) -> None:
    if declared.makes_table and declared.share > _USUAL:
        return
    others = [
        fit for fit in fits if fit.makes_table and fit.share >= _SURE and fit.delimiter != declared.delimiter
    ]
    if not others:
        return
    names = " or ".join(f"{fit.delimiter.strip()} ({DELIMITERS[fit.delimiter]})".lstrip() for fit in others)
    expected = DELIMITERS.get(declared.delimiter, declared.delimiter)
    raise refusal(
        "E-DELIM",
        f"the feed expects cells parted by {expected}, but the file looks like {names}",
        f"export it with {expected}, or declare `delimiter: {DELIMITERS[others[0].delimiter]}` in the feed",
    )


def wrong_width(count: int, expected: int, delimiter: str) -> Fault:
    """Say that a record has another number of cells than the header."""
    words = f"the record has {count} cell{'s' * (count != 1)}, the header {expected}"
    if count < expected:
        return Fault("E-COLS", words, "add the missing cells, or the missing quote or line break")
    name = DELIMITERS.get(delimiter, delimiter)
    mend = f"put double quotes round a value that contains a {name}, or remove the cells too many"
    return Fault("E-COLS", words, mend)
