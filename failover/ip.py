"""IP headers: the one of a received IPv4 packet, as a raw socket hands it up, and those of frames that we send ourselves.

Owns nothing but their reading and writing (RFC 791 section 3.1, RFC 8200 section 3). Received IPv6 needs nothing of it: the
kernel strips the header and tells source, destination and hop limit apart from the payload.
"""

import struct

import msgspec

from failover.packet import GROUP4, GROUP6, PROTOCOL, Drop, checksum

_HEADER = struct.Struct("!BBHHHBBH4s4s")
_FRAGMENT_MASK, _DO_NOT_FRAGMENT = 0x3FFF, 0x4000
CONTROL = 0xC0
"""Type of service, or traffic class, of adverts: internetwork control."""
_MAC4, _ETHERTYPE4 = b"\x01\x00\x5e" + bytes((GROUP4[1] & 0x7F, *GROUP4[2:])), b"\x08\x00"
_MAC6, _ETHERTYPE6 = b"\x33\x33" + GROUP6[-4:], b"\x86\xdd"


class Received(msgspec.Struct, frozen=True):
    """A VRRP message as it arrived: packed addresses, TTL or hop limit, and the message itself."""

    source: bytes
    destination: bytes
    ttl: int
    message: bytes


def read_ipv4(packet: bytes) -> Received | Drop:
    """Take the IPv4 header off. The header's total length counts, not the frame's: Ethernet pads short frames."""
    if len(packet) < _HEADER.size:
        return Drop.TOO_SHORT
    first, _, total, _, fragment, ttl, protocol, _, source, destination = _HEADER.unpack_from(packet)
    start = (first & 0x0F) * 4
    if first >> 4 != 4 or start < _HEADER.size or protocol != PROTOCOL or not start <= total <= len(packet):
        return Drop.BAD_IP_HEADER
    if fragment & _FRAGMENT_MASK:
        return Drop.FRAGMENT
    return Received(source, destination, ttl, packet[start:total])


def frame(mac: bytes, message: bytes, source: bytes, ttl: int) -> bytes:
    """A VRRP message to the group of its source's family as an Ethernet frame from this MAC (RFC 1112, RFC 2464)."""
    if len(source) == 4:
        head = _ipv4(message, source, ttl)
        return _MAC4 + mac + _ETHERTYPE4 + head + message
    first = 6 << 28 | CONTROL << 20
    head = struct.pack("!IHBB", first, len(message), PROTOCOL, ttl) + source + GROUP6
    return _MAC6 + mac + _ETHERTYPE6 + head + message


def _ipv4(message: bytes, source: bytes, ttl: int) -> bytes:
    total = _HEADER.size + len(message)
    fields = [0x45, CONTROL, total, 0, _DO_NOT_FRAGMENT, ttl, PROTOCOL, 0, source, GROUP4]
    fields[7] = checksum(_HEADER.pack(*fields))
    return _HEADER.pack(*fields)
