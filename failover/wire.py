"""Links and addresses in rtnetlink's own bytes: requests out, events and answers in.

Owns just the messages that failover needs (RFC 3549; linux/rtnetlink.h, if_addr.h, if_link.h). Numbers are in host byte
order, addresses packed. The law: bytes in, values out; unknown messages and attributes are passed over.
"""

import struct
from collections.abc import Iterator

import msgspec

OURS = 112
"""IFA_PROTO by which hactl marks the addresses it put on an interface (VRRP's protocol number; kernel 5.18)."""
BY_HAND = 114
"""IFA_PROTO of the addresses that an operator had hactl put there: no daemon's, and none to clear away."""
AF_INET, AF_INET6 = 2, 10
NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
REQUEST, ACK, REPLACE, EXCLUSIVE, CREATE, DUMP = 0x1, 0x4, 0x100, 0x200, 0x400, 0x300
FOREVER = 0xFFFFFFFF
_ERROR, _DONE = 2, 3
_DUMP_INTERRUPTED = 0x10
_IFF_UP, _IFF_LOWER_UP, _IFF_DORMANT = 0x1, 0x10000, 0x20000
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_CACHEINFO, _IFA_FLAGS, _IFA_PROTO = 1, 2, 3, 6, 8, 11
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINK, _IFLA_IFALIAS = 1, 3, 5, 20
_NODAD, _TENTATIVE, _NOPREFIXROUTE = 0x02, 0x40, 0x200
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ADDRESS = struct.Struct("=BBBBI")
LINK = struct.Struct("=BxHiII")
_U32 = struct.Struct("=I")
_LIFETIME = struct.Struct("=IIII")
_ERRNO = struct.Struct("=i")


class Link(msgspec.Struct, frozen=True):
    """An interface; `up` means it is set up and has carrier. `gone`: it was removed.

    `enabled`: set up, with or without carrier; `parent` is the index of the interface that it stands on, 0 for none.
    """

    index: int
    name: str
    mac: bytes
    up: bool
    gone: bool = False
    enabled: bool = True
    parent: int = 0
    alias: str = ""


class Address(msgspec.Struct, frozen=True):
    """An address on an interface; `ours` by its mark, which may say `by_hand` too. `gone`: it was removed."""

    index: int
    family: int
    address: bytes
    prefix: int
    ours: bool
    tentative: bool
    gone: bool = False
    by_hand: bool = False


class Answer(msgspec.Struct, frozen=True):
    """The kernel's answer to the request with this sequence number: errno, 0 for done."""

    sequence: int
    errno: int
    interrupted: bool = False


def put_address(
    sequence: int,
    index: int,
    address: bytes,
    prefix: int,
    lifetime: int,
    label: str | None = None,
    mark: int = OURS,
) -> bytes:
    """Put a marked address on an interface, or renew it. `lifetime` is whole seconds, 0 for ever.

    IPv6: without duplicate detection, and not preferred as a source, so that nothing is sent from a VIP unasked.
    """
    valid = lifetime or FOREVER
    preferred = 0 if len(address) == 16 else valid
    body = attribute(_IFA_CACHEINFO, _LIFETIME.pack(preferred, valid, 0, 0))
    body += attribute(_IFA_PROTO, bytes((mark,)))
    if len(address) == 16:
        body += attribute(_IFA_FLAGS, _U32.pack(_NODAD | _NOPREFIXROUTE))
    if label:
        body += attribute(_IFA_LABEL, label.encode() + b"\0")
    return _address_request(NEWADDR, REQUEST | ACK | CREATE | REPLACE, sequence, index, address, prefix, body)


def delete_address(sequence: int, index: int, address: bytes, prefix: int) -> bytes:
    """Take an address off an interface."""
    return _address_request(DELADDR, REQUEST | ACK, sequence, index, address, prefix, b"")


def dump_links(sequence: int) -> bytes:
    """Ask for all interfaces."""
    return message(GETLINK, REQUEST | DUMP, sequence, LINK.pack(0, 0, 0, 0, 0))


def dump_addresses(sequence: int) -> bytes:
    """Ask for all addresses."""
    return message(GETADDR, REQUEST | DUMP, sequence, _ADDRESS.pack(0, 0, 0, 0, 0))


def read(data: bytes) -> Iterator[Link | Address | Answer]:
    """The messages in what one read from the socket returned."""
    for kind, flags, sequence, body in _messages(data):
        value = _value(kind, flags, sequence, body)
        if value is not None:
            yield value


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each message, for who reads others than links and addresses."""
    return ((kind, body) for kind, _, _, body in _messages(data))


def _messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind, flags, sequence, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _value(kind: int, flags: int, sequence: int, body: bytes) -> Link | Address | Answer | None:
    interrupted = bool(flags & _DUMP_INTERRUPTED)
    if kind == _DONE:
        return Answer(sequence, 0, interrupted)
    if kind == _ERROR and len(body) >= _ERRNO.size:
        return Answer(sequence, -_ERRNO.unpack_from(body)[0], interrupted)
    if kind in (NEWLINK, DELLINK) and len(body) >= LINK.size:
        # Of another family than none: a bridge tells of its ports in the same words, also that one left it.
        return None if body[0] else _read_link(body, kind == DELLINK)
    if kind in (NEWADDR, DELADDR) and len(body) >= _ADDRESS.size:
        return _read_address(body, kind == DELADDR)
    return None


def _read_link(body: bytes, gone: bool) -> Link:
    _, _, index, flags, _ = LINK.unpack_from(body)
    there = dict(attributes(body, LINK.size))
    name = there.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
    # Not IFF_RUNNING: it follows the carrier up to a second late, because the kernel rations those changes.
    up = bool(flags & _IFF_UP and flags & _IFF_LOWER_UP and not flags & _IFF_DORMANT)
    return Link(
        index,
        name,
        there.get(_IFLA_ADDRESS, b""),
        up,
        gone,
        enabled=bool(flags & _IFF_UP),
        parent=u32(there.get(_IFLA_LINK, b"")),
        alias=there.get(_IFLA_IFALIAS, b"").rstrip(b"\0").decode(errors="replace"),
    )


def u32(value: bytes, otherwise: int = 0) -> int:
    """An attribute's number; another where it is missing or of another size."""
    return int(_U32.unpack(value)[0]) if len(value) == _U32.size else otherwise


def _read_address(body: bytes, gone: bool) -> Address:
    family, prefix, flags, _, index = _ADDRESS.unpack_from(body)
    there = dict(attributes(body, _ADDRESS.size))
    if len(there.get(_IFA_FLAGS, b"")) == _U32.size:
        flags = _U32.unpack(there[_IFA_FLAGS])[0]
    address = there.get(_IFA_LOCAL) or there.get(_IFA_ADDRESS, b"")
    mark = there.get(_IFA_PROTO)
    by_hand = mark == bytes((BY_HAND,))
    ours = by_hand or mark == bytes((OURS,))
    return Address(index, family, address, prefix, ours, bool(flags & _TENTATIVE), gone, by_hand)


def attributes(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Kind and value of each attribute from there on."""
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, body[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def _address_request(
    kind: int, flags: int, sequence: int, index: int, address: bytes, prefix: int, more: bytes
) -> bytes:
    family = AF_INET6 if len(address) == 16 else AF_INET
    body = _ADDRESS.pack(family, prefix, 0, 0, index)
    body += attribute(_IFA_LOCAL, address) + attribute(_IFA_ADDRESS, address) + more
    return message(kind, flags, sequence, body)


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + b"\0" * (-length & 3)


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """One message."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, sequence, 0) + body
