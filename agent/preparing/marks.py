"""Digests of what rows say, so that it can be remembered what was sent of an order without remembering contents.

An order's mark (16 bytes) stands for the identifiers that name it. What a row says is an item's mark (4 bytes: its SKU
at item level, else that of the whole action) and the mark of all its other filled cells (6 bytes). They are compared
within one order only, so few bytes do.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ORDER, _ITEM, _VALUE = 16, 4, 6  # bytes of a mark
ROW = _ITEM + _VALUE
_BETWEEN, _WITHIN = "\x1f", "\x1e"  # stand in no sound cell
_REMEMBERED = 65_536  # marks of items


def of_order(key: str) -> bytes:
    """Give the mark of the order that a key names."""
    return blake2b(key.encode(), digest_size=ORDER).digest()


def of_value(cells: Iterable[tuple[str, str]]) -> bytes:
    """Give the mark of cells: column and text, in any order; those that are empty say nothing."""
    told = sorted(name + _WITHIN + text for name, text in cells if text)
    return blake2b(_BETWEEN.join(told).encode(), digest_size=_VALUE).digest()


class Items(dict[str, bytes]):
    """The marks of items by their SKU, made when they are asked for; SKUs repeat."""

    def __missing__(self, sku: str) -> bytes:
        if len(self) >= _REMEMBERED:
            self.clear()
        mark = self[sku] = blake2b(sku.encode(), digest_size=_ITEM).digest()
        return mark


WHOLE = Items()[""]  # the mark of the whole action, where rows are of orders


def parts(said: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the item and the value of each row."""
    for start in range(0, len(said), ROW):
        yield said[start : start + _ITEM], said[start + _ITEM : start + ROW]


def merged(said: bytes) -> dict[bytes, bytes]:
    """Give what is said of each item; what several rows say of one counts together, in no order."""
    values: dict[bytes, set[bytes]] = {}
    for item, value in parts(said):
        values.setdefault(item, set()).add(value)
    return {item: b"".join(sorted(found)) for item, found in values.items()}
