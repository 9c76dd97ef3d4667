"""What servers written for tests have in common: a socket on loopback, and threads that end with it."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Listener:
    """Listens until it is closed, and serves each client in a thread of its own.

    Args:
        serve: is given each client's connection; an `OSError` it raises is the end of that connection only.
        at: address and port; 0: any.
    """

    def __init__(
        self, serve: Callable[[socket.socket], None], at: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        self._serve = serve
        self._socket = socket.create_server(at)
        self.port = int(self._socket.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self.start(self._accept)

    def start(self, run: Callable[..., None], *arguments: Any) -> None:
        """Run something in a thread that `join` waits for; its connection may end under it."""

        def running() -> None:
            with contextlib.suppress(OSError):
                run(*arguments)

        thread = threading.Thread(target=running, name="far side", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Let nobody in any more; safe to call twice."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def join(self) -> None:
        """Wait for all threads, also for those that are started meanwhile."""
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            sock, _ = self._socket.accept()
            self.start(self._serve, sock)
