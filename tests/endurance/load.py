"""What the daemons under endurance have to bear: configurations in turn, and real servers that come and go."""

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from support.netns import Lan

CYCLE = 4
"""Configurations until the first comes again."""
SERVICES, SERVERS = 10, 20
FLAPPING = 20
"""Servers that are closed and opened again; each service has some of them."""
HOOK = 9000
"""Port of the receiver of alerts."""
_FIRST = 8000


def text(turn: int, key: str) -> str:
    """The configuration of this turn: other servers, weights, intervals, VIPs, channels than the one before."""
    return "\n".join(_lines(turn % CYCLE, key)) + "\n"


def _lines(turn: int, key: str) -> Iterator[str]:
    vips = ", ".join(f"10.99.0.{100 + number}" for number in range(1 + turn))
    yield from (
        "cluster: endurance",
        "directors: {lb1: {address: 10.99.0.1}, lb2: {address: 10.99.0.2}}",
        "routers:",
    )
    yield f"  web: {{vrid: 51, interface: eth0, addresses: [{vips}], advert_interval: 100ms}}"
    if turn % 2:
        yield "  more: {vrid: 52, interface: eth0, addresses: [10.99.0.120], transport: unicast}"
    yield f"peer: {{key_file: {key}}}"
    yield from (
        "checks:",
        f"  page: {{type: http, path: /, interval: {1 + turn % 2}s, fast_interval: 300ms, timeout: 1s}}",
    )
    yield "  port: {type: tcp, interval: 500ms, fast_interval: 200ms, timeout: 400ms, fall: 2, rise: 1}"
    yield "  program: {type: script, command: [/bin/true], interval: 1s, timeout: 900ms}"
    yield "services:"
    for service in range(SERVICES):
        yield from _service(service, turn)
    yield "notify:"
    yield f"  hook: {{type: webhook, url: 'http://10.99.0.3:{HOOK}/', every: {1 + turn}s}}"
    yield "  local: {type: exec, command: [/bin/true], events: ['service.*'], every: 2s}"
    yield from ("history: 60s", "health: {user: nobody}")


def _service(service: int, turn: int) -> Iterator[str]:
    check = ("port", "page", "port", "[port, program]")[service % CYCLE]
    few = 5 if service % CYCLE == CYCLE - 1 else SERVERS
    scheduler = "mh" if service == 0 else "wlc"
    yield f"  s{service}:"
    yield from (
        "    address: 10.99.0.100",
        f"    port: {80 + service}",
        "    forward: nat",
        f"    scheduler: {scheduler}",
    )
    yield from (
        f"    check: {check}",
        "    slow_start: 3s" if service == 1 else "    quorum: {up: 1}",
        "    servers:",
    )
    # Each turn has two servers that the turn before had not, and lacks two.
    for number in range(2 * turn, 2 * turn + few):
        port = _FIRST + 1 + number if number % 10 == service else _FIRST
        yield f"      r{number}: {{address: 10.98.{service}.{number + 1}, port: {port}, weight: {1 + (number + turn) % 3}}}"


class Servers:
    """The real servers, all addresses of 10.98.0.0/16 in one host; `flap` closes and opens some."""

    def __init__(self, net: Lan, host: str, seed: int = 1) -> None:
        self._net, self._host = net, host
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._open: dict[int, asyncio.Server] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers")

    def __enter__(self) -> Self:
        self._net.ip(self._host, "route add local 10.98.0.0/16 dev lo")
        self._thread.start()
        for port in range(_FIRST, _FIRST + 1 + FLAPPING):
            self._listen(port)
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, traceback: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def flap(self) -> None:
        """One server in four dies or comes back."""
        for port in range(_FIRST + 1, _FIRST + 1 + FLAPPING):
            if self._chance.random() < 0.25:
                if port in self._open:
                    self._loop.call_soon_threadsafe(self._open.pop(port).close)
                else:
                    self._listen(port)

    def _listen(self, port: int) -> None:
        with self._net.inside(self._host):
            listening = socket.create_server(("", port), backlog=4096)
        starting = asyncio.start_server(self._answer, sock=listening)
        self._open[port] = asyncio.run_coroutine_threadsafe(starting, self._loop).result(20)

    @staticmethod
    async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            if await asyncio.wait_for(reader.read(500), 2.0):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                await writer.drain()
        writer.close()

    async def _end(self) -> None:
        for server in self._open.values():
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
        # What was closed last is gone a turn later.
        await asyncio.sleep(0.2)
