"""A session in one mailbox: who we are, what is there, heads and messages, and what is done with them afterwards.

Nothing secret leaves before the certificate is verified. Messages are looked at with PEEK and, unless settings
ask for more, in a mailbox opened read-only. Raises `imaplib.IMAP4.error` and `OSError` as they come, and the
errors below; `mailbox.classify` says what follows.
"""

from __future__ import annotations

import imaplib
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from imap_tools.utils import encode_folder

from agent.acks.imap.client import Line
from agent.acks.imap.failures import LoginError, LostError, PeerError, RefusedError
from agent.net.tls import verifying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.acks.mailbox import Options

_UID = re.compile(rb"\bUID ([0-9]{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE ([0-9]{1,12})\b")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"')
_LATER = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")  # RFC 5530: a login refused for now
_BROKEN = (imaplib.IMAP4.abort, ValueError, LookupError)


@dataclass(frozen=True, slots=True)
class Listed:
    """One message of the mailbox."""

    uid: int
    size: int
    written_at: float | None  # UTC epoch seconds: when the server got it


class Session:
    """Logged in, with the mailbox open; used by one thread."""

    validity = 0  # UIDVALIDITY: with another one, every UID means another message

    def __init__(self, options: Options, line: Line, secret: str) -> None:
        self._options, self._line = options, line
        with self._talking("greet"):
            self._client = line.client(options.host, options.max_size)
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

    def listing(self, after: int) -> list[Listed]:
        """Return the messages with a higher UID, in their order."""
        found = self._fetch(f"{after + 1}:*", "(UID RFC822.SIZE INTERNALDATE)")
        listed = [one for head, _ in found if (one := _listed(head)) and one.uid > after]
        return sorted(listed, key=lambda one: one.uid)

    def heads(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return the heads of some messages, as far as they are there."""
        return self._literals(uids, "(UID BODY.PEEK[HEADER])")

    def message(self, uid: int) -> bytes | None:
        """Return a whole message, verbatim; None where it is gone."""
        return self._literals([uid], "(UID BODY.PEEK[])").get(uid)

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
        except RefusedError as refusal:
            if any(code in str(refusal) for code in _LATER):
                raise LostError(str(refusal)) from refusal
            raise LoginError(f"the server refused the login of {username!r}") from refusal

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

    def _literals(self, uids: Sequence[int], parts: str) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for head, literal in self._fetch(",".join(map(str, uids)), parts):
            uid = _UID.search(head)
            if uid and literal is not None:
                found[int(uid[1])] = literal
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
            raise RefusedError(f"the server refused to {self._step}: {str(error)[:200]}") from error


def connect(options: Options, secret: str) -> Session:
    """Connect, verify, log in and open the mailbox.

    Raises:
        FarError: any of `failures.py`; nothing is left open.
        OSError: there is no way to the server, or its certificate is not accepted (ssl.SSLError).
    """
    line = Line(options.host, options.port_used, options.connect_timeout, options.connect_timeout)
    try:
        if options.security == "tls":
            with _Talking("begin TLS", lambda: line.watch.expired):
                line.protect(options.host, options.ca_file)
        return Session(options, line, secret)
    except BaseException:
        line.close()
        raise


def _listed(head: bytes) -> Listed | None:
    uid, size, date = _UID.search(head), _SIZE.search(head), _DATE.search(head)
    if not uid or not size:
        return None
    return Listed(int(uid[1]), int(size[1]), _moment(date[1].decode("ascii", "replace")) if date else None)


def _moment(text: str) -> float | None:
    try:
        return datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z").timestamp()
    except (ValueError, OverflowError):
        return None
