"""The whole receive paths as targets: sequences of packets, time and orders against one router, and against one exchange.

The law: nothing is raised, time alone comes to rest (a timer that is due again at once would stop the worker), what is
remembered is bounded, and a packet that is not taken is counted by its reason.
"""

import math
from collections.abc import Callable

from fuzz.decoders import GROUPS, KEYS, TRAILER_KEYS, sealed_advert
from fuzz.grain import Grain
from fuzz.pace import step

from failover.actions import Action, SendAdvert
from failover.arrivals import Arrivals
from failover.election import Election
from failover.guards import Guards
from failover.hearing import Hearing
from failover.ip import Received, read_ipv4
from failover.neighbours import MOST
from failover.packet import PROTOCOL, Advert, Drop
from failover.peer import packet as peer_packet
from failover.peer.actions import Send
from failover.peer.exchange import Exchange
from failover.peer.handover import MOST_TAKING
from failover.peer.packet import NO_NONCE, NONCE, Ends, Kind, Packet, director_id
from failover.peer.standing import Standing, encode_standing
from failover.report import Remark
from failover.seals import MOST_SENDERS
from failover.spec import (
    Authentication,
    Family,
    PeerSpec,
    Replay,
    Rollout,
    RouterSpec,
    TrailerSpec,
    Transport,
)
from failover.trailer import seal, sequence_at
from failover.trailer_clock import Moment
from support.failover import packed, router_spec
from support.peers import channel_spec, nonces, view

ROUNDS = 64
"""Steps told from one input, at most."""
REST_WITHIN = 8
"""Wakes at one moment after which nothing may be due any more."""
_OWN4, _OWN6 = packed("10.99.0.5"), packed("fe80::5")
_VIP6 = "2001:db8::100"
_ROUTERS = (
    router_spec(),
    router_spec(priority=255, preempt=False),
    router_spec(
        transport=Transport.UNICAST, peers=(PeerSpec(name="b", address="10.99.0.6"),), ttl_accept=None
    ),
    router_spec(version=2, advert_interval=1.0, lease=6),
    router_spec(
        version=2,
        advert_interval=1.0,
        lease=6,
        authentication=Authentication.PASSWORD,
        authentication_file="/p",
    ),
    router_spec(lease=0, preempt_delay=1.0, startup_delay=2.0),
    router_spec(authentication=Authentication.HMAC, authentication_file="/k"),
    router_spec(
        authentication=Authentication.HMAC,
        authentication_file="/k",
        trailer=TrailerSpec(replay=Replay.INCREASING, rollout=Rollout.SEND),
    ),
)
_SECRETS = {"/p": "secret", "/k": "1 " + "k" * 32 + "\n7 " + "o" * 64}
"""The same as TRAILER_KEYS."""
WALL = 1_800_000_000.0
"""What the wall clock is ahead of the monotonic one."""


