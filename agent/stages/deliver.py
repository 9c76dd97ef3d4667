"""Deliver: a batch that is ready travels over its channel; what cannot be known is said to be in doubt.

Look before you send: where an earlier attempt may have become visible, the channel looks first. The ledger hears
WILL_PUBLISH, on disk, before anything can become visible.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.channels.base import Channel, Parcel, Sighting
from agent.errors import ChannelError, Permanent, SpoolError, Transient, UnknownOutcome
from agent.ledger.transition import Transition
from agent.model import Attempt, Batch
from agent.states import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.settings.models import Destination, Retries
    from agent.stages.context import Context

OVERRULED = "overruled"  # outcome of attempts about which a person has decided
_SURELY_NOT = frozenset({"deferred", "failed", "held"})  # outcomes that left nothing at the other end


def start(context: Context, batch: str) -> Transition:
    """Begin an attempt: the ledger knows of it before the far side does."""
    found = _batch(context, batch)
    number = len(context.ledger.attempts(batch)) + 1
    attempt = Attempt(batch, number, context.now(), Phase.STARTED)
    return Transition(batch, "batch", "started", reason=found.reason, attempt=attempt, tries=found.tries + 1)


def deliver(context: Context, channel: Channel, batch: str) -> Transition:
    """Make the attempt that `start` began, and say how it ended."""
    found = _batch(context, batch)
    *earlier, attempt = context.ledger.attempts(batch)
    destination = context.settings.destinations[found.destination]
    try:
        path = context.spool.verify(found.path, found.sha256)
    except SpoolError as error:
        return _ended(context, found, attempt, "failed", f"nothing was sent: {error}")
    parcel = Parcel(found.id, found.name, path, found.size, found.sha256, attempt.number)
    doubtful = [one for one in earlier if one.phase != Phase.STARTED and one.outcome not in _SURELY_NOT]
    try:
        if doubtful and (known := _look(context, channel, parcel, doubtful, found, attempt, destination)):
            return known
        receipt = channel.send(parcel, lambda: _will_publish(context, attempt))
    except UnknownOutcome as error:
        return _unknown(context, channel, parcel, found, attempt, error)
    except Transient as error:
        return _deferred(context, found, attempt, destination.retries, error)
    except Permanent as error:
        return _ended(context, found, attempt, "held", str(error), error.evidence)
    sent = replace(attempt, phase=Phase.PUBLISHED)
    return _ended(context, found, sent, "sent", "", f"{receipt.how}: {receipt.evidence}")


def recover(context: Context, batch: str) -> Transition:
    """Take up a batch that was being sent when the agent died; the next attempt looks first if it must."""
    attempts = context.ledger.attempts(batch)
    interrupted = replace(attempts[-1], ended_at=context.now(), outcome="interrupted") if attempts else None
    reason = "the agent was stopped while sending; the next attempt finds out how far it came"
    return Transition(batch, "batch", "recovered", reason=reason, attempt=interrupted)


def delay(attempt: int, retries: Retries, dice: float) -> float:
    """Seconds until the next attempt: doubling from `first` to `at_most`, jittered between a half and the whole."""
    whole = min(retries.first * 2 ** min(attempt - 1, 30), retries.at_most)
    return whole * (0.5 + dice / 2)


def _look(
    context: Context,
    channel: Channel,
    parcel: Parcel,
    doubtful: Sequence[Attempt],
    batch: Batch,
    attempt: Attempt,
    destination: Destination,
) -> Transition | None:
    """Find out whether an earlier attempt arrived; None means: send."""
    sighting = channel.look(parcel)
    if sighting.found:
        found = replace(attempt, phase=Phase.PUBLISHED)
        return _ended(context, batch, found, "sent", "", f"found at the other end: {sighting.evidence}")
    if sighting.found is False:
        return None
    overruled = [one.number for one in context.ledger.attempts(batch.id) if one.outcome == OVERRULED]
    if overruled and doubtful[-1].number <= overruled[-1]:
        return None  # a person knows better
    return _cannot_tell(context, batch, attempt, destination, sighting)


def _cannot_tell(
    context: Context, batch: Batch, attempt: Attempt, destination: Destination, sighting: Sighting
) -> Transition | None:
    """Do what the destination's settings say where nobody can tell."""
    if destination.in_doubt == "resend":
        return None
    if destination.in_doubt == "assume-sent":
        evidence = f"assumed to be sent, as the settings say: {sighting.evidence}"
        return _ended(context, batch, attempt, "sent", "", evidence)
    reason = f"an earlier attempt may have arrived, and nobody can tell: {sighting.evidence}"
    return _ended(context, batch, replace(attempt, outcome="looked"), "in-doubt", reason)


def _unknown(
    context: Context, channel: Channel, parcel: Parcel, batch: Batch, attempt: Attempt, error: UnknownOutcome
) -> Transition:
    """The answer was lost after the batch may have become visible: look at once, else on the next attempt."""
    destination = context.settings.destinations[batch.destination]
    doubtful = replace(attempt, phase=Phase.WILL_PUBLISH, outcome="unknown")
    try:
        sighting = channel.look(parcel)
    except ChannelError:
        reason = f"it may have arrived ({error}); the next attempt looks first"
        due = context.now() + delay(batch.tries, destination.retries, context.dice())
        return _ended(context, batch, doubtful, "deferred", reason, error.evidence, due_at=due)
    if sighting.found:
        found = replace(attempt, phase=Phase.PUBLISHED)
        return _ended(context, batch, found, "sent", "", f"found at the other end: {sighting.evidence}")
    if sighting.found is False:
        due = context.now() + delay(batch.tries, destination.retries, context.dice())
        gone = replace(attempt, outcome="deferred")
        return _ended(context, batch, gone, "deferred", f"{error}; it did not arrive", due_at=due)
    known = _cannot_tell(context, batch, doubtful, destination, sighting)
    if known is not None:
        return known
    return _ended(context, batch, doubtful, "deferred", f"{error}; it is sent again, as the settings say")


def _deferred(
    context: Context, batch: Batch, attempt: Attempt, retries: Retries, error: Transient
) -> Transition:
    """Try again later; a destination that has been silent for too long is a person's matter."""
    waited = context.now() - context.ledger.attempts(batch.id)[-batch.tries].started_at
    if waited > retries.hold_after:
        reason = f"no attempt has worked for {waited / 3600:.0f} hours; the last one: {error}"
        return _ended(context, batch, attempt, "held", reason, error.evidence)
    due = context.now() + delay(batch.tries, retries, context.dice())
    return _ended(context, batch, attempt, "deferred", str(error), error.evidence, due_at=due)


def _ended(
    context: Context,
    batch: Batch,
    attempt: Attempt,
    event: str,
    reason: str,
    evidence: str = "",
    due_at: float | None = None,
) -> Transition:
    outcome = attempt.outcome or event
    ended = replace(attempt, ended_at=context.now(), outcome=outcome, evidence=evidence or reason)
    return Transition(batch.id, "batch", event, reason=reason, note=evidence, due_at=due_at, attempt=ended)


def _will_publish(context: Context, attempt: Attempt) -> None:
    context.ledger.note_phase(attempt.batch, attempt.number, Phase.WILL_PUBLISH, at=context.now())


def _batch(context: Context, batch: str) -> Batch:
    found = context.ledger.batch(batch)
    if found is None:
        raise LookupError(f"there is no batch {batch}")
    return found
