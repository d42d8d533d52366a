"""The IPv4 header of a received packet, as a raw socket hands it up.

Owns nothing but the reading of it (RFC 791 section 3.1). IPv6 needs no such file: the kernel strips the header and tells
source, destination and hop limit apart from the payload.
"""

import struct

import msgspec

from failover.packet import PROTOCOL, Drop

_HEADER = struct.Struct("!BBHHHBBH4s4s")
_FRAGMENT_MASK = 0x3FFF


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
