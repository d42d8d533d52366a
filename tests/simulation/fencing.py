"""Stories in which directors fence: who takes over by silence must have cut the other off, where that is required.

Owns the fencer (a switch for the power of each host, whose program takes a while, fails at times, or hangs), and what must
hold besides all else, in any weather:

* with `required` nobody takes over by silence without a fencing that ended well after the last advert, unless an earlier
  daemon left it the VIP, or (`at_start: take`) it never heard anybody since its host started;
* of a pair with `required` and `at_start: fence` nobody takes over by silence while the other one has the VIP.

The law: what happens otherwise is the story of the same seed without fencing, for all chance of fencing has its own source.
"""

import dataclasses
import random
from collections.abc import Iterable
from typing import Any

import msgspec
from simulation.director import Director
from simulation.judge import Judge
from simulation.last_holder import LastHolder
from simulation.memory import EPSILON, Heard, router_of, vip_of
from simulation.recovery import Recovery
from simulation.schedule import Plan
from simulation.trial import Trial
from simulation.world import Rank

from failover.fence_words import FenceAsked, FenceDropped, FenceEnded, LastMaster
from failover.fencing import GRACE, LONGEST_PAUSE
from failover.moves import Cause, State
from failover.report import RouterReport
from failover.spec import FenceSpec, RouterSpec
from hactl.wishes.mastership import Mastership

TIMEOUT = 3.0
BY_SILENCE = (Cause.MASTER_SILENT, Cause.MASTER_GONE, Cause.OWNER)
PATIENCE = LONGEST_PAUSE + 2 * (TIMEOUT + GRACE)
"""Seconds by which fencing may delay a recovery: a pause after failures, a run that hangs, one that does not."""


class Fencer:
    """The power switches of all hosts. `fails`: how often; `hangs`: how often a failure is a run without an end."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.fails, self.hangs = chance.choice((0.0, 0.0, 0.3, 0.7)), chance.choice((0.0, 0.3))
        self.slow = chance.choice((0.05, 0.5, TIMEOUT - 0.5))
        self.directors: list[FencingDirector] = []
        self.runs = self.failures = self.kills = 0

    def fate(self) -> tuple[bool, float]:
        """Whether the next run ends well, and after how many seconds."""
        self.runs += 1
        if self.chance.random() >= self.fails:
            return True, self.chance.random() * self.slow
        self.failures += 1
        hangs = self.chance.random() < self.hangs
        return False, TIMEOUT if hangs else self.chance.random() * self.slow

    def victims(self, of: "FencingDirector", master: str) -> "list[FencingDirector]":
        """Whose host is switched off: that of the address, or where none was heard all others."""
        others = [director for director in self.directors if director is not of]
        return [d for d in others if not master or int(master.rpartition(".")[2]) == d.number]


class FencingDirector(Director):
    """A director with the part of a supervisor that fencing needs."""

    fencer: Fencer

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.masters: dict[str, str] = {}
        """Whom an earlier daemon heard last since the host was switched on."""
        self.knew: dict[str, str] = {}
        """The same at the daemon's start."""
        self.switched_off_at = float("-inf")
        self.fenced_at: dict[str, float] = {}
        """When a fencing that a router asked for ended well last."""
        self.waits: dict[str, int] = {}
        """The fencing that each router waits for."""

    def start(self) -> None:
        """As ever; what fenced before is over."""
        if not self.alive:
            self.knew, self.waits, self.fenced_at = dict(self.masters), {}, {}
        super().start()

    def switch_off(self) -> None:
        """The host has no power: no daemon, no address, no memory of this boot."""
        self._tell("is switched off")
        self.masters, self.switched_off_at = {}, self.world.now
        if self.process is not None:
            self.fencer.kills += 1
            self.process.kill()
        for address, vip in self.kernel.vips.items():
            if vip.expires is not None:
                self.kernel.delete(self.kernel._places[address], "VIP gone with the power")

    def _orders(self, before: Mastership) -> Iterable[Any]:
        yield from super()._orders(before)
        for router, master in self.knew.items():
            yield LastMaster(router, master)

    def _hear(self, message: Any) -> None:
        match message:
            case FenceAsked():
                self._fence(message)
            case FenceDropped(router):
                self.waits.pop(router, None)
            case _:
                super()._hear(message)

    def _on_report(self, report: RouterReport) -> None:
        if report.master and report.state is not State.MASTER:
            self.masters[report.router] = report.master
        super()._on_report(report)

    def _fence(self, ask: FenceAsked) -> None:
        well, later = self.fencer.fate()
        self._tell(f"fences {ask.master or 'all others'} for {ask.router}")
        self.waits[ask.router] = ask.number
        self.world.at(self.world.now + later, Rank.FAULT, self._fenced, (ask, well, self.started_at))

    def _fenced(self, what: tuple[FenceAsked, bool, float]) -> None:
        ask, well, started = what
        if started != self.started_at or not self.alive or self.waits.get(ask.router) != ask.number:
            return  # Its supervisor is gone, or has ended the run.
        del self.waits[ask.router]
        self._tell(f"has {'fenced' if well else 'failed to fence'} {ask.master or 'all others'}")
        for victim in self.fencer.victims(self, ask.master) if well else ():
            victim.switch_off()
        if well:
            self.fenced_at[ask.router] = self.world.now
        self.order(FenceEnded(ask.router, ask.number, "" if well else "exit status 1"))


