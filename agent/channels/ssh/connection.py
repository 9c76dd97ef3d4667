"""A connection to one SFTP server: own socket, pinned host key, login, session; every stage under a deadline.

Nothing secret leaves before the host key has been found among the pinned ones. No agent, no key found by
chance, no host key taken on trust. Raises the errors of `failures.py` and leaves no thread behind when it
does.
"""

from __future__ import annotations

import logging
import select
import socket
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import paramiko
from paramiko.ssh_exception import IncompatiblePeer, MessageOrderError

from agent.channels.ssh import pins
from agent.channels.ssh.failures import HostKeyError
from agent.channels.ssh.login import login, proof
from agent.channels.ssh.offer import Listener, no_common
from agent.channels.ssh.steps import run
from agent.channels.ssh.wire import Wire
from agent.net.dialing import dial
from agent.net.failures import LostError, PeerError
from agent.net.watchdog import Watchdog

if TYPE_CHECKING:
    from agent.channels.sftp import Options
    from agent.channels.ssh.login import Proof, Reveal

# What goes wrong reaches us as an exception and is told once, by us.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

# GCM needs no second pass for a MAC: a quarter of the time. No CBC; paramiko has no chacha20.
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
)
_AFTER_THE_WATCHDOG = 60.0  # seconds paramiko's own timeouts come later: they blur what happened


class Connection:
    """An SFTP session with its transport and its watchdog."""

    wire: Wire
    _key: paramiko.PKey

    def __init__(self, sock: socket.socket, options: Options) -> None:
        self.watch = Watchdog(sock)
        self.about = ""  # in plain words: whose key, which server, how protected
        self._options, self._sock = options, sock
        self._pins = tuple(map(pins.parse, options.host_keys))
        self._transport = paramiko.Transport(sock, packetizer_class=Listener)

    @property
    def alive(self) -> bool:
        """Whether nobody has noticed yet that it is dead."""
        return self._transport.is_active() and not self.watch.expired

    def check(self) -> None:
        """Make sure that it is not known to be dead, and give the server its time again.

        Raises:
            LostError: it is dead.
        """
        self.watch.progress()
        if not self.alive:
            raise LostError(self.watch.expired or "the connection broke")

    @property
    def quiet(self) -> bool:
        """Whether nothing has come in unasked: it might be the end, only not noticed yet."""
        poll = select.poll()
        try:
            poll.register(self._sock, select.POLLIN)
            return not poll.poll(0)
        except (OSError, ValueError):
            return False

    @property
    def _strict(self) -> bool:
        return bool(getattr(self._transport, "agreed_on_strict_kex", False))

    def start(self, given: Proof) -> None:
        """Agree on algorithms, check the host key, log in, start SFTP."""
        self.watch.begin(self._options.connect_timeout, self._options.connect_timeout)
        self._agree()
        self._check_host_key()
        login(self._transport, self._options.username, given, self.watch)
        self._open()
        self.watch.end()

    def probe(self) -> None:
        """Ask something harmless, to learn whether the server still answers.

        Raises:
            FarError: it does not.
        """
        run(self.wire, self.wire.probe())

    def close(self) -> None:
        """Let go of everything; never raises, safe to call twice."""
        self.watch.close()
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes paramiko's thread at once
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._transport.close()
        self._transport.packetizer.complete_handshake()  # else its timer lives on
        self._sock.close()
        if self._transport.ident is not None:
            self._transport.join()

    def _agree(self) -> None:
        transport, never = self._transport, self._options.connect_timeout + _AFTER_THE_WATCHDOG
        preferred = transport.get_security_options()
        preferred.ciphers, preferred.digests = _CIPHERS, _MACS
        preferred.key_types = pins.algorithms(self._pins)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = never
        try:
            transport.start_client()  # its own timeout would return as if all were well
            self._key = transport.get_remote_server_key()
        except IncompatiblePeer as error:
            raise PeerError(no_common(str(error), transport.packetizer, self._pins)) from error
        except MessageOrderError as error:
            raise PeerError("the key exchange was tampered with: a packet came out of order") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._lost("greet and exchange keys") from error
        if self._options.require_strict_kex and not self._strict:
            raise PeerError("the server does not offer strict key exchange, which the settings require")

    def _check_host_key(self) -> None:
        transport, key = self._transport, self._key
        kind, shown = key.get_name(), pins.fingerprint(key.asbytes())
        if not pins.matching(self._pins, kind, key.asbytes()):
            raise HostKeyError(
                f"the server {self._options.host} shows another host key than the pinned: {kind} {shown}, "
                f"not {' or '.join(map(str, self._pins))}. Nothing was sent. Either the server was changed "
                f"or somebody stands in between: ask its owner before you write a new key into host_keys"
            )
        strict = "with" if self._strict else "without"
        self.about = (
            f"host key {kind} {shown}, {transport.remote_version}, {transport.local_cipher}, "
            f"{strict} strict key exchange"
        )

    def _open(self) -> None:
        try:
            channel = self._transport.open_session()
            channel.invoke_subsystem("sftp")
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._lost("start SFTP") from error
        if isinstance(self._transport.packetizer, Listener):
            self._transport.packetizer.hurry = None
        self._transport.set_keepalive(int(self._options.keepalive))
        self.wire = Wire(
            channel,
            progress=self.watch.progress,
            why=lambda: self.watch.expired,
            packet=channel.out_max_packet_size,
        )

    def _lost(self, step: str) -> LostError:
        return LostError(
            f"{self.watch.expired or 'the connection broke'} when the server was asked to {step}"
        )


def connect(options: Options, reveal: Reveal) -> Connection:
    """Connect, check the host key, log in and start SFTP.

    Raises:
        FarError: any of `failures.py`; nothing is left open.
        OSError: there is no way to the server.
    """
    given = proof(options, reveal)
    sock = dial(options.host, options.port, timeout=options.connect_timeout, keepalive=options.keepalive)
    connection = Connection(sock, options)
    with ExitStack() as undo:
        undo.callback(connection.close)
        connection.start(given)
        undo.pop_all()
    return connection
