"""Rules of the addresses that move."""

import ipaddress
from collections.abc import Iterator
from typing import Final

from hactl.config import resolve
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.ipvs.model import family_of

MOST_LEASED_IPV6: Final = 200
"""The kernel takes 0.4 s for 1,000 renewals; more than this many on one host cannot be renewed in good time."""


def families(world: World) -> Iterator[Finding]:
    """Advertised addresses are of one family; the others move along silently."""
    for name, router in world.document.routers.items():
        family = resolve.router_family(router)
        for index, virtual in enumerate(router.addresses):
            if virtual.advertise and family_of(virtual.address) != family:
                yield fault(
                    "routers",
                    name,
                    "addresses",
                    index,
                    message="a router advertises addresses of one family, that of its first; write "
                    f"{{address: {resolve.bare(virtual.address)}, advertise: false}} to move this one along, or "
                    "give it a router of its own",
                )
        if not any(virtual.advertise for virtual in router.addresses):
            yield fault(
                "routers", name, "addresses", message="at least one address must be advertised", key=True
            )


def once(world: World) -> Iterator[Finding]:
    """A VIP moves with one router."""
    holders: dict[str, str] = {}
    for name, router in world.document.routers.items():
        mine: set[str] = set()
        for index, virtual in enumerate(router.addresses):
            address = resolve.bare(virtual.address)
            first = holders.setdefault(address, name)
            if address in mine:
                yield fault("routers", name, "addresses", index, message=f"{address} is listed twice")
            elif first != name:
                message = f"{address} moves with the router {first} already"
                yield fault("routers", name, "addresses", index, message=message)
            mine.add(address)


def usable(world: World) -> Iterator[Finding]:
    """A VIP is an address that a host can have."""
    for name, router in world.document.routers.items():
        for index, virtual in enumerate(router.addresses):
            address = ipaddress.ip_address(resolve.bare(virtual.address))
            path = ("routers", name, "addresses", index)
            if address.is_multicast or address.is_unspecified or address.is_loopback:
                yield fault(*path, message=f"{address} cannot be a VIP: it is no host's address on a network")
            elif resolve.is_network(virtual.address):
                yield fault(
                    *path, message=f"{virtual.address} is the address of the network itself, not of a host"
                )
            if virtual.label is not None and address.version == 6:
                yield fault(*path, "label", message="IPv6 addresses have no label", key=True)


def leased(world: World) -> Iterator[Finding]:
    """No more leased IPv6 addresses than a host can renew in good time."""
    count = 0
    for name, router in world.document.routers.items():
        if router.lease == "off":
            continue
        count += sum(1 for virtual in router.addresses if family_of(virtual.address) == "ipv6")
        if count > MOST_LEASED_IPV6:
            yield fault(
                "routers",
                name,
                "addresses",
                message=f"more than {MOST_LEASED_IPV6} IPv6 addresses with a lease cannot be renewed in time; "
                "write lease: off for some routers",
                key=True,
            )
            return


def advertised(world: World) -> Iterator[Finding]:
    """An advert holds so many addresses; the rest move along silently."""
    for name, router in world.document.routers.items():
        most = resolve.most_advertised(router)
        if sum(1 for virtual in router.addresses if virtual.advertise) > most:
            message = f"an advert holds {most} addresses; those after them move along unadvertised"
            yield warning("routers", name, "addresses", message=message, key=True)


def owners(world: World) -> Iterator[Finding]:
    """A director's own address as a VIP makes that director its owner."""
    directors = resolve.directors_by_address(world.document)
    for name, router in world.document.routers.items():
        for index, virtual in enumerate(router.addresses):
            owner = directors.get(resolve.bare(virtual.address))
            if owner is not None:
                yield warning(
                    "routers",
                    name,
                    "addresses",
                    index,
                    message=f"is the director {owner}'s own address, so {owner} is its owner: priority 255, never "
                    "leased and never removed there",
                )


RULES = (families, once, usable, leased, advertised, owners)
