"""The keyed trailer behind an advert, as bytes (draft-cassen-vrrp-auth-hmac-00; keepalived 2.4.2 and later).

Owns its 28 bytes: kind, key id, two reserved bytes, a sequence of 64 bits (seconds, 1/65536 s, counter) and an HMAC-SHA256
cut to 16 bytes. The MAC covers family, version, VRID and source as well as the advert, but not the advert's checksum, which
the kernel may write, and not the destination. Core; who may send which sequence when is `seals`' business.
"""

import hmac
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from failover.packet import TRAILER, Drop, checksum, pseudo_header

SEQUENCES = 1 << 64
"""The sequence counts modulo this (RFC 1982)."""
_HEAD = struct.Struct("!BBHQ")
_SHA256 = 1
_MAC = 16


@dataclass(frozen=True, slots=True)
class Key:
    """One key with the number that names it on the wire."""

    id: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seal:
    """What a trailer says of itself; nothing of it is known to be true before `is_genuine`."""

    key: int
    sequence: int

    @property
    def seconds(self) -> float:
        """The sender's clock in seconds since 1970, modulo 2**32."""
        return (self.sequence >> 16) / 65536


def sequence_at(clock: float) -> int:
    """The first sequence of a moment, in seconds since 1970."""
    return (int(clock * 65536) << 16) % SEQUENCES


def is_after(sequence: int, mark: int) -> bool:
    """Whether a sequence comes after another, across the wrap in 2106 (RFC 1982 section 3.2)."""
    return 0 < (sequence - mark) % SEQUENCES < SEQUENCES // 2


def seal(message: bytes, source: bytes, destination: bytes, key: Key, sequence: int) -> bytes:
    """An encoded advert with its trailer. Over IPv6 the checksum covers the trailer as well (RFC 8200 section 8.1)."""
    head = _HEAD.pack(_SHA256, key.id, 0, sequence)
    sealed = message + head + _mac(message, source, head, key)
    if len(source) == 4:
        return sealed
    bare = _without_checksum(sealed)
    covered = pseudo_header(source, destination, len(bare)) + bare
    return bare[:6] + checksum(covered).to_bytes(2, "big") + bare[8:]


def read(message: bytes) -> Seal | Drop:
    """What the trailer behind an advert says."""
    kind, key, reserved, sequence = _HEAD.unpack_from(message, len(message) - TRAILER)
    if kind != _SHA256 or reserved:
        return Drop.WRONG_AUTHENTICATION
    return Seal(key, sequence)


def is_genuine(message: bytes, source: bytes, keys: Mapping[int, Key]) -> Drop | None:
    """Why the trailer is not that of a holder of one of the keys; takes as long for each wrong MAC."""
    advert, trailer = message[:-TRAILER], message[-TRAILER:]
    key = keys.get(trailer[1])
    if key is None:
        return Drop.UNKNOWN_KEY
    ours = _mac(advert, source, trailer[:-_MAC], key)
    return None if hmac.compare_digest(trailer[-_MAC:], ours) else Drop.BAD_MAC


def _mac(advert: bytes, source: bytes, head: bytes, key: Key) -> bytes:
    family = 4 if len(source) == 4 else 6
    pseudo = bytes((family, advert[0] >> 4, advert[1], 0)) + source.ljust(16, b"\0")
    covered = pseudo + _without_checksum(advert) + head + bytes(_MAC)
    return hmac.digest(key.secret, covered, "sha256")[:_MAC]


def _without_checksum(message: bytes) -> bytes:
    return message[:6] + b"\0\0" + message[8:]
