"""Adverts as bytes: golden packets both ways, every reason for a drop, and the three checksum forms."""

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.packet import (
    GROUP4,
    GROUP6,
    MAX_MESSAGE,
    Advert,
    Coverage,
    Drop,
    checksum,
    coverage,
    decode,
    encode,
)
from support.failover import packed

SOURCE = packed("192.168.200.1")
PEER = packed("192.168.200.2")
LINK_LOCAL = packed("fe80::1")
OTHER_LINK_LOCAL = packed("fe80::2")
VIP17, VIP18 = packed("192.168.200.17"), packed("192.168.200.18")


def v2(priority: int, *addresses: bytes, password: bytes = b"") -> Advert:
    """A VRRPv2 advert of VRID 51, every second."""
    return Advert(version=2, vrid=51, priority=priority, interval=1.0, addresses=addresses, password=password)


def v3(priority: int, *addresses: bytes, interval: float = 1.0) -> Advert:
    """A VRRPv3 advert of VRID 51."""
    return Advert(version=3, vrid=51, priority=priority, interval=interval, addresses=addresses)


# advert, source, destination, whether the checksum leaves the pseudo header out, bytes
GOLDEN = {
    "v2": (v2(100, VIP17), SOURCE, GROUP4, False, "21336401 0001f20f c0a8c811 00000000 00000000"),
    "v2 release": (v2(0, VIP17), SOURCE, GROUP4, False, "21330001 00015610 c0a8c811 00000000 00000000"),
    "v2 password": (
        v2(100, VIP17, VIP18, password=b"1234\0\0\0\0"),
        SOURCE,
        GROUP4,
        False,
        "21336402 010103ed c0a8c811 c0a8c812 31323334 00000000",
    ),
    "v3 group": (v3(100, VIP17), SOURCE, GROUP4, False, "31336401 00647873 c0a8c811"),
    "v3 message only": (v3(100, VIP17), SOURCE, GROUP4, True, "31336401 0064e1ac c0a8c811"),
    "v3 unicast": (v3(100, VIP17), SOURCE, PEER, False, "31336401 0064cfda c0a8c811"),
    "v3 IPv6 group": (
        v3(100, packed("fe80::1234"), packed("2001:db8::17")),
        LINK_LOCAL,
        GROUP6,
        False,
        "31336402 00642db2 fe800000000000000000000000001234 20010db8000000000000000000000017",
    ),
    "v3 IPv6 unicast": (
        v3(100, packed("fe80::1234"), packed("2001:db8::17")),
        LINK_LOCAL,
        OTHER_LINK_LOCAL,
        False,
        "31336402 00642e44 fe800000000000000000000000001234 20010db8000000000000000000000017",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_packets_are_written(name: str) -> None:
    """Each advert encodes to the bytes that other implementations send."""
    advert, source, destination, message_only, data = GOLDEN[name]
    assert encode(advert, source, destination, message_only=message_only).hex() == data.replace(" ", "")


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_packets_are_read(name: str) -> None:
    """The same bytes read as the same advert."""
    advert, source, destination, message_only, data = GOLDEN[name]
    form = Coverage.MESSAGE_ONLY if message_only else Coverage.PSEUDO_HEADER
    expected = msgspec.structs.replace(advert, coverage=form)
    assert decode(bytes.fromhex(data), source, destination) == expected


def forged(advert: Advert, offset: int, value: int, source: bytes = SOURCE) -> bytes:
    """The packet of an advert with one byte changed and the checksum made right again."""
    destination = GROUP4 if len(source) == 4 else GROUP6
    data = bytearray(encode(advert, source, destination, message_only=True))
    data[offset] = value
    data[6:8] = b"\0\0"
    data[6:8] = struct.pack("!H", checksum(bytes(data)))
    return bytes(data)


DROPS = {
    "nothing": (b"", Drop.TOO_SHORT),
    "seven bytes": (bytes.fromhex("31336401006478"), Drop.TOO_SHORT),
    "type 2": (forged(v3(100, VIP17), 0, 0x32), Drop.WRONG_TYPE),
    "version 1": (forged(v3(100, VIP17), 0, 0x11), Drop.WRONG_VERSION),
    "version 4": (forged(v3(100, VIP17), 0, 0x41), Drop.WRONG_VERSION),
    "v3 without addresses": (forged(v3(100), 3, 0), Drop.WRONG_LENGTH),
    "v3 count too high": (forged(v3(100, VIP17), 3, 2), Drop.WRONG_LENGTH),
    "v3 with a trailer": (encode(v3(100, VIP17), SOURCE, GROUP4) + b"\0\0\0\0", Drop.WRONG_LENGTH),
    "v2 without its authentication bytes": (forged(v3(100, VIP17), 0, 0x21), Drop.WRONG_LENGTH),
    "v3 one bit wrong": (bytes.fromhex("31336501 00647873 c0a8c811"), Drop.BAD_CHECKSUM),
    "v2 one bit wrong": (bytes.fromhex("21336501 0001f20f c0a8c811 0000000000000000"), Drop.BAD_CHECKSUM),
    "v3 interval 0": (forged(v3(100, VIP17), 5, 0), Drop.BAD_INTERVAL),
    "v2 interval 0": (forged(v2(100, VIP17), 5, 0), Drop.BAD_INTERVAL),
    "v2 authentication header": (forged(v2(100, VIP17), 4, 2), Drop.WRONG_AUTHENTICATION),
}


@pytest.mark.parametrize("name", DROPS)
def test_each_wrong_packet_has_its_reason(name: str) -> None:
    """RFC 9568 7.1 and RFC 3768 7.1: a packet that must be discarded is, under one named reason."""
    data, reason = DROPS[name]
    assert decode(data, SOURCE, GROUP4) is reason


def test_v2_over_ipv6_is_another_version() -> None:
    """VRRPv2 knows no IPv6 (RFC 3768), so such a packet is not read."""
    assert decode(forged(v2(100, VIP17), 1, 51), LINK_LOCAL, GROUP6) is Drop.WRONG_VERSION


def test_reserved_bits_are_ignored() -> None:
    """RFC 9568 5.2.6: the four reserved bits beside the interval are not looked at on receipt."""
    advert = decode(forged(v3(100, VIP17), 4, 0xF0), SOURCE, GROUP4)
    assert isinstance(advert, Advert)
    assert advert.interval == 1.0


def test_every_drop_has_a_text() -> None:
    """People are told every reason in words."""
    assert all(drop.text for drop in Drop)


@pytest.mark.parametrize(
    ("message_only", "sent_to", "form"),
    [
        (False, PEER, Coverage.PSEUDO_HEADER),
        (True, PEER, Coverage.MESSAGE_ONLY),
        (False, GROUP4, Coverage.GROUP_PSEUDO_HEADER),
    ],
)
def test_three_checksum_forms_are_received(message_only: bool, sent_to: bytes, form: Coverage) -> None:
    """Over IPv4 each form in use is accepted and recognised (RFC 9568 5.2.8 against its predecessors)."""
    data = encode(v3(100, VIP17), SOURCE, sent_to, message_only=message_only)
    assert coverage(data, SOURCE, PEER) is form
    assert decode(data, SOURCE, PEER) == msgspec.structs.replace(v3(100, VIP17), coverage=form)


def test_ipv6_has_one_checksum_form() -> None:
    """RFC 8200 8.1: over IPv6 the pseudo header is never left out, whatever is asked for."""
    advert = v3(100, packed("fe80::1234"))
    data = encode(advert, LINK_LOCAL, OTHER_LINK_LOCAL, message_only=True)
    assert coverage(data, LINK_LOCAL, OTHER_LINK_LOCAL) is Coverage.PSEUDO_HEADER
    assert coverage(data, LINK_LOCAL, GROUP6) is None


def test_more_than_255_addresses_do_not_fit() -> None:
    """RFC 9568 5.2.5: the count has eight bits."""
    with pytest.raises(ValueError, match="255"):
        encode(v3(100, *[VIP17] * 256), SOURCE, GROUP4)


addresses4 = st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=255).map(tuple)
addresses6 = st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=80).map(tuple)


