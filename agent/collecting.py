"""Collects what comes back from impact.com: one thread per source asks for new answers, has them kept and heard.

What was fetched is known to the ledger before it is read; what is kept and not yet read is found there after a
restart. A source that cannot be asked is asked again later, and said.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.errors import ChannelError
from agent.log import say
from agent.notices.faults import PASSING
from agent.stages.acknowledge import keep, overdue, unasked
from agent.states import AnswerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.acks.base import Source
    from agent.engine import Engine
    from agent.settings.models import AckOptions

_LONGEST = 900.0  # seconds between two questions to a source that fails
_MANY = 200  # acknowledgements heard in one go


class Collector:
    """Asks the sources of one agent."""

    def __init__(self, engine: Engine, open_source: Callable[[AckOptions], Source]) -> None:
        self._engine, self._open_source = engine, open_source
        self._sources: dict[str, tuple[AckOptions, Source]] = {}
        self._next: dict[str, float] = {}  # monotonic: when a source is asked again
        self._failures: dict[str, int] = {}
        self.failing: dict[str, str] = {}  # sources that could not be asked last time, and why

    def collect_due(self, name: str) -> bool:
        """Ask a source if it is its time, and hear what waits; true if anything was done."""
        heard = self._hear()
        if time.monotonic() < self._next.get(name, 0.0):
            return heard
        options = self._options(name)
        if options is None:
            return heard
        fetched = self._engine.survive(name, lambda: self._fetch(name, options))
        if fetched is None:
            self._broke(name)
        self._next[name] = time.monotonic() + self._pause(name, options)
        return self._hear() or bool(fetched) or heard

    def next_time(self, name: str) -> float:
        """Return the seconds until a source is to be asked again."""
        return max(self._next.get(name, 0.0) - time.monotonic(), 0.0)

    def watch_for_late_ones(self) -> bool:
        """Raise the alarm about answers that are overdue, and let those end that nobody is asked about."""
        context = self._engine.context
        changes = [*unasked(context), *overdue(context)]
        for change in changes:
            self._engine.survive(change.subject, lambda one=change: self._engine.commit([one]))  # type: ignore[misc]  # bound at once
        return bool(changes)

    def tidy(self, name: str) -> None:
        """Let go of a source whose settings are others now; to be called by the source's thread."""
        opened = self._sources.get(name)
        if opened and opened[0] != self._options(name):
            del self._sources[name]
            opened[1].close()

    def close(self) -> None:
        """Let go of all sources."""
        for _, source in tuple(self._sources.values()):
            source.close()

    def _options(self, name: str) -> AckOptions | None:
        wanted = self._engine.context.settings.acknowledgements
        return next((one for one in wanted if one.place == name), None)

    def _source(self, options: AckOptions) -> Source:
        known = self._sources.get(options.place)
        if known and known[0] == options:
            return known[1]
        if known:
            known[1].close()
        source = self._open_source(options)
        self._sources[options.place] = (options, source)
        return source

    def _fetch(self, name: str, options: AckOptions) -> bool:
        context = self._engine.context
        source, any_kept = self._source(options), False
        try:
            for fetched in source.fetch(lambda key: context.ledger.has_fetched(name, key)):
                self._engine.commit([keep(context, name, source.kind, fetched)])
                source.kept(fetched)
                any_kept = True
                if context.stop.asked:
                    break
        except ChannelError as error:
            self._failed(name, error)
        else:
            self._worked(name)
        return any_kept

    def _failed(self, name: str, error: ChannelError) -> None:
        self._failures[name] = self._failures.get(name, 0) + 1
        if self.failing.get(name) != str(error):
            say("source.failed", source=name, reason=str(error))
        self.failing[name] = str(error)
        self._engine.board.trouble(f"source:{name}", str(error), patience=PASSING)

    def _broke(self, name: str) -> None:
        """Note that asking failed in a way that nobody foresaw, or for want of room: the log has said so."""
        self._failures[name] = self._failures.get(name, 0) + 1
        words = "asking for answers fails; the agent's log says why"
        self._engine.board.trouble(f"source:{name}", words, patience=PASSING)

    def _worked(self, name: str) -> None:
        self._failures.pop(name, None)
        self._engine.board.over(f"source:{name}")
        if self.failing.pop(name, None) is not None:
            say("source.recovered", source=name)

    def _pause(self, name: str, options: AckOptions) -> float:
        failures = self._failures.get(name, 0)
        return min(options.poll * 2.0 ** min(failures, 10), max(options.poll, _LONGEST))

    def _hear(self) -> bool:
        waiting = (AnswerState.KEPT, AnswerState.EARLY)
        found = self._engine.context.ledger.acknowledgements(waiting, limit=_MANY)
        return any([self._engine.step(one.id) for one in found])  # noqa: C419 - all of them
