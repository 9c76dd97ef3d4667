"""A socket of our own to a host: connected within a deadline, without Nagle's delay, watched by the kernel."""

from __future__ import annotations

import socket
from time import monotonic

_SIGNS_OF_LIFE = 3  # unanswered ones after which the kernel takes the host for dead


def dial(host: str, port: int, *, timeout: float, keepalive: float = 30.0) -> socket.socket:
    """Connect to the first address of a host that answers; the socket blocks without a timeout of its own.

    Args:
        host: name or address.
        port: TCP port.
        timeout: seconds for all addresses together.
        keepalive: seconds between the kernel's signs of life on an idle connection; 0 is one second.

    Raises:
        OSError: there is no way to it (socket.gaierror: its name cannot be looked up).

    """
    until = monotonic() + timeout
    problem: OSError = TimeoutError(f"no connection within {timeout:g} s")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(until - monotonic(), 0.001))
            sock.connect(address)
            sock.settimeout(None)
            _tune(sock, keepalive)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem


def unreachable(error: OSError) -> str:
    """Say in plain words why there is no way to a host."""
    if isinstance(error, socket.gaierror):
        return f"the server's name cannot be looked up: {error.strerror}"
    return f"there is no way to the server: {error.strerror or error or type(error).__name__}"


def _tune(sock: socket.socket, keepalive: float) -> None:
    every = max(int(keepalive), 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else small requests wait 40 ms for nothing
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, every)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, every)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _SIGNS_OF_LIFE)
