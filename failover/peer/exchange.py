"""Everything between this director and one peer, decided from datagrams and time alone.

Owns the joining of session, liveness, values and handovers, and the order in which a packet goes through them: MAC,
session, liveness, content. The law: every input carries `now` (monotonic seconds) and returns the actions to perform, in
order; `deadline` tells when `wake` wants to be called. All datagrams that have arrived are received before `wake`.
Beats, hellos, words and handovers go out on every link, each copy a packet of its own; the payload goes over one link
that works, another one when that brings no answer.
"""

from collections import Counter
from collections.abc import Callable

import msgspec

from failover.peer import handover, latest
from failover.peer.actions import Action, HandoverFailed, PeerState, Say
from failover.peer.handover import Handovers, Step
from failover.peer.keys import Keyring
from failover.peer.latest import Piece, Receipt, Slot
from failover.peer.liveness import Liveness
from failover.peer.packet import NO_NONCE, Drop, Kind, Packet
from failover.peer.report import LinkReport, PeerReport
from failover.peer.session import Accepted, Greeted, Nonces, Session
from failover.peer.spec import PeerChannelSpec, PeerDirector
from failover.peer.values import Values
from failover.peer.voice import Voice

ANSWERS = 32
"""Unproven hellos answered in one beat."""
GOODBYES = 3
_UNPROVEN = "its hellos arrive, but it does not answer ours: it may not hear us"
_DOUBTFUL = (Drop.UNKNOWN_KEY, Drop.BAD_MAC, Drop.WRONG_VERSION)


class Beat(msgspec.Struct, frozen=True, array_like=True):
    """Content of a beat: whether the sender hears the receiver on this link, and what has arrived of its values."""

    hears: bool
    receipts: tuple[Receipt, ...]


_ENCODER = msgspec.msgpack.Encoder()
_BEATS = msgspec.msgpack.Decoder(Beat)


