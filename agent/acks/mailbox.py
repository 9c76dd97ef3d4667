"""The `mailbox` source: mails in an IMAP mailbox, to which impact.com sends its receipts and results.

A mail is known again by its head (which holds Message-ID, Date and the way it came) and its size, not by the
server's number for it: so nothing comes twice when the server counts anew. One mail that cannot be fetched
keeps back no other; it is told with every look. A mail larger than `max_size` is not fetched, but told.

Anybody can write to a mailbox. `senders` names those whose mails are looked at; mails from others stay where
they are, unread. The address in From can be forged: let your mail server check it (SPF, DKIM), or use a
mailbox nobody else can write to.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path  # noqa: TC003 - pydantic reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.acks.base import Fetched
from agent.acks.forms import mails
from agent.errors import AgentError, ChannelError, Permanent, Transient
from agent.net.dialing import unreachable
from agent.net.failures import FarError, LoginError, LostError, SecretError
from agent.net.forms import Host, Port  # noqa: TC001 - pydantic reads annotations at run time
from agent.net.patience import Patience, WaitingError
from agent.net.tls import refusal
from agent.settings.forms import Bytes  # noqa: TC001 - pydantic reads annotations at run time
from agent.settings.models import AckOptions, Seconds, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from agent.acks.base import Kind
    from agent.acks.imap.session import Head, Session
    from agent.settings.models import Settings

_FAILURES = (FarError, WaitingError, OSError)
_HEADS = 50  # messages whose heads are fetched at once
_PORTS = {"tls": 993, "starttls": 143, "none": 143}
_Text = Annotated[str, Field(min_length=1)]


class Options(AckOptions):
    """An IMAP mailbox to which impact.com sends its receipts and results."""

    type: Literal["mailbox"] = "mailbox"
    host: Host
    port: Port | None = None  # 993, with starttls 143
    security: Literal["tls", "starttls", "none"] = "tls"  # none: only with allow_plain_imap
    allow_plain_imap: bool = False  # true: password and mails may travel for everybody to read
    ca_file: Path | None = None  # PEM certificates trusted instead of the machine's own
    username: _Text
    password: Secret | None = None  # either this
    access_token: Secret | None = None  # or this: an OAuth token, read anew at each login (XOAUTH2)
    mailbox: _Text = "INBOX"  # the folder in which answers come in
    senders: tuple[
        _Text, ...
    ] = ()  # e.g. "*@impact.com"; mails from others are passed over; none: all are taken
    max_size: Bytes = 32 * 2**20  # a larger mail is not fetched, but told
    afterwards: Literal["leave", "seen", "move"] = "leave"  # what is done with a mail once it is kept
    move_to: str = ""  # with `move`: the folder
    connect_timeout: Seconds = Field(
        default=30.0, gt=0
    )  # for the connection, and again for greeting and login
    idle_timeout: Seconds = Field(default=60.0, gt=0)  # without any answer
    deadline: Seconds = Field(default=300.0, gt=0)  # for one command, however busy the server is

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if (self.password is None) == (self.access_token is None):
            raise ValueError("needs either a password or an access_token")
        if (self.security == "none") != self.allow_plain_imap:
            raise ValueError("needs both or neither: security: none, and allow_plain_imap: true")
        if (self.afterwards == "move") != bool(self.move_to):
            raise ValueError("needs both or neither: afterwards: move, and move_to with a folder")
        return self

    @property
    def place(self) -> str:
        """What names this source for good."""
        return f"mailbox {self.mailbox} of {self.username} at {self.host}"

    @property
    def port_used(self) -> int:
        """The port, as written or as usual."""
        return self.port or _PORTS[self.security]


class Source:
    """One mailbox; its connection lasts for one `fetch` and what is tidied after it. See `base.Source`.

    Args:
        options: where and how.
        settings: of the whole agent, for the folder that paths are relative to.
        reveal: reads a secret; asked at each login. A token that must be made anew is made there.
        clock: monotonic seconds, for the pause after refused logins.
    """

    kind: Kind = "mail"

    def __init__(
        self,
        options: Options,
        settings: Settings,
        reveal: Callable[[Secret], bytes],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        ca_file = options.ca_file and settings.folder / options.ca_file
        self._options, self._reveal = options.model_copy(update={"ca_file": ca_file}), reveal
        self._patience = Patience(clock)
        self._session: Session | None = None
        self._validity = 0
        self._after = 0  # every message up to this UID was looked at
        self._open: set[int] = set()  # those of them that are not known to be kept
        self._ended: dict[int, int] = {}  # those of them whose fetching ended a connection, and how often
        self._offered: dict[str, int] = {}  # by key: their UIDs

    def fetch(self, known: Callable[[str], bool]) -> Iterator[Fetched]:
        """Yield what is new, oldest first; see `base.Source`."""
        try:
            faults = yield from self._each(known)
        finally:
            if self._options.afterwards == "leave":
                self.close()
        if faults:
            more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
            raise type(faults[0])(f"{faults[0]}{more}", evidence=faults[0].evidence)

    def kept(self, fetched: Fetched) -> None:
        """Note that it is safe with us; mark or move it where settings say so."""
        uid = self._offered.pop(fetched.key, None)
        if uid is not None:
            self._tidy(uid)

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _each(self, known: Callable[[str], bool]) -> Generator[Fetched, None, list[ChannelError]]:
        faults: list[ChannelError] = []
        with self._classified():
            session = self._connected()
            self._open.update(session.uids(self._after))
        self._after = max((self._after, *self._open))
        for group in self._groups():
            for uid, head in self._heads(group, faults).items():
                with self._told(uid, faults):
                    fetched = self._taken(uid, head, known)
                    if fetched is not None:
                        self._offered[fetched.key] = uid
                        yield fetched
        return faults

    def _groups(self) -> Iterator[list[int]]:
        """Group what is open: many at a time, and last, one by one, what has ended a connection before."""
        calm = sorted(uid for uid in self._open if uid not in self._ended)
        for start in range(0, len(calm), _HEADS):
            yield calm[start : start + _HEADS]
        for uid in sorted(self._ended, key=lambda uid: (self._ended[uid], uid)):
            yield [uid]

    def _heads(self, uids: list[int], faults: list[ChannelError]) -> dict[int, Head]:
        """Return heads; where the server refuses several, one by one."""
        found: dict[int, Head] = {}
        try:
            with self._classified(*uids):
                found = self._connected().heads(uids)
        except Permanent:
            if len(uids) > 1:
                return {uid: head for one in uids for uid, head in self._heads([one], faults).items()}
            with self._told(uids[0], faults):
                raise
        else:
            for gone in set(uids) - found.keys():
                self._forget(gone)
        return found

    @contextmanager
    def _told(self, uid: int, faults: list[ChannelError]) -> Iterator[None]:
        """Note what is wrong with one message, and go on with the others, as long as there is a connection."""
        try:
            yield
        except ChannelError as error:
            if self._session is None:
                raise
            faults.append(type(error)(f"message {uid} cannot be fetched: {error}", evidence=error.evidence))

    def _taken(self, uid: int, head: Head, known: Callable[[str], bool]) -> Fetched | None:
        if uid not in self._open:  # the server has begun to count anew
            return None
        if not self._welcome(head.content):
            self._forget(uid)
            return None
        key = f"{head.size} head-sha256:{hashlib.sha256(head.content).hexdigest()}"
        if known(key):
            self._tidy(uid)
            return None
        if head.size > self._options.max_size:
            raise Permanent(f"it has {head.size} bytes, more than max_size allows")
        with self._classified(uid):
            content = self._connected().message(uid)
        if content is None:
            self._forget(uid)
            return None
        return Fetched(key, mails.subject(head.content), content, head.written_at)

    def _welcome(self, head: bytes) -> bool:
        if not self._options.senders:
            return True
        sender = mails.sender(head)
        return any(fnmatchcase(sender, pattern.lower()) for pattern in self._options.senders)

    def _tidy(self, uid: int) -> None:
        if self._options.afterwards != "leave":
            with self._classified():
                session = self._connected()
                if uid not in self._open:
                    return  # the server counts anew: the next look finds the mail under its new number
                if self._options.afterwards == "seen":
                    session.mark_seen(uid)
                else:
                    session.move(uid, self._options.move_to)
        self._forget(uid)

    def _forget(self, uid: int) -> None:
        self._open.discard(uid)
        self._ended.pop(uid, None)

    def _connected(self) -> Session:
        if self._session is not None and self._session.alive:
            return self._session
        self.close()
        from agent.acks.imap import session  # noqa: PLC0415 - only who asks pays for loading it

        self._patience.check()
        try:
            self._session = session.connect(self._options, self._secret())
        except LoginError:
            self._patience.refused()
            raise
        self._patience.accepted()
        if self._session.validity != self._validity:
            self._validity, self._after = self._session.validity, 0
            self._open.clear()
            self._ended.clear()
            self._offered.clear()
        return self._session

    def _secret(self) -> str:
        secret = self._options.password or self._options.access_token
        try:
            text = self._reveal(secret).decode() if secret else ""
        except (AgentError, OSError, UnicodeDecodeError) as error:
            raise SecretError(f"the login's secret cannot be read: {type(error).__name__}") from error
        text = text.removesuffix("\n").removesuffix("\r")
        if not text.isprintable():
            raise SecretError("the login's secret holds signs that no password has")
        return text

    @contextmanager
    def _classified(self, *uids: int) -> Iterator[None]:
        """Turn failures into what follows from them; `uids` are the messages that were asked for."""
        try:
            yield
        except _FAILURES as error:
            if isinstance(error, (LostError, OSError)):
                if self._session is not None:
                    self._ended.update((uid, self._ended.get(uid, 0) + 1) for uid in uids)
                self.close()
            raise classify(error) from error


def classify(error: Exception) -> ChannelError:
    """Decide what follows from a failure, from the mailbox's session or the socket."""
    words = str(error)
    if isinstance(error, ssl.SSLError):
        words = refusal(error)
    elif isinstance(error, OSError):
        words = unreachable(error)
    lasting = isinstance(error, ssl.SSLCertVerificationError) or (
        isinstance(error, FarError) and error.lasting
    )
    return (Permanent if lasting else Transient)(words, evidence=str(error))
