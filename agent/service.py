"""The agent as a running thing: one per state folder, started through the gate, stopped at a safe point.

Holds the lock, opens spool and ledger, has the drop folders scanned and lets the engine do the rest. The main
thread only waits for signals; all work is done in threads, so that a stop takes no longer than `_STOP`
whatever they are at. SIGHUP has the scanning thread read the settings again; wrong ones change nothing. It
decides nothing about files.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from filelock import FileLock, Timeout

from agent.acks import open_source
from agent.channels import open_channel
from agent.engine import Engine
from agent.errors import AgentError, SettingsError
from agent.ledger.ledger import Ledger
from agent.log import say
from agent.monitor import MonitorError
from agent.notify import Notifier
from agent.preparing.usable import renewed
from agent.scanning import Scanner
from agent.settings.secrets import reveal
from agent.spool import Spool
from agent.stages.context import Context, Stop
from agent.vitals import Vitals
from agent.watch import Watch
from agent.ways import open_way
from agent.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from agent.acks.base import Source
    from agent.channels.base import Channel
    from agent.settings.models import AckOptions, Destination, Settings, WayOptions
    from agent.ways.base import Way

_SCRATCH_AGE = 3600.0  # seconds after which scratch of another run is swept
_BEAT = 0.5  # seconds until the main thread looks whether it was told to stop
_GRACE = 10.0  # seconds threads have to come to rest by themselves
_STOP = 25.0  # seconds after which those that have not are left behind
_PATIENCE = 60.0  # seconds a pass waits at least for files that do not settle
_REFUSED = "new settings were read and refused, because they have mistakes"


class AlreadyRunningError(AgentError):
    """Another agent has the state folder."""

    exit = 75  # try again later


class Agent:
    """One agent on one state folder; a context manager that holds the lock.

    Args:
        settings: what it works with.
        source: where the settings are read again at SIGHUP; without it SIGHUP asks for a stop.
        notifier: the way to systemd.

    """

    engine: Engine
    ledger: Ledger
    scanner: Scanner
    vitals: Vitals

    def __init__(
        self, settings: Settings, source: Path | None = None, notifier: Notifier | None = None
    ) -> None:
        self.settings = settings
        self.workers = Workers(settings.limits)
        self._source = source
        self._notifier = notifier or Notifier({})
        self._threads: list[threading.Thread] = []
        self._renew = False  # the settings are to be read again
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
            self.vitals.close()
            self.engine.close()
            self.workers.close()
            if not self._left_behind:  # else threads still use them; the system closes them
                self.scanner.close()
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
        self.engine = Engine(context, self._channel, self._answers, self._way)
        self.engine.recover()
        self.vitals = Vitals(self.ledger, self.settings.scan, self._notifier)
        self.vitals.pulse.failure = lambda: self.engine.failure
        self.scanner = Scanner(self.engine, self.vitals.alive)
        say("agent.started", feeds=len(self.settings.feeds), state=str(self.settings.state))

    def _channel(self, destination: Destination) -> Channel:
        return open_channel(destination, lambda secret: reveal(secret, self.settings.folder))

    def _answers(self, options: AckOptions) -> Source:
        return open_source(options, self.settings, lambda secret: reveal(secret, self.settings.folder))

    def _way(self, options: WayOptions) -> Way:
        return open_way(options, lambda secret: reveal(secret, self.settings.folder))

    def once(self) -> None:
        """Make one pass: wait for what is settling, do all that is due, tell; return when nothing is due now.

        Raises:
            AgentError: the agent cannot go on.

        """
        self._work([self.engine.crew.guarded("pass", self._pass)])

    def run(self) -> None:
        """Work until told to stop (SIGTERM, SIGINT); at SIGHUP read the settings again.

        Raises:
            AgentError: the agent cannot go on.

        """
        self.vitals.listen(self.settings.monitor)
        self.engine.heard = self.vitals.figures.heard
        self.workers.start()
        self._work([self.engine.crew.guarded("scan", self._scan_loop), *self.engine.crew.threads()])

    def _pass(self) -> None:
        patience = max([_PATIENCE, *(2 * feed.settle for feed in self.settings.feeds.values())])
        waiting, since = self.scanner.scan(), time.monotonic()
        while not self._stop.asked:
            if self.engine.drain():
                since = time.monotonic()
            elif waiting is None or time.monotonic() - since > patience:
                self.engine.tell()
                return
            else:
                self._woken.wait(min(waiting, self.settings.scan))
            waiting = self.scanner.scan()

    def _scan_loop(self) -> None:
        watch = Watch(
            self.scanner.folders, self._woken.set, lambda words: say("folder.degraded", reason=words)
        )
        watch.start()
        try:
            while not self._stop.asked:
                self._woken.clear()
                if self._renew:
                    self._renew = False
                    self._reload()
                watch.watch_over(self.scanner.folders)
                watch.check()
                begun = time.monotonic()
                soon = self.scanner.scan()
                self.vitals.scanned(time.monotonic() - begun, len(self.settings.feeds))
                if soon != 0:
                    scan = self.settings.scan
                    self.vitals.rest(self._woken, scan if soon is None else min(soon, scan))
        finally:
            watch.stop()

    def _reload(self) -> None:
        """Go on with the settings as they are in their files now, or with the old ones where those are wrong."""
        self.vitals.reloading()
        try:
            settings = renewed(self.settings, self._source or self.settings.folder)
            self.vitals.listen(settings.monitor)
        except (SettingsError, MonitorError) as error:
            self.vitals.refused(error)
            self.engine.board.trouble("settings", _REFUSED)
            return
        self.settings = settings
        self.workers.take_over(settings.limits)
        self.engine.take_over(settings)
        made = self.engine.crew.newcomers()
        for thread in made:
            thread.start()
        self._threads = [thread for thread in self._threads if thread.is_alive()] + made
        self.scanner.take_over()
        self.vitals.taken_over(settings)
        self.engine.board.over("settings")

    def _work(self, threads: Sequence[threading.Thread]) -> None:
        """Let threads work until the first one has ended or a stop is asked for; then bring all to rest."""
        self._threads = list(threads)
        for thread in threads:
            thread.start()
        while not self._stop.asked and threads[0].is_alive():
            threads[0].join(_BEAT)
            if self._renew:
                self._woken.set()
        if self._signal:
            say("agent.stopping", signal=signal.Signals(self._signal).name)
        self.vitals.stopping()
        if any(thread.is_alive() for thread in self._threads):
            self._come_to_rest()
        if self.engine.failure is not None:
            say("agent.failed", reason=str(self.engine.failure))
            raise self.engine.failure

    def _come_to_rest(self) -> None:
        """Wait for a safe point; cut short what takes too long, for it can be done, or looked for, again."""
        begun = time.monotonic()
        self.engine.stop()
        self._woken.set()
        _join(self._threads, begun + _GRACE)
        if any(thread.is_alive() for thread in self._threads):
            self.workers.kill()
            self.engine.cut()
            _join(self._threads, begun + _STOP)
        if late := [thread.name for thread in self._threads if thread.is_alive()]:
            self._left_behind = True
            self.engine.recover()  # from here on the ledger lets them publish nothing
            say("step.abandoned", threads=late)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Have SIGTERM and SIGINT ask for a clean stop, SIGHUP for other settings, while this is open."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(number: int, _frame: FrameType | None) -> None:  # takes no lock: it may come at any point
            if number == signal.SIGHUP and self._source is not None:
                self._renew = True
                return
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
