"""Virtual services and the table's own settings, as the IPVS part gets them."""

from hactl.config import resolve
from hactl.config.build.checks import Checks
from hactl.config.schema.document import Document
from hactl.config.schema.ipvs import Ipvs, Timeouts
from hactl.config.schema.services import Persistence, Server, Service, Sorry, Tunnel
from hactl.ipvs.spec import (
    Forward,
    IpvsSpec,
    OnDown,
    PanicSpec,
    PersistenceSpec,
    Protocol,
    ServerSpec,
    ServiceSpec,
    SyncSpec,
    TimeoutsSpec,
    TunnelSpec,
    TunnelType,
)

_SWITCHES = (
    "expire_nodest_conn", "expire_quiescent_template", "sloppy_tcp", "conntrack", "conn_reuse_mode",
    "sync_threshold",
)  # fmt: skip


def service_spec(document: Document, name: str, checks: Checks) -> ServiceSpec:
    """One virtual service with its real servers."""
    service = document.services[name]
    marked = service.fwmark is not None
    servers = resolve.servers_of(document, service)
    return ServiceSpec(
        name=name,
        protocol=None if marked else Protocol(service.protocol or "tcp"),
        address=service.address,
        port=service.port or 0,
        fwmark=service.fwmark,
        family=resolve.service_family(service),
        scheduler=service.scheduler,
        scheduler_flags=tuple(service.scheduler_flags),
        forward=Forward(service.forward),
        persistence=_persistence(service.persistence),
        one_packet=service.one_packet,
        servers=tuple(_server(document, service, each, server, checks) for each, server in servers.items()),
        quorum_up=service.quorum.up,
        quorum_down=service.quorum.down,
        sorry=_sorry(service, service.sorry, checks) if service.sorry else None,
        on_down=OnDown(resolve.on_down(service)),
        slow_start=service.slow_start,
        panic=_panic(document, service),
        while_holding=resolve.only_while_holding(document, service),
    )


def _server(document: Document, service: Service, name: str, server: Server, checks: Checks) -> ServerSpec:
    port = resolve.port_of(service, server)
    forward = server.forward or service.forward
    return ServerSpec(
        name=name,
        address=server.address,
        port=port,
        weight=server.weight,
        forward=Forward(forward),
        tunnel=_tunnel(forward, server.tun or service.tun),
        upper=server.connections.upper,
        lower=server.connections.lower,
        checks=checks.refs(resolve.check_use(document, service, server), server.address, port),
    )


def _sorry(service: Service, sorry: Sorry, checks: Checks) -> ServerSpec:
    port = resolve.port_of(service, sorry)
    forward = sorry.forward or service.forward
    return ServerSpec(
        name="sorry",
        address=sorry.address,
        port=port,
        forward=Forward(forward),
        tunnel=_tunnel(forward, sorry.tun or service.tun),
        checks=checks.refs(sorry.check, sorry.address, port),
    )


def _tunnel(forward: str, tunnel: Tunnel | None) -> TunnelSpec | None:
    if forward != "tun":
        return None
    tunnel = tunnel or Tunnel()
    return TunnelSpec(type=TunnelType(tunnel.type), port=tunnel.port or 0)


def _persistence(persistence: Persistence | None) -> PersistenceSpec | None:
    if persistence is None:
        return None
    return PersistenceSpec(
        timeout=int(persistence.timeout), netmask=persistence.netmask, engine=persistence.engine
    )


def _panic(document: Document, service: Service) -> PanicSpec | None:
    panic = service.panic
    if panic is None:
        return None
    used = (
        resolve.check_use(document, service, server)
        for server in resolve.servers_of(document, service).values()
    )
    checks = {id(check): check for use in used for _, check in resolve.named_checks(document, use)}
    window = max((check.fall * check.interval for check in checks.values()), default=0.0)
    return PanicSpec(share=panic.share, at_least=panic.at_least, hold=panic.hold, window=window)


def ipvs_spec(ipvs: Ipvs) -> IpvsSpec:
    """The table as a whole; a switch that the file does not give is left as the kernel has it."""
    given = ((name, getattr(ipvs, name)) for name in _SWITCHES)
    switches = tuple((name, _switch(value)) for name, value in given if value is not None)
    return IpvsSpec(reconcile=ipvs.reconcile, timeouts=_timeouts(ipvs.timeouts), switches=switches)


def sync_spec(document: Document, node: str) -> SyncSpec | None:
    """Connection synchronisation on one director; None: off."""
    if document.sync is None:
        return None
    interface = resolve.here(document.sync.interface, node) or ""
    return SyncSpec(interface=interface, id=document.sync.id, router=resolve.sync_router(document))


def _switch(value: bool | int | list[int]) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(int(value))


def _timeouts(timeouts: Timeouts) -> TimeoutsSpec:
    def whole(seconds: float | None) -> int | None:
        return None if seconds is None else int(seconds)

    return TimeoutsSpec(tcp=whole(timeouts.tcp), tcpfin=whole(timeouts.tcpfin), udp=whole(timeouts.udp))
