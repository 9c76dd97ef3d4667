"""Finds what is due and moves it one state on; nothing here remembers what a restart would miss.

`advance(id)` is the only verb; the threads of crew.py only ask "what is due?". The one broad `except` of the program
is here: what nobody foresaw is logged, left where it stands and tried again later, while everything else goes on.
An error of the ledger or of the spool's disk stops the agent; that of a folder people look into does not.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from agent.collecting import Collector
from agent.crew import Crew
from agent.delivering import Deliverer
from agent.engine_log import Seldom, said, say_unforeseen
from agent.errors import AgentError, LedgerError, SpoolError
from agent.log import say
from agent.notices import Board, Notices
from agent.notices.board import MACHINE
from agent.spool import NoRoomError
from agent.stages.acknowledge import hear
from agent.stages.close import DropFolderError, close
from agent.stages.due import Arrivals, is_owed, to_close, to_prepare
from agent.stages.prepare import prepare, unpack
from agent.states import AnswerState, SubmissionState, UnknownTransitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.acks.base import Source
    from agent.channels.base import Channel
    from agent.ledger.transition import Transition
    from agent.model import Acknowledgement, Submission
    from agent.settings.models import AckOptions, Destination, Settings, WayOptions
    from agent.stages.context import Context
    from agent.ways.base import Way

T = TypeVar("T")

_MOVED_ON = 1.0  # seconds a subject rests that somebody else has moved meanwhile
_NO_ROOM = 5.0  # seconds between attempts while the disk is full
_AFTER_FAILURE = 30.0  # seconds a subject rests after a failure nobody foresaw
_FOLDER_AGAIN = 60.0  # seconds until a folder that cannot be used is tried again, and said again


class Engine:
    """Moves submissions and batches on; safe to use from several threads."""

    def __init__(
        self,
        context: Context,
        open_channel: Callable[[Destination], Channel],
        open_source: Callable[[AckOptions], Source],
        open_way: Callable[[WayOptions], Way] | None = None,
    ) -> None:
        self.context = context
        self.failure: AgentError | None = None
        self.touched: set[str] | None = None  # a set to be told the submissions in which something happens
        self.arrivals = Arrivals(context.now())
        self.progress: Callable[[str, int], None] = lambda _submission, _records: None
        self.deliverer = Deliverer(self, open_channel)
        self.collector = Collector(self, open_source)
        self.board = Board()
        self.notices = Notices(lambda: self.context, open_way, self.board)
        self.notices.begin()
        self.crew = Crew(self)
        self.heard: Callable[[Transition], None] = lambda _change: None  # told each change that is committed
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._resting: dict[str, float] = {}  # monotonic, until when
        self._seldom = Seldom(_FOLDER_AGAIN)
        self._room_at = 0.0  # monotonic: there is no room on the disk before
        self._full = False
        self._wake = threading.Condition()
        self.rings = 0
        self.stopped = threading.Event()  # set once the threads are to come to rest

    def recover(self) -> None:
        """Take up what was being sent when the agent came to its end, and hold what has no way any more."""
        self.deliverer.recover()

    def take_over(self, settings: Settings) -> None:
        """Go on with other settings; a step under way ends with those it began with.

        `crew.newcomers` makes the threads of new destinations and sources; those of what is gone end by themselves.
        """
        self.context = replace(self.context, settings=settings)
        self.deliverer.take_over()
        self.notices.begin()
        self.ring()

    def advance(self, subject: str) -> bool:
        """Move one submission, batch or acknowledgement one state on; false where there was nothing to do."""
        submission = self.context.ledger.submission(subject)
        if submission is None:
            kept = self.context.ledger.acknowledgement(subject)
            return self._hear(kept) if kept else self._send(subject)
        if submission.state == SubmissionState.RECEIVED:
            return self._prepare(submission)
        if not self.arrivals.has_left(submission) or not is_owed(self.context, submission):
            return False
        self.commit([close(self.context, subject)])
        self.board.over(f"shelf:{submission.feed}", by=subject)
        return True

    def _prepare(self, submission: Submission) -> bool:
        context = self.context
        changes = unpack(context, submission.id)
        if not changes:
            told = partial(self.progress, submission.id)
            changes = (prepare(context, submission.id, told),)
        if context.stop.asked and changes[0].event in {"broke", "quarantined"}:
            return False  # it was us who ended the worker
        self.commit(changes)
        if context is not self.context:  # the destination that was chosen may be gone
            self.deliverer.hold_stranded()
        return True

    def _send(self, subject: str) -> bool:
        batch = self.context.ledger.batch(subject)
        if batch is None:
            raise LookupError(f"the ledger knows no {subject}")
        return self.deliverer.deliver_one(batch)

    def _hear(self, kept: Acknowledgement) -> bool:
        changes = hear(self.context, kept.id)
        self.commit(changes)
        if not changes and kept.state == AnswerState.EARLY:
            self._rest(kept.id, _MOVED_ON)  # the batch is still being sent
        return bool(changes)

    def drain(self) -> bool:
        """Make one pass without threads over all that is due now; true if anything was done."""
        moved = [self._prepare_all()]
        # An answer may end a doubt: it is heard before anything is looked for, or sent once more.
        moved += [self.collector.collect_due(one.place) for one in self.context.settings.acknowledgements]
        moved += [self.deliverer.deliver_due(name) for name in self.context.settings.destinations]
        moved.append(self.collector.watch_for_late_ones())
        moved += [self.step(subject) for subject in self.to_close()]
        return any(moved)

    def _prepare_all(self) -> bool:
        """Prepare what is received, one file of each feed after the other; true if anything was done."""
        moved = False
        while any([self.step(subject) for subject in self.to_prepare()]):  # noqa: C419 - all of them
            moved = True
        return moved

    def tell(self) -> bool:
        """Tell people at once what they are owed; true if anybody was told."""
        places = [one.place for one in self.context.settings.notices]
        return any([self.tell_by(place, at_once=True) for place in places])  # noqa: C419 - all of them

    def tell_by(self, place: str, *, at_once: bool = False) -> bool:
        """Tell people by one way what is due."""
        return self.survive(_telling(place), lambda: self.notices.tell(place, at_once=at_once)) or False

    def ring(self) -> None:
        """Wake every thread: something may be due."""
        with self._wake:
            self.rings += 1
            self._wake.notify_all()

    def stop(self) -> None:
        """Ask every thread to come to rest."""
        self.context.stop.ask()
        self.stopped.set()
        self.ring()

    def cut(self) -> None:
        """Cut the lines to all far sides, so that what is under way comes to its end now."""
        self.deliverer.cut()
        self.collector.close()
        self.notices.close()

    def close(self) -> None:
        """Let go of the channels and sources."""
        self.deliverer.close()
        self.collector.close()
        self.notices.close()

    def wait(self, rings: int, seconds: float) -> None:
        """Wait until somebody rings, unless somebody has since `rings` was read, or so many seconds."""
        with self._wake:
            if self.rings == rings and not self.context.stop.asked:
                self._wake.wait(seconds)

    def survive(self, subject: str, step: Callable[[], T]) -> T | None:
        """Take a step; None where it failed in a way that concerns its subject only, which then rests.

        Raises:
            LedgerError: the agent cannot go on.
            SpoolError: the same.

        """
        if self.rests(subject):
            return None
        try:
            return step()
        except UnknownTransitionError:  # somebody else has moved it meanwhile
            self._rest(subject, _MOVED_ON)
        except NoRoomError as error:
            self._wait_for_room(error)
        except (LedgerError, SpoolError):
            raise
        except DropFolderError as error:
            self._rest(subject, _FOLDER_AGAIN)
            self._seldom.say("folder.troubled", code="E-FOLDER", reason=str(error))
            if owner := self.context.ledger.submission(subject):
                self.board.trouble(f"shelf:{owner.feed}", str(error), by=subject)
        except Exception as error:  # noqa: BLE001 - the one broad except, see the module docstring
            self._rest(subject, _AFTER_FAILURE)
            say_unforeseen(subject, error)
        return None

    def step(self, subject: str) -> bool:
        """Advance a subject, unless another thread has it or the agent is to come to rest."""
        if self.context.stop.asked or time.monotonic() < self._room_at:
            return False
        with self._lock:
            if subject in self._busy:
                return False
            self._busy.add(subject)
        try:
            moved = self.survive(subject, lambda: self.advance(subject)) or False
        finally:
            with self._lock:
                self._busy.discard(subject)
        if moved and self._full:
            self._full = False
            self.board.over(MACHINE)
        return moved

    def to_prepare(self) -> list[str]:
        """Return submissions that wait to be prepared, the next of each feed unless somebody is at it."""
        return to_prepare(self.context, self._is_free)

    def to_close(self) -> list[str]:
        """Return submissions about which the folder is owed a word and that nobody is at."""
        return to_close(self.context, self._is_free)

    def _is_free(self, subject: str) -> bool:
        return subject not in self._busy and not self.rests(subject)

    def commit(self, changes: Sequence[Transition]) -> None:
        """Have the ledger grant changes, all of them or none; say them, and wake whoever waits.

        Raises:
            UnknownTransitionError: one of them cannot happen any more.
            LedgerError: the agent cannot go on.

        """
        if not changes:
            return
        self.context.ledger.commit(changes, at=self.context.now())
        for change in changes:
            said(change)
            self.heard(change)
        if self.touched is not None:
            self.touched.update(map(self._submission_of, changes))
        self.ring()

    def _submission_of(self, change: Transition) -> str:
        batch = self.context.ledger.batch(change.subject) if change.kind == "batch" else None
        return batch.submission if batch else change.subject

    def _rest(self, subject: str, seconds: float) -> None:
        self._resting[subject] = time.monotonic() + seconds

    def rests(self, subject: str) -> bool:
        """Whether a subject is left alone for a while."""
        until = self._resting.get(subject)
        if until is not None and until <= time.monotonic():
            self._resting.pop(subject, None)
        return subject in self._resting

    def _wait_for_room(self, error: NoRoomError) -> None:
        self._room_at = time.monotonic() + _NO_ROOM
        if not self._full:
            self._full = True
            self.board.trouble(MACHINE, str(error))
            say("spool.full", reason=str(error))


def _telling(place: str) -> str:
    return f"notices by {place}"
