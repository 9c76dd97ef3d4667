"""What impact.com's error codes mean, in plain words, read once from answers.yaml beside this module.

The words claim no more than what is published, which for most codes is only their name. A mistake in
answers.yaml is a mistake of this package and raises at once (KeyError, TypeError).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Meaning", "meanings", "status_words"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code means, and what a person can do about it."""

    code: str  # "" where the answer gave none
    words: str
    mend: str
    certain: bool  # False: read from the code's name


def meanings(codes: str) -> tuple[Meaning, ...]:
    """Return the meaning of each code of an answer, which may give several parted by spaces; at least one."""
    facts, unknown = _facts()["codes"], _facts()["unknown"]
    return tuple(_meaning(code, facts.get(code, unknown)) for code in dict.fromkeys(codes.split()) or ("",))


def status_words(status: str) -> str:
    """Return what an error's status ("Validation", "Contract Error") says; "" for any other."""
    found = _facts()["statuses"].get(status)
    return str(found["words"]) if found else ""


def _meaning(code: str, fact: Mapping[str, Any]) -> Meaning:
    return Meaning(code, fact["words"], fact["mend"], certain=fact["confidence"] != "inferred")


@cache
def _facts() -> Mapping[str, Any]:
    text = files(__package__).joinpath("answers.yaml").read_text(encoding="utf-8")
    return MappingProxyType(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506 - both are safe loaders
