"""What the elements of an XML record are as cells: which names a file has, and each record's texts under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model import Fault
from agent.readers.xmlrecords import nest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.readers.xmlrecords import Element


class Survey:
    """What names the records of a file have, and which of them stand several times in one."""

    def __init__(self, lists: frozenset[str]) -> None:
        self.names: dict[str, None] = {}
        self.lists = set(lists)

    def look(self, before: str, element: Element) -> None:
        """Look at an element inside a record, or at a record."""
        names, inside = self.names, element.inside
        for name in element.attributes:
            names[f"{before}@{name}"] = None
        for inner in inside:
            name = f"{before}{inner.name}"
            if inner.inside or inner.attributes:
                self.look(f"{name}.", inner)
                if inner.text.strip():
                    names[name] = None
            else:
                names[name] = None
        if not inside and not before and element.text.strip():
            names["text"] = None
        if len(inside) > len({inner.name for inner in inside}):
            self.lists.update(f"{before}{name}" for name, several in element.by_name() if len(several) > 1)

    def found(self) -> dict[str, bool]:
        """Tell all names, and whether each is one of several values, which hides the names inside it."""
        found: dict[str, bool] = {}
        for name in self.names:
            around = (path for path in self.lists if name == path or name.startswith(f"{path}."))
            found[min(around, key=len, default=name)] = False
        return {name: name in self.lists for name in found}


def cells_of(record: Element, lists: frozenset[str]) -> tuple[Mapping[str, str], Fault | None]:
    """Return a record's cells by name: `@id`, `total`, `customer.email`; those in `lists` hold several values."""
    cells: dict[str, str] = {}
    for element in record.inside:  # most records are flat
        if element.inside or element.attributes or element.name in cells or element.name in lists:
            break
        cells[element.name] = element.text
    else:
        if cells and not record.attributes:
            return cells, None
    cells = {}
    twice = _spread(cells, "", record, lists)
    if not record.inside and record.text.strip():
        cells.setdefault("text", record.text)
    if twice:
        words = f"“{twice}” stands several times in this record"
        return cells, Fault(
            "E-KEYDUP", words, f"declare `lists: [{twice}]` in the feed, if several are meant"
        )
    return cells, None


def _spread(cells: dict[str, str], before: str, element: Element, lists: frozenset[str]) -> str:
    """Put what is inside an element into cells; return the name of one that stands there twice."""
    twice = ""
    for name, text in element.attributes.items():
        cells[f"{before}@{name}"] = text
    for name, elements in element.by_name():
        path = f"{before}{name}"
        if path in lists:
            cells[path] = nest(elements)
            continue
        inner = elements[0]
        if len(elements) > 1:
            twice = twice or path
        if inner.inside or inner.attributes:
            twice = _spread(cells, f"{path}.", inner, lists) or twice
        if inner.text.strip() or not (inner.inside or inner.attributes):
            cells[path] = inner.text
    return twice
