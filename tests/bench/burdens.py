"""`PYTHONPATH=tests python -m bench.burdens`: how late a whole daemon's adverts are while it or its host has much to do.

Idle; both cores busy; 10,000 checks running, in one worker; all 10,000 servers dying and coming back, each a line of the
log, an event and a row of the history; reloads that change every second of 10,000 servers, one after the other. Exits
with 1 when the backup, a failover worker that does nothing else, took over.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from bench.book import FOLDER, Book
from bench.ground import NGINX
from bench.lateness import HOGS_A_CORE, Measured, hogs, lateness

from failover.timing import automatic_lease
from hactl.lab import guest
from support.daemon import Director as Daemon
from support.daemon import daemons, wait_until
from support.directors import Director
from support.failover import VIP4, router_spec
from support.netns import Lan, lan
from support.recorder import Recorder

SERVERS = 10_000
_EVERY = 5
_PORT = 8080
_START_WITHIN = 120.0
_SETTLED = 3.0
_A_SERVICE = 500
_SHARES = (0.5, 0.99, 0.999, 1.0)


def text(interval: float, servers: int, weight: int = 1) -> str:
    """The daemon's configuration; every second server has this weight."""
    lines = ["cluster: web", "directors: {lb1: 10.99.0.1, lb2: 10.99.0.2}", "health: {user: nobody}"]
    lines += [f"routers: {{web: {{vrid: 51, interface: eth0, addresses: [{VIP4}], lease: {lease(interval)}s,"]
    lines += [f"  advert_interval: {1000 * interval:.0f}ms}}}}"]
    if not servers:
        return "\n".join(lines) + "\n"
    lines += [
        f"checks: {{check: {{type: tcp, interval: {_EVERY}s, fast_interval: {_EVERY}s, fall: 1}}}}",
        "services:",
    ]
    for first in range(0, servers, _A_SERVICE):
        lines += [
            f"  s{first}: {{address: {VIP4}, port: {1000 + first // _A_SERVICE}, forward: nat, check: check,"
        ]
        entries = (
            f"r{n}: {{address: 10.97.{n // 250}.{n % 250 + 1}, port: {_PORT}, weight: {weight if n % 2 else 1}}}"
            for n in range(first, min(first + _A_SERVICE, servers))
        )
        lines += [f"    servers: {{{', '.join(entries)}}}}}"]
    return "\n".join(lines) + "\n"


def lease(interval: float) -> int:
    """Seconds."""
    return automatic_lease(4 * interval)


class Servers:
    """All real servers: one nginx on the director's own loopback, which can die and come back."""

    def __init__(self, net: Lan, folder: Path) -> None:
        self._net, self._folder = net, folder
        net.ip("lb1", "route add local 10.97.0.0/16 dev lo")
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=_PORT))
        self.begin()

    def begin(self) -> None:
        """They answer."""
        words = ("nginx", "-c", str(self._folder / "nginx.conf"), "-e", "/dev/null")
        self._process = self._net.start("lb1", *words)

    def end(self) -> None:
        """They are all dead."""
        self._process.terminate()
        self._process.wait(10)


def window(recorder: Recorder, interval: float, seconds: float, realtime: bool) -> Measured:
    """The adverts of lb1 for so long."""
    began = time.monotonic()
    time.sleep(seconds)
    wait_until(lambda: recorder.adverts()[-1].at >= began + seconds, 30.0)
    times = [sent.at for sent in recorder.adverts("lb1", since=began) if sent.at < began + seconds]
    return Measured(
        interval=interval,
        seconds=seconds,
        realtime=realtime,
        late=tuple(sorted(lateness(times, interval))),
        gap=max(after - before for before, after in pairwise(times)),
        moves=len(recorder.changes(VIP4, since=began)),
    )


