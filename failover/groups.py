"""The routers of this director that must be master together: who goes with whom, and the group's orders carried out.

Owns no decision: those are `group.settle`'s.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from failover.actions import Action
from failover.election import Election
from failover.group import Order, lowered, member, settle
from failover.instance import Instance
from failover.moves import State
from failover.spec import GroupSpec

_PERFORMED: Mapping[Order, Callable[[Election, float], list[Action]]] = {
    Order.GRANT: Election.grant,
    Order.FENCE: Election.fence,
    Order.YIELD: Election.yield_to_group,
    Order.YIELD_TOLD: partial(Election.yield_to_group, told=True),
}


class Groups:
    """The groups of the spec in force among the running routers."""

    def __init__(self, instances: Mapping[str, Instance]) -> None:
        self._loop = asyncio.get_running_loop()
        self._instances = instances
        self._specs: Sequence[GroupSpec] = ()

    def apply(self, specs: Sequence[GroupSpec]) -> None:
        """Make these the groups in force."""
        self._specs = specs
        grouped = {name for group in specs for name in group.routers}
        for name, instance in self._instances.items():
            instance.set_grouped(name in grouped)

    def find(self, router: str) -> Instance | None:
        """A running router."""
        return self._instances.get(router)

    def together(self, router: str | None) -> list[tuple[str, ...]]:
        """The running routers that move together with one, itself among them; None: all, set by set."""
        sets: list[tuple[str, ...]] = []
        for name in self._instances if router is None else [router]:
            if name in self._instances and not any(name in one for one in sets):
                group = next((g.routers for g in self._specs if name in g.routers), (name,))
                sets.append(tuple(member for member in group if member in self._instances))
        return sets

    def members(self, router: str | None) -> list[str]:
        """The same in one list."""
        return [name for together in self.together(router) for name in together]

    def links_gone(self) -> set[str]:
        """The routers that cannot be master here because a link is gone: their own, or that of one that moves with them."""
        gone = {name for name, instance in self._instances.items() if _link_gone(instance)}
        return gone.union(*(group.routers for group in self._specs if gone.intersection(group.routers)))

    def settle(self) -> None:
        """Bring every group together."""
        for group in self._specs:
            members = {name: self._instances[name] for name in group.routers if name in self._instances}
            change = lowered(i.election.router for i in members.values())
            for instance in members.values():
                instance.act(lambda election, now, change=change: election.set_shared(change, now))  # type: ignore[misc]
            now = self._loop.time()
            view = {
                name: member(i.election.router, now, link_gone=_link_gone(i)) for name, i in members.items()
            }
            for name, order in settle(view).items():
                members[name].act(_PERFORMED[order])


def _link_gone(instance: Instance) -> bool:
    return instance.state is State.FAULT and not instance.standing.reachable
