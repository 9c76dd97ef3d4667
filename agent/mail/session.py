"""A session with a mail relay: dialled, greeted, protected, logged in; then mails with the dot split off.

Nothing secret leaves before the server has proved who it is. A mail goes to all of its recipients or to
none. Raises the errors of `failures.py`, and `OSError` where there is no way to the relay.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NoReturn

from agent.errors import AgentError
from agent.mail.failures import LetterError, RefusedError
from agent.mail.wire import Reply, Wire
from agent.net import tls
from agent.net.dialing import dial
from agent.net.failures import FarError, LoginBrokenError, LoginError, LostError, PeerError, SecretError
from agent.net.watchdog import Watchdog

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from agent.mail.message import Message
    from agent.mail.oauth import Tokens
    from agent.mail.relay import Relay
    from agent.settings.models import Secret

_PROBE_TIME = 5.0  # seconds a kept connection has to prove that it still lives
_CLOSING = 421  # the server hangs up after this answer


class Session:
    """One connection to a relay. `dotted` says whether the final dot of the last mail may have left."""

    def __init__(self, sock: socket.socket, relay: Relay) -> None:
        self.dotted = False
        self.about = ""  # in plain words: who answered, how protected
        self._idle = False  # nothing is under way, so that the next mail may begin
        self._relay = relay
        self._watched = sock.dup()  # TLS takes the socket itself away from whoever held it
        self._watch = Watchdog(self._watched)
        self._wire = Wire(sock, self._watch, relay.hello or _own_name(sock))

    def start(self, context: ssl.SSLContext | None, given: str) -> None:
        """Greet, protect the connection as the settings say, log in.

        Args:
            context: verifies the server; None where the settings allow a plain connection.
            given: the password or token; "" = no login.
        """
        limit = self._relay.connect_timeout
        self._watch.begin(limit, limit)
        if self._relay.security == "tls" and context:
            self._wire.secure(context, self._relay.host)
        greeting = self._wire.expect("to let us in", 220)
        self._wire.greet()
        if self._relay.security == "starttls" and context:
            self._start_tls(context)
        if self._relay.username:
            self._login(given)
        self._rest()
        self.about = f"{greeting.text}, {self._protection()}"

    def answers(self) -> bool:
        """Tell whether the connection still lives; what was begun on it is taken back."""
        if not self._idle or self._watch.expired or self._wire.unasked():
            return False
        self._idle = False
        limit = min(_PROBE_TIME, self._relay.connect_timeout)
        self._watch.begin(limit, limit)
        try:
            self._wire.ask("RSET", "RSET", 250)
        except FarError:
            return False
        self._rest()
        return True

    def send(self, message: Message, will_publish: Callable[[], None]) -> Reply:
        """Send a mail; call `will_publish` when all of it but the final dot has been sent.

        Returns the server's answer to the dot. After any failure but a `RefusedError` the connection is of
        no use any more; when `dotted` is true, only a `RefusedError` proves that the mail was not taken.
        """
        self.dotted = self._idle = False
        self._watch.begin(self._relay.deadline, self._relay.idle_timeout)
        self._address(message)
        self._stream(message)
        self._watch.end()
        will_publish()
        self._watch.begin(self._relay.final_timeout, self._relay.final_timeout)
        self.dotted = True
        try:
            reply = self._wire.ask(".", "the mail", *range(200, 300))
        except RefusedError as error:
            if error.code != _CLOSING:
                self._rest()
            raise
        self._rest()
        return reply

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        if self._idle:
            with suppress(FarError):
                self._wire.putcmd("QUIT")  # its answer changes nothing
        self._idle = False
        self._watch.close()
        with suppress(OSError):
            self._watched.shutdown(socket.SHUT_RDWR)
        self._watched.close()
        self._wire.close()

    def _start_tls(self, context: ssl.SSLContext) -> None:
        if not self._wire.has_extn("starttls"):
            raise PeerError(
                "the server offers no STARTTLS, which the settings require; nothing secret was sent. Either "
                "it has none on this port, or somebody in between takes the offer out"
            )
        self._wire.ask("STARTTLS", "STARTTLS", 220)
        self._wire.secure(context, self._relay.host)
        self._wire.greet()

    def _protection(self) -> str:
        version = getattr(self._wire.sock, "version", None)
        return f"{version()}, verified" if version else "not protected"

    def _login(self, given: str) -> None:
        offered = self._wire.esmtp_features.get("auth", "").upper().split()
        wanted: dict[str, Callable[[str, str], None]] = {"PLAIN": self._plain, "LOGIN": self._login_in_two}
        if self._relay.oauth is not None:
            wanted = {"XOAUTH2": self._xoauth2}
        chosen = next((name for name in wanted if name in offered), None)
        if chosen is None:
            raise PeerError(
                f"the server takes no login by {' or '.join(wanted)}, but by: {' '.join(offered) or 'none'}"
            )
        proofs = (
            given,
            _coded(given),
            _plain(self._relay.username, given),
            _bearer(self._relay.username, given),
        )
        self._wire.hushed = tuple(proof.encode() for proof in proofs)
        try:
            wanted[chosen](self._relay.username, given)
        except RefusedError as error:
            if error.lasting:
                raise LoginError(str(error)) from error
            raise
        except LostError as error:
            raise LoginBrokenError(f"{error}, while the server checked the login") from error

    def _plain(self, username: str, password: str) -> None:
        self._wire.ask(f"AUTH PLAIN {_plain(username, password)}", "the login", 235)

    def _login_in_two(self, username: str, password: str) -> None:
        self._wire.ask("AUTH LOGIN", "the login", 334)
        self._wire.ask(_coded(username), "the login", 334)
        self._wire.ask(_coded(password), "the login", 235)

    def _xoauth2(self, username: str, token: str) -> None:
        reply = self._wire.ask(f"AUTH XOAUTH2 {_bearer(username, token)}", "the login", 235, 334)
        if reply.code != 235:  # noqa: PLR2004 - RFC 4954; else it explains itself and waits for an empty line
            self._wire.ask("", "the login", 235)

    def _address(self, message: Message) -> None:
        """Announce a mail, all but its bytes; a refusal takes back what was begun."""
        letter, wire = message.letter, self._wire
        size = f" SIZE={message.size}" if self._takes(message.size) else ""
        try:
            wire.ask(f"MAIL FROM:<{letter.sender}>{size}", f"the sender {letter.sender}", 250)
            for recipient in letter.recipients:
                wire.ask(f"RCPT TO:<{recipient}>", f"the recipient {recipient}", 250, 251)
            wire.ask("DATA", "DATA", 354)
        except RefusedError as error:
            if error.code != _CLOSING:
                with suppress(FarError):
                    wire.ask("RSET", "RSET", 250)
                    self._rest()
            raise

    def _stream(self, message: Message) -> None:
        """Send a mail's bytes; a server that speaks before it has seen the dot does not want them."""
        try:
            for block in message.blocks():
                self._wire.send(block)
        except LostError as error:
            self._refused_early(error)
        if self._wire.unasked():
            self._refused_early(LostError("the server broke in before the end of the mail"))

    def _refused_early(self, otherwise: LostError) -> NoReturn:
        try:
            self._wire.expect("the mail before its end")
        except LostError:
            raise otherwise from None
        raise otherwise

    def _takes(self, size: int) -> bool:
        """Tell whether the server wants to know the size of a mail.

        Raises:
            LetterError: it takes none of this size.
        """
        if not self._wire.has_extn("size"):
            return False
        limit = self._wire.esmtp_features["size"]
        if limit.isdecimal() and 0 < int(limit) < size:
            raise LetterError(
                f"the mail has {size} bytes and the server takes at most {limit}; set this destination's "
                f"max_size (bytes of a batch; a mail has 1.37 times as many), so that batches are made smaller"
            )
        return True

    def _rest(self) -> None:
        """Note that nothing is under way."""
        self._watch.end()
        self._idle = True


