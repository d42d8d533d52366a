"""What operators asked, given to the routers that run."""

from dataclasses import dataclass
from typing import cast

from failover.election import Election
from failover.groups import Groups
from failover.orders import Orders
from failover.spec import GroupSpec
from support.failover import LOWER, router_spec

MASTER = "10.99.0.4"


@dataclass
class Running:
    """As much of an instance as a hold needs."""

    election: Election

    def act(self, decide: object) -> None:
        """At one moment."""
        decide(self.election, 1.0)  # type: ignore[operator]

    def set_grouped(self, grouped: bool) -> None:
        """See Instance."""
        self.election.set_grouped(grouped)


async def test_a_younger_hold_in_a_group_outlasts_the_end_of_an_older_one() -> None:
    """Peers tell of each router by itself: what ends for one may have been told before the other's hold began."""
    running = {name: Running(Election(router_spec(name=name), LOWER)) for name in ("web", "inside")}
    groups = Groups(cast("dict[str, object]", running))  # type: ignore[arg-type]
    groups.apply((GroupSpec(name="edge", routers=("web", "inside")),))
    orders = Orders(groups)
    for name in running:
        orders.hold_back(name, 60.0, MASTER)
    orders.resume("inside")
    assert [one.election.router.hold_until for one in running.values()] == [60.0, None]
    orders.hold_back("inside", 60.0, MASTER)
    orders.resume(None)
    assert [one.election.router.hold_until for one in running.values()] == [None, None]
