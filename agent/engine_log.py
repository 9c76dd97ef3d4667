"""Says a committed transition in the log, with facts and without contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.log import EVENTS, say

if TYPE_CHECKING:
    from agent.ledger.transition import Transition


def said(change: Transition) -> None:
    """Log one transition, if the catalogue has its event."""
    event = f"{change.kind}.{change.event}"
    if event not in EVENTS:
        return
    facts: dict[str, object] = {change.kind: change.subject}
    if change.reason:
        facts["reason"] = change.reason
    if change.counts is not None:
        facts |= {"records": change.counts.records, "rows": change.counts.rows, "kept_back": change.counts.kept_back}
    if change.new_batches:
        facts["batches"] = len(change.new_batches)
    say(event, **facts)
