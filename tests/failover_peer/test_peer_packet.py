"""Datagrams: both ways, every reason for a drop, and no bit of one that may be changed."""

import timeit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.peer.packet import MAX_BODY, MAX_DATAGRAM, Drop, Ends, Kind, Packet, decode, director_id, encode
from support.peers import KEY, OTHER_KEY, ring

A, B = director_id("web", "a"), director_id("web", "b")
ENDS = Ends(A, B, bytes((10, 90, 0, 1, 10, 90, 0, 2)))
KEYS = ring()
PACKET = Packet(
    kind=Kind.BEAT, sender_nonce=b"n" * 16, receiver_nonce=b"m" * 16, counter=7, heard=3, body=b"content"
)
DATAGRAM = encode(PACKET, KEYS.sending, ENDS)


@given(
    kind=st.sampled_from(Kind),
    nonces=st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16)),
    counters=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
    body=st.binary(max_size=MAX_BODY),
)
def test_both_ways(kind: Kind, nonces: tuple[bytes, bytes], counters: tuple[int, int], body: bytes) -> None:
    """What was encoded is decoded, and fits the smallest MTU."""
    packet = Packet(
        kind=kind,
        sender_nonce=nonces[0],
        receiver_nonce=nonces[1],
        counter=counters[0],
        heard=counters[1],
        body=body,
    )
    datagram = encode(packet, KEYS.sending, ENDS)
    assert len(datagram) <= MAX_DATAGRAM
    assert decode(datagram, KEYS, ENDS) == packet


def test_a_body_that_does_not_fit_is_refused() -> None:
    """By the sender."""
    with pytest.raises(ValueError, match="at most"):
        encode(msgspec.structs.replace(PACKET, body=bytes(MAX_BODY + 1)), KEYS.sending, ENDS)


@pytest.mark.parametrize(
    ("datagram", "drop"),
    [
        (b"", Drop.TOO_SHORT),
        (DATAGRAM[:50], Drop.TOO_SHORT),
        (DATAGRAM + bytes(MAX_DATAGRAM), Drop.TOO_LONG),
        (b"X" + DATAGRAM[1:], Drop.WRONG_MAGIC),
        (DATAGRAM[:4] + b"\x02" + DATAGRAM[5:], Drop.WRONG_VERSION),
        (encode(PACKET, KEYS.sending, Ends(B, A, ENDS.addresses)), Drop.UNKNOWN_SENDER),
        (encode(PACKET, KEYS.sending, Ends(A, A, ENDS.addresses)), Drop.NOT_FOR_US),
        (encode(PACKET, ring(OTHER_KEY).sending, ENDS), Drop.UNKNOWN_KEY),
        (DATAGRAM[:-1] + bytes((DATAGRAM[-1] ^ 1,)), Drop.BAD_MAC),
        (encode(PACKET, KEYS.sending, Ends(A, B, bytes(8))), Drop.BAD_MAC),
    ],
)
def test_every_reason_for_a_drop(datagram: bytes, drop: Drop) -> None:
    """Each has its own word and text; a packet carried over from another link is none of this link."""
    assert decode(datagram, KEYS, ENDS) is drop
    assert drop.text


def test_another_clusters_directors_are_strangers() -> None:
    """The same names and the same key in another cluster."""
    elsewhere = Ends(director_id("mail", "a"), director_id("mail", "b"), ENDS.addresses)
    assert decode(encode(PACKET, KEYS.sending, elsewhere), KEYS, ENDS) is Drop.UNKNOWN_SENDER


def test_a_key_change_in_steps() -> None:
    """Old and new directors understand each other at every step."""
    old, added, moved, new = ring(KEY), ring(KEY, OTHER_KEY), ring(OTHER_KEY, KEY), ring(OTHER_KEY)
    for one, two in [(old, added), (added, moved), (moved, new)]:
        assert decode(encode(PACKET, one.sending, ENDS), two, ENDS) == PACKET
        assert decode(encode(PACKET, two.sending, ENDS), one, ENDS) == PACKET
    assert decode(encode(PACKET, old.sending, ENDS), new, ENDS) is Drop.UNKNOWN_KEY


@given(at=st.integers(0, 8 * len(DATAGRAM) - 1))
def test_no_bit_may_be_changed(at: int) -> None:
    """Whichever it is, the datagram is refused."""
    forged = bytearray(DATAGRAM)
    forged[at // 8] ^= 1 << at % 8
    assert isinstance(decode(bytes(forged), KEYS, ENDS), Drop)


@given(datagram=st.binary(max_size=MAX_DATAGRAM + 100))
def test_noise_is_refused(datagram: bytes) -> None:
    """Without an exception."""
    assert isinstance(decode(datagram, KEYS, ENDS), Drop)
    assert isinstance(decode(DATAGRAM[:6] + datagram, KEYS, ENDS), Drop)


def test_encode_and_decode_are_quick() -> None:
    """The target is 50 us each with the longest body; the bound is five times that."""
    packet = msgspec.structs.replace(PACKET, body=bytes(MAX_BODY))
    datagram = encode(packet, KEYS.sending, ENDS)
    for work in (lambda: encode(packet, KEYS.sending, ENDS), lambda: decode(datagram, KEYS, ENDS)):
        assert min(timeit.repeat(work, number=200, repeat=5)) / 200 < 250e-6
