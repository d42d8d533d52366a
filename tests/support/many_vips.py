"""A thousand VIPs on one interface, 800 of IPv4 and 200 of IPv6: their renewals beside the adverts, and their takeover.

Owns the routers and what is measured of them: how late adverts are while all leases are renewed each third of 2 s, and how
long a successor of a director that was cut off takes to hold all VIPs and to have announced each.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench.lateness import lateness

from failover.moves import State
from failover.spec import AnnounceSpec, Family, RouterSpec
from support.directors import Director, until
from support.failover import router_spec, vip
from support.keepalived import Keepalived
from support.netns import Lan, lan
from support.recorder import Recorder

FOUR, SIX = 800, 200
INTERVAL = 0.1
LEASE = 2
FRAMES = 2 * FOUR + SIX
"""A request and a reply for each VIP of IPv4, one advertisement for each of IPv6."""
PACE = AnnounceSpec().pace
TO_SEND = FRAMES / PACE
"""Seconds."""
_SETTLED = 2.0
_WITHIN = 60.0
_ADVERTISED = 16
"""VIPs that each router's adverts carry; keepalived, which has to match, would fill a packet."""


class Renewed(NamedTuple):
    """Adverts of both routers while leases are renewed: how late each was (ascending), the longest gap; seconds."""

    late: list[float]
    gap: float


class Taken(NamedTuple):
    """A takeover, in seconds since the successor's first act: all VIPs on, the last of them announced for the first time;
    `waited` is the time from the cut to that act, `announced` the VIPs that were announced at all."""

    waited: float
    held: float
    told: float
    announced: int


def routers(priority: int) -> tuple[RouterSpec, RouterSpec]:
    """One router of each family."""
    four = tuple(vip(f"10.98.{n // 200}.{n % 200 + 1}", advertise=n < _ADVERTISED) for n in range(FOUR))
    six = tuple(vip(f"2001:db8::{n + 1:x}", advertise=n < _ADVERTISED) for n in range(SIX))
    common = {"priority": priority, "advert_interval": INTERVAL, "lease": LEASE}
    return (
        router_spec(name="four", vrid=51, addresses=four, **common),
        router_spec(name="six", vrid=52, family=Family.IPV6, addresses=six, **common),
    )


def vips() -> set[str]:
    """All of them."""
    return {address.address for spec in routers(1) for address in spec.addresses}


@contextlib.contextmanager
def hactl_pair(net: Lan) -> Iterator[tuple[Director, Director]]:
    """A pair of failover workers, a with all VIPs."""
    with Director(net, "a") as a, Director(net, "b") as b:
        a.apply(*routers(150))
        _await(a, State.MASTER)
        until(lambda: net.addresses("a") >= vips(), 20.0, "all VIPs")
        b.apply(*routers(100))
        _await(b, State.BACKUP)
        yield a, b


def _await(director: Director, state: State) -> None:
    until(lambda: all(director.state(name) is state for name in ("four", "six")), 20.0, f"{state}")


@contextlib.contextmanager
def keepalived_pair(net: Lan) -> Iterator[None]:
    """A pair of keepaliveds with the same routers."""
    with contextlib.ExitStack() as stack:
        for name, priority in (("a", 150), ("b", 100)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            rival = Keepalived(net, name, folder)
            stack.callback(rival.close)
            rival.start(*routers(priority))
            if name == "a":
                until(rival.holds, _WITHIN, "all VIPs")
        yield


def renewed(recorder: Recorder, seconds: float) -> Renewed:
    """Watch the master's adverts for so long."""
    time.sleep(_SETTLED)
    began = time.monotonic()
    time.sleep(seconds)
    late, gaps = [], []
    for vrid in (51, 52):
        times = [sent.at for sent in recorder.adverts("a", since=began, vrid=vrid)]
        late += lateness(times, INTERVAL)
        gaps += [after - before for before, after in pairwise(times)]
    return Renewed(sorted(late), max(gaps))


def taken(net: Lan, recorder: Recorder) -> Taken:
    """Cut a off, and watch b take over."""
    wanted = vips()
    cut = time.monotonic()
    net.cut("a")
    until(lambda: net.addresses("b") >= wanted, _WITHIN, "all VIPs on b")
    first: dict[str, float] = {}
    limit = time.monotonic() + _WITHIN
    while not first.keys() >= wanted and time.monotonic() < limit:
        time.sleep(0.25)
        first = {}
        for one in recorder.announcements("b", since=cut):
            first.setdefault(one.address, one.at)
    on = [
        event.at for event in list(recorder.events) if event.host == "b" and event.there and event.at >= cut
    ]
    on_first = {
        e.address: e.at for e in reversed(list(recorder.events)) if e.host == "b" and e.there and e.at >= cut
    }
    told = [at for address, at in first.items() if address in wanted]
    began = min(on[0], recorder.adverts("b", since=cut)[0].at)
    held = max(at for address, at in on_first.items() if address in wanted)
    return Taken(began - cut, held - began, max(told) - began, len(told))


Pair = Callable[[Lan], contextlib.AbstractContextManager[object]]


def measure(pair: Pair, seconds: float) -> tuple[Renewed, Taken]:
    """Both, of one pair."""
    with lan("a", "b") as net, Recorder(net) as recorder, pair(net):
        return renewed(recorder, seconds), taken(net, recorder)
