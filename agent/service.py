"""The agent as a running thing: one per state folder, started through the gate, stopped at a safe point.

Holds the lock, opens spool and ledger, scans the drop folders and lets the engine do the rest. The main
thread only waits for signals; all work is done in threads, so that a stop takes no longer than `_STOP`
whatever they are at. It decides nothing about files.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from filelock import FileLock, Timeout

from agent.acks import open_source
from agent.channels import open_channel
from agent.engine import Engine
from agent.errors import AgentError
from agent.ledger.ledger import Ledger
from agent.log import say
from agent.settings.secrets import reveal
from agent.spool import Spool
from agent.stages.context import Context, Stop
from agent.stages.intake import Intake, make_folders
from agent.states import SubmissionState
from agent.watch import Watch
from agent.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from agent.acks.base import Source
    from agent.channels.base import Channel
    from agent.settings.models import AckOptions, Destination, Settings
    from agent.stages.intake import ScanResult

_SCRATCH_AGE = 3600.0  # seconds after which scratch of another run is swept
_BEAT = 0.5  # seconds until the main thread looks whether it was told to stop
_GRACE = 10.0  # seconds threads have to come to rest by themselves
_STOP = 25.0  # seconds after which those that have not are left behind
_PATIENCE = 60.0  # seconds a pass waits at least for files that do not settle
_ASIDE = {
    SubmissionState.QUARANTINED: "submission.quarantined",
    SubmissionState.REJECTED: "submission.rejected",
    SubmissionState.DUPLICATE: "submission.repeated",
}


class AlreadyRunningError(AgentError):
    """Another agent has the state folder."""

    exit = 75  # try again later


class Agent:
    """One agent on one state folder; a context manager that holds the lock."""

    engine: Engine
    ledger: Ledger

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workers = Workers(settings.limits)
        self.intakes: list[Intake] = []
        self.unsettled = 0  # files that the last scan of all folders left where they are
        self._lock = FileLock(settings.state / "lock", timeout=0)
        self._woken = threading.Event()
        self._stop = Stop()
        self._signal = 0
        self._left_behind = False

    def __enter__(self) -> Self:
        self.settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as undo:
            try:
                self._lock.acquire()
            except Timeout as error:
                raise AlreadyRunningError(f"another agent works on {self.settings.state}") from error
            undo.callback(self._lock.release)
            undo.enter_context(self._listening())
            self._open()
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self._undo:
            self.engine.close()
            self.workers.close()
            if not self._left_behind:  # else threads still use them; the system closes them
                for intake in self.intakes:
                    intake.close()
                self.ledger.close()
        say("agent.stopped")

    def _open(self) -> None:
        spool = Spool(self.settings.state)
        spool.make()
        self.ledger = Ledger.open(self.settings.state / "ledger.db", must_exist=not spool.is_empty())
        with ExitStack() as until_open:
            until_open.callback(self.ledger.close)
            self._begin(spool)
            until_open.pop_all()

    def _begin(self, spool: Spool) -> None:
        if swept := spool.sweep(_SCRATCH_AGE, time.time()):
            say("spool.swept", files=len(swept))
        if orphans := spool.orphans(self.ledger.known_paths()):
            say("spool.orphaned", files=len(orphans))
        dice = random.SystemRandom().random
        context = Context(self.settings, self.ledger, spool, self.workers, time.time, dice, self._stop)
        self.engine = Engine(context, self._channel, self._source)
        self.engine.recover()
        for name, feed in self.settings.feeds.items():
            folder = context.folder(name)
            with suppress(OSError):  # the scan says what is wrong with it
                make_folders(folder)
            self.intakes.append(Intake(feed, folder, self.ledger, spool))
            self.engine.arrivals.expect(name)
        say("agent.started", feeds=len(self.intakes), state=str(self.settings.state))

    def _channel(self, destination: Destination) -> Channel:
        return open_channel(destination, lambda secret: reveal(secret, self.settings.folder))

    def _source(self, options: AckOptions) -> Source:
        return open_source(options, self.settings, lambda secret: reveal(secret, self.settings.folder))

    def scan(self) -> float | None:
        """Scan every folder once; return the seconds until another scan is worth while, None for no need."""
        waits: list[float] = []
        unsettled = 0
        for name, intake in zip(self.settings.feeds, self.intakes, strict=True):
            now = time.time()
            self.engine.arrivals.begin(name, now)
            result = self.engine.survive(name, partial(intake.scan, now, time.monotonic()))
            self.engine.arrivals.end(name, more=result is not None and result.next_look == 0)
            if result is None:
                unsettled += 1
                continue
            self._tell(result)
            unsettled += result.waiting + any(notice.fault.code == "E-FOLDER" for notice in result.findings)
            if result.next_look is not None:
                waits.append(result.next_look)
        self.unsettled = unsettled
        return min(waits, default=None)

    def _tell(self, result: ScanResult) -> None:
        for notice in result.news:
            facts = {"feed": notice.feed, "file": notice.name} if notice.name else {"feed": notice.feed}
            say("folder.troubled", **facts, code=notice.fault.code, reason=notice.fault.words)
        for subject in result.taken:
            say("submission.taken", submission=subject)
        for subject in result.aside:
            found = self.ledger.submission(subject)
            event = _ASIDE.get(SubmissionState(found.state)) if found else None
            say(event or "submission.taken", submission=subject, reason=found.reason if found else "")
        if self.engine.touched is not None:
            self.engine.touched.update((*result.taken, *result.aside))
        if result.taken or result.aside:
            self.engine.ring()

    def once(self) -> None:
        """Make one pass: wait for what is settling, prepare, deliver, close; return when nothing is due now.

        Raises:
            AgentError: the agent cannot go on.

        """
        self._work([self.engine.crew.guarded("pass", self._pass)])

    def run(self) -> None:
        """Work until told to stop (SIGTERM, SIGINT, SIGHUP).

        Raises:
            AgentError: the agent cannot go on.

        """
        self.workers.start()
        self._work([self.engine.crew.guarded("scan", self._scan_loop), *self.engine.crew.threads()])

    def _pass(self) -> None:
        patience = max([_PATIENCE, *(2 * feed.settle for feed in self.settings.feeds.values())])
        waiting, since = self.scan(), time.monotonic()
        while not self._stop.asked:
            if self.engine.drain():
                since = time.monotonic()
            elif waiting is None or time.monotonic() - since > patience:
                return
            else:
                self._woken.wait(min(waiting, self.settings.scan))
            waiting = self.scan()

    def _scan_loop(self) -> None:
        watch = Watch(
            [self.settings.drop / name for name in self.settings.feeds],
            self._woken.set,
            lambda words: say("folder.degraded", reason=words),
        )
        watch.start()
        try:
            while not self._stop.asked:
                self._woken.clear()
                watch.check()
                soon = self.scan()
                if soon != 0:
                    self._woken.wait(self.settings.scan if soon is None else min(soon, self.settings.scan))
        finally:
            watch.stop()

    def _work(self, threads: Sequence[threading.Thread]) -> None:
        """Let threads work until one has ended or a stop is asked for; then bring all to rest."""
        for thread in threads:
            thread.start()
        while not self._stop.asked and all(thread.is_alive() for thread in threads):
            threads[0].join(_BEAT)
        if self._signal:
            say("agent.stopping", signal=signal.Signals(self._signal).name)
        if any(thread.is_alive() for thread in threads):
            self._come_to_rest(threads)
        if self.engine.failure is not None:
            say("agent.failed", reason=str(self.engine.failure))
            raise self.engine.failure

    def _come_to_rest(self, threads: Sequence[threading.Thread]) -> None:
        """Wait for a safe point; cut short what takes too long, for it can be done, or looked for, again."""
        begun = time.monotonic()
        self.engine.stop()
        self._woken.set()
        _join(threads, begun + _GRACE)
        self.workers.kill()
        self.engine.cut()
        _join(threads, begun + _STOP)
        if late := [thread.name for thread in threads if thread.is_alive()]:
            self._left_behind = True
            self.engine.recover()  # from here on the ledger lets them publish nothing
            say("step.abandoned", threads=late)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Have SIGTERM, SIGINT and SIGHUP ask for a clean stop while this is open."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(number: int, _frame: FrameType | None) -> None:  # takes no lock: it may come at any point
            self._signal = number
            self._stop.ask()

        numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
        heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, asked) for number in heard}
        try:
            yield
        finally:
            for number, former in before.items():
                signal.signal(number, former)


def _join(threads: Sequence[threading.Thread], deadline: float) -> None:
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
