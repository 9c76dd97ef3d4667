"""The control connection: one command, one reply, every byte of it under a deadline."""

from __future__ import annotations

import re
import select
import socket
import ssl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from agent.channels.ftps.failures import GoodbyeError, RefusedError, SignError, TrustError
from agent.channels.ftps.replies import LONGEST_LINE, Reading, Reply
from agent.net.failures import LostError, PeerError
from agent.net.tls import refusal
from agent.net.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GOING = 421  # "closing control connection": may answer any command, and says nothing of what became of it
_ENDS_EARLY = re.compile("[\x00-\x1f\x7f]")
_GOODBYE = 1.0  # seconds
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


class Sockets:
    """The sockets of one session, shut together by the watchdog.

    It holds copies: TLS takes a socket's descriptor over, and the watchdog's own would be left behind closed.
    """

    def __init__(self) -> None:
        self._copies: list[socket.socket] = []
        self._shut = False

    def add(self, sock: socket.socket) -> socket.socket:
        """Let the watchdog shut this one too; return what `remove` takes."""
        copy = sock.dup()
        self._copies.append(copy)
        if self._shut:
            self.shutdown(socket.SHUT_RDWR)
        return copy

    def remove(self, copy: socket.socket) -> None:
        """Let go of one again."""
        self._copies.remove(copy)
        copy.close()

    def shutdown(self, how: int, /) -> None:
        """Shut them all: who waits for one of them wakes up."""
        self._shut = True
        for copy in list(self._copies):
            with suppress(OSError):
                copy.shutdown(how)

    def close(self) -> None:
        """Let go of all."""
        for copy in list(self._copies):
            self.remove(copy)


class Control:
    """Commands and replies over one socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.host = str(sock.getpeername()[0])
        self.sockets = Sockets()
        self.sockets.add(sock)
        self.watch = Watchdog(self.sockets)
        self.hidden = ""  # the password: no reply that quotes it is told with it
        self._sock = sock
        self._read = b""

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The socket, when it is protected."""
        return self._sock if isinstance(self._sock, ssl.SSLSocket) else None

    @property
    def quiet(self) -> bool:
        """Whether nothing has come in unasked: it might be a goodbye, or the end."""
        return not self._read and not self.waiting(0)

    def waiting(self, seconds: float) -> bool:
        """Wait so long for something to come in; tell whether it did."""
        if self.tls and self.tls.pending():
            return True
        poll = select.poll()
        with suppress(OSError, ValueError):
            poll.register(self._sock, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        return True

    def check(self) -> None:
        """Make sure that time is not up, and give the server its time again.

        Raises:
            LostError: it is up.
        """
        self.watch.progress()
        if self.watch.expired:
            raise LostError(self.watch.expired)

    def protect(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS, with a server that proves to be `host`.

        Raises:
            TrustError: it does not, or the two agree on no TLS.
            LostError: the connection broke.
        """
        if self._read:  # somebody in between may have said it; it must not pass for the server's word
            raise TrustError("the server went on talking before TLS began; nothing was sent")
        with self.losing("agree on TLS"):
            self._sock = wrapped(self._sock, lambda sock: context.wrap_socket(sock, server_hostname=host))
        self.watch.progress()

    def ask(self, step: str, command: str, argument: str = "") -> Reply:
        """Send a command; return the reply, whatever it says.

        Args:
            step: what it is for, in words that follow "to".
            command: the verb.
            argument: what stands behind it.

        Raises:
            SignError: a sign in the argument would end the command early; nothing was sent.
            LostError: no reply came.
            PeerError: what came is no reply.
        """
        line = f"{command} {argument}" if argument else command
        if _ENDS_EARLY.search(line):
            raise SignError(
                f"the server was not asked to {step}: a name or password holds a control character"
            )
        with self.losing(step):
            self._sock.sendall(line.encode() + b"\r\n")
        return self.receive(step)

    def order(self, step: str, command: str, argument: str = "") -> Reply:
        """Send a command that has to be carried out.

        Raises:
            RefusedError: the server did not; else all is as with `ask`.
        """
        reply = self.ask(step, command, argument)
        if not (reply.good or reply.halfway):
            raise RefusedError(step, reply.code, reply.text)
        return reply

    def receive(self, step: str) -> Reply:
        """Return the next reply; it may be one that comes without a command."""
        reading = Reading(self.hidden)
        reply = None
        while reply is None:
            reply = reading.add(self._line(step))
        if reply.code == _GOING:
            raise GoodbyeError(f"the server hung up when it was asked to {step} ({_GOING} {reply.text})")
        return reply

    @contextmanager
    def losing(self, step: str) -> Iterator[None]:
        """Turn a socket's errors into a LostError that says what was being done."""
        try:
            yield
        except OSError as error:
            raise LostError(f"{self._why} when the server was asked to {step}") from error

    def close(self) -> None:
        """Say goodbye and let go of everything; never raises, safe to call twice."""
        self.watch.begin(_GOODBYE, _GOODBYE)
        with suppress(OSError, ValueError):
            self._sock.sendall(b"QUIT\r\n")
        self.watch.close()
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self.sockets.close()

    def _line(self, step: str) -> bytes:
        while b"\n" not in self._read:
            if len(self._read) > LONGEST_LINE:
                raise PeerError(f"the server's answer has a line of more than {LONGEST_LINE} bytes")
            with self.losing(step):
                more = self._sock.recv(4096)
            if not more:
                raise LostError(f"{self._why} when the server was asked to {step}")
            self.watch.progress()
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.removesuffix(b"\r")

    @property
    def _why(self) -> str:
        return self.watch.expired or "the connection broke"


def wrapped(sock: socket.socket, wrap: Callable[[socket.socket], ssl.SSLSocket]) -> ssl.SSLSocket:
    """Put TLS on a socket; tell a broken connection from a server that is not trusted.

    Raises:
        TrustError: the server does not prove who it is, or the two agree on no TLS.
        OSError: the connection broke.
    """
    try:
        return wrap(sock)
    except _CUT as error:
        raise ConnectionError(refusal(error)) from error
    except ssl.SSLError as error:
        raise TrustError(refusal(error)) from error
