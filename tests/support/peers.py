"""Exchanges with peers for tests: a net of virtual links in virtual time, with everything ever sent on record."""

import hashlib
import heapq
import itertools
import random
from collections.abc import Callable
from typing import Any, TypeVar

from failover.moves import State
from failover.peer.actions import Action, Send
from failover.peer.exchange import Exchange
from failover.peer.keys import Keyring, keyring
from failover.peer.packet import NONCE, Kind
from failover.peer.spec import PeerChannelSpec, PeerDirector, PeerLink
from failover.peer.standing import RouterView, Standing, encode_standing

KEY, OTHER_KEY = "a key for tests, 32 characters..", "another key for tests, as long..."
NewsKind = TypeVar("NewsKind")
_KIND_AT = 5


def ring(*words: str) -> Keyring:
    """Keys; the first sends."""
    return keyring(words or (KEY,))


def nonces(seed: str) -> Callable[[], bytes]:
    """Nonces that differ at each call, the same at each run."""
    numbers = itertools.count()
    return lambda: hashlib.sha256(f"{seed}/{next(numbers)}".encode()).digest()[:NONCE]


def channel_spec(node: str, peer: str, links: int = 2, **changes: Any) -> PeerChannelSpec:
    """The channel of "a" or "b" to the other one: on link 0 a is 10.90.0.1 and b 10.90.0.2, on link 1 10.90.1.x."""
    ends = {"a": 1, "b": 2}
    paths = tuple(
        PeerLink(own=f"10.90.{link}.{ends[node]}", peer=f"10.90.{link}.{ends[peer]}") for link in range(links)
    )
    fields: dict[str, Any] = {"cluster": "web", "node": node}
    return PeerChannelSpec(peers=(PeerDirector(name=peer, links=paths),), **(fields | changes))


def view(router: str = "web", **changes: Any) -> RouterView:
    """A router as its director sees it."""
    fields: dict[str, Any] = {
        "router": router,
        "state": State.BACKUP,
        "priority": 100,
        "source": "10.77.0.12",
    }
    return RouterView(**(fields | changes))


def standing(*routers: RouterView, ending: bool = False) -> bytes:
    """How a director stands, as bytes."""
    return encode_standing(Standing(ending, routers))


class Side:
    """One director's process: its exchange, what it told, and until when it is paused."""

    def __init__(self, name: str, peer: str, born: int, now: float, keys: Keyring, links: int) -> None:
        spec = channel_spec(name, peer, links)
        self.exchange = Exchange(spec, spec.peers[0], keys, nonces(f"{name}{born}"), now)
        self.news: list[Any] = []
        self.paused_until = now
        self.waiting: list[tuple[int, bytes]] = []

    def told(self, kind: type[NewsKind]) -> list[NewsKind]:
        """The news of one kind."""
        return [one for one in self.news if isinstance(one, kind)]


class Net:
    """Directors a and b and the links between them.

    `loss` and `double` are probabilities, `delay` bounds in seconds, `cut` holds (sender, link) pairs that carry nothing.
    `record` is every datagram sent: time, sender, link, bytes. `accepted` counts those that changed something.
    """

    def __init__(self, seed: int = 0, links: int = 2, *, keys: dict[str, Keyring] | None = None) -> None:
        self.random = random.Random(seed)
        self.now = 1000.0
        self.loss = self.double = 0.0
        self.delay = (0.0002, 0.0005)
        self.cut: set[tuple[str, int]] = set()
        self.record: list[tuple[float, str, int, bytes]] = []
        self.accepted: dict[tuple[str, bytes], int] = {}
        self.sides: dict[str, Side] = {}
        self._links = links
        self._keys = keys or {"a": ring(), "b": ring()}
        self._born = itertools.count()
        self._order = itertools.count()
        self._queue: list[tuple[float, int, str, int, bytes]] = []
        for name in "ab":
            self.start(name)

    def __getitem__(self, name: str) -> Side:
        return self.sides[name]

    def start(self, name: str) -> None:
        """Start or restart a director's process."""
        self.sides[name] = Side(name, other(name), next(self._born), self.now, self._keys[name], self._links)

    def kill(self, name: str) -> None:
        """End a director's process without a word."""
        self.sides.pop(name, None)

    def pause(self, name: str, seconds: float) -> None:
        """Freeze a process; what arrives waits for it."""
        self.sides[name].paused_until = self.now + seconds

    def inject(self, receiver: str, link: int, datagram: bytes) -> bool:
        """An attacker's datagram arrives now; whether the receiver refused it."""
        side = self.sides[receiver]
        before = side.exchange.drops.total()
        self._receive(receiver, link, datagram)
        return side.exchange.drops.total() > before

    def do(self, name: str, act: Callable[[Exchange, float], list[Action]]) -> None:
        """Have a side do something."""
        self.perform(name, act(self.sides[name].exchange, self.now))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while True:
            arrival = self._queue[0][0] if self._queue else end
            wakes = {name: max(s.exchange.deadline(), s.paused_until) for name, s in self.sides.items()}
            waker = min(wakes, key=lambda name: wakes[name], default=None)
            at = min(arrival, wakes[waker]) if waker is not None else arrival
            if at >= end:
                break
            self.now = max(self.now, at)
            if waker is not None and wakes[waker] <= arrival:
                self._wake(waker)
            else:
                _, _, receiver, link, datagram = heapq.heappop(self._queue)
                self._arrive(receiver, link, datagram)
        self.now = end

    def perform(self, name: str, actions: list[Action]) -> None:
        """Send what a side sends, keep what it tells."""
        for action in actions:
            if isinstance(action, Send):
                self._send(name, action.link, action.datagram)
            else:
                self.sides[name].news.append(action)

    def _send(self, name: str, link: int, datagram: bytes) -> None:
        self.record.append((self.now, name, link, datagram))
        if (name, link) in self.cut or self.random.random() < self.loss:
            return
        for _ in range(2 if self.random.random() < self.double else 1):
            at = self.now + self.random.uniform(*self.delay)
            heapq.heappush(self._queue, (at, next(self._order), other(name), link, datagram))

    def _arrive(self, receiver: str, link: int, datagram: bytes) -> None:
        side = self.sides.get(receiver)
        if side is None:
            return
        if self.now < side.paused_until:
            side.waiting.append((link, datagram))
        else:
            self._receive(receiver, link, datagram)

    def _wake(self, name: str) -> None:
        side = self.sides[name]
        waiting, side.waiting = side.waiting, []
        for link, datagram in waiting:
            self._receive(name, link, datagram)
        self.perform(name, side.exchange.wake(self.now))

    def _receive(self, receiver: str, link: int, datagram: bytes) -> None:
        exchange = self.sides[receiver].exchange
        before = exchange.drops.total()
        actions = exchange.receive(link, datagram, self.now)
        if exchange.drops.total() == before and len(datagram) > _KIND_AT and datagram[_KIND_AT] != Kind.HELLO:
            key = receiver, datagram
            self.accepted[key] = self.accepted.get(key, 0) + 1
        self.perform(receiver, actions)


def other(name: str) -> str:
    """The other one of a and b."""
    return "b" if name == "a" else "a"
