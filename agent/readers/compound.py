"""The small file system that an .xls lies in (MS-CFB 2), its chains of sectors followed no longer than they can be.

A chain that runs in a circle is no end of memory to the library that reads the values; here it is found before.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_END, _ENTRY = 0xFFFFFFFA, 128  # ends of chains and free sectors are from _END on
_SMALL = 64  # bytes of a sector of the small stream


def book(content: bytes) -> bytes:
    """Return the stream of a workbook's records that lies in a compound file.

    Raises:
        struct.error, IndexError, ValueError: its parts do not fit.

    """
    power = struct.unpack_from("<H", content, 30)[0]
    if power not in (9, 12):
        raise ValueError("its sectors have a size that there is not")
    size = 1 << power
    directory, small_size, small_start = (struct.unpack_from("<I", content, at)[0] for at in (48, 56, 60))
    table: list[int] = []
    for sector in _table_sectors(content, size):
        table += struct.unpack_from(f"<{size // 4}I", content, (sector + 1) * size)
    entries = _joined(content, table, directory, size)
    found = -1
    for at in range(0, len(entries), _ENTRY):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        if entries[at : at + max(length - 2, 0)].decode("utf-16-le", "replace") in ("Workbook", "Book"):
            found = at
    if found < 0:
        raise ValueError("there is no workbook in it")
    start, length = struct.unpack_from("<II", entries, found + 116)
    # all chains are followed, needed or not, as calamine follows them all
    small = _joined(content, table, struct.unpack_from("<I", entries, 116)[0], size)
    raw = _joined(content, table, small_start, size)
    chain = list(struct.unpack(f"<{len(raw) // 4}I", raw))
    if length >= small_size:
        return _joined(content, table, start, size)[:length]
    return b"".join(small[at * _SMALL : (at + 1) * _SMALL] for at in _chain(chain, start))[:length]


def _table_sectors(content: bytes, size: int) -> Iterator[int]:
    """Yield the sectors that the table of chains is in."""
    more = struct.unpack_from("<I", content, 68)[0]
    sectors = list(struct.unpack_from("<109I", content, 76))
    yield from (sector for sector in sectors if sector < _END)
    for _ in range(len(content) // size):
        if more >= _END:
            return
        *sectors, more = struct.unpack_from(f"<{size // 4}I", content, (more + 1) * size)
        yield from (sector for sector in sectors if sector < _END)
    raise ValueError("its table of sectors runs in a circle")


def _joined(content: bytes, table: list[int], start: int, size: int) -> bytes:
    return b"".join(content[(at + 1) * size : (at + 2) * size] for at in _chain(table, start))


def _chain(table: list[int], start: int) -> Iterator[int]:
    for _ in range(len(table)):
        if start >= _END:
            return
        yield start
        start = table[start]
    if start < _END:
        raise ValueError("a chain of sectors runs in a circle")
