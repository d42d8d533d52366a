"""What the file means where it leaves something out: the defaults that depend on other keys.

The one place that knows them; rules, specs and `check --show` all ask here. Durations are seconds.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final, TypeVar

from failover.timing import LEASE_MINIMUM, automatic_lease, master_down
from failover.virtual_mac import device_name
from hactl.config.schema.check_forms import items
from hactl.config.schema.checks import Check
from hactl.config.schema.document import Document
from hactl.config.schema.routers import Router
from hactl.config.schema.services import Pool, Server, Service, Sorry
from hactl.config.schema.witness import Etcd, Witness
from hactl.ipvs.model import family_of
from hactl.ipvs.schedulers import keeps_places

FIRST_PRIORITY: Final = 150
PRIORITY_STEP: Final = 10
_MOST_ADVERTISED: Final = {"ipv4": 255, "ipv6": 90}
"""What an advert holds: the count field has 8 bits, and a packet of 1,500 bytes has room for 90 IPv6 addresses."""
_MOST_WITH_TRAILER: Final = {"ipv4": 255, "ipv6": 89}

Value = TypeVar("Value")


def bare(address: str) -> str:
    """An address without its prefix length."""
    return address.partition("/")[0]


def here(value: Value | Mapping[str, Value] | None, node: str) -> Value | None:
    """What holds for one director, of a value for all or a mapping by director."""
    return value.get(node) if isinstance(value, Mapping) else value


def director_priorities(document: Document) -> dict[str, int]:
    """Priority of each director: its own, else 150 falling by 10 in the order of the file."""
    fallback = range(FIRST_PRIORITY, FIRST_PRIORITY - PRIORITY_STEP * len(document.directors), -PRIORITY_STEP)
    return {
        name: director.priority if director.priority is not None else max(1, default)
        for (name, director), default in zip(document.directors.items(), fallback, strict=True)
    }


def priorities(document: Document, router: Router) -> dict[str, int]:
    """Priority of each director in one router."""
    own = router.priority or {}
    return {name: own.get(name, priority) for name, priority in director_priorities(document).items()}


def interval(router: Router) -> float:
    """Time between adverts."""
    if router.advert_interval is not None:
        return router.advert_interval
    return 0.1 if router.version == 3 else 1.0


def router_family(router: Router) -> str:
    """The family of a router: that of its first advertised address."""
    advertised = [virtual.address for virtual in router.addresses if virtual.advertise]
    return family_of(advertised[0] if advertised else router.addresses[0].address)


def device(router: Router, address: str, interface: str) -> str:
    """The macvlan on this interface that has an address of a router with a virtual MAC."""
    return device_name(router.vrid, 6 if family_of(address) == "ipv6" else 4, interface)


def way_family(router: Router, *parts: str | None) -> str:
    """The family of a route or a rule: that of its first part that has one, else the router's."""
    known = (family_of(part) for part in parts if part and part != "default")
    return next(known, router_family(router))


def most_advertised(router: Router) -> int:
    """How many addresses the router's adverts have room for."""
    sealed = router.authentication.type == "hmac"
    return (_MOST_WITH_TRAILER if sealed else _MOST_ADVERTISED)[router_family(router)]


def slowest_peer(document: Document, router: Router, node: str) -> float:
    """Master-down time of the peer that takes over last; of this director where it has no peer."""
    each = priorities(document, router)
    peers = [priority for name, priority in each.items() if name != node] or list(each.values())
    return master_down(min(peers), interval(router), router.down_after, router.version)


def lease(document: Document, router: Router, node: str) -> int:
    """Whole seconds that the kernel keeps a VIP without renewal on this director; 0 for off."""
    if router.lease == "off":
        return 0
    if isinstance(router.lease, str):
        return automatic_lease(slowest_peer(document, router, node))
    return int(router.lease)


def longest_lease(document: Document) -> int:
    """The longest lease of any router on any director."""
    every = (lease(document, r, node) for r in document.routers.values() for node in document.directors)
    return max(every, default=LEASE_MINIMUM)


def least_ttl(document: Document) -> int:
    """So long an arbiter's key must outlive its holder: a lease ends within it, and a renewal may be lost."""
    return 2 * longest_lease(document) + 5


def arbiter(document: Document) -> Etcd | None:
    """The etcd cluster among the witnesses; None where there is none."""
    targets = document.witness.targets if document.witness is not None else []
    return next((target.etcd for target in targets if target.etcd is not None), None)


