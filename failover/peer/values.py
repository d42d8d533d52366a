"""The values that a peer and we keep each other told: how a director stands, and its supervisor's payload.

Owns both ends of both, what has arrived of each, and what is new in it. The law: what was told before counts until something
else has arrived whole; a new session brings the same payload again, which is told once.
"""

from failover.peer.actions import Action, PayloadArrived, PayloadTaken
from failover.peer.latest import Inbox, Outbox, Piece, Receipt, Slot
from failover.peer.packet import Drop
from failover.peer.standing import Standing, decode_standing, news

_URGENT, _PATIENT = 0.010, 0.050
"""Seconds until an unanswered piece of a standing, of a payload is sent again the first time."""


class Values:
    """Those of one peer. `slowest`: seconds after which an unanswered piece is sent again at the latest."""

    def __init__(self, slowest: float) -> None:
        self.standing = Standing()
        """The peer's."""
        self.taken = 0
        """The version of our payload that it has, in this session."""
        firsts = {Slot.STANDING: _URGENT, Slot.PAYLOAD: _PATIENT}
        self._outboxes = tuple(Outbox(slot, first, slowest) for slot, first in firsts.items())
        self._inboxes = tuple(map(Inbox, Slot))
        self._payload: bytes | None = None

    def deadline(self) -> float | None:
        """When a piece is due to be sent, None for none."""
        return min((at for box in self._outboxes if (at := box.deadline()) is not None), default=None)

    def restart(self) -> None:
        """A new session, perhaps with a new process: nothing has arrived, on either end."""
        for out, into in zip(self._outboxes, self._inboxes, strict=True):
            out.restart()
            into.restart()
        self.taken = 0

    def put(self, slot: Slot, version: int, value: bytes) -> None:
        """Ours is another one. Versions rise. Raises ValueError when it is too long."""
        self._outboxes[slot].put(version, value)

    def due(self, now: float) -> list[tuple[Piece, int]]:
        """The pieces to send now, and how often what brought no answer was sent again."""
        return [(piece, box.round) for box in self._outboxes for piece in box.take(now)]

    def receipts(self) -> tuple[Receipt, ...]:
        """What has arrived of the peer's."""
        return tuple(filter(None, (box.receipt() for box in self._inboxes)))

    def acknowledged(self, receipt: Receipt) -> list[Action]:
        """The peer says what has arrived of ours."""
        box = next((box for box in self._outboxes if box.slot == receipt.slot), None)
        if box is None or not box.acknowledged(receipt) or box.slot is not Slot.PAYLOAD:
            return []
        self.taken = receipt.version
        return [PayloadTaken(receipt.version)]

    def take(self, piece: Piece) -> bytes | None:
        """A piece of the peer's; the whole value when it was the last one missing."""
        return self._inboxes[piece.slot].take(piece)

    def read(self, slot: Slot, value: bytes) -> list[Action] | Drop:
        """What is new in a value that has arrived."""
        if slot is Slot.PAYLOAD:
            known, self._payload = value == self._payload, value
            return [] if known else [PayloadArrived(value)]
        standing = decode_standing(value)
        if standing is None:
            return Drop.BAD_BODY
        old, self.standing = self.standing, standing
        return list(news(old, standing))
