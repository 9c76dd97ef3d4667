"""What stands to be said about one drop folder: each thing is news once and stands until it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.settle import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.model import Fault


@dataclass(frozen=True, slots=True)
class Notice:
    """Something people should know about a drop folder; `name` is printable, "" for the folder itself."""

    feed: str
    name: str
    fault: Fault
    since: float  # wall clock


class Board:
    """The notices of one feed's drop folder. A fault of None is no news."""

    def __init__(self, feed: str) -> None:
        self._feed = feed
        self._standing: dict[tuple[str, str], Notice] = {}
        self._news: list[Notice] = []

    @property
    def standing(self) -> tuple[Notice, ...]:
        """All that stands now."""
        return tuple(self._standing.values())

    def news(self) -> tuple[Notice, ...]:
        """Return what came since this was last asked."""
        news, self._news = tuple(self._news), []
        return news

    def say(self, name: str, fault: Fault | None, now: float) -> None:
        """Say something that does not stand."""
        if fault is not None:
            self._news.append(self._notice(name, fault, now))

    def put(self, name: str, fault: Fault | None, now: float) -> None:
        """Put something up; it is news unless it stands already."""
        if fault is None or (name, fault.code) in self._standing:
            return
        self._standing[name, fault.code] = notice = self._notice(name, fault, now)
        self._news.append(notice)

    def take_down(self, name: str, code: str) -> None:
        """Take something down that is over."""
        self._standing.pop((name, code), None)

    def renew(self, faults: Iterable[tuple[str, Fault]], now: float) -> None:
        """Put up what a new look found and take down all else, but what is about the folder itself."""
        found = list(faults)
        kept = {(name, fault.code) for name, fault in found}
        self._standing = {key: notice for key, notice in self._standing.items() if key in kept or not key[0]}
        for name, fault in found:
            self.put(name, fault, now)

    def _notice(self, name: str, fault: Fault, now: float) -> Notice:
        return Notice(self._feed, printable(name), fault, now)
