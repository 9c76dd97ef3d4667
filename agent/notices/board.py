"""What troubles the agent and stands in no ledger: sources that fail, folders that cannot be used, no room.

Kept in memory, for it is found anew after a restart. Until something was found or found to be well, nobody
knows: `is_well` is false then. Words hold no secrets and no contents of rows.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.stages.intake.board import Notice as Finding

MACHINE = "machine"  # about a machine that has run out of something: then nothing can be noted either
_SHORT = "W-SHORT"
_ELSEWHERE = frozenset({"W-LATEWRITE", "N-TWIN"})  # told in the file's report, or of no weight


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that people have to hear of while it lasts."""

    about: str
    words: str
    sign: str = ""  # what of it is news when it changes
    patience: float = 0.0  # seconds it has to last before it is told: it may pass by itself


class Board:
    """Troubles by what they are about, and by who met them; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing: dict[str, dict[str, Concern]] = {}
        self._well: set[str] = {"settings"}  # the agent has started with them
        self._scanned: set[str] = set()  # feeds whose folder was looked into

    def trouble(self, about: str, words: str, *, by: str = "", patience: float = 0.0) -> None:
        """Put up what troubles the agent; `by` is who met it, where several may."""
        with self._lock:
            self._well.discard(about)
            self._standing.setdefault(about, {})[by] = Concern(about, words, patience=patience)

    def over(self, about: str, *, by: str = "") -> None:
        """Take down what troubles it no more, or note that it is well."""
        with self._lock:
            met = self._standing.get(about, {})
            met.pop(by, None)
            if not met:
                self._standing.pop(about, None)
                self._well.add(about)

    def scanned(self, feed: str, findings: Iterable[Finding]) -> None:
        """Put up all that a look into a feed's folder has found, and take down what it has not."""
        found = [(one.name, one.fault) for one in findings if one.fault.code not in _ELSEWHERE]
        short = [fault.words for _, fault in found if fault.code == _SHORT]
        if short:
            self.trouble(MACHINE, short[0], by=feed)
        else:
            self.over(MACHINE, by=feed)
        concerns = {
            about: Concern(about, f"{fault.words}; {fault.mend}" if fault.mend else fault.words, fault.code)
            for name, fault in found
            if fault.code != _SHORT and (about := f"dropped:{feed}/{name}" if name else f"folder:{feed}")
        }
        with self._lock:
            self._scanned.add(feed)
            for about in [one for one in self._standing if _is_of(one, feed)]:
                del self._standing[about]
            self._standing |= {about: {"": concern} for about, concern in concerns.items()}

    def standing(self) -> dict[str, Concern]:
        """Return what troubles the agent now, by what it is about."""
        with self._lock:
            return {about: next(iter(met.values())) for about, met in self._standing.items()}

    def is_well(self, about: str) -> bool:
        """Whether something is known to trouble the agent no more."""
        with self._lock:
            if about in self._standing:
                return False
            return about in self._well or any(_is_of(about, feed) for feed in self._scanned)


def _is_of(about: str, feed: str) -> bool:
    return about == f"folder:{feed}" or about.startswith(f"dropped:{feed}/")
