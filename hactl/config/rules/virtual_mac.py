"""Rules of routers with a virtual MAC."""

from collections.abc import Iterator

from hactl.config import resolve
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.config.schema.routers import Router
from hactl.ipvs.model import family_of


def shared(world: World) -> Iterator[Finding]:
    """A virtual MAC follows from the VRID, so on one interface it is one router's."""
    holders: dict[tuple[str, str], str] = {}
    for name, router in world.document.routers.items():
        for director in world.document.directors:
            taken = {
                (first, device)
                for device in (_devices(router, director) if router.virtual_mac else ())
                if (first := holders.setdefault((director, device), name)) != name
            }
            if taken:
                first, device = min(taken)
                message = (
                    f"the router {first} has VIPs of the same family with the virtual MAC of VRID {router.vrid} on the "
                    f"same interface ({device} on {director}); give one of the two another vrid"
                )
                yield fault("routers", name, "virtual_mac", message=message)
                break


def alone(world: World) -> Iterator[Finding]:
    """A network must not be reached through the macvlan: its answers would come from the virtual MAC."""
    for name, router in world.document.routers.items():
        for index, virtual in enumerate(router.addresses if router.virtual_mac else ()):
            address, _, prefix = virtual.address.partition("/")
            if ":" not in address and prefix != "32":
                message = f"with virtual_mac write {address}/32; the interface's own address has the network"
                yield fault("routers", name, "addresses", index, message=message)


def learned(world: World) -> Iterator[Finding]:
    """Switches learn where a virtual MAC is by frames that come from it."""
    for name, router in world.document.routers.items():
        if not router.virtual_mac:
            continue
        if router.transport == "unicast":
            message = (
                "unicast adverts come from the interface's own MAC, so switches learn where the virtual one is by "
                "announcements only"
            )
            yield warning("routers", name, "virtual_mac", message=message)
        if router.announce.refresh == 0 and (router.transport == "unicast" or len(_families(router)) > 1):
            message = "switches forget a virtual MAC that no adverts come from; write a refresh"
            yield warning("routers", name, "announce", "refresh", message=message)


def _devices(router: Router, director: str) -> Iterator[str]:
    for virtual in router.addresses:
        here = resolve.here(virtual.interface, director) or resolve.here(router.interface, director)
        if here is not None:
            yield resolve.device(router, virtual.address, here)


def _families(router: Router) -> set[str]:
    return {family_of(virtual.address) for virtual in router.addresses}


RULES = (shared, alone, learned)
