"""Rules of real servers and sorry servers, as each service sees them."""

from collections.abc import Iterator

from hactl.config import resolve
from hactl.config.fault import Path
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.config.schema.check_forms import NO_CHECK
from hactl.config.schema.services import Server, Service, Sorry, Tunnel
from hactl.ipvs.model import family_of

Place = tuple[str, Service, Path, str, Server]
"""A server of a service: the service's name and spec, the path of its servers, the server's name and spec."""

Places = tuple[Place, ...]


def _places(world: World) -> Iterator[Place]:
    for name, service in world.document.services.items():
        own = service.servers is not None
        path = (*(("services", name) if own else ("pools", service.pool or "")), "servers")
        for server, each in resolve.servers_of(world.document, service).items():
            yield name, service, path, server, each


def present(world: World) -> Iterator[Finding]:
    """A service has servers: its own, or a pool's."""
    for name, service in world.document.services.items():
        if service.servers is not None and service.pool is not None:
            yield fault("services", name, "pool", message="give pool or servers, not both", key=True)
        elif service.servers is None and service.pool is None:
            yield fault("services", name, message="needs servers, or a pool", key=True)
        elif service.servers == {}:
            yield warning("services", name, "servers", message="there is no server", key=True)
    for name, pool in world.document.pools.items():
        if not pool.servers:
            yield warning("pools", name, "servers", message="there is no server", key=True)


def checked(world: World, places: Places) -> Iterator[Finding]:
    """Every server is checked, or it says `check: none`."""
    told: set[Path] = set()
    for name, service, path, label, server in places:
        use = resolve.check_use(world.document, service, server)
        if use is None and ("services", name) not in told:
            told.add(("services", name))
            message = f"no check for the server {label}: give check, or check: none to run without"
            yield fault("services", name, message=message, key=True)
        if use == NO_CHECK:
            place = _place_of_none(name, service, (*path, label), server)
            if place not in told:
                told.add(place)
                yield warning(*place, message="without a check a server is always up, also when it is dead")


def _place_of_none(name: str, service: Service, path: Path, server: Server) -> Path:
    if server.check is not None:
        return (*path, "check")
    return (
        ("services", name, "check") if service.check is not None else ("pools", service.pool or "", "check")
    )


def ports(world: World, places: Places) -> Iterator[Finding]:
    """With dr and tun packets keep their port, so a server's equals the service's."""
    for name, service, path, label, server in places:
        forward = server.forward or service.forward
        if forward != "nat" and server.port is not None:
            yield from _port(name, service, (*path, label), server, forward)
    for name, service in world.document.services.items():
        if service.sorry is not None:
            forward = service.sorry.forward or service.forward
            yield from _port(name, service, ("services", name, "sorry"), service.sorry, forward)


def _port(name: str, service: Service, path: Path, server: Server | Sorry, forward: str) -> Iterator[Finding]:
    marked = service.fwmark is not None
    if forward == "nat" or server.port is None or (service.port is None and not marked):
        return
    if server.port != (service.port or 0):
        wanted = "no port can be given here" if not service.port else f"it must be {service.port}"
        message = f"{forward} leaves the port as it is, so {wanted} (service {name}); nat can change it"
        yield fault(*path, "port", message=message)


def probed_ports(world: World, places: Places) -> Iterator[Finding]:
    """A check of a service without a port of its own must say where to probe."""
    for name, service, path, label, server in places:
        if service.port or server.port or (service.fwmark is None and service.port is None):
            continue
        use = resolve.check_use(world.document, service, server)
        for check, spec in resolve.named_checks(world.document, use):
            if spec.port is None and getattr(spec, "type", "") not in ("ping", "script"):
                message = f"the service {name} has no port, so the check {check} needs one: port: ..."
                yield fault(*path, label, message=message, key=True)


def families(world: World, places: Places) -> Iterator[Finding]:
    """Only a tunnel leads from one family to the other."""
    for _, service, path, label, server in places:
        forward = server.forward or service.forward
        if forward != "tun":
            yield from _family(service, (*path, label), server, forward)
    for name, service in world.document.services.items():
        if service.sorry is not None:
            forward = service.sorry.forward or service.forward
            yield from _family(service, ("services", name, "sorry"), service.sorry, forward)


