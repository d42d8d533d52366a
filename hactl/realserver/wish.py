"""From the cluster's file to what one real server's host must have.

The law: a host serves what names one of its own addresses, or the server that it is said to be; everything else of the
file is none of its business.
"""

from collections.abc import Collection, Iterator

from hactl.config import resolve
from hactl.config.schema.document import Document
from hactl.config.schema.services import Service, Tunnel
from hactl.ipvs.spec import Forward, TunnelSpec, TunnelType
from hactl.realserver.model import Address, Kind, Listener, Served, Wish

_PLAIN = {(4, 4): Kind.IPIP, (6, 4): Kind.SIT, (6, 6): Kind.IP6TNL}
"""Kind of tunnel by inner and outer version."""
_MIXED_HINT = (
    "{service}: IPv4 in IPv6 needs `ip -6 tunnel change ip6tnl0 mode any` here, which hactl leaves to you"
)
_MARK_HINT = "{service} is chosen by firewall mark {mark}: which VIPs that means is not in the file; put them on by hand"


def served_here(document: Document, own: Collection[str], name: str | None) -> tuple[Served, ...]:
    """The services that a host with these addresses serves, or the server called `name`, sorry servers among them."""
    return tuple(
        served
        for service_name, service in document.services.items()
        for served in _of_service(document, service_name, service)
        if (served.server == name if name is not None else served.address in own)
    )


def server_names(document: Document) -> tuple[str, ...]:
    """Every server that the file names, once."""
    names = (name for service in document.services.values() for name in resolve.servers_of(document, service))
    return tuple(dict.fromkeys(names))


def _of_service(document: Document, name: str, service: Service) -> Iterator[Served]:
    for server_name, server in resolve.servers_of(document, service).items():
        forward = server.forward or service.forward
        yield _served(name, service, server_name, server.address, forward, server.tun or service.tun)
    if service.sorry is not None:
        sorry = service.sorry
        forward = sorry.forward or service.forward
        yield _served(name, service, "sorry", sorry.address, forward, sorry.tun or service.tun)


def _served(
    name: str, service: Service, server: str, address: str, forward: str, tunnel: Tunnel | None
) -> Served:
    given = tunnel or Tunnel()
    spec = TunnelSpec(type=TunnelType(given.type), port=given.port or 0) if forward == "tun" else None
    return Served(
        service=name,
        server=server,
        address=address,
        vip=service.address,
        forward=Forward(forward),
        tunnel=spec,
    )


def wish(document: Document, served: tuple[Served, ...], addresses: tuple[Address, ...]) -> Wish:
    """What the host must have to serve all that."""
    direct = [one for one in served if one.forward is not Forward.NAT and one.vip is not None]
    tunnels = [one for one in direct if one.tunnel is not None]
    vips = tuple(dict.fromkeys(one.vip for one in direct if one.vip is not None))
    routed = {one.vip for one in direct if one.forward is Forward.DR}
    kinds = {one: kind for one in tunnels if (kind := _kind(one)) is not None}
    theirs = {one.address for one in direct}
    return Wish(
        served=served,
        vips=vips,
        tunnelled={
            one.vip: kind
            for one, kind in kinds.items()
            if one.vip and ":" not in one.vip and one.vip not in routed
        },
        kinds=tuple(dict.fromkeys(kinds.values())),
        listeners=tuple(dict.fromkeys(_listeners(tunnels))),
        lan=tuple(dict.fromkeys(one.device for one in addresses if one.address in theirs)),
        hide=any(":" not in vip for vip in vips),
        hints=tuple(_hints(document, served)),
    )


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _kind(one: Served) -> Kind | None:
    """What takes its packets out; None for what the standard devices do not take."""
    assert one.tunnel is not None
    assert one.vip is not None
    outer = _version(one.address)
    if one.tunnel.type is TunnelType.GRE:
        return Kind.IP6GRE if outer == 6 else Kind.GRE
    return _PLAIN.get((_version(one.vip), outer))


def _listeners(tunnels: list[Served]) -> Iterator[Listener]:
    for one in tunnels:
        if one.tunnel is not None and one.tunnel.type is TunnelType.GUE:
            yield Listener(one.tunnel.port, _version(one.address) == 6)


def _hints(document: Document, served: tuple[Served, ...]) -> Iterator[str]:
    """What the operator has to see to."""
    for one in served:
        mark = document.services[one.service].fwmark
        if one.vip is None and one.forward is not Forward.NAT:
            yield _MARK_HINT.format(service=one.service, mark=mark)
        elif one.tunnel is not None and _kind(one) is None:
            yield _MIXED_HINT.format(service=one.service)
    behind = sorted({one.service for one in served if one.forward is Forward.NAT})
    if behind:
        yield (
            f"{', '.join(behind)}: by nat, nothing is changed here; the default route must lead to the directors' "
            "inside address"
        )
