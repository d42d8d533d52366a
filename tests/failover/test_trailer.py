"""The keyed trailer as bytes: golden packets, an implementation of its own beside ours, and every reason for a refusal."""

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.packet import (
    GROUP4,
    GROUP6,
    TRAILER,
    Advert,
    Coverage,
    Drop,
    checksum,
    decode,
    encode,
    pseudo_header,
)
from failover.trailer import SEQUENCES, Key, Seal, is_after, is_genuine, read, seal, sequence_at
from support.failover import packed

KEY = Key(7, bytes(range(32)))
AT = 1_800_000_000.5
SOURCE, PEER = packed("192.168.200.1"), packed("192.168.200.2")
LINK_LOCAL = packed("fe80::1")
FOUR = Advert(version=3, vrid=51, priority=100, interval=1.0, addresses=(packed("192.168.200.17"),))
SIX = Advert(
    version=3, vrid=51, priority=100, interval=1.0, addresses=(packed("fe80::1234"), packed("2001:db8::17"))
)
GOLDEN = {
    "IPv4": (
        FOUR, SOURCE, GROUP4,
        "31336401 00647873 c0a8c811 01070000 6b49d200 80000000 f5c18d5dc2c82484f4a8397c4bef2fa9",
    ),
    "IPv6": (
        SIX, LINK_LOCAL, GROUP6,
        ("31336402 00649003 fe800000000000000000000000001234 20010db8000000000000000000000017 "
        "01070000 6b49d200 80000000 b5e5bf2c1254fdcc1407594f69ce82e8"),
    ),
}  # fmt: skip


def written_again(advert: bytes, source: bytes, key: Key, sequence: int) -> bytes:
    """The trailer from the description of its format alone: RFC 2104 by hand over RFC-like pseudo header and advert."""
    seconds, fraction, counter = sequence >> 32, sequence >> 16 & 0xFFFF, sequence & 0xFFFF
    head = struct.pack("!BBHLHH", 1, key.id, 0, seconds, fraction, counter)
    family = {4: 4, 16: 6}[len(source)]
    pseudo = struct.pack("!BBBB16s", family, 3, advert[1], 0, source)
    text = pseudo + advert[:6] + b"\0\0" + advert[8:] + head + b"\0" * 16
    block = key.secret.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + text).digest()
    return head + hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()[:16]


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_packets(name: str) -> None:
    """These bytes and no others, so that directors of different versions of hactl understand each other."""
    advert, source, destination, data = GOLDEN[name]
    made = seal(encode(advert, source, destination), source, destination, KEY, sequence_at(AT))
    assert made.hex() == data.replace(" ", "")
    assert read(made) == Seal(7, sequence_at(AT))
    assert is_genuine(made, source, {7: KEY}) is None


secrets = st.binary(min_size=32, max_size=64)
sequences = st.integers(0, SEQUENCES - 1)


@given(number=st.integers(0, 255), secret=secrets, sequence=sequences, advert=st.sampled_from([FOUR, SIX]))
def test_as_an_implementation_of_its_own_has_it(
    number: int, secret: bytes, sequence: int, advert: Advert
) -> None:
    """Whatever key, moment and family: the trailer is that of the description, and the advert is read as it was."""
    source, group = (SOURCE, GROUP4) if advert is FOUR else (LINK_LOCAL, GROUP6)
    key = Key(number, secret)
    plain = encode(advert, source, group)
    made = seal(plain, source, group, key, sequence)
    assert made[-TRAILER:] == written_again(plain, source, key, sequence)
    found = decode(made, source, group)
    assert isinstance(found, Advert)
    assert (found.sealed, found.priority, found.addresses) == (True, advert.priority, advert.addresses)
    assert is_genuine(made, source, {number: key}) is None


