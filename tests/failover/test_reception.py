"""Which router a packet is for, or the one reason why it is dropped."""

import pytest

from failover.guards import Guard
from failover.ip import Received
from failover.packet import GROUP4, Advert, Drop, encode
from failover.reception import Refused, judge, judge_held
from failover.report import Held, ReleasePacket
from failover.spec import Family, PeerSpec, RouterSpec, Transport
from failover.trailer_clock import Moment
from support.failover import HIGHER, OURS, advert, packed, router_spec


def received(
    sent: Advert, *, source: bytes = HIGHER, destination: bytes = GROUP4, ttl: int = 255
) -> Received:
    """An advert as it arrives."""
    return Received(source, destination, ttl, encode(sent, source, destination))


def judged(packet: Received, password: bytes = b"", **changes: object) -> tuple[RouterSpec, Advert] | Drop:
    """The verdict of a director with one router."""
    guards = {"web": Guard(password)} if password else {}
    verdict = judge(packet, {51: router_spec(**changes)}, {OURS}, guards, Moment(0.0, 0.0))
    return verdict.drop if isinstance(verdict, Refused) else verdict


def test_a_drop_names_the_router_that_the_advert_was_meant_for() -> None:
    """So that it is counted there and nowhere else; one that names none of ours concerns none alone."""
    spec = router_spec()
    far, stranger = received(advert(200), ttl=3), received(advert(200, vrid=52))
    at = Moment(0.0, 0.0)
    assert judge(far, {51: spec}, {OURS}, {}, at) == Refused(Drop.WRONG_TTL, spec)
    assert judge(stranger, {51: spec}, {OURS}, {}, at) == Refused(Drop.UNKNOWN_VRID)


def test_an_advert_finds_its_router() -> None:
    """By VRID, on its interface and family."""
    assert judged(received(advert(200))) == (router_spec(), advert(200))


def test_the_addresses_need_not_match() -> None:
    """RFC 9568 7.1: comparing the list is optional, and a difference never discards the advert."""
    other = advert(200, addresses=(packed("10.99.0.7"), packed("10.99.0.8")))
    assert judged(received(other)) == (router_spec(), other)


def test_own_packets_are_dropped() -> None:
    """RFC 9568 7.1: an advert that we sent ourselves, heard again."""
    assert judged(received(advert(200), source=OURS)) is Drop.OWN_PACKET


def test_unknown_vrid() -> None:
    """RFC 9568 7.1: VRID not configured on the receiving interface."""
    assert judged(received(advert(200, vrid=52))) is Drop.UNKNOWN_VRID


def test_a_broken_message_keeps_its_reason() -> None:
    """What the decoder found is what is counted."""
    assert judged(Received(HIGHER, GROUP4, 255, b"\x31\x33")) is Drop.TOO_SHORT


@pytest.mark.parametrize("ttl", [0, 1, 254])
def test_rfc9568_7_1_ttl_must_be_255(ttl: int) -> None:
    """A packet that came through a router is from elsewhere."""
    assert judged(received(advert(200), ttl=ttl)) is Drop.WRONG_TTL


def test_ttl_as_configured() -> None:
    """`ttl.accept` widens it, None takes any."""
    far = received(advert(200), ttl=250)
    assert judged(far, ttl_accept=(250, 255)) == (router_spec(ttl_accept=(250, 255)), advert(200))
    assert judged(far, ttl_accept=(251, 255)) is Drop.WRONG_TTL
    assert not isinstance(judged(received(advert(200), ttl=3), ttl_accept=None), Drop)


def test_unicast_takes_adverts_from_peers_only() -> None:
    """A stranger's advert is counted, not obeyed."""
    peers = (PeerSpec(name="lb2", address="10.99.0.6"),)
    assert not isinstance(judged(received(advert(200)), transport=Transport.UNICAST, peers=peers), Drop)
    others = (PeerSpec(name="lb2", address="10.99.0.7"),)
    assert judged(received(advert(200)), transport=Transport.UNICAST, peers=others) is Drop.UNKNOWN_SENDER


