"""Cells that depend on one column only: worked out once per distinct value, beside the column's own rule.

Values repeat, so taking such an expression out of the loop turns several calls per record into one look-up. What is
known to be pure is listed here; everything else stays in the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jinja2 import Template

    from agent.mapping.layout import RowEnvironment

_FILTERS = frozenset(
    {
        "amount",
        "quantity",
        "date",
        "reason",
        "order_id",
        "lookup",
        "cell_text",
        "trim",
        "upper",
        "lower",
        "replace",
    }
    | {"default", "d", "title", "capitalize", "string", "int", "float", "round", "abs"}
)
_TESTS = frozenset({"in", "equalto", "eq", "ne", "lt", "le", "gt", "ge", "odd", "even", "lower", "upper"})
_NODES = (
    nodes.Const,
    nodes.Filter,
    nodes.Test,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
    nodes.Add,
    nodes.Getitem,
    nodes.Slice,
    nodes.Name,
    nodes.Tuple,
    nodes.List,
)
_VALUE = "_value"


def only_column(cell: nodes.Expr, is_column: Callable[[nodes.Node], bool]) -> int | None:
    """The position of the one column that a pure expression depends on; None where it stays in the loop."""
    if is_column(cell):
        return None  # the bare column costs nothing as it is
    positions: set[int] = set()
    return next(iter(positions)) if _pure(cell, is_column, positions) and len(positions) == 1 else None


def _pure(node: nodes.Node, is_column: Callable[[nodes.Node], bool], positions: set[int]) -> bool:
    if is_column(node) and isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        positions.add(node.arg.value)
        return True
    if not isinstance(node, _NODES) or isinstance(node, nodes.Name):
        return False
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        return False
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        return False
    return all(_pure(child, is_column, positions) for child in node.iter_child_nodes())


class ColumnFunction:
    """One such expression, compiled: called with the column's text, gives the cell's text.

    Raises when called:
        Whatever the expression raises on that text.
    """

    def __init__(self, environment: RowEnvironment, template: Template) -> None:
        self._environment, self._template = environment, template
        self.value = ""
        self._rows = self._start()

    def __call__(self, text: str) -> str:
        """Work the expression out for one text."""
        self.value = text
        try:
            return next(self._rows)[0]
        except StopIteration:
            raise RuntimeError("a column's function came to an end") from None
        finally:
            if self._rows.gi_frame is None:  # type: ignore[attr-defined]  # it raised, and a generator raises once
                self._rows = self._start()

    def __iter__(self) -> ColumnFunction:
        return self

    def __next__(self) -> str:
        return self.value

    def _start(self) -> Iterator[tuple[str]]:
        context = self._template.new_context({"values": self})
        return self._template.root_render_func(context)  # type: ignore[return-value]  # yields tuples, see layout.py


def column_tree(cell: nodes.Expr, replaced: Callable[[nodes.Expr, str], nodes.Expr]) -> nodes.Template:
    """A template that loops over one column's values and gives one cell each."""
    row = nodes.Output([nodes.Tuple([replaced(cell, _VALUE)], "load")], lineno=cell.lineno)
    loop = nodes.For(
        nodes.Name(_VALUE, "store"),
        nodes.Name("values", "load"),
        [row],
        [],
        None,
        False,  # noqa: FBT003 - Jinja's constructor
        lineno=cell.lineno,
    )
    return nodes.Template([loop], lineno=1)
