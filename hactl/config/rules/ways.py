"""Rules of the routes and routing rules that move with a router."""

from collections.abc import Iterator

from hactl.config import resolve
from hactl.config.rules.finding import Finding, World, fault
from hactl.ipvs.model import family_of


def families(world: World) -> Iterator[Finding]:
    """All parts of a route or a rule are of one family."""
    for name, router in world.document.routers.items():
        parts: list[tuple[str, int, tuple[str | None, ...]]] = []
        parts += [("routes", n, (r.to, r.via, r.source)) for n, r in enumerate(router.routes)]
        parts += [("rules", n, (r.source, r.to)) for n, r in enumerate(router.rules)]
        for section, number, given in parts:
            if len({family_of(part) for part in given if part and part != "default"}) > 1:
                message = "mixes IPv4 and IPv6"
                yield fault("routers", name, section, number, message=message)


def refusing(world: World) -> Iterator[Finding]:
    """A route that refuses packets leads nowhere."""
    for name, router in world.document.routers.items():
        for number, route in enumerate(router.routes):
            for key in ("via", "interface", "source"):
                if route.type != "unicast" and getattr(route, key) is not None:
                    message = f"has no place with type {route.type}"
                    yield fault("routers", name, "routes", number, key, message=message, key=True)


def local(world: World) -> Iterator[Finding]:
    """A source must be there when the route comes: a VIP of this router, or a director's own address."""
    own = resolve.directors_by_address(world.document)
    for name, router in world.document.routers.items():
        vips = {resolve.bare(virtual.address) for virtual in router.addresses}
        for number, route in enumerate(router.routes):
            if route.source is not None and route.source not in vips | own.keys():
                message = f"{route.source} is neither a VIP of this router nor a director's address"
                yield fault("routers", name, "routes", number, "source", message=message)


def once(world: World) -> Iterator[Finding]:
    """A route moves with one router, and so does a rule: the host has each but once."""
    holders: dict[tuple[object, ...], str] = {}
    for name, router in world.document.routers.items():
        keys: list[tuple[str, int, tuple[object, ...]]] = []
        for number, route in enumerate(router.routes):
            family = resolve.way_family(router, route.to, route.via, route.source)
            keys.append(("routes", number, ("route", family, route.to, route.table, route.metric)))
        for number, rule in enumerate(router.rules):
            family = resolve.way_family(router, rule.source, rule.to)
            keys.append(("rules", number, ("rule", family, rule.priority, rule.table, rule.source, rule.to)))
        for section, number, key in keys:
            if key in holders:
                message = f"the router {holders[key]} has it already"
                yield fault("routers", name, section, number, message=message)
            holders.setdefault(key, name)


def selective(world: World) -> Iterator[Finding]:
    """A rule without a condition would take the whole host's traffic."""
    for name, router in world.document.routers.items():
        for number, rule in enumerate(router.rules):
            conditions = [part for part in (rule.source, rule.to) if part != "default"]
            if not any((*conditions, rule.interface, rule.mark)):
                message = "matches every packet of the host; give from, to, interface or mark"
                yield fault("routers", name, "rules", number, message=message)


RULES = (families, refusing, local, once, selective)
