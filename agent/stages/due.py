"""What is due now, asked of the ledger each time anew: nothing here remembers what a restart would miss.

Order: the files of one feed are prepared one after the other, and their batches go to one destination in the order in
which the files came. One that waits for its next attempt holds back the later ones of its feed, for they may carry
newer amounts of the same orders, and so does a file that is not prepared yet; neither holds back other feeds. A
destination that refused us is left alone for a while, but for a batch that a person let go since: it finds out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.stages.context import REFUSED
from agent.states import BatchState, SubmissionState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from agent.ledger.transition import Transition
    from agent.model import Batch, Submission
    from agent.stages.context import Context

    T = TypeVar("T")

FEW, MANY = 200, 20_000  # subjects asked for at a time: as a rule, and where the first ones all have to wait

_TOLD = (
    SubmissionState.REJECTED,
    SubmissionState.QUARANTINED,
    SubmissionState.DUPLICATE,
    SubmissionState.CLOSED,
)
_REMEMBERED = 10_000  # submissions whose feed and time of receipt are remembered: they never change


def some(ask: Callable[[int], Sequence[T]], wanted: Callable[[T], bool]) -> list[T]:
    """Return what is wanted of the first answers, or of many more where all of the first have to wait."""
    for limit in (FEW, MANY):
        found = ask(limit)
        left = [one for one in found if wanted(one)]
        if left or len(found) < limit:
            return left
    return []


def to_prepare(context: Context, wanted: Callable[[str], bool]) -> list[str]:
    """Return of each feed the received submission that came first, where it is wanted.

    The later ones wait for it: they may be corrections of the same orders, and what is prepared first goes first.
    """
    return [one.id for one in context.ledger.next_received() if wanted(one.id)]


def to_close(context: Context, wanted: Callable[[str], bool]) -> list[str]:
    """Return submissions about which the folder is owed a word."""

    def ask(limit: int) -> list[str]:
        owed = context.ledger.owed(_TOLD, limit=limit)
        return [one.id for one in (*owed, *context.ledger.to_tell(limit=limit))]

    return some(ask, wanted)


def is_owed(context: Context, submission: Submission) -> bool:
    """Whether the folder is owed a word about a submission."""
    if submission.state != SubmissionState.PREPARED:
        return submission.state in _TOLD and submission.told_at < submission.updated_at
    return context.ledger.is_to_tell(submission.id)


class Arrivals:
    """Which files have surely left the drop folder: between the record and the move nothing is told.

    `began` is when this agent began: what it finds recorded from before may still have to be moved.
    """

    def __init__(self, began: float) -> None:
        self._began = began
        self._catching_up: set[str] = set()
        self._scans: dict[str, float] = {}  # feeds whose folder is being scanned, since when

    def expect(self, feed: str) -> None:
        """Expect a first scan that makes good what a crash has left half done."""
        self._catching_up.add(feed)

    def begin(self, feed: str, now: float) -> None:
        """Note that a scan begins; what it records is received now or later."""
        self._scans[feed] = now

    def end(self, feed: str, *, more: bool) -> None:
        """Note that it has ended; without `more` to be taken at once all from before is moved."""
        self._scans.pop(feed, None)
        if not more:
            self._catching_up.discard(feed)

    def has_left(self, submission: Submission) -> bool:
        """Whether a submission's file is where it can be told about."""
        feed, received = submission.feed, submission.received_at
        if feed in self._catching_up and received < self._began:
            return False
        return received < self._scans.get(feed, received + 1)


