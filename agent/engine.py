"""Finds what is due and moves it one state on; nothing here remembers what a restart would miss.

`advance(id)` is the only verb. Threads only ask "what is due?": some prepare, one per destination delivers,
one tells and closes. The one broad `except` of the program is here:
what nobody foresaw is logged, left where it stands and tried again later, while everything else goes on. An
error of the ledger or of the spool's disk stops the agent; that of a folder people look into does not.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from agent.delivering import Deliverer
from agent.engine_log import Seldom, said, say_unforeseen
from agent.errors import AgentError, LedgerError, SpoolError
from agent.log import say
from agent.spool import NoRoomError
from agent.stages.close import DropFolderError, close
from agent.stages.due import Arrivals, is_owed, to_close, to_prepare
from agent.stages.prepare import prepare
from agent.states import SubmissionState, UnknownTransitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.channels.base import Channel
    from agent.ledger.transition import Transition
    from agent.model import Submission
    from agent.settings.models import Destination, Settings
    from agent.stages.context import Context

T = TypeVar("T")

_IDLE = 2.0  # seconds a thread waits at most before it asks again: a person may have changed the ledger
_SOON = 0.01  # seconds it waits at least
_MOVED_ON = 1.0  # seconds a subject rests that somebody else has moved meanwhile
_NO_ROOM = 5.0  # seconds between attempts while the disk is full
_AFTER_FAILURE = 30.0  # seconds a subject rests after a failure nobody foresaw
_FOLDER_AGAIN = 60.0  # seconds until a folder that cannot be used is tried again, and said again


class Engine:
    """Moves submissions and batches on; safe to use from several threads."""

    def __init__(self, context: Context, open_channel: Callable[[Destination], Channel]) -> None:
        self.context = context
        self.failure: AgentError | None = None
        self.touched: set[str] | None = None  # a set to be told the submissions in which something happens
        self.arrivals = Arrivals(context.now())
        self.progress: Callable[[str, int], None] = lambda _submission, _records: None
        self.heard: Callable[[Transition], None] = lambda _change: None  # told each change that is committed
        self.deliverer = Deliverer(self, open_channel)
        self._delivering: set[str] = set()  # destinations that have a thread
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._resting: dict[str, float] = {}  # monotonic, until when
        self._seldom = Seldom(_FOLDER_AGAIN)
        self._room_at = 0.0  # monotonic: there is no room on the disk before
        self._full = False
        self._wake = threading.Condition()
        self._rings = 0

    def recover(self) -> None:
        """Take up what was being sent when the agent came to its end, and hold what has no way any more."""
        self.deliverer.recover()

    def take_over(self, settings: Settings) -> None:
        """Go on with other settings; a step under way ends with those it began with.

        `deliverers` makes the threads of new destinations; those of destinations that are gone end by themselves.
        """
        self.context = replace(self.context, settings=settings)
        self.deliverer.take_over()
        self.ring()

    def advance(self, subject: str) -> bool:
        """Move one submission or batch one state on; false where there was nothing to do for it now."""
        submission = self.context.ledger.submission(subject)
        if submission is None:
            return self._send(subject)
        if submission.state == SubmissionState.RECEIVED:
            return self._prepare(submission)
        if not self.arrivals.has_left(submission) or not is_owed(self.context, submission):
            return False
        self.commit([close(self.context, subject)])
        return True

    def _prepare(self, submission: Submission) -> bool:
        context = self.context
        change = prepare(context, submission.id, lambda records: self.progress(submission.id, records))
        if context.stop.asked and change.event in {"broke", "quarantined"}:
            return False  # it was us who ended the worker
        self.commit([change])
        if context is not self.context:  # the destination that was chosen may be gone
            self.deliverer.hold_stranded()
        return True

    def _send(self, subject: str) -> bool:
        batch = self.context.ledger.batch(subject)
        if batch is None:
            raise LookupError(f"the ledger knows no {subject}")
        return self.deliverer.deliver_one(batch)

    def drain(self) -> bool:
        """Make one pass without threads over all that is due now; true if anything was done."""
        moved = [self.step(subject) for subject in self._to_prepare()]
        moved += [self.deliverer.deliver_due(name) for name in self.context.settings.destinations]
        moved += [self.step(subject) for subject in self._to_close()]
        return any(moved)

    def threads(self, preparing: int = 2) -> list[threading.Thread]:
        """Make (not start) the threads that work until they are asked to stop."""
        loops: list[tuple[str, Callable[[], None]]] = [("close", lambda: self._loop(self._to_close))]
        loops += [
            (f"prepare-{number + 1}", lambda: self._loop(self._to_prepare)) for number in range(preparing)
        ]
        return [*(self.guarded(name, loop) for name, loop in loops), *self.deliverers()]

    def deliverers(self) -> list[threading.Thread]:
        """Make (not start) a thread for each destination that has none."""
        with self._lock:
            names = [name for name in self.context.settings.destinations if name not in self._delivering]
            self._delivering.update(names)
        return [
            self.guarded(f"deliver-{name}", lambda name=name: self._deliver_loop(name))  # type: ignore[misc]  # bound at once
            for name in names
        ]

    def guarded(self, name: str, loop: Callable[[], None]) -> threading.Thread:
        """Make a thread that takes the agent along when it fails."""

        def run() -> None:
            failure: AgentError | None = AgentError(f"the thread {name!r} ended in a way nobody foresaw")
            try:
                loop()
                failure = None
            except AgentError as error:
                failure = error
            finally:
                if failure is not None:
                    self.failure = self.failure or failure
                    self.stop()

        return threading.Thread(target=run, name=name, daemon=True)

    def ring(self) -> None:
        """Wake every thread: something may be due."""
        with self._wake:
            self._rings += 1
            self._wake.notify_all()

    def stop(self) -> None:
        """Ask every thread to come to rest."""
        self.context.stop.ask()
        self.ring()

    def cut(self) -> None:
        """Cut the lines to all far sides, so that what is under way comes to its end now."""
        self.deliverer.cut()

    def close(self) -> None:
        """Let go of the channels."""
        self.deliverer.close()

    def _loop(self, due: Callable[[], Sequence[str]]) -> None:
        while not self.context.stop.asked:
            rings = self._rings
            if not any([self.step(subject) for subject in due()]):  # noqa: C419 - all of them
                self._wait(rings, _IDLE)

    def _deliver_loop(self, destination: str) -> None:
        while not self.context.stop.asked and self._goes_on(destination):
            rings = self._rings
            self.deliverer.tidy(destination)
            if not self.deliverer.deliver_due(destination):
                at = self.deliverer.next_try(destination)
                soon = _IDLE if at is None else max(at - self.context.now(), _SOON)
                self._wait(rings, min(soon, _IDLE))

    def _goes_on(self, destination: str) -> bool:
        """Whether a destination is still there; if not, what waits for it is held and its thread ends."""
        with self._lock:  # so that, should it come back, either this thread goes on or a new one is made
            if destination in self.context.settings.destinations:
                return True
            self.deliverer.tidy(destination)
            self._delivering.discard(destination)
        self.deliverer.hold_stranded()
        return False

    def _wait(self, rings: int, seconds: float) -> None:
        with self._wake:
            if self._rings == rings and not self.context.stop.asked:
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
        self._full = self._full and not moved
        return moved

    def _to_prepare(self) -> list[str]:
        return to_prepare(self.context, self._is_free)

    def _to_close(self) -> list[str]:
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
            say("spool.full", reason=str(error))
