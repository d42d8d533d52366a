"""A session with one peer: made of two random nonces, proven by both sides, used once.

The law: a packet is taken only when it proves that its sender knew a nonce of ours that is alive, and then once. Each
side offers a nonce in its hellos, a new one every while. A hello that answers our offer, or any packet of a session built
on it, is the proof; the offer is spent with that. So what was recorded in a former session, of this process or of one
before, names nonces that nobody holds any more. A hello that answers no offer proves nothing; it is answered, no more.

Held-back packets: each packet says how far its sender had heard us. One that does not know what we sent `stale_after`
ago was made before that, or its sender cannot hear us; either way it is refused. Times are monotonic seconds and given
in, nonces as well; no clock of one host is ever compared with another's.
"""

from collections import deque
from collections.abc import Callable

import msgspec

from failover.peer.packet import NO_NONCE, Drop, Kind, Packet
from failover.peer.window import Window

Nonces = Callable[[], bytes]
"""Gives 16 random bytes."""


class Accepted(msgspec.Struct, frozen=True):
    """The packet is proven and new. `began`: a session began with it."""

    began: bool


class Greeted(msgspec.Struct, frozen=True):
    """An unproven hello, to be answered with its nonce."""

    nonce: bytes


class Offer(msgspec.Struct, frozen=True):
    """A nonce of ours for the next session, and since when."""

    nonce: bytes
    at: float


class Session:
    """Our side of the session with one peer. Counters run through the life of the process and are never used twice."""

    def __init__(self, nonces: Nonces, stale_after: float, now: float) -> None:
        self._nonces = nonces
        self._stale_after = stale_after
        self._ours = self._theirs = NO_NONCE
        self._counter = 0
        self._window = Window()
        self._sent: deque[tuple[float, int]] = deque()
        self._offers: tuple[Offer, ...] = (Offer(nonces(), now),)

    @property
    def established(self) -> bool:
        """Whether there is a session."""
        return self._theirs != NO_NONCE

    def wake(self, now: float) -> None:
        """Offer another nonce when the last has been offered for long; that one counts for as long again."""
        if now - self._offers[0].at >= self._stale_after:
            self._offers = (Offer(self._nonces(), now), self._offers[0])

    def end(self, now: float) -> None:
        """There is no session any more: what belongs to the last one is refused from now on."""
        self._begin(NO_NONCE, NO_NONCE, now)

    def hello(self, answering: bytes = NO_NONCE) -> Packet:
        """A hello with our offer, which answers the peer's."""
        self._counter += 1
        return Packet(
            kind=Kind.HELLO,
            sender_nonce=self._offers[0].nonce,
            receiver_nonce=answering,
            counter=self._counter,
            heard=0,
        )

    def packet(self, kind: Kind, body: bytes, now: float) -> Packet:
        """A packet of the session, which must be established."""
        self._counter += 1
        self._remember(now)
        return Packet(
            kind=kind,
            sender_nonce=self._ours,
            receiver_nonce=self._theirs,
            counter=self._counter,
            heard=self._window.highest,
            body=body,
        )

    def accept(self, packet: Packet, now: float) -> Accepted | Greeted | Drop:
        """Judge a packet whose MAC is right."""
        if packet.sender_nonce == NO_NONCE:
            return Drop.STALE_SESSION
        if self._current(packet):
            return self._accept_current(packet, now)
        if any(self._is_alive(offer, packet.receiver_nonce, now) for offer in self._offers):
            self._begin(packet.receiver_nonce, packet.sender_nonce, now)
            self._window.take(packet.counter)
            return Accepted(True)
        if packet.kind is not Kind.HELLO:
            return Drop.STALE_SESSION
        return self._accept_hello(packet, now)

    def _current(self, packet: Packet) -> bool:
        return (packet.receiver_nonce, packet.sender_nonce) == (self._ours, self._theirs)

    def _accept_current(self, packet: Packet, now: float) -> Accepted | Drop:
        if packet.kind is Kind.HELLO:
            return Drop.LATE_HELLO
        if packet.heard < self._must_know(now):
            return Drop.TOO_OLD
        return Accepted(False) if self._window.take(packet.counter) else Drop.REPLAYED

    def _accept_hello(self, packet: Packet, now: float) -> Greeted | Drop:
        """Within a session only the first word of somebody new is answered, else two sides could greet for ever.

        What is offered in answer must live for a while yet, also where we stood still until now.
        """
        if self.established and (packet.sender_nonce == self._theirs or packet.receiver_nonce != NO_NONCE):
            return Drop.LATE_HELLO
        self.wake(now)
        return Greeted(packet.sender_nonce)

    def _is_alive(self, offer: Offer, nonce: bytes, now: float) -> bool:
        return offer.nonce == nonce and now - offer.at <= 2 * self._stale_after

    def _begin(self, ours: bytes, theirs: bytes, now: float) -> None:
        self._ours, self._theirs = ours, theirs
        self._window = Window()
        self._sent.clear()
        self._offers = (Offer(self._nonces(), now),)

    def _remember(self, now: float) -> None:
        """When counters were used: a few marks are enough to know an age."""
        if not self._sent or now - self._sent[-1][0] >= self._stale_after / 8:
            self._sent.append((now, self._counter))

    def _must_know(self, now: float) -> int:
        """The last counter that every packet made since `stale_after` ago knows, 0 for none."""
        while len(self._sent) > 1 and self._sent[1][0] <= now - self._stale_after:
            self._sent.popleft()
        if self._sent and self._sent[0][0] <= now - self._stale_after:
            return self._sent[0][1]
        return 0
