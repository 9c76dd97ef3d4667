"""imaplib over a socket of our own: every answer counts as a sign of life, and no literal is larger than allowed.

imap-tools is not used for the commands themselves: its flags and moves expunge what others have marked as
deleted, and its fetch holds every message of a request in memory.
"""

from __future__ import annotations

import imaplib
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.net.dialing import dial
from agent.net.tls import verifying
from agent.net.watchdog import Watchdog

if TYPE_CHECKING:
    import socket
    from pathlib import Path

_PIECE = 65536
_SPARE = 2**20  # bytes beyond the largest message that a literal may have: heads of messages


class Client(imaplib.IMAP4):
    """A client whose socket is connected already.

    Args:
        sock: connected, and inside TLS where that comes first.
        host: whose certificate is asked for with STARTTLS.
        watch: told of every answer.
        largest: bytes of a literal; a server that announces more is cut off.
    """

    def __init__(self, sock: socket.socket, host: str, watch: Watchdog, largest: int) -> None:
        self._given, self._watch, self._largest = sock, watch, largest + _SPARE
        super().__init__(host)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002 - the library's way
        return self._given

    def read(self, size: int) -> bytes:
        """Read a literal whole."""
        if size > self._largest:
            raise self.abort("the server sends more than it announced")
        pieces, missing = [], size
        while missing:
            piece = super().read(min(missing, _PIECE))
            if not piece:
                raise self.abort("the connection broke within a message")
            self._watch.progress()
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def readline(self) -> bytes:
        """Read a line."""
        line = super().readline()
        self._watch.progress()
        return line


class Line:
    """A socket with its watchdog; the watchdog has a descriptor of its own, as TLS takes the first one over."""

    def __init__(self, host: str, port: int, timeout: float, idle: float) -> None:
        self.sock = dial(host, port, timeout=timeout)
        self._twin = self.sock.dup()
        self._client: Client | None = None
        self.watch = Watchdog(self._twin)
        self.watch.begin(timeout, idle)

    def protect(self, host: str, ca_file: Path | None) -> None:
        """Begin TLS at once.

        Raises:
            OSError: the certificate was not accepted, or there is no TLS (ssl.SSLError).
        """
        self.sock = verifying(ca_file).wrap_socket(self.sock, server_hostname=host)

    def client(self, host: str, largest: int) -> Client:
        """Make the client; its end is this line's end."""
        self._client = Client(self.sock, host, self.watch, largest)
        return self._client

    def close(self) -> None:
        """Let go of everything; never raises, safe to call twice."""
        self.watch.close()
        with suppress(OSError):
            if self._client is not None:
                self._client.shutdown()  # STARTTLS has put another socket into it
        for sock in (self.sock, self._twin):
            with suppress(OSError):
                sock.close()