def arbiter_ttl(document: Document, etcd: Etcd) -> int:
    """The lifetime of the arbiter's keys in whole seconds."""
    return least_ttl(document) if etcd.ttl is None else int(etcd.ttl)


def witnesses_needed(witness: Witness) -> int:
    """How many must be seen: as given, else more than half."""
    return witness.need or len(witness.targets) // 2 + 1


def peer_addresses(document: Document, router: Router) -> dict[str, str | None]:
    """Where each director's unicast adverts go: as listed, else its own address of the router's family."""
    family = router_family(router)
    listed = router.peers or {}
    return {
        name: listed.get(name) or next((a for a in director.all_addresses if family_of(a) == family), None)
        for name, director in document.directors.items()
    }


def accepted_ttl(router: Router) -> tuple[int, int] | None:
    """Lowest and highest TTL accepted, None for any."""
    accept = router.ttl.accept
    if accept is None:
        anything = router.transport == "unicast" and router_family(router) == "ipv6"
        return None if anything else (255, 255)
    return None if isinstance(accept, str) else (accept[0], accept[1])


def pool_of(document: Document, service: Service) -> Pool | None:
    """The pool that a service uses."""
    return document.pools.get(service.pool) if service.pool is not None else None


def servers_of(document: Document, service: Service) -> dict[str, Server]:
    """The real servers of a service, its own or its pool's."""
    pool = pool_of(document, service)
    return dict(service.servers or (pool.servers if pool else {}))


def port_of(service: Service, server: Server | Sorry) -> int:
    """A server's port: its own, else the service's; 0 where there is none."""
    return service.port or 0 if server.port is None else server.port


def service_family(service: Service) -> str:
    """ipv4 or ipv6."""
    return family_of(service.address) if service.address else service.family or "ipv4"


def on_down(service: Service) -> str:
    """What happens to a server that is down."""
    return service.on_down or ("quiesce" if keeps_places(service.scheduler) else "remove")


def check_use(document: Document, service: Service, server: Server) -> object:
    """What stands under the `check:` that holds for a server: its own, the service's or the pool's."""
    pool = pool_of(document, service)
    for use in (server.check, service.check, pool.check if pool else None):
        if use is not None:
            return use
    return None


def named_checks(document: Document, use: object) -> list[tuple[str, Check]]:
    """The checks under a `check:` with their names; one in place is named by its type. Unknown names are left out."""
    found: list[tuple[str, Check]] = []
    taken: set[str] = set()
    for item in items(use):
        if isinstance(item, str):
            if item in document.checks:
                found.append((item, document.checks[item]))
                taken.add(item)
            continue
        kind: str = getattr(item, "type")  # noqa: B009 - every kind of check has it, their base has not
        name, count = kind, 1
        while name in taken:
            count += 1
            name = f"{kind}-{count}"
        taken.add(name)
        found.append((name, item))
    return found


def directors_by_address(document: Document) -> dict[str, str]:
    """The director who has each of the directors' own addresses."""
    return {address: name for name, one in document.directors.items() for address in one.all_addresses}


def vips(document: Document) -> set[str]:
    """Every address that moves with a router."""
    return {bare(virtual.address) for router in document.routers.values() for virtual in router.addresses}


def directors_among(document: Document, service: Service) -> list[str]:
    """Servers of a service that are directors, by an address in common."""
    own = directors_by_address(document)
    return [name for name, server in servers_of(document, service).items() if server.address in own]


def only_while_holding(document: Document, service: Service) -> bool:
    """Whether a service is in the table only while this director holds its VIP."""
    return service.table == "master" or (service.table is None and bool(directors_among(document, service)))


def sync_router(document: Document) -> str | None:
    """The router whose role connection synchronisation follows: the one given, else the only one; None: both roles run."""
    given = document.sync.router if document.sync is not None else None
    return given or (next(iter(document.routers)) if len(document.routers) == 1 else None)


def is_network(address: str) -> bool:
    """Whether an IPv4 address with its prefix length is the network's own, which no host can have."""
    interface = ipaddress.ip_interface(address)
    return (
        interface.version == 4
        and interface.network.prefixlen < 31
        and interface.ip in (interface.network.network_address, interface.network.broadcast_address)
    )


def is_link_local(address: str) -> bool:
    """Whether an address, with or without prefix length, is an IPv6 one of the link alone (fe80::/10)."""
    parsed = ipaddress.ip_interface(address)
    return parsed.version == 6 and parsed.is_link_local
