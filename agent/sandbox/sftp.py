"""An SFTP server on loopback that behaves like impact.com's side. Never for a real network.

It listens on 127.0.0.1 only, takes one user with a password or keys, and keeps what it gets in a folder.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from agent.sandbox.listening import Listener
from agent.sandbox.storage import Accepted, Files, Interfere, Storage, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["SandboxSftp"]

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # a client that goes away is no event here


class _Door(paramiko.ServerInterface):
    """Who may come in, and for what."""

    def __init__(self, server: SandboxSftp) -> None:
        self._server = server

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        self._server.passwords_seen.append(password)
        right = username == self._server.username and secrets.compare_digest(
            password.encode(), self._server.password.encode()
        )
        return self._verdict(right=right)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = f"{key.get_name()} {key.get_base64()}" in self._server.authorized_keys
        return self._verdict(right=known and username == self._server.username)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        denied = self._server.storage.verdict("session", "") or kind != "session"
        return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED if denied else OPEN_SUCCEEDED

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        if self._server.storage.verdict("subsystem", name):
            return False
        return super().check_channel_subsystem_request(channel, name)

    def _verdict(self, *, right: bool) -> int:
        refused = self._server.storage.verdict("login", "")
        return AUTH_SUCCESSFUL if right and not refused else AUTH_FAILED


class SandboxSftp:
    """The stand-in's server; runs in threads between `with` and its end.

    Args:
        root: the folder clients see as `/`; made when it is missing.
        username: who may log in.
        password: with this; a random one when not given.
        authorized_keys: or with one of these, written as in OpenSSH's file of that name.
        sweep: when finished files are taken away to `/processed`: "never", at "rename" or at "close".
        interfere: is shown each request before it is done and may answer in its place; for faults.
        tune: is shown each connection's transport before the key exchange; for old or odd servers.
    """

    port: int

    def __init__(  # noqa: PLR0913 - a table of independent choices, all by name
        self,
        root: Path,
        *,
        username: str = "impact",
        password: str = "",
        authorized_keys: Sequence[str] = (),
        sweep: Sweep = "never",
        interfere: Interfere | None = None,
        tune: Callable[[paramiko.Transport], None] | None = None,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.username = username
        self.password = password or secrets.token_urlsafe(16)
        self.authorized_keys = frozenset(" ".join(line.split()[:2]) for line in authorized_keys)
        self.passwords_seen: list[str] = []
        self.storage = Storage(root, sweep, interfere)
        self._tune = tune
        self._host_key = paramiko.ECDSAKey.generate()
        self._transports: list[paramiko.Transport] = []

    @property
    def accepted(self) -> list[Accepted]:
        """Every finished file taken in so far, in order."""
        return self.storage.accepted

    def content(self, taken: Accepted) -> bytes:
        """Return what was taken under a name, also when it was swept away."""
        root = self.storage.root
        swept = root / "processed" / taken.name
        return (swept if swept.exists() else root / taken.name).read_bytes()

    @property
    def host_key_line(self) -> str:
        """The line for the setting `host_keys`."""
        return f"{self._host_key.get_name()} {self._host_key.get_base64()}"

    def cut(self) -> None:
        """Cut every connection there is, as a crash would."""
        for transport in list(self._transports):  # not those that come while it is at it
            with suppress(OSError):
                transport.sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._listener = Listener("sandbox-sftp", self._came)
        _, self.port = self._listener.address
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()
        for transport in self._transports:
            transport.close()
            transport.packetizer.complete_handshake()
            transport.join()

    def _came(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(sock)
        transport.add_server_key(self._host_key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files, self.storage)
        if self._tune:
            self._tune(transport)
        self._transports.append(transport)
        transport.start_server(event=threading.Event(), server=_Door(self))
