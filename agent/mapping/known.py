"""What is settled once the file's columns are known: `row.X | default(…)`, `row.X is defined`, and what hangs on them.

A branch that cannot be taken is left out, so that it may name columns which this file does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Known(NodeTransformer):
    """Settles what asks whether a name is there; `used` are the names asked for, by what they belong to."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self.names = names  # what a template calls a record, or "feed" → the names in it
        self.used: set[tuple[str, str]] = set()

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:  # noqa: N802 - Jinja's visitor name
        """Parameters may have a record's name and be something else."""
        outside = self.names
        self.names = {name: outside[name] for name in outside.keys() - {arg.name for arg in node.args}}
        self.generic_visit(node)
        self.names = outside
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """`row.X | default("…")` is the default where the file has no column X."""
        if node.name not in ("default", "d") or (there := self._there(node.node)) is None:
            return self.generic_visit(node)
        if there:
            return self.generic_visit(node)
        given = [*node.args[:1], *(pair.value for pair in node.kwargs if pair.key == "default_value")]
        fallback: nodes.Node = self.visit(given[0]) if given else nodes.Const("", lineno=node.lineno)
        return fallback

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """`row.X is defined` asks whether the file has column X."""
        if node.name in ("defined", "undefined") and (there := self._there(node.node)) is not None:
            return nodes.Const(there == (node.name == "defined"), lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Not(self, node: nodes.Not) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """Settle `not`."""
        node.node = self.visit(node.node)
        return (
            nodes.Const(not node.node.value, lineno=node.lineno)
            if isinstance(node.node, nodes.Const)
            else node
        )

    def visit_And(self, node: nodes.And) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """Settle `and`."""
        return self._joined(node, decides=False)

    def visit_Or(self, node: nodes.Or) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """Settle `or`."""
        return self._joined(node, decides=True)

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:  # noqa: N802 - Jinja's visitor name
        """Keep the side that is taken."""
        test = node.test = self.visit(node.test)
        if isinstance(test, nodes.Const):
            taken = node.expr1 if test.value else node.expr2 or nodes.Const("", lineno=node.lineno)
            side: nodes.Node = self.visit(taken)
            return side
        return self.generic_visit(node)

    def visit_If(self, node: nodes.If) -> list[nodes.Node]:  # noqa: N802 - Jinja's visitor name
        """Keep the branches that can be taken."""
        kept: list[nodes.If] = []
        otherwise = node.else_
        for branch in (node, *node.elif_):
            branch.test = self.visit(branch.test)
            if not isinstance(branch.test, nodes.Const):
                branch.body = self._all(branch.body)
                kept.append(branch)
            elif branch.test.value:
                otherwise = branch.body
                break
        otherwise = self._all(otherwise)
        if not kept:
            return otherwise
        first, *others = kept
        first.elif_, first.else_ = others, otherwise
        return [first]

    def _all(self, body: Iterable[nodes.Node]) -> list[nodes.Node]:
        return [made for node in body for made in self.visit_list(node)]

    def _joined(self, node: nodes.And | nodes.Or, *, decides: bool) -> nodes.Node:
        node.left, node.right = self.visit(node.left), self.visit(node.right)
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(side, nodes.Const) and isinstance(side.value, bool):
                return side if side.value is decides else other
        return node

    def _there(self, node: nodes.Node | None) -> bool | None:
        """Whether a name is there; None where the question is about something else."""
        if not isinstance(node, nodes.Getattr | nodes.Getitem) or not isinstance(node.node, nodes.Name):
            return None
        name = named(node)
        if name is None or node.node.name not in self.names:
            return None
        self.used.add((node.node.name, name))
        return name in self.names[node.node.name]


def named(node: nodes.Getattr | nodes.Getitem) -> str | None:
    """The name asked for by `row.X` or `row["X"]`; None where it is worked out."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None
