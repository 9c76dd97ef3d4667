"""Which of a file's columns each cell of a batch row is made of, so that a finding can name the source's own cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from agent.mapping.loops import group_column, stream_loop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Positions = frozenset[int]


def columns_of_cells(
    tree: nodes.Template, records: frozenset[str], columns: Sequence[str] | None
) -> Mapping[int, Positions]:
    """Tell for each cell of the template's rows which columns are in it; conditions around a row are not.

    Args:
        tree: with `row[3]` for each column asked for by name; read only.
        records: what the template calls a record.
        columns: the file's columns; None: not known yet, so nothing is told.
    """
    if columns is None:
        return {}
    known = dict(_grouped(tree, columns))
    for assigned in tree.find_all(nodes.Assign):
        if isinstance(assigned.target, nodes.Name):
            name = assigned.target.name
            known[name] = known.get(name, frozenset()) | _positions(assigned.node, records, known)
    found: dict[int, Positions] = {}
    for output in tree.find_all(nodes.Output):
        row = output.nodes[0] if len(output.nodes) == 1 else None
        for index, cell in enumerate(row.items if isinstance(row, nodes.Tuple) else ()):
            found[index] = found.get(index, frozenset()) | _positions(cell, records, known)
    return found


def _grouped(tree: nodes.Template, columns: Sequence[str]) -> Iterator[tuple[str, Positions]]:
    """The common value of a group is that of the column it is grouped by."""
    loop = stream_loop(tree)
    column = group_column(loop)
    value = loop.target.items[0] if isinstance(loop.target, nodes.Tuple) else None
    if column in columns and isinstance(value, nodes.Name):
        yield value.name, frozenset({columns.index(column)})


def _positions(node: nodes.Node, records: frozenset[str], known: Mapping[str, Positions]) -> Positions:
    """Collect the columns asked for in an expression, also through names set before."""
    found: set[int] = set()
    for part in (node, *node.find_all((nodes.Getitem, nodes.Name))):
        if isinstance(part, nodes.Name):
            found |= known.get(part.name, frozenset())
        elif (
            isinstance(part, nodes.Getitem)
            and isinstance(part.node, nodes.Name)
            and part.node.name in records
            and isinstance(part.arg, nodes.Const)
        ):
            found.add(part.arg.value)
    return frozenset(found)
