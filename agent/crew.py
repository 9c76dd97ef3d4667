"""The threads that ask the engine "what is due?".

Some prepare, one per destination delivers, one per source collects, one closes, one per way tells people. Each
works until it is asked to stop; that of a destination, source or way ends when the settings no longer have it. A
thread that fails takes the agent along.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from agent.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.engine import Engine

_IDLE = 2.0  # seconds a thread waits at most before it asks again: a person may have changed the ledger
_SOON = 0.01  # seconds it waits at least
_NEWS = 5.0  # seconds between two looks for what people have to be told
_LATE = 10.0  # seconds between two looks for answers that are overdue


class Crew:
    """The threads of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._serving: set[str] = set()  # threads of destinations, sources and ways, by name
        self._lock = threading.Lock()

    def threads(self, preparing: int = 2) -> list[threading.Thread]:
        """Make (not start) the threads that work until they are asked to stop."""
        engine = self._engine
        made = [self.guarded("close", self._close_loop)]
        made += [
            self.guarded(f"prepare-{number + 1}", lambda: self._loop(engine.to_prepare))
            for number in range(preparing)
        ]
        return [*made, *self.newcomers()]

    def newcomers(self) -> list[threading.Thread]:
        """Make (not start) a thread for each destination, source and way that has none."""
        with self._lock:
            new = {name: loop for name, loop in self._far_sides() if name not in self._serving}
            self._serving.update(new)
        return [self.guarded(name, loop) for name, loop in new.items()]

    def guarded(self, name: str, loop: Callable[[], None]) -> threading.Thread:
        """Make a thread that takes the agent along when it fails."""
        engine = self._engine

        def run() -> None:
            failure: AgentError | None = AgentError(f"the thread {name!r} ended in a way nobody foresaw")
            try:
                loop()
                failure = None
            except AgentError as error:
                failure = error
            finally:
                if failure is not None:
                    engine.failure = engine.failure or failure
                    engine.stop()

        return threading.Thread(target=run, name=name, daemon=True)

    def _far_sides(self) -> Iterator[tuple[str, Callable[[], None]]]:
        settings = self._engine.context.settings
        for name in settings.destinations:
            yield _delivering(name), lambda name=name: self._deliver_loop(name)  # type: ignore[misc]  # bound at once
        for source in settings.acknowledgements:
            place = source.place
            yield _collecting(place), lambda place=place: self._collect_loop(place)  # type: ignore[misc]  # bound at once
        for way in settings.notices:
            place = way.place
            yield _telling(place), lambda place=place: self._tell_loop(place)  # type: ignore[misc]  # bound at once

    def _loop(self, due: Callable[[], Sequence[str]]) -> None:
        engine = self._engine
        while not engine.context.stop.asked:
            rings = engine.rings
            if not any([engine.step(subject) for subject in due()]):  # noqa: C419 - all of them
                engine.wait(rings, _IDLE)

    def _close_loop(self) -> None:
        engine, looked = self._engine, 0.0
        while not engine.context.stop.asked:
            rings = engine.rings
            moved = [engine.step(subject) for subject in engine.to_close()]
            if time.monotonic() - looked > _LATE:
                moved.append(engine.collector.watch_for_late_ones())
                looked = time.monotonic()
            if not any(moved):
                engine.wait(rings, _IDLE)

    def _deliver_loop(self, destination: str) -> None:
        engine, deliverer = self._engine, self._engine.deliverer
        while not engine.context.stop.asked and self._goes_on(_delivering(destination)):
            rings = engine.rings
            deliverer.tidy(destination)
            if not deliverer.deliver_due(destination):
                at = deliverer.next_try(destination)
                soon = _IDLE if at is None else max(at - engine.context.now(), _SOON)
                engine.wait(rings, min(soon, _IDLE))
        deliverer.tidy(destination)
        deliverer.hold_stranded()

    def _collect_loop(self, place: str) -> None:
        engine, collector = self._engine, self._engine.collector
        while not engine.context.stop.asked and self._goes_on(_collecting(place)):
            rings = engine.rings
            collector.tidy(place)
            if not collector.collect_due(place):
                engine.wait(rings, min(max(collector.next_time(place), _SOON), _IDLE))
        collector.tidy(place)

    def _tell_loop(self, place: str) -> None:
        engine = self._engine
        while not engine.context.stop.asked and self._goes_on(_telling(place)):
            engine.tell_by(place)
            engine.stopped.wait(_NEWS)  # not rung for: nobody needs to hear of each change at once
        engine.notices.tidy(place)

    def _goes_on(self, name: str) -> bool:
        """Whether a destination, source or way is still there; if not, its thread ends."""
        with self._lock:  # so that, should it come back, either this thread goes on or a new one is made
            if any(name == there for there, _ in self._far_sides()):
                return True
            self._serving.discard(name)
        return False


def _delivering(destination: str) -> str:
    return f"deliver-{destination}"


def _collecting(place: str) -> str:
    return f"collect-{place}"


def _telling(place: str) -> str:
    return f"tell-{place}"
