"""LDAP's messages as bytes: the few requests of the probe, and responses cut and read (RFC 4511, BER as in section 5.1).

Its law: no length is believed beyond the limit, and what cannot be read raises MessageError and nothing else.
"""

from typing import Final, NamedTuple

MESSAGE_LIMIT: Final = 256 * 1024
"""Longest message taken, in bytes."""
BIND, BOUND = 0x60, 0x61
SEARCH, ENTRY, DONE, REFERENCE = 0x63, 0x64, 0x65, 0x73
EXTENDED, ANSWERED = 0x77, 0x78
UNBIND: Final = 0x42
START_TLS: Final = b"1.3.6.1.4.1.1466.20037"
SCOPES: Final = {"base": 0, "one": 1, "sub": 2}

_INTEGER, _OCTETS, _ENUMERATED, _BOOLEAN, _SEQUENCE = 0x02, 0x04, 0x0A, 0x01, 0x30


class MessageError(ValueError):
    """Bytes that are no LDAP message."""


class Response(NamedTuple):
    """A response: its operation's tag, and of a result its code and the server's words (RFC 4511 section 4.1.9)."""

    id: int
    operation: int
    code: int
    text: bytes


def element(tag: int, content: bytes) -> bytes:
    """One element of BER, definite form."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(number: int, tag: int = _INTEGER) -> bytes:
    """A number that is not negative."""
    return element(tag, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def bind(message: int, name: bytes, password: bytes) -> bytes:
    """A simple bind, version 3 (section 4.2)."""
    return _message(message, BIND, integer(3) + element(_OCTETS, name) + element(0x80, password))


def search(message: int, base: bytes, scope: int, query: bytes, seconds: int) -> bytes:
    """A search for one entry without attributes (section 4.5.1); `query` is an encoded filter."""
    no_attributes = element(_SEQUENCE, element(_OCTETS, b"1.1"))
    limits = integer(1) + integer(seconds) + element(_BOOLEAN, b"\0")
    content = element(_OCTETS, base) + integer(scope, _ENUMERATED) + integer(0, _ENUMERATED)
    return _message(message, SEARCH, content + limits + query + no_attributes)


def start_tls(message: int) -> bytes:
    """The extended request for TLS (section 4.14.1)."""
    return _message(message, EXTENDED, element(0x80, START_TLS))


def unbind(message: int) -> bytes:
    """Leave (section 4.3)."""
    return _message(message, UNBIND, b"")


def _message(message: int, operation: int, content: bytes) -> bytes:
    return element(_SEQUENCE, integer(message) + element(operation, content))


def size(data: bytes | bytearray) -> int | None:
    """How long the message is that begins here, in bytes; None: not to be seen yet. Raises MessageError."""
    if data and data[0] != _SEQUENCE:
        raise MessageError("does not begin a message")
    if len(data) < 2:
        return None
    count = data[1] & 0x7F if data[1] & 0x80 else 0
    if data[1] == 0x80 or count > 4:
        raise MessageError("a length that LDAP does not have")
    if len(data) < 2 + count:
        return None
    return 2 + count + (int.from_bytes(data[2 : 2 + count], "big") if count else data[1])


def read(data: bytes) -> Response:
    """One whole message. Raises MessageError."""
    _, content, _ = _element(data)
    tag, number, rest = _element(content)
    if tag != _INTEGER or not 0 < len(number) <= 4:
        raise MessageError("a message without its number")
    operation, body, _ = _element(rest)
    code, text = 0, b""
    if operation in (BOUND, DONE, ANSWERED):
        tag, value, rest = _element(body)
        if tag != _ENUMERATED or not 0 < len(value) <= 4:
            raise MessageError("a result without its code")
        _, _, rest = _element(rest)
        _, text, _ = _element(rest)
        code = int.from_bytes(value, "big")
    return Response(int.from_bytes(number, "big"), operation, code, text)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first element, and what follows it."""
    if len(data) < 2:
        raise MessageError("ends too early")
    count = data[1] & 0x7F if data[1] & 0x80 else 0
    if data[1] == 0x80 or count > 4:
        raise MessageError("a length that LDAP does not have")
    length = int.from_bytes(data[2 : 2 + count], "big") if count else data[1]
    end = 2 + count + length
    if len(data) < end:
        raise MessageError("ends too early")
    return data[0], data[2 + count : end], data[end:]
