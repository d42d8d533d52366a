"""VRRP adverts as bytes: encode, decode, checksum.

Owns the wire format of VRRPv3 (RFC 9568 section 5.2) and VRRPv2 (RFC 3768 section 5.3). The law: decoding never
raises; it returns an advert or the one reason why the packet is dropped, so that every drop can be counted by reason.
Addresses are packed bytes here (4 or 16), intervals seconds as float.
"""

import struct
from enum import StrEnum

import msgspec

PROTOCOL = 112
GROUP4 = bytes((224, 0, 0, 18))
GROUP6 = bytes.fromhex("ff020000000000000000000000000012")
RELEASE = 0
"""Priority of a master that gives up (RFC 9568 5.2.4)."""
OWNER = 255
"""Priority of the director whose own address the VIP is."""
LAST = 1
"""The lowest priority of a master that stays (RFC 9568 5.2.4)."""
MAX_MESSAGE = 1500 - 20
"""Longest VRRP message read: what an Ethernet frame holds behind an IPv4 header."""
TRAILER = 28
"""Length of the keyed trailer that may stand behind a v3 advert; `trailer` owns its content."""
_HEADER = struct.Struct("!BBBBHH")
_TYPE_ADVERTISEMENT = 1
_AUTHENTICATION_LENGTH = 8


class Drop(StrEnum):
    """Why a received packet is not an advert for us."""

    TOO_SHORT = "too_short"
    BAD_IP_HEADER = "bad_ip_header"
    FRAGMENT = "fragment"
    OWN_PACKET = "own_packet"
    WRONG_TTL = "wrong_ttl"
    UNKNOWN_VRID = "unknown_vrid"
    UNKNOWN_SENDER = "unknown_sender"
    WRONG_VERSION = "wrong_version"
    WRONG_TYPE = "wrong_type"
    WRONG_LENGTH = "wrong_length"
    BAD_CHECKSUM = "bad_checksum"
    BAD_INTERVAL = "bad_interval"
    WRONG_AUTHENTICATION = "wrong_authentication"
    UNKNOWN_KEY = "unknown_key"
    BAD_MAC = "bad_mac"
    STALE = "stale"
    REPLAYED = "replayed"

    @property
    def text(self) -> str:
        """The reason in words for people."""
        return _TEXTS[self]


_TEXTS = {
    Drop.TOO_SHORT: "shorter than a VRRP header",
    Drop.BAD_IP_HEADER: "the IP header contradicts the packet",
    Drop.FRAGMENT: "a fragment",
    Drop.OWN_PACKET: "sent by this director itself",
    Drop.WRONG_TTL: "the TTL is outside what `ttl.accept` allows, so it may come from beyond the link",
    Drop.UNKNOWN_VRID: "no router with this VRID on this interface",
    Drop.UNKNOWN_SENDER: "the sender is not among the peers",
    Drop.WRONG_VERSION: "another version of VRRP than configured",
    Drop.WRONG_TYPE: "not an advertisement",
    Drop.WRONG_LENGTH: "the length contradicts the number of addresses",
    Drop.BAD_CHECKSUM: "the checksum is wrong",
    Drop.BAD_INTERVAL: "the advertisement interval is not allowed or differs",
    Drop.WRONG_AUTHENTICATION: "the authentication differs",
    Drop.UNKNOWN_KEY: "it names a key that is not in our key file",
    Drop.BAD_MAC: "it was not made with our key",
    Drop.STALE: "its time is too far from ours: a replay, or a clock that is wrong",
    Drop.REPLAYED: "it is not newer than one that was taken: a replay, or the sender's clock was set back",
}


class Coverage(StrEnum):
    """Which bytes a checksum covers."""

    PSEUDO_HEADER = "pseudo-header"
    MESSAGE_ONLY = "message-only"
    GROUP_PSEUDO_HEADER = "group-pseudo-header"

    @property
    def text(self) -> str:
        """The form in words for people."""
        return _FORMS[self]


_FORMS = {
    Coverage.PSEUDO_HEADER: "checksums with pseudo header",
    Coverage.MESSAGE_ONLY: "checksums of the message only",
    Coverage.GROUP_PSEUDO_HEADER: "checksums with the group in the pseudo header, to whomever",
}


class Advert(msgspec.Struct, frozen=True, kw_only=True):
    """One advertisement. `interval` is the sender's, in seconds; `addresses` are packed, in the order sent.

    `coverage` is the form of the checksum that it was received with, `sealed` says that a keyed trailer follows.
    """

    version: int
    vrid: int
    priority: int
    interval: float
    addresses: tuple[bytes, ...]
    password: bytes = b""
    coverage: Coverage = Coverage.PSEUDO_HEADER
    sealed: bool = False


def checksum(data: bytes) -> int:
    """The internet checksum of RFC 1071 over data."""
    if len(data) & 1:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return ~total & 0xFFFF