class FencingLastHolder(LastHolder):
    """Judges by what `memory` has, and by who was switched off."""

    def gone(self, director: Any, spec: RouterSpec, why: str) -> None:
        """An advert of a host that was switched off may be under way still, and its fencer yields to it."""
        memory = self._memory
        under_way = 2 * memory.networks[spec.interface].longest + self._holders.overlap(spec)
        if all(memory.world.now - d.switched_off_at > under_way for d in memory.directors):  # type: ignore[attr-defined]
            super().gone(director, spec, why)


class FencingJudge(Judge):
    """Judges what all stories are judged by, and fencing."""

    def _make_last_holder(self) -> LastHolder:
        return FencingLastHolder(self.memory, self._holders)

    def _make_recovery(self) -> Recovery:
        return Recovery(self.memory, self._holders, self._last_holder, PATIENCE)

    def moved(self, director: Any, report: RouterReport) -> None:
        """See Witness."""
        if report.state is State.MASTER and report.cause in BY_SILENCE:
            self._has_fenced(director, report.router)
        super().moved(director, report)

    def _has_fenced(self, director: FencingDirector, name: str) -> None:
        memory = self.memory
        spec = next(spec for spec in memory.specs() if spec.name == name)
        heard = memory.heard_by(director, spec)
        inherited = vip_of(spec) in director.inherited and heard.at < 0
        fence = spec.fence
        if fence is None or not fence.required or inherited or _is_heard(director, spec, heard):
            return
        if not fence.at_start and heard.at < 0 and name not in director.knew:
            return
        if director.fenced_at.get(name, -1.0) < heard.at - EPSILON or name not in director.fenced_at:
            memory.broken(f"{director.name} takes {name} over by silence, and fenced nobody")
        others = [d for d in memory.directors if d is not director and d.holds(vip_of(spec))]
        if len(memory.directors) == 2 and fence.at_start and others:
            memory.broken(f"{director.name} takes {name} over by silence while {others[0].name} has the VIP")


def _is_heard(director: FencingDirector, spec: RouterSpec, heard: Heard) -> bool:
    """Whether an owner preempts a living master, or follows a release: its cause does not tell."""
    router = router_of(director, spec.vrid)
    owner = router is not None and router.cause is Cause.OWNER
    lately = director.world.now - heard.at < spec.down_after * spec.advert_interval
    return owner and (lately or heard.released > float("-inf"))


class FencingTrial(Trial):
    """The story of a seed with fencing."""

    judges = FencingJudge
    directs = FencingDirector

    def __init__(self, seed: int, *, told: bool = False) -> None:
        self._fence_chance = random.Random(f"fencing {seed}")
        super().__init__(seed, told=told)
        self.fencer = Fencer(self._fence_chance)
        for director in self._directors:
            assert isinstance(director, FencingDirector)
            director.fencer = self.fencer
            self.fencer.directors.append(director)

    def _draw(self) -> Plan:
        plan, chance = super()._draw(), self._fence_chance
        fence = FenceSpec(timeout=TIMEOUT, required=chance.random() < 0.75, at_start=chance.random() < 0.6)

        def fenced(router: RouterSpec) -> RouterSpec:
            return msgspec.structs.replace(router, fence=fence)

        specs = tuple(
            msgspec.structs.replace(spec, routers=tuple(map(fenced, spec.routers))) for spec in plan.specs
        )
        return dataclasses.replace(plan, specs=specs)

    def _long(self) -> float:
        return super()._long() + PATIENCE + 10.0

    def _make_calm(self) -> None:
        self.fencer.fails = 0.0
        super()._make_calm()
