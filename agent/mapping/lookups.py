"""Tables that stand beside a template: what the `lookup` filter does. A value that no table has is a finding."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import nodes

from agent.mapping.filters import cell_text
from agent.mapping.problems import BadValueError, TemplateProblem
from agent.mapping.texts import BLANKS
from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Tables", "unknown_tables"]

_FOUND = 64  # characters of a value that a finding shows
_COMPARED = 2000  # entries of a table that are compared for the nearest; more would take too long


class Tables:
    """The tables of one feed, by name."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._tables = tables
        self._nearest = lru_cache(maxsize=1000)(self._look_near)

    def lookup(self, value: object, table: str, default: object = None) -> str:
        """Find a value's counterpart.

        As in `{{ row.Category | lookup("categories") }}`.

        Values count to the letter; blanks around them do not.

        Raises:
            BadValueError: E-LOOKUP, with the nearest, where the table has no such value and no default is given.
        """
        text = value if isinstance(value, str) else cell_text(value)
        entries = self._tables.get(table)
        if entries is None:
            raise BadValueError(Fault("T-TABLE", "is looked up in a table that the feed does not have"))
        key = text.strip(BLANKS)
        if (found := entries.get(key)) is not None:
            return found
        if default is not None:
            return cell_text(default)
        near = self._nearest(table, key[:_FOUND])
        guess = f"did you mean {near!r}? " if near else ""
        mend = f"{guess}add it to the table, or give a default"
        raise BadValueError(Fault("E-LOOKUP", f"is not in the table {table!r}", mend, text[:_FOUND]))

    def _look_near(self, table: str, key: str) -> str:
        entries = list(self._tables[table])[:_COMPARED]
        folded = {entry.casefold(): entry for entry in entries}
        near = difflib.get_close_matches(key.casefold(), list(folded), n=1)
        return folded[near[0]] if near else ""


def unknown_tables(tree: nodes.Template, tables: Mapping[str, object]) -> Iterator[TemplateProblem]:
    """Find look-ups in tables that the feed does not have, or whose table is not named in quotes."""
    for asked in tree.find_all(nodes.Filter):
        if asked.name != "lookup":
            continue
        named = asked.args[0] if asked.args else None
        if not isinstance(named, nodes.Const) or not isinstance(named.value, str):
            words = "lookup does not name its table"
            yield TemplateProblem("T-TABLE", asked.lineno, words, 'write it in quotes: lookup("categories")')
        elif named.value not in tables:
            near = difflib.get_close_matches(named.value, list(tables), n=1)
            mend = f"did you mean {near[0]!r}?" if near else "declare it under `tables:` in the feed's file"
            yield TemplateProblem("T-TABLE", asked.lineno, f"there is no table {named.value!r}", mend)
