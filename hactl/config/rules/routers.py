"""Rules of one router: versions, times, lease, transport; and of routers among themselves."""

from collections.abc import Iterator
from typing import Final

from failover.timing import LEASE_MINIMUM
from hactl.config import resolve
from hactl.config.duration import written
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.config.schema.routers import Router
from hactl.ipvs.model import family_of

LONGEST_LEASE: Final = 3600
SHORTEST_INTERVAL: Final = 0.01
LONGEST_INTERVAL: Final = {2: 255.0, 3: 40.95}


def numbers(world: World) -> Iterator[Finding]:
    """A VRID is one router's on one interface and family, on each director."""
    holders: dict[tuple[str, str, str, int], str] = {}
    for name, router in world.document.routers.items():
        family = resolve.router_family(router)
        for director in world.document.directors:
            interface = resolve.here(router.interface, director)
            if interface is None:
                continue
            first = holders.setdefault((director, interface, family, router.vrid), name)
            if first != name:
                yield fault(
                    "routers",
                    name,
                    "vrid",
                    message=f"the router {first} has the VRID {router.vrid} on {interface} already",
                )
                break


def versions(world: World) -> Iterator[Finding]:
    """What each version of VRRP cannot do."""
    for name, router in world.document.routers.items():
        kind = router.authentication.type
        if router.version == 2 and resolve.router_family(router) == "ipv6":
            yield fault("routers", name, "version", message="VRRP version 2 has no IPv6; write 3")
        if router.version == 2 and kind == "hmac":
            yield fault(
                "routers",
                name,
                "authentication",
                "type",
                message="hmac needs version 3; version 2 has password",
            )
        if router.version == 3 and kind == "password":
            yield fault(
                "routers",
                name,
                "authentication",
                "type",
                message="password needs version 2; version 3 has hmac",
            )
        if router.checksum != "pseudo-header" and (
            router.version == 2 or resolve.router_family(router) == "ipv6"
        ):
            message = "has an effect with version 3 over IPv4 only"
            yield warning("routers", name, "checksum", message=message)


_AUTHENTICATION_KEYS: Final = {
    "none": (),
    "password": ("password_file",),
    "hmac": ("key_file", "rollout", "replay", "window"),
}
"""The keys of each kind; the first is needed."""
_WINDOW: Final = (1.0, 300.0)


def authentications(world: World) -> Iterator[Finding]:
    """Each kind of authentication has the file that it needs, and no keys of another."""
    for name, router in world.document.routers.items():
        authentication = router.authentication
        keys = _AUTHENTICATION_KEYS[authentication.type]
        if keys and getattr(authentication, keys[0]) is None:
            message = f"{authentication.type} needs {keys[0]}"
            yield fault("routers", name, "authentication", message=message, key=True)
        window = authentication.window
        if window is not None and not _WINDOW[0] <= window <= _WINDOW[1]:
            message = f"must be 1s to 5m, not {written(window)}"
            yield fault("routers", name, "authentication", "window", message=message)
        if window is not None and authentication.replay == "increasing":
            message = "has an effect with replay: time only"
            yield warning("routers", name, "authentication", "window", message=message)
        for key in (key for each in _AUTHENTICATION_KEYS.values() for key in each):
            if key not in keys and getattr(authentication, key) is not None:
                yield fault(
                    "routers",
                    name,
                    "authentication",
                    key,
                    message=f"has no place with type {authentication.type}",
                    key=True,
                )


def intervals(world: World) -> Iterator[Finding]:
    """Adverts come in steps that the packet can say."""
    for name, router in world.document.routers.items():
        if router.advert_interval is None:
            continue
        problem = _interval_problem(router.version, router.advert_interval)
        if problem:
            message = f"{problem}, not {written(router.advert_interval)}"
            yield fault("routers", name, "advert_interval", message=message)


def _interval_problem(version: int, interval: float) -> str:
    if version == 2:
        whole = interval % 1 == 0 and 1 <= interval <= LONGEST_INTERVAL[2]
        return "" if whole else "with version 2 adverts come every 1s to 255s, in whole seconds"
    steps = interval * 100
    fits = SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL[3] and abs(steps - round(steps)) < 1e-6
    return "" if fits else "with version 3 adverts come every 10ms to 40.95s, in steps of 10ms"


def leases(world: World) -> Iterator[Finding]:
    """A lease outlives the slowest peer's patience, else there is a moment without a holder."""
    if not world.document.directors:
        return
    for name, router in world.document.routers.items():
        if isinstance(router.lease, str):
            continue
        slowest = max(resolve.slowest_peer(world.document, router, node) for node in world.document.directors)
        message = ""
        if router.lease < LEASE_MINIMUM:
            message = f"a lease is at least {LEASE_MINIMUM}s, or off"
        elif router.lease > LONGEST_LEASE:
            message = f"a lease is at most {written(LONGEST_LEASE)}, or off"
        elif router.lease <= slowest:
            message = (
                f"a lease of {written(router.lease)} ends before the slowest director takes over "
                f"({slowest:.2f} s after the last advert); auto would do"
            )
        if message:
            yield fault("routers", name, "lease", message=message)


