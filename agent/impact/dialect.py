"""The dialect as frozen values, read once from dialect.yaml beside this module.

Its one job is to hand the facts over in a form the rules can use. It judges nothing; a mistake in
dialect.yaml is a mistake of this package and raises at once (KeyError, TypeError, ValueError).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import yaml

from agent.model import Change, Level

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Column", "Dialect", "Kind", "Reason", "Special", "Usage", "canonical", "dialect"]

Kind = Literal["identifier", "tracker", "amount", "quantity", "text", "currency", "reason"]
Usage = Literal["required", "optional", "conditional", "forbidden", "unlisted"]

_BETWEEN_WORDS = re.compile(r"[\s_-]+")
_NUMBERED = re.compile(r"(.+?)([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how it is spelled, what it holds, and what each level and change makes of it."""

    name: str
    aliases: tuple[str, ...]
    numbered: bool  # older files number it: SKU1, SKU2, …
    kind: Kind
    size: int  # characters; of an amount and a quantity: digits
    usage: Mapping[Level, Mapping[Change, Usage]]


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code of impact.com's own."""

    code: str
    meaning: str
    file: bool  # may stand in a batch file; the others are for the API only
    update: bool  # means a plain update, so it does not fit a reversal


@dataclass(frozen=True, slots=True)
class Special:
    """A code that stands apart: allowed only at some levels, or only when the feed's settings name it."""

    code: str
    meaning: str
    configured: bool
    change: Change
    levels: frozenset[Level]


@dataclass(frozen=True, slots=True)
class Dialect:
    """All that the rules need to know."""

    columns: Mapping[str, Column]  # in the order they are written
    identifiers: Mapping[Level, tuple[tuple[str, ...], ...]]  # any of these sets tells an action
    mobile_prefix: str
    reasons: Mapping[str, Reason]
    special: Mapping[str, Special]
    code_size: int
    zero: str  # how an amount of nothing is written
    decimals: int  # places of an amount
    modifications_per_action: int
    reserved_prefixes: tuple[str, ...]  # of file names, lower case
    any_run: str  # in file patterns: any run of characters
    one_character: str  # in file patterns: any one character
    delimiter: str
    line_end: str
    spellings: Mapping[str, str]  # folded spelling -> the column's name

    def columns_of(self, level: Level) -> tuple[str, ...]:
        """Name the columns a level has, in the order they are written."""
        return tuple(name for name, column in self.columns.items() if level in column.usage)


@cache
def dialect() -> Dialect:
    """Give the one dialect there is."""
    text = files(__package__).joinpath("dialect.yaml").read_text(encoding="utf-8")
    return _dialect(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506 - both are safe loaders


def canonical(name: str) -> str:
    """Give a column's one spelling for any that impact.com's pages use; another name comes back unchanged.

    Case, spaces, underscores and hyphens do not count. A numbered column keeps its number: `Sku1` is `SKU1`.
    """
    spellings = dialect().spellings
    folded = _folded(name)
    if (found := spellings.get(folded)) is not None:
        return found
    numbered = _NUMBERED.fullmatch(folded)
    if numbered and (found := spellings.get(numbered[1])) and dialect().columns[found].numbered:
        return found + numbered[2]
    return name


def _folded(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name).casefold()


def _dialect(facts: dict[str, Any]) -> Dialect:
    columns = MappingProxyType({name: _column(name, column) for name, column in facts["columns"].items()})
    return Dialect(
        columns=columns,
        identifiers=MappingProxyType(
            {Level(level): tuple(map(tuple, fact["is"])) for level, fact in facts["identifiers"].items()}
        ),
        mobile_prefix=facts["mobile_prefix"]["is"],
        reasons=MappingProxyType(
            {code: _reason(code, fact["is"]) for code, fact in facts["reasons"].items()}
        ),
        special=MappingProxyType(
            {code: _special(code, fact["is"]) for code, fact in facts["special_codes"].items()}
        ),
        code_size=facts["custom_codes"]["size"]["is"],
        zero=facts["amounts"]["canonical_zero"]["is"],
        decimals=facts["columns"]["Amount"]["decimals"]["is"],
        modifications_per_action=facts["limits"]["modifications_per_action"]["is"],
        reserved_prefixes=tuple(facts["files"]["reserved_prefixes"]["is"]),
        any_run=facts["files"]["any_run"]["is"],
        one_character=facts["files"]["one_character"]["is"],
        delimiter=facts["files"]["delimiter"]["is"],
        line_end=facts["files"]["line_end"]["is"],
        spellings=MappingProxyType(
            {
                _folded(spelling): column.name
                for column in columns.values()
                for spelling in (column.name, *column.aliases)
            }
        ),
    )


def _column(name: str, facts: dict[str, Any]) -> Column:
    kind = facts["type"]["is"]
    if kind not in get_args(Kind) or facts["spelling"]["is"] != name:
        raise ValueError(f"dialect.yaml: column {name} has another spelling or an unknown type {kind}")
    return Column(
        name=name,
        aliases=tuple(facts.get("aliases", {"is": ()})["is"]),
        numbered=facts.get("numbered", {"is": False})["is"],
        kind=kind,
        size=facts["size"]["is"],
        usage=MappingProxyType({Level(level): _usage(fact["is"]) for level, fact in facts["usage"].items()}),
    )


def _usage(words: dict[str, str]) -> Mapping[Change, Usage]:
    """Read what each change makes of a column; an approval has the columns of a modification."""
    usage: dict[Change, Any] = {}
    for change, word in words.items():
        if word not in get_args(Usage):
            raise ValueError(f"dialect.yaml: {word} is no usage")
        usage[Change(change)] = word
    if Change.MODIFICATION in usage:
        usage[Change.APPROVAL] = usage[Change.MODIFICATION]
    return MappingProxyType(usage)


def _reason(code: str, fact: dict[str, Any]) -> Reason:
    return Reason(code=code, meaning=fact["meaning"], file=fact["file"], update=fact.get("update", False))


def _special(code: str, fact: dict[str, Any]) -> Special:
    return Special(
        code=code,
        meaning=fact["meaning"],
        configured=fact["configured"],
        change=Change(fact["change"]),
        levels=frozenset(map(Level, fact["levels"])),
    )
