"""Kernel switches of a director: forwarding, reverse path filter, redirects, and those of IPVS; core.

The law: a switch is a finding only where something in the configuration depends on it. `rp_filter` and `send_redirects`
hold by the larger, or either, of an interface's value and that of `all` (the kernel's ip-sysctl).
"""

from collections.abc import Iterator

from failover.switches import written_with_network
from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.doctor.model import Host
from hactl.ipvs.model import family_of
from hactl.ipvs.spec import Forward, OnDown, Protocol, ServerSpec, ServiceSpec
from hactl.realserver.model import DISTANT, dotted

_FORWARDING = {"ipv4": "ipv4/ip_forward", "ipv6": "ipv6/conf/all/forwarding"}
_STRICT = 1
_BESIDE_A_VIRTUAL_MAC = (("arp_ignore", "1", "answers for"), ("arp_announce", "2", "asks its questions from"))
_ALMOST = 0.8
"""Share of the table of connection tracking that is too much for calm."""


def judge(config: Config, host: Host) -> Iterator[Finding]:
    """What is wrong with the switches of this director."""
    yield from _forwarding(config, host)
    for interface in _clients_come_by(config):
        yield from filtered(interface, host)
    yield from _virtual_macs(config, host)
    yield from _secondaries(config, host)
    yield from _redirects(config, host)
    yield from _ipvs(config, host)
    yield from _expiry(config, host)
    if config.services:
        yield from _conntrack(host)


def natted(config: Config) -> dict[str, str]:
    """The services by real server's address, of servers by nat."""
    return {server.address: service.name for service, server in by_method(config, Forward.NAT)}


def by_method(config: Config, method: Forward) -> Iterator[tuple[ServiceSpec, ServerSpec]]:
    """Every server of every service that is forwarded to by this method, sorry servers among them."""
    for service in config.services:
        for server in (*service.servers, *([service.sorry] if service.sorry else ())):
            if server.forward is method:
                yield service, server


def setting(path: str, value: str) -> str:
    """The command that sets a switch."""
    return f"sysctl -w {dotted(path)}={value}   # and the same in /etc/sysctl.d/ for the next boot"


def _forwarding(config: Config, host: Host) -> Iterator[Finding]:
    """NAT's answers are forwarded packets; requests, and dr and tun, are not."""
    needing: dict[str, str] = {}
    for address, service in natted(config).items():
        needing.setdefault(family_of(address), service)
    for family, service in needing.items():
        path = _FORWARDING[family]
        if host.switches.get(path) == "0":
            yield finding(FindingId.FORWARDING_OFF, service, f"{dotted(path)} is 0", setting(path, "1"))


def _clients_come_by(config: Config) -> tuple[str, ...]:
    """Interfaces with the VIP of a service by IPv4; IPv6 has no such filter."""
    served = {service.address for service in config.services}
    vips = (vip for router in config.failover.routers for vip in router.addresses)
    return tuple(
        dict.fromkeys(v.bearer for v in vips if v.address in served and family_of(v.address) == "ipv4")
    )


def filtered(interface: str, host: Host) -> Iterator[Finding]:
    """Whether the strict filter drops what distant clients send in by this interface (RFC 3704 2.2)."""
    if host.switch("ipv4/rp_filter", interface) != _STRICT:
        return
    way = host.ways.get(DISTANT["ipv4"])
    if way is not None and way.interface == interface:
        return
    where = f"leaves by {way.interface}" if way else "is not known"
    path = f"ipv4/conf/{interface}/rp_filter"
    seen = f"{interface} filters strictly, and the way to distant clients {where}"
    yield finding(FindingId.RP_FILTER, interface, seen, setting(path, "2"))


def _virtual_macs(config: Config, host: Host) -> Iterator[Finding]:
    """The daemon sets these when it makes a macvlan; somebody has set them back since."""
    vips = (vip for router in config.failover.routers for vip in router.addresses)
    over = {vip.interface: vip.device for vip in vips if vip.device and family_of(vip.address) == "ipv4"}
    for interface, device in over.items():
        low = [
            (f"{dotted(f'ipv4/conf/{interface}/{name}')}={least}", does)
            for name, least, does in _BESIDE_A_VIRTUAL_MAC
            if (host.switch(f"ipv4/{name}", interface) or 0) < int(least)
        ]
        if low and device in host.links:
            seen = f"{interface} {' and '.join(does for _, does in low)} VIPs that {device} has"
            each = " ".join(assignment for assignment, _ in low)
            mend = f"sysctl -w {each}   # the daemon does the same when it starts"
            yield finding(FindingId.VIRTUAL_MAC_SWITCH, interface, seen, mend)


