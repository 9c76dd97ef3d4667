"""Records that are written alike: what was parsed once is read by a search where only plain values differ.

Programs write their records one like the other. From a record that was parsed comes a pattern with a group for each of
its values; whatever fits it would be parsed to cells of the same names, and to the very texts in the groups. Each form
says which texts those are (`jsonpatterns`, `xmlpatterns`); all else is left to its parser, and so is each first record.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, AnyStr, Generic, NamedTuple

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence

MOST = 8  # records of one file that patterns are made of, as each is tried where those before it do not fit
LONGEST = 16_384  # characters of such a record
_FAIR = 262_144  # characters parsed, above which as many must have fitted a pattern


class Pattern(NamedTuple, Generic[AnyStr]):
    """How records like one are found, and what they hold."""

    match: Callable[[AnyStr, int], re.Match[AnyStr] | None]
    run: Callable[[AnyStr, int], re.Match[AnyStr] | None]  # of one record after the other
    names: tuple[str, ...]
    figures: tuple[int, ...] = ()  # the groups whose text is not yet that of a cell


class Patterns(ABC, Generic[AnyStr]):
    """Those of one file, the one that fitted last at first."""

    def __init__(self, *, off: bool = False) -> None:
        self._known: list[Pattern[AnyStr]] = []
        self._last: Pattern[AnyStr]  # that of the record that fitted last
        self._left = 0 if off else MOST
        self._fitted = self._parsed = 0  # characters

    @property
    def hopeful(self) -> bool:
        """Say whether any record may still fit."""
        return bool(self._known or self._left)

    def fit(self, text: AnyStr, at: int = 0) -> re.Match[AnyStr] | None:
        """Say whether a record that is known to be sound stands there, and where it ends."""
        for place, pattern in enumerate(self._known):
            if found := pattern.match(text, at):
                self._last = pattern
                self._fitted += found.end() - at
                if place:
                    self._known.insert(0, self._known.pop(place))
                return found
        return None

    def run(self, text: AnyStr, at: int) -> int:
        """Say up to where records stand one after the other that fit as the last one did."""
        if not self._known or not (found := self._known[0].run(text, at)):
            return at
        self._fitted += found.end() - at
        return found.end()

    def row(self, found: re.Match[AnyStr], names: tuple[str, ...]) -> list[str]:
        """Return the cells under these names of the record that fitted last."""
        cells: Sequence[str] = self._cells(found, self._last)
        if self._last.names == names:
            return [*cells]
        by_name = dict(zip(self._last.names, cells, strict=True))
        return [by_name.get(name, "") for name in names]

    def parsed(self, many: int) -> None:
        """Take note of so many characters that had to be parsed; give up where patterns cost more than they save."""
        self._parsed += many
        if self._parsed > _FAIR and self._fitted < self._parsed:
            self._known, self._left = [], 0

    def learn(self, text: AnyStr, cells: Mapping[str, str]) -> None:
        """Make a pattern of a sound record that fitted none, unless it holds what only the parser can read."""
        if not self._left or len(text) > LONGEST or set(map(type, cells.values())) != {str}:
            return
        self._left -= 1
        pattern = self._compiled(text, tuple(cells))
        found = pattern.match(text, 0)
        if found and tuple(self._cells(found, pattern)) == tuple(cells.values()):
            self._known.append(pattern)

    @abstractmethod
    def _compiled(self, text: AnyStr, names: tuple[str, ...]) -> Pattern[AnyStr]:
        """Make the pattern of a record with cells of these names; that of a run needs no groups."""

    @abstractmethod
    def _cells(self, found: re.Match[AnyStr], pattern: Pattern[AnyStr]) -> Sequence[str]:
        """Return the cells, in the order in which the parser gives them."""
