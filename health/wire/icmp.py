"""ICMP echo (RFC 792, RFC 4443 section 4): bytes out and in; core."""

import struct
from typing import NamedTuple

_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_HEADER = struct.Struct("!BBHHH")
TOKEN = 16
"""Bytes of data in our requests, which nobody can guess."""


class Echo(NamedTuple):
    """What an echo reply repeats."""

    sequence: int
    token: bytes


def request(version: int, identifier: int, echo: Echo) -> bytes:
    """A request with its checksum; over IPv6 the kernel makes the checksum, as it does for sockets of its own echoes."""
    body = _HEADER.pack(_REQUEST[version], 0, 0, identifier, echo.sequence) + echo.token
    if version == 6:
        return body
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def reply(version: int, data: bytes) -> Echo | None:
    """The echo in a reply; None for anything else. `data` begins with the ICMP header."""
    if len(data) != _HEADER.size + TOKEN:
        return None
    kind, code, _, _, sequence = _HEADER.unpack_from(data)
    if kind != _REPLY[version] or code != 0:
        return None
    return Echo(sequence, data[_HEADER.size :])


def without_ip_header(data: bytes) -> bytes:
    """What follows the IPv4 header that a raw socket hands out as well."""
    return data[(data[0] & 0x0F) * 4 :] if data else b""


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(word for (word,) in struct.iter_unpack("!H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
