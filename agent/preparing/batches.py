"""Writes the drafts of batches: whole orders, within the limits on rows and bytes, with control totals as they grow."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from agent.codes import finding
from agent.errors import RefusedFile, WorkerBroke
from agent.impact.batchfile import line as header_line
from agent.model import Change, Total
from agent.preparing.job import Draft
from agent.preparing.memo import UNREADABLE
from agent.preparing.weights import Scales

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_BLOCK = 1 << 18
_LINE_END = b"\r\n"
_OPEN = 64  # drafts read at a time

TotalKey = tuple[str, str, Change]  # currency, reason, change


@dataclass(slots=True)
class Totals:
    """Rows and exact amounts (in hundredths) by currency, reason and change."""

    rows: defaultdict[TotalKey, int] = field(default_factory=lambda: defaultdict(int))
    hundredths: defaultdict[TotalKey, int] = field(default_factory=lambda: defaultdict(int))
    amounts: defaultdict[TotalKey, int] = field(
        default_factory=lambda: defaultdict(int)
    )  # rows that name one

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
    """One draft being written; the file is open only while a block goes out."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self.rows = self.size = self._waiting = 0
        self.begin_totals()
        self._pending: list[str] = []
        path.touch()
        self.add(header_line(header), 0)

    def begin_totals(self) -> None:
        """Count from nothing."""
        self.totals = Totals()
        self.scales = Scales(self.totals)

    def add(self, lines: str, rows: int) -> tuple[int, int]:
        """Append whole lines; return where they begin and how long they are, in bytes."""
        start, size = self.size, len(lines) if lines.isascii() else len(lines.encode())
        self._pending.append(lines)
        self.size += size
        self.rows += rows
        self._waiting += size
        if self._waiting >= _BLOCK:
            self.flush()
        return start, size

    def flush(self) -> None:
        """Hand what is pending to the file."""
        with self.path.open("ab") as file:
            file.write("".join(self._pending).encode())
        self._pending.clear()
        self._waiting = 0

    def close(self) -> None:
        """Write everything out and settle the totals."""
        self.scales.settle()
        if self._pending:
            self.flush()


class DraftSet:
    """The drafts of one file, numbered from 1."""

    def __init__(
        self, folder: Path, header: Sequence[str], max_rows: int, max_size: int | None = None
    ) -> None:
        self.folder, self.header = folder, tuple(header)
        self.max_rows, self.max_size = max_rows, max_size
        self.files: list[DraftFile] = []
        self._header_size = len(header_line(header).encode())

    def fits(self, lines: Sequence[str]) -> bool:
        """Tell whether the last draft has room for more lines; an empty one has for any order."""
        if not self.files:
            return False
        last = self.files[-1]
        if not last.rows:
            return True
        room = self.max_size is None or last.size + _size(lines) <= self.max_size
        return room and last.rows + len(lines) <= self.max_rows

    def oversize(self, lines: Sequence[str]) -> int:
        """Give the size of a draft with just these lines where no draft may be so large, else 0."""
        if self.max_size is None:
            return 0
        size = self._header_size + _size(lines)
        return size if size > self.max_size else 0

    def room_for(self, lines: Sequence[str]) -> tuple[int, DraftFile]:
        """Give the draft that the lines of the next order go into, and its number."""
        if not self.fits(lines):
            if self.files:
                self.files[-1].close()
            self.files.append(DraftFile(self.folder / f"draft-{len(self.files) + 1}", self.header))
        return len(self.files), self.files[-1]

    def close(self) -> None:
        """Write everything out."""
        for file in self.files:
            file.close()

    def finished(self) -> tuple[Draft, ...]:
        """Close, digest and describe every draft that has rows."""
        self.close()
        return tuple(
            Draft(file.path.name, _digest(file), file.size, file.rows, file.totals.values())
            for file in self.files
            if file.rows
        )


class WrittenDrafts:
    """Reads what stands in closed drafts; few are open at a time, however many there are."""

    def __init__(self, files: Sequence[DraftFile]) -> None:
        self._files = files
        self._open: dict[int, BinaryIO] = {}

    def text(self, number: int, start: int, size: int) -> bytes:
        """Read some bytes of a draft."""
        file = self._open.get(number)
        if file is None:
            if len(self._open) >= _OPEN:
                self._open.pop(next(iter(self._open))).close()
            file = self._open[number] = self._files[number - 1].path.open("rb")
        file.seek(start)
        return file.read(size)

    def close(self) -> None:
        """Let go of the files."""
        for file in self._open.values():
            file.close()
        self._open.clear()


def _size(lines: Sequence[str]) -> int:
    text = "".join(lines)
    return (len(text) if text.isascii() else len(text.encode())) + len(_LINE_END) * len(lines)


def _digest(draft: DraftFile) -> str:
    """Read a closed draft back, and give its digest.

    Its cells were read back as they were written (`memo.py`), and its lines are nothing but these cells; so it reads
    back as it was meant if all its lines are there and no other.

    Raises:
        RefusedFile: T-ROUNDTRIP, a mistake of ours.
    """
    digest = hashlib.sha256()
    size = lines = 0
    with draft.path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            lines += block.count(b"\n")  # no cell holds one, see `lines_of`
    if (size, lines) != (draft.size, draft.rows + 1):
        raise RefusedFile(finding(UNREADABLE))
    return digest.hexdigest()


def without(draft: DraftFile, ranges: Iterable[tuple[int, int]], removed_rows: int) -> None:
    """Rewrite a closed draft without some byte ranges (start, size; ascending), and settle its totals."""
    draft.rows -= removed_rows
    if not draft.rows:
        return  # it is no draft any more
    target = draft.path.with_name(f"{draft.path.name}.new")
    with draft.path.open("rb") as old, target.open("wb") as new:
        position = 0
        for start, size in ranges:
            _copy(old, new, position, start)
            position = start + size
        _copy(old, new, position, draft.size)
        draft.size = new.tell()
    target.replace(draft.path)


def _copy(old: BinaryIO, new: BinaryIO, start: int, end: int) -> None:
    old.seek(start)
    while start < end:
        block = old.read(min(_BLOCK, end - start))
        if not block:
            raise WorkerBroke(f"a draft is {end - start} bytes shorter than it was when written")
        new.write(block)
        start += len(block)


def lines_of(text: bytes) -> list[str]:
    """Read back whole lines. No cell holds a line end: the rules refuse control characters."""
    return text.decode().split("\r\n")[:-1]
