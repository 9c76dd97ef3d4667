"""The lines above the header of delimited text, a title or a hint such as `sep=;`: they count as lines, and no more."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from agent.readers.base import MEND_COLUMN, REASON_COLUMN, refusal

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Iterator

    from agent.readers.delimiter import Sample


def below(sample: Sample, header_row: int) -> tuple[int, Sample]:
    """Say how many lines stand above the header, and what is left of a sample; a rejects file has none.

    Raises:
        RefusedFile: E-HDREMPTY, the file has no such line.

    """
    first = "".join(sample.lines[:1])
    returned = REASON_COLUMN in first and MEND_COLUMN in first
    above = 0 if returned else max(header_row - 1, 0)
    if above and above >= len(sample.lines):
        words = f"the feed has its header in line {header_row}, which is not there"
        raise refusal("E-HDREMPTY", words, "export the file again, or mend `header_row:` in the feed")
    return above, replace(sample, lines=sample.lines[above:])


def records(lines: Iterator[str], above: int, delimiter: str) -> Reader:
    """Read records from the header on; the lines above it count."""
    blank = ["\n" for _ in islice(lines, above)]
    reader = csv.reader(chain(blank, lines) if blank else lines, delimiter=delimiter, strict=True)
    for _ in islice(reader, above):
        pass
    return reader
