"""Groups of routers on directors in memory: one `support.cluster.Cluster` a router, in step, and the group's rule."""

import math
from collections.abc import Callable

from failover.actions import Action
from failover.election import Election
from failover.group import Order, lowered, member, settle
from failover.moves import State
from support.cluster import Cluster, Network, Tell
from support.failover import router_spec

STEP = 0.001
EVERY = 1.0
"""The groups are looked at when something moved, and as often as this in any case."""


class GroupCluster:
    """Directors by name with one priority for each router of the group; `first` begins each network's addresses."""

    def __init__(self, routers: dict[str, dict[str, int]], first: dict[str, str] | None = None) -> None:
        self.now = 0.0
        self.story: list[str] = []
        self.groups: dict[str, tuple[str, ...]] = {}
        self.clusters: dict[str, Cluster] = {}
        self._seen: dict[str, object] = {}
        for router, priorities in routers.items():
            cluster = Cluster(Network(), self._teller(router))
            names = sorted(priorities, key=lambda name: name != (first or {}).get(router))
            for name in names:
                cluster.add(name, router_spec(name=router, priority=priorities[name]))
            self.clusters[router] = cluster
        for name in next(iter(routers.values())):
            self.groups[name] = tuple(routers)

    def start(self, name: str, *routers: str) -> None:
        """Start a director's daemon, with all routers or some."""
        self.groups[name] = routers or tuple(self.clusters)
        for router in self.groups[name]:
            self.add(name, router)

    def add(self, name: str, router: str) -> None:
        """A reload starts one more router of the group."""
        if router not in self.groups[name]:
            self.groups[name] = tuple(r for r in self.clusters if r in (*self.groups[name], router))
        cluster = self.clusters[router]
        cluster.start(name)
        self.election(name, router).set_grouped(True)

    def crash(self, name: str) -> None:
        """Its daemon is gone."""
        for router in self.groups[name]:
            self.clusters[router].crash(name)

    def act(self, name: str, router: str, what: Callable[[Election, float], list[Action]]) -> None:
        """Something asked of one router."""
        self.clusters[router].act(name, lambda election: what(election, self.now))

    def election(self, name: str, router: str) -> Election:
        """One router's election."""
        election = self.clusters[router].nodes[name].election
        assert election is not None
        return election

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            self.now = round(self.now + STEP, 6)
            for cluster in self.clusters.values():
                cluster.run(self.now)
            for name in self.groups:
                self._settle(name)

    def states(self, name: str) -> dict[str, State | None]:
        """A director's routers."""
        return {router: self.clusters[router].nodes[name].state for router in self.groups[name]}

    def masters(self) -> dict[str, list[str]]:
        """Who is master of each router."""
        return {
            router: [name for name, node in cluster.nodes.items() if node.state is State.MASTER]
            for router, cluster in self.clusters.items()
        }

    def held(self) -> dict[str, list[str]]:
        """Who holds each router's VIP."""
        return {
            router: [name for name, node in cluster.nodes.items() if node.holds]
            for router, cluster in self.clusters.items()
        }

    def moves(self) -> list[str]:
        """The changes of state so far."""
        return [line for line in self.story if " -> " in line]

    def _settle(self, name: str) -> None:
        routers = {
            router: node.election.router
            for router in self.groups[name]
            if (node := self.clusters[router].nodes[name]).election is not None and not node.frozen
        }
        view = [(r.state, r.wanting, r.releasing, r.tracked) for r in routers.values()]
        seen = (view, math.floor(self.now / EVERY))
        if not routers or self._seen.get(name) == seen:
            return
        self._seen[name] = seen
        change = lowered(routers.values())
        for router in routers:
            self.act(name, router, lambda election, now: election.set_shared(change, now))
        for router, order in settle({r: member(record, self.now) for r, record in routers.items()}).items():
            decide = Election.grant if order is Order.GRANT else Election.yield_to_group
            self.act(name, router, decide)

    def _teller(self, router: str) -> Tell:
        def tell(at: float, name: str, text: str) -> None:
            self.story.append(f"{at:7.3f}  {name}  {router}: {text}")

        return tell
