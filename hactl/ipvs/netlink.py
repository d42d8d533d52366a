"""Generic netlink framing: headers, attributes, acknowledgements, and the question for a family's number.

Bytes only. The law: lengths that come from outside are checked before they are used, and what is not known is
skipped. Layouts: linux/netlink.h, linux/genetlink.h.
"""

import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

GENERIC = 16
CONTROL_FAMILY = 16
ERROR, DONE, OVERRUN = 2, 3, 4
REQUEST, ACKNOWLEDGE, DUMP = 0x1, 0x4, 0x300
DUMP_INTERRUPTED = 0x10
_CAPPED, _HAS_ATTRIBUTES = 0x100, 0x200
_NESTED = 0x8000
_KIND_MASK = 0x3FFF
_GET_FAMILY = 3
_FAMILY_NUMBER, _FAMILY_NAME = 1, 2
_ERROR_TEXT = 1

_HEADER = struct.Struct("=IHHII")
_GENERIC_HEADER = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_I32 = struct.Struct("=i")
_U8, _U16, _U32 = struct.Struct("=B"), struct.Struct("=H"), struct.Struct("=I")
_BE16 = struct.Struct(">H")
HOST_ORDER = sys.byteorder


class WireError(ValueError):
    """Bytes that are not what they should be; the text says what is wrong."""


class Message(NamedTuple):
    """One netlink message; for a generic one `payload` starts at its own header."""

    kind: int
    flags: int
    sequence: int
    payload: bytes


class Acknowledgement(NamedTuple):
    """The kernel's answer to a request: 0 or an errno, and its own words where it has any."""

    errno: int
    text: str


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute with its padding."""
    length = len(value) + 4
    return _ATTRIBUTE.pack(length, kind) + value + b"\0" * (-length & 3)


def nested(kind: int, *attributes_: bytes) -> bytes:
    """One attribute that holds others."""
    return attribute(kind | _NESTED, b"".join(attributes_))


def u8(kind: int, value: int) -> bytes:
    """An attribute of one byte."""
    return attribute(kind, _U8.pack(value))


def u16(kind: int, value: int) -> bytes:
    """An attribute of two bytes in the host's order."""
    return attribute(kind, _U16.pack(value))


def port(kind: int, value: int) -> bytes:
    """A port: two bytes in network order."""
    return attribute(kind, _BE16.pack(value))


def u32(kind: int, value: int) -> bytes:
    """An attribute of four bytes in the host's order."""
    return attribute(kind, _U32.pack(value))


def text(kind: int, value: str) -> bytes:
    """A string, ended by a zero byte."""
    return attribute(kind, value.encode("ascii") + b"\0")


def attributes(data: bytes, start: int = 0) -> dict[int, bytes]:
    """The attributes in `data` from `start`, by kind. Raises WireError for a length that cannot be."""
    found: dict[int, bytes] = {}
    offset, end = start, len(data)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4 or offset + length > end:
            raise WireError(f"attribute {kind & _KIND_MASK} has the impossible length {length}")
        found[kind & _KIND_MASK] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def number(found: dict[int, bytes], kind: int, default: int | None = None) -> int:
    """An unsigned number in the host's order, of 1 to 8 bytes. Raises WireError when it is missing or misshapen."""
    value = found.get(kind)
    if value is None:
        if default is None:
            raise WireError(f"attribute {kind} is missing")
        return default
    if len(value) not in (1, 2, 4, 8):
        raise WireError(f"attribute {kind} is no number: {len(value)} bytes")
    return int.from_bytes(value, HOST_ORDER)


def port_number(found: dict[int, bytes], kind: int, default: int | None = None) -> int:
    """A port in network order. Raises WireError when it is missing or misshapen."""
    value = found.get(kind)
    if value is None and default is not None:
        return default
    if value is None or len(value) != 2:
        raise WireError(f"attribute {kind} is no port")
    return int.from_bytes(value, "big")


def string(found: dict[int, bytes], kind: int, default: str = "") -> str:
    """A string without its ending zero byte."""
    value = found.get(kind)
    return default if value is None else value.split(b"\0", 1)[0].decode("ascii", "replace")


def request(
    family: int, flags: int, sequence: int, command: int, body: bytes = b"", version: int = 1
) -> bytes:
    """One generic netlink request."""
    header = _HEADER.pack(20 + len(body), family, flags | REQUEST, sequence, 0)
    return header + _GENERIC_HEADER.pack(command, version, 0) + body


def family_request(sequence: int, name: str) -> bytes:
    """The question which number the kernel gave to the family `name`; it loads the module where it can."""
    return request(CONTROL_FAMILY, ACKNOWLEDGE, sequence, _GET_FAMILY, text(_FAMILY_NAME, name))


def family_number(payload: bytes) -> int:
    """The number in the answer to `family_request`. Raises WireError."""
    return number(attributes(payload, 4), _FAMILY_NUMBER)


def messages(datagram: bytes) -> Iterator[Message]:
    """The messages in what one receive call gave. Raises WireError for a length that cannot be."""
    offset, end = 0, len(datagram)
    while offset + 16 <= end:
        length, kind, flags, sequence, _ = _HEADER.unpack_from(datagram, offset)
        if length < 16 or offset + length > end:
            raise WireError(f"message of the impossible length {length}")
        yield Message(kind, flags, sequence, datagram[offset + 16 : offset + length])
        offset += (length + 3) & ~3


def acknowledgement(message: Message) -> Acknowledgement:
    """What an ERROR or DONE message says. Raises WireError for one without a number."""
    if len(message.payload) < 4:
        if message.kind == DONE:
            return Acknowledgement(0, "")
        raise WireError("an acknowledgement without a number")
    (code,) = _I32.unpack_from(message.payload)
    return Acknowledgement(-code, _own_words(message) if message.flags & _HAS_ATTRIBUTES else "")


def _own_words(message: Message) -> str:
    """The text of NLMSGERR_ATTR_MSG, which stands behind the echo of the request's header or of the whole request."""
    if message.kind == DONE:
        return string(attributes(message.payload, 4), _ERROR_TEXT)
    echoed = 16
    if not message.flags & _CAPPED and len(message.payload) >= 8:
        (echoed,) = _U32.unpack_from(message.payload, 4)
    return string(attributes(message.payload, 4 + ((echoed + 3) & ~3)), _ERROR_TEXT)
