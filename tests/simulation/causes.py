"""Why a director becomes master.

The law: nobody takes over without the cause that it names, and no earlier than its timers say; nobody preempts whom it must
not preempt; and who must listen first, or stands aside, does not take over at all.
"""

import math
from typing import TYPE_CHECKING

from simulation.memory import CLOCKS, EPSILON, Heard, Memory, address_of, advertises, router_of, skew, vip_of

from failover.moves import Cause, State
from failover.peer.handover import GIVE_UP
from failover.router import Router
from failover.spec import RouterSpec, Standby

if TYPE_CHECKING:
    from simulation.director import Director


class Causes:
    """Judges by what `memory` has."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def may_take_part(self, director: "Director", router: Router) -> None:
        """It has listened as long as it must, and does not stand aside."""
        memory = self._memory
        spec, now = router.spec, memory.world.now
        listened = (now - director.started_at) * director.clock.rate + 1e-6
        if listened < spec.startup_delay and vip_of(spec) not in director.inherited:
            memory.broken(f"{director.name} takes {spec.name} over {listened:.3f} s after its start")
        aside = next((a for a in director.wishes.asides if a.director == director.name), None)
        # After a stall what was said first is read first.
        told = director.thawed_at if aside is None else max(aside.at, director.thawed_at)
        if aside is not None and aside.standby is Standby.HARD and now - told > EPSILON:
            memory.broken(f"{director.name} takes {spec.name} over and stands aside")

    def has_cause(self, director: "Director", router: Router, heard: Heard) -> None:
        """The cause that it names is one."""
        memory, spec = self._memory, router.spec
        match router.cause:
            case Cause.MASTER_SILENT:
                self._was_silent(director, router, heard)
                self._nobody_serves(director, router)
            case Cause.MASTER_GONE:
                if not self._said_to_go(spec, heard.sender):
                    memory.broken(
                        f"{director.name} takes {spec.name} over, but nobody can have said that he goes"
                    )
            case Cause.PREEMPTING:
                if why := self._must_not_preempt(director, router, heard):
                    memory.broken(f"{director.name} preempts in {spec.name}, but {why}")
            case Cause.MASTER_RELEASED:
                self._was_released(director, router, heard)
            case Cause.ASKED:
                if memory.world.now - memory.ordered_at > 2 * GIVE_UP:
                    memory.broken(
                        f"{director.name} was asked for {spec.name}, and nobody was told to hand over"
                    )
            case _:
                return

    # ---- silence ------------------------------------------------------------------------------------------------------

    def _was_silent(self, director: "Director", router: Router, heard: Heard) -> None:
        spec, now = router.spec, self._memory.world.now
        waited, patience = self._waited(director, heard.at), _own_patience(spec, router, heard)
        if waited < patience and not self._had_word(spec, heard, waited):
            self._memory.broken(
                f"{director.name} takes {spec.name} over {now - heard.at:.4f} s after the last advert,"
                f" its patience is {patience:.4f} s"
            )

    def _nobody_serves(self, director: "Director", router: Router) -> None:
        """No master whom it must have heard serves."""
        memory, spec = self._memory, router.spec
        now, network = memory.world.now, memory.networks[spec.interface]
        long = (spec.down_after + 1) * spec.advert_interval + network.longest + memory.slowest + EPSILON
        for other in memory.directors:
            theirs = router_of(other, spec.vrid)
            if other is director or theirs is None or not advertises(theirs):
                continue
            if memory.apart(director, other, spec.interface):
                continue
            together = memory.together_for(director, other, spec.interface)
            served = now - memory.first_said.get((other.number, spec.vrid), now)
            if min(together, served) > 2 * long and now - director.started_at > 2 * long:
                memory.broken(
                    f"{director.name} takes {spec.name} over while {other.name} serves and can be heard"
                )

    def _waited(self, director: "Director", since: float) -> float:
        """Seconds of its own clock."""
        return (self._memory.world.now - since) * director.clock.rate + 1e-6

    # ---- a master's own word ------------------------------------------------------------------------------------------

    def _was_released(self, director: "Director", router: Router, heard: Heard) -> None:
        spec, released = router.spec, self._waited(director, heard.released)
        soonest = min(skew(spec, own) for own in (heard.own, heard.own_then, router.priority))
        soon = not soonest <= released < math.inf
        waited = self._waited(director, heard.at)
        word = self._had_word(spec, heard, waited)
        otherwise = word or router.grouped or heard.lower_since is not None
        if soon and waited < _own_patience(spec, router, heard) and not otherwise:
            self._memory.broken(f"{director.name} takes {spec.name} over on a release {released:.4f} s ago")

    def _had_word(self, spec: RouterSpec, heard: Heard, waited: float) -> bool:
        """Whether a peer's word may have said that its master goes: one missed advert is enough then, of a link none."""
        directors = self._memory.directors
        if directors[0].spec.channel is None or not self._said_to_go(spec, heard.sender):
            return False
        gone = not directors[heard.sender - 1].kernel.links[spec.interface].up
        return gone or waited >= spec.advert_interval

    def _said_to_go(self, spec: RouterSpec, sender: int) -> bool:
        """Whether the master heard last may have said that it goes."""
        memory = self._memory
        if not 0 < sender <= len(memory.directors):
            return False
        master, moment = memory.directors[sender - 1], (spec.down_after + 1) * spec.advert_interval + GIVE_UP
        lately = memory.world.now - max(memory.link_at, master.started_at, master.silent_since) < moment
        return lately or master.stopping or not master.alive or not master.kernel.links[spec.interface].up

    # ---- preempting ---------------------------------------------------------------------------------------------------

    def _must_not_preempt(self, director: "Director", router: Router, heard: Heard) -> str:
        """Why it must not, empty where it may."""
        spec, now = router.spec, self._memory.world.now
        if not spec.preempt:
            return "it must not preempt"
        if router.standby is not Standby.OFF:
            return "it stands aside"
        if router.unproven:
            return "it is unproven"
        if heard.priority >= router.priority:
            return f"the master's priority is {heard.priority}"
        since = heard.lower_since
        if since is not None and (now - since) * (1 + CLOCKS) + EPSILON < spec.preempt_delay:
            return f"preempt_delay is {spec.preempt_delay} s"
        return self._holds_back(director, router, heard)

    def _holds_back(self, director: "Director", router: Router, heard: Heard) -> str:
        """Whether its master is one that nobody may preempt; in a group the first router decides."""
        memory, now = self._memory, self._memory.world.now
        first = memory.specs()[0] if router.grouped else router.spec
        decided = router_of(director, first.vrid)
        if first.vrid != router.spec.vrid and decided is not None and decided.state is State.MASTER:
            return ""
        sender = memory.heard.get((director.number, first.vrid), heard).sender
        hold = director.wishes.held(now - EPSILON - 0.5).get(first.name)
        if (
            hold is not None
            and hold.until > now + 0.01
            and hold.master == address_of(sender, first)
            and hold.at < now - 0.01
            and memory.over.get((director.number, first.vrid)) != hold.at
        ):
            return f"nobody may preempt {hold.master} before {hold.until:.3f}"
        return ""


def _own_patience(spec: RouterSpec, router: Router, heard: Heard) -> float:
    """After how long a silence a backup takes over of itself."""
    dead = spec.down_after * spec.advert_interval
    if router.standby is not Standby.OFF:
        return 2 * (dead + skew(spec, router.priority))
    quickest = max(heard.own, router.priority)
    return dead if heard.lower_since is not None else dead + skew(spec, quickest)
