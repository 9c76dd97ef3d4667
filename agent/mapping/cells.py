"""The cells of a row's line: in the batch's order, each of them text; those that hang on one column are taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from agent.mapping.single import column_tree, only_column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OUR_FILTERS = frozenset(
    {"amount", "quantity", "date", "reason", "order_id", "lookup"}
)  # give plain text, whatever comes in
_TEXT_FILTERS = frozenset({"trim", "upper", "lower", "replace"})  # give plain text for plain text


class Cells(NodeTransformer):
    """Put every row's cells in order and make each of them text; keep only some of them when asked."""

    def __init__(
        self, records: frozenset[str], order: Sequence[int] | None, only: frozenset[int] | None, *, fuse: bool
    ) -> None:
        self.records, self.order, self.only = records, order, only
        self.fuse = fuse
        self.nested: frozenset[int] = frozenset()  # positions of columns that are no text by themselves
        self.single: dict[int, nodes.Template] = {}

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:  # noqa: N802 - Jinja's visitor name
        """Leave it: what a macro puts out is text for a cell."""
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802 - Jinja's visitor name
        """Set one row in order."""
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

    def _is_text(self, cell: nodes.Node | None) -> bool:
        if isinstance(cell, nodes.Const):
            return isinstance(cell.value, str)
        if isinstance(cell, nodes.Filter):
            return cell.name in _OUR_FILTERS or (cell.name in _TEXT_FILTERS and self._is_text(cell.node))
        return cell is not None and self._is_column(cell)

    def _is_column(self, cell: nodes.Node) -> bool:
        return (
            isinstance(cell, nodes.Getitem)
            and isinstance(cell.node, nodes.Name)
            and cell.node.name in self.records
            and isinstance(cell.arg, nodes.Const)
            and isinstance(cell.arg.value, int)
            and cell.arg.value not in self.nested
        )


class _Value(NodeTransformer):
    """Put one name in the place of the column."""

    def __init__(self, name: str, is_column: Callable[[nodes.Node], bool]) -> None:
        self.name, self.is_column = name, is_column

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        if self.is_column(node):
            return nodes.Name(self.name, "load", lineno=node.lineno)
        return self.generic_visit(node)
