"""Directors in memory: real elections, a network of messages, and each host's kernel with its leases.

Owns time: nothing happens but through `Cluster.run`, and the same calls give the same story. What an election asks for is
performed as `failover.instance` performs it: all packets that have arrived come before a timer, writes of addresses take a
while and are void when they outlast their time, and a frozen director does nothing while its kernel goes on.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from failover import handing
from failover.actions import (
    Action,
    Announce,
    Changed,
    DropAddresses,
    HoldAddresses,
    Ready,
    Say,
    SendAdvert,
    Stopped,
    TwoMasters,
)
from failover.election import Election
from failover.moves import State
from failover.packet import RELEASE, Advert
from failover.spec import RouterSpec
from support.failover import packed

WAKES = 4
"""How often a director may want to be woken in one instant; more would keep a processor busy."""
Tell = Callable[[float, str, str], None]


@dataclass
class Write:
    """A write of addresses that waits for the kernel; `lease` None takes them off."""

    due: float
    lease: int | None
    void_after: float = math.inf


@dataclass
class Node:
    """One director: its election (None while its daemon is dead) and what its kernel has."""

    name: str
    spec: RouterSpec
    address: bytes
    election: Election | None = None
    frozen: bool = False
    inbox: list[tuple[Advert, bytes]] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    expires: float | None = None
    """When the kernel ends the VIP; None while it has none."""
    expired_unseen: bool = False
    wrote_at: float = -math.inf
    """When the lease was last written."""
    last_priority: int | None = None
    giver: str = ""
    """Who asked it by name to take over."""
    taker: str = ""
    """Who is ready, and waits for it to let go."""

    @property
    def holds(self) -> bool:
        """Whether the kernel has the VIP."""
        return self.expires is not None

    @property
    def state(self) -> State | None:
        """The election's state; None while the daemon is dead."""
        return None if self.election is None else self.election.router.state


@dataclass
class Network:
    """How messages travel: `verdict(sender, receiver)` gives the delays with which copies arrive, none for loss."""

    verdict: Callable[[str, str], list[float]] = lambda sender, receiver: [0.001]
    write_takes: Callable[[str], float] = lambda host: 0.001