def synchronised_families(world: World, places: Places) -> Iterator[Finding]:
    """The kernel refuses a server of the other family while connections are synchronised, and the reverse."""
    if world.document.sync is None:
        return
    message = "a server of the other address family cannot be had beside sync: the kernel refuses one of them"
    for _, service, path, label, server in places:
        if _mixed(service, server):
            yield fault(*path, label, "address", message=message)
    for name, service in world.document.services.items():
        if service.sorry is not None and _mixed(service, service.sorry):
            yield fault("services", name, "sorry", "address", message=message)


def _mixed(service: Service, server: Server | Sorry) -> bool:
    return family_of(server.address) != resolve.service_family(service)


def _family(service: Service, path: Path, server: Server | Sorry, forward: str) -> Iterator[Finding]:
    known = service.address is not None or service.family is not None
    if known and forward != "tun" and family_of(server.address) != resolve.service_family(service):
        message = f"{forward} cannot lead from an IPv4 to an IPv6 address or back; tun can"
        yield fault(*path, "address", message=message)


def tunnels(world: World, places: Places) -> Iterator[Finding]:
    """gue has a port, ipip and gre have none, and only tun has a tunnel."""
    for name, service in world.document.services.items():
        servers = resolve.servers_of(world.document, service).values()
        forwards = {service.forward, *(each.forward for each in servers)}
        yield from _tunnel(("services", name, "tun"), service.tun, "tun" in forwards)
        if service.sorry is not None:
            forward = service.sorry.forward or service.forward
            yield from _tunnel(("services", name, "sorry", "tun"), service.sorry.tun, forward == "tun")
    for _, service, path, label, server in places:
        if server.tun is not None:
            yield from _tunnel(
                (*path, label, "tun"), server.tun, (server.forward or service.forward) == "tun"
            )


def _tunnel(path: Path, tunnel: Tunnel | None, used: bool) -> Iterator[Finding]:
    if tunnel is None:
        return
    if not used:
        yield fault(*path, message="has an effect with forward: tun only", key=True)
    if tunnel.type == "gue" and tunnel.port is None:
        yield fault(*path, message="gue needs a port", key=True)
    if tunnel.type != "gue" and tunnel.port is not None:
        yield fault(*path, "port", message=f"{tunnel.type} has no port", key=True)


def distinct(world: World, places: Places) -> Iterator[Finding]:
    """A server stands in a service once, and is no VIP."""
    vips = resolve.vips(world.document)
    seen: dict[tuple[str, str, int], str] = {}
    for name, service, path, label, server in places:
        port = resolve.port_of(service, server)
        first = seen.setdefault((name, server.address, port), label)
        if first != label:
            message = f"is the same server as {first}: {server.address} port {port}"
            yield fault(*path, label, message=message, key=True)
        if server.address in vips:
            message = f"{server.address} is a VIP: the service would send to itself"
            yield fault(*path, label, "address", message=message)
    for name, service in world.document.services.items():
        if service.sorry is not None and service.sorry.address in vips:
            message = f"{service.sorry.address} is a VIP: the service would send to itself"
            yield fault("services", name, "sorry", "address", message=message)


def thresholds(world: World, places: Places) -> Iterator[Finding]:
    """A lower threshold lies below the upper one."""
    for _, _, path, label, server in places:
        limits = server.connections
        if limits.lower and limits.lower >= limits.upper:
            yield fault(*path, label, "connections", "lower", message="must be less than upper")


def own_directors(world: World) -> Iterator[Finding]:
    """Where directors are real servers, the table is filled only on the one that holds the VIP."""
    for name, service in world.document.services.items():
        among = resolve.directors_among(world.document, service)
        if among and service.table == "always":
            message = f"must be master: {among[0]} is a director, and directors would forward to each other"
            yield fault("services", name, "table", message=message)


_OF_SERVERS = (
    checked,
    ports,
    probed_ports,
    families,
    synchronised_families,
    tunnels,
    distinct,
    thresholds,
)


def servers(world: World) -> Iterator[Finding]:
    """What holds for each server of each service; there may be ten thousand."""
    places = tuple(_places(world))
    for rule in _OF_SERVERS:
        yield from rule(world, places)


RULES = (present, servers, own_directors)
