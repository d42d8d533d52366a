"""Search filters: from text as people write them (RFC 4515) to LDAP's encoding (RFC 4511 section 4.5.1.7).

Its law: text that is no filter raises FilterError with the place; matching rules by name (`:=`) are not spoken.
"""

from typing import Final

from health.wire.ldap_message import element

_DEPTH: Final = 20
_AND, _OR, _NOT, _SUBSTRINGS, _PRESENT = 0xA0, 0xA1, 0xA2, 0xA4, 0x87
_COMPARISONS: Final = {b">": 0xA5, b"<": 0xA6, b"~": 0xA8}
_EQUAL: Final = 0xA3
_OCTETS: Final = 0x04
_INITIAL, _ANY, _FINAL = 0x80, 0x81, 0x82
_NAME: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;_")


class FilterError(ValueError):
    """Text that is no filter."""


def encoded_filter(text: str) -> bytes:
    """The filter in LDAP's encoding. Raises FilterError."""
    data = text.encode()
    if not data.startswith(b"("):
        data = b"(" + data + b")"
    found, end = _filter(data, 0, 0)
    if end != len(data):
        raise FilterError(f"goes on after its end: {text[end:]}")
    return found


def _filter(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
    """The filter that begins here with its parenthesis, and where it ends."""
    if data[at : at + 1] != b"(" or depth > _DEPTH:
        raise FilterError("lacks a parenthesis" if depth <= _DEPTH else "is nested too deeply")
    kind = data[at + 1 : at + 2]
    if kind in (b"&", b"|"):
        parts, at = b"", at + 2
        while data[at : at + 1] == b"(":
            part, at = _filter(data, at, depth + 1)
            parts += part
        found = element(_AND if kind == b"&" else _OR, parts)
    elif kind == b"!":
        part, at = _filter(data, at + 2, depth + 1)
        found = element(_NOT, part)
    else:
        end = data.find(b")", at)
        at, begin = end if end >= 0 else len(data), at + 1
        found = _item(data[begin:at])
    if data[at : at + 1] != b")":
        raise FilterError("lacks a parenthesis")
    return found, at + 1


def _item(item: bytes) -> bytes:
    name, equals, value = item.partition(b"=")
    tag = _COMPARISONS.get(name[-1:], _EQUAL)
    name = name if tag == _EQUAL else name[:-1]
    if not equals or not name or not _NAME.issuperset(name):
        raise FilterError(f"has no comparison in ({item.decode(errors='replace')})")
    if tag == _EQUAL and value == b"*":
        return element(_PRESENT, name)
    if tag == _EQUAL and b"*" in value:
        return element(_SUBSTRINGS, element(_OCTETS, name) + element(0x30, _substrings(value.split(b"*"))))
    return element(tag, element(_OCTETS, name) + element(_OCTETS, _value(value)))


def _substrings(parts: list[bytes]) -> bytes:
    first, *middle, last = parts
    found = element(_INITIAL, _value(first)) if first else b""
    found += b"".join(element(_ANY, _value(part)) for part in middle if part)
    return found + (element(_FINAL, _value(last)) if last else b"")


def _value(text: bytes) -> bytes:
    """The value with `\\2a` and the like as the bytes they stand for."""
    first, *escaped = text.split(b"\\")
    found = first
    for part in escaped:
        try:
            found += bytes.fromhex(part[:2].decode("ascii")) + part[2:]
        except ValueError:
            raise FilterError(f"has a wrong escape \\{part[:2].decode(errors='replace')}") from None
        if len(part) < 2:
            raise FilterError("has an escape that ends too early")
    if any(byte in b"()*" for byte in first):
        raise FilterError("has a parenthesis or star that is not escaped")
    return found
