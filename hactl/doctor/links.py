"""Interfaces of a director: there and up, and wide enough for tunnels; core."""

from collections.abc import Iterator

from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.doctor.model import Host
from hactl.doctor.switches import by_method
from hactl.ipvs.model import family_of
from hactl.ipvs.spec import Forward, TunnelSpec, TunnelType
from hactl.realserver.model import Wish

_USUAL = 1500
"""Bytes of the longest packet that comes from afar."""
_OUTER = {"ipv4": 20, "ipv6": 40}
_INSIDE = {TunnelType.IPIP: 0, TunnelType.GRE: 4, TunnelType.GUE: 12}
"""Bytes between outer and inner header: GRE without options (RFC 2784 2.1); UDP, and GUE without options."""
_TCP = {"ipv4": 40, "ipv6": 60}
"""Bytes of IP and TCP header."""


def judge(config: Config, host: Host) -> Iterator[Finding]:
    """What is wrong with the interfaces of this director."""
    yield from _missing(config, host)
    yield from _narrow(config, host)


def _users(config: Config) -> dict[str, str]:
    """What needs each interface, in words."""
    users: dict[str, str] = {}
    for router in config.failover.routers:
        for name in (router.interface, *(vip.interface for vip in router.addresses)):
            users.setdefault(name, f"router {router.name}")
    if config.sync is not None:
        users.setdefault(config.sync.interface, "sync")
    return users


def _missing(config: Config, host: Host) -> Iterator[Finding]:
    for name, user in _users(config).items():
        link = host.links.get(name)
        if link is None:
            there = ", ".join(sorted(one for one in host.links if one != "lo")) or "none"
            seen = f"{user} is on {name}, and there is no such interface; there are: {there}"
            yield finding(FindingId.INTERFACE_MISSING, name, seen, "")
        elif not link.enabled:
            seen = f"{user} is on {name}, which is set down"
            yield finding(FindingId.INTERFACE_MISSING, name, seen, f"ip link set dev {name} up")
        elif not link.carrier:
            seen = f"{user} is on {name}, which has no carrier: the cable, or the port of the switch"
            yield finding(FindingId.INTERFACE_MISSING, name, seen, f"ip -s link show dev {name}")


def overhead(tunnel: TunnelSpec, server: str) -> int:
    """Bytes that a tunnel to this real server adds to each packet."""
    return _OUTER[family_of(server)] + _INSIDE[tunnel.type]


def _narrow(config: Config, host: Host) -> Iterator[Finding]:
    """One finding a service: its full packets do not fit into the tunnel to a server."""
    found = set()
    for service, server in by_method(config, Forward.TUN):
        way = host.ways.get(server.address)
        if way is None or service.name in found:
            continue
        full = min(_incoming(config, host, service.address) or way.mtu, _USUAL)
        needed = full + overhead(server.tunnel or TunnelSpec(), server.address)
        if way.mtu >= needed:
            continue
        found.add(service.name)
        seen = f"a packet of {full} bytes takes {needed} in the tunnel to {server.name}; the way there, {way.interface}, "
        mend = (
            f"ip link set dev {way.interface} mtu {needed}   # likewise on the real servers and the switch; "
        )
        yield finding(
            FindingId.TUNNEL_MTU,
            service.name,
            f"{seen}has {way.mtu}, so whoever sends it must be told by ICMP",
            f"{mend}or shorter segments there, whose command `hactl doctor` on a real server gives",
        )


def _incoming(config: Config, host: Host, vip: str | None) -> int | None:
    """The MTU of the interface by which clients' packets come in."""
    for router in config.failover.routers:
        for one in router.addresses:
            if one.address == vip and one.interface in host.links:
                return host.links[one.interface].mtu
    return None


def segments(wish: Wish, host: Host, distant: str) -> Iterator[Finding]:
    """A real server: whether the segments that it asks clients for fit into the tunnel from the director.

    `distant` is a distant client's address, the way to which tells what is asked for.
    """
    way = host.ways.get(distant)
    family = family_of(distant)
    through = [one for one in wish.served if one.tunnel and one.vip and family_of(one.vip) == family]
    if way is None or not through:
        return
    lan = min((host.links[name].mtu for name in wish.lan if name in host.links), default=_USUAL)
    asked = way.advmss or way.mtu - _TCP[family]
    largest = min(lan - overhead(one.tunnel, one.address) for one in through if one.tunnel) - _TCP[family]
    if min(asked, _USUAL - _TCP[family]) <= largest:
        return
    names = ", ".join(dict.fromkeys(one.service for one in through))
    seen = f"clients are asked for segments of {asked} bytes, and {largest} fit into the tunnel (mtu {lan})"
    via = f" via {way.gateway}" if way.gateway else ""
    command = f"ip {'-6 ' if family == 'ipv6' else ''}route change default{via} dev {way.interface} advmss {largest}"
    yield finding(FindingId.TUNNEL_MTU, names, seen, command)
