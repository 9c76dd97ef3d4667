"""Deliver: a batch that is ready travels over its channel; what cannot be known is said to be in doubt.

Look before you send: where an earlier attempt may have become visible, the channel looks first. The ledger
hears WILL_PUBLISH, on disk, before anything can become visible. What comes back says how the attempt ended;
an outcome of `deferred`, `held` or `failed` means that nothing of it arrived for sure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.channels.base import Channel, Parcel, Sighting
from agent.errors import ChannelError, Permanent, SpoolError, Transient, UnknownOutcome
from agent.ledger.transition import Transition
from agent.model import Attempt, Batch
from agent.stages.context import REFUSED
from agent.states import ASSUMED, OVERRULED, Phase, doubtful

if TYPE_CHECKING:
    from agent.settings.models import Destination, Retries
    from agent.stages.context import Context

_UNKNOWN = "unknown"  # outcome of an attempt whose answer never came
_RESENDS = 3  # attempts whose end nobody knows, after which a person decides even where `resend` is set
_BROKE = "broke"  # outcome of an attempt that failed in a way nobody foresaw
_OFTEN = 3  # such attempts in a row until a person is asked


def start(context: Context, batch: str) -> Transition:
    """Begin an attempt: the ledger knows of it before the far side does."""
    found = _batch(context, batch)
    number = len(context.ledger.attempts(batch)) + 1
    attempt = Attempt(batch, number, context.now(), Phase.STARTED)
    return Transition(batch, "batch", "started", reason=found.reason, attempt=attempt, tries=found.tries + 1)


def deliver(context: Context, channel: Channel, batch: str) -> Transition:
    """Make the attempt that `start` began, and say how it ended.

    Raises:
        SpoolError: the disk does not let us read what is to be sent.
        LedgerError: the ledger could not be told that something is about to become visible.

    """
    found = _batch(context, batch)
    earlier = context.ledger.attempts(batch)
    destination = context.settings.destinations[found.destination]
    return _Try(context, channel, found, earlier[-1], earlier[:-1], destination).outcome()


def recover(context: Context, batch: str) -> Transition:
    """Take up a batch whose attempt was cut short; the next one looks first if it must."""
    attempts = context.ledger.attempts(batch)
    interrupted = replace(attempts[-1], ended_at=context.now(), outcome="interrupted") if attempts else None
    reason = "the agent was stopped while sending; the next attempt finds out how far it came"
    return Transition(batch, "batch", "recovered", reason=reason, attempt=interrupted)


def broke(context: Context, batch: str, due_at: float) -> Transition:
    """Try again at `due_at` what failed in a way nobody foresaw; what does so over and over is held."""
    attempts = context.ledger.attempts(batch)
    ended = replace(attempts[-1], ended_at=context.now(), outcome=_BROKE)
    again = {one.outcome for one in attempts[-_OFTEN:-1]} != {_BROKE} or len(attempts) < _OFTEN
    words = "sending it failed in a way nobody foresaw; the agent's log says where"
    if again:
        return Transition(batch, "batch", "recovered", reason=words, attempt=ended, due_at=due_at)
    return Transition(batch, "batch", "held", reason=f"{words}; {_OFTEN} times in a row", attempt=ended)


def hold_stranded(context: Context, batch: str) -> Transition:
    """Hold a batch whose destination the settings no longer have."""
    destination = _batch(context, batch).destination
    reason = f"the settings no longer have the destination {destination}; add it again and release this batch"
    return Transition(batch, "batch", "held", reason=reason)


def delay(attempt: int, retries: Retries, dice: float) -> float:
    """Return the seconds until the next attempt: `first`, doubled up to `at_most`, of that a half or more."""
    whole = min(retries.first * 2.0 ** min(attempt - 1, 30), retries.at_most)
    return whole * (0.5 + dice / 2)


@dataclass(frozen=True, slots=True)
class _Try:
    """One attempt under way."""

    context: Context
    channel: Channel
    batch: Batch
    attempt: Attempt
    earlier: tuple[Attempt, ...]
    destination: Destination

    def outcome(self) -> Transition:
        """Make it."""
        try:
            path = self.context.spool.verify(self.batch.path, self.batch.sha256)
        except SpoolError as error:
            if _of_the_disk(error):
                raise
            if doubtful(self.earlier):
                words = f"nothing was sent this time, but an earlier attempt may have arrived: {error}"
                return self._ended("failed", words)
            return self._ended("failed", f"nothing was sent: {error}")
        batch = self.batch
        number, made_at = self.attempt.number, batch.created_at
        parcel = Parcel(batch.id, batch.name, path, batch.size, batch.sha256, number, made_at)
        try:
            return self._found_before(parcel) or self._sent(parcel)
        except UnknownOutcome as error:
            return self._looked_for(parcel, error)
        except Transient as error:
            return self._deferred(error)
        except Permanent as error:
            return self._ended("held", str(error), error.evidence, due_at=self.context.now() + REFUSED)

    def _sent(self, parcel: Parcel) -> Transition:
        receipt = self.channel.send(parcel, self._will_publish)
        return self._arrived(f"{receipt.how}: {receipt.evidence}")

    def _will_publish(self) -> None:
        now = self.context.now()
        self.context.ledger.note_phase(self.batch.id, self.attempt.number, Phase.WILL_PUBLISH, at=now)

    def _found_before(self, parcel: Parcel) -> Transition | None:
        """Find out whether an earlier attempt arrived, where one may have; None means: send."""
        doubts = doubtful(self.earlier)
        if not doubts:
            return None
        sighting = self.channel.look(parcel)
        if sighting.found:
            return self._arrived(f"found at the other end: {sighting.evidence}")
        overruled = [one.number for one in self.earlier if one.outcome == OVERRULED]
        if sighting.found is False or (overruled and doubts[-1].number <= overruled[-1]):
            return None  # it is not there, or a person has said that it is not
        return self._undecidable(replace(self.attempt, outcome="looked"), sighting)

    def _looked_for(self, parcel: Parcel, error: UnknownOutcome) -> Transition:
        """Look at once whether it arrived, for its answer was lost; else the next attempt looks."""
        unknown = replace(self.attempt, phase=Phase.WILL_PUBLISH, outcome=_UNKNOWN)
        if self.context.stop.asked:
            return self._again(unknown, "the agent was stopped before the answer came", error.evidence)
        try:
            sighting = self.channel.look(parcel)
        except ChannelError as second:
            reason = f"it may have arrived ({error}); the next attempt looks first"
            return self._again(unknown, reason, f"{error.evidence}; {second}")
        if sighting.found:
            return self._arrived(f"found at the other end: {sighting.evidence}")
        if sighting.found is False:
            return self._again(self.attempt, f"{error}; it did not arrive", sighting.evidence)
        decided = self._undecidable(unknown, sighting)
        again = f"{error}; it is sent again, as the settings say"
        return decided or self._again(unknown, again, error.evidence)

    def _undecidable(self, attempt: Attempt, sighting: Sighting) -> Transition | None:
        """Do what the destination's settings say where nobody can tell; None means: send again."""
        if self.destination.in_doubt == "resend" and len(doubtful(self.earlier)) < _RESENDS:
            return None
        if self.destination.in_doubt == "assume-sent":
            words = f"assumed to be sent, as the settings say: {sighting.evidence}"
            return self._ended("sent", "", words, attempt=replace(attempt, outcome=ASSUMED))
        reason = f"an attempt may have arrived, and nobody can tell: {sighting.evidence}"
        return self._ended("in-doubt", reason, sighting.evidence, attempt=attempt)

    def _deferred(self, error: Transient) -> Transition:
        return self._again(self.attempt, str(error), error.evidence)

    def _again(self, attempt: Attempt, reason: str, evidence: str) -> Transition:
        """Try again later; what has not worked for too long is a person's matter."""
        tried = [*self.earlier, self.attempt][-self.batch.tries :]  # since a person last let it go
        waited = self.context.now() - tried[0].started_at
        retries = self.destination.retries
        due_at = self.context.now() + self._delay(retries)
        if waited <= retries.hold_after:
            return self._ended("deferred", reason, evidence, attempt=attempt, due_at=due_at)
        words = f"no attempt has worked for {_hours(waited)}; the last one: {reason}"
        if attempt.outcome == _UNKNOWN:
            return self._ended("in-doubt", words, evidence, attempt=attempt)
        return self._ended("held", words, evidence, attempt=attempt, due_at=due_at)

    def _delay(self, retries: Retries) -> float:
        return delay(self.batch.tries, retries, self.context.dice())

    def _arrived(self, evidence: str) -> Transition:
        return self._ended("sent", "", evidence, attempt=replace(self.attempt, phase=Phase.PUBLISHED))

    def _ended(
        self,
        event: str,
        reason: str,
        evidence: str = "",
        *,
        attempt: Attempt | None = None,
        due_at: float | None = None,
    ) -> Transition:
        known = attempt or self.attempt
        outcome = known.outcome or event
        ended = replace(known, ended_at=self.context.now(), outcome=outcome, evidence=evidence or reason)
        awaited = self.context.awaits(self.batch.destination) if event == "sent" else None
        return Transition(
            self.batch.id,
            "batch",
            event,
            reason=reason,
            note=evidence,
            due_at=due_at,
            attempt=ended,
            awaited=awaited,
        )


def _of_the_disk(error: SpoolError) -> bool:
    """Whether the disk failed us, rather than the bytes being gone or not those they were."""
    return isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.0f} hours" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} minutes"


def _batch(context: Context, batch: str) -> Batch:
    found = context.ledger.batch(batch)
    if found is None:
        raise LookupError(f"there is no batch {batch}")
    return found