def test_over_ipv4_the_checksum_is_that_of_the_advert_alone() -> None:
    """In all three forms; receivers that know no trailer would look at it no further than that."""
    for message_only, sent_to, form in (
        (False, PEER, Coverage.PSEUDO_HEADER),
        (True, PEER, Coverage.MESSAGE_ONLY),
        (False, GROUP4, Coverage.GROUP_PSEUDO_HEADER),
    ):
        plain = encode(FOUR, SOURCE, sent_to, message_only=message_only)
        found = decode(seal(plain, SOURCE, PEER, KEY, 1), SOURCE, PEER)
        assert isinstance(found, Advert)
        assert found.coverage is form


def test_over_ipv6_the_checksum_covers_the_trailer() -> None:
    """RFC 8200 8.1: the kernel may have computed it, over all that follows the IP header."""
    made = seal(encode(SIX, LINK_LOCAL, GROUP6), LINK_LOCAL, GROUP6, KEY, 1)
    assert checksum(pseudo_header(LINK_LOCAL, GROUP6, len(made)) + made) == 0
    assert decode(made[:-1] + bytes((made[-1] ^ 1,)), LINK_LOCAL, GROUP6) is Drop.BAD_CHECKSUM


def test_nothing_but_the_checksum_can_be_changed() -> None:
    """Neither the advert nor the trailer, nor who sent it; the destination is nobody's promise."""
    made = seal(encode(FOUR, SOURCE, GROUP4), SOURCE, GROUP4, KEY, sequence_at(AT))
    for at in range(len(made)):
        changed = bytearray(made)
        changed[at] ^= 1
        refused = is_genuine(bytes(changed), SOURCE, {7: KEY, 6: KEY})
        assert (refused is None) is (at in (6, 7)), at
    assert is_genuine(made, PEER, {7: KEY}) is Drop.BAD_MAC


def test_other_keys() -> None:
    """A number that we have not, and a secret that is not ours under that number."""
    made = seal(encode(FOUR, SOURCE, GROUP4), SOURCE, GROUP4, KEY, 1)
    assert is_genuine(made, SOURCE, {8: KEY}) is Drop.UNKNOWN_KEY
    assert is_genuine(made, SOURCE, {7: Key(7, b"x" * 32)}) is Drop.BAD_MAC


@pytest.mark.parametrize(("at", "value"), [(12, 0), (12, 2), (14, 1), (15, 1)])
def test_a_trailer_of_another_kind(at: int, value: int) -> None:
    """Only the one kind of MAC is taken, and reserved bytes are zero."""
    changed = bytearray(seal(encode(FOUR, SOURCE, GROUP4), SOURCE, GROUP4, KEY, 1))
    changed[at] = value
    assert read(bytes(changed)) is Drop.WRONG_AUTHENTICATION


@pytest.mark.parametrize("length", [*range(1, TRAILER), TRAILER + 1, 2 * TRAILER])
def test_a_piece_of_a_trailer(length: int) -> None:
    """What follows the advert is a whole trailer or the length is wrong."""
    assert decode(encode(FOUR, SOURCE, GROUP4) + bytes(length), SOURCE, GROUP4) is Drop.WRONG_LENGTH


def test_version_2_has_no_trailer() -> None:
    """It has its own eight bytes of authentication."""
    two = Advert(version=2, vrid=51, priority=100, interval=1.0, addresses=FOUR.addresses)
    assert decode(encode(two, SOURCE, GROUP4) + bytes(TRAILER), SOURCE, GROUP4) is Drop.WRONG_LENGTH


@given(mark=sequences, step=st.integers(1, SEQUENCES // 2 - 1))
def test_later_stays_later_across_the_wrap(mark: int, step: int) -> None:
    """RFC 1982: the seconds run over in 2106."""
    later = (mark + step) % SEQUENCES
    assert is_after(later, mark)
    assert not is_after(mark, later)
    assert not is_after(mark, mark)


def test_no_secret_in_what_is_printed() -> None:
    """A key in a log or a traceback shows its number only."""
    assert repr(KEY) == "Key(id=7)"
