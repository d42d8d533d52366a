"""Whether answers of nat's real servers come back through the directors, as a director sees it; core.

A real server's own way back is looked at on the real server (`hactl.realserver.verify`).
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping

from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.doctor.model import Host
from hactl.doctor.switches import by_method
from hactl.doctor.table import Conversations
from hactl.ipvs.model import family_of
from hactl.ipvs.spec import Forward

_ENOUGH = 3
"""Connections without an answer that are more than somebody's broken client."""


def judge(config: Config, host: Host) -> Iterator[Finding]:
    """A network of real servers whose gateway does not move with the master.

    With `conntrack` the director may put its own address in the client's place, and then no gateway is needed.
    """
    if len(config.directors) < 2 or ("conntrack", "1") in config.ipvs.switches:
        return
    told: set[str] = set()
    for service, server in by_method(config, Forward.NAT):
        way = host.ways.get(server.address)
        if way is None or way.gateway or service.name in told:
            continue
        network = _network(host, way.interface, server.address)
        if network is not None and not _moves(config, network):
            told.add(service.name)
            seen = f"no router carries an address in {network}, where {server.name} is: its gateway stays "
            mend = f"in hactl.yaml: a router with an address of {network} on {way.interface}, in a group with the VIP's; "
            yield finding(
                FindingId.NAT_ROUTE,
                service.name,
                f"{seen}with one director when the VIPs move",
                f"{mend}then that as the real servers' default route",
            )


def judge_conversations(
    config: Config, found: Mapping[str, Conversations], healthy: Collection[str] | None
) -> Iterator[Finding]:
    """Real servers that pass their checks and of which no client ever got an answer.

    `healthy` are names of servers by their checks, None where no daemon tells.
    """
    told: set[str] = set()
    for service, server in by_method(config, Forward.NAT):
        talk = found.get(server.address)
        if talk is None or server.name in told or (healthy is not None and server.name not in healthy):
            continue
        if talk.waiting >= _ENOUGH and talk.answered == 0:
            told.add(server.name)
            seen = f"{talk.waiting} connections to {server.address} wait for its answer (SYN_RECV), none has had one"
            mend = f"ssh {server.address} hactl realserver check   # and its default route: ip route show default"
            yield finding(FindingId.NAT_ROUTE, server.name, f"{service.name}: {seen}", mend)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(host: Host, interface: str, server: str) -> Network | None:
    """The network of this host's own, on this interface, that the server is in."""
    for one in host.addresses:
        if one.device == interface and family_of(one.address) == family_of(server):
            network = ipaddress.ip_network(f"{one.address}/{one.prefix}", strict=False)
            if ipaddress.ip_address(server) in network and network.num_addresses > 1:
                return network
    return None


def _moves(config: Config, network: Network) -> bool:
    vips = (vip.address for router in config.failover.routers for vip in router.addresses)
    return any(ipaddress.ip_address(vip) in network for vip in vips)