class Cluster:
    """Several directors of one router on one link. `tell` gets time, director and text of all that happens."""

    def __init__(self, network: Network, tell: Tell = lambda at, name, text: None) -> None:
        self.now = 0.0
        self.nodes: dict[str, Node] = {}
        self.network = network
        self._tell = tell
        self._flying: list[tuple[float, int, str, Advert, bytes]] = []
        self._sent = 0
        self._words: list[tuple[float, int, str, str, str]] = []

    # ---- what happens to directors ------------------------------------------------------------------------------------

    def add(self, name: str, spec: RouterSpec) -> None:
        """A director whose daemon does not run yet."""
        self.nodes[name] = Node(name, spec, packed(f"10.99.0.{len(self.nodes) + 1}"))

    def start(self, name: str) -> None:
        """Its daemon starts, or starts again, and inherits what the kernel still has."""
        node = self.nodes[name]
        node.election = Election(node.spec, node.address)
        self._perform(node, node.election.start(self.now, inherited=node.holds))

    def crash(self, name: str) -> None:
        """Its daemon is gone; writes that the kernel has not begun are gone with it."""
        node = self.nodes[name]
        node.election, node.frozen, node.last_priority, node.expired_unseen = None, False, None, False
        node.giver = node.taker = ""
        node.inbox.clear()
        node.writes.clear()

    def freeze(self, name: str) -> None:
        """Its daemon stands still."""
        self.nodes[name].frozen = True

    def thaw(self, name: str) -> None:
        """Its daemon goes on: packets first, then the kernel's events, then writes and timers."""
        node = self.nodes[name]
        node.frozen = False
        self._drain(node)
        self._see_expiry(node)

    def act(self, name: str, what: Callable[[Election], list[Action]]) -> None:
        """Something asked of its election, if its daemon runs."""
        node = self.nodes[name]
        if node.election is not None and not node.frozen:
            self._drain(node)
            self._perform(node, what(node.election))

    def hand_over(self, name: str, peer: str, hold: float = 3600.0) -> None:
        """A handover by name, as `failover.handover` makes it; its words travel as adverts do."""
        node = self.nodes[name]
        if node.election is not None and not node.frozen:
            within = node.election.router.successor_within()
            self.act(name, lambda e: e.release(self.now, hold=hold, within=within, named=True))
            self._say_word(name, peer, "asks")

    # ---- time ---------------------------------------------------------------------------------------------------------

    def run(self, until: float) -> None:
        """Let everything happen that is due up to this time."""
        while (at := self._next()) <= until:
            self.now = max(self.now, at)
            self._arrivals()
            self._hear_words()
            for node in self.nodes.values():
                self._kernel(node)
                self._daemon(node)
        self.now = until

    def _next(self) -> float:
        times = [heap[0][0] for heap in (self._flying, self._words) if heap]
        for node in self.nodes.values():
            if node.expires is not None:
                times.append(node.expires)
            if node.election is not None and not node.frozen:
                times += [write.due for write in node.writes[:1]]
                deadline = node.election.deadline()
                times += [] if deadline is None else [deadline]
        return min(times, default=math.inf)

    def _arrivals(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            _, _, name, advert, source = heapq.heappop(self._flying)
            node = self.nodes[name]
            if node.election is not None:
                node.inbox.append((advert, source))
                if not node.frozen:
                    self._drain(node)

    def _say_word(self, sender: str, receiver: str, word: str) -> None:
        self._tell(self.now, sender, f"{word} {receiver}")
        for delay in self.network.verdict(sender, receiver)[:1]:
            self._sent += 1
            heapq.heappush(self._words, (self.now + delay, self._sent, sender, receiver, word))

    def _hear_words(self) -> None:
        while self._words and self._words[0][0] <= self.now:
            _, _, sender, receiver, word = heapq.heappop(self._words)
            node = self.nodes[receiver]
            if node.election is None or node.frozen:
                continue
            self._drain(node)
            router = node.election.router
            if word == "asks" and handing.refusal(router, self.now) is None:
                node.giver = sender
                self._perform(node, handing.asked(router, self.now))
            elif word == "is ready for":
                node.taker = sender
                self._perform(node, handing.ready(router, self.now))
            elif word == "has let go for":
                self._perform(node, handing.given(router, self.now))

    def _kernel(self, node: Node) -> None:
        if node.expires is not None and node.expires <= self.now:
            node.expires = None
            self._tell(self.now, node.name, "the kernel ends the lease")
            node.expired_unseen = node.election is not None
            if not node.frozen:
                self._see_expiry(node)

    def _daemon(self, node: Node) -> None:
        if node.election is None or node.frozen:
            return
        while node.writes and node.writes[0].due <= self.now:
            self._write(node, node.election, node.writes.pop(0))
        for _ in range(WAKES):
            deadline = node.election.deadline()
            if deadline is None or deadline > self.now:
                return
            self._perform(node, node.election.wake(self.now))
        raise AssertionError(f"{node.name} would be woken for ever at {self.now}")

    def _drain(self, node: Node) -> None:
        while node.inbox and node.election is not None:
            advert, source = node.inbox.pop(0)
            self._perform(node, node.election.receive(advert, source, self.now))

    def _see_expiry(self, node: Node) -> None:
        if node.expired_unseen and node.election is not None:
            node.expired_unseen = False
            self._perform(node, node.election.addresses_missing(self.now))

    def _write(self, node: Node, election: Election, write: Write) -> None:
        if write.lease is None:
            if node.holds:
                self._tell(self.now, node.name, "VIP off")
            node.expires = None
            if node.taker:
                self._say_word(node.name, node.taker, "has let go for")
                node.taker = ""
        elif self.now > write.void_after:
            held, node.expires = node.holds, None
            self._perform(node, election.voided(self.now))
            if held:
                self._tell(self.now, node.name, "VIP off, its write came too late")
        else:
            if not node.holds:
                self._tell(self.now, node.name, "VIP on")
            node.expires = self.now + write.lease if write.lease else math.inf
            node.wrote_at = self.now
            self._perform(node, election.taken(self.now))

    # ---- performing ---------------------------------------------------------------------------------------------------

    def _perform(self, node: Node, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SendAdvert(priority):
                    self._send(node, priority)
                case HoldAddresses(lease, void_after):
                    self._queue(node, Write(self.now, lease, void_after))
                case DropAddresses():
                    node.writes = [write for write in node.writes if write.lease is None]
                    self._queue(node, Write(self.now, None))
                case Announce():
                    self._tell(self.now, node.name, "announces")
                case Ready():
                    self._say_word(node.name, node.giver, "is ready for")
                case Changed():
                    node.last_priority = None
                    self._tell(self.now, node.name, f"{action.old} -> {action.new}: {action.reason}")
                case TwoMasters(address, priority):
                    self._tell(self.now, node.name, f"second master {self._name(address)} ({priority})")
                case Say(text):
                    self._tell(self.now, node.name, f"says: {text}")
                case Stopped():
                    self._tell(self.now, node.name, "stopped")

    def _queue(self, node: Node, write: Write) -> None:
        write.due += self.network.write_takes(node.name)
        if node.writes:
            write.due = max(write.due, node.writes[-1].due)
        node.writes.append(write)

    def _send(self, node: Node, priority: int) -> None:
        if priority != node.last_priority or priority == RELEASE:
            self._tell(self.now, node.name, f"advertises {priority}" if priority else "releases")
        node.last_priority = priority
        interval = node.election.router.spec.advert_interval if node.election else 0.0
        advert = Advert(version=3, vrid=51, priority=priority, interval=interval, addresses=())
        for receiver in self.nodes:
            if receiver != node.name:
                for delay in self.network.verdict(node.name, receiver):
                    self._sent += 1
                    flight = (self.now + delay, self._sent, receiver, advert, node.address)
                    heapq.heappush(self._flying, flight)

    def _name(self, address: bytes) -> str:
        return next(name for name, node in self.nodes.items() if node.address == address)
