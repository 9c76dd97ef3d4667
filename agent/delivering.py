"""Delivers what is due at each destination: one attempt after the other, over a channel that is kept.

An attempt's end and the begin of the next share a commit. The channel of a destination belongs to the one thread
that delivers there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.stages.deliver import broke, deliver, hold_stranded, recover, start
from agent.stages.due import MANY, Deliveries
from agent.states import BatchState, UnknownTransitionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.channels.base import Channel
    from agent.engine import Engine
    from agent.ledger.transition import Transition
    from agent.model import Batch
    from agent.settings.models import Destination

_AFTER_FAILURE = 30.0  # seconds a batch waits after a failure nobody foresaw


class Deliverer:
    """Delivers for one engine."""

    def __init__(self, engine: Engine, open_channel: Callable[[Destination], Channel]) -> None:
        self._engine = engine
        self._open_channel = open_channel
        self._channels: dict[str, Channel] = {}
        self._deliveries = Deliveries(engine.context)
        self._cut = False

    def recover(self) -> None:
        """Take up what was being sent when the agent came to its end, and hold what has no way any more."""
        context, commit = self._engine.context, self._engine.commit
        sending = context.ledger.batches([BatchState.SENDING], limit=MANY)
        commit([recover(context, batch.id) for batch in sending])
        waiting = context.ledger.batches([BatchState.READY, BatchState.DEFERRED], limit=MANY)
        ways = context.settings.destinations
        commit([hold_stranded(context, batch.id) for batch in waiting if batch.destination not in ways])

    def next_try(self, destination: str) -> float | None:
        """Return when an attempt at a destination becomes due, None where none waits for its time."""
        return self._deliveries.next_try(destination)

    def deliver_due(self, destination: str) -> bool:
        """Send what is due at one destination; true if anything was tried."""
        moved, ending = False, None
        for batch in self._deliveries.due(destination):
            if self._engine.context.stop.asked:
                break
            if self._engine.rests(batch.id):
                continue
            ending = self._attempt(batch, ending)
            moved = moved or ending is not None
            if ending is not None and ending.event in {"deferred", "held", "recovered"}:
                break
        if ending is not None:
            self._engine.commit([ending])
        return moved

    def deliver_one(self, batch: Batch) -> bool:
        """Make one attempt at one batch, if it is ready for one."""
        if batch.state not in {BatchState.READY, BatchState.DEFERRED}:
            return False
        change = self._attempt(batch, None)
        if change is not None:
            self._engine.commit([change])
        return change is not None

    def cut(self) -> None:
        """Cut the lines to all destinations, so that an attempt under way comes to its end now."""
        self._cut = True
        self.close()

    def close(self) -> None:
        """Let go of the channels."""
        for channel in tuple(self._channels.values()):
            channel.close()

    def _attempt(self, batch: Batch, before: Transition | None) -> Transition | None:
        """Make one attempt, once the end of the one before is committed; return its end, to be committed."""
        engine, context = self._engine, self._engine.context
        try:
            begin = start(context, batch.id)
            engine.commit([before, begin] if before else [begin])
        except UnknownTransitionError:  # a person was faster
            engine.commit([before] if before else [])
            return None
        end = engine.survive(batch.id, lambda: deliver(context, self._channel(batch.destination), batch.id))
        if end is None:
            end = broke(context, batch.id, context.now() + _AFTER_FAILURE)
        elif self._cut and end.event == "deferred":
            end = recover(context, batch.id)
        self._deliveries.heed(batch.destination, end)
        return end

    def _channel(self, destination: str) -> Channel:
        if destination not in self._channels:
            options = self._engine.context.settings.destinations[destination]
            self._channels[destination] = self._open_channel(options)
        return self._channels[destination]
