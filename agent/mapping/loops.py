"""The one loop that reads the records: what it may look like, and what may stand in it.

The records pass once, and each row must know the record it came from. What would break either is refused when the
template is read, with its line and what to write instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from agent.mapping.problems import TemplateProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_AHEAD = frozenset({"last", "nextitem", "length", "revindex", "revindex0"})
_BEHIND = frozenset({"index", "index0", "first", "previtem", "cycle", "changed", "depth", "depth0"})
_SAME_ITEMS = frozenset({"sort", "list", "reverse", "unique"})  # filters that give the records they are given
_OURS = frozenset({"rows", "feed"})


def stream_of(loop: nodes.For) -> str | None:
    """Tell how a loop reads the records: "rows", "groups", or None when it does not."""
    source = loop.iter
    if isinstance(source, nodes.Name) and source.name == "rows":
        return "rows"
    if isinstance(source, nodes.Filter) and source.name == "groupby" and isinstance(source.node, nodes.Name):
        return "groups" if source.node.name == "rows" else None
    return None


def stream_loop(tree: nodes.Template) -> nodes.For:
    """Give the loop that reads the records; `stream_problems` has found that there is one."""
    return next(loop for loop in tree.find_all(nodes.For) if stream_of(loop) is not None)


def group_column(loop: nodes.For) -> str | None:
    """Give the column by which a loop groups the records; None where it does not."""
    if stream_of(loop) != "groups" or not isinstance(loop.iter, nodes.Filter):
        return None
    column = loop.iter.args[0] if loop.iter.args else None
    return column.value if isinstance(column, nodes.Const) and isinstance(column.value, str) else None


def record_names(loop: nodes.For) -> frozenset[str]:
    """Give the loop variables that hold a record."""
    if stream_of(loop) == "rows":
        return frozenset({loop.target.name}) if isinstance(loop.target, nodes.Name) else frozenset()
    return frozenset(
        nested.target.name for nested in _over_group(loop) if isinstance(nested.target, nodes.Name)
    )


def _over_group(loop: nodes.For) -> Iterator[nodes.For]:
    """Find the loops over a group's records."""
    target = loop.target.items[-1] if isinstance(loop.target, nodes.Tuple) else None
    if stream_of(loop) != "groups" or not isinstance(target, nodes.Name):
        return
    for nested in loop.find_all(nodes.For):
        source = nested.iter
        while isinstance(source, nodes.Filter) and source.name in _SAME_ITEMS and source.node is not None:
            source = source.node
        if isinstance(source, nodes.Name) and source.name == target.name:
            yield nested


def stream_problems(tree: nodes.Template) -> list[TemplateProblem]:
    """Find what is wrong with how a template reads `rows`: it takes exactly one loop, as it is or through groupby."""
    loops = [loop for loop in tree.find_all(nodes.For) if stream_of(loop) is not None]
    uses = [name for name in tree.find_all(nodes.Name) if name.name == "rows" and name.ctx == "load"]
    if not uses:
        words = "the template never reads `rows`"
        return [TemplateProblem("T-ROWS", 1, words, "loop over the records with {% for row in rows %}")]
    if len(uses) > 1:
        words = "`rows` is read more than once, but the records pass only once"
        return [
            TemplateProblem("T-ROWS", use.lineno, words, "use one loop with {% if %} inside")
            for use in uses[1:]
        ]
    if not loops:
        words = "`rows` can only be looped over, as it is or through groupby"
        mend = "write {% for row in rows if … %} or {% for order, lines in rows | groupby(…) %}"
        return [TemplateProblem("T-ROWS", uses[0].lineno, words, mend)]
    return [*_placed(tree, loops[0]), *_shaped(loops[0]), *_names(tree, loops[0]), *_looks(loops[0])]


def _placed(tree: nodes.Template, loop: nodes.For) -> Iterator[TemplateProblem]:
    for around in tree.find_all((nodes.For, nodes.Macro, nodes.AssignBlock)):
        if around is not loop and any(inner is loop for inner in around.find_all(nodes.For)):
            words = "the loop over `rows` stands inside another loop, macro or set"
            yield TemplateProblem("T-ROWS", loop.lineno, words, "put it on the outside")
            return


def _shaped(loop: nodes.For) -> Iterator[TemplateProblem]:
    """Check what the loop's variables are, and that groupby is told one column."""
    if stream_of(loop) == "rows":
        if not isinstance(loop.target, nodes.Name):
            words = "the loop over `rows` takes one name, which holds the record"
            yield TemplateProblem("T-ROWS", loop.lineno, words, "write {% for row in rows %}")
        return
    source = loop.iter
    if (
        not isinstance(source, nodes.Filter)
        or len(source.args) != 1
        or source.kwargs
        or group_column(loop) is None
    ):
        mend = 'write {% for order, lines in rows | groupby("Order ID") %}'
        yield TemplateProblem("T-ROWS", loop.lineno, "groupby takes the name of one column, in quotes", mend)
    items = loop.target.items if isinstance(loop.target, nodes.Tuple) else []
    if len(items) != 2 or not all(isinstance(item, nodes.Name) for item in items):  # noqa: PLR2004 - value, records
        words = "a loop over groups takes two names: the common value, and the group's records"
        yield TemplateProblem(
            "T-ROWS", loop.lineno, words, "write {% for order, lines in rows | groupby(…) %}"
        )


def _names(tree: nodes.Template, loop: nodes.For) -> Iterator[TemplateProblem]:
    """Find names that are used for two things."""
    own = {id(loop.target)} | {id(nested.target) for nested in _over_group(loop)}
    held = record_names(loop)
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" or id(name) in own:
            continue
        if name.name in _OURS or (name.ctx == "store" and name.name in held):
            words = f"the name {name.name!r} stands for something else already"
            yield TemplateProblem("T-LAYOUT", name.lineno, words, "choose another name")


def _looks(loop: nodes.For) -> Iterator[TemplateProblem]:
    """A loop that looks ahead would blame the wrong record."""
    if loop.test is not None and any(_loop_uses(loop.body, loop)):
        words = "`loop` cannot be asked where the loop has a condition"
        yield TemplateProblem(
            "T-LOOP", loop.lineno, words, "put the condition into an {% if %} inside the loop"
        )
    for reader in (loop, *_over_group(loop)):
        for use, within in _loop_uses(reader.body, reader):
            if isinstance(within, nodes.Getattr) and within.attr in _BEHIND:
                continue
            asked = within.attr if isinstance(within, nodes.Getattr) else ""
            words = f"loop.{asked} looks ahead, and the records pass one by one"
            if asked not in _AHEAD:
                words = f"`loop` can be asked for {', '.join(sorted(_BEHIND))} only"
            yield TemplateProblem("T-LOOP", use.lineno, words, "do without it")


def _loop_uses(body: Iterable[nodes.Node], within: nodes.Node) -> Iterator[tuple[nodes.Name, nodes.Node]]:
    """Find each `loop` that means this loop, not one nested in it, with the node around it."""
    for node in body:
        if isinstance(node, nodes.Name) and node.name == "loop":
            yield node, within
        elif isinstance(node, nodes.For):
            outside = [node.iter, *([node.test] if node.test else []), *node.else_]
            yield from _loop_uses(outside, node)
        else:
            yield from _loop_uses(node.iter_child_nodes(), node)
