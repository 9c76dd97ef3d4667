"""How names and texts of a sample are written into a template and into settings: quoted, and harmless in remarks."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

from agent.starting.tables import UNKNOWN, taken_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.starting.texts import Column

_WIDTH = 108
_SHOWN = 60  # characters of a text in a remark
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_METHODS = frozenset(("capitalize", "count", "encode", "format", "get", "index", "items", "keys", "lower", "pop",
                      "replace", "split", "strip", "title", "upper", "values"))  # fmt: skip


def quoted(text: str) -> str:
    """Write a text between double quotes, as YAML and Jinja both read it."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else _escaped(one) for one in written)


def _escaped(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"  # noqa: PLR2004 - four digits' worth


def cell(column: Column) -> str:
    """Write the expression for a column's cell."""
    record = "item" if column.within else "row"
    if _NAME.fullmatch(column.name) and column.name not in _METHODS:
        return f"{record}.{column.name}"
    return f"{record}[{quoted(column.name)}]"


def money(column: Column) -> str:
    """Write the expression for a column's amount, as a batch has it."""
    return figure(column) if column.is_minor else f"{cell(column)} | amount"


def figure(column: Column, *, blank: str = "") -> str:
    """Write the expression for a column's amount, to count with; `blank` is what stands for a blank cell."""
    text = f"({cell(column)} | amount or {quoted(blank)})" if blank else f"{cell(column)} | amount"
    return f"({text} | float / 100)" if column.is_minor else f"{text} | float"


def told(column: Column) -> str:
    """Write the condition that a column tells of something given back: a word, a figure other than 0, or anything."""
    if column.within:
        return f"row[{quoted(column.within)}] | length"
    if words := taken_words(column.counts):
        return f"({cell(column)} | lower | trim) in {choice(words)}"
    return f"{figure(column, blank='0')} != 0" if column.is_numeric else f"{cell(column)} | trim"


def choice(texts: Iterable[str]) -> str:
    """Write a list of texts, of which one is meant."""
    every = [quoted(text) for text in dict.fromkeys(texts)]
    return f"({', '.join(every)}{',' if len(every) == 1 else ''})"


def shown(text: str) -> str:
    """Show a text of unknown origin in a remark: on one line, not too long, ending no remark."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    plain = "".join(one if one.isprintable() else " " for one in short)
    return re.sub(r"([{#%}])(?=[{#%}])", r"\1 ", plain)


def listed(texts: Iterable[str], most: int = 12) -> str:
    """List texts in a remark, the first of many."""
    every = list(texts)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(f"“{shown(text)}”" for text in every[:most]) + more


def yaml_remark(words: str, *, check: bool = False, indent: str = "") -> Iterator[str]:
    """Yield the lines of a remark in settings."""
    text = f"{UNKNOWN}: {words}" if check else words
    for line in textwrap.wrap(text, _WIDTH - 2 - len(indent), break_long_words=False, break_on_hyphens=False):
        yield f"{indent}# {line}"


def template_remark(words: str, *examples: str) -> Iterator[str]:
    """Yield the lines of a remark in a template that asks for a look; examples stand on lines of their own.

    Without the signs that strip what is around it: behind a row of the batch they would take its line end.
    """
    lines = textwrap.wrap(f"{UNKNOWN}: {words}", _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    lines += [f"     {example}" for example in examples]
    lines[0] = f"{{# {lines[0]}"
    lines[1:] = [f"   {line}" for line in lines[1:]]
    lines[-1] += " #}"
    yield from lines
