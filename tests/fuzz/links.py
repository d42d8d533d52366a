"""What else comes from the links: adverts while the failover worker is dead, and frames while an address is asked for."""

from collections.abc import Callable

from fuzz.decoders import GROUPS, SOURCES, TRAILER_KEYS, sealed_advert
from fuzz.grain import Grain

from failover.guards import Guard
from failover.ip import Received
from failover.packet import OWNER, RELEASE, Advert, encode
from failover.reception import judge_held
from failover.report import Held, ReleasePacket
from failover.seals import Seals
from failover.spec import Family, Replay, TrailerSpec
from failover.trailer import SEQUENCES, seal
from failover.trailer_clock import Moment, TrailerClock
from hactl.claims.claim import conflict_text, conflicts, parse
from hactl.claims.duplicates import _heard

NOW = Moment(1000.0, 1_800_000_000.0)
_CLAIMS = (parse("10.99.0.100"), parse("2001:db8::100"))
_OURS = "02:00:00:00:00:01"
_PASSWORD = b"secret\0\0"


def advert_for_the_dead(data: bytes) -> None:
    """Adverts that the supervisor hears for a router whose worker is dead: with and without what protects them."""
    grain = Grain(data)
    how, version = grain.number(), grain.choice((3, 2))
    source = SOURCES[16 if how & 1 and version == 3 else 4]
    own, group = source[:-1] + b"\7", GROUPS[len(source)]
    guards = (None, "no key", Guard(_PASSWORD), Guard(), Guard(seals=_seals(how)))
    guard = guards[grain.number() % len(guards)]
    message = grain.rest()
    if how & 2:
        message = sealed_advert(message, source, group, message_only=bool(how & 4))
    if how & 8 and len(message) >= 16:
        sequence = int.from_bytes(message[:8], "big") % SEQUENCES
        message = seal(message[8:], source, group, TRAILER_KEYS.sending, sequence)
    received = Received(source, group, (255, 254)[how >> 4 & 1], message)
    found = judge_held(_held(own, group, version, how), received, guard, NOW)
    if isinstance(found, Advert):
        assert RELEASE <= found.priority <= OWNER
        assert (found.version, found.vrid, received.ttl) == (version, 51, 255)
        assert guard != "no key"
    else:
        assert found.text


def _seals(how: int) -> Seals:
    replay = Replay.INCREASING if how & 32 else Replay.TIME
    return Seals(TrailerSpec(replay=replay), TRAILER_KEYS, TrailerClock(NOW.wall - NOW.now))


def _held(own: bytes, group: bytes, version: int, how: int) -> Held:
    release = Advert(version=version, vrid=51, priority=RELEASE, interval=1.0, addresses=(own,))
    return Held(
        router="web",
        vrid=51,
        family=Family.IPV6 if len(own) == 16 else Family.IPV4,
        interface="eth0",
        index=2,
        renew=b"",
        drop=b"",
        every=1.0,
        packets=(ReleasePacket(own, group, 255, encode(release, own, group)),),
        senders=(SOURCES[len(own)],) if how & 64 else (),
        ttl_accept=(255, 255),
    )


def link_frame(data: bytes) -> None:
    """Any frame of a link on which `hactl takeover` asks whether somebody has an address; scapy reads it."""
    heard = _heard(data)
    if heard is None:
        return
    for one in conflicts([heard], _CLAIMS, [_OURS]).values():
        assert one.address in {claim.address for claim in _CLAIMS}
        assert conflict_text(one, "eth0").isprintable()


LINKS: tuple[Callable[[bytes], None], ...] = (advert_for_the_dead, link_frame)
