"""Adverts as bytes: packets captured from keepalived both ways, every reason for a drop, and the three checksum forms."""

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.ip import Received
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
from support import packets
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


def as_configured(priority: int, number: int, version: int, *vips: str, password: bytes = b"") -> Advert:
    """What keepalived was told to send as the router of this number (tests/support/keepalived_forms.py)."""
    return Advert(
        version=version,
        vrid=50 + number,
        priority=priority,
        interval=0.2 if version == 3 else 1.0,
        addresses=tuple(map(packed, vips)),
        password=password,
    )


CAPTURED = packets.read(packets.KEEPALIVED)
PASSWORD = b"1234\0\0\0\0"
KINDS = {"advert": 100, "release": 0}
SENT = {
    f"{form}-{kind}": as_configured(priority, *row[:-1], password=row[-1])  # type: ignore[arg-type]
    for kind, priority in KINDS.items()
    for form, row in {
        "v3-ipv4-multicast": (1, 3, "10.98.0.1", b""),
        "v3-ipv4-unicast": (2, 3, "10.98.0.2", b""),
        "v3-ipv6-multicast": (3, 3, "fe80::98:3", "2001:db8:98::3", b""),
        "v3-ipv6-unicast": (4, 3, "fe80::98:4", "2001:db8:98::4", b""),
        "v2-multicast": (5, 2, "10.98.0.5", b""),
        "v2-unicast": (6, 2, "10.98.0.6", b""),
        "v2-multicast-password": (7, 2, "10.98.0.7", PASSWORD),
        "v2-unicast-password": (8, 2, "10.98.0.8", PASSWORD),
        "v3-ipv4-unicast-old-checksum": (1, 3, "10.98.0.1", b""),
    }.items()
}


def is_old(name: str) -> bool:
    """Whether the checksum covers the group although the packet went to one peer."""
    return "old-checksum" in name


def test_every_captured_packet_is_judged() -> None:
    """None is forgotten below."""
    assert SENT.keys() == CAPTURED.keys()


@pytest.mark.parametrize("name", SENT)
def test_captured_packets_are_written(name: str) -> None:
    """Each advert encodes to the bytes that keepalived sends."""
    packet = CAPTURED[name]
    covered = GROUP4 if is_old(name) else packet.destination
    assert encode(SENT[name], packet.source, covered) == packet.message


@pytest.mark.parametrize("name", SENT)
def test_captured_packets_are_read(name: str) -> None:
    """The same bytes read as the same advert."""
    packet = CAPTURED[name]
    form = Coverage.GROUP_PSEUDO_HEADER if is_old(name) else Coverage.PSEUDO_HEADER
    expected = msgspec.structs.replace(SENT[name], coverage=form)
    assert decode(packet.message, packet.source, packet.destination) == expected


def test_a_checksum_without_pseudo_header() -> None:
    """VRRPv3 over IPv4 as some routers send it; keepalived 2.2.7 cannot, so this vector is computed by hand."""
    data = bytes.fromhex("31336401 0064e1ac c0a8c811")
    assert encode(v3(100, VIP17), SOURCE, GROUP4, message_only=True) == data
    read = msgspec.structs.replace(v3(100, VIP17), coverage=Coverage.MESSAGE_ONLY)
    assert decode(data, SOURCE, GROUP4) == read


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
    packet=st.sampled_from([packet for packet in CAPTURED.values() if len(packet.source) == 4]),
    changes=st.lists(st.tuples(st.integers(0, 27), st.integers(0, 255)), max_size=4),
    length=st.integers(0, 28),
)
def test_damaged_packets_never_raise(packet: Received, changes: list[tuple[int, int]], length: int) -> None:
    """Near misses of real packets reach every check and still end in a value."""
    data = bytearray(packet.message.ljust(28, b"\0"))
    for offset, value in changes:
        data[offset] = value
    assert isinstance(decode(bytes(data[:length]), packet.source, packet.destination), Advert | Drop)


@given(data=st.binary(max_size=64))
def test_checksum_verifies_itself(data: bytes) -> None:
    """RFC 1071: data with its checksum appended sums to zero."""
    padded = data + b"\0" * (len(data) % 2)
    assert checksum(padded + struct.pack("!H", checksum(padded))) == 0
