"""Which router a received packet is for, or the one reason why it is dropped.

Owns the order of checks on receipt (RFC 9568 section 7.1, RFC 3768 section 7.1). The law: a packet in, one value out.
"""

from collections.abc import Collection, Mapping

import msgspec

from failover.guards import NONE, Guard
from failover.host import packed
from failover.ip import Received
from failover.packet import Advert, Drop, decode
from failover.report import Held
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
    """`routers` are those of the packet's interface and family by VRID; `own` are this director's source addresses there.

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


def judge_held(held: Held, received: Received, guard: Guard | str | None, at: Moment) -> Advert | Drop:
    """By the same rules, for a router whose worker is dead. `guard`: in words why there is none; None: nothing is known."""
    if received.source in {packet.source for packet in held.packets}:
        return Drop.OWN_PACKET
    advert = decode(received.message, received.source, received.destination)
    if isinstance(advert, Drop):
        return advert
    if advert.vrid != held.vrid:
        return Drop.UNKNOWN_VRID
    drop = _refusal_held(held, received, advert)
    if drop is None and guard is not None:
        drop = Drop.WRONG_AUTHENTICATION if isinstance(guard, str) else guard.refuse(advert, received, at)
    return advert if drop is None else drop


def _refusal_held(held: Held, received: Received, advert: Advert) -> Drop | None:
    if not _is_within(held.ttl_accept, received.ttl):
        return Drop.WRONG_TTL
    if held.senders and received.source not in held.senders:
        return Drop.UNKNOWN_SENDER
    for packet in held.packets:
        ours = decode(packet.message, packet.source, packet.destination)
        if not isinstance(ours, Advert) or advert.version != ours.version:
            return Drop.WRONG_VERSION
        if advert.version == 2 and advert.interval != ours.interval:
            return Drop.BAD_INTERVAL
    return None


def _is_within(accept: tuple[int, int] | None, ttl: int) -> bool:
    return accept is None or accept[0] <= ttl <= accept[1]


def _refusal(spec: RouterSpec, received: Received, advert: Advert, guard: Guard, at: Moment) -> Drop | None:
    if not _is_within(spec.ttl_accept, received.ttl):
        return Drop.WRONG_TTL
    if spec.transport is Transport.UNICAST and received.source not in {packed(p.address) for p in spec.peers}:
        return Drop.UNKNOWN_SENDER
    if advert.version != spec.version:
        return Drop.WRONG_VERSION
    if advert.version == 2 and advert.interval != spec.advert_interval:
        return Drop.BAD_INTERVAL
    return guard.refuse(advert, received, at)
