"""Runs preparing and unpacking in limited child processes, so that no file can take the agent down.

A small process with everything imported stands by and forks a fresh child for each file (a few milliseconds).
A child that dies, is silent for too long or runs over a limit is a `WorkerBroke`; the stage decides what
follows. Where no child can be had at all the file is not at fault: that is a `NoWorkerError`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, TypeVar

from agent.dialogue import END, Dialogue
from agent.errors import AgentError, WorkerBroke
from agent.preparing.job import Prepared
from agent.preparing.unpacked import Unpacked
from agent.spool import disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.preparing.job import Job
    from agent.preparing.remembered import Ask
    from agent.preparing.unpacked import Unpacking
    from agent.settings.models import Limits

_START = 60.0  # seconds for the standing process to be ready
_SOON = 0.2  # seconds in which a process whose pipe has ended has ended, too

_T = TypeVar("_T")


class NoWorkerError(AgentError):
    """No process to prepare files in can be had: the machine is short of something, or we are broken."""


class TemplateUnusableError(WorkerBroke):
    """The feed's template or header is wrong: no file can help, a person must mend the settings."""


class Workers:
    """Prepares files in children; usable from several threads at once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._at_work: set[Dialogue] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Start the standing process now rather than at the first file.

        Raises:
            NoWorkerError: it does not start.

        """
        with self._lock:
            self._standing()

    def take_over(self, limits: Limits) -> None:
        """Hold files to other limits from the next one on."""
        self._limits = limits

    def prepare(
        self, job: Job, progress: Callable[[int], None] = lambda _: None, ask: Ask = lambda _: None
    ) -> Prepared:
        """Prepare one file in a fresh child; `ask` answers what it asks about orders that were sent before.

        Raises:
            WorkerBroke: the child died, ran over a limit or answered nonsense.
            TemplateUnusableError: the feed's template cannot be used.
            NoWorkerError: no child can be had.
            SpoolError: the job could not be written.

        """
        word = self._done("prepare", job.to_json(), job.scratch, progress, ask)
        return _outcome(word, "prepared", Prepared.from_json)

    def unpack(self, unpacking: Unpacking) -> Unpacked:
        """Take an archive apart in a fresh child; what was inside lies in the scratch folder.

        Raises:
            WorkerBroke: the child died, ran over a limit or answered nonsense.
            NoWorkerError: no child can be had.
            SpoolError: the job could not be written.

        """
        word = self._done("unpack", unpacking.to_json(), unpacking.scratch)
        return _outcome(word, "unpacked", Unpacked.from_json)

    def _done(
        self,
        work: str,
        text: str,
        scratch: Path,
        progress: Callable[[int], None] = lambda _: None,
        ask: Ask = lambda _: None,
    ) -> dict[str, object]:
        """Have some work done; return the child's last word."""
        order = scratch / "job.json"
        with disk.said_plainly("write a job for the preparing process"):
            order.write_text(text, encoding="utf-8")
        message = {"job": str(order), "work": work}
        word = self._ordered(message, progress, ask) or self._ordered(message, progress, ask)
        if word is None:
            raise NoWorkerError("the preparing process died twice before it could begin")
        return word

    def _ordered(
        self, message: dict[str, str], progress: Callable[[int], None], ask: Ask
    ) -> dict[str, object] | None:
        """Have a child do what is ordered; return its last word, None where no child was ever made."""
        ours, theirs = _pipe()
        talk = Dialogue(ours, self._limits.time, progress, ask)
        try:
            try:
                process = self._send({**message, "limits": self._limits.model_dump()}, theirs)
            finally:
                os.close(theirs)
            with self._lock:
                self._at_work.add(talk)
            talk.begin()
            try:
                return talk.last()
            except WorkerBroke:
                if talk.begun or not _has_ended(process):
                    raise
                return None  # the standing process died with the order in its hands
        finally:
            with self._lock:
                self._at_work.discard(talk)
            talk.close()

    def kill(self) -> None:
        """Cut short what is being prepared: it is done again at the next start."""
        with self._lock:
            at_work = tuple(self._at_work)
        for talk in at_work:
            talk.kill()

    def close(self) -> None:
        """End the standing process; children at work end when they next report."""
        with self._lock:
            self._let_go()

    def _send(self, message: dict[str, object], pipe: int) -> subprocess.Popen[bytes] | None:
        """Hand an order to the standing process; return that process."""
        order = json.dumps(message).encode()
        with self._lock:
            try:
                socket.send_fds(self._standing(), [order], [pipe])
            except OSError:  # it died: start another
                self._let_go()
                try:
                    socket.send_fds(self._standing(), [order], [pipe])
                except OSError as error:
                    raise NoWorkerError(
                        f"the preparing process cannot be reached: {error.strerror}"
                    ) from error
            return self._process

    def _standing(self) -> socket.socket:
        if self._process is not None and self._process.poll() is None and self._socket is not None:
            return self._socket
        self._let_go()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "agent.preparing.child"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    close_fds=True,
                    env=_environment(),
                )
            except OSError as error:
                self._let_go()
                raise NoWorkerError(f"the preparing process cannot be started: {error.strerror}") from error
        self._wait_for(ours)
        return ours

    def _wait_for(self, ours: socket.socket) -> None:
        ours.settimeout(_START)
        try:
            ready = ours.recv(64)
        except OSError:  # it was silent for too long, or went at once
            ready = b""
        if not ready:
            self._let_go()
            raise NoWorkerError("the preparing process does not start; is the installation whole?")
        ours.settimeout(None)

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._socket = None


def _has_ended(process: subprocess.Popen[bytes] | None) -> bool:
    try:
        return process is None or process.wait(_SOON) is not None
    except subprocess.TimeoutExpired:
        return False


def _pipe() -> tuple[int, int]:
    """Make a pipe that goes both ways."""
    try:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return ours.detach(), theirs.detach()
    except OSError as error:
        raise NoWorkerError(f"no file can be prepared now: {error.strerror}") from error


def _environment() -> dict[str, str]:
    """Just what an interpreter needs: no secret travels by environment."""
    kept = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "TZ")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _outcome(word: dict[str, object], wanted: str, read: Callable[[str], _T]) -> _T:
    """Return what a child's last word hands over under the name wanted."""
    if "refused" in word:
        problems = word["refused"]
        raise TemplateUnusableError("; ".join(problems) if isinstance(problems, list) else str(problems))
    if "broke" in word:
        raise WorkerBroke(str(word["broke"]))
    try:
        return read(str(word[wanted]))
    except (KeyError, TypeError, ValueError) as error:
        raise WorkerBroke("the preparing process answered nonsense") from error
