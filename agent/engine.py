"""Finds what is due and moves it one state on; nothing here remembers what a restart would miss.

`advance(id)` is the only verb. Threads only ask "what is due?": one scans the folders, some prepare, one per
destination delivers, one tells and closes. The one broad `except` of the program is here: what nobody foresaw is
logged, left where it stands and tried again later, while everything else goes on.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.engine_log import said
from agent.errors import AgentError, LedgerError
from agent.log import say
from agent.spool import NoRoomError
from agent.stages.close import close
from agent.stages.deliver import deliver, recover, start
from agent.stages.prepare import prepare
from agent.states import BatchState, SubmissionState, UnknownTransitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.channels.base import Channel
    from agent.ledger.transition import Transition
    from agent.model import Batch
    from agent.settings.models import Destination
    from agent.stages.context import Context

_MANY = 200  # subjects asked for at a time
_IDLE = 5.0  # seconds a thread waits at most before it asks again (a person may have changed the ledger)
_AFTER_FAILURE = 30.0  # seconds a subject rests after a failure nobody foresaw
_NO_ROOM = 5.0  # seconds between attempts while the disk is full


@dataclass(slots=True)
class _Pause:
    """A destination that is left alone, since when and until when (monotonic and wall seconds)."""

    since: float = 0.0
    until: float = 0.0
    for_person: bool = False


class Engine:
    """Moves submissions and batches on."""

    def __init__(self, context: Context, open_channel: Callable[[Destination], Channel]) -> None:
        self.context = context
        self._open_channel = open_channel
        self._channels: dict[str, Channel] = {}
        self._pauses: dict[str, _Pause] = {}
        self._busy: set[str] = set()
        self._resting: dict[str, float] = {}
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self.wake = threading.Condition()
        self._rings = 0
        self.failure: AgentError | None = None
        self.progress: Callable[[str, int], None] = lambda _submission, _records: None

    def recover(self) -> None:
        """Take up what was being sent when the agent died. To be called once, before anything else."""
        sending = self.context.ledger.batches([BatchState.SENDING], limit=1_000_000)
        changes = [recover(self.context, batch.id) for batch in sending]
        if changes:
            self._commit(changes)

    def advance(self, subject: str) -> bool:
        """Move one submission or batch one state on; false where there was nothing to do for it now."""
        submission = self.context.ledger.submission(subject)
        if submission is None:
            return self._send(self._need(subject), None)
        if submission.state == SubmissionState.RECEIVED:
            change = prepare(self.context, subject, lambda records: self.progress(subject, records))
            if self.stopping.is_set() and change.event in ("broke", "quarantined"):
                return False  # it was us who ended the worker
        else:
            change = close(self.context, subject)
        self._commit([change])
        return True

    # What is due ------------------------------------------------------------------------------------------------

    def due_to_prepare(self) -> list[str]:
        """Received submissions, oldest first."""
        found = self.context.ledger.submissions([SubmissionState.RECEIVED], None, limit=_MANY, newest_first=False)
        return [one.id for one in found]

    def due_to_close(self) -> list[str]:
        """Submissions about which the folder is owed a word."""
        aside = (SubmissionState.REJECTED, SubmissionState.QUARANTINED, SubmissionState.DUPLICATE)
        owed = [one.id for one in self.context.ledger.owed(aside, limit=_MANY)]
        return owed + [one.id for one in self.context.ledger.to_tell(limit=_MANY)]

    def due_to_deliver(self, destination: str) -> list[Batch]:
        """Batches that may go to a destination now, in the order in which they came."""
        now = self.context.now()
        states = [BatchState.READY, BatchState.DEFERRED]
        return list(self.context.ledger.batches(states, destination, due_by=now, limit=_MANY))

    # Loops ------------------------------------------------------------------------------------------------------

    def threads(self, preparing: int = 2) -> list[threading.Thread]:
        """Make (not start) the threads that work until `stopping` is set."""
        loops: list[tuple[str, Callable[[], None]]] = [("close", self._close_loop)]
        loops += [(f"prepare-{number + 1}", self._prepare_loop) for number in range(preparing)]
        loops += [
            (f"deliver-{name}", lambda name=name: self._deliver_loop(name))  # type: ignore[misc]  # bound at once
            for name in self.context.settings.destinations
        ]
        return [threading.Thread(target=self._guarded, args=(loop,), name=name) for name, loop in loops]

    def ring(self) -> None:
        """Wake every thread: something may be due."""
        with self.wake:
            self._rings += 1
            self.wake.notify_all()

    def stop(self) -> None:
        """Ask every thread to come to rest."""
        self.stopping.set()
        self.ring()

    def close(self) -> None:
        """Let go of the channels; to be called when the threads have ended."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()

    def drain(self) -> bool:
        """One pass without threads: prepare, deliver and close all that is due now; true if anything was done."""
        moved = False
        for subject in self.due_to_prepare():
            moved = self._step(subject) or moved
        for name in self.context.settings.destinations:
            moved = self.deliver_due(name) or moved
        for subject in self.due_to_close():
            moved = self._step(subject) or moved
        return moved

    def deliver_due(self, destination: str) -> bool:
        """Send what is due at one destination; the end of one attempt and the begin of the next share a commit."""
        moved = False
        ending: Transition | None = None
        for batch in self.due_to_deliver(destination):
            if self.stopping.is_set() or self._paused(destination, batch):
                break
            if self._rests(batch.id):
                continue
            ending, worked = self._attempt(batch, ending)
            moved = moved or worked
        if ending is not None:
            self._commit([ending])
        return moved

    def _attempt(self, batch: Batch, ending: Transition | None) -> tuple[Transition | None, bool]:
        """Make one attempt; return what is still to be committed, and whether anything was done."""
        try:
            begin = start(self.context, batch.id)
            self._commit([ending, begin] if ending else [begin])
        except UnknownTransitionError:  # a person was faster
            if ending is not None:
                self._commit([ending])
            return None, False
        try:
            channel = self._channel(batch.destination)
            change = deliver(self.context, channel, batch.id)
        except Exception as error:  # noqa: BLE001 - the one broad except, see the module docstring
            self._unforeseen(batch.id, error)
            return recover(self.context, batch.id), True
        self._heed(batch, change)
        return change, True

    def _send(self, batch: Batch, ending: Transition | None) -> bool:
        change, moved = self._attempt(batch, ending)
        if change is not None:
            self._commit([change])
        return moved

    def _prepare_loop(self) -> None:
        self._loop(self.due_to_prepare)

    def _close_loop(self) -> None:
        self._loop(self.due_to_close)

    def _loop(self, due: Callable[[], Sequence[str]]) -> None:
        while not self.stopping.is_set():
            rings = self._rings
            moved = [self._step(subject) for subject in due() if not self.stopping.is_set()]
            if not any(moved):
                self._wait(rings, _IDLE)

    def _deliver_loop(self, destination: str) -> None:
        while not self.stopping.is_set():
            rings = self._rings
            if not self.deliver_due(destination):
                due = self.context.ledger.next_due()
                soon = _IDLE if due is None else min(max(due - self.context.now(), 0.05), _IDLE)
                self._wait(rings, soon)

    def _wait(self, rings: int, seconds: float) -> None:
        with self.wake:
            if self._rings == rings and not self.stopping.is_set():
                self.wake.wait(seconds)

    # One step ---------------------------------------------------------------------------------------------------

    def _step(self, subject: str) -> bool:
        """Advance a subject unless another thread has it; never raises what only concerns the subject."""
        with self._lock:
            if subject in self._busy:
                return False
            self._busy.add(subject)
        try:
            return not self._rests(subject) and self.advance(subject)
        except UnknownTransitionError:
            return True  # somebody else moved it meanwhile: look again
        except NoRoomError as error:
            say("spool.full", reason=str(error))
            self._resting[subject] = time.monotonic() + _NO_ROOM
            return False
        except Exception as error:  # noqa: BLE001 - the one broad except, see the module docstring
            self._unforeseen(subject, error)
            return False
        finally:
            with self._lock:
                self._busy.discard(subject)

    def _unforeseen(self, subject: str, error: Exception) -> None:
        if isinstance(error, LedgerError):
            raise error
        self._resting[subject] = time.monotonic() + _AFTER_FAILURE
        say("step.failed", subject=subject, kind=type(error).__name__, where=_where(error), reason=_words(error))

    def _guarded(self, loop: Callable[[], None]) -> None:
        """Run a thread; an error that must stop the agent stops it."""
        try:
            loop()
        except AgentError as error:
            self.failure = self.failure or error
            self.stop()

    def _commit(self, changes: Sequence[Transition]) -> None:
        self.context.ledger.commit(changes, at=self.context.now())
        for change in changes:
            said(change)
        self.ring()

    def _need(self, subject: str) -> Batch:
        batch = self.context.ledger.batch(subject)
        if batch is None:
            raise LookupError(f"the ledger knows no {subject}")
        return batch

    def _rests(self, subject: str) -> bool:
        until = self._resting.get(subject)
        if until is not None and until <= time.monotonic():
            del self._resting[subject]
        return subject in self._resting

    # Destinations -----------------------------------------------------------------------------------------------

    def _channel(self, destination: str) -> Channel:
        if destination not in self._channels:
            self._channels[destination] = self._open_channel(self.context.settings.destinations[destination])
        return self._channels[destination]

    def _heed(self, batch: Batch, change: Transition) -> None:
        """Leave a destination alone that just failed, so that one fault does not burn every batch."""
        now = self.context.now()
        if change.event == "deferred" and change.due_at:
            self._pauses[batch.destination] = _Pause(now, change.due_at)
        elif change.event == "held":
            retries = self.context.settings.destinations[batch.destination].retries
            self._pauses[batch.destination] = _Pause(now, now + retries.at_most, for_person=True)
            say("destination.paused", destination=batch.destination, seconds=retries.at_most)
        elif change.event == "sent":
            self._pauses.pop(batch.destination, None)

    def _paused(self, destination: str, batch: Batch) -> bool:
        pause = self._pauses.get(destination)
        if pause is None or self.context.now() >= pause.until:
            return False
        released = batch.created_at < pause.since < batch.updated_at and batch.state == BatchState.READY
        return not released


def _where(error: BaseException) -> str:
    """The innermost place of ours, as file and line: no values."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rpartition('/agent/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _words(error: BaseException) -> str:
    """Our own errors speak plainly; what others say may hold values and stays out of the log."""
    return str(error) if isinstance(error, AgentError) else ""
