"""What an FTP server answers, read with limits. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.net.failures import PeerError

LONGEST_LINE = 8192  # bytes
MOST_LINES = 500
_FIRST = re.compile(rb"([1-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_SHOWN = 300  # characters of a reply that are told
_EXTENDED = re.compile(r"\(([!-~])\1\1(\d{1,5})\1\)")
_PASSIVE = re.compile(r"\d+,\d+,\d+,\d+,(\d{1,3}),(\d{1,3})")
_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: its code, and its text on one line without control characters."""

    code: int
    text: str

    @property
    def begun(self) -> bool:
        """Whether more is to come (1xx)."""
        return self.code < 200  # noqa: PLR2004 - RFC 959, 4.2.1

    @property
    def good(self) -> bool:
        """Whether it was done (2xx)."""
        return 200 <= self.code < 300  # noqa: PLR2004 - the same

    @property
    def halfway(self) -> bool:
        """Whether it is done once the next command comes (3xx)."""
        return 300 <= self.code < 400  # noqa: PLR2004 - the same


class Reading:
    """Puts lines together until a reply is whole.

    Args:
        hidden: what its text must not tell, should the server quote it: the password; "" = nothing.
    """

    def __init__(self, hidden: str = "") -> None:
        self._hidden = hidden
        self._code = b""
        self._texts: list[str] = []

    def add(self, line: bytes) -> Reply | None:
        """Take one line without its end; return the reply it ends, if it ends one.

        Raises:
            PeerError: this is no FTP.
        """
        first = _FIRST.fullmatch(line)
        if not self._code and first is None:
            raise PeerError("the server does not answer as an FTP server does")
        self._code = self._code or (first[1] if first else b"")
        ours = first is not None and first[1] == self._code
        self._texts.append(_plain((first[3] or b"") if first and ours else line))
        if len(self._texts) > MOST_LINES:
            raise PeerError(f"the server's answer has more than {MOST_LINES} lines")
        if not ours or (first and first[2] == b"-"):
            return None
        text = " ".join(filter(None, self._texts))
        if self._hidden:
            text = text.replace(self._hidden, "(hidden)")
        return Reply(int(self._code), text[:_SHOWN])


def port_in(reply: Reply) -> int:
    """Return the port that an answer to EPSV or PASV names; an address in it is not looked at.

    Whoever could change it would have our bytes, or point us at others: they go to where the login went.

    Raises:
        PeerError: it names none.
    """
    port = 0
    if extended := _EXTENDED.search(reply.text):
        port = int(extended[2])
    elif passive := _PASSIVE.search(reply.text):
        port = int(passive[1]) * 256 + int(passive[2])
    if not 0 < port <= _LARGEST_PORT:
        raise PeerError(f"the server names no port for the second connection ({reply.code} {reply.text})")
    return port


def size_in(reply: Reply) -> int | None:
    """Return the size that an answer to SIZE names, if it names one."""
    text = reply.text.strip()
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _plain(text: bytes) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text.decode("utf-8", "replace")).strip()