def _secondaries(config: Config, host: Host) -> Iterator[Finding]:
    """The kernel removes with an IPv4 address all that were put on after it with the same network, unless it promotes one.

    So who puts the host's own address on anew, while a VIP of its network is there, loses it with that VIP.
    """
    for interface, vip in written_with_network(config.failover.routers).items():
        if host.switch("ipv4/promote_secondaries", interface) == 0:
            seen = f"{vip.address}/{vip.prefix} can take other addresses of its network on {interface} away with it"
            command = f"sysctl -w {dotted(f'ipv4/conf/{interface}/promote_secondaries')}=1"
            mend = f"{command}   # the daemon does the same when it starts; or write {vip.address} without a length"
            yield finding(FindingId.PROMOTE_SECONDARIES, interface, seen, mend)


def _redirects(config: Config, host: Host) -> Iterator[Finding]:
    """With nat through one interface the kernel tells both sides of the shorter way, past the director."""
    told = set()
    for address, service in natted(config).items():
        way, out = host.ways.get(address), host.ways.get(DISTANT["ipv4"])
        if way is None or out is None or family_of(address) == "ipv6" or way.interface != out.interface:
            continue
        if host.switch("ipv4/send_redirects", way.interface) and way.interface not in told:
            told.add(way.interface)
            seen = f"{service} comes in and goes out by {way.interface}, which sends redirects"
            each = " ".join(
                f"{dotted(f'ipv4/conf/{where}/send_redirects')}=0" for where in ("all", way.interface)
            )
            mend = f"sysctl -w {each}   # and the same in /etc/sysctl.d/ for the next boot"
            yield finding(FindingId.SEND_REDIRECTS, way.interface, seen, mend)


def _ipvs(config: Config, host: Host) -> Iterator[Finding]:
    """The switches that the file gives. Without IPVS there are none, which is another finding."""
    if not any(path.startswith("ipv4/vs/") for path in host.switches):
        return
    for name, wanted in config.ipvs.switches:
        path = f"ipv4/vs/{name}"
        found = host.switches.get(path)
        if found is None:
            yield finding(FindingId.IPVS_SWITCH, name, "this kernel's IPVS has no such switch", "")
        elif found.split() != wanted.split():
            seen = f"{dotted(path)} is {found}, {wanted} is configured"
            yield finding(FindingId.IPVS_SWITCH, name, seen, f"sysctl -w {dotted(path)}='{wanted}'")


def _expiry(config: Config, host: Host) -> Iterator[Finding]:
    """Whether connections and persistence outlive their server. What the file gives is judged above."""
    given = {name for name, _ in config.ipvs.switches}
    for service in config.services:
        for name, why in _stays(service):
            if name not in given and host.switches.get(f"ipv4/vs/{name}") == "0":
                seen = f"{dotted(f'ipv4/vs/{name}')} is 0, and {why}"
                yield finding(
                    FindingId.IPVS_EXPIRY, service.name, seen, f"in hactl.yaml: ipvs: {{{name}: true}}"
                )


def _conntrack(host: Host) -> Iterator[Finding]:
    """Netfilter drops the first packet of what does not fit (nf_conntrack-sysctl)."""
    path = "netfilter/nf_conntrack_max"
    numbers = [host.switches.get(name, "") for name in ("netfilter/nf_conntrack_count", path)]
    if not all(number.isdigit() for number in numbers):
        return
    count, most = map(int, numbers)
    if most and count >= _ALMOST * most:
        seen = f"{count} connections are tracked, {most} are allowed"
        yield finding(FindingId.CONNTRACK_FULL, "conntrack", seen, setting(path, str(4 * most)))


def _stays(service: ServiceSpec) -> Iterator[tuple[str, str]]:
    """The switches without which something stays with a server that is gone, and why."""
    if service.protocol is Protocol.UDP and service.on_down is OnDown.REMOVE and not service.one_packet:
        yield "expire_nodest_conn", "a client that goes on from one UDP port is never sent to another server"
    if service.persistence is not None and service.on_down is OnDown.QUIESCE:
        yield (
            "expire_quiescent_template",
            "persistence sends clients on to a server at weight 0, also one that is down",
        )
