"""Digests of what rows say, so that it can be remembered what was sent of an order without remembering contents.

An order's mark (16 bytes) stands for the identifiers that name it. What a row says is an item's mark (8 bytes: its
SKU at item level, else that of the whole action) and the mark of all its other filled cells (8 bytes).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from agent.model import Level
from agent.preparing.verdicts import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.impact.rules import RowRules

ORDER, _PART = 16, 8  # bytes of a mark
_BETWEEN, _WITHIN = "\x1f", "\x1e"  # stand in no sound cell
_REMEMBERED = 65_536  # marks of items


class Marks:
    """Makes the marks of rows that are as in a batch."""

    def __init__(self, rules: RowRules) -> None:
        self._key = rules.key
        by_name = {name: place for place, name in enumerate(rules.header)}
        self._sku = by_name.get("SKU") if rules.level is Level.ITEM else None
        apart = {*IDENTIFIERS, *(["SKU"] if self._sku is not None else [])}
        self._told = sorted((name + _WITHIN, place) for name, place in by_name.items() if name not in apart)
        self._items: dict[str, bytes] = {}

    def order(self, row: Sequence[str]) -> bytes:
        """Give the mark of the order that a row belongs to."""
        return blake2b(self._key(row).encode(), digest_size=ORDER).digest()

    def said(self, rows: Sequence[Sequence[str]]) -> bytes:
        """Give what rows say, one behind the other: 16 bytes each."""
        return b"".join(self._item(row) + self._value(row) for row in rows)

    def _item(self, row: Sequence[str]) -> bytes:
        sku = "" if self._sku is None else row[self._sku]
        mark = self._items.get(sku)
        if mark is None:
            if len(self._items) >= _REMEMBERED:
                self._items.clear()
            mark = self._items[sku] = WHOLE if self._sku is None else _part(sku)
        return mark

    def _value(self, row: Sequence[str]) -> bytes:
        return _part(_BETWEEN.join([name + row[place] for name, place in self._told if row[place]]))


def _part(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_PART).digest()


WHOLE = _part("")  # the mark of the whole action, where rows are of orders


def parts(said: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the item and the value of each row."""
    for start in range(0, len(said), 2 * _PART):
        yield said[start : start + _PART], said[start + _PART : start + 2 * _PART]


def merged(said: bytes) -> dict[bytes, bytes]:
    """Give what is said of each item; what several rows say of one counts together, in no order."""
    values: dict[bytes, set[bytes]] = {}
    for item, value in parts(said):
        values.setdefault(item, set()).add(value)
    return {item: _together(found) for item, found in sorted(values.items())}


def packed(items: dict[bytes, bytes]) -> bytes:
    """Put what is said of each item behind one another again."""
    return b"".join(item + value for item, value in items.items())


def _together(values: set[bytes]) -> bytes:
    if len(values) == 1:
        return next(iter(values))
    return blake2b(b"".join(sorted(values)), digest_size=_PART).digest()
