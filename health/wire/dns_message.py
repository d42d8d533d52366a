"""Bytes of DNS messages (RFC 1035 section 4): a query, and as much of an answer as a probe looks at.

Its law: every name and record is bounded by the message, and a message that is not whole is no message.
"""

import ipaddress
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

TYPES: Final = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}
RCODES: Final = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
RECORDS_LIMIT = 200
"""Answer records that are looked at."""
_IN = 1
_RESPONSE, _TRUNCATED, _RECURSION_DESIRED = 0x8000, 0x0200, 0x0100
_OPCODE = 0x7800
_POINTERS = 32
"""Jumps followed within one name."""


class MessageError(ValueError):
    """These bytes are no DNS message, or a name cannot be sent."""


class Answers(NamedTuple):
    """An answer: to which id and question (lower case), how it ended, and its records of the type asked for as text."""

    id: int
    question: tuple[str, int] | None
    rcode: int
    truncated: bool
    texts: tuple[str, ...]

    @property
    def rcode_text(self) -> str:
        """The response code in its usual word."""
        return RCODES[self.rcode] if self.rcode < len(RCODES) else f"RCODE {self.rcode}"


def encoded_name(name: str) -> bytes:
    """A name as it is sent (RFC 1035 section 3.1). Raises MessageError."""
    labels = [] if name in (".", "") else name.removesuffix(".").split(".")
    encoded = b""
    for label in labels:
        if not label.isascii() or not 1 <= len(label) <= 63:
            raise MessageError(f"{name!r} is no name that DNS can ask for")
        encoded += bytes([len(label)]) + label.encode()
    if len(encoded) > 254:
        raise MessageError(f"the name {name[:60]!r}... is longer than 255 bytes")
    return encoded + b"\0"


def query(ident: int, name: bytes, record: int) -> bytes:
    """A query for one record type of an encoded name, recursion desired."""
    return struct.pack("!6H", ident, _RECURSION_DESIRED, 1, 0, 0, 0) + name + struct.pack("!2H", record, _IN)


def answers(message: bytes) -> Answers:
    """An answer. Raises MessageError where it is none."""
    if len(message) < 12:
        raise MessageError("shorter than a header")
    ident, flags, questions, records = struct.unpack_from("!4H", message)
    if not flags & _RESPONSE or flags & _OPCODE:
        raise MessageError("not an answer to a query")
    truncated, rcode = bool(flags & _TRUNCATED), flags & 0xF
    question, at = None, 12
    if questions:
        name, at = _name(message, at)
        record, _ = _fixed(message, at, "!2H")
        question, at = (name, record), at + 4
    # A truncated answer may end anywhere, and it is not what is judged.
    texts = (
        () if truncated or questions != 1 or question is None else _texts(message, at, records, question[1])
    )
    return Answers(ident, question, rcode, truncated, texts)


def _texts(message: bytes, at: int, count: int, wanted: int) -> tuple[str, ...]:
    texts = []
    for _ in range(min(count, RECORDS_LIMIT)):
        _, at = _name(message, at)
        record, cls, _, length = _fixed(message, at, "!HHIH")
        at += 10
        if at + length > len(message):
            raise MessageError("a record goes beyond the message")
        read = _READERS.get(record)
        if read is not None and record == wanted and cls == _IN:
            texts.append(read(message, at, length))
        at += length
    return tuple(texts)


def _fixed(message: bytes, at: int, form: str) -> tuple[int, ...]:
    if at + struct.calcsize(form) > len(message):
        raise MessageError("the message is cut short")
    return struct.unpack_from(form, message, at)


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name at `at` in lower case without the last dot, and where what follows it begins."""
    labels: list[str] = []
    after: int | None = None
    jumps = size = 0
    while True:
        (length,) = _fixed(message, at, "!B")
        if length == 0:
            return ".".join(labels) or ".", at + 1 if after is None else after
        if length >= 0xC0:
            (pointer,) = _fixed(message, at, "!H")
            after = at + 2 if after is None else after
            at, jumps = pointer & 0x3FFF, jumps + 1
        elif length < 0x40 and at + 1 + length <= len(message):
            labels.append(message[at + 1 : at + 1 + length].decode("ascii", "backslashreplace").lower())
            at, size = at + 1 + length, size + 1 + length
        else:
            raise MessageError("a name with a broken label")
        if jumps > _POINTERS or size > 255:
            raise MessageError("a name without end")


def _address(message: bytes, at: int, length: int) -> str:
    if length not in (4, 16):
        raise MessageError("an address of a wrong length")
    return str(ipaddress.ip_address(message[at : at + length]))


def _host(message: bytes, at: int, length: int) -> str:
    return _name(message, at)[0]


def _exchange(message: bytes, at: int, length: int) -> str:
    (preference,) = _fixed(message, at, "!H")
    return f"{preference} {_name(message, at + 2)[0]}"


def _service(message: bytes, at: int, length: int) -> str:
    numbers = _fixed(message, at, "!3H")
    return " ".join([*map(str, numbers), _name(message, at + 6)[0]])


def _authority(message: bytes, at: int, length: int) -> str:
    server, at = _name(message, at)
    mailbox, at = _name(message, at)
    return " ".join([server, mailbox, *map(str, _fixed(message, at, "!5I"))])


def _strings(message: bytes, at: int, length: int) -> str:
    end, text = at + length, b""
    while at < end:
        size = message[at]
        if at + 1 + size > end:
            raise MessageError("a text goes beyond its record")
        text += message[at + 1 : at + 1 + size]
        at += 1 + size
    return text.decode("utf-8", "backslashreplace")


_READERS: Final[dict[int, Callable[[bytes, int, int], str]]] = {
    TYPES["A"]: _address,
    TYPES["AAAA"]: _address,
    TYPES["NS"]: _host,
    TYPES["CNAME"]: _host,
    TYPES["PTR"]: _host,
    TYPES["MX"]: _exchange,
    TYPES["SRV"]: _service,
    TYPES["SOA"]: _authority,
    TYPES["TXT"]: _strings,
}
