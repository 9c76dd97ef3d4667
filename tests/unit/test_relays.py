"""The tests' own relay: what it promises to those who cut lines with it."""

from __future__ import annotations

import socket

from tests.listening import Listener
from tests.servers import Proxy, free_port


def test_a_relay_outlives_a_client_that_came_before_the_server():
    """Nobody behind it yet: that client is hung up on, and the next one is served."""
    port = free_port()
    with Proxy(port) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as early:
            assert early.recv(1) == b""

        def serve(sock: socket.socket) -> None:
            with sock:
                sock.sendall(b"here")

        server = Listener(serve, at=("127.0.0.1", port))
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as late:
            assert late.recv(4) == b"here"
        server.close()
        server.join()
        assert proxy.connections == 1