def connect(relay: Relay, reveal: Callable[[Secret], bytes], tokens: Tokens | None) -> Session:
    """Connect to a relay and log in; on any failure nothing is left open.

    Args:
        relay: where and how.
        reveal: reads a secret.
        tokens: gives the token where the relay asks for one.
    """
    given = _given(relay, reveal, tokens)
    context = _context(relay)
    session = Session(dial(relay.host, relay.at_port, timeout=relay.connect_timeout), relay)
    with ExitStack() as undo:
        undo.callback(session.close)
        session.start(context, given)
        undo.pop_all()
    return session


def text_of(secret: Secret, reveal: Callable[[Secret], bytes]) -> str:
    """Read a secret as text.

    Raises:
        SecretError: it cannot be read, or is no text.
    """
    try:
        return reveal(secret).decode().removesuffix("\n").removesuffix("\r")
    except (AgentError, OSError) as error:
        raise SecretError(f"the login's secret cannot be read: {error}") from error
    except UnicodeDecodeError:
        raise SecretError("the login's secret is not UTF-8 text") from None


def _given(relay: Relay, reveal: Callable[[Secret], bytes], tokens: Tokens | None) -> str:
    if tokens is not None:
        return tokens.token()
    return text_of(relay.password, reveal) if relay.password else ""


def _context(relay: Relay) -> ssl.SSLContext | None:
    if relay.security == "none":
        return None
    try:
        return tls.verifying(relay.ca_file)
    except OSError as error:
        raise SecretError(f"the ca_file {relay.ca_file} cannot be used: {error.strerror or error}") from error


def _own_name(sock: socket.socket) -> str:
    """Return a name for EHLO without asking anybody: the host's if it is a whole one, else our address."""
    name = socket.gethostname()
    if "." in name and name.replace(".", "").replace("-", "").isalnum() and name.isascii():
        return name
    address = str(sock.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _plain(username: str, password: str) -> str:
    return _coded(f"\0{username}\0{password}")  # RFC 4616


def _bearer(username: str, token: str) -> str:
    return _coded(f"user={username}\1auth=Bearer {token}\1\1")
