"""What must hold whatever happens to the directors, judged while it happens.

Owns who is asked for a verdict at each event. What is promised stands, a law in each, in `holders`, `last_holder`, `causes`,
`answers`, `orders_kept` and `recovery`; but for recovery it is promised in fair weather only (loss and delay below
master-down minus an interval, `weather.FAIR`).
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulation.answers import Answers
from simulation.causes import Causes
from simulation.holders import Holders
from simulation.last_holder import LastHolder
from simulation.memory import EPSILON, Heard, Memory, router_of, vip_of
from simulation.orders_kept import OrdersKept
from simulation.recovery import Recovery
from simulation.weather import Network
from simulation.world import World

from failover.moves import Cause, State
from failover.packet import Advert
from failover.report import RouterReport
from failover.router import Router

if TYPE_CHECKING:
    from simulation.director import Director


class Judge:
    """`fair`: more is promised than recovery; `prompt`: see `Weather`.

    `slowest` is the longest write of addresses there is, in seconds."""

    def __init__(
        self, world: World, networks: dict[str, Network], *, fair: bool, prompt: bool, slowest: float
    ) -> None:
        self.memory = memory = Memory(world, networks, fair=fair, prompt=prompt, slowest=slowest)
        self._holders = Holders(memory)
        self._last_holder = self._make_last_holder()
        self._causes, self._answers, self._orders = Causes(memory), Answers(memory), OrdersKept(memory)
        self._recovery = self._make_recovery()

    def _make_last_holder(self) -> LastHolder:
        return LastHolder(self.memory, self._holders)

    def _make_recovery(self) -> Recovery:
        return Recovery(self.memory, self._holders, self._last_holder)

    # ---- what the trial tells -----------------------------------------------------------------------------------------

    def attend(self, directors: "Sequence[Director]") -> None:
        """These are judged."""
        self.memory.directors = directors

    def fault(self, lasts: float = 0.0) -> None:
        """Something goes wrong or well again now, or was told to be otherwise; its effects end after `lasts` seconds."""
        self._recovery.fault(lasts)

    def ordered(self) -> None:
        """An operator ordered a handover, or something that hands over."""
        self.memory.ordered_at = self.memory.world.now

    def hands_over(self, giver: "Director") -> None:
        """A director is to hand over now."""
        self._orders.hands_over(giver)

    def link_changed(self) -> None:
        """An interface lost its carrier or has it again."""
        self.memory.link_at = self.memory.world.now

    def changed(self) -> None:
        """Who lives, hears whom, or holds is otherwise now."""
        self.memory.note_ways()
        self._holders.changed()

    def ends(self) -> None:
        """The end, long after the last fault: all is in order."""
        self._recovery.ends()

    # ---- what directors tell (Witness) --------------------------------------------------------------------------------

    def arrived(self, to: "Director", sender: "Director", advert: Advert) -> None:
        """See Witness."""
        memory = self.memory
        heard = memory.heard.setdefault((to.number, advert.vrid), Heard())
        router = router_of(to, advert.vrid)
        self._orders.arrived(to, sender, advert)
        if advert.priority == 0:
            _note_release(heard, sender, router, memory.world.now)
            return
        memory.heard_of[to.number, advert.vrid, sender.number] = memory.world.now
        _note_advert(heard, sender, advert, router, memory.world.now)
        if router is not None and memory.fair:
            self._answers.arrived(to, sender, advert, router)

    def said(self, director: "Director", advert: Advert) -> None:
        """See Witness."""
        self.memory.note_word(director, advert.vrid, advert.priority)
        if advert.priority and self.memory.fair:
            self._answers.may_speak(director, advert.vrid)

    def moved(self, director: "Director", report: RouterReport) -> None:
        """See Witness."""
        instance = director.instance(report.router)
        if instance is None:
            return
        memory, router, vrid = self.memory, instance.election.router, instance.spec.vrid
        key, now = (director.number, vrid), memory.world.now
        memory.first_said.pop(key, None)
        heard = memory.heard.setdefault(key, Heard())
        if report.state is State.MASTER:
            memory.began[key] = now
        if memory.fair and report.state is State.MASTER:
            self._causes.may_take_part(director, router)
            self._causes.has_cause(director, router, heard)
            hold = director.wishes.held(now).get(router.spec.name)
            if hold is not None:  # Whom it should not preempt has failed, or this were broken.
                memory.over[key] = hold.at
        elif memory.fair and report.cause is Cause.OUTRANKED:
            self._answers.may_yield(director, router, heard)
        if report.cause in (Cause.OUTRANKED, Cause.HANDED_OVER):
            memory.yielded[key] = heard.sender, now
        if report.state is not State.MASTER:
            awoke = now - director.thawed_at <= EPSILON  # What it reads next came before.
            met = report.cause in (Cause.OVERTAKEN, Cause.OUTRANKED) or awoke
            heard.lower_since = now if heard.priority < router.priority and met else None
        self._recovery.count(instance.spec)

    def announced(self, director: "Director", frame: bytes) -> None:
        """See Witness."""
        self.memory.announced[frame[28:32]] = director.number, self.memory.world.now

    def held(self, director: "Director", vip: bytes, why: str) -> None:
        """See Witness."""
        memory, state = self.memory, director.kernel.vips[vip]
        spec = next(spec for spec in memory.specs() if vip_of(spec) == vip)
        if state.expires is not None and memory.fair and director.alive:
            self._holders.is_leased(director, spec, state.lease)
        elif memory.prompt and not any(other.holds(vip) for other in memory.directors):
            self._last_holder.gone(director, spec, why)
        if why:
            self.changed()

    def lives(self, director: "Director") -> None:
        """See Witness."""
        if not director.alive:
            self.fault()
            self.memory.forget(director)
        self.changed()


def _note_release(heard: Heard, sender: "Director", router: Router | None, now: float) -> None:
    if heard.released == -math.inf:
        heard.released, heard.own_then = now, 0
    heard.own_then = max(heard.own_then, 0 if router is None else router.priority)
    heard.releaser = sender.number


def _note_advert(heard: Heard, sender: "Director", advert: Advert, router: Router | None, now: float) -> None:
    if heard.released > -math.inf and heard.releaser == sender.number:
        heard.overtaken = now
    heard.released = -math.inf
    heard.at, heard.priority, heard.sender = now, advert.priority, sender.number
    if router is None:
        return
    heard.own = router.priority
    if advert.priority >= router.priority:
        heard.lower_since = None
    elif heard.lower_since is None:
        heard.lower_since = now
