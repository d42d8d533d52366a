"""Gratuitous ARP frames (RFC 826, RFC 5227 section 3) as bytes, ready for a packet socket."""

import struct

ETHERTYPE = 0x0806
BROADCAST = b"\xff" * 6
_REQUEST, _REPLY = 1, 2
_HEADER = struct.Struct("!6s6sHHHBBH")


def gratuitous(address: bytes, mac: bytes) -> tuple[bytes, bytes]:
    """The request and the reply form for a packed IPv4 address at `mac`.

    Some stacks update their cache on one form only. The reply carries target hardware = sender hardware.
    """
    request = _frame(_REQUEST, mac, address, b"\0" * 6)
    reply = _frame(_REPLY, mac, address, mac)
    return request, reply


def _frame(operation: int, mac: bytes, address: bytes, target: bytes) -> bytes:
    head = _HEADER.pack(BROADCAST, mac, ETHERTYPE, 1, 0x0800, 6, 4, operation)
    return head + mac + address + target + address