def pseudo_header(source: bytes, destination: bytes, length: int) -> bytes:
    """The pseudo header of RFC 8200 section 8.1 for IPv6, and that of RFC 793 for IPv4."""
    if len(source) == 16:
        return source + destination + struct.pack("!II", length, PROTOCOL)
    return source + destination + struct.pack("!BBH", 0, PROTOCOL, length)


def encode(advert: Advert, source: bytes, destination: bytes, *, message_only: bool = False) -> bytes:
    """The VRRP message for an advert. `message_only` leaves out the pseudo header (v3 over IPv4 only).

    Raises ValueError when the addresses do not fit the 8-bit count.
    """
    if len(advert.addresses) > 255:
        raise ValueError("an advert holds at most 255 addresses")
    body = b"".join(advert.addresses)
    if advert.version == 2:
        word = round(advert.interval)
        if advert.password:
            word |= 1 << 8
        body += advert.password.ljust(_AUTHENTICATION_LENGTH, b"\0")
    else:
        word = round(advert.interval * 100) & 0x0FFF
    head = (
        advert.version << 4 | _TYPE_ADVERTISEMENT,
        advert.vrid,
        advert.priority,
        len(advert.addresses),
        word,
    )
    message = _HEADER.pack(*head, 0) + body
    covered = message
    if advert.version == 3 and not (message_only and len(source) == 4):
        covered = pseudo_header(source, destination, len(message)) + message
    return _HEADER.pack(*head, checksum(covered)) + body


def decode(message: bytes, source: bytes, destination: bytes) -> Advert | Drop:
    """Read one VRRP message in the order of checks of RFC 9568 section 7.1, as far as it needs no configuration."""
    if len(message) < _HEADER.size:
        return Drop.TOO_SHORT
    kind, vrid, priority, count, word, _ = _HEADER.unpack_from(message)
    version = kind >> 4
    if kind & 0x0F != _TYPE_ADVERTISEMENT:
        return Drop.WRONG_TYPE
    if version == 2 and len(source) == 4:
        return _decode_v2(message, vrid, priority, count, word)
    if version == 3:
        return _decode_v3(message, source, destination, vrid, priority, count, word)
    return Drop.WRONG_VERSION


def coverage(message: bytes, source: bytes, destination: bytes) -> Coverage | None:
    """Which of the forms in use the checksum of a v3 message verifies under, None if under none.

    RFC 9568 5.2.8 and its predecessors disagree over IPv4; keepalived up to 1.3.6 summed over the group address even
    when it sent to one peer. IPv6 has one form (RFC 8200 8.1).
    """
    if checksum(pseudo_header(source, destination, len(message)) + message) == 0:
        return Coverage.PSEUDO_HEADER
    if len(source) == 16:
        return None
    if checksum(message) == 0:
        return Coverage.MESSAGE_ONLY
    if checksum(pseudo_header(source, GROUP4, len(message)) + message) == 0:
        return Coverage.GROUP_PSEUDO_HEADER
    return None


def _decode_v3(
    message: bytes, source: bytes, destination: bytes, vrid: int, priority: int, count: int, word: int
) -> Advert | Drop:
    size = len(source)
    length = _HEADER.size + count * size
    if count == 0 or len(message) not in (length, length + TRAILER):
        return Drop.WRONG_LENGTH
    form = coverage(message if size == 16 else message[:length], source, destination)
    if form is None:
        return Drop.BAD_CHECKSUM
    centiseconds = word & 0x0FFF
    if centiseconds == 0:
        return Drop.BAD_INTERVAL
    return Advert(
        version=3,
        vrid=vrid,
        priority=priority,
        interval=centiseconds / 100,
        addresses=_addresses(message, count, size),
        coverage=form,
        sealed=len(message) > length,
    )


def _decode_v2(message: bytes, vrid: int, priority: int, count: int, word: int) -> Advert | Drop:
    if len(message) != _HEADER.size + count * 4 + _AUTHENTICATION_LENGTH:
        return Drop.WRONG_LENGTH
    if checksum(message) != 0:
        return Drop.BAD_CHECKSUM
    kind, seconds = word >> 8, word & 0xFF
    if seconds == 0:
        return Drop.BAD_INTERVAL
    if kind > 1:
        return Drop.WRONG_AUTHENTICATION
    password = message[-_AUTHENTICATION_LENGTH:] if kind == 1 else b""
    addresses = _addresses(message, count, 4)
    return Advert(
        version=2,
        vrid=vrid,
        priority=priority,
        interval=float(seconds),
        addresses=addresses,
        password=password,
    )


def _addresses(message: bytes, count: int, size: int) -> tuple[bytes, ...]:
    starts = range(_HEADER.size, _HEADER.size + count * size, size)
    return tuple(message[start : start + size] for start in starts)