def test_another_version() -> None:
    """RFC 9568 8.4: v3 in backup does not listen to v2, and never mixes silently."""
    assert judged(received(advert(200, version=2, interval=1.0))) is Drop.WRONG_VERSION


def test_rfc3768_7_1_version_2_intervals_must_agree() -> None:
    """VRRPv2 discards an advert with another interval."""
    two = received(advert(200, version=2, interval=2.0))
    assert judged(two, version=2, advert_interval=1.0) is Drop.BAD_INTERVAL
    assert not isinstance(judged(two, version=2, advert_interval=2.0), Drop)


def test_an_unexpected_password() -> None:
    """RFC 3768 5.3.6: a packet with authentication where none is configured is discarded."""
    secret = received(advert(200, version=2, interval=1.0, password=b"1234\0\0\0\0"))
    assert judged(secret, version=2, advert_interval=1.0) is Drop.WRONG_AUTHENTICATION


OURS_IN_V2 = b"1234\0\0\0\0"


@pytest.mark.parametrize("sent", [b"", b"1234567\0", b"12345678", b"\0" * 8])
def test_a_wrong_or_missing_password(sent: bytes) -> None:
    """RFC 2338 5.3.6: all eight bytes count, and so does the kind of authentication."""
    stranger = received(advert(200, version=2, interval=1.0, password=sent))
    assert judged(stranger, OURS_IN_V2, version=2, advert_interval=1.0) is Drop.WRONG_AUTHENTICATION


def test_the_right_password() -> None:
    """An advert with our password is obeyed."""
    peer = received(advert(200, version=2, interval=1.0, password=OURS_IN_V2))
    assert not isinstance(judged(peer, OURS_IN_V2, version=2, advert_interval=1.0), Drop)


def judged_for_the_dead(
    packet: Received, ours: Advert | None = None, guard: Guard | str | None = None, **changes: object
) -> Advert | Drop:
    """The verdict of whoever stands in for a dead worker that was master and sent adverts like `ours`."""
    release = encode(ours or advert(0), OURS, GROUP4)
    fields = {"packets": (ReleasePacket(OURS, GROUP4, 255, release),), "ttl_accept": (255, 255)}
    held = Held(
        router="web",
        vrid=51,
        family=Family.IPV4,
        interface="eth0",
        index=2,
        renew=b"",
        drop=b"",
        every=1.0,
        **(fields | changes),  # type: ignore[arg-type]
    )
    return judge_held(held, packet, guard, Moment(0.0, 0.0))


def test_whoever_stands_in_for_a_dead_worker_judges_as_it_did() -> None:
    """Anybody on the link or beyond it could have the VIPs given up otherwise."""
    assert judged_for_the_dead(received(advert(1))) == advert(1)
    assert judged_for_the_dead(received(advert(200), source=OURS)) is Drop.OWN_PACKET
    assert judged_for_the_dead(Received(HIGHER, GROUP4, 255, b"\x31\x33")) is Drop.TOO_SHORT
    assert judged_for_the_dead(received(advert(200, vrid=52))) is Drop.UNKNOWN_VRID
    assert judged_for_the_dead(received(advert(200), ttl=254)) is Drop.WRONG_TTL
    assert judged_for_the_dead(received(advert(200), ttl=1), ttl_accept=None) == advert(200)
    assert judged_for_the_dead(received(advert(200)), senders=(packed("10.99.0.7"),)) is Drop.UNKNOWN_SENDER
    assert judged_for_the_dead(received(advert(200)), senders=(HIGHER,)) == advert(200)
    two, ours = advert(200, version=2, interval=2.0), advert(0, version=2, interval=1.0)
    assert judged_for_the_dead(received(two)) is Drop.WRONG_VERSION
    assert judged_for_the_dead(received(two), ours) is Drop.BAD_INTERVAL
    assert judged_for_the_dead(received(two), packets=()) == two
    assert judged_for_the_dead(received(two), two, Guard(OURS_IN_V2)) is Drop.WRONG_AUTHENTICATION
    assert judged_for_the_dead(received(advert(200)), None, "no key file") is Drop.WRONG_AUTHENTICATION
