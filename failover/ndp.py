"""Unsolicited neighbour advertisements (RFC 4861 sections 4.4 and 7.2.6) as whole Ethernet frames."""

import struct

from failover.packet import checksum

ETHERTYPE = 0x86DD
_ALL_NODES = bytes.fromhex("ff020000000000000000000000000001")
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_ICMPV6 = 58
_NEIGHBOUR_ADVERTISEMENT = 136
_ROUTER, _OVERRIDE = 0x80000000, 0x20000000
_TARGET_LINK_LAYER = 2


def unsolicited(address: bytes, mac: bytes, *, router: bool = False) -> bytes:
    """To all nodes, from the VIP itself, override set, solicited clear, hop limit 255."""
    flags = _OVERRIDE | (_ROUTER if router else 0)
    option = struct.pack("!BB", _TARGET_LINK_LAYER, 1) + mac
    body = struct.pack("!I", flags) + address + option
    length = 4 + len(body)
    pseudo = address + _ALL_NODES + struct.pack("!II", length, _ICMPV6)
    head = struct.pack("!BBH", _NEIGHBOUR_ADVERTISEMENT, 0, 0)
    check = checksum(pseudo + head + body)
    icmp = head[:2] + struct.pack("!H", check) + body
    ip = struct.pack("!IHBB", 6 << 28, length, _ICMPV6, 255) + address + _ALL_NODES
    return _ALL_NODES_MAC + mac + struct.pack("!H", ETHERTYPE) + ip + icmp
