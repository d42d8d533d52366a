"""What operators asked of this director's routers, for those that run and for those that will: standby, and holds."""

from failover.election import Election
from failover.host import packed
from failover.router import Router
from failover.spec import Standby


class Orders:
    """Standby of the whole director; for each router the master that it must not preempt, and until when."""

    def __init__(self) -> None:
        self.standby = Standby.OFF
        self._holds: dict[str, tuple[float, bytes]] = {}

    def hold_back(self, router: str, until: float, master: str) -> None:
        """Do not preempt the director of this address in a router before then (monotonic seconds)."""
        self._holds[router] = until, packed(master)

    def resume(self, router: str) -> None:
        """Preempt again."""
        self._holds.pop(router, None)

    def brief(self, name: str, router: Router) -> None:
        """Tell a running router whom it must not preempt."""
        if name in self._holds:
            router.hold_back(*self._holds[name])

    def begin(self, name: str, election: Election, now: float) -> None:
        """Tell all of it to a router that is to be started."""
        election.set_standby(self.standby, now)
        self.brief(name, election.router)
