"""A session with one FTP server: own socket, TLS with a verified server, login; every stage under a deadline.

Nothing secret leaves before the server has proved who it is, unless the settings allow plain FTP. Raises the
errors of `failures.py` and leaves neither thread nor socket behind when it does.
"""

from __future__ import annotations

import hashlib
import ssl
from contextlib import ExitStack
from typing import TYPE_CHECKING

from agent.channels.ftps.control import Control
from agent.channels.ftps.failures import GoodbyeError, RefusedError, TrustError
from agent.channels.ftps.transfer import Transfers
from agent.errors import AgentError
from agent.net.dialing import dial
from agent.net.failures import FarError, LoginBrokenError, LoginError, LostError, SecretError
from agent.net.tls import verifying

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from agent.channels.ftp import Options
    from agent.settings.models import Secret

_WAIT = 120  # "ready in some minutes": the real greeting follows
_PASSWORD_WANTED = 331
_ACCOUNT_WANTED = (332, 532)


class Session:
    """A control connection that is logged in, and what it takes to move files with it."""

    transfers: Transfers

    def __init__(self, sock: socket.socket, options: Options, context: ssl.SSLContext | None) -> None:
        self.control = Control(sock)
        self.watch = self.control.watch
        self.about = ""  # in plain words: how protected, whose certificate
        self._options, self._context = options, context

    def start(self, password: str) -> None:
        """Greet, agree on TLS, log in, and choose how bytes travel."""
        options, control = self._options, self.control
        self.watch.begin(options.connect_timeout, options.connect_timeout)
        if options.security == "tls":
            self._protect()
        self._greeted()
        if options.security == "starttls":
            self._ask_for_tls()
        self._log_in(password)
        if self._context:
            control.order("protect the second connection", "PBSZ", "0")
            self._private()
        control.order("take bytes as they are", "TYPE", "I")
        self.transfers = Transfers(control, self._context, options.host, options.connect_timeout)
        self.watch.end()

    @property
    def alive(self) -> bool:
        """Whether nobody has noticed yet that it is dead."""
        return not self.watch.expired

    @property
    def quiet(self) -> bool:
        """Whether nothing has come in unasked: it might be a goodbye, or the end."""
        return self.control.quiet

    def probe(self) -> None:
        """Ask something harmless, to learn whether the server still answers.

        Raises:
            FarError: it does not.
        """
        self.control.order("say that it still lives", "NOOP")

    def close(self) -> None:
        """Let go of everything; never raises, safe to call twice."""
        self.control.close()

    def _greeted(self) -> None:
        step = "greet"
        reply = self.control.receive(step)
        while reply.code == _WAIT:
            reply = self.control.receive(step)
        if not reply.good:
            raise RefusedError(step, reply.code, reply.text)

    def _ask_for_tls(self) -> None:
        reply = self.control.ask("begin TLS", "AUTH", "TLS")
        if not reply.good:
            raise TrustError(
                f"the server begins no TLS ({reply.code} {reply.text}); neither name nor password was sent. "
                f"Either it offers none, or somebody stands in between and takes the offer away"
            )
        self._protect()

    def _protect(self) -> None:
        if self._context is None:
            raise TrustError("the settings ask for TLS, but none was made ready")
        self.control.protect(self._context, self._options.host)
        tls = self.control.tls
        proof = (tls.getpeercert(binary_form=True) if tls else None) or b""
        cipher = (tls.cipher() if tls else None) or ("", "", 0)
        self.about = f"{cipher[1]} {cipher[0]}, certificate SHA-256 {hashlib.sha256(proof).hexdigest()}"

    def _private(self) -> None:
        reply = self.control.ask("protect the second connection", "PROT", "P")
        if not reply.good:
            raise TrustError(
                f"the server does not protect the second connection ({reply.code} {reply.text}); nothing of the "
                f"batch was sent"
            )

    def _log_in(self, password: str) -> None:
        step = "check the login"
        self.control.hidden = password
        try:
            reply = self.control.ask(step, "USER", self._options.username)
            if reply.code == _PASSWORD_WANTED:
                reply = self.control.ask(step, "PASS", password)
        except LostError as error:
            raise self._broken(error) from error
        if reply.good:
            return
        if reply.code in _ACCOUNT_WANTED:
            raise LoginError(
                "the server wants an account besides user name and password, which the agent has not"
            )
        refusal = RefusedError(step, reply.code, reply.text)
        if refusal.lasting:
            words = f"the server refused the login of {self._options.username!r}"
            raise LoginError(f"{words} ({reply.code} {reply.text})") from refusal
        raise refusal

    def _broken(self, error: LostError) -> FarError:
        """Tell a server that hung up on a login from one that said goodbye or fell silent."""
        if self.watch.expired or isinstance(error, GoodbyeError):
            return error
        return LoginBrokenError(
            f"the server hung up instead of answering the login of {self._options.username!r}"
        )


def connect(options: Options, reveal: Callable[[Secret], bytes]) -> Session:
    """Connect, agree on TLS and log in.

    Raises:
        FarError: any of `failures.py`; nothing is left open.
        OSError: there is no way to the server.
    """
    password = _password(options, reveal)
    context = None if options.security == "none" else _context(options)
    sock = dial(options.host, options.reached, timeout=options.connect_timeout, keepalive=options.keepalive)
    try:
        session = Session(sock, options, context)
    except OSError:  # it was hung up on at once
        sock.close()
        raise
    with ExitStack() as undo:
        undo.callback(session.close)
        session.start(password)
        undo.pop_all()
    return session


def _context(options: Options) -> ssl.SSLContext:
    try:
        return verifying(options.ca_file)
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise TrustError(f"ca_file ({options.ca_file}) cannot be used: {why}") from error


def _password(options: Options, reveal: Callable[[Secret], bytes]) -> str:
    try:
        found = reveal(options.password).decode()
    except UnicodeDecodeError:
        raise SecretError("the password is not UTF-8 text") from None
    except (AgentError, OSError) as error:
        raise SecretError(f"the login's secret cannot be read: {error}") from error
    return found.removesuffix("\n").removesuffix("\r")
