"""The tables of this room, read once: names of columns, words of statuses and reasons, exports that are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from agent.model import Level
from agent.starting.texts import plain_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TAKEN = frozenset(
    ("cancelled", "refunded", "partly")
)  # kinds of a status that says that something was taken back
UNKNOWN = "CHECK"  # stands where only a person can tell; no rule lets it pass


@dataclass(frozen=True, slots=True)
class Shape:
    """An export for which a template is shipped."""

    name: str
    level: Level
    columns: frozenset[str]  # compared as names are
    template: str
    lines: tuple[str, ...]  # of the feed's settings


def _table(name: str) -> Any:
    text = files("agent.starting").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both loaders are safe


@cache
def names() -> Mapping[str, Mapping[str, bool]]:
    """Return the names columns have, by what they are good for: True for those that mean just this."""
    return {
        part: {
            plain_words(name): tier == "sure"
            for tier in ("maybe", "sure")
            for listed in tiers.get(tier, {}).values()
            for name in listed
        }
        for part, tiers in _table("names").items()
    }


@cache
def status_words() -> Mapping[str, str]:
    """Return what words of a status mean: cancelled, refunded, partly or standing."""
    return {plain_words(word): kind for kind, words in _table("words")["status"].items() for word in words}


@cache
def reason_words() -> Mapping[str, tuple[str, ...]]:
    """Return for each reason code the words that suggest it."""
    return {code: tuple(map(plain_words, words)) for code, words in _table("words")["reasons"].items()}


@cache
def shapes() -> tuple[Shape, ...]:
    """Return the exports that are known, in the order in which they are tried."""
    return tuple(
        Shape(
            raw["name"],
            Level(raw["level"]),
            frozenset(map(plain_words, raw["columns"])),
            raw["template"],
            tuple(raw["lines"]),
        )
        for raw in _table("shapes")
    )


@cache
def marks(kind: str) -> frozenset[str]:
    """Return the words that say something about the name or text they stand in; see words.yaml for the kinds."""
    return frozenset(map(plain_words, _table("words")[kind]))


def is_of_before(name: str) -> bool:
    """Whether a name is that of what was there before the change."""
    return not marks("before").isdisjoint(plain_words(name).split())


def is_of_piece(name: str) -> bool:
    """Whether a name is that of the price of one piece."""
    return not marks("piece").isdisjoint(plain_words(name).split())


def status_kind(text: str) -> str:
    """Say what a status means; "" where its word is not known."""
    plain = plain_words(text)
    if plain in status_words():
        return status_words()[plain]
    words = plain.split()
    rest = [word for word in words if word not in marks("partly")]
    taken = status_words().get(" ".join(rest)) in ("cancelled", "refunded")
    return "partly" if taken and len(rest) < len(words) else ""


def taken_words(texts: Iterable[str]) -> tuple[str, ...]:
    """Return those of a status that say that something was taken back, in small letters."""
    return tuple(dict.fromkeys(text.lower() for text in texts if status_kind(text) in TAKEN))


def reason_code(text: str) -> str:
    """Propose the reason code for a text, `UNKNOWN` where no word of it is known."""
    padded = f" {plain_words(text)} "
    for code, words in reason_words().items():
        if any(f" {word} " in padded for word in words):
            return code
    return UNKNOWN
