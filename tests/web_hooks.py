"""A web server of our own that takes what is posted, for webhooks: over TLS, and misbehaving as it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl


class WebHook:
    """Keeps what was posted in `posts`, with path and headers; answers with `status`.

    Args:
        context: its certificate; None: plain HTTP.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.posts: list[tuple[str, dict[str, str], Any]] = []
        self.asked: list[str] = []  # method and path of every request
        self.status = 204
        self.location = ""  # where it sends us instead
        self.drips = False  # it sends its answer so slowly that no single read takes long
        self.hangs = threading.Event()
        self.hangs.set()  # cleared: it takes what is posted and says nothing
        self.over = threading.Event()
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.take(self)

            do_GET = do_POST  # noqa: N815 - the same

            def log_message(self, *_: object) -> None:  # type: ignore[override]
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/hook/SECRET-PATH"

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Take one request and answer it."""
        self.asked.append(f"{request.command} {request.path}")
        content = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        if content:
            self.posts.append((request.path, dict(request.headers), json.loads(content)))
        self.hangs.wait(30)
        if self.drips:
            self._drip(request)
            return
        request.send_response(self.status)
        if self.location:
            request.send_header("Location", self.location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.over.wait(0.05):
            request.wfile.write(b"X-Drip: 1\r\n")
            request.wfile.flush()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hangs.set()
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
