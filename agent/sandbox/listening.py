"""A socket on loopback that lets clients in, one after the other. Never for a real network."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Listener"]


class Listener:
    """Listens at `address`, a free port of 127.0.0.1, in a thread, until it is closed.

    Args:
        name: of the thread.
        came: takes the connection of each client, in that thread; one that is gone by then keeps out no other.
    """

    def __init__(self, name: str, came: Callable[[socket.socket], None]) -> None:
        self._came = came
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self._thread = threading.Thread(target=self._accept, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more; when it returns, `came` is not under way."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._socket.accept()
                with suppress(OSError):
                    self._came(sock)
