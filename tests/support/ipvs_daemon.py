"""One director on a real IPVS table, with a client before it and real servers behind it.

``with site(TEXT, servers) as made:`` gives three hosts on one bridge: ``client``, the director ``lb1``, which has the
VIP, and ``rs``, which has the addresses of all real servers and answers the client through the director, as LVS-NAT
wants it. The table is watched all the time, whatever becomes of the daemon.
"""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from hactl.lab import net as namespaces
from hactl.lab import serving
from hactl.lab.serving import Entry
from support.daemon import Director, daemons, wait_until
from support.ipvs_farm import ANSWER_WITHIN, CLIENT_PAGE, Farm, place
from support.netns import Lan, lan

VIP = "10.99.0.100"
WITHIN = 60.0
"""Seconds of patience in the lab kernel, where a program takes many times as long to start as elsewhere."""
START_WITHIN = 150.0
EVERY = 0.1
Table = frozenset[Entry]
T = TypeVar("T")


def until(what: Callable[[], T], within: float = WITHIN) -> T:
    """The first true answer of ``what``."""
    return wait_until(what, within, EVERY)


class Watch:
    """Reads a host's IPVS table again and again, and keeps each change with its time.

    Only services of the VIP are looked at.
    """

    def __init__(self, net: Lan, host: str) -> None:
        self._net = net
        self._host = host
        self._changes: list[tuple[float, Table]] = []
        self._read_at = float("-inf")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, traceback: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(ANSWER_WITHIN)

    @property
    def table(self) -> Table:
        """The table as it is now, read after this was asked."""
        now = time.monotonic()
        wait_until(lambda: self._read_at >= now, ANSWER_WITHIN, 0.01)
        return self._changes[-1][1]

    def since(self, mark: float) -> list[Table]:
        """Every table that was seen from that time on until now, the one in force then first."""
        now = self.table
        before = [table for at, table in self._changes if at < mark][-1:]
        seen = [*before, *(table for at, table in self._changes if at >= mark)]
        assert seen[-1] == now
        return seen

    def entered(self, entry: Entry, since: float = float("-inf")) -> float:
        """When the entry was first seen from that time on."""
        return next(at for at, table in self._changes if at >= since and entry in table)

    def _watch(self) -> None:
        with self._net.inside(self._host):
            while not self._ended.wait(EVERY / 2):
                begun = time.monotonic()
                found = frozenset(
                    entry
                    for entry in serving.table(Path("/proc/thread-self/net/ip_vs").read_text())
                    if entry.service.startswith(f"{VIP}:")
                )
                if not self._changes or self._changes[-1][1] != found:
                    self._changes.append((time.monotonic(), found))
                self._read_at = begun


class Call:
    """One TCP connection of the client's through the VIP, which stays open."""

    def __init__(self, net: Lan, service: str) -> None:
        with net.inside("client"):
            self._link = socket.create_connection(place(service), ANSWER_WITHIN)
        self._answers = self._link.makefile("rb")
        self._said = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, traceback: TracebackType | None) -> None:
        self._answers.close()
        self._link.close()

    def talk(self) -> str:
        """Sends a line that no answer before had, and gives the name of the server that answered it."""
        self._said += 1
        word = f"line {self._said}"
        self._link.sendall(f"{word}\n".encode())
        name, _, rest = self._answers.readline().decode().strip().partition(" ")
        assert rest == word, f"asked {word!r}, got {rest!r}"
        return name


@dataclass(frozen=True)
class Site:
    """The director, what stands behind it, and who watches."""

    net: Lan
    lb1: Director
    farm: Farm
    watch: Watch

    def start(self) -> None:
        """Starts the daemon and waits until it answers with all its workers."""
        self.lb1.launch()
        until(self.is_up, START_WITHIN)

    def is_up(self) -> bool:
        """Whether the daemon answers and all its workers live."""
        assert self.lb1.process is not None
        assert self.lb1.process.poll() is None, self.lb1.log_text()
        status = self.lb1.status_or_none()
        return status is not None and all(worker["state"] == "up" for worker in status["workers"].values())

    def all_healthy(self) -> bool:
        """Whether every server of every service has passed its checks."""
        services = self.lb1.status()["services"].values()
        return all(server["health"] == "up" for service in services for server in service["servers"].values())

    def ipvsadm(self, *arguments: str) -> list[str]:
        """The lines that ipvsadm prints in the director."""
        return self.net.run("lb1", "ipvsadm", *arguments).stdout.splitlines()

    def counted(self, service: str) -> int:
        """Connections of a service since it was added, as the kernel shows them: it sums them up every 2 s."""
        lines = [line.split() for line in self.ipvsadm("-Ln", "--stats", "--exact")]
        return next(int(words[2]) for words in lines if words[1:2] == [service])

    def open_connections(self, service: str) -> int:
        """Connections through a service that are established now (the column ActiveConn)."""
        total, inside = 0, False
        for words in map(str.split, self.ipvsadm("-Ln")):
            if words[:1] == ["->"]:
                total += int(words[4]) if inside else 0
            else:
                inside = words[1:2] == [service]
        return total

    def refusals(self) -> int:
        """Connections that the real servers' host has refused or reset so far (OutRsts of RFC 4022)."""
        with self.net.inside("rs"):
            lines = Path("/proc/thread-self/net/snmp").read_text().splitlines()
        names, values = (line.split() for line in lines if line.startswith("Tcp:"))
        return int(values[names.index("OutRsts")])

    def ask(self, service: str, times: int = 1) -> Counter[str]:
        """Requests of the client to a service of the VIP, one after another: how many each server answered."""
        return Counter(self._ask(service) for _ in range(times))

    def _ask(self, service: str) -> str:
        with self.net.inside("client"):
            link = socket.create_connection(place(service), ANSWER_WITHIN)
        with link, link.makefile("rb") as answer:
            link.sendall(f"GET {CLIENT_PAGE} HTTP/1.0\r\n\r\n".encode())
            return answer.read().decode().splitlines()[-1]

    def call(self, service: str) -> Call:
        """A connection that stays open."""
        return Call(self.net, service)


def _prepare(net: Lan, addresses: Iterable[str]) -> None:
    """The director forwards and has the VIP; the servers answer the client through it."""
    quiet = {f"ipv4/conf/{which}/send_redirects": "0" for which in ("all", "eth0")}
    namespaces.write_switches(net.namespace("lb1"), {"ipv4/ip_forward": "1"} | quiet)
    net.ip("lb1", f"address add {VIP}/32 dev eth0")
    lines = [f"address add {address}/24 dev eth0" for address in sorted(addresses)]
    net.ip("rs", *lines, f"route add {net.address('client')}/32 via {net.address('lb1')}")


@contextlib.contextmanager
def site(text: str, servers: Iterable[str], *, clean: bool = True) -> Iterator[Site]:
    """The site with a daemon that is not started; ``servers`` ("10.99.0.21:80") are the real ones, not yet open."""
    with lan("lb1", "client", "rs") as net:
        _prepare(net, {place(server)[0] for server in servers})
        with (
            Farm(net, "rs") as farm,
            Watch(net, "lb1") as watch,
            daemons(net, text, "lb1", clean=clean) as (lb1,),
        ):
            yield Site(net, lb1, farm, watch)
