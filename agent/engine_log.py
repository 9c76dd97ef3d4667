"""Says in the log what the engine did, with facts and without contents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.errors import AgentError
from agent.log import EVENTS, say

if TYPE_CHECKING:
    from agent.ledger.transition import Transition


def said(change: Transition) -> None:
    """Log one committed transition, if the catalogue has its event."""
    event = f"{change.kind}.{change.event}"
    if event not in EVENTS:
        return
    facts: dict[str, object] = {change.kind: change.subject}
    if change.reason:
        facts["reason"] = change.reason
    if change.counts is not None:
        facts["records"] = change.counts.records
        facts["rows"] = change.counts.rows
        facts["kept_back"] = change.counts.kept_back
    if change.new_batches:
        facts["batches"] = len(change.new_batches)
    say(event, **facts)


class Seldom:
    """Says the same thing no more than once in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._said: dict[str, float] = {}

    def say(self, event: str, *, reason: str, **facts: object) -> None:
        """Log an event, unless it was logged with this reason a short time ago."""
        now = time.monotonic()
        if now - self._said.get(reason, now - self._seconds) >= self._seconds:
            self._said[reason] = now
            say(event, reason=reason, **facts)


def say_unforeseen(subject: str, error: Exception) -> None:
    """Log an error nobody foresaw, with its kind and place."""
    say("step.failed", subject=subject, kind=type(error).__name__, where=_where(error), reason=_words(error))


def _where(error: BaseException) -> str:
    """Return the innermost place, as file and line: no values."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rpartition('/agent/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _words(error: BaseException) -> str:
    """Return what an error says: ours speak plainly, others may hold values and stay out of the log."""
    return str(error) if isinstance(error, AgentError) else ""
