"""Which router a received packet is for, or the one reason why it is dropped.

Owns the order of checks on receipt (RFC 9568 section 7.1, RFC 3768 section 7.1). The law: a packet in, one value out.
"""

from collections.abc import Collection, Mapping

from failover.host import packed
from failover.ip import Received
from failover.packet import Advert, Drop, decode
from failover.password import is_right
from failover.spec import RouterSpec, Transport


def judge(
    received: Received,
    routers: Mapping[int, RouterSpec],
    own: Collection[bytes],
    passwords: Mapping[str, bytes],
) -> tuple[RouterSpec, Advert] | Drop:
    """`routers` are those of the packet's interface and family by VRID; `own` are this director's source addresses.

    `passwords` are those of routers that use one, by the router's name.
    """
    if received.source in own:
        return Drop.OWN_PACKET
    advert = decode(received.message, received.source, received.destination)
    if isinstance(advert, Drop):
        return advert
    spec = routers.get(advert.vrid)
    if spec is None:
        return Drop.UNKNOWN_VRID
    drop = _refused(spec, received, advert, passwords.get(spec.name, b""))
    return drop if drop is not None else (spec, advert)


def _refused(spec: RouterSpec, received: Received, advert: Advert, password: bytes) -> Drop | None:
    if spec.ttl_accept is not None and not spec.ttl_accept[0] <= received.ttl <= spec.ttl_accept[1]:
        return Drop.WRONG_TTL
    if spec.transport is Transport.UNICAST and received.source not in {packed(p.address) for p in spec.peers}:
        return Drop.UNKNOWN_SENDER
    if advert.version != spec.version:
        return Drop.WRONG_VERSION
    if advert.version == 2 and advert.interval != spec.advert_interval:
        return Drop.BAD_INTERVAL
    if not is_right(advert.password, password):
        return Drop.WRONG_AUTHENTICATION
    return None