@given(
    vrid=st.integers(1, 255),
    priority=st.integers(0, 255),
    centiseconds=st.integers(1, 4095),
    addresses=addresses4 | addresses6,
    message_only=st.booleans(),
)
def test_v3_reads_what_it_wrote(
    vrid: int, priority: int, centiseconds: int, addresses: tuple[bytes, ...], message_only: bool
) -> None:
    """Every advert that VRRPv3 can express comes back unchanged, intervals of a centisecond included."""
    advert = Advert(version=3, vrid=vrid, priority=priority, interval=centiseconds / 100, addresses=addresses)
    ends = (SOURCE, PEER) if len(addresses[0]) == 4 else (LINK_LOCAL, GROUP6)
    read = decode(encode(advert, *ends, message_only=message_only), *ends)
    assert isinstance(read, Advert)
    assert msgspec.structs.replace(read, coverage=advert.coverage) == advert


@given(data=st.binary(max_size=MAX_MESSAGE), ends=st.sampled_from([(SOURCE, GROUP4), (LINK_LOCAL, GROUP6)]))
def test_decoding_never_raises(data: bytes, ends: tuple[bytes, bytes]) -> None:
    """Whatever arrives is an advert or a reason, never an exception."""
    assert isinstance(decode(data, *ends), Advert | Drop)


@given(
    advert=st.sampled_from([row[0] for row in GOLDEN.values() if len(row[1]) == 4]),
    changes=st.lists(st.tuples(st.integers(0, 27), st.integers(0, 255)), max_size=4),
    length=st.integers(0, 28),
)
def test_damaged_packets_never_raise(advert: Advert, changes: list[tuple[int, int]], length: int) -> None:
    """Near misses of real packets reach every check and still end in a value."""
    data = bytearray(encode(advert, SOURCE, GROUP4).ljust(28, b"\0"))
    for offset, value in changes:
        data[offset] = value
    assert isinstance(decode(bytes(data[:length]), SOURCE, GROUP4), Advert | Drop)


@given(data=st.binary(max_size=64))
def test_checksum_verifies_itself(data: bytes) -> None:
    """RFC 1071: data with its checksum appended sums to zero."""
    padded = data + b"\0" * (len(data) % 2)
    assert checksum(padded + struct.pack("!H", checksum(padded))) == 0
