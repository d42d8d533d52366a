"""Rules of one virtual service, and of services among themselves."""

from collections.abc import Iterator

from hactl.config import resolve
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.config.schema.services import Service
from hactl.ipvs.ramp import SHARING
from hactl.ipvs.schedulers import keeps_places


def identity(world: World) -> Iterator[Finding]:
    """A service is known by address and port, or by firewall mark and family."""
    for name, service in world.document.services.items():
        path = ("services", name)
        if service.fwmark is None:
            yield from _by_address(name, service)
            continue
        for key in ("address", "port", "protocol"):
            if service.wrote(key):
                message = "a service has fwmark, or address, port and protocol"
                yield fault(*path, key, message=message, key=True)
        if service.family is None:
            yield fault(*path, message="fwmark needs family: ipv4 or ipv6", key=True)


def _by_address(name: str, service: Service) -> Iterator[Finding]:
    path = ("services", name)
    if service.address is None:
        yield fault(*path, message="address and port are required, or fwmark", key=True)
    elif service.port is None:
        yield fault(*path, message="port is required (0 for every port)", key=True)
    if service.family is not None:
        yield fault(*path, "family", message="belongs to fwmark; the address says it here", key=True)
    if service.port == 0 and service.persistence is None:
        yield fault(*path, "port", message="every port (0) needs persistence: the kernel refuses it else")


def unique(world: World) -> Iterator[Finding]:
    """No two services are the same to the kernel."""
    seen: dict[tuple[object, ...], str] = {}
    for name, service in world.document.services.items():
        if service.fwmark is not None:
            key: tuple[object, ...] = (service.fwmark, service.family)
            text, at = f"the firewall mark {service.fwmark}", "fwmark"
        elif service.address is not None and service.port is not None:
            protocol = service.protocol or "tcp"
            key = (service.address, service.port, protocol)
            text, at = f"{service.address} port {service.port} ({protocol})", "address"
        else:
            continue
        first = seen.setdefault(key, name)
        if first != name:
            yield fault("services", name, at, message=f"the service {first} has {text} already")


def carried(world: World) -> Iterator[Finding]:
    """A service's address should be one that a router moves."""
    if len(world.document.routers) < len(world.named("routers")):
        return
    vips = resolve.vips(world.document)
    for name, service in world.document.services.items():
        if service.address is not None and service.address not in vips:
            message = f"no router carries {service.address}, so it does not move with any"
            yield warning("services", name, "address", message=message)


def schedulers(world: World) -> Iterator[Finding]:
    """Schedulers by hash, and the flags that each knows."""
    for name, service in world.document.services.items():
        path = ("services", name)
        if keeps_places(service.scheduler) and service.on_down == "remove":
            yield fault(
                *path,
                "on_down",
                message=f"{service.scheduler} maps clients by the servers' places: removing one sends clients of "
                "the others elsewhere; write quiesce",
            )
        if service.scheduler == "dh" and service.on_down == "quiesce":
            message = "dh drops what it maps to a server with weight 0; write remove"
            yield fault(*path, "on_down", message=message)
        for index, flag in enumerate(service.scheduler_flags):
            if not flag.startswith(("flag-", f"{service.scheduler}-")):
                message = f"the scheduler {service.scheduler} has no flag {flag}"
                yield fault(*path, "scheduler_flags", index, message=message)


def sessions(world: World) -> Iterator[Finding]:
    """Persistence and one-packet scheduling, where the kernel has them."""
    for name, service in world.document.services.items():
        path = ("services", name)
        if service.one_packet and service.fwmark is None and service.protocol != "udp":
            yield fault(*path, "one_packet", message="needs protocol: udp")
        persistence = service.persistence
        if persistence is None:
            continue
        if service.one_packet:
            yield fault(*path, "one_packet", message="one_packet and persistence exclude each other")
        longest = 128 if resolve.service_family(service) == "ipv6" else 32
        if persistence.netmask is not None and persistence.netmask > longest:
            message = f"a prefix length is at most {longest} here, not {persistence.netmask}"
            yield fault(*path, "persistence", "netmask", message=message)
        if persistence.timeout < 1:
            yield fault(*path, "persistence", message="must be at least 1s")
        if persistence.engine == "sip" and service.fwmark is None and service.protocol != "udp":
            yield fault(*path, "persistence", "engine", message="sip needs protocol: udp")


def quorums(world: World) -> Iterator[Finding]:
    """A quorum can be held, and is lost below where it is held."""
    for name, service in world.document.services.items():
        path = ("services", name, "quorum")
        if service.quorum.down >= service.quorum.up:
            message = f"down ({service.quorum.down}) must be less than up ({service.quorum.up})"
            yield fault(*path, message=message, key=True)
        servers = resolve.servers_of(world.document, service)
        total = sum(server.weight for server in servers.values())
        if servers and total < service.quorum.up and service.wrote("quorum"):
            message = f"the servers' weights sum to {total}, so {service.quorum.up} is never reached"
            yield fault(*path, "up", message=message)
        elif servers and total == 0:
            message = "every server has weight 0, so the service is always down"
            yield warning("services", name, message=message, key=True)


def emergencies(world: World) -> Iterator[Finding]:
    """A sorry server and the panic threshold contradict each other."""
    for name, service in world.document.services.items():
        if service.panic is not None and service.sorry is not None:
            message = "panic keeps failing servers, sorry replaces them: a service has one of them"
            yield fault("services", name, "panic", message=message, key=True)


def slow_starts(world: World) -> Iterator[Finding]:
    """A rising weight means something only where connections are shared out by weight."""
    for name, service in world.document.services.items():
        if service.slow_start and service.scheduler not in SHARING:
            message = f"has no effect with the scheduler {service.scheduler}; it has with " + ", ".join(
                sorted(SHARING)
            )
            yield warning("services", name, "slow_start", message=message, key=True)


RULES = (identity, unique, carried, schedulers, sessions, quorums, emergencies, slow_starts)
