"""`PYTHONPATH=tests python -m bench.rest`: memory and CPU at rest, with 1, 16 and 250 routers; hactl and then keepalived.

Whole programs, all their processes; hactl besides with 100 servers checked every 2 s. Memory is PSS: a page that several
processes have counts once. RSS, which counts it in each, stands beside it.
"""

import argparse
import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import usage
from bench.book import FOLDER, Book

from failover.spec import RouterSpec
from hactl.lab import guest
from support.daemon import daemons, wait_until
from support.failover import router_spec, vip
from support.keepalived import Keepalived
from support.netns import Lan, lan
from support.processes import family

COUNTS = (1, 16, 250)
SERVERS = 100
_FIRST_PORT = 7000
_SETTLED = 10.0
"""Seconds after the start that are not counted: bursts, histories, first verdicts."""


class Rest(NamedTuple):
    """Mebibytes, and shares of one core; `failover` is of hactl's failover worker alone, resident."""

    side: str
    routers: int
    servers: int
    pss: float
    rss: float
    cpu: float
    failover: float

    def line(self) -> str:
        """For people."""
        worker = f"{self.failover:16.1f}" if self.failover else ""
        return (
            f"{self.side:<12}{self.routers:7}{self.servers:9}{self.pss:10.1f}{self.rss:10.1f}"
            f"{self.cpu:11.2%}{worker}"
        )


def interval(count: int) -> float:
    """Of the adverts: 100 ms, and a second for as many routers as there are numbers for."""
    return 1.0 if count > 16 else 0.1


def address(number: int) -> str:
    """A router's VIP."""
    return f"10.98.{number // 200}.{number % 200 + 1}"


def text(count: int, servers: int) -> str:
    """hactl's configuration. With one router it is all defaults."""
    lines = [
        "cluster: web",
        "directors: {lb1: 10.99.0.1, lb2: 10.99.0.2}",
        "health: {user: nobody}",
        "routers:",
    ]
    lines += [
        f"  r{n}: {{vrid: {n}, interface: eth0, addresses: [{address(n)}], advert_interval: {1000 * interval(count):.0f}ms}}"
        for n in range(1, count + 1)
    ]
    if servers:
        lines += [
            "services:",
            f"  www: {{address: {address(1)}, port: 80, forward: nat,",
            "    check: {type: tcp},",
        ]
        entries = (f"r{n}: {{address: 10.99.0.2, port: {_FIRST_PORT + n}}}" for n in range(servers))
        lines += [f"    servers: {{{', '.join(entries)}}}}}"]
    return "\n".join(lines) + "\n"


def specs(count: int) -> list[RouterSpec]:
    """The same routers for keepalived."""
    return [
        router_spec(
            name=f"r{n}", vrid=n, priority=150, advert_interval=interval(count), addresses=(vip(address(n)),)
        )
        for n in range(1, count + 1)
    ]


@contextlib.contextmanager
def listening(net: Lan, servers: int) -> Iterator[None]:
    """So many servers, whose connections the kernel accepts."""
    with contextlib.ExitStack() as stack, net.inside("lb2"):
        for n in range(servers):
            stack.enter_context(socket.create_server(("10.99.0.2", _FIRST_PORT + n), backlog=4096))
        yield


def watch(side: str, count: int, servers: int, pid: int, seconds: float, worker: int = 0) -> Rest:
    """What this process and its descendants have and use in a time of this length."""
    time.sleep(_SETTLED)
    processes = family(pid)
    before, began = usage.cpu(processes), time.monotonic()
    time.sleep(seconds)
    cpu = (usage.cpu(processes) - before) / (time.monotonic() - began)
    failover = usage.resident([worker]) if worker else 0.0
    return Rest(side, count, servers, usage.memory(processes), usage.resident(processes), cpu, failover)


def hactl(count: int, servers: int, seconds: float) -> Rest:
    """A daemon that is master of all."""
    with (
        lan("lb1", "lb2") as net,
        listening(net, servers),
        daemons(net, text(count, servers), "lb1") as (director,),
    ):
        director.start()
        wait_until(lambda: all(r["state"] == "master" for r in director.status()["routers"].values()), 30.0)
        worker = director.pids()["failover"]
        return watch("hactl", count, servers, director.pid, seconds, worker)


def keepalived(count: int, seconds: float) -> Rest:
    """A keepalived that is master of all."""
    with lan("lb1", "lb2") as net, tempfile.TemporaryDirectory() as folder:
        rival = Keepalived(net, "lb1", Path(folder))
        try:
            rival.start(*specs(count))
            wait_until(rival.holds, 30.0)
            assert rival.process is not None
            return watch("keepalived", count, 0, rival.process.pid, seconds)
        finally:
            rival.close()


def measured(counts: Iterable[int], seconds: float) -> Iterator[Rest]:
    """All rows."""
    for count in counts:
        yield hactl(count, 0, seconds)
        yield keepalived(count, seconds)
    yield hactl(1, SERVERS, seconds)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench.rest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each row")
    parser.add_argument("--routers", type=int, nargs="+", default=list(COUNTS))
    parser.add_argument("--json", type=Path, default=FOLDER / "rest.json")
    asked = parser.parse_args()
    about: dict[str, Any] = {"seconds": asked.seconds, "adverts": {n: interval(n) for n in asked.routers}}
    book = Book(asked.json, about)
    print(f"at rest, master of all routers, {asked.seconds:.0f} s a row, load {os.getloadavg()[0]:.1f}")
    print("program     routers  servers  PSS, MiB  RSS, MiB  of a core  failover worker's RSS")
    with guest.raising_signals():
        for row in measured(asked.routers, asked.seconds):
            print(row.line(), flush=True)
            book.add("rest", row._asdict())


if __name__ == "__main__":
    main()
