"""The first stage: one scan of a feed's drop folder at a time, told the time by its caller.

A scan looks at the folder when a look is due and takes at most one group of settled files, so that it returns
soon whatever was dropped. What was not taken stands among the findings until it is gone, and is news once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.stages.intake import faults
from agent.stages.intake.board import Board, Notice
from agent.stages.intake.dropfolder import DropFolder, working_name
from agent.stages.intake.looking import Heaps, Lookout
from agent.stages.intake.taking import Taker, Taking
from agent.states import SubmissionState

if TYPE_CHECKING:
    from pathlib import Path

    from agent.ledger.ledger import Ledger
    from agent.model import Submission
    from agent.settings.models import Feed
    from agent.settle import Look
    from agent.spool import Spool

GROUP = 100  # files that share a commit: as many as fsync and commit are worth, few enough to be quick
_AGAIN = 60.0  # seconds until what could not be read or moved is tried again, if it did not change before
_SOON = 1.0  # seconds until a file that is being written is looked at again, at least
_SHORTLY = 0.1  # seconds until files that changed in the very moment are looked at again
_BREATH = 10.0  # seconds to wait when the machine has run out of something


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan did and found."""

    taken: tuple[str, ...] = ()  # submissions that are RECEIVED now
    aside: tuple[str, ...] = ()  # submissions that were quarantined, refused unread or had come before
    late: tuple[str, ...] = ()  # submissions whose file was written to after it was taken
    waiting: int = 0  # files that are not settled, or could not be taken yet
    ignored: tuple[str, ...] = ()  # names ignored by rule
    findings: tuple[Notice, ...] = ()  # all that stands, for status
    news: tuple[Notice, ...] = ()  # what was not said before, for the log
    next_look: float | None = None  # seconds until time alone makes a scan worth while; 0: at once


class Intake:
    """Takes what is dropped for one feed. Its methods are called by one thread."""

    def __init__(self, feed: Feed, folder: Path, ledger: Ledger, spool: Spool) -> None:
        self._feed, self._ledger = feed, ledger
        self._folder = DropFolder(folder)
        self._lookout = Lookout(feed)
        self._taker = Taker(feed, self._folder, ledger, spool)
        self._board = Board(feed.name)
        self._owed: frozenset[str] = frozenset()
        self._heaps = Heaps()
        self._ready: deque[Look] = deque()  # of the last look, not taken yet
        self._most = GROUP  # files of one group
        self._short = False  # of something the machine has too little of
        self._look_at = 0.0  # monotonic: no look before

    def scan(self, now: float, monotonic: float) -> ScanResult:
        """Look if a look is due, and take one group.

        Args:
            now: the wall clock, in epoch seconds.
            monotonic: a clock that never jumps.

        Raises:
            LedgerError: the ledger cannot be trusted or written.
            SpoolError: bytes cannot be kept.

        """
        try:
            self._attend(now)
            looked = not self._ready and monotonic >= self._look_at
            if looked:
                self._look(now, monotonic)
        except OSError as error:
            return self._out_of_reach(error, now)
        self._board.take_down("", "E-FOLDER")
        taking = self._take(now, monotonic)
        return self._result(taking, self._next_look(monotonic, asked=not looked))

    def close(self) -> None:
        """Let go of the folder."""
        self._folder.close()

    def _attend(self, now: float) -> None:
        before = self._folder.identity
        if self._folder.attend():
            if before not in {None, self._folder.identity}:
                self._board.say("", faults.replaced(self._folder.path), now)
            self._ready.clear()
            self._look_at = 0.0
            self._resume()

    def _out_of_reach(self, error: OSError, now: float) -> ScanResult:
        self._folder.close()
        self._ready.clear()
        self._board.put("", faults.out_of_reach(self._folder.path, error), now)
        return self._result(Taking(), None)

    def _resume(self) -> None:
        """Make good what a crash left half done: put strangers back, and know what only has to be moved."""
        for target in self._folder.names_in_working():
            self._put_back_if_strange(target)
        latest = self._ledger.dropped(self._feed.name, limit=2 * GROUP)
        self._owed = frozenset(found.fingerprint for found in latest if self._is_owed(found))

    def _put_back_if_strange(self, target: str) -> None:
        """Put a file back that a sender had swapped in, if a crash came between moving it and noticing."""
        submission, _, name = target.partition("--")
        found, look = self._ledger.submission(submission), self._folder.working(target)
        if found is None or look is None or not name:
            return
        _, ino, size, mtime_ns = found.fingerprint.split(":")  # devices may change their number at a restart
        if str(look.ino) != ino and (str(look.size), str(look.mtime_ns)) != (size, mtime_ns):
            self._folder.give_back(target, name)

    def _is_owed(self, found: Submission) -> bool:
        if found.told_at > 0 or found.state == SubmissionState.CLOSED:
            return False
        return self._folder.working(working_name(found.id, found.name)) is None

    def _look(self, now: float, monotonic: float) -> None:
        self._heaps = self._lookout.sort(
            self._folder.entries(), wall=now, monotonic=monotonic, owed=self._owed
        )
        self._owed = frozenset()
        self._ready.extend(self._heaps.ready)
        self._board.renew(self._heaps.faults, now)
        self._look_at = monotonic + self._lookout.rest
        if not self._ready:
            self._no_longer_short()

    def _take(self, now: float, monotonic: float) -> Taking:
        group = [self._ready.popleft() for _ in range(min(self._most, len(self._ready)))]
        taking = self._taker.take(group, now=now, twins=self._heaps.twins)
        for deferral in taking.deferred:
            until = monotonic + (_AGAIN if deferral.fault else max(_SOON, self._feed.settle))
            self._lookout.put_off(deferral.look, deferral.fault, until=until)
            self._heaps.wait(None if deferral.fault else until)
            self._board.put(deferral.look.name, deferral.fault, now)
        for name, fault in taking.said:
            self._board.say(name, fault, now)
        if group:
            met = {claim.look.name for claim in taking.claims} | {one.look.name for one in taking.deferred}
            self._learn(taking, left=len(group) - len(met), now=monotonic)
            self._board.put("", taking.short, now)
        return taking

    def _learn(self, taking: Taking, *, left: int, now: float) -> None:
        """Take a smaller group later when the machine is short of something, a larger one when it is not."""
        self._short = taking.short is not None
        if self._short:
            self._heaps.waiting += left + len(self._ready)
            self._ready.clear()
            self._most = 1 + self._most // 4
            self._look_at = now + _BREATH
        else:
            self._most = min(GROUP, 2 * self._most)
            self._no_longer_short()
            if left:
                self._heaps.wait(now + _SHORTLY)

    def _no_longer_short(self) -> None:
        self._short = False
        self._board.take_down("", "W-SHORT")

    def _next_look(self, monotonic: float, *, asked: bool) -> float | None:
        if self._ready:
            return 0.0
        if self._short:
            return None
        due = self._look_at if asked else self._heaps.due
        return None if due is None else max(due, self._look_at, monotonic) - monotonic

    def _result(self, taking: Taking, next_look: float | None) -> ScanResult:
        made = [claim.submission for claim in taking.claims if claim.change is not None]
        return ScanResult(
            taken=tuple(one.id for one in made if one.state == SubmissionState.RECEIVED),
            aside=tuple(one.id for one in made if one.state != SubmissionState.RECEIVED),
            late=tuple(taking.late),
            waiting=self._heaps.waiting + len(self._ready),
            ignored=tuple(self._heaps.ignored),
            findings=self._board.standing,
            news=self._board.news(),
            next_look=next_look,
        )