class Path:
    """One router with all that receiving touches: judgement, election, what is remembered and counted."""

    def __init__(self, spec: RouterSpec, own: bytes, *, grouped: bool) -> None:
        self.now, self.ahead = 1000.0, WALL
        self.spec, self.own = spec, {spec.interface: frozenset((own,))}
        self.hearing = Hearing(spec.addresses)
        self.guards = Guards()
        self.guards.take((spec,), _SECRETS, self.moment())
        self.election = Election(spec, own, grouped=grouped)
        self.election.start(self.now)
        self._arrivals = Arrivals(self)  # type: ignore[arg-type]
        self._taken = 0

    def arrive(self, received: Received | Drop) -> None:
        """From the socket on: taken once, or counted once."""
        taken, counted = self._taken, self.hearing.refusals.counts.total()
        self._arrivals.take({self.spec.vrid: self.spec}, received)
        assert self._taken - taken + self.hearing.refusals.counts.total() - counted == 1

    # ---- what arrivals need: a director with one router, and that router

    def named(self, router: str) -> "list[Path]":
        """The router."""
        return [self] if router == self.spec.name else []

    def moment(self) -> Moment:
        """Both clocks."""
        return Moment(self.now, self.ahead + self.now)

    def report(self, report: object) -> None:
        """A line for the log."""
        assert isinstance(report, Remark)
        assert report.text.isprintable()

    def receive(self, advert: Advert, source: bytes) -> None:
        """As `Instance` does it."""
        self._taken += 1
        assert all(told.isprintable() for told in self.hearing.hear(self.spec, advert, source, self.now))
        actions = step(lambda: self.election.receive(advert, source, self.now))
        assert sum(isinstance(action, SendAdvert) for action in actions) <= 1, "one packet, many answers"

    def refuse(self, drop: Drop, source: bytes, note: str) -> None:
        """As `Instance` does it."""
        assert self.hearing.refuse(drop, source, note, self.now).isprintable()

    # ---- other inputs

    def set_clock(self, step: float) -> list[Action]:
        """The host's clock is set, and noticed within a second."""
        self.ahead += step
        assert self.guards.look(self.moment()).isprintable()
        return []

    def act(self, decide: Callable[[Election], list[Action]]) -> None:
        """Some other input."""
        decide(self.election)

    def pass_time(self, seconds: float) -> None:
        """Wake at the deadlines on the way, and be at rest in the end; a stretch of many deadlines is slept through."""
        end = self.now + seconds
        for _ in range(REST_WITHIN):
            at = self.election.deadline()
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            self._wake()
        self.now = end
        self._wake()

    def check(self) -> None:
        """What is remembered is bounded."""
        assert max(len(self.hearing.neighbours), len(self.hearing.checksums)) <= MOST
        seals = self.guards.of(self.spec).seals
        assert seals is None or len(seals.sealing("").marks) <= MOST_SENDERS
        assert set(self.hearing.refusals.counts) <= set(Drop)
        router = self.election.router
        assert len(router.release_due) <= 3
        assert router.burst is None or len(router.burst._due) < 1000

    def _wake(self) -> None:
        for _ in range(REST_WITHIN):
            step(lambda: self.election.wake(self.now))
            at = self.election.deadline()
            assert at is None or math.isfinite(at)
            if at is None or at > self.now:
                return
        raise AssertionError(f"due again and again at {self.now}: {self.election.router}")


def adverts(data: bytes) -> None:
    """Packets, time and orders against one router over IPv4: from the IP header to the election's actions."""
    grain = Grain(data)
    path = Path(grain.choice(_ROUTERS), _OWN4, grouped=bool(grain.number() & 1))
    _tell(grain, path, lambda: read_ipv4(_packet(grain, path.spec, path.now)))


def adverts6(data: bytes) -> None:
    """The same over IPv6, where the kernel takes the header off."""
    grain = Grain(data)
    spec = router_spec(family=Family.IPV6, addresses=())
    path = Path(spec, _OWN6, grouped=False)

    def packet() -> Received:
        source, group = packed("fe80::")[:15] + grain.take(1), GROUPS[16]
        message = sealed_advert(_message(grain, spec, packed(_VIP6)), source, group, message_only=False)
        return Received(source, group, grain.choice((255, 254, 0)), message)

    _tell(grain, path, packet)


def _tell(grain: Grain, path: Path, packet: Callable[[], Received | Drop]) -> None:
    for _ in range(ROUNDS):
        if not grain.left:
            break
        what = grain.number() % 12
        if what < 6:
            path.arrive(packet())
        elif what < 9:
            path.pass_time(grain.seconds())
        else:
            _order(grain, path)
        path.check()
    path.pass_time(300.0)
    path.check()


