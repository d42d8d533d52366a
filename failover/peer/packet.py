"""Datagrams of the peer channel as bytes.

Owns the wire format. The law: decoding never raises; it returns a packet or the one reason why the datagram is dropped,
and looks at nothing but sizes and names before the MAC was found right. The MAC is the whole HMAC-SHA256 (RFC 2104,
FIPS 180-4) over both addresses and everything before it, so a packet belongs to one direction of one link.

Layout, network order: magic 4, version 1, kind 1, key's fingerprint 4, sender 8, receiver 8, sender's nonce 16,
receiver's nonce 16, counter 8, heard 8, body, MAC 32. A datagram fits the smallest MTU of IPv6 (RFC 8200 section 5).
"""

import hashlib
import hmac
import struct
from enum import IntEnum, StrEnum

import msgspec

from failover.peer.keys import FINGERPRINT, Key, Keyring

MAGIC = b"HACP"
VERSION = 1
NONCE = 16
NO_NONCE = bytes(NONCE)
MAX_DATAGRAM = 1280 - 40 - 8
_HEADER = struct.Struct(f"!4sBB{FINGERPRINT}s8s8s{NONCE}s{NONCE}sQQ")
_MAC = 32
_SHORTEST = _HEADER.size + _MAC
MAX_BODY = MAX_DATAGRAM - _SHORTEST


class Kind(IntEnum):
    """What a packet is."""

    HELLO = 1
    BEAT = 2
    PIECE = 3
    HANDOVER = 4
    GOODBYE = 5


_KINDS = {int(kind): kind for kind in Kind}


class Drop(StrEnum):
    """Why a datagram is not taken."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    WRONG_MAGIC = "wrong_magic"
    WRONG_VERSION = "wrong_version"
    UNKNOWN_SENDER = "unknown_sender"
    NOT_FOR_US = "not_for_us"
    UNKNOWN_KEY = "unknown_key"
    BAD_MAC = "bad_mac"
    UNKNOWN_KIND = "unknown_kind"
    BAD_BODY = "bad_body"
    STALE_SESSION = "stale_session"
    REPLAYED = "replayed"
    TOO_OLD = "too_old"
    LATE_HELLO = "late_hello"
    TOO_MANY = "too_many"

    @property
    def text(self) -> str:
        """The reason in words for people."""
        return _TEXTS[self]


_TEXTS = {
    Drop.TOO_SHORT: "shorter than an empty packet",
    Drop.TOO_LONG: "longer than a packet may be",
    Drop.WRONG_MAGIC: "not a packet of this channel",
    Drop.WRONG_VERSION: "another version of the channel",
    Drop.UNKNOWN_SENDER: "the sender is no peer, or not on this link",
    Drop.NOT_FOR_US: "meant for another director",
    Drop.UNKNOWN_KEY: "made with a key that is not in the key file here",
    Drop.BAD_MAC: "forged, damaged, or carried over from another link",
    Drop.UNKNOWN_KIND: "of a kind unknown here",
    Drop.BAD_BODY: "authentic, but the content cannot be read",
    Drop.STALE_SESSION: "of a session that is over",
    Drop.REPLAYED: "came before",
    Drop.TOO_OLD: "held back on the way for too long",
    Drop.LATE_HELLO: "a greeting that was answered already",
    Drop.TOO_MANY: "one greeting more than are answered in a beat",
}


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """One packet. `heard` is the highest counter that the sender has taken from the receiver in this session."""

    kind: Kind
    sender_nonce: bytes
    receiver_nonce: bytes
    counter: int
    heard: int
    body: bytes = b""


class Ends(msgspec.Struct, frozen=True):
    """One direction of a link: who sends to whom (`director_id`), and both addresses packed, the sender's first."""

    sender: bytes
    receiver: bytes
    addresses: bytes


def director_id(cluster: str, name: str) -> bytes:
    """A director's name on the wire: 8 bytes that hold for this cluster only."""
    return hashlib.sha256(f"{cluster}\0{name}".encode()).digest()[:8]


def encode(packet: Packet, key: Key, ends: Ends) -> bytes:
    """The datagram of a packet. Raises ValueError when the body is too long."""
    if len(packet.body) > MAX_BODY:
        raise ValueError(f"a body holds at most {MAX_BODY} bytes")
    message = (
        _HEADER.pack(
            MAGIC,
            VERSION,
            packet.kind,
            key.id,
            ends.sender,
            ends.receiver,
            packet.sender_nonce,
            packet.receiver_nonce,
            packet.counter,
            packet.heard,
        )
        + packet.body
    )
    return message + hmac.digest(key.secret, ends.addresses + message, "sha256")


def decode(datagram: bytes, keys: Keyring, ends: Ends) -> Packet | Drop:
    """Read one datagram that arrived on a link; `ends` are those of the direction it came."""
    if len(datagram) < _SHORTEST:
        return Drop.TOO_SHORT
    if len(datagram) > MAX_DATAGRAM:
        return Drop.TOO_LONG
    fields = _HEADER.unpack_from(datagram)
    magic, version, kind, fingerprint, sender, receiver, sender_nonce, receiver_nonce, counter, heard = fields
    if magic != MAGIC:
        return Drop.WRONG_MAGIC
    if version != VERSION:
        return Drop.WRONG_VERSION
    if sender != ends.sender:
        return Drop.UNKNOWN_SENDER
    if receiver != ends.receiver:
        return Drop.NOT_FOR_US
    key = keys.taken.get(fingerprint)
    if key is None:
        return Drop.UNKNOWN_KEY
    message = datagram[:-_MAC]
    if not hmac.compare_digest(hmac.digest(key.secret, ends.addresses + message, "sha256"), datagram[-_MAC:]):
        return Drop.BAD_MAC
    if kind not in _KINDS:
        return Drop.UNKNOWN_KIND
    return Packet(
        kind=_KINDS[kind],
        sender_nonce=sender_nonce,
        receiver_nonce=receiver_nonce,
        counter=counter,
        heard=heard,
        body=message[_HEADER.size :],
    )
