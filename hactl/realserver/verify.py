"""Whether a host is fit to serve: every difference from the plan as a finding; core.

The law: what `apply` would do is what `check` finds, so that the two cannot disagree.
"""

import ipaddress
import shlex
from collections.abc import Collection, Iterator, Mapping

from hactl.doctor.finding import Finding, FindingId, finding
from hactl.ipvs.spec import Forward
from hactl.realserver.model import (
    DropVip,
    Facts,
    MakeDevice,
    Open,
    PutVip,
    Raise,
    Record,
    SetSwitch,
    Wish,
    dotted,
)
from hactl.realserver.plan import steps

APPLY = "hactl realserver apply"


def apply_as(name: str | None, file: str | None) -> str:
    """The command that mends this host, for who named it and the file; None: neither need be said."""
    said = (*(("--as", name) if name else ()), *(("-c", file) if file else ()))
    return shlex.join((*APPLY.split(), *said))


def findings(wish: Wish, facts: Facts, record: Record, command: str = APPLY) -> Iterator[Finding]:
    """What this host lacks, or has too much; `command` mends it."""
    for step in steps(wish, facts, record):
        match step:
            case PutVip(vip):
                yield finding(FindingId.VIP_MISSING, vip.address, f"it is not on {vip.device}", command)
            case DropVip(vip):
                yield finding(FindingId.VIP_LEFT, vip.address, f"it is on {vip.device}", command)
            case SetSwitch(path, value, False):
                yield _switch(path, value, facts, command)
            case MakeDevice(name):
                yield finding(FindingId.TUNNEL_CLOSED, name, "there is no such device", command)
            case Raise(name) if name in facts.devices:
                yield finding(FindingId.TUNNEL_CLOSED, name, "the device is down", command)
            case Open(listener):
                yield finding(FindingId.TUNNEL_CLOSED, str(listener), "nothing listens there", command)
            case _:
                pass


def exposed(wish: Wish, facts: Facts) -> Iterator[Finding]:
    """VIPs on an interface that the directors' link is on: it answers for them there, whatever is hidden elsewhere.

    Not to be asked of a director, which has them there while it is master.
    """
    for one in facts.addresses:
        if one.address in wish.vips and one.device in wish.lan:
            mend = f"ip address del {one.address}/{one.prefix} dev {one.device}"
            seen = f"it is on {one.device}, which answers for it"
            yield finding(FindingId.SERVER_ANSWERS, one.address, seen, mend)


def _switch(path: str, value: str, facts: Facts, command: str) -> Finding:
    what = FindingId.TUNNEL_FILTERED if path.endswith("rp_filter") else FindingId.ARP_NOT_HIDDEN
    found = facts.switches.get(path, "not there")
    return finding(what, dotted(path), f"it is {found}, {value} is needed", command)


def ways_back(wish: Wish, ways: Collection[tuple[str, str]], gateways: Collection[str]) -> Iterator[Finding]:
    """Whether answers of nat services go back through the directors.

    `ways`: (own address, the gateway by which it answers a distant client, empty for none); `gateways`: the addresses
    that move with the routers.
    """
    behind = {one.address: one.service for one in wish.served if one.forward is Forward.NAT}
    for address, gateway in ways:
        if address not in behind or gateway in gateways:
            continue
        ipv6 = ":" in address
        fitting = [vip for vip in gateways if (":" in vip) == ipv6]
        evidence = (
            f"{address} answers clients by {gateway}"
            if gateway
            else f"{address} has no way to distant clients"
        )
        target = fitting[0] if len(fitting) == 1 else "ADDRESS"
        choice = "" if len(fitting) == 1 else f"  # ADDRESS: one of {', '.join(fitting)}" if fitting else ""
        mend = f"ip {'-6 ' if ipv6 else ''}route replace default via {target}{choice}"
        yield finding(FindingId.NAT_ROUTE, behind[address], evidence, mend)


def shorter_ways(wish: Wish, facts: Facts, moving: Mapping[str, str]) -> Iterator[Finding]:
    """Whether this host would believe a director that tells of a way to the client past its own translation.

    A kernel that forwards IPv6 does so always, where a packet leaves by the interface it came in by (RFC 4861 8.2); one
    that forwards itself does not listen. `moving`: the interface by each address that moves with a router.
    """
    for one in wish.served:
        if one.forward is not Forward.NAT or one.vip is None or ":" not in one.address:
            continue
        device = _one_armed(one.address, moving.get(one.vip, ""), facts, moving)
        path = f"ipv6/conf/{device}/accept_redirects"
        forwards = facts.switches.get(f"ipv6/conf/{device}/forwarding") == "1"
        if device and not forwards and facts.switches.get(path) == "1":
            seen = f"{dotted(path)} is 1, and clients come to the directors by the interface that this host is on"
            mend = f"sysctl -w {dotted(path)}=0   # and the same in /etc/sysctl.d/ for the next boot"
            yield finding(FindingId.REDIRECTS_TAKEN, one.service, seen, mend)


def _one_armed(own: str, clients: str, facts: Facts, moving: Mapping[str, str]) -> str:
    """This host's device towards the directors, if an address of its network moves on the interface of the clients."""
    for one in facts.addresses:
        if one.address == own:
            network = ipaddress.ip_network(f"{own}/{one.prefix}", strict=False)
            near = (on for vip, on in moving.items() if ipaddress.ip_address(vip) in network)
            return one.device if clients in near else ""
    return ""
