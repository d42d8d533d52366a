"""What the supervisor needs in order to renew, release or drop for routers whose worker is dead; kept up to date.

The law: it is told when something of it moved, all of it in one message, and first of all when this worker begins.
"""

from collections.abc import Callable, Iterable

from failover import outgoing
from failover.instance import Instance
from failover.moves import State
from failover.report import Held, Renewal
from failover.surroundings import Surroundings


class Renewals:
    """What the routers `around` hold; `tell` takes it when it moved."""

    def __init__(self, around: Surroundings, tell: Callable[[Renewal], None]) -> None:
        self._around, self._tell = around, tell
        self._held: dict[Instance, Held] = {}
        self._made_of: dict[Instance, tuple[object, ...]] = {}
        """What each was made of: most looks find all of it as it was, and make nothing."""
        self._told = False

    def see(self, instances: Iterable[Instance]) -> None:
        """These routers may hold something else than before."""
        moved = [self._look(instance) for instance in instances]
        if any(moved) or not self._told:
            self._told = True
            self._tell(Renewal(tuple(self._held.values())))

    def _look(self, instance: Instance) -> bool:
        made_of = self._inputs(instance)
        if made_of == self._made_of.get(instance, ()):
            return False
        if made_of:
            self._made_of[instance] = made_of
        else:
            del self._made_of[instance]
        return self._take(instance, self._now(instance))

    def _inputs(self, instance: Instance) -> tuple[object, ...]:
        """All that `_now` comes from; empty where nothing is held."""
        router, host = instance.election.router, self._around.host
        if not router.holding:
            return ()
        guard = self._around.guards.of(instance.spec)
        sealing = outgoing.sealing(instance.spec, guard)
        return (
            instance.spec,
            instance.standing,
            host,
            host.changes,
            guard,
            sealing,
            instance.state is State.MASTER,
            router.lease,
        )

    def _take(self, instance: Instance, held: Held | None) -> bool:
        if held == self._held.get(instance):
            return False
        if held is None:
            del self._held[instance]
        else:
            self._held[instance] = held
        return True

    def _now(self, instance: Instance) -> Held | None:
        router = instance.election.router
        if not router.holding:
            return None
        return outgoing.held(
            instance.spec,
            self._around.host,
            instance.standing,
            self._around.guards.of(instance.spec),
            is_master=instance.state is State.MASTER,
            lease=router.lease,
        )
