"""What a router sends, as bytes: adverts, releases ready for somebody else to send, announcements.

Owns the composition only; core.
"""

from collections.abc import Iterator, Sequence

from failover import arp, ndp
from failover.guards import Guard
from failover.host import Host, Standing, packed
from failover.link_wire import bear
from failover.packet import GROUP4, GROUP6, RELEASE, Advert, encode
from failover.place import Bearing, Place
from failover.report import Held, ReleasePacket
from failover.seals import Sealing
from failover.spec import AddressSpec, Checksum, Family, RouterSpec, Transport
from failover.timing import renewal_period
from failover.virtual_mac import bearers, mac_of, source_mac
from failover.ways import RouteSpec, Way, take
from failover.wire import delete_address, put_address


def destinations(spec: RouterSpec) -> tuple[bytes, ...]:
    """Where adverts go: each peer, or the group (RFC 9568 5.1.1.2 and 5.1.2.2)."""
    if spec.transport is Transport.UNICAST:
        return tuple(packed(peer.address) for peer in spec.peers)
    return (GROUP4,) if spec.family is Family.IPV4 else (GROUP6,)


def advert_message(
    spec: RouterSpec, priority: int, source: bytes, destination: bytes, password: bytes
) -> bytes:
    """One advert of this router with this priority, to be sealed where that is asked for; `password` is empty for none."""
    advert = Advert(
        version=spec.version,
        vrid=spec.vrid,
        priority=priority,
        interval=spec.advert_interval,
        addresses=tuple(packed(vip.address) for vip in spec.addresses if vip.advertise),
        password=password,
    )
    return encode(advert, source, destination, message_only=spec.checksum is Checksum.MESSAGE_ONLY)


def held(
    spec: RouterSpec, host: Host, standing: Standing, guard: Guard, *, is_master: bool, lease: int
) -> Held | None:
    """What somebody else needs in order to renew, release or drop for this router when its worker is dead."""
    link = host.link(spec.interface)
    source = standing.source
    if link is None or not source:
        return None
    vips = places(spec.addresses, host, standing.owned)
    renew = (put_address(n, p.index, p.address, p.prefix, lease, p.label) for n, p in enumerate(vips, 1))
    drop = (delete_address(n, p.index, p.address, p.prefix) for n, p in enumerate(vips, 1))
    silence = (bear(0, bearer) for bearer in bearers(spec, host, Bearing.DOWN))
    packets = (
        ReleasePacket(
            source,
            to,
            spec.ttl_send,
            advert_message(spec, RELEASE, source, to, guard.password),
            source_mac(spec),
        )
        for to in destinations(spec)
    )
    return Held(
        router=spec.name,
        vrid=spec.vrid,
        family=spec.family,
        interface=spec.interface,
        index=link.index,
        renew=b"".join(renew),
        drop=b"".join((*(take(0, way) for way in found_ways(spec, host)), *silence, *drop)),
        every=renewal_period(lease) if lease and spec.witness is None else 0.0,
        packets=tuple(packets) if is_master else (),
        sealing=sealing(spec, guard),
        senders=destinations(spec) if spec.transport is Transport.UNICAST else (),
        ttl_accept=spec.ttl_accept,
    )


def sealing(spec: RouterSpec, guard: Guard) -> Sealing | None:
    """How somebody else seals this router's adverts, None where they need no trailer."""
    return guard.seals.sealing(spec.authentication_file or "") if guard.seals else None


def announcements(spec: RouterSpec, host: Host) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """For each VIP its interface and the frames that announce it from there."""
    for vip in spec.addresses:
        link = host.link(vip.interface)
        if link is None or len(link.mac) != 6:
            continue
        address, mac = packed(vip.address), mac_of(spec, vip) or link.mac
        if len(address) == 4:
            yield vip.interface, arp.gratuitous(address, mac)
        else:
            yield vip.interface, (ndp.unsolicited(address, mac),)


def places(vips: Sequence[AddressSpec], host: Host, owned: frozenset[str]) -> tuple[Place, ...]:
    """Where the kernel holds these VIPs; those that an operator configured are never among them."""
    index = {link.name: link.index for link in host.links.values()}
    return tuple(
        Place(index[vip.bearer], packed(vip.address), vip.prefix, vip.label)
        for vip in vips
        if vip.bearer in index and vip.address not in owned
    )


def outdated(vips: Sequence[AddressSpec], host: Host, owned: frozenset[str]) -> tuple[Place, ...]:
    """Where these VIPs are by a daemon's hand with another prefix length than they are to have now.

    IPv6 has an address only once on an interface, and a renewal leaves its length as it is.
    """
    return tuple(
        Place(there.index, there.address, there.prefix)
        for vip in vips
        if vip.address not in owned
        for there in host.has(vip)
        if there.ours and not there.by_hand and there.prefix != vip.prefix
    )


def gone(old: RouterSpec, new: RouterSpec) -> tuple[AddressSpec, ...]:
    """The VIPs to take off when a reload makes `new` of `old`; whether one is advertised changes nothing there."""
    stays = {(vip.address, vip.prefix, vip.bearer, vip.label) for vip in new.addresses}
    return tuple(
        vip for vip in old.addresses if (vip.address, vip.prefix, vip.bearer, vip.label) not in stays
    )


def found_ways(spec: RouterSpec, host: Host) -> tuple[Way, ...]:
    """The router's routes and rules, as far as their interfaces are there."""
    return (*_found(spec.routes, host), *map(Way, spec.rules))


def gone_ways(old: RouterSpec, new: RouterSpec, host: Host) -> tuple[Way, ...]:
    """Those to remove when a reload makes `new` of `old`."""
    stays = {*new.routes, *new.rules}
    return tuple(way for way in found_ways(old, host) if way.spec not in stays)


def _found(routes: Sequence[RouteSpec], host: Host) -> Iterator[Way]:
    for route in routes:
        link = None if route.interface is None else host.link(route.interface)
        if link is not None or route.interface is None:
            yield Way(route, 0 if link is None else link.index)
