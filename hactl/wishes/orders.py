"""What the failover worker is told when wishes about mastership change; core."""

from collections.abc import Iterable, Iterator

from failover.spec import RouterSpec
from failover.timing import successor_within
from hactl.processes.messages import HoldBack, Resume, StandAside
from hactl.wishes.mastership import Mastership

Order = StandAside | HoldBack | Resume


def orders(old: Mastership, new: Mastership, node: str, wall: float, monotonic: float) -> Iterator[Order]:
    """The orders that make `new` of `old` on this director; `wall` and `monotonic` are the same moment on both clocks."""
    standby = new.standby(node)
    if standby is not old.standby(node):
        yield StandAside(standby)
    before, after = old.held(wall), new.held(wall)
    for router, hold in after.items():
        if before.get(router) != hold:
            yield HoldBack(router, monotonic + hold.until - wall, hold.master)
    for router in before.keys() - after.keys():
        yield Resume(router)


def patience(routers: Iterable[RouterSpec]) -> float:
    """How long all of them may take to be given up at the end."""
    return max((successor_within(r.advert_interval, r.down_after) for r in routers), default=0.0)
