"""What operators order: handing over, and whom nobody should preempt.

The law: of those that can take what is handed over somebody does so soon. A hold is over when its master releases, or is
heard no more while another one is.
"""

import math
from typing import TYPE_CHECKING

from simulation.memory import CLOCKS, EPSILON, Memory, address_of, advertises, router_of, skew
from simulation.world import Rank

from failover.packet import Advert
from failover.peer.handover import GIVE_UP
from failover.spec import RouterSpec, Standby

if TYPE_CHECKING:
    from simulation.director import Director


class OrdersKept:
    """Judges by what `memory` has."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def hands_over(self, giver: "Director") -> None:
        """A director is to hand over now."""
        memory = self._memory
        for spec in memory.specs():
            router = router_of(giver, spec.vrid)
            since = memory.world.now - memory.began.get((giver.number, spec.vrid), 0.0)
            settled = router is not None and since > 2 * (spec.down_after * spec.advert_interval)
            if router is None or not advertises(router) or not settled or not memory.prompt:
                continue
            if giver.spec.groups:
                continue
            skews = [
                skew(spec, r.priority) for d in self._takers(giver, spec) if (r := router_of(d, spec.vrid))
            ]
            if skews:
                missed = (spec.down_after - 1) * spec.advert_interval
                asked = min(missed, GIVE_UP) if giver.spec.channel is not None else 0.0
                soon = (
                    asked + max(skews) * (1 + CLOCKS) + memory.networks[spec.interface].longest + 3 * EPSILON
                )
                what = memory.faults, giver, spec, memory.world.now
                memory.world.at(memory.world.now + soon, Rank.CHECK, self._taken, what)

    def _takers(self, giver: "Director", spec: RouterSpec) -> "list[Director]":
        """Backups that have been there for long and hear the giver."""
        memory = self._memory
        long = 2 * (spec.down_after + 1) * spec.advert_interval + spec.startup_delay
        return [
            d
            for d in memory.able(spec)
            if d is not giver
            and memory.world.now - max(d.started_at, d.thawed_at, memory.link_at) > long
            and d.wishes.standby(d.name) is Standby.OFF
            and not memory.networks[spec.interface].cuts
        ]

    def _taken(self, what: "tuple[int, Director, RouterSpec, float]") -> None:
        faults, giver, spec, at = what
        memory = self._memory
        began = memory.let_go.get((giver.number, spec.vrid), math.inf)
        heard = [memory.heard_by(d, spec) for d in self._takers(giver, spec)]
        if heard and all(one.overtaken >= began for one in heard):
            return  # An advert came after all of the release: they are patient again.
        others = [d for d in memory.directors if d is not giver]
        took = any(memory.began.get((d.number, spec.vrid), -math.inf) >= at for d in others)
        if faults == memory.faults and not took and not any(d in others for d in memory.masters(spec)):
            memory.broken(f"{giver.name} hands {spec.name} over, and nobody takes it")

    def arrived(self, to: "Director", sender: "Director", advert: Advert) -> None:
        """The master that nobody should preempt releases, or lost: another one is heard, and that one no more."""
        if not to.wishes.holds:
            return
        memory = self._memory
        now, spec = memory.world.now, memory.spec_of(advert.vrid)
        hold = to.wishes.held(now).get(spec.name)
        if hold is None:
            return
        known = {
            address_of(number, spec): at
            for (n, vrid, number), at in memory.heard_of.items()
            if (n, vrid) == (to.number, advert.vrid)
        }
        silent = now - max(known.get(hold.master, -math.inf), hold.at)
        if hold.master == address_of(sender.number, spec):
            over = not advert.priority
        else:
            over = advert.priority > 0 and silent > spec.down_after * spec.advert_interval - EPSILON
        if over:
            memory.over[to.number, advert.vrid] = hold.at
