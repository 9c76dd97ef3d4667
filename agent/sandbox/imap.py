"""A mailbox on loopback, over TLS, as a client sees it that looks for mail and fetches it. Never for a real network.

It listens on 127.0.0.1 only and speaks as much of IMAP4rev1 (RFC 3501) as such a client needs. Mails come into it
by `put` only.
"""

from __future__ import annotations

import re
import secrets
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from agent.sandbox.imap_words import BadCommandError, Mail, atoms, internal_date, numbers, quoted, searched
from agent.sandbox.listening import Listener

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    from agent.sandbox.certificates import Authority

__all__ = ["SandboxImap"]

_CAPABILITIES = "IMAP4rev1 LITERAL+ UNSELECT"
_LITERAL = re.compile(rb"\{(\d{1,6})(\+?)\}\r?\n$")
_LONGEST = 64 * 2**10  # bytes of a line or a literal of a client
_PART = re.compile(r"BODY(?:\.PEEK)?\[(HEADER|TEXT)?\](?:<(\d+)\.(\d+)>)?", re.IGNORECASE)
_PIECES = {"RFC822": "BODY[]", "RFC822.HEADER": "BODY.PEEK[HEADER]", "RFC822.TEXT": "BODY[TEXT]"}
_HANDSHAKE = 10.0  # seconds a client has for it


class SandboxImap:
    """The stand-in's mailbox; runs in threads between `with` and its end.

    Args:
        authority: makes its certificate.
        username: who may log in.
        password: with this; a random one when not given.
    """

    port: int

    def __init__(
        self, authority: Authority, *, username: str = "answers@shop.invalid", password: str = ""
    ) -> None:
        self.username, self.password = username, password or secrets.token_urlsafe(16)
        self.validity = int(time.time())  # UIDVALIDITY
        self.mailboxes: dict[str, list[Mail]] = {"INBOX": []}
        self._context = authority.context()
        self._next_uid = 1
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def put(self, content: bytes, mailbox: str = "INBOX", *, at: float | None = None) -> int:
        """Put a mail into a mailbox, made when it is missing; return its UID. `at`: when it came, epoch seconds."""
        uid, self._next_uid = self._next_uid, self._next_uid + 1
        mail = Mail(uid, content, time.time() if at is None else at)
        self.mailboxes.setdefault(mailbox, []).append(mail)
        return uid

    def cut(self) -> None:
        """Cut every connection there is, as a crash would."""
        for sock in list(self._sockets):  # not those that come while it is at it
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._listener = Listener("sandbox-imap", self._came)
        _, self.port = self._listener.address
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _came(self, sock: socket.socket) -> None:
        self._sockets.append(sock)
        thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, sock: socket.socket) -> None:
        watched = sock.dup()  # TLS takes the socket itself away
        self._sockets[self._sockets.index(sock)] = watched
        with watched, sock, suppress(OSError):  # a client that goes away is no event here
            sock.settimeout(_HANDSHAKE)
            with self._context.wrap_socket(sock, server_side=True) as protected:
                protected.settimeout(None)
                with protected.makefile("rb") as lines:
                    _Session(self, protected, lines).serve()
        self._sockets.remove(watched)


