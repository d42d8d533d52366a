"""What operators asked of this director's routers, for those that run and for those that will: standby, and holds."""

from failover import backup
from failover.fence_words import FenceAnswer, LastMaster
from failover.groups import Groups
from failover.host import packed
from failover.instance import Instance
from failover.spec import Standby


class Orders:
    """Standby of the whole director; for each router the master that it must not preempt, and until when."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._standby = Standby.OFF
        self._holds: dict[str, tuple[float, bytes]] = {}
        self._masters: dict[str, bytes] = {}

    def hold_back(self, router: str, until: float, master: str) -> None:
        """Do not preempt the director of this address, which was handed the router, before then (monotonic seconds)."""
        self._holds[router] = until, packed(master)
        running = self._groups.find(router)
        if running is not None:
            running.act(lambda election, now: backup.hold_back(election.router, *self._holds[router], now))

    def resume(self, router: str | None) -> None:
        """Preempt again, in this router or (None) in all."""
        for name in self._groups.members(None) if router is None else [router]:
            self._holds.pop(name, None)
            running = self._groups.find(name)
            if running is not None:
                running.election.resume()

    def set_standby(self, standby: Standby) -> None:
        """Stand aside, or no longer."""
        self._standby = standby
        for name in self._groups.members(None):
            running = self._groups.find(name)
            if running is not None:
                running.act(lambda election, now: election.set_standby(standby, now))

    def fence(self, word: FenceAnswer) -> None:
        """What came of a fencing; or whom an earlier worker heard last."""
        if isinstance(word, LastMaster):
            self._masters[word.router] = packed(word.master)
        running = self._groups.find(word.router)
        if running is None:
            return
        if isinstance(word, LastMaster):
            running.election.router.fence.known = packed(word.master)
        else:
            running.act(lambda election, now: election.fenced(word.number, word.failure, now))

    def begin(self, instance: Instance, now: float) -> None:
        """Tell all of it to a router that is to be started."""
        instance.election.set_standby(self._standby, now)
        instance.election.router.fence.known = self._masters.get(instance.spec.name, b"")
        if instance.spec.name in self._holds:
            instance.election.router.hold_back(*self._holds[instance.spec.name])
