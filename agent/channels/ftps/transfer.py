"""The second connection, which carries a file's bytes or a list of names; one per transfer.

Under TLS it takes up the session of the control connection: servers ask for that as the proof that both come
from the same client. The reply on the control connection is the truth of what became of a transfer, never the way
in which this connection ended.
"""

from __future__ import annotations

import fcntl
import hashlib
import select
import socket
import ssl
import struct
import termios
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from agent.channels.base import pieces
from agent.channels.failures import ShortError
from agent.channels.ftps.control import wrapped
from agent.channels.ftps.failures import RefusedError
from agent.channels.ftps.replies import LONGEST_LINE, port_in
from agent.net.dialing import dial, unreachable
from agent.net.failures import ChangedError, FarError, LostError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.channels.base import Parcel
    from agent.channels.ftps.control import Control

_BLOCK = 2**16  # bytes sent or read at once
_LOOK_EVERY = 0.2  # seconds between two looks at what the network has not taken yet
_MOST_NAMES = 1_000_000
_NOT_KNOWN = frozenset({500, 501, 502, 504, 522})  # of EPSV: then PASV it is
_SEEN_NOTHING = "failed"  # vsftpd: "226 Transfer done (but failed to open directory)."


class Transfers:
    """Makes the second connections of one session.

    Args:
        control: the session's control connection, logged in.
        context: for TLS; None where the session is plain.
        host: the name the server has to prove.
        timeout: seconds for connecting.
    """

    def __init__(self, control: Control, context: ssl.SSLContext | None, host: str, timeout: float) -> None:
        self._control, self._context, self._host, self._timeout = control, context, host, timeout
        self._extended = True  # EPSV, until the server says that it does not know it

    def store(self, parcel: Parcel, path: str, beginning: Callable[[], None]) -> str:
        """Write a file anew; return the server's word that it has it.

        Args:
            parcel: whose bytes.
            path: where.
            beginning: called right before the server is asked to make the file.

        Raises:
            ChangedError: the bytes on our own disk are not the parcel's; the server may hold what was sent.
            RefusedError: the server did not take it, or not all of it.
            LostError: the connection broke.
        """
        step = "store the file"
        with self._begun(step, "STOR", path, beginning) as sock:
            broken = None
            try:
                for piece in pieces(parcel, _BLOCK):
                    sock.sendall(piece)
                    self._control.watch.progress()
                self._finish(sock)
            except OSError as error:  # why is in the reply
                broken = error
            except ChangedError:
                _hang_up(sock)
                with suppress(FarError):
                    self._control.receive(step)  # else it would pass for the answer to the next command
                raise
            reply = self._control.receive(step)
        if not reply.good:
            raise RefusedError(step, reply.code, reply.text, begun=True)
        if broken:
            raise ShortError(f"the server ended the transfer early, yet says {reply.code} {reply.text}")
        return f"{reply.code} {reply.text}"

    def digest(self, path: str, size: int) -> str:
        """Read a file back; return its SHA-256, or "" when it has not the size it should have.

        Raises:
            RefusedError: it may not be read.
            LostError: the connection broke.
        """
        sha256, total = hashlib.sha256(), 0
        for piece in self._received("read the file back", "RETR", path):
            total += len(piece)
            if total > size:
                raise LostError("the server sends more of the file than it has; the agent hung up")
            sha256.update(piece)
        return sha256.hexdigest() if total == size else ""

    def names(self, folder: str) -> Iterator[str]:
        """Yield the names in a folder ("" = where the login starts).

        Raises:
            RefusedError: it may not be listed, or is not there.
            LostError: the connection broke.
        """
        rest = b""
        for number, piece in enumerate(self._received("list a folder", "NLST", folder)):
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > LONGEST_LINE or number > _MOST_NAMES:
                raise PeerError("the server's list of names has no end")
            for line in lines:
                yield _name(line)
        if rest:
            yield _name(rest)

    def _received(self, step: str, command: str, path: str) -> Iterator[bytes]:
        whole = True
        with self._begun(step, command, path) as sock:
            with self._control.losing(step):
                try:
                    while piece := sock.recv(_BLOCK):
                        self._control.watch.progress()
                        yield piece
                except (
                    ssl.SSLEOFError
                ):  # no goodbye: many servers say none, and so does who cuts a list short
                    whole = False
            if isinstance(sock, ssl.SSLSocket):
                _say_goodbye(sock)
            _hang_up(sock)  # servers wait for it with their reply
            reply = self._control.receive(step)
        if not reply.good or (command == "NLST" and _SEEN_NOTHING in reply.text):
            raise RefusedError(step, reply.code, reply.text)
        if command == "NLST" and not whole:
            raise RefusedError(step, reply.code, "but the list may have been cut short")

    @contextmanager
    def _begun(
        self, step: str, command: str, path: str, beginning: Callable[[], None] = lambda: None
    ) -> Iterator[socket.socket]:
        """Connect, send the command, protect; what the server says at the end is left to read."""
        sock: socket.socket = self._connected()
        copy = self._control.sockets.add(sock)
        try:
            beginning()
            reply = self._control.ask(step, command, path)
            if reply.good:  # some servers say first that they understood
                reply = self._control.receive(step)
            if not reply.begun:
                raise RefusedError(step, reply.code, reply.text)
            sock = self._protected(sock, step)
            yield sock
        finally:
            self._control.sockets.remove(copy)
            sock.close()

    def _connected(self) -> socket.socket:
        """Connect to where the control connection goes, at the port that the server names."""
        port = self._port()
        try:
            return dial(self._control.host, port, timeout=self._timeout)
        except OSError as error:
            raise LostError(f"the second connection (port {port}): {unreachable(error)}") from error

    def _port(self) -> int:
        step = "open a second connection"
        if self._extended:
            reply = self._control.ask(step, "EPSV")
            if reply.code not in _NOT_KNOWN:
                if not reply.good:
                    raise RefusedError(step, reply.code, reply.text)
                return port_in(reply)
            self._extended = False
        return port_in(self._control.order(step, "PASV"))

    def _protected(self, sock: socket.socket, step: str) -> socket.socket:
        context, tls = self._context, self._control.tls
        if context is None or tls is None:
            return sock
        # Tickets of TLS 1.3 come behind the handshake: by now some replies were read, and the tickets with them.
        session = tls.session
        try:
            return wrapped(
                sock,
                lambda bare: context.wrap_socket(
                    bare, server_hostname=self._host, session=session, suppress_ragged_eofs=False
                ),
            )
        except OSError as error:
            return self._unprotected(step, error)

    def _unprotected(self, step: str, error: OSError) -> socket.socket:
        """Tell why TLS did not begin: the server's reply says more than the broken connection."""
        reply = self._control.receive(step)
        if reply.good:
            raise LostError(f"the second connection broke when the server was asked to {step}") from error
        raise RefusedError(step, reply.code, reply.text, begun=True) from error

    def _finish(self, sock: socket.socket) -> None:
        """Say that this was all, and wait until the network has taken it; not until the server answers here.

        Closing at once would throw away what is still under way when something unread has come in, as tickets
        do. Waiting for the server's own goodbye may take for ever.
        """
        if isinstance(sock, ssl.SSLSocket):
            _say_goodbye(sock)
        sock.shutdown(socket.SHUT_WR)
        before = -1
        while (left := _under_way(sock)) and not self._control.waiting(_LOOK_EVERY):
            if left != before:
                self._control.watch.progress()
            before = left


def _hang_up(sock: socket.socket) -> None:
    """End it for both sides; closing alone does not, for the watchdog has a copy."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _say_goodbye(sock: ssl.SSLSocket) -> None:
    sock.settimeout(0)
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    while True:
        try:
            sock.unwrap()
        except ssl.SSLWantWriteError:
            poll.poll()
        except (
            OSError,
            ValueError,
        ):  # it wants the server's goodbye, or has seen something else: ours is said
            return
        else:
            return


def _under_way(sock: socket.socket) -> int:
    """Return how many bytes the far side has not confirmed yet."""
    with suppress(OSError, ValueError):
        return int(struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
    return 0


def _name(line: bytes) -> str:
    """Return the name in a line of a list; some servers put the folder before it."""
    return line.rstrip(b"\r\n").rpartition(b"/")[2].decode("utf-8", "replace")
