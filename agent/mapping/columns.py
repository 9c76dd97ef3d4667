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

from agent.mapping.layout import stream_of
from agent.mapping.problems import TemplateProblem
from agent.mapping.single import column_tree, only_column
from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TEXT_FILTERS = frozenset({"amount", "quantity", "date", "reason", "order_id", "trim", "upper", "lower", "replace"})


@dataclass(frozen=True, slots=True)
class Bound:
    """A tree bound to columns: how records are to be handed over, and what the file lacks."""

    tree: nodes.Template
    positions: tuple[int, ...]  # unpacked: the columns to hand over, in this order
    wrapped: bool  # records are handed over as Record, not unpacked
    grouped: bool
    missing: tuple[Fault, ...]
    used: frozenset[str]
    problems: tuple[TemplateProblem, ...]
    single: dict[int, nodes.Template]  # cell → the tree of its function, where it depends on one column only


@dataclass(slots=True)
class _Found:
    """What one pass over the tree learns."""

    positions: dict[int, None] = field(default_factory=dict)
    missing: dict[str, Fault] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    problems: list[TemplateProblem] = field(default_factory=list)
    travels: bool = False


def bind(
    tree: nodes.Template,
    columns: Sequence[str] | None,
    feed: Mapping[str, str],
    *,
    order: Sequence[int] | None = None,
    only: frozenset[int] | None = None,
) -> Bound:
    """Bind a fresh copy of a layout's tree (it is changed in place) to a file's columns.

    Args:
        tree: as `read_layout` made it; not used again by the caller.
        columns: the file's columns; None binds nothing and only learns which are used.
        feed: the feed's name and variables, which become constants.
        order: which cell of the template stands where in the row; None keeps the template's order.
        only: keep just these cells (positions in the row), the others become "" (to find which cell fails).
    """
    loop = next(loop for loop in tree.find_all(nodes.For) if stream_of(loop) is not None)
    grouped = stream_of(loop) == "groups"
    found = _Found()
    names = _record_names(loop, grouped=grouped)
    _Feed(feed, found).visit(tree)
    _Columns(names, columns, found).visit(tree)
    wrapped = grouped or found.travels or not isinstance(loop.target, nodes.Name) or columns is None
    positions = tuple(found.positions)
    one_line = sum(_is_row(output) for output in tree.find_all(nodes.Output)) == 1
    cells = _Cells(names, order, only, fuse=one_line and not wrapped and only is None)
    cells.visit(tree)
    _test_inside(loop)
    if not wrapped and positions:
        record = loop.target.name if isinstance(loop.target, nodes.Name) else ""
        _Unpack(record).visit(tree)
        targets: list[nodes.Expr] = [nodes.Name(_local(position), "store") for position in positions]
        loop.target = targets[0] if len(targets) == 1 else nodes.Tuple(targets, "store")
    missing = tuple(found.missing.values())
    return Bound(tree, positions, wrapped, grouped, missing, frozenset(found.used), tuple(found.problems), cells.single)


def _is_row(output: nodes.Output) -> bool:
    return len(output.nodes) == 1 and isinstance(output.nodes[0], nodes.Tuple)


def _test_inside(loop: nodes.For) -> None:
    """`for … if` costs a generator of its own; an `if` inside means the same where nobody asks for `loop`."""
    if loop.test is not None and not any(name.name == "loop" for name in loop.find_all(nodes.Name)):
        loop.body = [nodes.If(loop.test, loop.body, [], [], lineno=loop.lineno)]
        loop.test = None


def _local(position: int) -> str:
    return f"_column_{position}"


def _record_names(loop: nodes.For, *, grouped: bool) -> frozenset[str]:
    """The loop variables that hold a record."""
    if not grouped:
        return frozenset({loop.target.name}) if isinstance(loop.target, nodes.Name) else frozenset()
    lists = set()
    if isinstance(loop.target, nodes.Tuple) and isinstance(loop.target.items[-1], nodes.Name):
        lists.add(loop.target.items[-1].name)
    inner = (nested for nested in loop.find_all(nodes.For) if isinstance(nested.iter, nodes.Name))
    return frozenset(
        nested.target.name
        for nested in inner
        if isinstance(nested.target, nodes.Name) and isinstance(nested.iter, nodes.Name) and nested.iter.name in lists
    )


