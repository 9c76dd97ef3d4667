"""A mail server on loopback that behaves like impact.com's side of a mail connection. Never for a real network.

It listens on 127.0.0.1 only, takes mail after STARTTLS and a login, keeps every mail whole, and takes the one
attachment whose name matches its pattern. Needs aiosmtpd, which the extra `demo` installs.
"""

from __future__ import annotations

import asyncio
import email
import hashlib
import logging
import secrets
import socket
import threading
import time
from email import policy
from fnmatch import fnmatchcase
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from agent.sandbox.storage import Accepted

if TYPE_CHECKING:
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

    from agent.sandbox.certificates import Authority

__all__ = ["SandboxSmtp"]

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # a client that goes away is no event here

_HOST = "stand-in.invalid"  # how it calls itself; asks no name service
_RESERVED = ("receipt_", "result_")  # domain page, section 1.5: such names are ignored


class SandboxSmtp:
    """The stand-in's mail server; runs in a thread between `with` and its end.

    Args:
        root: the folder for attachments that were taken; made when it is missing.
        authority: makes its certificate.
        username: who may log in.
        password: with this; a random one when not given.
        recipient: the address it takes mail for; others are refused.
        pattern: of the attachment's name: * any run, ? one character.
        limit: bytes of the largest mail it takes.
    """

    port: int

    def __init__(  # noqa: PLR0913 - a table of independent choices, all by name
        self,
        root: Path,
        authority: Authority,
        *,
        username: str = "agent@shop.invalid",
        password: str = "",
        recipient: str = "batch@impact.invalid",
        pattern: str = "*.csv",
        limit: int = 32 * 2**20,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.username, self.recipient = root, username, recipient
        self.password = password or secrets.token_urlsafe(16)
        self.mails: list[bytes] = []  # every mail that came, whole, also those that were refused
        self.accepted: list[Accepted] = []  # the attachments taken, in order
        self._pattern, self._limit = pattern, limit
        self._context = authority.context()
        self._sessions: list[SMTP] = []

    def content(self, taken: Accepted) -> bytes:
        """Return what was taken under a name."""
        return (self.root / taken.name).read_bytes()

    def __enter__(self) -> Self:
        from aiosmtpd import smtp  # noqa: PLC0415 - an extra, see above

        self._aiosmtpd = smtp
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-smtp", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await self._loop.create_server(self._session, sock=self._listener)
        await self._end.wait()
        server.close()
        for session in self._sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await server.wait_closed()

    def _session(self) -> SMTP:
        session = self._aiosmtpd.SMTP(
            SimpleNamespace(handle_RCPT=self._addressed, handle_DATA=self._came),
            loop=self._loop,
            hostname=_HOST,
            ident="stand-in for impact.com's mail",
            data_size_limit=self._limit,
            tls_context=self._context,
            require_starttls=True,
            auth_required=True,
            authenticator=self._authenticate,
        )
        self._sessions.append(session)
        return session

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        right = given.login == self.username.encode() and secrets.compare_digest(
            given.password, self.password.encode()
        )
        return self._aiosmtpd.AuthResult(success=right, handled=False)

    async def _addressed(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take mail for the one address only."""
        if address.lower() != self.recipient.lower():
            return "550 5.1.1 nobody of this name is here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def _came(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a mail, and take its attachment."""
        content = envelope.content
        if not isinstance(content, bytes):  # as it would be with `decode_data`
            raise TypeError("a mail is bytes")
        self.mails.append(content)
        found = self._matching(content)
        if len(found) != 1:
            return f"554 5.6.0 one attachment must match {self._pattern}, and {len(found)} do"
        self._take(*found[0])
        return f"250 2.0.0 taken as number {len(self.accepted)}"

    def _matching(self, mail: bytes) -> list[tuple[str, bytes]]:
        message = email.message_from_bytes(mail, policy=policy.default)
        named = [(part.get_filename() or "", part) for part in message.walk() if not part.is_multipart()]
        return [
            (name, content)
            for name, part in named
            if self._wanted(name) and isinstance(content := part.get_payload(decode=True), bytes)
        ]

    def _wanted(self, name: str) -> bool:
        plain = name.isprintable() and "/" not in name and not name.startswith((".", *_RESERVED))
        return plain and fnmatchcase(name, self._pattern)

    def _take(self, name: str, content: bytes) -> None:
        place, number = self.root / name, 1
        while place.exists():  # what the true side does with a name that came before is not known: keep both
            number += 1
            place = self.root / f"{name}.{number}"
        place.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self.accepted.append(Accepted(place.name, digest, len(content), time.time()))