def delays(world: World) -> Iterator[Finding]:
    """Delays that would undo what they are meant for."""
    for name, router in world.document.routers.items():
        patience = (router.down_after - 1) * resolve.interval(router)
        if router.link_delay.down and router.link_delay.down >= patience:
            yield fault(
                "routers",
                name,
                "link_delay",
                "down",
                message=f"must be less than (down_after - 1) x advert_interval = {written(patience)}, else the "
                "peer takes over while this director still holds the VIPs",
            )
        if router.preempt_delay and not router.preempt:
            yield warning(
                "routers", name, "preempt_delay", message="has no effect with preempt: false", key=True
            )
        if router.down_after == 1:
            yield warning("routers", name, "down_after", message="one lost packet makes a second master")


def bursts(world: World) -> Iterator[Finding]:
    """A burst goes forward in time."""
    for name, router in world.document.routers.items():
        burst = router.announce.burst
        if burst != sorted(burst):
            yield fault("routers", name, "announce", "burst", message="the times must rise")
        if burst[-1] > 60:
            yield fault("routers", name, "announce", "burst", message="a burst ends within 60s; see refresh")


def times_to_live(world: World) -> Iterator[Finding]:
    """The range of accepted TTLs goes upwards."""
    for name, router in world.document.routers.items():
        accept = router.ttl.accept
        if isinstance(accept, list) and accept[0] > accept[1]:
            yield fault("routers", name, "ttl", "accept", message="the lowest comes first: [lowest, highest]")


def transports(world: World) -> Iterator[Finding]:
    """Unicast needs an address of the router's family for every director; multicast needs none."""
    for name, router in world.document.routers.items():
        family = resolve.router_family(router)
        if router.transport == "multicast":
            if router.peers:
                yield warning(
                    "routers", name, "peers", message="has an effect with transport: unicast only", key=True
                )
            continue
        for peer, address in (router.peers or {}).items():
            if family_of(address) != family:
                yield fault(
                    "routers", name, "peers", peer, message=f"must be {_proper(family)}, as the VIPs are"
                )
        for director, found in resolve.peer_addresses(world.document, router).items():
            if found is None and world.document.directors[director].all_addresses:
                yield fault(
                    "routers",
                    name,
                    "transport",
                    message=f"the director {director} has no {_proper(family)} address; give it one, or list it "
                    "under peers",
                )


def sources(world: World) -> Iterator[Finding]:
    """A source is of the router's family."""
    for name, router in world.document.routers.items():
        family = resolve.router_family(router)
        given = router.source.items() if isinstance(router.source, dict) else [(None, router.source)]
        for director, source in given:
            if source != "auto" and family_of(source) != family:
                path = (
                    ("routers", name, "source") if director is None else ("routers", name, "source", director)
                )
                yield fault(*path, message=f"must be {_proper(family)}, as the VIPs are")


def priorities(world: World) -> Iterator[Finding]:
    """Priorities given in a router: 255 is the owner's, equal ones leave the choice to the addresses."""
    for name, router in world.document.routers.items():
        own = router.priority or {}
        for director, priority in own.items():
            if priority == 255:
                message = f"255 means that {director} owns the VIPs as its own addresses; else use 1 to 254"
                yield warning("routers", name, "priority", director, message=message)
        each = resolve.priorities(world.document, router)
        if own and len(set(each.values())) < len(each):
            message = "two directors have the same priority; the higher address decides"
            yield warning("routers", name, "priority", message=message, key=True)


def groups(world: World) -> Iterator[Finding]:
    """Routers that move together should want the same director."""
    for name, group in world.document.groups.items():
        members = [world.document.routers[router] for router in group if router in world.document.routers]
        if len(group) == 1:
            yield warning("groups", name, message="a group of one router has no effect", key=True)
        if len({_ranking(world, router) for router in members}) > 1:
            yield warning(
                "groups",
                name,
                message="its routers prefer different directors, so they cannot all have theirs",
                key=True,
            )
        if len({router.preempt for router in members}) > 1:
            yield warning("groups", name, message="preempt differs between its routers", key=True)
        if len({router.fence.required if router.fence else None for router in members}) > 1:
            yield warning("groups", name, message="fence differs between its routers", key=True)


def _ranking(world: World, router: Router) -> tuple[str, ...]:
    each = resolve.priorities(world.document, router)
    return tuple(sorted(each, key=lambda director: (-each[director], director)))


def _proper(family: str) -> str:
    return "IPv6" if family == "ipv6" else "IPv4"


RULES = (
    numbers,
    versions,
    authentications,
    intervals,
    leases,
    delays,
    bursts,
    times_to_live,
    transports,
    sources,
    priorities,
    groups,
)
