"""What stands in JSON, exactly: whole numbers as they are written, no name twice, nothing that is no JSON.

A number is what it is, whatever the feed declares of texts: its point becomes the declared decimal mark, for 2.125
would be 2125 where a point parts thousands; and what an exponent says is written out, to the last digit.

The decoder is the standard library's, whose scanner hands every number over as its text; ijson, faster to stream
with, gives Decimals, in which 1e2 and 100 or 1.0 and 1.00 no longer look as written.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from agent.model import Fault
from agent.readers.nested import Figure, Item, Nest, no_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.readers.nested import Value

DEEPEST = 64
_LONGEST_EXPONENT = 5  # characters
_FARTHEST = 40  # places by which an exponent moves the point; a number beyond that is left as it is written
_written = json.JSONEncoder(ensure_ascii=False).encode
_WORDS = {True: "true", False: "false", None: ""}


class Decoder:
    """Decodes values; what is wrong within one but leaves it readable is in `faults`."""

    def __init__(self, decimal: str = ".") -> None:
        self.faults: list[Fault] = []
        self.identifiers: Mapping[str, str] = {}  # names of cells that hold ids, each with its column
        self.decode = json.JSONDecoder(
            parse_int=str,
            parse_float=partial(_figure, decimal),
            parse_constant=self._constant,
            object_pairs_hook=self._object,
        ).raw_decode

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            self.faults.append(_twice(twice))
        return made

    def _constant(self, name: str) -> str:
        self.faults.append(Fault("E-NUM", f"{name} is no number", "write the number, or null", name))
        return name

    def cells(self, value: object) -> tuple[Mapping[str, str], Fault | None]:
        """Return a record's cells by name, `customer.email` for what is inside; and the first fault since the last."""
        faults = self.faults
        if not isinstance(value, dict):
            words = f"a record is an object with names, and this is {_kind(value)}"
            return {}, Fault(
                "E-SHAPE", words, "look at `records:` of the feed, and at the file", _text(value)
            )
        if not faults and set(map(type, value.values())) == {str}:
            return value, None
        cells: dict[str, str] = {}
        spread = False  # into names with points, of which one may be there already
        for name, inner in value.items():
            if inner.__class__ is str and not spread:
                cells[name] = inner
            else:
                spread = spread or isinstance(inner, dict)
                self._spread(cells, name, inner, 2)
        fault = faults[0] if faults else None
        faults.clear()
        return cells, fault

    def names(self, value: object) -> dict[str, bool]:
        """Return the names of a record's cells, and whether each holds several values, without making the cells."""
        found: dict[str, bool] = {}
        for name, inner in value.items() if isinstance(value, dict) else ():
            if inner.__class__ is str:
                found.setdefault(name, False)
            else:
                _name(found, name, inner, 2)
        return found

    def _spread(self, cells: dict[str, str], name: str, value: object, depth: int) -> None:
        if depth > DEEPEST:
            self.faults.append(_too_deep())
        elif isinstance(value, dict):
            for inside, inner in value.items():
                self._spread(cells, f"{name}.{inside}", inner, depth + 1)
        elif name in cells:
            self.faults.append(_twice(name))
        elif isinstance(value, list):
            cells[name] = self._nest(value, depth)
        else:
            if isinstance(value, Figure) and name in self.identifiers:
                self.faults.append(no_id(value, self.identifiers[name]))
            cells[name] = str(value) if isinstance(value, str) else _WORDS[value]  # type: ignore[index]  # true, false, null

    def _nest(self, values: list[object], depth: int) -> Nest:
        items = [self._inside(value, depth + 1) for value in values]
        return Nest(_written(values) if depth <= DEEPEST else "", items)

    def _inside(self, value: object, depth: int) -> Value:
        if depth > DEEPEST:
            self.faults.append(_too_deep())
            return ""
        if isinstance(value, dict):
            return Item({name: self._inside(inner, depth + 1) for name, inner in value.items()})
        if isinstance(value, list):
            return self._nest(value, depth)
        return value if isinstance(value, str) else _WORDS[value]  # type: ignore[index]  # true, false, null


def _figure(decimal: str, written: str) -> Figure:
    exponent = written.lower().partition("e")[2]
    if exponent and len(exponent) <= _LONGEST_EXPONENT and abs(int(exponent)) <= _FARTHEST:
        written = format(Decimal(written), "f")
    return Figure(written if decimal == "." else written.replace(".", decimal))


def _name(found: dict[str, bool], name: str, value: object, depth: int) -> None:
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        for inside, inner in value.items():
            _name(found, f"{name}.{inside}", inner, depth + 1)
    else:
        found.setdefault(name, isinstance(value, list))


def _too_deep() -> Fault:
    return Fault(
        "E-DEPTH", f"values are nested more than {DEEPEST} deep", "export the file in a flatter form"
    )


def _twice(name: str) -> Fault:
    return Fault(
        "E-KEYDUP", f"the name “{name}” stands twice in one object", "only one of the two can be meant"
    )


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "a single value"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
