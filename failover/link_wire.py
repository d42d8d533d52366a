"""Macvlans with a virtual MAC in rtnetlink's own bytes: made, marked, set up, silenced, set down, removed.

Owns just these requests (linux/if_link.h, if.h); the answers and the events are `failover.wire`'s. The law: bytes only.
"""

import struct

from failover.place import Bearer, Bearing
from failover.wire import ACK, CREATE, DELLINK, EXCLUSIVE, LINK, NEWLINK, REQUEST, attribute, message

_ADDRESS, _IFNAME, _LINK, _LINKINFO, _IFALIAS, _AF_SPEC = 1, 3, 5, 18, 20, 26
_KIND, _DATA, _MODE = 1, 2, 1
_MODE_BRIDGE = 4
"""Not private: there the kernel keeps frames that bear our own virtual MAC, another master's adverts among them, from us."""
_AF_INET6, _ADDR_GEN_MODE, _GENERATE_NONE = 10, 8, 1
_UP, _NOARP = 0x1, 0x80
_U32 = struct.Struct("=I")


def make(sequence: int, parent: int, name: str, mac: bytes) -> bytes:
    """Make a macvlan, down. It is ours only once it is marked."""
    mode = attribute(_MODE, _U32.pack(_MODE_BRIDGE))
    info = attribute(_KIND, b"macvlan\0") + attribute(_DATA, mode)
    body = LINK.pack(0, 0, 0, 0, 0) + attribute(_IFNAME, name.encode() + b"\0")
    body += attribute(_LINK, _U32.pack(parent)) + attribute(_ADDRESS, mac) + attribute(_LINKINFO, info)
    return message(NEWLINK, REQUEST | ACK | CREATE | EXCLUSIVE, sequence, body)


def mark(sequence: int, name: str, alias: str) -> bytes:
    """Say whose it is, and that it shall have no IPv6 address of its own: it must not speak unasked."""
    spec = attribute(_AF_INET6, attribute(_ADDR_GEN_MODE, bytes((_GENERATE_NONE,))))
    body = LINK.pack(0, 0, 0, 0, 0) + attribute(_IFNAME, name.encode() + b"\0")
    body += attribute(_IFALIAS, alias.encode()) + attribute(_AF_SPEC, spec)
    return message(NEWLINK, REQUEST | ACK, sequence, body)


def bear(sequence: int, bearer: Bearer) -> bytes:
    """Have a macvlan be so."""
    if bearer.bearing is Bearing.GONE:
        return message(DELLINK, REQUEST | ACK, sequence, LINK.pack(0, 0, bearer.index, 0, 0))
    flags = {Bearing.UP: _UP, Bearing.SILENT: _UP | _NOARP}.get(bearer.bearing, 0)
    changed = _UP if bearer.bearing is Bearing.DOWN else _UP | _NOARP
    return message(NEWLINK, REQUEST | ACK, sequence, LINK.pack(0, 0, bearer.index, flags, changed))
