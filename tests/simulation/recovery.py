"""Recovery: what must be so in any weather, once nothing goes wrong any more.

The law: after the last fault exactly one living director is master within the dead time, two delays and 100 ms; in the end
it alone has the VIP, it announced it last, and it is the best where all preempt.
"""

import math
from typing import TYPE_CHECKING

from simulation.holders import Holders
from simulation.last_holder import LastHolder
from simulation.memory import CLOCKS, Memory, names_of, patience_of, router_of, vip_of
from simulation.world import Rank

from failover.master import CONFIRM_WITHIN
from failover.spec import RouterSpec, Standby

if TYPE_CHECKING:
    from simulation.director import Director

SETTLED = 0.1
"""The 100 ms."""


class Recovery:
    """Judges by what `memory` has. `further`: seconds that something of these stories may delay it by."""

    def __init__(
        self, memory: Memory, holders: Holders, last_holder: LastHolder, further: float = 0.0
    ) -> None:
        self._memory, self._holders, self._last_holder = memory, holders, last_holder
        self._further = further
        self._many_since: dict[str, float] = {}

    def fault(self, lasts: float) -> None:
        """Something goes wrong or well again now, or was told to be otherwise; its effects end after `lasts` seconds."""
        memory = self._memory
        before = memory.calm_from if memory.calm_from < math.inf else -math.inf
        memory.calm_from = max(memory.world.now + lasts, before)
        memory.faults += 1
        self._many_since.clear()
        memory.world.at(memory.calm_from, Rank.CHECK, self._recovers, memory.calm_from)

    def _within(self, spec: RouterSpec) -> float:
        """How long after the last fault there may be no master, or several."""
        memory = self._memory
        slowest = max((patience_of(d, spec) for d in memory.able(spec)), default=0.0)
        network = memory.networks[spec.interface]
        lost = (network.weather.run or 0) * spec.advert_interval
        group = 2 * slowest + 1.0 if any(d.spec.groups for d in memory.directors) else 0.0
        return slowest * (1 + CLOCKS) + lost + 2 * network.longest + SETTLED + group + self._further

    def _recovers(self, at: float) -> None:
        if at != self._memory.calm_from:
            return
        for spec in self._memory.specs():
            self._memory.world.at(at + self._within(spec), Rank.CHECK, self._recovered, (at, spec))

    def _recovered(self, what: tuple[float, RouterSpec]) -> None:
        at, spec = what
        if at == self._memory.calm_from:
            self.count(spec)

    def count(self, spec: RouterSpec) -> None:
        """After recovery there is one master, but for the moments in which one follows another."""
        memory = self._memory
        if not self._is_over(spec):
            return
        masters, now = memory.masters(spec), memory.world.now
        if len(masters) > 1:
            since = self._many_since.setdefault(spec.name, now)
            memory.world.at(since + self._holders.overlap(spec), Rank.CHECK, self._still_many, (spec, since))
        else:
            self._many_since.pop(spec.name, None)
        if masters or not memory.able(spec):
            return
        if self._was_undone(spec):
            memory.world.at(now + self._within(spec), Rank.CHECK, self._recovered, (memory.calm_from, spec))
        else:
            memory.broken(f"{now - memory.calm_from:.3f} s after the last fault {spec.name} has no master")

    def _was_undone(self, spec: RouterSpec) -> bool:
        """Whether one that stood still had a write under way to a slow kernel, which has undone its mastership."""
        memory, lately = self._memory, self._within(spec)
        return memory.slowest > CONFIRM_WITHIN and any(
            self._last_holder.wrote_too_late(d, spec, lately) for d in memory.able(spec)
        )

    def _still_many(self, what: tuple[RouterSpec, float]) -> None:
        spec, since = what
        if self._is_over(spec) and self._many_since.get(spec.name) == since:
            names = " and ".join(d.name for d in self._memory.masters(spec))
            self._memory.broken(f"{names} are masters of {spec.name} long after the last fault")

    def _is_over(self, spec: RouterSpec) -> bool:
        network, now = self._memory.networks[spec.interface], self._memory.world.now
        return (
            now >= self._memory.calm_from + self._within(spec) - 1e-9
            and not network.cuts
            and network.weather.fair
        )

    # ---- the end ------------------------------------------------------------------------------------------------------

    def ends(self) -> None:
        """The end, long after the last fault: all is in order."""
        memory = self._memory
        for spec in memory.specs():
            able, masters = memory.able(spec), memory.masters(spec)
            holders = [d for d in memory.directors if d.alive and d.holds(vip_of(spec))]
            aside = not able and len(masters) == 1
            if (len(masters) != min(1, len(able)) and not aside) or (able and holders != masters):
                memory.broken(
                    f"in the end masters of {spec.name} are {names_of(masters)}, its VIP is on {names_of(holders)}"
                )
            if memory.fair and masters:
                self._announced_it_last(masters[0], spec)
            self._best_is_master(spec, able, masters)
        together = {tuple(d.name for d in memory.masters(spec)) for spec in memory.specs()}
        if len(together) > 1:
            memory.broken(f"in the end a group is apart: {sorted(together)}")

    def _announced_it_last(self, master: "Director", spec: RouterSpec) -> None:
        """Neighbours send to the master, unless it could not hear the director that they learned last."""
        memory = self._memory
        last, at = memory.announced.get(vip_of(spec), (0, 0.0))
        known = memory.heard_of.get((master.number, spec.vrid, last), -math.inf)
        if last != master.number and (not last or at - known < spec.down_after * spec.advert_interval):
            memory.broken(f"in the end {master.name} is master of {spec.name}, but another announced it last")

    def _best_is_master(self, spec: RouterSpec, able: "list[Director]", masters: "list[Director]") -> None:
        routers = {d.number: r for d in able if (r := router_of(d, spec.vrid)) is not None}
        restrained = any(
            not r.spec.preempt or r.hold_until is not None or r.standby is not Standby.OFF or r.unproven
            for r in routers.values()
        )
        if not masters or restrained or len(self._memory.specs()) > 1 or masters[0].number not in routers:
            return
        best = max(r.priority for r in routers.values())
        if routers[masters[0].number].priority < best:
            self._memory.broken(
                f"in the end {masters[0].name} is master, although another has priority {best}"
            )
