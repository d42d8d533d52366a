"""What a daemon before us has left on this host and nobody needs any more."""

from collections.abc import Sequence

from failover.host import strays
from failover.kernel import Job
from failover.place import Place
from failover.report import Remark
from failover.spec import RouterSpec
from failover.surroundings import Surroundings


def remove_strays(routers: Sequence[RouterSpec], around: Surroundings) -> None:
    """Take off marked addresses that no router wants: a daemon with another configuration left them."""
    if not (found := strays(tuple(routers), around.host)):
        return
    places = tuple(Place(a.index, a.address, a.prefix) for a in found)
    around.report(Remark("", f"removing {len(found)} addresses left by a former configuration"))
    around.write(Job("strays", places, None, float("inf"), lambda _: None))
