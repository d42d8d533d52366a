"""Who else advertises on the directors' links: another cluster with our VRID, or with our VIPs; core.

The law: whoever advertises exactly our addresses under our VRID takes part in the election, whatever its own address is;
a peer with another file than ours looks like another cluster, and both are told alike.
"""

import ipaddress
from collections.abc import Collection, Iterator

import msgspec

from failover.difference import difference
from failover.host import packed
from failover.packet import RELEASE
from failover.spec import RouterSpec
from hactl.config.model import Config
from hactl.doctor.finding import Finding, FindingId, finding
from hactl.ipvs.model import family_of

_NUMBERS = range(1, 256)


class Advertised(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of advert that was heard on an interface: who sends it, and what is in it. `addresses` are packed."""

    interface: str
    source: str
    version: int
    vrid: int
    priority: int
    addresses: tuple[bytes, ...]


def judge(config: Config, own: Collection[str], heard: Collection[Advertised]) -> Iterator[Finding]:
    """What strangers say. `own` are this host's addresses."""
    others = [one for one in heard if one.source not in own and one.priority != RELEASE]
    ours = {(r.interface, r.family.value, r.vrid): r for r in config.failover.routers}
    used = {one.vrid for one in heard} | {router.vrid for router in config.failover.routers}
    told: set[tuple[str, str]] = set()
    for one in others:
        router = ours.get((one.interface, family_of(one.source), one.vrid))
        found = _vips(config, one) if router is None else _vrid(router, one, used)
        for finding_ in found:
            if (finding_.id, finding_.subject) not in told:
                told.add((finding_.id, finding_.subject))
                yield finding_


def _vrid(router: RouterSpec, one: Advertised, used: Collection[int]) -> Iterator[Finding]:
    """What differs in an advert with the VRID of one of our routers."""
    said = [f"by VRRPv{one.version}, ours is {router.version}"] if one.version != router.version else []
    other = difference([packed(vip.address) for vip in router.addresses if vip.advertise], one.addresses)
    said += [other] if other else []
    if said:
        free = next((number for number in _NUMBERS if number not in used), None)
        seen = f"{one.source} advertises VRID {one.vrid} on {one.interface} {' and '.join(said)}"
        mend = f"if it is another cluster, in hactl.yaml: routers.{router.name}.vrid: {free}, of which nothing is heard"
        yield finding(FindingId.VRID_TAKEN, router.name, seen, f"{mend}; if it is a peer, give it this file")


def _vips(config: Config, one: Advertised) -> Iterator[Finding]:
    """Our VIPs in the advert of a router that is not ours."""
    ours = {packed(vip.address) for router in config.failover.routers for vip in router.addresses}
    for address in sorted(ours & set(one.addresses)):
        vip = str(ipaddress.ip_address(address))
        seen = f"{one.source} advertises {vip} with VRID {one.vrid} on {one.interface}"
        mend = f"take {vip} out of the configuration of {one.source}, or out of hactl.yaml"
        yield finding(FindingId.VIP_TAKEN, vip, seen, mend)
