"""From a layout to one file's columns: names become positions, missing ones are named before the first record.

Where a template uses its record only by column (`row.Name`, `row["Lineitem sku"]`), the loop is rewritten to unpack
just the columns used, which costs least. Where the record itself travels (a macro, `row[variable]`, groupby), records
are wrapped so that names work.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from agent.mapping.cells import Cells
from agent.mapping.filters import numbers_in
from agent.mapping.hanging import columns_of_cells
from agent.mapping.known import Known, named
from agent.mapping.loops import group_column, record_names, stream_loop, stream_of
from agent.mapping.problems import TemplateProblem
from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Bound:
    """A tree bound to columns: how records are to be handed over, and what the file lacks."""

    tree: nodes.Template
    positions: tuple[int, ...]  # unpacked: the columns to hand over, in this order
    wrapped: bool  # records are handed over as Record, not unpacked
    grouped: bool
    missing: tuple[Fault, ...]
    used: frozenset[str]
    travels: bool  # the record itself is handed on: more columns may be used than can be told
    problems: tuple[TemplateProblem, ...]
    hanging: Mapping[int, frozenset[int]]  # cell of the template → the columns it is made of
    single: dict[int, nodes.Template]  # cell → the tree of its function, where it depends on one column only
    direct: (
        tuple[int | str, ...] | None
    )  # the cells, where each is a column or a constant, and a record makes one row


@dataclass(slots=True)
class _Found:
    """What one pass over the tree learns."""

    positions: dict[int, None] = field(default_factory=dict)
    missing: dict[str, Fault] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    problems: list[TemplateProblem] = field(default_factory=list)
    whole: bool = False  # the record is needed as a whole
    travels: bool = False
    hanging: Mapping[int, frozenset[int]] = field(default_factory=dict)


def bind(
    tree: nodes.Template,
    columns: Sequence[str] | None,
    feed: Mapping[str, str],
    *,
    order: Sequence[int] | None = None,
    only: frozenset[int] | None = None,
    nested: frozenset[str] = frozenset(),
) -> Bound:
    """Bind a fresh copy of the tree that `read_layout` made (changed in place) to a file's columns.

    Args:
        tree: not used again by the caller.
        columns: the file's columns; None binds nothing and only learns which are used.
        feed: the feed's name and variables, which become constants.
        order: which cell of the template stands where in the row; None keeps their order.
        only: keep just these cells of the row, the others become "" (to find which cell fails).
        nested: columns whose cells hold several values.
    """
    names = record_names(loop := stream_loop(tree))
    found = _resolved(tree, loop, names, columns, feed)
    wrapped = (grouped := stream_of(loop) == "groups") or found.whole or found.travels or columns is None
    cells = Cells(names, order, only, fuse=not wrapped and only is None and _has_one_row(tree))
    cells.nested = frozenset(at for at, name in enumerate(columns or ()) if name in nested)
    cells.visit(tree)
    direct = _direct(tree, loop) if cells.fuse else None
    _unpack(tree, loop, () if wrapped else found.positions)
    return Bound(
        tree,
        tuple(found.positions),
        wrapped,
        grouped,
        tuple(found.missing.values()),
        frozenset(found.used),
        found.travels,
        tuple(found.problems),
        found.hanging,
        cells.single,
        direct,
    )


def _test_inside(loop: nodes.For) -> None:
    """Make `for … if` an `if` inside the loop: that saves a generator, and means the same if none asks for `loop`."""
    if loop.test is not None and not any(name.name == "loop" for name in loop.find_all(nodes.Name)):
        loop.body, loop.test = [nodes.If(loop.test, loop.body, [], [], lineno=loop.lineno)], None


def _resolved(
    tree: nodes.Template,
    loop: nodes.For,
    names: frozenset[str],
    columns: Sequence[str] | None,
    feed: Mapping[str, str],
) -> _Found:
    """Settle every name of the feed's variables and of the file's columns."""
    known = Known(
        {"feed": tuple(feed), **(dict.fromkeys(names, tuple(columns)) if columns is not None else {})}
    )
    known.visit(tree)
    found = _Found(used={name for of, name in known.used if of in names})
    _Feed(feed, found).visit(tree)
    if (column := group_column(loop)) is not None:
        found.used.add(column)
        if columns is not None and column not in columns:
            found.missing[column] = missing_column(
                column, columns, f"the template groups by in line {loop.lineno}"
            )
    _Columns(names, columns, found).visit(tree)
    found.hanging = columns_of_cells(tree, names, columns)
    return found


def _direct(tree: nodes.Template, loop: nodes.For) -> tuple[int | str, ...] | None:
    """Tell what the cells of each record's one row are, where nothing but columns and constants is in it."""
    alone = tree.body == [loop] and len(loop.body) == 1 and loop.test is None and not loop.else_
    output = loop.body[0]
    if not alone or not isinstance(output, nodes.Output) or not isinstance(output.nodes[0], nodes.Tuple):
        return None
    cells = output.nodes[0].items
    found = [cell.value if isinstance(cell, nodes.Const) else _position(cell) for cell in cells]
    return None if None in found else tuple(found)  # type: ignore[arg-type]  # none is None


