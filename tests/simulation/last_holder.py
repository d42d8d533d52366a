"""A VIP that leaves its last holder.

The law: where messages are prompt, a VIP is never without a holder through the doing of a daemon that lives and stood by.
What no code could have known is excused: each excuse says what that was.
"""

import math
from typing import TYPE_CHECKING

from simulation.holders import Holders
from simulation.memory import EPSILON, Heard, Memory, router_of, vip_of

from failover.master import CONFIRM_WITHIN
from failover.moves import Cause, State
from failover.router import Router
from failover.spec import RouterSpec

if TYPE_CHECKING:
    from simulation.director import Director


class LastHolder:
    """Judges by what `memory` has."""

    def __init__(self, memory: Memory, holders: Holders) -> None:
        self._memory, self._holders = memory, holders

    def gone(self, director: "Director", spec: RouterSpec, why: str) -> None:
        """Nobody holds the VIP any more, and this director has just given it up."""
        router = router_of(director, spec.vrid)
        if not director.awake or director.stopping or router is None or router.cause is Cause.LEASE_LAPSED:
            return
        if self._was_misled(director, spec) or self._came_to_its_end(director, spec, router):
            return
        if self._memory.slowest > CONFIRM_WITHIN and self._waits_for_a_slow_kernel(spec):
            return
        self._memory.broken(
            f"{director.name} lives and gives up {spec.name}'s VIP ({why}), and nobody holds it"
        )

    def _was_misled(self, director: "Director", spec: RouterSpec) -> bool:
        """An advert was under way that its sender did not stand to any more, and it yielded to that."""
        memory = self._memory
        now, under_way = memory.world.now, self._under_way(spec)
        if now - director.started_at <= under_way:
            return True  # It inherited the VIP.
        if any(
            now - max(d.started_at, d.thawed_at) <= under_way
            for d in self._successors(director, spec, under_way)
        ):
            return (
                True  # Its successor died; or spoke as it woke from a stall, before it read of a better one.
            )
        if self._hid(director, memory.heard_by(director, spec), spec, under_way):
            return True
        inherited = director.kernel.vips[vip_of(spec)].since < director.started_at
        # Or such an advert had waited for one that stood still, who yielded to it and said so.
        return inherited and any(now - d.thawed_at <= under_way for d in memory.directors)

    def _came_to_its_end(self, director: "Director", spec: RouterSpec, router: Router) -> bool:
        """It could not be heard, or had no time for a renewal."""
        memory, moment = self._memory, self._holders.overlap(spec)
        now, vip = memory.world.now, director.kernel.vips[vip_of(spec)]
        if now - memory.link_at <= moment or now - director.thawed_at <= spec.lease + moment:
            return True
        if not director.kernel.links[spec.interface].up:
            return True
        if (
            vip.wrote_at < router.since
            and router.state is State.BACKUP
            and vip.wrote_at < director.started_at
        ):
            return True  # Inherited, and at its end before this daemon's first renewal was written.
        if not router.holding and self._holders.wrote_dead(director, spec):
            return True
        # It woke in the last moment; its renewal is on the way to the kernel.
        return director.writer is not None and director.writer.holds_soon

    def _waits_for_a_slow_kernel(self, spec: RouterSpec) -> bool:
        """Its successor could not wait longer for a slow kernel, which had it too late; or died in doing so."""
        memory, moment = self._memory, self._holders.overlap(spec)
        return any(
            self._has_waited(d, spec)
            or self.wrote_too_late(d, spec, moment)
            or memory.world.now - d.died_writing_at <= moment
            for d in memory.directors
        )

    def wrote_too_late(self, director: "Director", spec: RouterSpec, lately: float) -> bool:
        """Whether a write that outlasted its time has just ended its mastership."""
        router = router_of(director, spec.vrid)
        if router is None or router.cause is not Cause.LEASE_LAPSED:
            return False
        return director.clock.read(self._memory.world.now) - router.since <= lately

    def _under_way(self, spec: RouterSpec) -> float:
        """For how many seconds somebody's word may count that he does not stand to any more."""
        return 2 * self._memory.networks[spec.interface].longest + 3 * self._memory.slowest + EPSILON

    def _successors(self, director: "Director", spec: RouterSpec, lately: float) -> "list[Director]":
        """Whom it heard last; whom it yielded to just now, and to whom that one has."""
        memory = self._memory
        numbers = [memory.heard_by(director, spec).sender]
        number, at = memory.yielded.get((director.number, spec.vrid), (0, -math.inf))
        while number and number not in numbers[1:] and memory.world.now - at <= lately:
            numbers.append(number)
            number, at = memory.yielded.get((number, spec.vrid), (0, -math.inf))
        return [memory.directors[number - 1] for number in numbers if number]

    def _hid(self, director: "Director", heard: Heard, spec: RouterSpec, lately: float) -> bool:
        """Whether its successor's advert was the last one of a rival that it had not heard before and that has yielded."""
        now = self._memory.world.now
        rival = next((d for d in self._memory.directors if d.number == heard.sender), None)
        theirs, ours = None if rival is None else router_of(rival, spec.vrid), router_of(director, spec.vrid)
        if rival is None or theirs is None or ours is None or theirs.cause is not Cause.OUTRANKED:
            return False
        known = spec.down_after * spec.advert_interval + 2 * spec.advert_interval
        return (
            rival.clock.read(now) - theirs.since <= lately
            and director.clock.read(now) - max(ours.took_over_at, ours.rival_at) > known
        )

    def _has_waited(self, director: "Director", spec: RouterSpec) -> bool:
        router = router_of(director, spec.vrid)
        if router is None or director.writer is None or not director.writer.holds_soon:
            return False
        waited = director.clock.read(self._memory.world.now) - router.since
        return router.state is not State.MASTER or waited >= max(CONFIRM_WITHIN, spec.advert_interval)
