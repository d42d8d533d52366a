"""What happens in one story, drawn from its seed: the directors, the weather, and one trouble after another.

Owns the choices only; `trial` carries them out. Directors and kernels differ in priority, clock and pace; the rest of the
configuration is the same on all, as one file has it.
"""

import random
from dataclasses import dataclass

from simulation.memory import CLOCKS
from simulation.weather import FAIR, WILD, Weather

from failover.peer.spec import PeerChannelSpec, PeerDirector, PeerLink
from failover.spec import AddressSpec, FailoverSpec, Family, GroupSpec, RouterSpec, TrackedObject, TrackKind
from failover.timing import automatic_lease, master_down

INTERVALS = (0.1, 0.25, 0.5, 0.5, 1.0, 1.0)
MOST_PAUSE = 30.0
SLOW = 0.3
"""Seconds that a write of addresses takes at most on a busy host (the kernel's lock)."""
_COUNTS = (2,) * 8 + (3,) * 6 + (4,) * 3 + (5, 6, 7)
_PRIORITIES = (1, 50, 100, 100, 100, 150, 200, 254)


@dataclass(frozen=True)
class Host:
    """One director's host: its clock, and how long a write of addresses takes at most."""

    base: float
    rate: float
    slow: float


@dataclass(frozen=True)
class Plan:
    """The set-up of one story."""

    specs: tuple[FailoverSpec, ...]
    hosts: tuple[Host, ...]
    weather: Weather
    steps: tuple[tuple[float, str], ...]
    """When which trouble begins, in seconds."""

    @property
    def interval(self) -> float:
        """The advert interval."""
        return self.specs[0].routers[0].advert_interval

    @property
    def patience(self) -> float:
        """The longest master-down time, in seconds."""
        router = self.specs[0].routers[0]
        return master_down(1, router.advert_interval, router.down_after, router.version)


def draw(chance: random.Random) -> Plan:
    """A story."""
    count, interval = chance.choice(_COUNTS), chance.choice(INTERVALS)
    version = 2 if interval == 1.0 and chance.random() < 0.3 else 3
    weather = chance.choice(FAIR) if chance.random() < 0.75 else chance.choice(WILD)
    down_after = chance.choice((2, 3, 3, 3, 4) if weather.run != 1 and weather.delay < 1 else (3, 4))
    grouped, channel = chance.random() < 0.12, count <= 4 and chance.random() < 0.6 / count
    routers = _routers(chance, interval, version, down_after, grouped=grouped)
    names = [f"d{number}" for number in range(1, count + 1)]
    busy = chance.random() < 0.2
    links = chance.choice(((99,), (98,), (99, 98))) if channel else ()
    specs = tuple(_spec(chance, name, names, routers, links) for name in names)
    hosts = tuple(
        Host(
            chance.uniform(0, 1e5),
            1 + chance.choice((0.0, 1.0)) * chance.uniform(-CLOCKS, CLOCKS) / 2,
            SLOW if busy else 0.003,
        )
        for _ in names
    )
    return Plan(specs, hosts, weather, _steps(chance, interval, channel=channel))


def _routers(
    chance: random.Random, interval: float, version: int, down_after: int, *, grouped: bool
) -> tuple[RouterSpec, ...]:
    slowest = master_down(1, interval, down_after, version)
    preempt = chance.random() < 0.75
    common = {
        "family": Family.IPV4,
        "version": version,
        "priority": 100,
        "advert_interval": interval,
        "down_after": down_after,
        "preempt": preempt,
        "preempt_delay": chance.choice((0.0, 0.0, 0.0, 2.0, 5.0)) if preempt else 0.0,
        "startup_delay": chance.choice((0.0, 0.0, 0.0, 1.0)),
        "lease": automatic_lease(slowest),
        "track": (TrackedObject(kind=TrackKind.FILE, object="priority", weight=1, id="priority"),),
    }
    web, inside = (
        RouterSpec(
            name=name,
            vrid=vrid,
            interface=interface,
            addresses=(AddressSpec(address=address, prefix=32, interface=interface),),
            **common,  # type: ignore[arg-type]
        )
        for name, vrid, interface, address in (
            ("web", 51, "eth0", "10.99.0.100"),
            ("inside", 52, "eth1", "10.98.0.100"),
        )
    )
    return (web, inside) if grouped else (web,)


def _spec(
    chance: random.Random,
    name: str,
    names: list[str],
    routers: tuple[RouterSpec, ...],
    links: tuple[int, ...],
) -> FailoverSpec:
    priority = chance.choice(_PRIORITIES)
    changed = tuple(_with_priority(router, priority) for router in routers)
    channel = _channel(name, names, links, max(0.2, 0.4 * routers[0].advert_interval)) if links else None
    groups = (GroupSpec(name="edge", routers=tuple(r.name for r in routers)),) if len(routers) > 1 else ()
    return FailoverSpec(node=name, routers=changed, groups=groups, channel=channel)


def _with_priority(router: RouterSpec, priority: int) -> RouterSpec:
    fields = {name: getattr(router, name) for name in router.__struct_fields__}
    return RouterSpec(**(fields | {"priority": priority}))


def _channel(name: str, names: list[str], links: tuple[int, ...], beat: float) -> PeerChannelSpec:
    def address(link: int, other: str) -> str:
        return f"10.{link}.0.{names.index(other) + 1}"

    peers = tuple(
        PeerDirector(
            name=other,
            links=tuple(PeerLink(own=address(link, name), peer=address(link, other)) for link in links),
        )
        for other in names
        if other != name
    )
    return PeerChannelSpec(cluster="web", node=name, peers=peers, key_file="/etc/hactl/peer.key", beat=beat)


_TROUBLES: tuple[tuple[str, int], ...] = (
    ("crash", 4),
    ("crash_soon", 3),
    ("start", 4),
    ("freeze", 4),
    ("thaw", 2),
    ("cut", 3),
    ("heal", 3),
    ("link", 2),
    ("priority", 3),
    ("hand_over", 3),
    ("stop", 2),
    ("aside", 1),
    ("resume", 1),
    ("pulse", 2),
)


def _steps(chance: random.Random, interval: float, *, channel: bool) -> tuple[tuple[float, str], ...]:
    """Troubles close together, and now and then far enough apart for all to be well in between."""
    kinds = [kind for kind, weight in _TROUBLES for _ in range(weight)]
    at, steps = (3.0 + 6 * interval) if chance.random() < 0.7 else chance.uniform(0, 4 * interval), []
    for _ in range(chance.randint(2, 9)):
        steps.append((at, chance.choice(kinds)))
        gap = chance.choice((0.002, 0.3, 1.0, 3.0, 6.0)) * interval
        at += chance.uniform(0.2, 1.0) * gap if chance.random() < 0.85 else 7 * interval + 2.0
    return tuple(steps)
