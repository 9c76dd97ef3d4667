"""The filters and tests that a template names: Jinja itself looks for some of them only when a record needs them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from jinja2 import nodes

from agent.mapping.problems import TemplateProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jinja2 import Environment


def unknown_names(tree: nodes.Template, environment: Environment) -> Iterator[TemplateProblem]:
    """Find filters and tests that there are not, each with the nearest that there is."""
    for named in tree.find_all(nodes.Filter):
        yield from _unknown("filter", named, environment.filters)
    for asked in tree.find_all(nodes.Test):
        yield from _unknown("test", asked, environment.tests)


def _unknown(what: str, node: nodes.Filter | nodes.Test, known: Iterable[str]) -> Iterator[TemplateProblem]:
    names = list(known)
    if node.name in names:
        return
    near = difflib.get_close_matches(node.name, names, n=1)
    mend = f"did you mean {near[0]!r}?" if near else ""
    yield TemplateProblem("T-SYNTAX", node.lineno, f"there is no {what} {node.name!r}", mend)