@contextlib.contextmanager
def again_and_again(act: Callable[[], object]) -> Iterator[None]:
    """Do this all the time."""
    end = threading.Event()

    def run() -> None:
        while not end.is_set():
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def reload(daemon: Daemon, interval: float) -> None:
    """Every second server gets another weight."""
    weight = 2 + int(time.monotonic()) % 50
    daemon.write(text(interval, SERVERS, weight))
    daemon.hactl("reload", check=True)


def storm(servers: Servers) -> None:
    """All die, and come back."""
    servers.end()
    time.sleep(1.2 * _EVERY)
    servers.begin()
    time.sleep(2.2 * _EVERY)


@contextlib.contextmanager
def serving(interval: float, servers: int) -> Iterator[tuple[Recorder, Daemon, Servers, bool]]:
    """A whole daemon that is master on lb1, and a failover worker as its backup."""
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(lan("lb1", "lb2"))
        recorder = stack.enter_context(Recorder(net))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hactl-bench-", dir="/tmp")))
        folder.chmod(0o755)
        real = Servers(net, folder)
        stack.callback(real.end)
        (daemon,) = stack.enter_context(daemons(net, text(interval, servers), "lb1"))
        daemon.launch()
        wait_until(lambda: daemon.status_or_none() and daemon.is_state("master"), _START_WITHIN, 0.5)
        backup = stack.enter_context(Director(net, "lb2"))
        backup.apply(router_spec(priority=100, advert_interval=interval, lease=lease(interval)))
        if servers:
            time.sleep(3 * _EVERY + servers / 350)
        time.sleep(_SETTLED)
        worker = daemon.pids()["failover"]
        realtime = os.sched_getscheduler(worker) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
        yield recorder, daemon, real, realtime


def measured(interval: float, seconds: float) -> Iterator[tuple[str, Measured]]:
    """All rows of an interval."""
    with serving(interval, 0) as (recorder, _, _, realtime):
        yield "idle", window(recorder, interval, seconds, realtime)
        with hogs(HOGS_A_CORE * (os.cpu_count() or 1)):
            yield "both cores busy", window(recorder, interval, seconds, realtime)
    with serving(interval, SERVERS) as (recorder, daemon, servers, realtime):
        yield "10,000 checks", window(recorder, interval, seconds, realtime)
        with again_and_again(lambda: reload(daemon, interval)):
            yield "reloads of 10,000 servers", window(recorder, interval, seconds, realtime)
        with again_and_again(lambda: storm(servers)):
            yield "10,000 servers die, return", window(recorder, interval, seconds, realtime)


def row(burden: str, measured: Measured) -> str:
    """One line of the table; milliseconds."""
    how = "SCHED_RR" if measured.realtime else "not real-time"
    times = "".join(f"{1000 * measured.quantile(share):9.2f}" for share in _SHARES)
    return (
        f"{1000 * measured.interval:7.0f}  {burden:28}{how:14}{len(measured.late):8}{times}"
        f"{1000 * measured.gap:9.2f}{measured.moves:8}"
    )


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench.burdens", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each line")
    parser.add_argument("--intervals", type=int, nargs="+", default=[10], help="milliseconds")
    parser.add_argument("--json", type=Path, default=FOLDER / "burdens.json")
    asked = parser.parse_args()
    book = Book(asked.json, {"seconds": asked.seconds, "servers": SERVERS, "check interval": _EVERY})
    print(
        "interval burden                       scheduling     adverts      p50      p99    p99.9      max  longest  moves of"
    )
    print(
        "                                                                                                 gap   the VIP"
    )
    moves = 0
    with guest.raising_signals():
        for interval in asked.intervals:
            for burden, found in measured(interval / 1000, asked.seconds):
                moves += found.moves if found.realtime else 0
                print(row(burden, found), flush=True)
                shares = {f"{share:g}": found.quantile(share) for share in _SHARES}
                told = {"interval": found.interval, "burden": burden, "realtime": found.realtime}
                book.add(
                    "burdens",
                    told | {"adverts": len(found.late), **shares, "gap": found.gap, "moves": found.moves},
                )
    return 1 if moves else 0


if __name__ == "__main__":
    sys.exit(main())
