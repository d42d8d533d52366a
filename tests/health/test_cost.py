"""What checks cost, by its causes: nothing of the loop's own for any of them, and one registration with the kernel."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from health.checker import Checker
from health.pool import TELL_EVERY, Pool
from health.probes.poller import Poller, Watched
from health.spec import CheckSpec, HealthSpec, HttpProbe, Probe, TcpProbe
from health.wheel import GRAIN
from support.alerts import until
from support.servers import free_port

SERVERS = 200
SECONDS = 2.0
EVERY = 0.2
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Loop:
    """An event loop that counts what it is asked for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._loop, name)


@contextmanager
def answering() -> Iterator[int]:
    """The port of a server on every address of this host that says the page to whoever connects, from a thread."""
    with socket.create_server(("0.0.0.0", 0), backlog=1024) as listening:
        thread = threading.Thread(target=_answer, args=(listening,))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _answer(listening: socket.socket) -> None:
    while True:
        try:
            link, _ = listening.accept()
        except OSError:
            return
        with link:
            try:
                link.sendall(PAGE)
                link.shutdown(socket.SHUT_WR)
                link.recv(4096)
            except OSError:
                pass


@pytest.mark.parametrize("probe", [TcpProbe(), HttpProbe()])
async def test_a_check_asks_nothing_of_the_loop(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of checks share one reader and at most a timer a slot; each probe is watched once and woken for twice."""
    asked: Counter[str] = Counter()
    watch, woken = Poller.watch, Checker.woken

    def watching(self: Poller, descriptor: int, watched: Watched) -> None:
        asked["watch"] += 1
        watch(self, descriptor, watched)

    def waking(self: Checker, now: float) -> None:
        asked["woken"] += 1
        woken(self, now)

    monkeypatch.setattr(Poller, "watch", watching)
    monkeypatch.setattr(Checker, "woken", waking)
    loop = Loop(asyncio.get_running_loop())
    with answering() as port:
        pool = Pool(cast(asyncio.AbstractEventLoop, loop), "hactl/test", lambda _: None)
        began = time.monotonic()
        pool.apply(pool.prepare(HealthSpec(checks=tuple(checks(port, probe)))))
        await asyncio.sleep(SECONDS)
        slots = (time.monotonic() - began) / GRAIN
        tasks = asyncio.all_tasks()
        pool.close()
    probes = pool.counts.probes
    assert pool.counts.failed <= probes / 10
    assert probes >= 2 * SERVERS
    assert asked["watch"] <= probes + SERVERS
    assert asked["woken"] <= 2 * (probes + SERVERS)
    assert tasks == {asyncio.current_task()}
    # Timers follow the clock, whatever the number of checks.
    tellings = SECONDS / TELL_EVERY
    assert loop.asked.pop("call_at") <= 1.5 * slots + tellings + 5
    assert loop.asked.pop("call_soon") <= tellings + 5
    assert loop.asked == {"add_reader": 1, "remove_reader": 1}


def checks(port: int, probe: Probe) -> Iterator[CheckSpec]:
    """A check of each server."""
    for number in range(SERVERS):
        yield CheckSpec(
            address=f"127.1.{number}.1",
            port=port,
            probe=probe,
            interval=EVERY,
            fast_interval=EVERY,
            timeout=5 * EVERY,
        )


async def test_many_changed_verdicts_are_told_a_few_times() -> None:
    """Hundreds of servers that fall within a second are told of at intervals, none left out; the first at once."""
    tellings: list[int] = []
    loop = asyncio.get_running_loop()
    pool = Pool(loop, "hactl/test", lambda changes: tellings.append(len(changes)))
    refusing = free_port()
    dying = [
        CheckSpec(
            address=f"127.{2 + n // 250}.{n % 250}.1", port=refusing, probe=TcpProbe(), interval=1.0, fall=1
        )
        for n in range(2 * SERVERS)
    ]
    began = time.monotonic()
    try:
        pool.apply(pool.prepare(HealthSpec(checks=tuple(dying))))
        await until(lambda: sum(tellings) >= len(dying))
    finally:
        pool.close()
    assert sum(tellings) == len(dying)
    assert len(tellings) <= (time.monotonic() - began) / TELL_EVERY + 2
