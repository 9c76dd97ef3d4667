"""SMTP commands and replies over one watched connection: bounded, without surprises in between.

smtplib makes the commands and reads what EHLO offers. Replies are read here: smtplib's own reading takes
endless ones, and keeps in a buffer what came before TLS. Never `smtplib.data` or `sendmail`: the final dot
must be a step of its own.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from agent.mail.failures import RefusedError, printable
from agent.net import tls
from agent.net.failures import LostError, PeerError

if TYPE_CHECKING:
    import socket

    from agent.net.watchdog import Watchdog

_LONGEST_REPLY = 64 * 1024  # bytes of all its lines
_REFUSALS = range(400, 600)
_LINE = re.compile(rb"([2-5][0-9][0-9])([ -]|$)")


class Reply(NamedTuple):
    """A server's answer: its code and its words, one line that can be printed."""

    code: int
    text: str


class Wire(smtplib.SMTP):
    """A connection that speaks SMTP; blocks without a timeout, as the watchdog ends what takes too long."""

    sock: socket.socket
    ehlo_msg = "EHLO"

    def __init__(self, sock: socket.socket, watch: Watchdog, hello: str) -> None:
        super().__init__(local_hostname=hello)
        self.sock = sock
        self._watch = watch
        self._unread = b""
        self.hushed: tuple[bytes, ...] = ()  # what is never told, should the server say it back

    def ask(self, command: str, step: str, *wanted: int) -> Reply:
        """Send a command and return the reply, which has one of the codes that are wanted.

        Raises:
            RefusedError: the server said no.
            LostError: the connection broke, time ran out, or the reply was nonsense.
        """
        self.putcmd(command)
        return self.expect(step, *wanted)

    def expect(self, step: str, *wanted: int) -> Reply:
        """Return the next reply, as `ask` does."""
        code, words = self.getreply()
        text = printable(words)
        if code in wanted:
            return Reply(code, text)
        if code in _REFUSALS:
            raise RefusedError(step, code, text)
        raise LostError(f"the server answered {step} with what is no answer to it: {code} {text}")

    def greet(self) -> None:
        """Say EHLO and note what the server offers."""
        code, words = self.ehlo()
        if code in _REFUSALS:
            raise RefusedError("EHLO", code, printable(words))
        if not self.does_esmtp or code != 250:  # noqa: PLR2004 - as smtplib has it
            raise LostError(
                f"the server answered EHLO with what is no answer to it: {code} {printable(words)}"
            )

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Begin TLS on the connection, verified; what the server said before it is forgotten.

        Raises:
            PeerError: the server did not prove to be `host`, or spoke before TLS was there.
            LostError: the connection broke or time ran out.
        """
        if self.unasked():
            raise PeerError("the server said more before TLS than it was asked for; nothing secret was sent")
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise PeerError(f"{tls.refusal(error)}; nothing secret was sent") from error
        except OSError as error:  # ssl.SSLError is one
            broken = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
            if self._watch.expired or broken or not isinstance(error, ssl.SSLError):
                raise self._lost() from error
            raise PeerError(f"{tls.refusal(error)}; nothing secret was sent") from error
        self._watch.progress()
        self.does_esmtp, self.esmtp_features = False, {}

    def unasked(self) -> bool:
        """Tell whether the server has said something that it was not asked for, or has hung up."""
        if self._unread:
            return True
        self.sock.settimeout(0)
        try:
            self._unread = self.sock.recv(_LONGEST_REPLY)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            self.sock.settimeout(None)
        return True

    def send(self, s: object) -> None:
        """Send bytes, or a command."""
        sent = s.encode(self.command_encoding) if isinstance(s, str) else s
        try:
            self.sock.sendall(sent)  # type: ignore[arg-type]  # bytes, whatever smtplib's stubs allow
        except OSError as error:
            raise self._lost() from error
        self._watch.progress()

    def getreply(self) -> tuple[int, bytes]:
        """Read a whole reply: its code, and the words of its lines.

        Raises:
            LostError: the connection broke, time ran out, or it is no reply.
        """
        lines: list[bytes] = []
        size = 0
        while True:
            line = self._line()
            found = _LINE.match(line)
            size += len(line)
            if found is None or size > _LONGEST_REPLY:
                raise LostError(f"the server speaks no SMTP: {printable(line[:100])}")
            lines.append(line[4:].strip())
            if found[2] != b"-":
                self._watch.progress()
                return int(found[1]), b"\n".join(lines)

    def close(self) -> None:
        """Let go of the connection."""
        with suppress(OSError):
            self.sock.close()

    def _line(self) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > _LONGEST_REPLY:
                raise LostError("the server speaks no SMTP: a line without an end")
            try:
                found = self.sock.recv(_LONGEST_REPLY)
            except OSError as error:
                raise self._lost() from error
            if not found:
                raise self._lost()
            self._unread += found
        line, _, self._unread = self._unread.partition(b"\n")
        for proof in self.hushed:
            line = line.replace(proof, b"***")
        return line.rstrip(b"\r")

    def _lost(self) -> LostError:
        return LostError(self._watch.expired or "the connection broke")
