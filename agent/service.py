"""The agent as a running thing: one per state folder, started through the gate, stopped at a safe point.

Holds the lock, opens spool and ledger, scans the drop folders in the calling thread and lets the engine's threads do
the rest. It decides nothing about files.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from agent.channels import open_channel
from agent.engine import Engine
from agent.errors import AgentError
from agent.ledger.ledger import Ledger
from agent.log import say
from agent.settings.secrets import reveal
from agent.spool import NoRoomError, Spool
from agent.stages.context import Context
from agent.stages.intake import Intake, make_folders
from agent.watch import Watch
from agent.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from agent.channels.base import Channel
    from agent.settings.models import Destination, Settings

_SCRATCH_AGE = 3600.0  # seconds after which scratch of another run is swept
_STOP = 25.0  # seconds the threads have to come to rest


class AlreadyRunningError(AgentError):
    """Another agent has the state folder."""

    exit = 75  # try again later


class Agent:
    """One agent on one state folder; a context manager that holds the lock."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = FileLock(settings.state / "lock", timeout=0)
        self._woken = threading.Event()
        self.workers = Workers(settings.limits)

    def __enter__(self) -> Agent:
        self.settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise AlreadyRunningError(f"another agent works on {self.settings.state}") from error
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()
        self.workers.close()
        for intake in self.intakes:
            intake.close()
        self.ledger.close()
        self._lock.release()
        say("agent.stopped")

    def _open(self) -> None:
        spool = Spool(self.settings.state)
        spool.make()
        self.ledger = Ledger.open(self.settings.state / "ledger.db", must_exist=not spool.is_empty())
        swept = spool.sweep(_SCRATCH_AGE, time.time())
        if swept:
            say("spool.swept", files=len(swept))
        if orphans := spool.orphans(self.ledger.known_paths()):
            say("spool.orphaned", files=len(orphans))
        dice = random.SystemRandom().random
        context = Context(self.settings, self.ledger, spool, self.workers, time.time, dice)
        self.engine = Engine(context, self._channel)
        self.engine.recover()
        self.intakes: list[Intake] = []
        for name, feed in self.settings.feeds.items():
            folder = context.folder(name)
            make_folders(folder)
            self.intakes.append(Intake(feed, folder, self.ledger, spool))
        say("agent.started", feeds=len(self.intakes), state=str(self.settings.state))

    def _channel(self, destination: Destination) -> Channel:
        return open_channel(destination, lambda secret: reveal(secret, self.settings.folder))

    # Scanning ---------------------------------------------------------------------------------------------------

    def scan(self) -> float | None:
        """Scan every folder once; return the seconds until a scan may take something, None when only told."""
        waits = []
        for intake in self.intakes:
            try:
                result = intake.scan(time.time(), time.monotonic())
            except NoRoomError as error:
                say("spool.full", reason=str(error))
                waits.append(self.settings.scan)
                continue
            for notice in result.news:
                say("folder.troubled", feed=notice.feed, code=notice.fault.code, reason=notice.fault.words)
            for subject in (*result.taken, *result.aside):
                say("submission.taken", submission=subject)
            if result.taken or result.aside:
                self.engine.ring()
            if result.next_look is not None:
                waits.append(result.next_look)
        return min(waits, default=None)

    # Running ----------------------------------------------------------------------------------------------------

    def once(self) -> None:
        """One pass: wait for what is settling, prepare, deliver, close; return when nothing is due now.

        Raises:
            AgentError: the agent cannot go on.
        """
        with self._stoppable():
            waiting = self.scan()
            while not self.engine.stopping.is_set():
                moved = self.engine.drain()
                if not moved and waiting is None:
                    return
                if not moved and waiting:
                    self.engine.stopping.wait(min(waiting, self.settings.scan))
                waiting = self.scan()

    def run(self) -> None:
        """Work until told to stop (SIGTERM, SIGINT).

        Raises:
            AgentError: the agent cannot go on.
        """
        with self._stoppable():
            self.workers.start()
            watch = Watch(
                [self.settings.drop / name for name in self.settings.feeds],
                self._woken.set,
                lambda words: say("folder.degraded", reason=words),
            )
            threads = self.engine.threads()
            watch.start()
            for thread in threads:
                thread.start()
            try:
                self._scan_loop(watch)
            finally:
                self.engine.stop()
                watch.stop()
                self._join(threads)
        if self.engine.failure is not None:
            say("agent.failed", reason=str(self.engine.failure))
            raise self.engine.failure

    def _scan_loop(self, watch: Watch) -> None:
        while not self.engine.stopping.is_set():
            self._woken.clear()
            watch.check()
            soon = self.scan()
            if soon != 0:
                self._woken.wait(self.settings.scan if soon is None else min(soon, self.settings.scan))

    def _join(self, threads: list[threading.Thread]) -> None:
        """Let threads come to rest; preparing is cut short at half the time, for it can be done again."""
        deadline = time.monotonic() + _STOP
        for thread in threads:
            thread.join(max(0.0, deadline - _STOP / 2 - time.monotonic()))
        self.workers.kill()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask for a clean stop while this is open."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, _frame: FrameType | None) -> None:
            say("agent.stopping", signal=signal.Signals(number).name)
            self.engine.stopping.set()
            self._woken.set()

        before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
