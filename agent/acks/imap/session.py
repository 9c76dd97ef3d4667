"""A session in one mailbox: who we are, what is there, heads and messages, and what is done with them afterwards.

Nothing secret leaves before the certificate is verified. Messages are looked at with PEEK and, unless settings
ask for more, in a mailbox opened read-only. Raises `imaplib.IMAP4.error` and `OSError` as they come, and the
errors below; `mailbox.classify` says what follows.
"""

from __future__ import annotations

import imaplib
import re
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from imap_tools.utils import encode_folder

from agent.acks.imap.client import Line
from agent.acks.imap.failures import RefusedError
from agent.net.failures import LoginError, LostError, PeerError
from agent.net.tls import verifying
from agent.settings.problems import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.acks.mailbox import Options

_UID = re.compile(rb"\bUID ([0-9]{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE ([0-9]{1,12})\b")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"')
_LATER = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")  # RFC 5530: a login refused for now
_BROKEN = (imaplib.IMAP4.abort, ValueError, LookupError)


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a message before it is fetched."""

    size: int
    written_at: float | None  # UTC epoch seconds: when the server got it
    content: bytes  # its head, verbatim


class Session:
    """Logged in, with the mailbox open; used by one thread."""

    validity = 0  # UIDVALIDITY: with another one, every UID means another message

    def __init__(self, options: Options, line: Line, secret: str) -> None:
        self._options, self._line = options, line
        try:
            with self._talking("greet"):
                self._client = line.client(options.host, options.max_size)
        except RefusedError as refusal:  # BYE: it has no time for us now
            raise LostError(str(refusal)) from refusal
        with self._talking("begin TLS"):
            if options.security == "starttls":
                self._client.starttls(verifying(options.ca_file))
        self._login(secret)
        self._open()
        line.watch.end()

    @property
    def alive(self) -> bool:
        """Whether nobody has noticed yet that it is dead."""
        return not self._line.watch.expired and self._client.state == "SELECTED"

    def uids(self, after: int) -> list[int]:
        """Return the UIDs higher than this one, in their order; no message is looked into for it."""
        found = [
            part.split()
            for part in self._do("list messages", "SEARCH", "UID", f"{after + 1}:*")
            if isinstance(part, bytes)
        ]
        return sorted({int(uid) for part in found for uid in part if uid.isdigit() and int(uid) > after})

    def heads(self, uids: Sequence[int]) -> dict[int, Head]:
        """Return the heads of some messages, as far as they are there."""
        found = self._literals(uids, "(UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER])")
        return {uid: _head(words, literal) for uid, (words, literal) in found.items()}

    def message(self, uid: int) -> bytes | None:
        """Return a whole message, verbatim; None where it is gone."""
        found = self._literals([uid], "(UID BODY.PEEK[])").get(uid)
        return found[1] if found else None

    def mark_seen(self, uid: int) -> None:
        """Mark a message as seen."""
        self._do(f"mark message {uid} as seen", "STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")

    def move(self, uid: int, folder: str) -> None:
        """Move a message; where the server cannot, copy it and remove no other than this one."""
        step, target = f"move message {uid}", encode_folder(folder).decode("ascii")
        if "MOVE" in self._client.capabilities:
            self._do(step, "MOVE", str(uid), target)
            return
        self._do(step, "COPY", str(uid), target)
        self._do(step, "STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)")
        if "UIDPLUS" in self._client.capabilities:
            self._do(step, "EXPUNGE", str(uid))

    def close(self) -> None:
        """Let go of it; never raises."""
        self._line.watch.begin(_FAREWELL, _FAREWELL)
        with suppress(imaplib.IMAP4.error, OSError):
            self._client.logout()
        self._line.close()

    def _login(self, secret: str) -> None:
        username = self._options.username
        if self._client.state != "NONAUTH":
            raise PeerError("the server takes us for somebody without asking for a login")
        try:
            with self._talking("check the login"):
                if self._options.access_token is not None:
                    replies = iter((f"user={username}\1auth=Bearer {secret}\1\1".encode(), b""))
                    self._client.authenticate("XOAUTH2", lambda _: next(replies, None))
                elif "AUTH=PLAIN" in self._client.capabilities:
                    self._client.authenticate("PLAIN", lambda _: f"\0{username}\0{secret}".encode())
                else:
                    self._client.login(username, secret)
            with self._talking("tell what it can do"):  # more than before the login: MOVE, UIDPLUS
                told = self._client.capability()[1][-1] or b""
        except RefusedError as refusal:
            if any(code in str(refusal) for code in _LATER):
                words = (
                    f"the server cannot check the login of {username!r} now"  # its own may hold the password
                )
                raise LostError(words) from refusal
            raise LoginError(f"the server refused the login of {username!r}") from refusal
        self._client.capabilities = tuple(told.decode("ascii", "replace").upper().split())

    def _open(self) -> None:
        name, read_only = self._options.mailbox, self._options.afterwards == "leave"
        with self._talking(f"open the mailbox {name!r}"):
            folder = encode_folder(name).decode("ascii")
            said, _ = self._client.select(folder, readonly=read_only)
            if said != "OK":
                raise RefusedError(f"the server refused to open the mailbox {name!r}")
            told = self._client.response("UIDVALIDITY")[1][0]
        if not told or not told.isdigit():
            raise PeerError("the server does not say which messages its numbers mean (UIDVALIDITY)")
        self.validity = int(told)

    def _literals(self, uids: Sequence[int], parts: str) -> dict[int, tuple[bytes, bytes]]:
        found: dict[int, tuple[bytes, bytes]] = {}
        odd: set[int] = set()
        for words, literal in self._fetch(",".join(map(str, uids)), parts):
            uid = _UID.search(words)
            if uid and literal is not None:
                found[int(uid[1])] = words, literal
            elif uid:
                odd.add(int(uid[1]))
        if (odd - found.keys()) & set(uids):
            raise RefusedError("the server answered about a message in a form that is not understood")
        return {uid: found[uid] for uid in uids if uid in found}

    def _fetch(self, uids: str, parts: str) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield what was answered about each message: its words, and the literal where there is one."""
        words, literal = b"", None
        for part in self._do("fetch messages", "FETCH", uids, parts):
            if isinstance(part, tuple):
                words, literal = words + part[0], part[1]
            elif part is not None:
                yield words + b" " + part, literal
                words, literal = b"", None

    def _do(self, step: str, command: str, *arguments: str) -> list[bytes | tuple[bytes, bytes] | None]:
        self._line.watch.begin(self._options.deadline, self._options.idle_timeout)
        try:
            with self._talking(step):
                said, found = self._client.uid(command, *arguments)
                if said != "OK":
                    raise RefusedError(f"the server refused to {step}")
                return list(found)
        finally:
            self._line.watch.end()

    def _talking(self, step: str) -> _Talking:
        return _Talking(step, lambda: self._line.watch.expired)


