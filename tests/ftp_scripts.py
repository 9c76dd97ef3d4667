"""A far side for FTP that does as a test says: falls silent, hangs up or answers wrongly at any command.

A small FTP server of our own: one thread per connection, files in a folder, nothing but what the channel
needs. What it is to do otherwise is told by the command (or "greeting", "transfer", "handshake").
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from agent.channels.ftp import Channel, Options
from tests.listening import Listener

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.certificates import Certificate

PASSWORD = "canary-0815-of-the-script"


@dataclass
class Script:
    """What the server does otherwise; a value is a reply, or what is called with the connection."""

    otherwise: dict[str, str | Callable[[Peer], None]] = field(default_factory=dict)  # instead of doing it
    afterwards: dict[str, Callable[[Peer], None]] = field(default_factory=dict)  # done, but not answered


class HungUpError(Exception):
    """The script hangs up."""


def silent(peer: Peer) -> None:
    """Say nothing until the other side gives up."""
    peer.stop.wait()
    raise HungUpError


def hang_up(peer: Peer) -> None:
    """End the connection without a word."""
    raise HungUpError


def drip(peer: Peer) -> None:
    """Answer one byte at a time, and never to the end."""
    for sign in b"200-" + b"drip" * 100_000:
        if peer.stop.wait(0.05):
            break
        peer.sock.sendall(bytes([sign]))
    raise HungUpError


def answering(text: str) -> Callable[[Peer], None]:
    """Answer so, after it was done."""
    return lambda peer: peer.say(text)


class Peer:
    """One connection to the scripted server."""

    def __init__(self, server: ScriptedFtp, sock: socket.socket) -> None:
        self.server, self.sock, self.stop = server, sock, server.stop
        self._rest = b""
        self.passive: socket.socket | None = None
        self._from = ""

    def serve(self) -> None:
        """Do one command after the other."""
        try:
            with contextlib.suppress(OSError, HungUpError):
                self._act("greeting", lambda: "220 ready")
                while line := self._line():
                    self._command(line)
        finally:
            for sock in (self.sock, self.passive):
                if sock is not None:
                    sock.close()

    def _line(self) -> str:
        while b"\n" not in self._rest:
            if not (more := self.sock.recv(4096)):
                return ""
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode().rstrip("\r")

    def say(self, text: str) -> None:
        """Send a reply."""
        self.sock.sendall(text.encode() + b"\r\n")

    def _command(self, line: str) -> None:
        self.server.said.append(line)
        verb, _, argument = line.partition(" ")
        known = getattr(self, f"_do_{verb.lower()}", None)
        self._act(verb, lambda: known(argument) if known else "502 not known")
        if verb == "AUTH" and self.server.context and verb not in self.server.script.otherwise:
            self._act("handshake", lambda: "")
            self.sock = self.server.context.wrap_socket(self.sock, server_side=True)

    def _act(self, step: str, usual: Callable[[], str]) -> None:
        other = self.server.script.otherwise.get(step)
        if isinstance(other, str):
            self.say(other)
        elif other is not None:
            other(self)
        else:
            reply = usual()
            if after := self.server.script.afterwards.get(step):
                after(self)
            elif reply:
                self.say(reply)

    def _do_auth(self, _: str) -> str:
        return "234 begin" if self.server.context else "502 no TLS here"

    def _do_user(self, _: str) -> str:
        return "331 password"

    def _do_pass(self, argument: str) -> str:
        return "230 in" if argument == PASSWORD else "530 no"

    def _do_pbsz(self, _: str) -> str:
        return "200 yes"

    _do_prot = _do_type = _do_noop = _do_pbsz

    def _do_epsv(self, _: str) -> str:
        return f"229 here (|||{self._listening()}|)"

    def _do_pasv(self, _: str) -> str:
        """Name another host than this one, as servers behind a translated address and liars do."""
        high, low = divmod(self._listening(), 256)
        return f"227 there (203,0,113,7,{high},{low})"

    def _listening(self) -> int:
        if self.passive is not None:
            self.passive.close()
        self.passive = socket.create_server(("127.0.0.1", 0))
        self.passive.settimeout(10)
        return int(self.passive.getsockname()[1])

    def _do_size(self, argument: str) -> str:
        path = self._path(argument)
        return f"213 {path.stat().st_size}" if path.is_file() else "550 no such file"

    def _do_dele(self, argument: str) -> str:
        path = self._path(argument)
        if not path.is_file():
            return "550 no such file"
        path.unlink()
        return "250 removed"

    def _do_rnfr(self, argument: str) -> str:
        self._from = argument
        return "350 and to" if self._path(argument).is_file() else "550 no such file"

    def _do_rnto(self, argument: str) -> str:
        self._path(self._from).rename(self._path(argument))
        return "250 renamed"

    def _do_nlst(self, argument: str) -> str:
        names = "".join(f"{path.name}\r\n" for path in self._path(argument or ".").iterdir())
        with self._transfer() as sock:
            sock.sendall(names.encode())
        return "226 listed"

    def _do_retr(self, argument: str) -> str:
        with self._transfer() as sock:
            sock.sendall(self._path(argument).read_bytes())
        return "226 sent"

    def _do_stor(self, argument: str) -> str:
        with self._transfer() as sock, self._path(argument).open("wb") as target:
            while more := sock.recv(65536):
                target.write(more)
        return "226 stored"

    @contextlib.contextmanager
    def _transfer(self) -> Any:
        assert self.passive is not None
        self.say("150 go on")
        sock, _ = self.passive.accept()
        self.passive.close()
        try:
            self._act("transfer", lambda: "")
            if self.server.context:
                sock = self.server.context.wrap_socket(sock, server_side=True)
                self.server.resumed.append(bool(sock.session_reused))
            yield sock
            if isinstance(sock, ssl.SSLSocket) and self.server.goodbye:
                with contextlib.suppress(OSError):
                    sock.unwrap()
        finally:
            sock.close()

    def _path(self, argument: str) -> Path:
        return self.server.root / argument.lstrip("/")


class ScriptedFtp:
    """The server; files land in `root`.

    Args:
        root: its folder.
        certificate: for TLS; None: a plain server.
        script: what it does otherwise.
        ca_file: what clients are to trust.
    """

    def __init__(
        self,
        root: Path,
        *,
        certificate: Certificate | None = None,
        ca_file: Path | None = None,
        **script: Any,
    ) -> None:
        self.root, self.script, self.ca_file = root, Script(**script), ca_file
        self.root.mkdir(parents=True, exist_ok=True)
        self.stop = threading.Event()
        self.said: list[str] = []
        self.resumed: list[bool] = []  # for each second connection: whether it took up the TLS session
        self.goodbye = True  # whether it ends TLS on its second connections properly
        self.context: ssl.SSLContext | None = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate.both)
        self._open: list[socket.socket] = []

    @property
    def verbs(self) -> list[str]:
        """The commands it got, without their arguments."""
        return [line.partition(" ")[0] for line in self.said]

    def options(self, **changes: Any) -> Options:
        """Return settings that reach it."""
        plain = {"security": "none", "allow_plain_ftp": True}
        protected = {"ca_file": str(self.ca_file)}
        wanted = {
            "host": "127.0.0.1",
            "port": self.port,
            "username": "agent",
            "password": {"env": PASSWORD},
            "directory": "/",
            "connect_timeout": "20s",
            "idle_timeout": "20s",
        }
        return Options.model_validate({**wanted, **(protected if self.ca_file else plain), **changes})

    def channel(self, *, clock: Callable[[], float] = time.monotonic, **changes: Any) -> Channel:
        """Return a channel to it."""
        return Channel(self.options(**changes), lambda _: PASSWORD.encode(), clock=clock)

    def __enter__(self) -> Self:
        self._listener = Listener(self._serve)
        self.port = self._listener.port
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._listener.join()

    def _serve(self, sock: socket.socket) -> None:
        self._open.append(socket.socket(fileno=os.dup(sock.fileno())))
        Peer(self, sock).serve()
