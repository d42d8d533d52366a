"""The kernel's word that a neighbour does not answer: rtnetlink's RTM_NEWNEIGH (rtnetlink(7), linux/neighbour.h).

Owns the reading of what the multicast group of neighbours sends. Its law: whatever is malformed is no news.
"""

import ipaddress
import struct
from collections.abc import Iterator

GROUP = 1 << 2
"""RTMGRP_NEIGH, the group to bind to."""
_RTM_NEWNEIGH = 28
_NUD_FAILED = 0x20
_NDA_DST = 1
_HEADER = struct.Struct("=IHHII")
_NEIGHBOUR = struct.Struct("=BBHiHBB")
_ATTRIBUTE = struct.Struct("=HH")
_LENGTHS = (4, 16)


def failed(data: bytes) -> tuple[str, ...]:
    """The addresses, canonical, whose resolution has failed by these messages."""
    return tuple(_failed(data))


def _failed(data: bytes) -> Iterator[str]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        if kind == _RTM_NEWNEIGH:
            yield from _address(data[offset + _HEADER.size : offset + length])
        offset += (length + 3) & ~3


def _address(body: bytes) -> Iterator[str]:
    if len(body) < _NEIGHBOUR.size or not _NEIGHBOUR.unpack_from(body)[4] & _NUD_FAILED:
        return
    offset = _NEIGHBOUR.size
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size or offset + length > len(body):
            return
        value = body[offset + _ATTRIBUTE.size : offset + length]
        if kind == _NDA_DST and len(value) in _LENGTHS:
            yield str(ipaddress.ip_address(value))
        offset += (length + 3) & ~3
