"""One router's writes of addresses, and of the macvlans that bear them, as jobs for the thread that performs them.

Owns what the macvlans were last told to be. The law: what another router here holds is not taken off.
"""

from collections.abc import Callable, Sequence

from failover import outgoing
from failover.host import Standing
from failover.kernel_job import Job
from failover.place import Bearer, Bearing, Place
from failover.router import Router
from failover.spec import AddressSpec, RouterSpec
from failover.surroundings import Surroundings
from failover.virtual_mac import bearers, bearing
from failover.ways import Way

_FOR_EVER = float("inf")


class Writes:
    """Those of the router `owner`, given to the worker `around` it; `done` hears of each write of addresses."""

    def __init__(self, owner: object, around: Surroundings, done: Callable[[Job], None]) -> None:
        self._owner, self._around, self._done = owner, around, done
        self._bearing = Bearing.DOWN

    def hold(
        self, spec: RouterSpec, standing: Standing, router: Router, lease: int, void_after: float
    ) -> None:
        """Have the VIPs on, for so many seconds; with the prefix length that a daemon before us gave them they go first."""
        self._bearing = bearing(router)
        if outdated := outgoing.outdated(spec.addresses, self._around.host, standing.owned):
            stale, _ = self._spare(outdated)
            self._around.write(Job("outdated", stale, None, _FOR_EVER, lambda _: None))
        places = outgoing.places(spec.addresses, self._around.host, standing.owned)
        there = bearers(spec, self._around.host, self._bearing)
        ways = outgoing.found_ways(spec, self._around.host)
        guarded = spec.witness is not None and bool(spec.witness.key)
        self._around.write(
            Job(self._owner, places, lease, void_after, self._done, there, ways, guarded=guarded)
        )

    def drop(self, spec: RouterSpec, standing: Standing) -> Job:
        """Take all VIPs off; their macvlans are down before."""
        self._bearing = Bearing.DOWN
        host = self._around.host
        there = bearers(spec, host, Bearing.DOWN)
        return self._take_off(spec.addresses, standing, there, outgoing.found_ways(spec, host))

    def change(self, old: RouterSpec, new: RouterSpec, standing: Standing) -> None:
        """A reload: take off what `old` has and `new` has not."""
        vips, ways = outgoing.gone(old, new), outgoing.gone_ways(old, new, self._around.host)
        if vips or ways:
            self._take_off(vips, standing, (), ways)

    def keep_still(self, spec: RouterSpec, router: Router) -> None:
        """The macvlans of a router that holds its VIPs answer no more, or again."""
        if spec.virtual_mac and router.holding and bearing(router) is not self._bearing:
            self._bear(spec, bearing(router))

    def clear(self, spec: RouterSpec) -> None:
        """Macvlans down, no route and no rule: a daemon before us may have died with them, and their lease is over."""
        if spec.virtual_mac:
            self._bear(spec, Bearing.DOWN)
        if ways := outgoing.found_ways(spec, self._around.host):
            self._around.write(Job(self._owner, (), None, _FOR_EVER, lambda _: None, ways=ways))

    def _bear(self, spec: RouterSpec, how: Bearing) -> None:
        self._bearing = how
        there = bearers(spec, self._around.host, how)
        self._around.write(Job(self._owner, (), 0, _FOR_EVER, lambda _: None, there))

    def _take_off(
        self,
        vips: Sequence[AddressSpec],
        standing: Standing,
        there: tuple[Bearer, ...],
        ways: tuple[Way, ...],
    ) -> Job:
        host, owned = self._around.host, standing.owned
        places, spared = self._spare(
            (*outgoing.places(vips, host, owned), *outgoing.outdated(vips, host, owned))
        )
        there = tuple(bearer for bearer in there if bearer.index not in _indexes(spared))
        ways = ways if not spared else ()
        job = Job(self._owner, places, None, _FOR_EVER, self._done, there, ways)
        self._around.write(job)
        return job

    def _spare(self, places: tuple[Place, ...]) -> tuple[tuple[Place, ...], set[Place]]:
        """Those of these places that no other router here holds, and what others hold of the addresses."""
        spared = self._around.held_by_others(self._owner, {place.address for place in places})
        return tuple(place for place in places if place not in spared), spared


def _indexes(places: set[Place]) -> set[int]:
    return {place.index for place in places}
