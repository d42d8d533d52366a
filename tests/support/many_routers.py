"""250 routers on one interface, adverts every second: how punctual the adverts are, and what they cost.

`PYTHONPATH=tests python -m bench.routers --seconds 60` measures hactl and keepalived in turn and prints a line each.
"""

import contextlib
import itertools
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from failover.moves import State
from failover.spec import RouterSpec
from support.directors import Director, until
from support.failover import router_spec, vip
from support.keepalived import Keepalived
from support.netns import Lan, lan
from support.recorder import Recorder

COUNT = 250
INTERVAL = 1.0
LATE = 0.01
_SETTLED = 2.0


class Figures(NamedTuple):
    """`late` are all intervals between adverts beyond INTERVAL, sorted, in seconds; `cpu` shares of one core."""

    late: list[float]
    routers: int
    senders: set[str]
    cpu: tuple[float, float]
    sockets: int

    def line(self, who: str) -> str:
        """The figures for people."""
        p99, worst = self.late[int(len(self.late) * 0.99)] * 1000, self.late[-1] * 1000
        late = f"{sum(one > LATE for one in self.late)} late by more than {LATE * 1000:.0f} ms"
        return (
            f"{who:<11}{len(self.late)} adverts of {self.routers} routers: {late}, p99 {p99:.1f} ms, worst {worst:.1f} ms; "
            f"{self.cpu[0]:.1%} of a core as master, {self.cpu[1]:.1%} as backup; VRRP sockets: {self.sockets}"
        )


def routers(priority: int, count: int = COUNT) -> list[RouterSpec]:
    """Routers with a VIP each, all on eth0."""
    return [
        router_spec(
            name=f"r{n}",
            vrid=n,
            priority=priority,
            advert_interval=INTERVAL,
            lease=7,
            addresses=(vip(f"10.98.{n // 200}.{n % 200 + 1}"),),
        )
        for n in range(1, count + 1)
    ]


def watch(net: Lan, recorder: Recorder, processes: tuple[list[int], list[int]], seconds: float) -> Figures:
    """Measure for so long; `processes` are those of the master and of the backup."""
    time.sleep(_SETTLED)
    began, before = time.monotonic(), [_cpu(pids) for pids in processes]
    time.sleep(seconds)
    took = time.monotonic() - began
    master, backup = ((_cpu(pids) - was) / took for pids, was in zip(processes, before, strict=True))
    sent = defaultdict(list)
    senders = set()
    for advert in recorder.adverts(since=began):
        sent[advert.vrid].append(advert.at)
        senders.add(advert.sender)
    gaps = (after - at for times in sent.values() for at, after in itertools.pairwise(times))
    return Figures(
        sorted(gap - INTERVAL for gap in gaps), len(sent), senders, (master, backup), sockets(net, "a")
    )


def sockets(net: Lan, name: str) -> int:
    """How many raw sockets of VRRP (protocol 112) there are on a host."""
    tables = net.run(name, "cat", "/proc/net/raw", "/proc/net/raw6").stdout
    return sum(words[1].endswith(":0070") for line in tables.splitlines() if len(words := line.split()) > 1)


def _cpu(pids: list[int]) -> float:
    """Seconds of CPU that these processes have used."""
    stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(words[11]) + int(words[12]) for words in stats) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def hactl_pair(net: Lan) -> Iterator[tuple[Director, Director]]:
    """All routers on a and b; a is master of all."""
    with Director(net, "a") as a, Director(net, "b") as b:
        a.apply(*routers(150))
        b.apply(*routers(100))
        until(lambda: masters(a) == COUNT, 30.0, "master of all routers")
        yield a, b


def masters(director: Director) -> int:
    """Of how many routers it is master."""
    return sum(report.state is State.MASTER for report in list(director.reports.values()))


def measure_hactl(seconds: float) -> Figures:
    """A pair of failover workers."""
    with lan("a", "b") as net, Recorder(net) as recorder, hactl_pair(net) as (a, b):
        return watch(net, recorder, ([a.process.pid], [b.process.pid]), seconds)


def measure_keepalived(seconds: float) -> Figures:
    """A pair of keepaliveds with the same routers."""
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(lan("a", "b"))
        recorder = stack.enter_context(Recorder(net))
        pair = []
        for name, priority in (("a", 150), ("b", 100)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            rival = Keepalived(net, name, folder)
            stack.callback(rival.close)
            rival.start(*routers(priority))
            pair.append(rival)
        until(pair[0].holds, 30.0, "master of all routers")
        a, b = pair
        return watch(net, recorder, (a.children(), b.children()), seconds)
