"""A very small HTTP server: /metrics, /healthz and /readyz, for GET and HEAD, on one address.

It reads no more than the head of a request, waits no longer than a few seconds for it, answers a few at a time and
turns the rest away, so that whoever reaches it can neither fill the memory nor hold the agent up. Its threads end
with the program.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from agent.errors import AgentError
from agent.settings.forms import listening

if TYPE_CHECKING:
    from agent.monitor.figures import Figures
    from agent.monitor.pulse import Pulse

_AT_ONCE = 8  # requests answered at a time
_LONGEST = 8192  # bytes of a request's head
_PATIENCE = 5.0  # seconds for a request to come, and for its answer to be taken
_BEAT = 0.5  # seconds until it looks whether it is to stop
_PLAIN = "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"

Answer = tuple[HTTPStatus, str, bytes]


class MonitorError(AgentError):
    """The address for metrics and health cannot be had."""

    exit = 75  # try again later: somebody else has it


class Monitor:
    """Answers on the address of the settings from `start` to `stop`.

    Args:
        listen: address and port.
        pulse: what health and readiness are judged by.
        figures: the metrics.

    Raises:
        MonitorError: the address cannot be had.

    """

    def __init__(self, listen: str, pulse: Pulse, figures: Figures) -> None:
        self.listen = listen
        self._pulse, self._figures = pulse, figures
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="monitor", daemon=True)
        address = listening(listen)
        try:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self._socket = socket.create_server(address, family=family)
        except OSError as error:
            words = f"the monitor cannot listen at {listen}: {os.strerror(error.errno or 0)}"
            raise MonitorError(f"{words}; choose another port, or end what listens there") from error
        self._socket.settimeout(_BEAT)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; whoever is being answered is not waited for."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)
        self._socket.close()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:  # the caller has gone again, or there are too many open files
                self._stopped.wait(_BEAT)
                continue
            self._meet(connection)

    def _meet(self, connection: socket.socket) -> None:
        """Answer in a thread of its own, if there is a place; hang up if there is none."""
        if not self._places.acquire(blocking=False):
            connection.close()
            return
        try:
            threading.Thread(
                target=self._serve, args=(connection,), name="monitor-answer", daemon=True
            ).start()
        except RuntimeError:  # no more threads
            self._places.release()
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):  # a client that goes is no error of ours
                line = _first_line(connection)
                if line is not None:
                    connection.settimeout(_PATIENCE)
                    connection.sendall(_reply(line, self._pulse, self._figures))
        finally:
            self._places.release()


def _reply(line: str, pulse: Pulse, figures: Figures) -> bytes:
    """Return the whole reply to a request's first line."""
    method, _, rest = line.partition(" ")
    path, _, version = rest.partition(" ")
    if not version.startswith("HTTP/1."):
        status, kind, content = HTTPStatus.BAD_REQUEST, _PLAIN, b"this is not HTTP/1.1\n"
    elif method not in {"GET", "HEAD"}:
        status, kind, content = HTTPStatus.METHOD_NOT_ALLOWED, _PLAIN, b"only GET and HEAD\n"
    else:
        status, kind, content = _answer(path.partition("?")[0], pulse, figures)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        "Allow: GET, HEAD\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else content)


def _answer(path: str, pulse: Pulse, figures: Figures) -> Answer:
    if path == "/healthz":
        return _word(pulse.illness())
    if path == "/readyz":
        return _word(pulse.unready())
    if path != "/metrics":
        return HTTPStatus.NOT_FOUND, _PLAIN, b"ask for /metrics, /healthz or /readyz\n"
    try:
        return HTTPStatus.OK, _METRICS, figures.text()
    except AgentError as error:
        return _word(str(error))


def _word(trouble: str) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
    return status, _PLAIN, f"{trouble or 'ok'}\n".encode()


def _first_line(connection: socket.socket) -> str | None:
    """Return the first line of a request once its whole head is there; None where that takes too much."""
    deadline, head = time.monotonic() + _PATIENCE, b""
    while b"\r\n\r\n" not in head:
        left = deadline - time.monotonic()
        if left <= 0 or len(head) > _LONGEST:
            return None
        connection.settimeout(left)
        block = connection.recv(_LONGEST)
        if not block:
            return None
        head += block
    return head.split(b"\r\n", 1)[0].decode("latin-1")
