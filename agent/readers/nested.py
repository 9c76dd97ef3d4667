"""A cell that holds several values: the line items of an order in a JSON or XML file.

To all that works on cells it is a text like any other, so flat files pay nothing for it; to a template it is
the values in it: `{% for item in row.line_items %}{{ item.sku }}`. As the text of all of them means nothing to
anybody, it begins with a sign that no value may have: whatever a template does with it, no batch takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    Value: TypeAlias = "str | Item"

_SIGN = "\x01"


class Figure(str):
    """A number that a file writes as a number, and with more than digits: a point, an exponent.

    As a text it is written the way the feed's texts are. It says nothing about how an id was written, so whoever reads
    an id refuses it.
    """

    __slots__ = ()

    def __hash__(self) -> int:
        """Differ from the text that is equal to it: what was remembered of that is no answer for a number."""
        return ~super().__hash__()


def no_id(figure: Figure, column: str) -> Fault:
    """Refuse a number with more than digits as an id."""
    words = "is an id by its use, but the file holds a number with a point or an exponent, and no text"
    return Fault("E-IDNUM", words, "export the ids as text, in quotes", str(figure), column)


class Item:
    """One of several values that has names inside; no public attribute could hide one of them."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __repr__(self) -> str:
        return "an item"


class Nest(str):
    """A cell of several values; as a text it is the whole of them."""

    __slots__ = ("_items",)
    _items: Sequence[Value]

    def __new__(cls, text: str, items: Sequence[Value]) -> Self:
        """Make one of the text for all and the values one by one."""
        made = super().__new__(cls, f"{_SIGN}{text}")
        made._items = items
        return made

    def __iter__(self) -> Iterator[Value]:  # type: ignore[override]  # what a template walks
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, key: int | slice) -> Value:  # type: ignore[override]  # as above
        return Nest(str(self)[key], self._items[key]) if isinstance(key, slice) else self._items[key]