class Deliveries:
    """Which batches may go to a destination."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._owners: dict[str, tuple[str, float]] = {}  # feed and time of receipt, by submission
        self._quiet: dict[str, tuple[float, float]] = {}  # destinations left alone: since when, until when

    def knows(self, destination: str) -> bool:
        """Whether the settings have a destination."""
        return destination in self.context.settings.destinations

    def due(self, destination: str) -> list[Batch]:
        """Return the batches that may go now; one whose feed is in trouble comes behind the others."""
        now = self.context.now()
        waiting = self._waiting(destination)
        held_back = self._first_of_each_feed(one for one in waiting if self._due_at(one) > now)
        again = [one for one in waiting if self._due_at(one) <= now]
        # asked before the ready ones: a file that is prepared meanwhile is then in one of the two, never in neither
        coming = {one.feed: (one.received_at, one.id) for one in self.context.ledger.next_received()}

        def ask(limit: int) -> list[Batch]:
            ready = self.context.ledger.batches([BatchState.READY], destination, limit=limit)
            return sorted([*again, *ready], key=self._age)

        def may_go(batch: Batch) -> bool:
            feed, age = self._feed(batch), self._age(batch)
            first, next_one = held_back.get(feed), coming.get(feed)
            behind = first is not None and age >= self._age(first)
            return not behind and (next_one is None or age[:2] < next_one)

        found = some(ask, may_go)
        heads = self._first_of_each_feed(found)
        found.sort(key=lambda one: (heads[self._feed(one)].tries, self._age(one)))
        alone = self._left_alone(destination)
        return found if alone is None else self._let_go(found, since=alone[0])

    def heed(self, destination: str, change: Transition) -> None:
        """Learn from how an attempt ended: one fault must not burn every batch of a destination."""
        if change.event == "deferred" and change.due_at:
            self._quiet[destination] = (self.context.now(), change.due_at)
        elif change.event == "sent":
            self._quiet.pop(destination, None)

    def next_try(self, destination: str) -> float | None:
        """Return when an attempt at a destination becomes due, None where none waits for its time."""
        now = self.context.now()
        times = [self._due_at(one) for one in self._waiting(destination)]
        alone = self._left_alone(destination)
        return min((at for at in (*times, *(alone or ())) if at > now), default=None)

    def _left_alone(self, destination: str) -> tuple[float, float] | None:
        """Return since when and until when a destination is left alone, None where it is not."""
        held = self.context.ledger.batches([BatchState.HELD], destination)
        spans = [(one.updated_at, self._due_at(one)) for one in held]
        since, until = self._quiet.get(destination, (0.0, 0.0))
        spans.append((since, self._heeded(destination, until)))
        standing = [span for span in spans if span[1] > self.context.now()]
        if not standing:
            return None
        return max(since for since, _ in standing), max(until for _, until in standing)

    def _let_go(self, found: Iterable[Batch], since: float) -> list[Batch]:
        """Return the one batch that a person let go since: it finds out whether the trouble is over."""
        since_then = [one for one in found if one.state == BatchState.READY and one.updated_at > since]
        return [one for one in since_then if self.context.ledger.attempts(one.id)][:1]

    def _due_at(self, batch: Batch) -> float:
        return self._heeded(batch.destination, batch.due_at)

    def _heeded(self, destination: str, until: float) -> float:
        """Return until when to wait; further off than any wait lasts means that the clock was set back."""
        longest = max(self.context.settings.destinations[destination].retries.at_most, REFUSED)
        return until if until <= self.context.now() + longest else 0.0

    def _waiting(self, destination: str) -> tuple[Batch, ...]:
        return self.context.ledger.batches([BatchState.DEFERRED], destination, limit=MANY)

    def _first_of_each_feed(self, batches: Iterable[Batch]) -> dict[str, Batch]:
        first: dict[str, Batch] = {}
        for one in sorted(batches, key=self._age):
            first.setdefault(self._feed(one), one)
        return first

    def _feed(self, batch: Batch) -> str:
        return self._owner(batch)[0]

    def _age(self, batch: Batch) -> tuple[float, str, int]:
        return self._owner(batch)[1], batch.submission, batch.number

    def _owner(self, batch: Batch) -> tuple[str, float]:
        known = self._owners.get(batch.submission)
        if known is None:
            if len(self._owners) >= _REMEMBERED:
                self._owners.clear()
            owner = self.context.ledger.submission(batch.submission)
            known = (owner.feed, owner.received_at) if owner else ("", 0.0)
            self._owners[batch.submission] = known
        return known
