"""What masters say, and when.

The law: a master answers a losing advert at once, but no more than once an interval; the loser of two is the lower one; and
who stood still for longer than its lease listens before it speaks.
"""

import math
from typing import TYPE_CHECKING

from simulation.memory import CLOCKS, EPSILON, Heard, Memory, advertises, router_of, vip_of
from simulation.world import Rank

from failover.packet import Advert
from failover.router import Router

if TYPE_CHECKING:
    from simulation.director import Director

ANSWER = 0.006
"""Seconds."""


class Answers:
    """Judges by what `memory` has."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._answered: dict[tuple[int, int], float] = {}

    def arrived(self, to: "Director", sender: "Director", advert: Advert, router: Router) -> None:
        """A master whom a losing one does not hear is to say so at once."""
        if not to.awake or not advertises(router) or router.confirm_by is not None:
            return
        if (router.priority, to.number) <= (advert.priority, sender.number):
            return
        key, now = (to.number, advert.vrid), self._memory.world.now
        before, self._answered[key] = self._answered.get(key, -math.inf), now
        if now - before > router.spec.advert_interval * (1 + CLOCKS) + EPSILON:
            self._memory.world.at(now + ANSWER, Rank.CHECK, self._answers, (to, advert.vrid, now))

    def _answers(self, what: "tuple[Director, int, float]") -> None:
        director, vrid, at = what
        router = router_of(director, vrid)
        if not director.awake or router is None or not advertises(router):
            return
        if at - director.thawed_at < 2 * router.spec.advert_interval:
            return  # It answered when it awoke, before this.
        if self._memory.said.get((director.number, vrid), -math.inf) < at:
            self._memory.broken(f"{director.name} does not answer the advert of a losing master")

    def may_speak(self, director: "Director", vrid: int) -> None:
        """Who stood still for longer than its lease listens first: others may hold the VIPs by now."""
        memory = self._memory
        if memory.world.now - director.thawed_at >= EPSILON:
            return
        spec = memory.spec_of(vrid)
        lease = director.slept_on.get(vip_of(spec), 0)
        if (
            lease
            and memory.began.get((director.number, vrid), math.inf) < director.thawed_at
            and director.stood_still > lease + 2 * spec.advert_interval
        ):
            memory.broken(
                f"{director.name} advertises {spec.name} after {director.stood_still:.3f} s of a stall"
            )

    def may_yield(self, director: "Director", router: Router, heard: Heard) -> None:
        """It has been outranked, by an advert that it did not read late."""
        theirs, ours = (heard.priority, heard.sender), (router.priority, director.number)
        if self._memory.world.now - director.thawed_at > EPSILON and theirs < ours:
            self._memory.broken(f"{director.name} {ours} yields to the advert of {theirs}")
