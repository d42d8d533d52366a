"""Which router a received packet is for, or the one reason why it is dropped.

Owns the order of checks on receipt (RFC 9568 section 7.1, RFC 3768 section 7.1). The law: a packet in, one value out.
"""

from collections.abc import Collection, Mapping

import msgspec

from failover.guards import NONE, Guard
from failover.host import packed
from failover.ip import Received
from failover.packet import Advert, Drop, decode
from failover.spec import RouterSpec, Transport
from failover.trailer_clock import Moment


class Refused(msgspec.Struct, frozen=True):
    """A packet that is dropped; `spec` is the router that it was meant for, None where that cannot be told."""

    drop: Drop
    spec: RouterSpec | None = None


def judge(
    received: Received,
    routers: Mapping[int, RouterSpec],
    own: Collection[bytes],
    guards: Mapping[str, Guard],
    at: Moment,
) -> tuple[RouterSpec, Advert] | Refused:
    """`routers` are those of the packet's interface and family by VRID; `own` are this director's source addresses.

    `guards` are those of protected routers, by the router's name.
    """
    if received.source in own:
        return Refused(Drop.OWN_PACKET)
    advert = decode(received.message, received.source, received.destination)
    if isinstance(advert, Drop):
        return Refused(advert)
    spec = routers.get(advert.vrid)
    if spec is None:
        return Refused(Drop.UNKNOWN_VRID)
    drop = _refusal(spec, received, advert, guards.get(spec.name, NONE), at)
    return (spec, advert) if drop is None else Refused(drop, spec)


def _refusal(spec: RouterSpec, received: Received, advert: Advert, guard: Guard, at: Moment) -> Drop | None:
    if spec.ttl_accept is not None and not spec.ttl_accept[0] <= received.ttl <= spec.ttl_accept[1]:
        return Drop.WRONG_TTL
    if spec.transport is Transport.UNICAST and received.source not in {packed(p.address) for p in spec.peers}:
        return Drop.UNKNOWN_SENDER
    if advert.version != spec.version:
        return Drop.WRONG_VERSION
    if advert.version == 2 and advert.interval != spec.advert_interval:
        return Drop.BAD_INTERVAL
    return guard.refuse(advert, received, at)
