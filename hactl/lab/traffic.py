"""A client that asks a web service again and again, and keeps what came of it.

Its law: one thread a service, inside the client's namespace for as long as it lives.
"""

from __future__ import annotations

import socket
import threading
import time

from hactl.lab import net
from hactl.lab.samples import Outcome, Request

PATIENCE = 2.0


def ask(address: str, port: int = 80, patience: float = PATIENCE) -> Request:
    """One request on a connection of its own, from the thread's namespace; ``by`` is the answer's text."""
    sent = time.monotonic()
    outcome, body = Outcome.OK, b""
    try:
        with socket.create_connection((address, port), timeout=patience) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while part := connection.recv(4096):
                body += part
        if b"\r\n\r\n" not in body:
            outcome = Outcome.RESET
    except TimeoutError:
        outcome = Outcome.TIMEOUT
    except ConnectionRefusedError:
        outcome = Outcome.REFUSED
    except ConnectionResetError:
        outcome = Outcome.RESET
    except OSError:
        outcome = Outcome.UNREACHABLE
    by = body.partition(b"\r\n\r\n")[2].decode(errors="replace").strip() if outcome is Outcome.OK else ""
    return Request(sent, time.monotonic() - sent, outcome, by)


def ask_often(namespace: str, address: str, count: int) -> list[Request]:
    """``count`` requests one after the other."""
    with net.inside(namespace):
        return [ask(address) for _ in range(count)]


def greeting(namespace: str, address: str, port: int) -> str:
    """The first line that a server sends by itself, as ssh does; what went wrong when nothing comes."""
    try:
        with net.inside(namespace), socket.create_connection((address, port), timeout=PATIENCE) as connection:
            return connection.recv(256).decode(errors="replace").splitlines()[0]
    except (OSError, IndexError) as error:
        return f"no greeting: {error}"


class Traffic:
    """Requests to one address at an interval (seconds), from ``start`` until ``stop``."""

    def __init__(self, namespace: str, address: str, interval: float) -> None:
        self.namespace, self.address, self.interval = namespace, address, interval
        self.requests: list[Request] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"traffic to {address}", daemon=True)

    def _run(self) -> None:
        with net.inside(self.namespace):
            while not self._stopping.wait(self.interval):
                self.requests.append(ask(self.address))

    def start(self) -> None:
        """Begins to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Asks no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * PATIENCE)
