"""What the agent and a preparing child say to each other over one stream, in lines of JSON.

The child tells how far it is and how it ended, and may ask what was sent before; it is ended when its time is up.
"""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import WorkerBroke

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.preparing.remembered import Ask

END = 5.0  # seconds for a process to end when it was told to


class Dialogue:
    """Reads a child's lines, and answers its questions, until its last word, its end, or the time limit."""

    def __init__(self, pipe: int, seconds: float, progress: Callable[[int], None], ask: Ask) -> None:
        self._pipe, self._progress, self._ask = pipe, progress, ask
        self._seconds = seconds
        self._deadline = 0.0
        self._rest = b""
        self._lock = threading.Lock()
        self._child = -1  # a descriptor that stands for the child, and for no other process
        self._cut = False
        self.begun = False  # whether there ever was a child

    def begin(self) -> None:
        """Let the time run: the child has its order."""
        self._deadline = time.monotonic() + self._seconds

    def last(self) -> dict[str, object]:
        """Return the child's last word.

        Raises:
            WorkerBroke: it gave none, or ran out of time.

        """
        while True:
            words = self._heard(self._deadline - time.monotonic())
            if words is None:
                self.kill()
                if not self.begun:  # its first word tells whom to end
                    self._heard(END)
                raise WorkerBroke("preparing took longer than the limits allow")
            for word in words:
                if "records" in word:
                    self._progress(word["records"])
                elif "question" in word:
                    self._answer(Path(word["question"]))
                else:
                    return word

    def _answer(self, question: Path) -> None:
        """Answer the child; the time that takes is not its own."""
        begun = time.monotonic()
        found = self._ask(question)
        word = json.dumps({"answer": str(found) if found else ""}) + "\n"
        with suppress(OSError):  # it died meanwhile: its pipe ends
            os.write(self._pipe, word.encode())
        self._deadline += time.monotonic() - begun

    def _heard(self, seconds: float) -> list[dict[str, Any]] | None:
        """Wait for words of the child and return them but for its first; None when none came in time."""
        poll = select.poll()  # unlike select, it knows descriptors beyond the 1,024th
        poll.register(self._pipe, select.POLLIN)
        if seconds <= 0 or not poll.poll(seconds * 1000):
            return None
        try:
            block = os.read(self._pipe, 1 << 16)
        except ConnectionResetError:  # it died with an answer unread
            block = b""
        if not block:
            raise WorkerBroke("the preparing process died (out of memory or time, or a crash)")
        *lines, self._rest = (self._rest + block).split(b"\n")
        words = [json.loads(line) for line in lines]
        for word in words:
            if "pid" in word:
                self.begun = True
                self._hold(word["pid"])
        return [word for word in words if "pid" not in word]

    def kill(self) -> None:
        """End the child, or have it ended once it is known; its pipe then ends too."""
        with self._lock:
            self._cut = True
            self._end()

    def close(self) -> None:
        """Let go of the child and its pipe."""
        with self._lock:
            os.close(self._pipe)
            if self._child >= 0:
                os.close(self._child)
            self._child = -1

    def _hold(self, number: int) -> None:
        with self._lock:
            with suppress(ProcessLookupError):  # it died meanwhile: its pipe ends
                self._child = os.pidfd_open(number)
            if self._cut:
                self._end()

    def _end(self) -> None:
        if self._child >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._child, signal.SIGKILL)
