"""Delivers what is due at each destination: one attempt after the other, over a channel that is kept.

An attempt's end and the begin of the next share a commit. The channel of a destination belongs to the one thread
that delivers there. When the settings change, an attempt under way ends with those it began with.
"""

from __future__ import annotations

from contextlib import suppress
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
        self._channels: dict[str, tuple[Destination, Channel]] = {}
        self._deliveries = Deliveries(engine.context)
        self._cut = False

    def recover(self) -> None:
        """Take up what was being sent when the agent came to its end, and hold what has no way any more."""
        context, commit = self._engine.context, self._engine.commit
        sending = context.ledger.batches([BatchState.SENDING], limit=MANY)
        commit([recover(context, batch.id) for batch in sending])
        self.hold_stranded()

    def hold_stranded(self) -> None:
        """Hold what waits for a destination that the settings no longer have."""
        context = self._engine.context
        waiting = context.ledger.batches([BatchState.READY, BatchState.DEFERRED], limit=MANY)
        for batch in waiting:
            if batch.destination not in context.settings.destinations:
                with suppress(UnknownTransitionError):  # just being sent: its thread comes by here, too
                    self._engine.commit([hold_stranded(context, batch.id)])

    def take_over(self) -> None:
        """Go on with the settings that the engine has now."""
        self._deliveries = Deliveries(self._engine.context)
        self.hold_stranded()

    def tidy(self, destination: str) -> None:
        """Let go of a channel whose settings are others now; to be called by the destination's thread."""
        opened = self._channels.get(destination)
        if opened and opened[0] != self._engine.context.settings.destinations.get(destination):
            del self._channels[destination]
            opened[1].close()

    def next_try(self, destination: str) -> float | None:
        """Return when an attempt at a destination becomes due, None where none waits for its time."""
        deliveries = self._deliveries
        return deliveries.next_try(destination) if deliveries.knows(destination) else None

    def deliver_due(self, destination: str) -> bool:
        """Send what is due at one destination; true if anything was tried."""
        moved, ending, deliveries = False, None, self._deliveries
        if not deliveries.knows(destination):
            return False
        for batch in deliveries.due(destination):
            if self._engine.context.stop.asked or deliveries is not self._deliveries:
                break
            if self._engine.rests(batch.id):
                continue
            ending = self._attempt(batch, ending, deliveries)
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
        change = self._attempt(batch, None, self._deliveries)
        if change is not None:
            self._engine.commit([change])
        return change is not None

    def cut(self) -> None:
        """Cut the lines to all destinations, so that an attempt under way comes to its end now."""
        self._cut = True
        self.close()

    def close(self) -> None:
        """Let go of the channels."""
        for _, channel in tuple(self._channels.values()):
            channel.close()

    def _attempt(self, batch: Batch, before: Transition | None, deliveries: Deliveries) -> Transition | None:
        """Make one attempt, once the end of the one before is committed; return its end, to be committed."""
        engine, context = self._engine, deliveries.context
        try:
            begin = start(context, batch.id)
            engine.commit([before, begin] if before else [begin])
        except UnknownTransitionError:  # a person was faster
            engine.commit([before] if before else [])
            return None
        options = context.settings.destinations[batch.destination]
        end = engine.survive(
            batch.id, lambda: deliver(context, self._channel(batch.destination, options), batch.id)
        )
        if end is None:
            end = broke(context, batch.id, context.now() + _AFTER_FAILURE)
        elif self._cut and end.event == "deferred":
            end = recover(context, batch.id)
        deliveries.heed(batch.destination, end)
        return end

    def _channel(self, destination: str, options: Destination) -> Channel:
        opened = self._channels.get(destination)
        if opened is None or opened[0] != options:
            if opened is not None:
                opened[1].close()
            opened = self._channels[destination] = (options, self._open_channel(options))
        return opened[1]
