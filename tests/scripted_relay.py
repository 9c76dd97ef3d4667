"""A mail relay that does at each step what a test says: refuse, talk nonsense, fall silent, hang up."""

from __future__ import annotations

import contextlib
import enum
import threading
from typing import TYPE_CHECKING, Any, Self

from agent.channels.smtp import Channel, Options
from tests.listening import Listener

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator

    from tests.certificates import Authority

PASSWORD = "canary-9f3b7c"
STEPS = ("banner", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "dot")
GOOD = {
    "banner": b"220 relay.example.net ESMTP\r\n",
    "ehlo": b"250-relay.example.net\r\n250-SIZE 50000000\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n",
    "starttls": b"220 go ahead\r\n",
    "auth": b"235 welcome\r\n",
    "mail": b"250 sender ok\r\n",
    "rcpt": b"250 recipient ok\r\n",
    "data": b"354 go on\r\n",
    "dot": b"250 taken as 4711\r\n",
    "rset": b"250 forgotten\r\n",
    "quit": b"221 bye\r\n",
}


class Act(enum.Enum):
    """What a relay may do instead of an answer."""

    SILENT = "says nothing any more, and reads nothing"
    HANG_UP = "hangs up"


class _Over(Exception):  # noqa: N818 - named for what it is
    """The connection is to be closed."""


class ScriptedRelay:
    """Follows `answers` by step (those of `GOOD`, "handshake" and "body" for what has no answer); counts what it got.

    An answer is bytes, an `Act`, or a function from the command's line to one of them.

    Args:
        context: its certificate.
        tls: "starttls" or "tls".
        answers: other ones than those of `GOOD`.
    """

    def __init__(self, context: ssl.SSLContext, *, tls: str = "starttls", **answers: Any) -> None:
        self._context, self._tls = context, tls
        self.answers: dict[str, Any] = {**GOOD, **answers}
        self.heard: list[bytes] = []  # commands
        self.clear = b""  # all that came without protection
        self.dots = 0  # mails of which it got every byte
        self.taken: list[bytes] = []  # mails it said it took
        self.connections = 0
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self._listener = Listener(self._serve)
        self.port = self._listener.port
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._listener.close()
        self._listener.join()

    def _serve(self, sock: socket.socket) -> None:
        self.connections += 1
        with _Talk(self, sock) as talk, contextlib.suppress(_Over):
            if self._tls == "tls":
                talk.protect()
            talk.say("banner")
            while line := talk.line():
                self.heard.append(line)
                self._follow(talk, line)

    def _follow(self, talk: _Talk, line: bytes) -> None:
        verb = line[:4].upper().decode("latin-1").strip()
        if verb == "STAR" and talk.say("starttls", line):
            talk.protect()
        elif verb == "AUTH":
            talk.say("auth", line)
        elif verb == "DATA" and talk.say("data", line):
            self._take(talk)
        elif verb not in {"STAR", "DATA"}:
            talk.say(verb.lower(), line)

    def _take(self, talk: _Talk) -> None:
        if "body" in self.answers:
            talk.say("body")
        content = b""
        while (line := talk.line()) != b".\r\n":
            if not line:
                raise _Over
            content += line
        self.dots += 1
        if self.answers["dot"] == GOOD["dot"]:
            self.taken.append(content)
        talk.say("dot")


class _Talk:
    """One connection's conversation."""

    def __init__(self, relay: ScriptedRelay, sock: socket.socket) -> None:
        self._relay, self._sock, self._protected = relay, sock, False
        self._reader = sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._sock.close()

    def line(self) -> bytes:
        """Return the next line, b"" at the end."""
        line = self._reader.readline()
        if not self._protected:
            self._relay.clear += line
        return line

    def protect(self) -> None:
        """Begin TLS."""
        if self._relay.answers.get("handshake"):
            self.say("handshake")
        self._reader.close()
        self._sock = self._relay._context.wrap_socket(self._sock, server_side=True)
        self._reader = self._sock.makefile("rb")
        self._protected = True

    def say(self, step: str, line: bytes = b"") -> bool:
        """Answer; tell whether it was a good answer."""
        answer = self._relay.answers[step]
        answer = answer(line) if callable(answer) else answer
        if answer is Act.SILENT:
            self._relay._stop.wait()
        if isinstance(answer, Act):
            raise _Over
        for piece in [answer] if isinstance(answer, bytes) else answer:
            if self._relay._stop.is_set():
                raise _Over
            self._sock.sendall(piece)
        return isinstance(answer, bytes) and answer[:1] in {b"2", b"3"}


def slowly(answer: bytes, every: float = 0.2) -> Callable[[bytes], Iterator[bytes]]:
    """Answer byte by byte, one `every` so many seconds."""
    pause = threading.Event()

    def piecemeal(_: bytes) -> Iterator[bytes]:
        for byte in answer:
            pause.wait(every)
            yield bytes([byte])

    return piecemeal


def options_to(port: int, authority: Authority, **changes: Any) -> Options:
    """Return settings for a relay of these tests."""
    wanted = {
        "host": "127.0.0.1",
        "port": port,
        "ca_file": str(authority.ca_file),
        "username": "agent@example.net",
        "password": {"env": "P"},
        "sender": "agent@example.net",
        "recipient": "far@batch.example.com",
    }
    return Options.model_validate({**wanted, **changes})


def channel_to(port: int, authority: Authority, **changes: Any) -> Channel:
    """Return a channel with those settings, and with the canary for a password."""
    return Channel(options_to(port, authority, **changes), lambda _: PASSWORD.encode())
