"""Runs preparing in limited child processes, so that no file can take the agent down.

A small process with everything imported stands by and forks a fresh child for each file (a few milliseconds). A child
that dies, is silent for too long or runs over a limit is a `WorkerBroke`; the stage decides what follows.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from agent.errors import WorkerBroke
from agent.preparing.job import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.preparing.job import Job
    from agent.settings.models import Limits

_START = 60.0  # seconds for the standing process to be ready


class TemplateUnusableError(WorkerBroke):
    """The feed's template or header is wrong: no file can help, a person must mend the settings."""


class Workers:
    """Prepares files in children; usable from several threads at once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._at_work: set[_Answers] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Start the standing process now rather than at the first file."""
        with self._lock:
            self._standing()

    def prepare(self, job: Job, progress: Callable[[int], None] = lambda _: None) -> Prepared:
        """Prepare one file in a fresh child.

        Raises:
            WorkerBroke: the child died, ran over a limit or answered nonsense.
            TemplateUnusableError: the feed's template cannot be used.
        """
        order = job.scratch / "job.json"
        order.write_text(job.to_json(), encoding="utf-8")
        reading, writing = os.pipe()
        try:
            try:
                self._send({"job": str(order), "limits": self._limits.model_dump()}, writing)
            finally:
                os.close(writing)
            answers = _Answers(reading, self._limits.time, progress)
            self._at_work.add(answers)
            try:
                return _outcome(answers.last())
            finally:
                self._at_work.discard(answers)
        finally:
            os.close(reading)

    def kill(self) -> None:
        """Cut short what is being prepared: it is done again at the next start."""
        for answers in tuple(self._at_work):
            answers.kill()

    def close(self) -> None:
        """End the standing process; children at work end when they next report."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            if self._process is not None:
                try:
                    self._process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
            self._process = self._socket = None

    def _send(self, message: dict[str, object], pipe: int) -> None:
        data = json.dumps(message).encode()
        with self._lock:
            for attempt in (1, 2):
                try:
                    socket.send_fds(self._standing(), [data], [pipe])
                except OSError as error:
                    self._process = None  # it died: start another
                    if attempt == 2:  # noqa: PLR2004 - the second and last attempt
                        raise WorkerBroke(f"the preparing process cannot be reached: {error.strerror}") from error
                else:
                    return

    def _standing(self) -> socket.socket:
        if self._process is not None and self._process.poll() is None and self._socket is not None:
            return self._socket
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agent.preparing.child"],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                close_fds=True,
                env=_environment(),
            )
        ours.settimeout(_START)
        try:
            ready = ours.recv(64)
        except TimeoutError as error:
            raise WorkerBroke("the preparing process does not start") from error
        if not ready:
            raise WorkerBroke("the preparing process cannot start; is the installation whole?")
        ours.settimeout(None)
        self._socket = ours
        return ours


def _environment() -> dict[str, str]:
    """Just what an interpreter needs: no secret travels by environment."""
    kept = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "TZ")
    return {name: os.environ[name] for name in kept if name in os.environ}


class _Answers:
    """Reads a child's lines until its last word, its end, or the time limit."""

    def __init__(self, pipe: int, seconds: float, progress: Callable[[int], None]) -> None:
        self._pipe, self._progress = pipe, progress
        self._deadline = time.monotonic() + seconds
        self._pid = 0

    def last(self) -> dict[str, object]:
        """Return the child's last word.

        Raises:
            WorkerBroke: it gave none, or ran out of time.
        """
        rest = b""
        while True:
            wait = self._deadline - time.monotonic()
            if wait <= 0 or not select.select([self._pipe], [], [], wait)[0]:
                self.kill()
                raise WorkerBroke("preparing took longer than the limits allow")
            block = os.read(self._pipe, 1 << 16)
            if not block:
                raise WorkerBroke("the preparing process died (out of memory or time, or a crash)")
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                word = json.loads(line)
                if "pid" in word:
                    self._pid = word["pid"]
                elif "records" in word:
                    self._progress(word["records"])
                else:
                    return dict(word)

    def kill(self) -> None:
        """End the child; its pipe then ends too."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)  # alive: it holds the pipe's other end


def _outcome(word: dict[str, object]) -> Prepared:
    if "refused" in word:
        problems = word["refused"]
        raise TemplateUnusableError("; ".join(problems) if isinstance(problems, list) else str(problems))
    if "broke" in word:
        raise WorkerBroke(str(word["broke"]))
    try:
        return Prepared.from_json(str(word["prepared"]))
    except (KeyError, TypeError, ValueError) as error:
        raise WorkerBroke("the preparing process answered nonsense") from error
