"""Writes the drafts of batches: whole orders, at most `max_rows` rows each, with control totals as they grow."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from agent.errors import WorkerBroke
from agent.impact.batchfile import line as header_line
from agent.model import Change, Total
from agent.preparing.job import Draft
from agent.preparing.weights import Scales

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_BLOCK = 1 << 18

TotalKey = tuple[str, str, Change]  # currency, reason, change


@dataclass(slots=True)
class Totals:
    """Rows and exact amounts (in hundredths) by currency, reason and change."""

    rows: defaultdict[TotalKey, int] = field(default_factory=lambda: defaultdict(int))
    hundredths: defaultdict[TotalKey, int] = field(default_factory=lambda: defaultdict(int))
    amounts: defaultdict[TotalKey, int] = field(default_factory=lambda: defaultdict(int))  # rows that name one

    def add(self, key: TotalKey, hundredths: int | None, times: int = 1) -> None:
        """Count a row; `times` of -1 takes one back."""
        self.rows[key] += times
        if hundredths is not None:
            self.hundredths[key] += times * hundredths
            self.amounts[key] += times

    def values(self) -> tuple[Total, ...]:
        """Give what is left, in a fixed order."""
        return tuple(
            Total(
                currency,
                reason,
                change,
                self.rows[currency, reason, change],
                Decimal(self.hundredths[currency, reason, change]).scaleb(-2)
                if self.amounts[currency, reason, change]
                else None,
            )
            for currency, reason, change in sorted(self.rows)
            if self.rows[currency, reason, change]
        )


class DraftFile:
    """One draft being written."""

    def __init__(self, path: Path, header: Sequence[str], currency: str) -> None:
        self.path = path
        self.rows = 0
        self.totals = Totals()
        self.scales = Scales(header, currency, self.totals)
        self._file: BinaryIO = path.open("wb")
        first = header_line(header).encode()
        self._pending: list[bytes] = [first]
        self.size = self._waiting = len(first)

    def add(self, lines: bytes, rows: int) -> int:
        """Append whole lines; return where they begin."""
        start = self.size
        self._pending.append(lines)
        self.size += len(lines)
        self.rows += rows
        self._waiting += len(lines)
        if self._waiting >= _BLOCK:
            self.flush()
        return start

    def flush(self) -> None:
        """Hand what is pending to the file."""
        self._file.write(b"".join(self._pending))
        self._pending.clear()
        self._waiting = 0

    @property
    def closed(self) -> bool:
        """Whether nothing can be added any more."""
        return self._file.closed

    def close(self) -> None:
        """Write everything out and settle the totals."""
        self.scales.settle()
        if not self._file.closed:
            self.flush()
            self._file.close()


class DraftSet:
    """The drafts of one file, numbered from 1."""

    def __init__(self, folder: Path, header: Sequence[str], max_rows: int, currency: str) -> None:
        self.folder, self.header, self.max_rows, self._currency = folder, tuple(header), max_rows, currency
        self.files: list[DraftFile] = []

    def room_for(self, rows: int) -> tuple[int, DraftFile]:
        """Give the draft that the next order of so many rows goes into, and its number."""
        last = self.files[-1] if self.files else None
        if last is None or last.closed or (last.rows and last.rows + rows > self.max_rows):
            if last is not None:
                last.close()
            self.files.append(DraftFile(self.folder / f"draft-{len(self.files) + 1}", self.header, self._currency))
        return len(self.files), self.files[-1]

    def close(self) -> None:
        """Write everything out."""
        for file in self.files:
            file.close()

    def finished(self) -> tuple[Draft, ...]:
        """Close, digest and describe every draft that has rows."""
        self.close()
        return tuple(
            Draft(file.path.name, _digest(file.path), file.path.stat().st_size, file.rows, file.totals.values())
            for file in self.files
            if file.rows
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def without(draft: DraftFile, ranges: Iterable[tuple[int, int]], removed_rows: int) -> None:
    """Rewrite a closed draft without some byte ranges (start, size; ascending), and settle its totals."""
    target = draft.path.with_name(f"{draft.path.name}.new")
    with draft.path.open("rb") as old, target.open("wb") as new:
        position = 0
        for start, size in ranges:
            _copy(old, new, position, start)
            position = start + size
        _copy(old, new, position, draft.size)
        draft.size = new.tell()
    target.replace(draft.path)
    draft.rows -= removed_rows
    draft.scales.settle()


def _copy(old: BinaryIO, new: BinaryIO, start: int, end: int) -> None:
    old.seek(start)
    while start < end:
        block = old.read(min(_BLOCK, end - start))
        if not block:
            raise WorkerBroke(f"a draft is {end - start} bytes shorter than it was when written")
        new.write(block)
        start += len(block)


def lines_of(file: BinaryIO, start: int, size: int) -> Iterator[str]:
    """Read back the lines of a byte range. No cell holds a line end: the rules refuse control characters."""
    file.seek(start)
    return iter(file.read(size).decode().split("\r\n")[:-1])