class Exchange:
    """One peer. `nonces` gives 16 random bytes at each call."""

    def __init__(
        self, spec: PeerChannelSpec, peer: PeerDirector, keys: Keyring, nonces: Nonces, now: float
    ) -> None:
        self.peer = peer
        self.drops: Counter[str] = Counter()
        self._beat = spec.beat
        self._beat_at = now
        self._answers = ANSWERS
        self._session = Session(nonces, spec.stale_after, now)
        self._voice = Voice(spec, peer, keys, self._session)
        self._liveness = Liveness(peer.links, spec.beat, spec.dead_time, now)
        self._values = Values(spec.beat)
        self._handovers = Handovers()

    @property
    def state(self) -> PeerState:
        """The peer's state."""
        return self._liveness.state

    def deadline(self) -> float:
        """When to call `wake`."""
        due = [self._beat_at, self._handovers.deadline()]
        if self._session.established:
            due.append(self._values.deadline())
        return min(at for at in due if at is not None)

    # ---- inputs -------------------------------------------------------------------------------------------------

    def receive(self, link: int, datagram: bytes, now: float) -> list[Action]:
        """A datagram that came from the peer's address on a link."""
        packet = self._voice.read(link, datagram)
        if isinstance(packet, Drop):
            if packet in _DOUBTFUL:
                self._liveness.doubt(f"what comes in its name is refused: {packet.text}", now)
            return self._drop(packet)
        match self._session.accept(packet, now):
            case Accepted(began):
                was_up = self.state is PeerState.UP
                actions = self._liveness.heard(link, now)
                actions += self._begin(now, was_up=was_up) if began else []
                return actions + self._read(link, packet, now)
            case Greeted(nonce):
                self._liveness.doubt(_UNPROVEN, now)
                return self._answer(nonce)
            case Drop() as drop:
                return self._drop(drop)

    def wake(self, now: float) -> list[Action]:
        """Do what is due."""
        actions = self._turn(now) if now >= self._beat_at else []
        if self._session.established:
            actions += self._pieces(now) + self._talk(self._handovers.wake(now), now)
        return actions

    def stand(self, version: int, standing: bytes, now: float) -> list[Action]:
        """This director stands otherwise; see `standing.encode_standing`. Versions rise."""
        return self._put(Slot.STANDING, version, standing, now)

    def share(self, version: int, payload: bytes, now: float) -> list[Action]:
        """The supervisor's payload. Versions rise. Raises ValueError when it is too long."""
        return self._put(Slot.PAYLOAD, version, payload, now)

    def ask(self, router: str, now: float) -> list[Action]:
        """Ask the peer to take a router over; HandoverReady or HandoverFailed follows."""
        if self.state is not PeerState.UP:
            return [HandoverFailed(router, f"{self.peer.name} is {self.state}")]
        return self._talk(self._handovers.ask(router, now), now)

    def hand(self, act: Callable[[Handovers], list[handover.Outcome]], now: float) -> list[Action]:
        """Say another word of a handover: ready, refuse, done or take back."""
        return self._talk(act(self._handovers), now)

    def goodbye(self, now: float) -> list[Action]:
        """This daemon ends now, in order. The last word."""
        if not self._session.established:
            return []
        return [send for _ in range(GOODBYES) for send in self._voice.everywhere(Kind.GOODBYE, b"", now)]

    def use_keys(self, keys: Keyring) -> None:
        """The key file changed; the session goes on."""
        self._voice.keys = keys

    def usable(self, link: int, error: str) -> None:
        """Whether a link can be used here; `error` says why not."""
        self._liveness.usable(link, error)

    def report(self) -> PeerReport:
        """All that status shows."""
        return PeerReport(
            peer=self.peer.name,
            state=self.state,
            reason=self._liveness.reason,
            since=self._liveness.since,
            links=tuple(
                LinkReport(own=line.link.own, peer=line.link.peer, state=line.state, reason=line.reason)
                for line in self._liveness.lines
            ),
            drops=dict(self.drops),
            payload_taken=self._values.taken,
            routers=self._values.standing.routers if self.state is PeerState.UP else (),
        )

    # ---- session ------------------------------------------------------------------------------------------------

    def _turn(self, now: float) -> list[Action]:
        """A beat, and once a beat a look at the peer. What was planned for times we slept through is left out."""
        late = now - self._beat_at
        self._beat_at = self._beat_at + self._beat if late < self._beat else now + self._beat
        self._answers = ANSWERS
        self._session.wake(now)
        actions = self._liveness.judge(now, late)
        if self._session.established and self.state is not PeerState.UP:
            actions += self._end(f"{self.peer.name} is {self.state}", now)
        if self._session.established:
            return actions + self._beats(now)
        return actions + self._voice.hellos(NO_NONCE)

    def _begin(self, now: float, *, was_up: bool) -> list[Action]:
        """A new session, perhaps with a new process: nothing of the last one holds."""
        new = f"a new session with {self.peer.name}: it restarted, or did not hear us"
        actions: list[Action] = [Say(new)] if was_up else []
        self._values.restart()
        actions += self._talk(self._handovers.lost(f"the session with {self.peer.name} is new"), now)
        return actions + self._beats(now) + self._pieces(now)

    def _end(self, reason: str, now: float) -> list[Action]:
        actions = self._talk(self._handovers.lost(reason), now)
        self._session.end(now)
        return actions

    def _answer(self, nonce: bytes) -> list[Action]:
        if self._answers == 0:
            return self._drop(Drop.TOO_MANY)
        self._answers -= 1
        return self._voice.hellos(nonce)

    def _drop(self, drop: Drop) -> list[Action]:
        self.drops[drop.value] += 1
        return []

    # ---- content ------------------------------------------------------------------------------------------------

    def _read(self, link: int, packet: Packet, now: float) -> list[Action]:
        match packet.kind:
            case Kind.BEAT:
                return self._read_beat(link, packet.body, now)
            case Kind.PIECE:
                return self._read_piece(packet.body, now)
            case Kind.HANDOVER:
                return self._read_handover(packet.body, now)
            case Kind.GOODBYE:
                return self._end(f"{self.peer.name} ended", now) + self._liveness.goodbye(now)
            case Kind.HELLO:
                return []

    def _slept(self, now: float) -> bool:
        """Whether we stood still: what is read now may have been taken back since. Whose word it still is says so again."""
        return now - self._beat_at > self._beat / 2

    def _read_beat(self, link: int, body: bytes, now: float) -> list[Action]:
        try:
            beat = _BEATS.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return self._drop(Drop.BAD_BODY)
        self._liveness.hears_us(link, beat.hears, now)
        actions: list[Action] = []
        for receipt in beat.receipts:
            actions += self._values.acknowledged(receipt)
        return actions + self._pieces(now)

    def _read_piece(self, body: bytes, now: float) -> list[Action]:
        piece = latest.decode_piece(body)
        if piece is None:
            return self._drop(Drop.BAD_BODY)
        if piece.slot is Slot.STANDING and self._slept(now):
            return self._drop(Drop.TOO_OLD)
        value = self._values.take(piece)
        answer = self._beats(now) if piece.answer or value is not None else []
        if value is None:
            return answer
        new = self._values.read(piece.slot, value)
        return answer + (self._drop(new) if isinstance(new, Drop) else new)

    def _read_handover(self, body: bytes, now: float) -> list[Action]:
        message = handover.decode_message(body)
        if message is None:
            return self._drop(Drop.BAD_BODY)
        if message.step is Step.ASK and self._slept(now):
            return self._drop(Drop.TOO_OLD)
        return self._talk(self._handovers.receive(message, now), now)

    # ---- sending ------------------------------------------------------------------------------------------------

    def _put(self, slot: Slot, version: int, value: bytes, now: float) -> list[Action]:
        self._values.put(slot, version, value)
        return self._pieces(now) if self._session.established else []

    def _pieces(self, now: float) -> list[Action]:
        return [
            send for piece, attempt in self._values.due(now) for send in self._send_piece(piece, attempt, now)
        ]

    def _send_piece(self, piece: Piece, attempt: int, now: float) -> list[Action]:
        body = latest.encode_piece(piece)
        if piece.slot is Slot.STANDING:
            return self._voice.everywhere(Kind.PIECE, body, now)
        links = self._liveness.up_links() or list(range(len(self.peer.links)))
        return [self._voice.say(links[attempt % len(links)], Kind.PIECE, body, now)]

    def _beats(self, now: float) -> list[Action]:
        receipts = self._values.receipts()
        return [
            self._voice.say(
                link, Kind.BEAT, _ENCODER.encode(Beat(self._liveness.hears(link, now), receipts)), now
            )
            for link in range(len(self.peer.links))
        ]

    def _talk(self, outcome: list[handover.Outcome], now: float) -> list[Action]:
        """Words of handovers onto every link, their news as they are."""
        actions: list[Action] = []
        for one in outcome:
            if not isinstance(one, handover.Message):
                actions.append(one)
            elif self._session.established:
                actions += self._voice.everywhere(Kind.HANDOVER, handover.encode_message(one), now)
        return actions
