"""A small HTTP server in a network namespace: a real server's page, or what a webhook talks to."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

from support.netns import Lan


class Web(http.server.ThreadingHTTPServer):
    """Answers every request with ``status``; keeps what was asked for and the JSON that was posted."""

    daemon_threads = True
    allow_reuse_address = True
    status = 200

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, _Handler)
        self.asked: list[str] = []
        self.posted: list[Any] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no fault."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self._answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append(json.loads(body))
        self._answer()

    def _answer(self) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def web(net: Lan, host: str, port: int, address: str | None = None) -> Iterator[Web]:
    """A server in a host until the block ends; then the port refuses."""
    with net.inside(host):
        server = Web((address or net.address(host), port))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
