"""The whole wished table, from what is configured and what is known.

The law: the table is a function of specs, state and the addresses held, and of nothing else. A service stays
in the table when all its servers are gone, so that a connection to the VIP never reaches the director's own
daemons; with a hashing scheduler every server keeps its place, at weight 0 when unfit, so that all directors
hash alike.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache

from hactl.ipvs import ramp
from hactl.ipvs.admission import stands_when_down
from hactl.ipvs.model import (
    DestinationKey,
    Entry,
    Persistence,
    RealServer,
    ServiceKey,
    Table,
    Tunnel,
    VirtualService,
    service_key,
)
from hactl.ipvs.schedulers import allows_zero, flags_named, keeps_places
from hactl.ipvs.spec import Forward, ServerSpec, ServiceSpec
from hactl.services.state import ServerState, Services, ServiceState, State, destination
from hactl.wishes.overrides import Admin

Wish = dict[ServiceKey, Entry]


def desired(services: Services, state: State, holding: Collection[str]) -> Wish:
    """The whole table. `holding`: the VIPs that this director holds now, canonical and without prefix."""
    return renew({}, services, state, holding, services.specs)


def renew(
    table: Table, services: Services, state: State, holding: Collection[str], names: Iterable[str]
) -> Wish:
    """`table` with the entries of the named services made anew and all others left as the same objects."""
    result = dict(table)
    for name in names:
        spec = services.specs[name]
        known = state.services.get(name)
        if known is not None and belongs(spec, holding):
            result[service_key(spec)] = entry(spec, known)
        else:
            result.pop(service_key(spec), None)
    return result


def belongs(spec: ServiceSpec, holding: Collection[str]) -> bool:
    """Whether the service is to be in the table at all; one by firewall mark goes with any VIP."""
    if not spec.while_holding:
        return True
    return bool(holding) if spec.address is None else spec.address in holding


def entry(spec: ServiceSpec, state: ServiceState) -> Entry:
    """One service with its servers as they should stand now."""
    servers: dict[DestinationKey, RealServer] = {}
    places: dict[DestinationKey, int] = {}
    times = ramp.factor(state.servers.values()) if spec.scheduler in ramp.SHARING else 1
    for server in spec.servers:
        known = state.servers[server.name]
        weight = weight_of(spec, known, replaced=state.sorry_serves, times=times)
        if weight is not None:
            servers[destination(server)] = _real_server(server, weight)
            if weight == 0 and keeps_places(spec.scheduler):
                places[destination(server)] = known.weight or server.weight
    if state.sorry_serves and spec.sorry is not None:
        servers[destination(spec.sorry)] = _real_server(spec.sorry, max(1, spec.sorry.weight))
        places.pop(destination(spec.sorry), None)
    if keeps_places(spec.scheduler):
        own = {destination(server) for server in spec.servers}
        servers = dict(sorted(servers.items(), key=lambda item: (item[0] not in own, item[0].place())))
    return Entry(service=virtual_service(spec), servers=servers, places=places)


def weight_of(spec: ServiceSpec, server: ServerState, *, replaced: bool, times: int = 1) -> int | None:
    """The weight a server should have in the table, None for not in it. `replaced`: the sorry server stands
    in. `times`: all weights are multiplied by this while one rises.

    A server that the sorry server replaces is as one that is down: its verdict did not remove it, so it keeps
    its place only where a down server would. One that is drained gets no new connections anyway, and keeps those it has.
    """
    fit = (server.admitted or server.kept) and not replaced
    weight = ramp.share(server, times)
    if server.admin == Admin.DISABLED:
        return 0 if keeps_places(spec.scheduler) else None
    if not allows_zero(spec.scheduler):
        return weight or None if fit else None
    if server.admin == Admin.DRAIN and server.listed:
        return 0
    if fit:
        return weight
    if keeps_places(spec.scheduler):
        return 0
    return 0 if server.listed and (not replaced or stands_when_down(spec)) else None


def virtual_service(spec: ServiceSpec) -> VirtualService:
    """The service as the kernel should have it."""
    key = service_key(spec)
    persistence = None
    if spec.persistence is not None:
        whole = 128 if key.family == "ipv6" else 32
        netmask = whole if spec.persistence.netmask is None else spec.persistence.netmask
        persistence = Persistence(timeout=spec.persistence.timeout, netmask=netmask)
    return VirtualService(
        key=key,
        scheduler=spec.scheduler,
        flags=flags_named(spec.scheduler, spec.scheduler_flags),
        persistence=persistence,
        one_packet=spec.one_packet,
        engine=spec.persistence.engine if spec.persistence else None,
    )


@lru_cache(maxsize=1 << 16)
def _real_server(server: ServerSpec, weight: int) -> RealServer:
    tunnel = None
    if server.forward is Forward.TUN:
        tunnel = (
            Tunnel() if server.tunnel is None else Tunnel(type=server.tunnel.type, port=server.tunnel.port)
        )
    return RealServer(
        key=destination(server),
        forward=server.forward,
        weight=weight,
        upper=server.upper,
        lower=server.lower,
        tunnel=tunnel,
    )