def _packet(grain: Grain, spec: RouterSpec, now: float) -> bytes:
    if grain.number() & 1:
        return grain.piece()
    source = packed("10.99.0.0")[:3] + grain.take(1)
    group = GROUPS[4] if spec.transport is Transport.MULTICAST else _OWN4
    message = _message(grain, spec, packed("10.99.0.100"))
    if grain.number() & 7:
        message = sealed_advert(message, source, group, message_only=bool(grain.number() & 1))
    if spec.authentication is Authentication.HMAC and grain.number() & 7:
        clock = now + WALL + grain.choice((0.0, 0.0, 1.0, -4.0, -60.0, 3600.0))
        key = grain.choice((TRAILER_KEYS.sending, *TRAILER_KEYS.taken.values()))
        message = seal(message, source, group, key, sequence_at(clock)) if len(message) > 8 else message
    ttl = grain.choice((255, 255, 255, 64))
    head = bytes((0x45, 0)) + (20 + len(message)).to_bytes(2, "big") + bytes(4)
    return head + bytes((ttl, PROTOCOL, 0, 0)) + source + group + message


def _message(grain: Grain, spec: RouterSpec, vip: bytes) -> bytes:
    """An advert that is one but for what the bytes want otherwise."""
    if not grain.number() & 3:
        return grain.piece()
    priority, interval = grain.number(), grain.choice((10, 10, 10, 1, 4095, 0))
    if spec.version == 2:
        word, tail = grain.choice((1, 1, 0x101, 0xFF)), grain.choice((bytes(8), b"secret\0\0"))
    else:
        word, tail = interval, b""
    head = bytes((spec.version << 4 | 1, spec.vrid, priority, 1)) + word.to_bytes(2, "big") + b"\0\0"
    return head + vip + tail


def _order(grain: Grain, path: Path) -> None:
    now, some = path.now, grain.number()
    orders: tuple[Callable[[Election], list[Action]], ...] = (
        lambda e: e.taken(now),
        lambda e: e.voided(now),
        lambda e: e.set_fault("no such interface" if some & 1 else None, now, reachable=bool(some & 2)),
        lambda e: e.set_priority(max(1, some), now),
        lambda e: e.release(now, hold=float(some), within=None if some & 1 else 1.0),
        lambda e: e.grant(now),
        lambda e: e.yield_to_group(now),
        lambda e: e.addresses_missing(now),
        lambda e: e.set_alone(bool(some & 1), now),
        lambda e: e.hasten(packed("10.99.0.6"), now, gone=bool(some & 1), pair=bool(some & 2)),
        lambda e: e.adopt(path.spec, now),
        lambda e: path.set_clock((some - 128) * 60.0),
    )
    path.act(grain.choice(orders))


class PeerPath:
    """One exchange and somebody who has its key and says anything, on two links."""

    def __init__(self) -> None:
        self.now = 1000.0
        spec = channel_spec("a", "b")
        self.exchange = Exchange(spec, spec.peers[0], KEYS, nonces("a"), self.now)
        self.offer = self.nonce = NO_NONCE
        self.version = 1
        own, other = director_id("web", "a"), director_id("web", "b")
        ends = [(packed(link.own), packed(link.peer)) for link in spec.peers[0].links]
        self.out = [Ends(own, other, mine + theirs) for mine, theirs in ends]
        self.into = [Ends(other, own, theirs + mine) for mine, theirs in ends]

    def perform(self, actions: list[object]) -> None:
        """Read what is sent: the other one needs our nonces for its next lie."""
        assert len(actions) < 10_000
        for action in actions:
            if isinstance(action, Send):
                sent = peer_packet.decode(action.datagram, KEYS, self.out[action.link])
                assert isinstance(sent, Packet)
                if sent.kind is Kind.HELLO:
                    self.offer = sent.sender_nonce
                else:
                    self.nonce = sent.sender_nonce

    def arrive(self, link: int, datagram: bytes) -> None:
        """Counted, or taken."""
        dropped = isinstance(peer_packet.decode(datagram, KEYS, self.into[link]), peer_packet.Drop)
        before = self.exchange.drops.total()
        actions = step(lambda: self.exchange.receive(link, datagram, self.now))
        counted = self.exchange.drops.total() - before
        assert counted == 1 if dropped else counted <= 1
        self.perform([*actions])

    def pass_time(self, seconds: float) -> None:
        """As for a router."""
        end = self.now + seconds
        for _ in range(REST_WITHIN):
            if self.exchange.deadline() > end:
                break
            self.now = max(self.now, self.exchange.deadline())
            self._wake()
        self.now = end
        self._wake()

    def check(self) -> None:
        """What is remembered is bounded, and can be reported."""
        exchange = self.exchange
        assert set(exchange.drops) <= set(peer_packet.Drop)
        assert len(exchange._handovers._taking) <= MOST_TAKING
        assert len(exchange._session._sent) < 100
        assert len(exchange._session._offers) <= 2
        assert exchange.report().peer == "b"

    def _wake(self) -> None:
        for _ in range(REST_WITHIN):
            self.perform([*step(lambda: self.exchange.wake(self.now))])
            if self.exchange.deadline() > self.now:
                return
        raise AssertionError(f"due again and again at {self.now}")


