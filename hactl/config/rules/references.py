"""Names that refer to other objects: each must be there, and what is there should be used."""

from collections.abc import Iterable, Iterator
from typing import Final

from hactl.config.fault import Path, suggestion
from hactl.config.resolve import servers_of
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.config.schema.check_forms import NO_CHECK, check_types, items
from hactl.config.schema.checks import Check
from hactl.config.schema.document import Document
from hactl.ipvs.model import family_of

_KINDS: Final = {
    "directors": "director",
    "routers": "router",
    "checks": "check",
    "pools": "pool",
    "services": "service",
}


def check_uses(document: Document) -> Iterator[tuple[Path, object]]:
    """Everything that stands under a `check:`, with its path."""
    for name, pool in document.pools.items():
        if pool.check is not None:
            yield ("pools", name, "check"), pool.check
        for server, each in pool.servers.items():
            if each.check is not None:
                yield ("pools", name, "servers", server, "check"), each.check
    for name, service in document.services.items():
        if service.check is not None:
            yield ("services", name, "check"), service.check
        for server, each in (service.servers or {}).items():
            if each.check is not None:
                yield ("services", name, "servers", server, "check"), each.check
        if service.sorry is not None and service.sorry.check is not None:
            yield ("services", name, "sorry", "check"), service.sorry.check


def _unknown(world: World, section: str, name: str, path: Path, *, key: bool = False) -> Iterator[Finding]:
    known = world.named(section)
    if name not in known:
        message = f"there is no {_KINDS[section]} '{name}'{suggestion(name, known)}"
        if section == "checks" and name in check_types():
            message = f"there is no check of the name '{name}'; one in place is written {{type: {name}}}"
        yield fault(*path, message=message, key=key)


def check_names(world: World) -> Iterator[Finding]:
    """`check:` names checks that are there."""
    for path, use in check_uses(world.document):
        if isinstance(use, str) and use != NO_CHECK:
            yield from _unknown(world, "checks", use, path)
        for index, item in enumerate(use if isinstance(use, list) else ()):
            if item == NO_CHECK:
                yield fault(*path, index, message="'none' cannot stand in a list of checks")
            elif isinstance(item, str):
                yield from _unknown(world, "checks", item, (*path, index))
    if NO_CHECK in world.named("checks"):
        message = "'none' means no check; give this one another name"
        yield fault("checks", NO_CHECK, message=message, key=True)


def pool_names(world: World) -> Iterator[Finding]:
    """`pool:` names a pool that is there."""
    for name, service in world.document.services.items():
        if service.pool is not None:
            yield from _unknown(world, "pools", service.pool, ("services", name, "pool"))


def router_names(world: World) -> Iterator[Finding]:
    """Groups and connection synchronisation name routers that are there; a router is in one group."""
    members: dict[str, str] = {}
    for name, group in world.document.groups.items():
        for index, router in enumerate(group):
            yield from _unknown(world, "routers", router, ("groups", name, index))
            first = members.setdefault(router, name)
            if group.index(router) != index:
                yield fault("groups", name, index, message=f"the router {router} is listed twice")
            elif first != name:
                yield fault(
                    "groups", name, index, message=f"the router {router} is in the group {first} already"
                )
    if world.document.sync is not None and world.document.sync.router is not None:
        yield from _unknown(world, "routers", world.document.sync.router, ("sync", "router"))


def tracked_services(world: World) -> Iterator[Finding]:
    """`track.services` names services that are there."""
    for name, router in world.document.routers.items():
        for service in router.track.services:
            path = ("routers", name, "track", "services", service)
            yield from _unknown(world, "services", service, path, key=True)


def _director_maps(document: Document) -> Iterator[tuple[Path, Iterable[str], bool]]:
    """Mappings by director: path, names in it, whether every director must be in it."""
    for name, router in document.routers.items():
        path = ("routers", name)
        if isinstance(router.interface, dict):
            yield (*path, "interface"), router.interface, True
        if isinstance(router.source, dict):
            yield (*path, "source"), router.source, False
        yield (*path, "peers"), router.peers or (), False
        yield (*path, "priority"), router.priority or (), False
        for index, virtual in enumerate(router.addresses):
            if isinstance(virtual.interface, dict):
                yield (*path, "addresses", index, "interface"), virtual.interface, True
        for index, route in enumerate(router.routes):
            if isinstance(route.interface, dict):
                yield (*path, "routes", index, "interface"), route.interface, True
        for index, rule in enumerate(router.rules):
            if isinstance(rule.interface, dict):
                yield (*path, "rules", index, "interface"), rule.interface, True
    if document.sync is not None and isinstance(document.sync.interface, dict):
        yield ("sync", "interface"), document.sync.interface, True
    for index, link in enumerate(document.peer.links if document.peer else ()):
        yield ("peer", "links", index), link, False


def director_names(world: World) -> Iterator[Finding]:
    """Mappings by director name directors that are there, and all of them where a value is needed."""
    for path, names, complete in _director_maps(world.document):
        for name in names:
            yield from _unknown(world, "directors", name, (*path, name), key=True)
        for name in sorted(world.named("directors") - set(names)) if complete else ():
            yield fault(*path, message=f"says nothing for the director {name}", key=True)


def unused(world: World) -> Iterator[Finding]:
    """A check or pool that nothing uses was probably meant to be used."""
    named: set[str] = set()
    for _, use in check_uses(world.document):
        named.update(item for item in (use if isinstance(use, list) else [use]) if isinstance(item, str))
    inline = (item for _, use in check_uses(world.document) for item in items(use) if isinstance(item, Check))
    depending = (check.depends_on for check in (*world.document.checks.values(), *inline))
    named.update(on.check for on in depending if on is not None)
    for section in ("services", "pools"):
        if len(getattr(world.document, section)) < len(world.named(section)):
            return
    used_pools = {service.pool for service in world.document.services.values()}
    for name in world.document.checks:
        if name not in named and name != NO_CHECK:
            yield warning("checks", name, message="no server is checked by this", key=True)
    for name in world.document.pools:
        if name not in used_pools:
            yield warning("pools", name, message="no service uses this pool", key=True)


def one_name_two_addresses(world: World) -> Iterator[Finding]:
    """A command such as drain means every server of a name, so a name should mean one machine."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for name, service in world.document.services.items():
        for server, each in servers_of(world.document, service).items():
            key = (server, family_of(each.address))
            address, other = seen.setdefault(key, (each.address, name))
            if address != each.address:
                yield warning(
                    *_server_path(service.pool, name, server),
                    message=f"has {each.address} here and {address} in {other}; commands mean every server "
                    f"named {server}",
                    key=True,
                )


def _server_path(pool: str | None, service: str, server: str) -> Path:
    return (
        ("pools", pool, "servers", server) if pool is not None else ("services", service, "servers", server)
    )


RULES = (
    check_names,
    pool_names,
    router_names,
    tracked_services,
    director_names,
    unused,
    one_name_two_addresses,
)
