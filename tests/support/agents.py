"""An agent of a real server in a network namespace: says a line to everybody who connects."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator

from support.netns import Lan


class Agent(socketserver.ThreadingTCPServer):
    """Says ``line`` and closes."""

    daemon_threads = True
    allow_reuse_address = True
    line = "up"


class _Handler(socketserver.BaseRequestHandler):
    server: Agent

    def handle(self) -> None:
        self.request.sendall(f"{self.server.line}\n".encode())


@contextlib.contextmanager
def agent(net: Lan, host: str, port: int = 9999) -> Iterator[Agent]:
    """A running agent on a host, at every address it has."""
    with net.inside(host):
        server = Agent(("0.0.0.0", port), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
