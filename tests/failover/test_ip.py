"""The IPv4 header of received packets."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.ip import Received, read_ipv4
from failover.packet import Drop
from support.failover import packed

SOURCE, GROUP = packed("10.99.0.2"), packed("224.0.0.18")
MESSAGE = b"the message."


def packet(
    *,
    first: int = 0x45,
    total: int | None = None,
    fragment: int = 0,
    protocol: int = 112,
    options: bytes = b"",
) -> bytes:
    """An IPv4 packet with this header and MESSAGE."""
    length = 20 + len(options) + len(MESSAGE) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", first, 0xC0, length, 7, fragment, 255, protocol, 0, SOURCE, GROUP)
    return head + options + MESSAGE


def test_header_is_taken_off() -> None:
    """Source, destination, TTL and message are what the header says."""
    assert read_ipv4(packet()) == Received(SOURCE, GROUP, 255, MESSAGE)


def test_ethernet_padding_is_not_the_message() -> None:
    """The header's total length counts, not how many bytes arrived: Ethernet pads short frames."""
    assert read_ipv4(packet() + b"\0" * 14) == Received(SOURCE, GROUP, 255, MESSAGE)


def test_options_are_skipped() -> None:
    """A longer header is skipped whole (RFC 791 3.1)."""
    assert read_ipv4(packet(first=0x46, options=b"\x94\x04\0\0")) == Received(SOURCE, GROUP, 255, MESSAGE)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Drop.TOO_SHORT),
        (packet()[:19], Drop.TOO_SHORT),
        (packet(first=0x65), Drop.BAD_IP_HEADER),
        (packet(first=0x44), Drop.BAD_IP_HEADER),
        (packet(protocol=17), Drop.BAD_IP_HEADER),
        (packet(total=33), Drop.BAD_IP_HEADER),
        (packet(total=19), Drop.BAD_IP_HEADER),
        (packet(fragment=0x2000), Drop.FRAGMENT),
        (packet(fragment=0x0010), Drop.FRAGMENT),
    ],
)
def test_wrong_headers_have_their_reason(data: bytes, reason: Drop) -> None:
    """A header that contradicts the packet, and a fragment, are dropped under their names."""
    assert read_ipv4(data) is reason


def test_do_not_fragment_is_no_fragment() -> None:
    """The DF bit marks no fragment."""
    assert isinstance(read_ipv4(packet(fragment=0x4000)), Received)


@given(st.binary(max_size=200))
def test_reading_never_raises(data: bytes) -> None:
    """Any bytes are a message or a reason."""
    assert isinstance(read_ipv4(data), Received | Drop)