class _Feed(NodeTransformer):
    """`feed.x` becomes the constant it is for this feed."""

    def __init__(self, feed: Mapping[str, str], found: _Found) -> None:
        self.feed, self.found = feed, found

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        return self._constant(node, node.attr)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        return self._constant(node, node.arg.value if isinstance(node.arg, nodes.Const) else None)

    def _constant(self, node: nodes.Getattr | nodes.Getitem, name: object) -> nodes.Node:
        if not isinstance(node.node, nodes.Name) or node.node.name != "feed" or not isinstance(name, str):
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

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        return self._column(node, node.attr)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        name = node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None
        return self._column(node, name)

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """`row.X | default("…")` gives the default where the file has no column X."""
        if node.name in ("default", "d") and self.columns is not None and (name := self._name(node.node)):
            self.found.used.add(name)
            if name not in self.columns:
                return self.visit(node.args[0]) if node.args else nodes.Const("", lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """`row.X is defined` asks whether the file has column X."""
        if node.name in ("defined", "undefined") and self.columns is not None and (name := self._name(node.node)):
            self.found.used.add(name)
            return nodes.Const((name in self.columns) == (node.name == "defined"), lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if node.ctx == "load" and node.name in self.records:
            self.found.travels = True
        return node

    def _name(self, node: nodes.Node | None) -> str | None:
        if isinstance(node, nodes.Getattr) and self._is_record(node.node):
            return node.attr
        if isinstance(node, nodes.Getitem) and self._is_record(node.node) and isinstance(node.arg, nodes.Const):
            return node.arg.value if isinstance(node.arg.value, str) else None
        return None

    def _is_record(self, node: nodes.Node) -> bool:
        return isinstance(node, nodes.Name) and node.name in self.records

    def _column(self, node: nodes.Getattr | nodes.Getitem, name: str | None) -> nodes.Node:
        if name is None or not self._is_record(node.node):
            return self.generic_visit(node)
        self.found.used.add(name)
        if self.columns is None:
            return node
        if name not in self.columns:
            self.found.missing.setdefault(name, _missing(name, self.columns, node.lineno))
            return nodes.Const("", lineno=node.lineno)
        position = self.columns.index(name)
        self.found.positions.setdefault(position)
        return nodes.Getitem(node.node, nodes.Const(position), "load", lineno=node.lineno)


def _missing(name: str, columns: Sequence[str], line: int) -> Fault:
    folded = {column.casefold(): column for column in columns}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    guess = f"the nearest is {folded[near[0]]!r}; " if near else ""
    words = f"the file has no column {name!r}, which the template uses in line {line}"
    return Fault("E-HDRMISS", words, f"{guess}mend the file's header, or the template", "", name)


class _Unpack(NodeTransformer):
    """`row[3]` becomes the loop's own local for column 3."""

    def __init__(self, record: str) -> None:
        self.record = record

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if isinstance(node.node, nodes.Name) and node.node.name == self.record and isinstance(node.arg, nodes.Const):
            return nodes.Name(_local(node.arg.value), "load", lineno=node.lineno)
        return self.generic_visit(node)


class _Cells(NodeTransformer):
    """Put every row's cells in order and make each of them text; keep only some of them when asked."""

    def __init__(
        self, records: frozenset[str], order: Sequence[int] | None, only: frozenset[int] | None, *, fuse: bool
    ) -> None:
        self.records, self.order, self.only = records, order, only
        self.fuse = fuse
        self.single: dict[int, nodes.Template] = {}

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:  # noqa: N802 - Jinja's visitor name
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802 - Jinja's visitor name
        row = node.nodes[0] if len(node.nodes) == 1 else None
        if not isinstance(row, nodes.Tuple):
            return node
        cells = row.items if self.order is None else [row.items[position] for position in self.order]
        row.items = [
            self._as_text(cell) if self.only is None or index in self.only else nodes.Const("")
            for index, cell in enumerate(cells)
        ]
        if self.fuse:
            self._take_out(row)
        return node

    def _take_out(self, row: nodes.Tuple) -> None:
        """Leave only the bare column where a cell depends on one column."""
        for index, cell in enumerate(row.items):
            position = only_column(cell, self._is_column)
            if position is not None:
                self.single[index] = column_tree(cell, self._replaced)
                row.items[index] = self._column(cell, position)

    def _column(self, cell: nodes.Expr, position: int) -> nodes.Expr:
        record = next(iter(self.records))
        return nodes.Getitem(nodes.Name(record, "load"), nodes.Const(position), "load", lineno=cell.lineno)

    def _replaced(self, cell: nodes.Expr, name: str) -> nodes.Expr:
        changed: nodes.Expr = _Value(name, self._is_column).visit(cell)
        return changed

    def _as_text(self, cell: nodes.Expr) -> nodes.Expr:
        """Only what is not provably text pays for a conversion."""
        if self._is_text(cell):
            return cell
        if isinstance(cell, nodes.Concat):
            first, *others = [self._as_text(part) for part in cell.nodes]
            for part in others:
                first = nodes.Add(first, part, lineno=cell.lineno)
            return first
        return nodes.Filter(cell, "cell_text", [], [], None, None, lineno=cell.lineno)

    def _is_text(self, cell: nodes.Expr) -> bool:
        if isinstance(cell, nodes.Const):
            return isinstance(cell.value, str)
        if isinstance(cell, nodes.Filter):
            return cell.name in _TEXT_FILTERS
        return self._is_column(cell)

    def _is_column(self, cell: nodes.Node) -> bool:
        return (
            isinstance(cell, nodes.Getitem)
            and isinstance(cell.node, nodes.Name)
            and cell.node.name in self.records
            and isinstance(cell.arg, nodes.Const)
            and isinstance(cell.arg.value, int)
        )


class _Value(NodeTransformer):
    """Put one name in the place of the column."""

    def __init__(self, name: str, is_column: Callable[[nodes.Node], bool]) -> None:
        self.name, self.is_column = name, is_column

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if self.is_column(node):
            return nodes.Name(self.name, "load", lineno=node.lineno)
        return self.generic_visit(node)
