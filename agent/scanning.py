"""Looks into every drop folder, one feed after the other, and says what was taken.

It has an intake for each feed; when the settings change, only those of feeds that changed are made anew.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from agent.log import say
from agent.stages.intake import Intake, make_folders
from agent.states import SubmissionState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.engine import Engine
    from agent.settings.models import Feed
    from agent.stages.intake import ScanResult

_ASIDE = {
    SubmissionState.QUARANTINED: "submission.quarantined",
    SubmissionState.REJECTED: "submission.rejected",
    SubmissionState.DUPLICATE: "submission.repeated",
}


class Scanner:
    """Scans for one agent. One thread calls its methods.

    Args:
        engine: moves on what is taken; its settings say which feeds there are.
        alive: called between two folders and while a long file is copied: the scan goes on.

    """

    def __init__(self, engine: Engine, alive: Callable[[], None]) -> None:
        self._engine, self._alive = engine, alive
        self._intakes: dict[str, tuple[Feed, Intake]] = {}
        self.unsettled = 0  # files that the last scan of all folders left where they are
        engine.context.spool.alive = alive
        self.take_over()

    @property
    def folders(self) -> list[Path]:
        """The drop folders."""
        return [self._engine.context.folder(name) for name in self._intakes]

    def take_over(self) -> None:
        """Attend to the feeds that the settings have now; one that did not change goes on as it is."""
        feeds = self._engine.context.settings.feeds
        for name, (feed, intake) in tuple(self._intakes.items()):
            if feeds.get(name) != feed:
                intake.close()
                del self._intakes[name]
                self._engine.arrivals.end(name, more=False)
        for name, feed in feeds.items():
            if name not in self._intakes:
                self._intakes[name] = (feed, self._begun(feed))

    def scan(self) -> float | None:
        """Scan every folder once; return the seconds until another scan is worth while, None for no need.

        Raises:
            AgentError: the agent cannot go on.

        """
        waits: list[float] = []
        unsettled = 0
        for name, (_, intake) in self._intakes.items():
            self._alive()
            now = time.time()
            self._engine.arrivals.begin(name, now)
            result = self._engine.survive(name, partial(intake.scan, now, time.monotonic()))
            self._engine.arrivals.end(name, more=result is not None and result.next_look == 0)
            if result is None:
                unsettled += 1
                continue
            self._tell(result)
            self._engine.board.scanned(name, result.findings)
            unsettled += result.waiting + any(notice.fault.code == "E-FOLDER" for notice in result.findings)
            if result.next_look is not None:
                waits.append(result.next_look)
        self.unsettled = unsettled
        return min(waits, default=None)

    def close(self) -> None:
        """Let go of the folders."""
        for _, intake in self._intakes.values():
            intake.close()

    def _begun(self, feed: Feed) -> Intake:
        context = self._engine.context
        folder = context.folder(feed.name)
        with suppress(OSError):  # the scan says what is wrong with it
            make_folders(folder)
        self._engine.arrivals.expect(feed.name)
        return Intake(feed, folder, context.ledger, context.spool)

    def _tell(self, result: ScanResult) -> None:
        for notice in result.news:
            facts = {"feed": notice.feed, "file": notice.name} if notice.name else {"feed": notice.feed}
            say("folder.troubled", **facts, code=notice.fault.code, reason=notice.fault.words)
        for subject in result.taken:
            say("submission.taken", submission=subject)
        for subject in result.aside:
            found = self._engine.context.ledger.submission(subject)
            event = _ASIDE.get(SubmissionState(found.state)) if found else None
            say(event or "submission.taken", submission=subject, reason=found.reason if found else "")
        if self._engine.touched is not None:
            self._engine.touched.update((*result.taken, *result.aside))
        if result.taken or result.aside:
            self._engine.ring()