def _position(cell: nodes.Expr) -> int | None:
    """Give the position of the column that a cell is, once columns are bound."""
    if not isinstance(cell, nodes.Getitem) or not isinstance(cell.arg, nodes.Const):
        return None
    return cell.arg.value if isinstance(cell.node, nodes.Name) and type(cell.arg.value) is int else None


def _has_one_row(tree: nodes.Template) -> bool:
    rows = (one for one in tree.find_all(nodes.Output) if len(one.nodes) == 1)
    return sum(isinstance(row.nodes[0], nodes.Tuple) for row in rows) == 1


class _Feed(NodeTransformer):
    """`feed.x` becomes the constant it is for this feed."""

    def __init__(self, feed: Mapping[str, str], found: _Found) -> None:
        self.feed, self.found = feed, found

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        return self._constant(node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        return self._constant(node)

    def _constant(self, node: nodes.Getattr | nodes.Getitem) -> nodes.Node:
        name = named(node)
        if not isinstance(node.node, nodes.Name) or node.node.name != "feed" or name is None:
            return self.generic_visit(node)
        if name in self.feed:
            return nodes.Const(self.feed[name], lineno=node.lineno)
        near = difflib.get_close_matches(name, list(self.feed), n=1)
        mend = f"did you mean {near[0]!r}? " if near else ""
        words = f"the feed has no variable {name!r}"
        self.found.problems.append(
            TemplateProblem("T-VARIABLE", node.lineno, words, f"{mend}declare it under `variables:`")
        )
        return nodes.Const("", lineno=node.lineno)


class _Columns(NodeTransformer):
    """Turn `row.Name` into `row[3]`; note what is used, what is missing and whether the record travels."""

    def __init__(self, records: frozenset[str], columns: Sequence[str] | None, found: _Found) -> None:
        self.records, self.columns, self.found = records, columns, found

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:  # noqa: N802 - Jinja's visitor name
        """Leave macros as they are: a parameter may be called as a record is, and a record must be whole in them."""
        if any(name.name in self.records for name in node.find_all(nodes.Name)):
            self.found.travels = True
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if node.attr == "previtem" and isinstance(node.node, nodes.Name) and node.node.name == "loop":
            self.found.travels = True
        return self._column(node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        return self._column(node)

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """`row | numbered("SKU", …)` uses the columns SKU1, SKU2, … as far as there are any."""
        if node.name != "numbered" or not self._is_record(node.node) or node.kwargs:
            return self.generic_visit(node)
        names = [arg.value for arg in node.args if isinstance(arg, nodes.Const)]
        if len(names) < len(node.args):
            return self.generic_visit(node)
        self.found.whole = True
        columns = self.columns or ()
        self.found.used.update(f"{name}{number}" for number in numbers_in(columns, names) for name in names)
        return node

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if node.ctx == "load" and node.name in self.records:
            self.found.travels = True
        return node

    def _is_record(self, node: nodes.Node | None) -> bool:
        return isinstance(node, nodes.Name) and node.name in self.records

    def _column(self, node: nodes.Getattr | nodes.Getitem) -> nodes.Node:
        name = named(node)
        place = (
            node.arg.value if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) else None
        )
        if not self._is_record(node.node) or (name is None and type(place) is not int):
            return self.generic_visit(node)
        if self.columns is None:
            self.found.used.update({name} if name else ())
            return node
        if name is None and isinstance(place, int):  # row[0]
            name = self.columns[place] if place < len(self.columns) else f"number {place + 1}"
        return self._bound(node, name or "", self.columns)

    def _bound(self, node: nodes.Getattr | nodes.Getitem, name: str, columns: Sequence[str]) -> nodes.Node:
        self.found.used.add(name)
        if name not in columns:
            words = f"the template uses in line {node.lineno}"
            self.found.missing.setdefault(name, missing_column(name, columns, words))
            return nodes.Const("", lineno=node.lineno)
        position = columns.index(name)
        self.found.positions.setdefault(position)
        return nodes.Getitem(node.node, nodes.Const(position), "load", lineno=node.lineno)


def missing_column(name: str, columns: Sequence[str], wanted: str) -> Fault:
    """Say that the file lacks a column which `wanted` tells the use of, and which one is nearest."""
    folded = {column.casefold(): column for column in columns}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    guess = f"the nearest is {folded[near[0]]!r}; " if near else ""
    words = f"the file has no column {name!r}, which {wanted}"
    return Fault("E-HDRMISS", words, f"{guess}mend the file's header, or the template", "", name)


def _unpack(tree: nodes.Template, loop: nodes.For, positions: Collection[int]) -> None:
    """Hand over just the columns used, if any is: `row[3]` becomes the loop's own local for column 3."""
    _test_inside(loop)
    if not positions:
        return
    record = loop.target.name if isinstance(loop.target, nodes.Name) else ""
    _Unpack(record).visit(tree)
    targets: list[nodes.Expr] = [nodes.Name(_local(position), "store") for position in positions]
    loop.target = targets[0] if len(targets) == 1 else nodes.Tuple(targets, "store")


def _local(position: int) -> str:
    return f"_column_{position}"


class _Unpack(NodeTransformer):
    def __init__(self, record: str) -> None:
        self.record = record

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if (
            isinstance(node.node, nodes.Name)
            and node.node.name == self.record
            and isinstance(node.arg, nodes.Const)
        ):
            return nodes.Name(_local(node.arg.value), "load", lineno=node.lineno)
        return self.generic_visit(node)
