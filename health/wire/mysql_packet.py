"""MySQL's and MariaDB's packets as bytes: what of them a login and a query need (protocol 10, capabilities 4.1).

Its law: what cannot be read raises PacketError and nothing else; a password leaves here only as the answer to a challenge.
"""

import hashlib
import struct
from typing import Final, NamedTuple

PACKET_LIMIT: Final = 64 * 1024
"""Longest packet taken, in bytes."""
NATIVE, CACHING = b"mysql_native_password", b"caching_sha2_password"
CONNECT_WITH_DB, TLS, PLUGINS = 0x8, 0x800, 0x80000
_WANTED: Final = 0x1 | 0x4 | 0x200 | 0x2000 | 0x8000 | PLUGINS
_CHARSET: Final = 45
"""utf8mb4_general_ci, which both have."""
_LONGEST: Final = 0xFFFFFF
_COM_QUIT, _COM_QUERY = b"\1", b"\3"
SALT: Final = 20
NO_PASSWORD: Final = b"\0"
"""The answer of one who has none, in every way of login."""


class PacketError(ValueError):
    """Bytes that are no such packet."""


class Packet(NamedTuple):
    """One packet: its number in the exchange and what is in it."""

    number: int
    content: bytes


class Greeting(NamedTuple):
    """How a server begins: its version, what it can do, its challenge and how that is to be answered."""

    version: bytes
    capabilities: int
    salt: bytes
    plugin: bytes


def packet(number: int, content: bytes) -> bytes:
    """A packet to send."""
    return struct.pack("<I", len(content))[:3] + bytes((number & 0xFF,)) + content


def greeting(content: bytes) -> Greeting:
    """The server's first packet. Raises PacketError."""
    if content[:1] != b"\x0a":
        raise PacketError("greets in no protocol known here")
    version, nul, rest = content[1:].partition(b"\0")
    if not nul or len(rest) < 31:
        raise PacketError("greets too shortly")
    capabilities = int.from_bytes(rest[13:15], "little") | int.from_bytes(rest[18:20], "little") << 16
    salt, plugin = rest[4:12] + rest[31:43], rest[44:].partition(b"\0")[0]
    return Greeting(version, capabilities, salt, plugin if capabilities & PLUGINS and plugin else NATIVE)


def refusal(content: bytes) -> tuple[int, bytes]:
    """Number and words of an error packet. Raises PacketError."""
    if len(content) < 3:
        raise PacketError("ends too early")
    words = content[3:]
    return int.from_bytes(content[1:3], "little"), words[6:] if words[:1] == b"#" else words


def switch(content: bytes) -> tuple[bytes, bytes]:
    """The plugin and the challenge that the server changes to. Raises PacketError."""
    plugin, nul, salt = content[1:].partition(b"\0")
    if not nul:
        raise PacketError("asks for the login of before MySQL 4.1")
    return plugin, salt[:SALT]


def capabilities(offered: int, database: bool, tls: bool) -> int:
    """What we can do, of what is offered."""
    return (_WANTED | (CONNECT_WITH_DB if database else 0) | (TLS if tls else 0)) & offered


def tls_request(able: int) -> bytes:
    """The first half of a login, which asks for TLS."""
    return struct.pack("<IIB23x", able, _LONGEST, _CHARSET)


def login(able: int, user: bytes, proof: bytes, database: bytes, plugin: bytes) -> bytes:
    """A whole login."""
    content = tls_request(able) + user + b"\0" + bytes((len(proof),)) + proof
    content += database + b"\0" if able & CONNECT_WITH_DB else b""
    return content + (plugin + b"\0" if able & PLUGINS else b"")


def proof(plugin: bytes, password: bytes, salt: bytes) -> bytes | None:
    """The answer to a challenge; None for a plugin that is not known here."""
    if plugin not in (NATIVE, CACHING):
        return None
    if not password:
        return b""
    name = "sha1" if plugin == NATIVE else "sha256"

    def digest(data: bytes) -> bytes:
        return hashlib.new(name, data, usedforsecurity=False).digest()

    once = digest(password)
    twice = digest(once)
    mask = digest(salt + twice) if plugin == NATIVE else digest(twice + salt)
    return bytes(a ^ b for a, b in zip(once, mask, strict=True))


def query(text: str) -> bytes:
    """A statement."""
    return packet(0, _COM_QUERY + text.encode())


def farewell() -> bytes:
    """Leave."""
    return packet(0, _COM_QUIT)
