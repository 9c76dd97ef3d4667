"""A batch's header: its columns in canonical spelling and order, checked against the level.

What a template's first line has wrong is found here, all of it at once, before any row is read.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from agent.impact.cells import shown
from agent.impact.dialect import canonical, dialect
from agent.model import Fault, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Layout", "RefusedHeader", "layout"]


class RefusedHeader(ValueError):  # noqa: N818 - named for what happened to the header
    """The header (or another setting of the feed) cannot make a batch of its level; `faults` say why."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault.code}: {fault.words}" for fault in faults))


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one batch."""

    level: Level
    header: tuple[str, ...]  # canonical spelling, in the order they are written
    order: tuple[int, ...]  # where each stood in the header as given
    at: Mapping[str, int]  # column -> its place in `header`

    def cell(self, cells: Sequence[str], column: str) -> str:
        """Give a row's cell, empty where the batch has no such column."""
        place = self.at.get(column)
        return "" if place is None else cells[place]

    @property
    def required(self) -> frozenset[str]:
        """The columns that no row of this batch may leave empty."""
        always = {
            name
            for name in self.header
            if set(dialect().columns[name].usage[self.level].values()) == {"required"}
        }
        paths = self.identifier_paths
        return frozenset(always | set(paths[0] if len(paths) == 1 else ()))

    @property
    def identifier_paths(self) -> tuple[tuple[str, ...], ...]:
        """The sets of columns, whole in this batch, each of which tells an action."""
        return tuple(path for path in dialect().identifiers[self.level] if self.at.keys() >= set(path))


def layout(level: Level, header: Sequence[str]) -> Layout:
    """Bring a header into canonical spelling and order.

    Raises:
        RefusedHeader: columns are unknown, doubled, empty, missing, or not for this level.

    """
    names = [canonical(name) for name in header]
    faults = (*_strange(level, names), *_doubled(names), *_missing(level, names))
    if faults:
        raise RefusedHeader(faults)
    columns = tuple(name for name in dialect().columns if name in names)
    return Layout(
        level=level,
        header=columns,
        order=tuple(names.index(name) for name in columns),
        at=MappingProxyType({name: place for place, name in enumerate(columns)}),
    )


def _strange(level: Level, names: Sequence[str]) -> Iterator[Fault]:
    """Find columns that impact.com does not know, or not at this level."""
    allowed = dialect().columns_of(level)
    listed = ", ".join(allowed)
    for place, name in enumerate(names, 1):
        if not name.strip():
            yield Fault("T-HDREMPTY", f"column {place} of the header has no name", "name it, or take it out")
        elif name in dialect().columns and name not in allowed:
            words = f"a batch of level {level} has no column {name}"
            yield Fault("T-HDRFORB", words, f"its columns are {listed}", name, name)
        elif name not in dialect().columns:
            yield Fault(
                "T-HDRUNK", f"{shown(name)} is no column of a batch", _meant(name, allowed), shown(name)
            )


def _meant(name: str, allowed: Sequence[str]) -> str:
    bare = name.rstrip("0123456789")
    if bare != name and bare in allowed:
        return f"write one row per item, with a column {bare}"
    folded = {one.casefold(): one for one in allowed}
    near = difflib.get_close_matches(shown(name).casefold(), folded, n=1)
    return f"did you mean {folded[near[0]]}?" if near else f"the columns are {', '.join(allowed)}"


def _doubled(names: Sequence[str]) -> Iterator[Fault]:
    for name in dict.fromkeys(name for name in names if name.strip()):
        places = [str(place) for place, other in enumerate(names, 1) if other == name]
        if len(places) > 1:
            words = (
                f"{shown(name)} stands more than once in the header, as columns {' and '.join(places[:2])}"
            )
            yield Fault("T-HDRDUP", words, "keep one of them", shown(name), name)


def _missing(level: Level, names: Sequence[str]) -> Iterator[Fault]:
    """Find the columns that every batch of this level needs."""
    known = dialect()
    for name in known.columns_of(level):
        needed = set(known.columns[name].usage[level].values()) == {"required"}
        in_paths = any(name in path for path in known.identifiers[level])
        if needed and name not in names and not in_paths:
            yield _missed(name, f"every row of level {level} needs {name}")
    if "Quantity" in names and "Amount" not in names:
        yield _missed("Amount", "a row that changes the Quantity needs the Amount")
    yield from _missing_identifiers(level, names)


def _missing_identifiers(level: Level, names: Sequence[str]) -> Iterator[Fault]:
    paths = dialect().identifiers[level]
    if any(set(path) <= set(names) for path in paths):
        return
    begun = [path for path in paths if set(path) & set(names)] or paths[:1]
    either = ", or ".join(" and ".join(path) for path in paths)
    for name in (name for path in begun for name in path if name not in names):
        yield _missed(name, f"a row tells its action by {either}")


def _missed(name: str, why: str) -> Fault:
    return Fault("T-HDRMISS", f"the header has no column {name}", why, field=name)
