"""Reason codes: which are allowed at a level, what each does, and the nearest one to a mistake.

The standard codes come with the dialect; those of the account's own event type come with the feed. Codes
count to the letter, case included.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from agent.impact.cells import blame, formula, shown, unwritable
from agent.impact.dialect import dialect
from agent.model import Change, Fault, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.impact.cells import Rule

__all__ = ["Codes", "bad_codes", "codes_of", "reason"]

_NEAR = 0.5  # least share of letter pairs in common for a suggestion
_LISTED = 6  # codes named where none is near


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes one feed may send at one level."""

    allowed: frozenset[str]
    changes: Mapping[str, Change]  # what a code does, where the dialect or the feed says so
    updates: frozenset[str]  # codes that mean a plain update


def codes_of(level: Level, codes: Mapping[str, Change | None]) -> Codes:
    """Put together the codes of impact.com and those of the feed."""
    known = dialect()
    if level is Level.RESET:
        resets = {code: special.change for code, special in known.special.items() if level in special.levels}
        return Codes(frozenset(resets), MappingProxyType(resets), frozenset())
    changes: dict[str, Change] = {}
    for code, change in codes.items():
        special = known.special.get(code)
        if (meant := change or (special.change if special else None)) is not None:
            changes[code] = meant
    standard = {code for code, one in known.reasons.items() if one.file}
    updates = {code for code, one in known.reasons.items() if one.update and codes.get(code) is None}
    updates |= {code for code, change in changes.items() if change is Change.MODIFICATION}
    return Codes(frozenset(standard | codes.keys()), MappingProxyType(changes), frozenset(updates))


def bad_codes(codes: Mapping[str, Change | None]) -> Iterator[Fault]:
    """Find mistakes in the codes of a feed's settings."""
    known = dialect()
    for code, change in codes.items():
        special = known.special.get(code)
        if special is not None and not special.configured:
            words = f"{code} needs no entry: it belongs to feeds of level {min(special.levels)}"
            yield Fault("C-CODE", words, f"take {code} out of `codes:`", code)
        elif change is Change.RESET:
            mend = "use a feed of level reset for resets"
            yield Fault("C-CODE", f"{shown(code)} cannot be a reset: only RESET is", mend, shown(code))
        elif not code.strip() or code != code.strip() or len(code) > known.code_size or not _plain(code):
            words = f"a reason code has 1 to {known.code_size} visible characters, no blanks around it"
            yield Fault("C-CODE", words, "write it as the Disposition Codes page shows it", shown(code))


def reason(column: str, level: Level, codes: Codes, *, size: int) -> Rule:
    """Read a reason code: to the letter one of those allowed, or refused with the nearest."""
    nearest = _Nearest(codes.allowed)

    def read(text: str) -> str | Fault:
        if text in codes.allowed:
            return text
        fault = formula(text, column) or unwritable(text, column)
        if fault is not None:
            return fault
        if len(text) > size:
            words = f"has {len(text)} characters; a code has at most {size}"
            return blame("E-LEN", column, words, "write a code, or map the text under `reasons:`", text)
        words, mend = _special_words(text.strip(), level) or nearest.words(text)
        return blame("E-REASON", column, words, mend, text)

    return read


def _plain(code: str) -> bool:
    return formula(code, "") is None and unwritable(code, "") is None


def _special_words(code: str, level: Level) -> tuple[str, str] | None:
    """Explain the codes that exist and are not allowed here."""
    known = dialect()
    if level is Level.RESET:
        words = "is not RESET, the only reason that a reset file may hold"
        return words, "write RESET, or use a feed of another level"
    special = known.special.get(code)
    if special is not None and level not in special.levels:
        words = f"is {code}, which only a file of its own may hold"
        return words, f"use a feed of level {min(special.levels)}"
    if special is not None:
        words = f"is {code}, which works only when the event type has it as a disposition code"
        return words, f"if it has, add {code} to `codes:` of the feed"
    standard = known.reasons.get(code)
    if standard is not None and not standard.file:
        return f"is {code}, which is for the API and not for files", "use a code for files, such as OTHER"
    return None


class _Nearest:
    """Finds the allowed code that shares most letter pairs with a text; cheap enough for millions."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._pairs = [(code, _pairs(code)) for code in sorted(allowed)]
        self._folded = {_folded(code): code for code in sorted(allowed)}
        listed = [code for code, _ in self._pairs]
        some = ", ".join(listed[:_LISTED]) + (", …" if len(listed) > _LISTED else "")
        self._list = f"use a reason code ({some}), or map the text under `reasons:`"

    def words(self, text: str) -> tuple[str, str]:
        same = self._folded.get(_folded(text))
        if same is not None:
            return "is not written exactly as the code is; codes count to the letter", f"write {same}"
        mine = _pairs(text)
        share, code = max((_share(mine, pairs), code) for code, pairs in self._pairs)
        words = "is no reason code of impact.com or of this feed"
        if share >= _NEAR:
            return words, f"did you mean {code}?"
        return words, self._list


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _pairs(text: str) -> frozenset[str]:
    letters = _folded(text)
    return frozenset(map("".join, pairwise(letters)))


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / ((len(one) + len(other)) or 1)