class _Session:
    """One client's connection."""

    def __init__(self, server: SandboxImap, sock: ssl.SSLSocket, lines: BinaryIO) -> None:
        self._server, self._sock, self._lines = server, sock, lines
        self._known = False
        self._mailbox: list[Mail] | None = None
        self._may_write = False
        self._over = False

    def serve(self) -> None:
        """Answer commands until the client goes."""
        self._say("* OK [CAPABILITY " + _CAPABILITIES + "] stand-in for a mailbox")
        while not self._over and (text := self._command()):
            tag, _, rest = text.partition(" ")
            try:
                answer = self._answer(atoms(rest))
            except BadCommandError as error:
                answer = f"BAD {error}"
            self._say(f"{tag} {answer}")

    def _say(self, text: str) -> None:
        self._sock.sendall(text.encode() + b"\r\n")

    def _command(self) -> str:
        """Read one command, its literals as quoted words; "" at the end."""
        text = ""
        while line := self._lines.readline(_LONGEST):
            match = _LITERAL.search(line)
            if match is None:
                return text + line.decode("latin-1").rstrip("\r\n")
            if not match[2]:
                self._say("+ go on")
            literal = self._lines.read(min(int(match[1]), _LONGEST))
            text += line[: match.start()].decode("latin-1") + quoted(literal.decode("latin-1"))
        return ""

    def _answer(self, words: list[str]) -> str:
        name = words.pop(0).upper() if words else ""
        if name == "UID":
            name = f"UID {words.pop(0).upper() if words else ''}"
        anybody: dict[str, Callable[[list[str]], str]] = {
            "CAPABILITY": self._capability,
            "NOOP": self._noop,
            "LOGOUT": self._logout,
            "LOGIN": self._login,
        }
        known = {"SELECT": self._select, "EXAMINE": self._examine, "LIST": self._list}
        inside: dict[str, Callable[[list[str]], str]] = {
            "SEARCH": lambda words: self._search(words, by_uid=False),
            "UID SEARCH": lambda words: self._search(words, by_uid=True),
            "FETCH": lambda words: self._fetch(words, by_uid=False),
            "UID FETCH": lambda words: self._fetch(words, by_uid=True),
            "CLOSE": self._unselect,
            "UNSELECT": self._unselect,
        }
        for commands, allowed in ((anybody, True), (known, self._known), (inside, self._mailbox is not None)):
            if do := commands.get(name):
                return do(words) if allowed else f"BAD {name} cannot come yet"
        raise BadCommandError(f"{name} is not understood here")

    def _capability(self, _words: list[str]) -> str:
        self._say("* CAPABILITY " + _CAPABILITIES)
        return "OK done"

    def _noop(self, _words: list[str]) -> str:
        if self._mailbox is not None:
            self._say(f"* {len(self._mailbox)} EXISTS")
        return "OK done"

    def _logout(self, _words: list[str]) -> str:
        self._over = True
        self._say("* BYE until next time")
        return "OK done"

    def _login(self, words: list[str]) -> str:
        given = [word.encode("latin-1", "replace") for word in words]
        wanted = [self._server.username.encode(), self._server.password.encode()]
        self._known = len(given) == len(wanted) and all(map(secrets.compare_digest, given, wanted))
        return "OK done" if self._known else "NO [AUTHENTICATIONFAILED] not this login"

    def _list(self, _words: list[str]) -> str:
        for name in self._server.mailboxes:
            self._say(f'* LIST () "/" {quoted(name)}')
        return "OK done"

    def _select(self, words: list[str]) -> str:
        return self._open(words, may_write=True)

    def _examine(self, words: list[str]) -> str:
        return self._open(words, may_write=False)

    def _open(self, words: list[str], *, may_write: bool) -> str:
        name = words[0] if words else ""
        name = "INBOX" if name.upper() == "INBOX" else name
        self._mailbox = self._server.mailboxes.get(name)
        if self._mailbox is None:
            return "NO [NONEXISTENT] there is no such mailbox"
        self._may_write = may_write
        self._say(f"* {len(self._mailbox)} EXISTS")
        self._say("* 0 RECENT")
        self._say("* FLAGS (\\Seen \\Answered \\Flagged \\Deleted)")
        self._say(f"* OK [UIDVALIDITY {self._server.validity}] of these numbers")
        self._say(f"* OK [UIDNEXT {max((mail.uid for mail in self._mailbox), default=0) + 1}] or more")
        return f"OK [{'READ-WRITE' if may_write else 'READ-ONLY'}] opened"

    def _unselect(self, _words: list[str]) -> str:
        self._mailbox = None
        return "OK done"

    def _mails(self) -> list[Mail]:
        return list(self._mailbox or ())

    def _search(self, words: list[str], *, by_uid: bool) -> str:
        found = searched(words, self._mails())
        self._say(" ".join(["* SEARCH", *(str(mail.uid if by_uid else number) for number, mail in found)]))
        return "OK done"

    def _fetch(self, words: list[str], *, by_uid: bool) -> str:
        mails = self._mails()
        largest = max((mail.uid for mail in mails), default=0) if by_uid else len(mails)
        wanted = numbers(words[0] if words else "", largest)
        items = [word.upper() for word in words[1:] if word not in {"(", ")"}]
        if by_uid and "UID" not in items:
            items.insert(0, "UID")
        for number, mail in enumerate(mails, 1):
            if wanted(mail.uid if by_uid else number):
                self._tell(number, mail, items)
        return "OK done"

    def _tell(self, number: int, mail: Mail, items: Sequence[str]) -> None:
        said = f"* {number} FETCH (".encode()
        told = [self._item(mail, item) for item in items]
        self._sock.sendall(said + b" ".join(told) + b")\r\n")

    def _item(self, mail: Mail, item: str) -> bytes:
        plain = {
            "UID": f"UID {mail.uid}",
            "FLAGS": f"FLAGS ({' '.join(sorted(mail.flags))})",
            "RFC822.SIZE": f"RFC822.SIZE {len(mail.content)}",
            "INTERNALDATE": f"INTERNALDATE {internal_date(mail.at)}",
        }
        if found := plain.get(item):
            return found.encode()
        part = _PART.fullmatch(_PIECES.get(item, item))
        if part is None:
            raise BadCommandError(f"{item} is not understood here")
        if self._may_write and "PEEK" not in part[0].upper():
            mail.flags.add("\\Seen")
        section, start, size = part.groups()
        content = _section(mail.content, section or "")
        label = item if item in _PIECES else f"BODY[{section or ''}]"
        if start is not None:
            content, label = content[int(start) : int(start) + int(size)], f"{label}<{start}>"
        return f"{label} {{{len(content)}}}\r\n".encode() + content


def _section(content: bytes, section: str) -> bytes:
    head, gap, text = content.partition(b"\r\n\r\n")
    return {"": content, "HEADER": head + gap, "TEXT": text}[section]
