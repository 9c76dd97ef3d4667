"""Batches whose answer does not come: overdue ones are an alarm, those nobody is asked about wait no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.ledger.transition import Transition
from agent.states import BatchState

if TYPE_CHECKING:
    from agent.model import Batch
    from agent.stages.context import Context

_MANY = 20_000
_HOUR, _MINUTE = 3600, 60


def overdue(context: Context) -> list[Transition]:
    """Return the alarms that are due: once for each answer that should have come by now."""
    found = context.ledger.awaited(limit=_MANY)
    return [change for batch in found if (change := _alarm(context, batch))]


def unasked(context: Context) -> list[Transition]:
    """Let those batches end whose destination has no source of acknowledgements any more."""
    words = "nobody is asked for an answer any more: the settings have no source of acknowledgements for {}"
    return [
        Transition(batch.id, "batch", "settled", reason=words.format(batch.destination), awaited=False)
        for batch in context.ledger.awaited(limit=_MANY)
        if not context.awaits(batch.destination)
    ]


def deadline(context: Context, batch: Batch) -> tuple[float, str] | None:
    """Return since when an awaited answer is overdue, and which one; None where it is not, or has no limit."""
    limits = [(context.answered_within(batch.destination)[1], "what became of the rows")]
    if batch.state == BatchState.SENT:
        limits.append((context.answered_within(batch.destination)[0], "that it has the file"))
    passed = [
        (batch.sent_at + within, f"impact.com has not said within {_length(within)} {what}")
        for within, what in limits
        if within is not None and batch.sent_at + within < context.now()
    ]
    return max(passed, default=None)


def _alarm(context: Context, batch: Batch) -> Transition | None:
    late = deadline(context, batch)
    if late is None or batch.overdue_at > late[0]:
        return None
    words = f"{late[1]}; look at File Submissions there, and at where its answers go"
    return Transition(batch.id, "batch", "overdue", reason=words)


def _length(seconds: float) -> str:
    if seconds >= 2 * _HOUR:
        return f"{seconds / _HOUR:.0f} hours"
    return f"{seconds / _MINUTE:.0f} minutes" if seconds >= 2 * _MINUTE else f"{seconds:.0f} seconds"
