"""One random story of several directors, from one seed, judged by invariants while it runs.

The law: the seed alone decides everything, so that a failing one can be told again. Two to five real elections, the
network and the kernels of `support.cluster`; loss, duplication, delay, partitions (one-way as well), freezes, crashes,
restarts, handovers, priority changes; then calm, and the end must be in order.
"""

import random
from dataclasses import dataclass, field

from failover.moves import Cause, State
from failover.timing import automatic_lease, master_down
from support.cluster import Cluster, Network, Node
from support.failover import router_spec

STEP = 0.01
TROUBLE = 12.0
"""For how many seconds things go wrong."""
MOST_DELAY = 0.015
"""Below the smallest skew time here: a master's last advert must arrive before the successor's first."""
MOST_OVERLAP = master_down(1, 0.1) + 0.1
"""How long two living directors that hear each other may hold the VIP: one was started again, inherited it and listens
for a master-down time; delays and writes, and some."""
MOST_HANDOVER = 1.6
"""The same while one of them hands over: it is silent, and if the other is, too, only the end of its patience tells them."""


class Broken(AssertionError):
    """An invariant does not hold; the text is the story."""


@dataclass
class Trial:
    """One seed's story. `run` tells it to its end or raises Broken."""

    seed: int
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._loss = 0.0
        self._cuts: set[tuple[str, str]] = set()
        self._calm_since = 0.0
        self._handing_over_at = 0.0
        self._overlapping_since: float | None = None
        self.cluster = Cluster(
            Network(self._verdict, lambda host: self._chance.uniform(0.0002, 0.01)), self._tell
        )
        self._populate()

    def run(self) -> None:
        """Trouble, then calm, then the reckoning."""
        for name in self.cluster.nodes:
            self.cluster.start(name)
        trouble_at = 1.0
        while self.cluster.now < TROUBLE:
            if self.cluster.now >= trouble_at:
                self._trouble()
                trouble_at = self.cluster.now + self._chance.expovariate(1.5)
            self._step()
        self._make_calm()
        settled = self.cluster.now + self._settles_within()
        # A hold-back may end just then, and the preemption after it is an overlap as any other.
        while self.cluster.now < settled or (
            not self._in_order() and self.cluster.now < settled + MOST_OVERLAP
        ):
            self._step()
        if not self._in_order():
            self._broken("the end is not in order")

    # ---- the world ----------------------------------------------------------------------------------------------------

    def _populate(self) -> None:
        count = self._chance.randint(2, 5)
        slowest = master_down(1, 0.1)
        for number in range(count):
            spec = router_spec(
                priority=self._chance.choice([50, 100, 100, 150, 200]),
                preempt=self._chance.random() < 0.8,
                lease=automatic_lease(slowest),
            )
            name = chr(ord("a") + number)
            self.cluster.add(name, spec)
            self._tell(0.0, name, f"priority {spec.priority}, preempt {spec.preempt}")

    def _verdict(self, sender: str, receiver: str) -> list[float]:
        if (sender, receiver) in self._cuts or self._chance.random() < self._loss:
            return []
        copies = 2 if self._chance.random() < 0.02 else 1
        return [self._chance.uniform(0.0001, MOST_DELAY) for _ in range(copies)]

    def _trouble(self) -> None:
        node = self._chance.choice(list(self.cluster.nodes.values()))
        what = self._chance.choice(["crash", "freeze", "cut", "heal", "loss", "release", "priority", "mend"])
        self._tell(self.cluster.now, node.name, f"--- {what}")
        getattr(self, f"_do_{what}")(node)
        self._calm_since = self.cluster.now

    def _do_crash(self, node: Node) -> None:
        if node.election is None:
            self.cluster.start(node.name)
        else:
            self.cluster.crash(node.name)

    def _do_freeze(self, node: Node) -> None:
        if node.frozen:
            self.cluster.thaw(node.name)
        elif node.election is not None:
            self.cluster.freeze(node.name)

    def _do_cut(self, node: Node) -> None:
        for other in self.cluster.nodes:
            if self._chance.random() < 0.5:
                self._cuts.add((node.name, other))
            if self._chance.random() < 0.5:
                self._cuts.add((other, node.name))

    def _do_heal(self, node: Node) -> None:
        self._cuts.clear()

    def _do_loss(self, node: Node) -> None:
        self._loss = self._chance.choice([0.0, 0.05, 0.3, 0.6])

    def _do_release(self, node: Node) -> None:
        hold = self._chance.choice([0.5, 5.0, 3600.0])
        self.cluster.act(
            node.name,
            lambda e: e.release(self.cluster.now, hold=hold, within=e.router.successor_within()),
        )

    def _do_priority(self, node: Node) -> None:
        priority = self._chance.choice([20, 60, 120, 200])
        self.cluster.act(node.name, lambda election: election.set_priority(priority, self.cluster.now))

    def _do_mend(self, node: Node) -> None:
        if node.frozen:
            self.cluster.thaw(node.name)
        if node.election is None:
            self.cluster.start(node.name)

    def _make_calm(self) -> None:
        self._tell(self.cluster.now, "-", "--- calm")
        self._loss = 0.0
        self._cuts.clear()
        for node in self.cluster.nodes.values():
            if node.frozen:
                self.cluster.thaw(node.name)
        self._calm_since = self.cluster.now

    # ---- the invariants ---------------------------------------------------------------------------------------------

    def _step(self) -> None:
        self.cluster.run(round(self.cluster.now + STEP, 6))
        holders = [n for n in self.cluster.nodes.values() if n.holds and n.election is not None]
        undisturbed = not self._cuts and not self._loss and not any(n.frozen for n in holders)
        if len(holders) < 2 or not undisturbed:
            self._overlapping_since = None
            return
        if self._overlapping_since is None:
            self._overlapping_since = self.cluster.now
        since = max(self._overlapping_since, self._calm_since)
        if any(n.election is not None and n.election.router.releasing for n in holders):
            self._handing_over_at = self.cluster.now
        otherwise = max(since, self._handing_over_at)
        if self.cluster.now - since > MOST_HANDOVER or self.cluster.now - otherwise > MOST_OVERLAP:
            self._broken(f"{[n.name for n in holders]} hold the VIP although they hear each other")

    def _tell(self, at: float, name: str, text: str) -> None:
        self.story.append(f"{at:8.4f}  {name}  {text}")
        if text.startswith("VIP off") or text == "the kernel ends the lease":
            self._judge_an_end(self.cluster.nodes[name])

    def _judge_an_end(self, node: Node) -> None:
        """The VIP leaves a node. It must be somewhere else, unless nobody's code could have kept it here."""
        if any(other.holds for other in self.cluster.nodes.values() if other is not node):
            return
        if node.election is None or node.frozen or node.election.router.cause is Cause.LEASE_LAPSED:
            return
        if node.wrote_at < node.election.router.since and node.state is State.BACKUP:
            return  # Inherited, and at its end before this daemon's first renewal was written.
        if any(write.lease for write in node.writes):
            return  # It woke in the last moment; its renewal is on the way to the kernel.
        self._broken(f"{node.name} lives and gives up the VIP, and nobody holds it")

    def _settles_within(self) -> float:
        return 2 * master_down(1, 0.1) + router_spec().lease + 2 * MOST_DELAY + 1.5

    def _in_order(self) -> bool:
        """One living master where anybody lives, and it alone has the VIP."""
        alive = [node for node in self.cluster.nodes.values() if node.election is not None]
        masters = [node.name for node in alive if node.state is State.MASTER]
        holders = [node.name for node in self.cluster.nodes.values() if node.holds]
        return len(masters) == min(1, len(alive)) and holders == masters

    def _broken(self, why: str) -> None:
        raise Broken("\n".join([f"seed {self.seed}: {why}", *self.story]))