def peer_channel(data: bytes) -> None:
    """Datagrams, time and orders against one exchange; content behind the MAC and the session is reached."""
    grain = Grain(data)
    path = PeerPath()
    path.pass_time(0.0)
    for _ in range(ROUNDS):
        if not grain.left:
            break
        what = grain.number() % 16
        if what == 0:
            path.arrive(grain.number() & 1, grain.piece())
        elif what < 11:
            path.arrive(grain.number() & 1, _datagram(grain, path))
        elif what < 14:
            path.pass_time(grain.seconds() / 10)
        else:
            _say(grain, path)
        path.check()
    path.pass_time(100.0)
    path.check()


def _datagram(grain: Grain, path: PeerPath) -> bytes:
    """With a right MAC, of a session that is, was or never will be."""
    link, how = 0, grain.number()
    kind = Kind(1 + how % 5)
    answered = (path.nonce, path.offer, path.offer, NO_NONCE)[how >> 3 & 3]
    if how & 0x20:
        answered = grain.take(NONCE)
    packet = Packet(
        kind=kind,
        sender_nonce=bytes((1 + (how >> 6),)) * NONCE,
        receiver_nonce=answered,
        counter=grain.number(2),
        heard=grain.choice((2**64 - 1, 0, 1, 1 << 32)),
        body=_body(grain, kind),
    )
    datagram = peer_packet.encode(packet, KEYS.sending, path.into[link])
    return datagram[: grain.number(2)] if grain.number() == 255 else datagram


def _body(grain: Grain, kind: Kind) -> bytes:
    if kind is Kind.PIECE and grain.number() & 1:
        # A value in one piece: what is in it is reached without guessing numbers.
        head = bytes((grain.number() & 1, 1)) + grain.number(2).to_bytes(8, "big") + b"\0\0\0\1"
        return head + grain.piece()[: peer_packet.MAX_BODY - len(head)]
    return grain.piece()[: peer_packet.MAX_BODY]


def _say(grain: Grain, path: PeerPath) -> None:
    exchange, now = path.exchange, path.now
    path.version += 1
    match grain.number() % 8:
        case 0:
            path.perform([*exchange.stand(path.version, encode_standing(Standing(False, (view(),))), now)])
        case 1:
            path.perform([*exchange.share(path.version, grain.piece() * 40, now)])
        case 2:
            path.perform([*exchange.ask("web", now)])
        case 3:
            path.perform([*exchange.hand(lambda h: h.ready("web", now), now)])
        case 4:
            path.perform([*exchange.hand(lambda h: h.refuse("web", "no", now), now)])
        case 5:
            path.perform([*exchange.hand(lambda h: h.done("web"), now)])
        case 6:
            path.perform([*exchange.hand(lambda h: h.take_back("web"), now)])
        case _:
            exchange.usable(0, "down" if grain.number() & 1 else "")


PATHS: tuple[Callable[[bytes], None], ...] = (adverts, adverts6, peer_channel)