_LONGEST_SAID = 200  # characters of what a server says
_FAREWELL = 2.0  # seconds for a polite end


class _Talking:
    """Tells what the library raises apart: a refusal, or a connection that is of no use any more."""

    def __init__(self, step: str, why: Callable[[], str]) -> None:
        self._step, self._why = step, why

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        expired = self._why()
        if isinstance(error, imaplib.IMAP4.readonly):
            raise RefusedError(f"the server does not let us {self._step} for changes") from error
        if isinstance(error, (*_BROKEN, OSError)) and (expired or not isinstance(error, OSError)):
            words = f"{expired or 'the connection broke'} when the server was asked to {self._step}"
            raise LostError(words) from error
        if isinstance(error, imaplib.IMAP4.error):
            raise RefusedError(f"the server refused to {self._step}: {_said(error)}") from error


def connect(options: Options, secret: str) -> Session:
    """Connect, verify, log in and open the mailbox.

    Raises:
        FarError: any of `failures.py`; nothing is left open.
        OSError: there is no way to the server, or its certificate is not accepted (ssl.SSLError).
    """
    line = Line(options.host, options.port_used, options.connect_timeout, options.connect_timeout)
    with ExitStack() as undo:
        undo.callback(line.close)
        if options.security == "tls":
            with _Talking("begin TLS", lambda: line.watch.expired):
                line.protect(options.host, options.ca_file)
        session = Session(options, line, secret)
        undo.pop_all()
    return session


def _said(error: Exception) -> str:
    """Return the server's own words, on one line."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return shown(text, _LONGEST_SAID)[1:-1]


def _head(words: bytes, literal: bytes) -> Head:
    size, date = _SIZE.search(words), _DATE.search(words)
    moment = _moment(date[1].decode("ascii", "replace")) if date else None
    if not size:
        raise RefusedError("the server does not tell the size of a message")
    return Head(int(size[1]), moment, literal)


def _moment(text: str) -> float | None:
    try:
        return datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z").timestamp()
    except (ValueError, OverflowError):
        return None
