"""Whether the packet filter lets adverts (protocol 112) in and out, and marks what services by mark take; core.

The law: what is certainly dropped is a finding; what cannot be told is said to be so.
"""

import ipaddress
from collections.abc import Iterator

from failover.packet import PROTOCOL
from failover.spec import Family, RouterSpec, Transport
from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.doctor.model import Host
from hactl.doctor.ruleset import DROP, Outcome, Packet, Ruleset
from hactl.doctor.ruleset import judge as outcome
from hactl.ipvs.model import family_of

_GROUP = {Family.IPV4: "224.0.0.18", Family.IPV6: "ff02::12"}
_MARKING = (
    "nft add table inet lvs; nft add chain inet lvs marks '{{ type filter hook prerouting priority mangle; }}'; "
    "nft add rule inet lvs marks ip daddr ADDRESS tcp dport PORT meta mark set {mark}"
    "   # ADDRESS, PORT: what it is for; and in the file that is loaded at boot"
)
_IN, _OUT = ("ingress", "prerouting", "input"), ("output", "postrouting", "egress")


def judge(config: Config, host: Host, ruleset: Ruleset) -> Iterator[Finding]:
    """One finding a router and direction: the first packet of it that is certainly dropped."""
    for router in config.failover.routers:
        for hooks, packets, words in _directions(config, host, router):
            for packet in packets:
                came = outcome(ruleset, hooks, packet)
                if came.verdicts == {DROP} and came.chain is not None:
                    seen = f"{came.place} drops {words} on {router.interface}"
                    yield finding(FindingId.VRRP_BLOCKED, router.name, seen, came.chain.add)
                    break


def judge_marks(config: Config, ruleset: Ruleset) -> Iterator[Finding]:
    """Services by a mark that nothing sets. Where a rule marks in a way that is not understood nothing is concluded."""
    marks = {rule.mark for chain in ruleset for rule in chain.rules}
    for service in config.services:
        if service.fwmark and not marks & {service.fwmark, None}:
            yield finding(
                FindingId.MARK_UNSET,
                service.name,
                f"no rule of the firewall sets mark {service.fwmark}",
                _MARKING.format(mark=service.fwmark),
            )


def doubtful(config: Config, host: Host, ruleset: Ruleset) -> Iterator[str]:
    """Routers of which it cannot be told, as sentences."""
    for router in config.failover.routers:
        each = [
            outcome(ruleset, hooks, packet)
            for hooks, packets, _ in _directions(config, host, router)
            for packet in packets
        ]
        if any(map(_unsure, each)):
            yield f"router {router.name}: whether the firewall lets its adverts pass cannot be told from the rules"


def _unsure(came: Outcome) -> bool:
    return DROP in came.verdicts and len(came.verdicts) > 1


def _directions(
    config: Config, host: Host, router: RouterSpec
) -> Iterator[tuple[tuple[str, ...], list[Packet], str]]:
    """Hooks, packets and words for what comes in and what goes out."""
    group = _GROUP[router.family] if router.transport is Transport.MULTICAST else None
    here, there = _own(host, router), _others(config, host, router)
    arriving = [_packet(router, "in", source, group or here) for source in there]
    leaving = [_packet(router, "out", here, group or peer) for peer in there]
    yield _IN, arriving, "adverts of the other directors"
    yield _OUT, leaving, "this director's adverts"


def _packet(router: RouterSpec, side: str, source: str | None, destination: str | None) -> Packet:
    fields = {
        "family": "ip" if router.family is Family.IPV4 else "ip6",
        "protocol": str(PROTOCOL),
        "in": router.interface if side == "in" else "",
        "out": router.interface if side == "out" else "",
        "state": "new",
        "kind": "multicast" if router.transport is Transport.MULTICAST else "host",
        "ttl": str(router.ttl_send),
        "source": source,
        "destination": destination,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _own(host: Host, router: RouterSpec) -> str | None:
    """The source of this director's adverts, where it is known."""
    if router.source is not None:
        return router.source
    own = [one.address for one in host.addresses if one.device == router.interface and not one.ours]
    fitting = [one for one in own if family_of(one) == router.family.value]
    local = [one for one in fitting if ipaddress.ip_address(one).is_link_local]
    return next(iter(local if router.family is Family.IPV6 else fitting), None)


def _others(config: Config, host: Host, router: RouterSpec) -> list[str | None]:
    """Where the others' adverts come from: listed peers, else their addresses on this link, else nobody knows."""
    if router.transport is Transport.UNICAST:
        return [peer.address for peer in router.peers]
    networks = [
        ipaddress.ip_network(f"{one.address}/{one.prefix}", strict=False)
        for one in host.addresses
        if one.device == router.interface and family_of(one.address) == router.family.value
    ]
    others = (a for one in config.directors if one.name != config.node for a in one.addresses)
    known = [one for one in others if any(ipaddress.ip_address(one) in network for network in networks)]
    return list(known) or [None]
