"""Deadlines for libraries that have none: a thread that shuts the socket when time is up.

Shutting the socket frees a caller stuck anywhere in paramiko, smtplib, ftplib or imaplib, at every stage, at
once. Two limits: nothing answered for `idle` seconds, and `overall` seconds for everything between `begin` and
`end`. Monotonic time; when the whole machine stood still (suspended, stopped), the time lost is not held against
the far side.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from time import monotonic
from typing import Protocol

_LATE = 2.0  # seconds the thread may wake late before it believes that the machine stood still


class Shut(Protocol):
    """What can be shut from another thread: a socket, or several that belong together."""

    def shutdown(self, how: int, /) -> None:
        """Shut it; who waits for it wakes up."""


class Watchdog:
    """Watches one socket (or several as one); `expired` says in words why it was shut, and is empty until then."""

    def __init__(self, sock: Shut) -> None:
        self.expired = ""
        self._sock = sock
        self._changed = threading.Condition()
        self._finished = False
        self._idle = 0.0
        self._overall = 0.0
        self._until: float | None = None  # None: nothing is being waited for
        self._moved = 0.0
        self._wakes = 0.0  # when the thread will look next
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def begin(self, overall: float, idle: float) -> None:
        """Start both limits, in seconds."""
        with self._changed:
            self._moved = monotonic()
            self._overall, self._idle = overall, idle
            self._until = self._moved + overall
            if self._wakes > self._moved + min(idle, overall):
                self._changed.notify()

    def progress(self) -> None:
        """Note that the far side answered."""
        self._moved = monotonic()

    def end(self) -> None:
        """Nothing is being waited for any more."""
        self._until = None

    def close(self) -> None:
        """Stop watching; safe to call twice."""
        with self._changed:
            self._finished = True
            self._changed.notify()
        self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._finished and not self.expired:
                now = monotonic()
                due, why = self._due()
                if now < due:
                    self._wakes = due
                    self._changed.wait(min(due - now, threading.TIMEOUT_MAX))
                    self._forgive(monotonic() - self._wakes)
                else:
                    self.expired = why
        if self.expired:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def _due(self) -> tuple[float, str]:
        until, silent = self._until, self._moved + self._idle
        if until is None:
            return float("inf"), ""
        if silent < until:
            return silent, f"no answer for {self._idle:g} s"
        return until, f"not done within {self._overall:g} s"

    def _forgive(self, late: float) -> None:
        if late > _LATE and self._until is not None:
            self._until += late
            self._moved += late
