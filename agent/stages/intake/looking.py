"""What is remembered of a drop folder between two looks at it, and which of its files may be taken now.

Touches no disk and no clock: it is given looks and times. A name in the folder ends on exactly one heap:
ignored by rule, left alone and named, waiting, or ready.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent import settle
from agent.feedback.naming import taken_by
from agent.settle import OWN_FOLDERS, Readiness, printable
from agent.stages.intake import faults

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from agent.model import Fault
    from agent.settings.models import Feed
    from agent.settle import Look, Seen

_CROWD = 1000  # names up to which looking costs next to nothing
_PER_NAME = 20e-6  # seconds of rest for each name more, which is four times what looking at it costs


@dataclass(frozen=True, slots=True)
class _Pause:
    """A file that could not be taken as it looks now, and when to try again."""

    look: Look
    until: float
    fault: Fault | None  # None: it is only being written


@dataclass(slots=True)
class Heaps:
    """What one look at a folder found."""

    ready: list[Look] = field(default_factory=list)  # in the order they came to look like this
    waiting: int = 0
    ignored: list[str] = field(default_factory=list)  # printable
    faults: list[tuple[str, Fault]] = field(default_factory=list)  # name as it is, and what to say of it
    twins: dict[str, Fault] = field(default_factory=dict)
    due: float | None = None  # monotonic: when the next waiting file may be ready

    def wait(self, until: float | None) -> None:
        """Count one that waits, until then (None: until something changes)."""
        self.waiting += 1
        if until is not None:
            self.due = until if self.due is None else min(self.due, until)


class Lookout:
    """The memory of one feed's drop folder; lost at a restart, and may be."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._is_taken = taken_by(feed.pattern)
        self._seen: dict[str, Seen] = {}
        self._paused: dict[str, _Pause] = {}

    @property
    def rest(self) -> float:
        """Seconds to leave between two looks, so that a crowded folder does not take a whole processor."""
        return max(0, len(self._seen) - _CROWD) * _PER_NAME

    def sort(
        self, looks: Iterable[Look], *, wall: float, monotonic: float, owed: Collection[str] = ()
    ) -> Heaps:
        """Sort everything in the folder onto heaps.

        `owed` are fingerprints of files that the ledger has already and that only have to be moved: they need
        not be still.
        """
        heaps, candidates, markers = Heaps(), [], {}
        for look in looks:
            if marked := self._marked(look.name):
                markers[marked] = look
            elif self._is_candidate(look, heaps):
                candidates.append(look)
        self._observe(candidates, wall=wall, monotonic=monotonic)
        heaps.twins = settle.twins(self._seen)
        heaps.faults.extend(heaps.twins.items())
        for name, seen in self._seen.items():
            if owed and seen.look.fingerprint in owed:
                heaps.ready.append(seen.look)
            elif not self._rests(seen, monotonic, heaps):
                self._judge(seen, markers.get(name), monotonic, heaps)
        heaps.ready.sort(key=lambda look: (look.ctime_ns, look.name))
        return heaps

    def put_off(self, look: Look, fault: Fault | None, *, until: float) -> None:
        """Leave a file alone while it looks like this, until then."""
        self._paused[look.name] = _Pause(look, until, fault)

    def _marked(self, name: str) -> str:
        """Return the name of the file that this one is the ready marker of, "" when it is none."""
        marker = self._feed.ready_marker
        return name.removesuffix(marker) if marker and name.endswith(marker) else ""

    def _is_candidate(self, look: Look, heaps: Heaps) -> bool:
        name = look.name
        if settle.ignored(name):
            if name not in OWN_FOLDERS:
                heaps.ignored.append(printable(name))
            return False
        if stat.S_ISDIR(look.mode):
            heaps.faults.append((name, faults.folder_inside(look)))
            return False
        if self._is_taken(name) or settle.bad_name(name):
            return True
        heaps.faults.append((name, faults.of_no_feed(look, self._feed)))
        return False

    def _observe(self, looks: Iterable[Look], *, wall: float, monotonic: float) -> None:
        before = self._seen
        self._seen = {
            look.name: settle.observe(before.get(look.name), look, wall=wall, monotonic=monotonic)
            for look in looks
        }
        self._paused = {
            name: pause
            for name, pause in self._paused.items()
            if name in self._seen and self._seen[name].look == pause.look
        }

    def _rests(self, seen: Seen, monotonic: float, heaps: Heaps) -> bool:
        pause = self._paused.get(seen.look.name)
        if pause is None:
            return False
        if pause.fault is not None:
            heaps.faults.append((seen.look.name, pause.fault))
        elif settle.is_overdue(seen, settle=self._feed.settle, monotonic=monotonic):
            heaps.faults.append((seen.look.name, settle.overdue(seen, marker="")))
        if monotonic < pause.until:
            heaps.wait(pause.until if pause.fault is None else None)
            return True
        return False

    def _judge(self, seen: Seen, marker: Look | None, monotonic: float, heaps: Heaps) -> None:
        verdict = settle.judge(
            seen,
            settle=self._feed.settle,
            monotonic=monotonic,
            marker=marker,
            marked=bool(self._feed.ready_marker),
        )
        if verdict.readiness is Readiness.SETTLED:
            heaps.ready.append(seen.look)
            return
        heaps.wait(None if verdict.again_in is None else monotonic + verdict.again_in)
        if verdict.readiness is Readiness.OVERDUE:
            heaps.faults.append((seen.look.name, settle.overdue(seen, marker=self._feed.ready_marker)))
