"""What others are told about a running agent: systemd, whoever asks the monitor, and one line for people."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from agent.errors import SettingsError
from agent.feedback.wording import count
from agent.log import say
from agent.monitor import Figures, Monitor, Pulse
from agent.states import BatchState

if TYPE_CHECKING:
    import threading

    from agent.errors import AgentError
    from agent.ledger.ledger import Ledger
    from agent.notify import Notifier
    from agent.settings import models

_TELL = 2.0  # seconds between two looks at how things stand
_MANY = 20  # mistakes in settings that are logged
_STANDING = {
    BatchState.READY: "waiting",
    BatchState.DEFERRED: "waiting",
    BatchState.SENDING: "waiting",
    BatchState.HELD: "held",
    BatchState.IN_DOUBT: "in doubt",
}


class Vitals:
    """Told by the loop that looks into the folders, which is what shows that the agent lives.

    Args:
        ledger: where batches stand.
        scan: seconds between two scans.
        notifier: the way to systemd.

    """

    def __init__(self, ledger: Ledger, scan: float, notifier: Notifier) -> None:
        self.pulse = Pulse(scan)
        self.figures = Figures(ledger, self.pulse, time.time)
        self._ledger, self._notifier = ledger, notifier
        self._monitor: Monitor | None = None
        self._refused = ""  # the first mistake in settings that were not taken over
        self._fed_at = self._told_at = -math.inf

    def alive(self) -> None:
        """Feed the watchdog, if it is time to; to be called only where work goes on."""
        now = time.monotonic()
        if now - self._fed_at >= self._notifier.watchdog / 12:
            self._fed_at = now
            self._notifier.alive()

    def rest(self, woken: threading.Event, seconds: float) -> None:
        """Wait until woken or for so long, feeding the watchdog meanwhile."""
        pause = self._notifier.watchdog / 4 or math.inf
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not woken.wait(min(left, pause)):
            self.alive()

    def scanned(self, seconds: float, feeds: int) -> None:
        """Note a finished scan of all folders; the first one makes the agent ready."""
        self.pulse.scanned(seconds)
        self.alive()
        if first := self.pulse.scans == 1:
            self._notifier.ready()
            say("agent.ready", seconds=round(seconds, 3))
        if self._notifier.heard and (first or time.monotonic() - self._told_at >= _TELL):
            self._told_at = time.monotonic()
            self._notifier.status(self._standing(feeds))

    def listen(self, wanted: models.Monitor | None) -> None:
        """Answer where the settings say; the place before is given up once the new one is had.

        Raises:
            MonitorError: the address cannot be had.

        """
        before, listen = self._monitor, wanted.listen if wanted else ""
        if listen == (before.listen if before else ""):
            return
        made = Monitor(listen, self.pulse, self.figures) if listen else None
        if made is not None:
            made.start()
            say("monitor.listening", listen=listen)
        self._monitor = made
        if before is not None:
            before.stop()

    def reloading(self) -> None:
        """Say that settings are being read again."""
        if self.pulse.scans:  # else nobody was told yet that the agent is ready
            self._notifier.reloading()

    def refused(self, error: AgentError) -> None:
        """Say that new settings are wrong, and that the old ones stay."""
        problems = error.problems if isinstance(error, SettingsError) else (error,)
        lines = [str(problem).partition("\n")[0] for problem in problems]
        say("settings.refused", problems=lines[:_MANY], count=len(lines))
        self.figures.reloaded("refused")
        self._refused = lines[0] if lines else "nobody can say why"
        self._reloaded()

    def taken_over(self, settings: models.Settings) -> None:
        """Say that new settings are in use."""
        self.pulse.interval = settings.scan
        say("settings.reloaded", feeds=len(settings.feeds), destinations=len(settings.destinations))
        self.figures.reloaded("taken")
        self._refused = ""
        self._reloaded()

    def stopping(self) -> None:
        """Say that the agent comes to rest."""
        self.pulse.stopping = True
        self._notifier.stopping()

    def close(self) -> None:
        """Answer no more."""
        self.listen(None)

    def _reloaded(self) -> None:
        self._told_at = -math.inf  # the next scan tells how things stand now
        if self.pulse.scans:
            self._notifier.ready()

    def _standing(self, feeds: int) -> str:
        found = dict.fromkeys(_STANDING.values(), 0)
        for (_, state), number in self._ledger.batches_by_destination(tuple(_STANDING)).items():
            found[_STANDING[BatchState(state)]] += number
        found["overdue an answer"] = sum(self._ledger.overdue_by_destination().values())
        parts = [f"{count(number, 'batch', 'batches')} {word}" for word, number in found.items() if number]
        words = f"{count(feeds, 'feed')} watched; {', '.join(parts) or 'nothing waits'}"
        return f"{words}; new settings were refused: {self._refused}" if self._refused else words
