"""One value that both ends shall have, as long as it may be: the latest counts, older ones are forgotten.

Owns pieces, acknowledgement and resending. The law: a value arrives whole or not at all; a newer version replaces an
older one at any moment; memory is bounded by MAX_VALUE on both ends whatever arrives. Versions rise through the life of
the sending process; a new session begins anew, because the other end may be a new process.
"""

import struct
from enum import IntEnum

import msgspec

from failover.doubling import doubled
from failover.peer.packet import MAX_BODY

_HEAD = struct.Struct("!BBQHH")
PIECE = MAX_BODY - _HEAD.size
"""Bytes of a value in one packet."""
MAX_VALUE = 1 << 20
MAX_PIECES = -(-MAX_VALUE // PIECE)
IN_FLIGHT = 16
"""Pieces sent and not yet acknowledged, at most: half a millisecond of work."""
_ANSWER = 1


class Slot(IntEnum):
    """The values that travel."""

    STANDING = 0
    PAYLOAD = 1


class Piece(msgspec.Struct, frozen=True):
    """Piece `index` of `count` of a value. `answer`: the sender waits for an acknowledgement."""

    slot: Slot
    answer: bool
    version: int
    index: int
    count: int
    data: bytes


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """What has arrived of a version of a slot: one bit a piece, the first piece lowest; empty: all of it."""

    slot: int
    version: int
    bits: bytes = b""


def encode_piece(piece: Piece) -> bytes:
    """A piece as a packet's body."""
    head = _HEAD.pack(piece.slot, piece.answer * _ANSWER, piece.version, piece.index, piece.count)
    return head + piece.data


def decode_piece(body: bytes) -> Piece | None:
    """The piece in a packet's body, None when the numbers are not possible."""
    if len(body) < _HEAD.size:
        return None
    slot, flags, version, index, count = _HEAD.unpack_from(body)
    data = body[_HEAD.size :]
    if slot not in Slot.__members__.values() or not 0 <= index < count <= MAX_PIECES or version == 0:
        return None
    if index < count - 1 and len(data) != PIECE:
        return None
    return Piece(Slot(slot), bool(flags & _ANSWER), version, index, count, data)


class Outbox:
    """A value on its way to one peer. Resends after `first` seconds, then ever more slowly, at most every `slowest`."""

    def __init__(self, slot: Slot, first: float, slowest: float) -> None:
        self.version = 0
        self.slot = slot
        self._first, self._slowest = first, slowest
        self._pieces: tuple[bytes, ...] = ()
        self._waiting: set[int] = set()
        self._flying: set[int] = set()
        self._rounds = 0
        self._resend_at = float("-inf")

    @property
    def round(self) -> int:
        """How often nothing was acknowledged in time since something last was."""
        return self._rounds

    def put(self, version: int, data: bytes) -> None:
        """Send this value from now on. Raises ValueError when it is longer than MAX_VALUE or its version is not newer."""
        if len(data) > MAX_VALUE:
            raise ValueError(f"{len(data)} bytes are more than a value may have ({MAX_VALUE})")
        if version <= self.version:
            raise ValueError(f"version {version} is not newer than {self.version}")
        self.version = version
        self._pieces = tuple(data[at : at + PIECE] for at in range(0, len(data), PIECE)) or (b"",)
        self.restart()

    def restart(self) -> None:
        """A new session: nothing has arrived yet."""
        self._waiting = set(range(len(self._pieces)))
        self._flying.clear()
        self._rounds = 0
        self._resend_at = float("-inf")

    def deadline(self) -> float | None:
        """When something is due to be sent, None for nothing."""
        return self._resend_at if self._waiting else None

    def take(self, now: float) -> list[Piece]:
        """The pieces to send now."""
        if not self._waiting:
            return []
        if self._flying and now >= self._resend_at:
            self._flying.clear()
            self._rounds += 1
        room = IN_FLIGHT - len(self._flying)
        chosen = sorted(self._waiting - self._flying)[:room]
        if not chosen:
            return []
        self._flying.update(chosen)
        self._resend_at = now + doubled(self._first, self._rounds, self._slowest)
        count = len(self._pieces)
        return [Piece(self.slot, i == chosen[-1], self.version, i, count, self._pieces[i]) for i in chosen]

    def acknowledged(self, receipt: Receipt) -> bool:
        """Take a receipt; True when with it all has arrived."""
        if receipt.version != self.version or not self._waiting:
            return False
        before = len(self._waiting)
        if receipt.bits:
            bits = int.from_bytes(receipt.bits, "little")
            self._waiting = {i for i in self._waiting if not bits >> i & 1}
        else:
            self._waiting.clear()
        self._flying &= self._waiting
        if len(self._waiting) < before:
            self._rounds = 0
        return not self._waiting


class Inbox:
    """A value as it arrives from one peer."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._version = 0
        self._pieces: list[bytes | None] = []
        self._missing = 0
        self._bits = 0

    def restart(self) -> None:
        """A new session: whatever comes is newer."""
        self._version = self._missing = self._bits = 0
        self._pieces = []

    def take(self, piece: Piece) -> bytes | None:
        """Take a piece; the whole value when it was the last one missing."""
        if piece.version < self._version:
            return None
        if piece.version > self._version:
            self._version, self._missing, self._bits = piece.version, piece.count, 0
            self._pieces = [None] * piece.count
        if piece.count != len(self._pieces) or self._pieces[piece.index] is not None:
            return None
        self._pieces[piece.index] = piece.data
        self._bits |= 1 << piece.index
        self._missing -= 1
        if self._missing:
            return None
        value = b"".join(part for part in self._pieces if part is not None)
        self._pieces = [b""] * piece.count
        return value

    def receipt(self) -> Receipt | None:
        """What has arrived, None while nothing has."""
        if self._version == 0:
            return None
        if self._missing == 0:
            return Receipt(self._slot, self._version)
        return Receipt(self._slot, self._version, self._bits.to_bytes(len(self._pieces) // 8 + 1, "little"))
