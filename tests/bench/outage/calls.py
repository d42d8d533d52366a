"""TCP connections that are open while a director fails: through both directors as routers, to a host behind them.

The client reaches the host by way of the VIP, the host answers by way of the inner one; neither end and none of the
routers keeps state that could be lost but the connection itself. What ends one is therefore only a reset, or a way that
does not return within `PATIENCE`.

Its law: it only talks and counts.
"""

import contextlib
import selectors
import socket
import threading
import time
from types import TracebackType
from typing import NamedTuple, Self

from hactl.lab import net, topology
from hactl.lab.topology import Node, Plan, Role

HOST = Node(name="far", role=Role.CLIENT, lan="10.77.0.21", inside="10.78.0.21")
"""Behind the directors; what it sends from its inner address goes by the gateway that they share."""
PORT = 7008
COUNT = 10
EVERY = 0.05
PATIENCE = 12.0
"""Seconds: TCP sends again after 0.2, 0.6, 1.4, 3 and 6.2 s, the last of which lies behind the longest outage."""


class Kept(NamedTuple):
    """Of so many connections so many went on; `stall` is the longest silence of one of these, in seconds."""

    kept: int
    held: int
    stall: float


def build(plan: Plan) -> None:
    """The ways through the directors, on a lab that has `HOST`."""
    net.ip_batch([f"route add 10.78.0.0/24 via {topology.NAT_VIP}"], plan.namespace("client"))
    net.ip_batch(
        [
            f"rule add from {HOST.inside} lookup {topology.NAT_TABLE}",
            f"route add default via {topology.GATEWAY} table {topology.NAT_TABLE}",
        ],
        plan.namespace(HOST.name),
    )


class _Call:
    """One connection; a line is sent when the one before was answered and its time has come."""

    def __init__(self, place: tuple[str, int]) -> None:
        self.socket = socket.create_connection(place, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.asked = self.heard = time.monotonic()
        self.stall = 0.0
        self.broken = False
        self.waits = False

    def ask(self, now: float) -> None:
        """One line more."""
        self.asked, self.waits = now, True
        try:
            self.socket.send(b"x\n")
        except OSError:
            self.broken = True

    def hear(self, now: float) -> None:
        """An answer, or the end."""
        try:
            self.broken = not self.socket.recv(64)
        except BlockingIOError:
            return
        except OSError:
            self.broken = True
        self.stall = max(self.stall, now - self.asked)
        self.heard, self.waits = now, False


class Calls:
    """Connections from a namespace to a place, which talk from the beginning of the block to its end.

    Each says a line `every` so many seconds, once the one before is answered.
    """

    def __init__(self, namespace: str, place: tuple[str, int], count: int, every: float) -> None:
        self._ready = selectors.DefaultSelector()
        self._ending = threading.Event()
        self._every = every
        with net.inside(namespace):
            self._calls = [_Call(place) for _ in range(count)]
        for call in self._calls:
            self._ready.register(call.socket, selectors.EVENT_READ, call)
        self._thread = threading.Thread(target=self._talk, name="calls")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, traceback: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()
        for call in self._calls:
            call.socket.close()
        self._ready.close()

    def kept(self) -> Kept:
        """Waits until each connection has answered once more or is lost."""
        asked = time.monotonic()
        while time.monotonic() < asked + PATIENCE and not all(
            call.broken or call.heard > asked for call in self._calls
        ):
            time.sleep(0.01)
        well = [call for call in self._calls if not call.broken and call.heard > asked]
        return Kept(len(well), len(self._calls), max((call.stall for call in well), default=0.0))

    def _talk(self) -> None:
        while not self._ending.is_set():
            for key, _ in self._ready.select(self._every / 2):
                key.data.hear(time.monotonic())
                if key.data.broken:
                    self._ready.unregister(key.fileobj)
            now = time.monotonic()
            for call in self._calls:
                if not call.broken and not call.waits and now >= call.asked + self._every:
                    call.ask(now)


def through(plan: Plan) -> Calls:
    """Connections through the directors of a lab that has `HOST`, once `Echo` is there."""
    return Calls(plan.namespace("client"), (str(HOST.inside), PORT), COUNT, EVERY)


class Echo:
    """The host's service, which sends back whatever it hears."""

    def __init__(self, plan: Plan) -> None:
        with net.inside(plan.namespace(HOST.name)):
            self._listening = socket.create_server((str(HOST.inside), PORT), backlog=256)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._listening, selectors.EVENT_READ)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="echo")
        self._thread.start()

    def close(self) -> None:
        """Ends the service and its connections."""
        self._ending.set()
        self._thread.join()
        for key in list(self._ready.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._ready.close()

    def _serve(self) -> None:
        while not self._ending.is_set():
            for key, _ in self._ready.select(0.2):
                assert isinstance(key.fileobj, socket.socket)
                if key.fileobj is self._listening:
                    made, _ = self._listening.accept()
                    self._ready.register(made, selectors.EVENT_READ)
                else:
                    self._answer(key.fileobj)

    def _answer(self, talking: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = talking.recv(64)
            talking.sendall(data)
        if not data:
            self._ready.unregister(talking)
            talking.close()
