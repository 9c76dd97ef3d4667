"""Tells systemd how the agent is (sd_notify(3)): ready, alive, reloading, stopping, and one line for people.

A few datagrams to the socket that $NOTIFY_SOCKET names; without it, nothing happens. What goes wrong here is
let go: an agent that cannot say that it is well works on, and the watchdog then judges.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MICRO = 1_000_000  # microseconds of a second
_LONGEST = 500  # characters of a status line


class Notifier:
    """One way to the service manager; safe to use from several threads.

    Args:
        environment: where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are looked for.

    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self.watchdog = _watchdog(environment)  # seconds within which `alive` has to come; 0: nobody waits
        self._status = ""

    @property
    def heard(self) -> bool:
        """Whether anybody wants to know."""
        return self._address.startswith(("/", "\0"))

    def ready(self) -> None:
        """Say that the agent does its work; after `reloading`, that it has the new settings or the old."""
        self._send("READY=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        if self.watchdog:
            self._send("WATCHDOG=1")

    def status(self, words: str) -> None:
        """Say in one line how things stand, unless that was the last thing that was heard."""
        line = " ".join(words.split())[:_LONGEST]
        if line != self._status and self._send(f"STATUS={line}"):
            self._status = line

    def reloading(self) -> None:
        """Say that settings are being read again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the agent comes to rest."""
        self._send("STOPPING=1")

    def _send(self, words: str) -> bool:
        """Send a word; tell whether it went."""
        if not self.heard:
            return False
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
            way.settimeout(0)  # a manager that does not read must not hold the agent up
            way.sendto(words.encode(), self._address)
            return True
        return False


def _watchdog(environment: Mapping[str, str]) -> float:
    """Return the seconds of WATCHDOG_USEC, 0 where there are none or they are meant for another process."""
    meant, span = environment.get("WATCHDOG_PID", ""), environment.get("WATCHDOG_USEC", "")
    if meant not in {"", str(os.getpid())} or not (span.isascii() and span.isdecimal()):
        return 0.0
    return int(span) / _MICRO
