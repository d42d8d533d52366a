"""Two holders of a VIP, and leases.

The law: two directors that live and hear each other hold a VIP no longer than an interval, two delays and the writes; longer
only while a handover by name runs, or while neither of them advertises yet; and what a dead or frozen one holds is on a
lease: the long one only where no peer can have been heard.
"""

import math
from typing import TYPE_CHECKING

from simulation.memory import CLOCKS, EPSILON, Memory, router_of, vip_of
from simulation.world import Rank

from failover.master import CONFIRM_WITHIN
from failover.peer.handover import GIVE_UP
from failover.peer.spec import PeerChannelSpec
from failover.router import NEVER
from failover.spec import RouterSpec
from failover.timing import GRACE

if TYPE_CHECKING:
    from simulation.director import Director

KNOWN_AGAIN = 12
"""Beats until a peer that can be heard again must be known to be up, with some of its words lost."""


class Holders:
    """Judges by what `memory` has."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._pairs: dict[tuple[int, int, int], float] = {}
        """Since when two directors hold the VIP of the router of this number."""

    def changed(self) -> None:
        """Who lives, hears whom, or holds is otherwise now."""
        memory = self._memory
        now = memory.world.now
        for number, spec in enumerate(memory.specs()):
            vip = vip_of(spec)
            for x in memory.directors:
                for y in memory.directors[x.number :]:
                    key = x.number, y.number, number
                    if memory.apart(x, y, spec.interface) or not (x.holds(vip) and y.holds(vip)):
                        self._pairs.pop(key, None)
                    elif key not in self._pairs and memory.fair:
                        self._pairs[key] = now
                        memory.world.at(now + self.overlap(spec), Rank.CHECK, self._overlaps, (key, now))

    def overlap(self, spec: RouterSpec) -> float:
        """For how many seconds there may be two."""
        memory = self._memory
        network, before = memory.networks[spec.interface], memory.weathers[spec.interface]
        lost_before = (1 + (before.run or 0)) * spec.advert_interval
        weather = before if memory.world.now < memory.calm_from + lost_before else network.weather
        base = max(CONFIRM_WITHIN, spec.advert_interval) + (weather.run or 0) * spec.advert_interval
        return base + 2 * weather.longest(spec.advert_interval) + 3 * memory.slowest + EPSILON

    def _overlaps(self, what: tuple[tuple[int, int, int], float]) -> None:
        key, since = what
        if self._pairs.get(key) != since:
            return
        memory = self._memory
        x, y, spec = memory.directors[key[0] - 1], memory.directors[key[1] - 1], memory.specs()[key[2]]
        now, bound = memory.world.now, self.overlap(spec)
        speaks = [memory.first_said.get((d.number, spec.vrid), now) for d in (x, y)]
        keys = [(d.number, spec.vrid) for d in (x, y)]
        handover = max(began.get(key, -math.inf) for began in (memory.lowered, memory.let_go) for key in keys)
        due = max(since, min(speaks), handover + spec.advert_interval) + bound
        due = max(due, self._due(x, spec, bound), self._due(y, spec, bound))
        patience = GIVE_UP + (spec.down_after + 2) * spec.advert_interval + GRACE
        if due - 1e-6 <= now or now - since > 2 * patience + bound + spec.lease:
            memory.broken(
                f"{x.name} and {y.name} hold {spec.name}'s VIP for {now - since:.3f} s although they hear each other"
            )
        memory.world.at(due, Rank.CHECK, self._overlaps, what)

    def _due(self, director: "Director", spec: RouterSpec, bound: float) -> float:
        """Until when this one may hold it beside another, for what it has been told or has just begun."""
        router, vip = router_of(director, spec.vrid), director.kernel.vips[vip_of(spec)]
        if router is None:
            return -math.inf
        due = -math.inf
        if router.ready_by is not None:
            due = director.clock.when(router.ready_by) + bound
        # Handed it by a third one, or by the other's own release: what it said soon after was older.
        given = max(router.asked_at, router.took_over_at if router.given_by else NEVER)
        if given > NEVER:
            due = max(due, director.clock.when(given) + spec.advert_interval + bound)
        if vip.expires is None:
            return due
        if not router.holding:  # The last write of a dead daemon: its lease ends it,
            return max(due, vip.expires + EPSILON)
        if vip.wrote_at < router.since:  # or its successor has just become master itself.
            return max(due, director.clock.when(router.since) + bound)
        return due

    # ---- leases -------------------------------------------------------------------------------------------------------

    def is_leased(self, director: "Director", spec: RouterSpec, lease: int) -> None:
        """Its kernel has just got the VIP with this lease, in seconds."""
        memory, router = self._memory, router_of(director, spec.vrid)
        slow = memory.slowest > CONFIRM_WITHIN  # What is written now was wanted a while ago.
        if router is not None and not router.alone and 0 < spec.lease < lease == spec.lease_alone:
            wrote, soon = memory.world.now, 4 * memory.slowest + EPSILON
            # It was wanted when no peer was heard yet; the next write is on its way, behind that of another router.
            memory.world.at(wrote + soon, Rank.CHECK, self._is_leased_anew, (director, spec, wrote))
            return
        alone = slow or (router is not None and router.alone and self._may_feel_alone(director, spec))
        if spec.lease and not 0 < lease <= (max(spec.lease_alone, spec.lease) if alone else spec.lease):
            memory.broken(f"{director.name} holds {spec.name}'s VIP with a lease of {lease} s")

    def _is_leased_anew(self, what: "tuple[Director, RouterSpec, float]") -> None:
        director, spec, wrote = what
        vip = director.kernel.vips[vip_of(spec)]
        if (
            vip.expires is not None
            and not self.wrote_dead(director, spec)
            and vip.wrote_at == wrote
            and director.awake
            and director.thawed_at < wrote
        ):
            self._memory.broken(f"{director.name} hears a peer and goes on with a lease of {vip.lease} s")

    def wrote_dead(self, director: "Director", spec: RouterSpec) -> bool:
        """Whether it was the last write of a daemon that was killed, when the next one, which knows nothing of it, ran."""
        died, wrote = director.died_writing_at, director.kernel.vips[vip_of(spec)].wrote_at
        return died <= director.started_at <= wrote <= died + self._memory.slowest

    def _may_feel_alone(self, director: "Director", spec: RouterSpec) -> bool:
        """Whether no peer can have been heard lately, neither its beats nor, where it is master, its adverts."""
        memory = self._memory
        now = memory.world.now
        silent = (now - memory.heard_by(director, spec).at) * (1 + CLOCKS)
        if memory.slowest + EPSILON < silent < spec.down_after * spec.advert_interval:
            return False
        channel = director.spec.channel
        links = channel.peers[0].links if channel is not None else ()
        names = {"eth0" if link.own.startswith("10.99.") else "eth1" for link in links}
        known_again = self._known_again(channel, names) if channel is not None else 0.0
        if channel is not None and all(self._late(name, channel) for name in names):
            return True  # One beat that is quick and some that are slow: between them is a dead time.
        return bool(names) and all(
            now - max(other.started_at, other.thawed_at) < known_again
            or all(
                memory.apart(director, other, name)
                or memory.together_for(director, other, name) < known_again
                for name in names
            )
            for other in memory.directors
            if other is not director
        )

    def _known_again(self, channel: PeerChannelSpec, names: set[str]) -> float:
        """Seconds. Where an answer takes longer than a beat, greetings cross: each side has a session of its own then, and
        one more dead time goes by before they greet anew."""
        crosses = any(2 * self._memory.networks[name].longest > channel.beat for name in names)
        return KNOWN_AGAIN * channel.beat + (channel.dead_time if crosses else 0.0)

    def _late(self, name: str, channel: PeerChannelSpec) -> bool:
        return self._memory.networks[name].longest + channel.beat + EPSILON >= channel.dead_time
