"""Header blocks of HTTP/2 (RFC 7541): literals written plainly, and read as far as a probe needs them.

We announce a header table of no size, so no field refers to an earlier one. Its law: names from the static table are given
as their number; what cannot be read raises HeaderError and nothing else.
"""

from collections.abc import Iterator
from typing import Final

_BY_LENGTH: Final = {
    5: "012aceiost",
    6: " %-./3456789=A_bdfghlmnpru",
    7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: "&*,;XZ",
    10: '!"()?',
    11: "'+|",
    12: "#>",
    13: "\0$@[]~",
    14: "^}",
    15: "<`{",
}
"""Symbols of appendix B by the length of their code: within one length codes rise with the symbol, as in its table."""
_LONGEST: Final = 30
"""The longest code in bits; those beyond 15 stand for bytes that no text here has."""


class HeaderError(ValueError):
    """Bytes that are no header block."""


def _codes() -> Iterator[tuple[tuple[int, int], str]]:
    code, before = 0, 5
    for length, symbols in _BY_LENGTH.items():
        code <<= length - before
        before = length
        for symbol in symbols:
            yield (length, code), symbol
            code += 1


_SYMBOLS: Final = dict(_codes())


def indexed(number: int) -> bytes:
    """A whole field of the static table."""
    return bytes((0x80 | number,))


def literal(name: int | bytes, value: bytes) -> bytes:
    """A field whose name is of the static table, or new; not to be kept."""
    if isinstance(name, int):
        return _number(name, 4) + _text(value)
    return b"\0" + _text(name) + _text(value)


def fields(block: bytes) -> list[tuple[int | bytes, bytes]]:
    """Each field's name and value; a field that is the static table's whole has no value. Raises HeaderError."""
    found: list[tuple[int | bytes, bytes]] = []
    at = 0
    while at < len(block):
        first = block[at]
        if first & 0x80:
            number, at = _read_number(block, at, 7)
            found.append((number, b""))
            continue
        if first & 0xE0 == 0x20:
            _, at = _read_number(block, at, 5)
            continue
        number, at = _read_number(block, at, 6 if first & 0x40 else 4)
        name: int | bytes = number
        if not number:
            name, at = _read_text(block, at)
        value, at = _read_text(block, at)
        found.append((name, value))
    return found


def _number(number: int, bits: int) -> bytes:
    most = (1 << bits) - 1
    if number < most:
        return bytes((number,))
    found, rest = bytearray((most,)), number - most
    while rest >= 0x80:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes((*found, rest))


def _text(value: bytes) -> bytes:
    return _number(len(value), 7) + value


def _read_number(block: bytes, at: int, bits: int) -> tuple[int, int]:
    most = (1 << bits) - 1
    number = block[at] & most
    at += 1
    if number < most:
        return number, at
    for shift in range(0, 28, 7):
        if at >= len(block):
            break
        number += (block[at] & 0x7F) << shift
        at += 1
        if not block[at - 1] & 0x80:
            return number, at
    raise HeaderError("a number without end")


def _read_text(block: bytes, at: int) -> tuple[bytes, int]:
    if at >= len(block):
        raise HeaderError("ends too early")
    coded = block[at] & 0x80
    size, at = _read_number(block, at, 7)
    if at + size > len(block):
        raise HeaderError("ends too early")
    text = block[at : at + size]
    return (_decoded(text) if coded else text), at + size


def _decoded(data: bytes) -> bytes:
    """Text in Huffman's code; ends with a question mark where something stands that no text here has."""
    found, length, code = "", 0, 0
    for byte in data:
        for bit in range(7, -1, -1):
            length, code = length + 1, code << 1 | byte >> bit & 1
            symbol = _SYMBOLS.get((length, code))
            if symbol is not None:
                found, length, code = found + symbol, 0, 0
            elif length > _LONGEST:
                return (found + "?").encode()
    return (found if length < 8 else found + "?").encode()
