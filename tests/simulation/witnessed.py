"""Stories with an arbiter: the same troubles as without, and further ones on the ways to it and of it.

The law is one, without exception and in any weather: never do two kernels have a VIP. After the last fault one living
director is master and has it. What belongs to the arbiter is drawn by a chance of its own.
"""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from simulation.arbiter import Arbiter, Asker
from simulation.trial import Trial
from simulation.world import Broken, Rank

from failover.moves import State
from failover.packet import Advert
from failover.report import RouterReport
from failover.spec import FailoverSpec, Standby, WitnessSpec
from failover.witness import COURT_AGAIN

if TYPE_CHECKING:
    from simulation.director import Director

CLOCKS = 0.008
"""By how much a host's clock may run wrong here; the arbiter's margin is for a hundredth."""
_SLOW = (0.01, 0.01, 0.1, 0.6, 1.2)


class OneHolder:
    """Stands for `Judge`."""

    def __init__(self, trial: "WitnessTrial") -> None:
        self.directors: Sequence[Director] = ()
        self._trial = trial

    def held(self, director: "Director", vip: bytes, why: str) -> None:
        """A VIP came, or went: who has it now?"""
        holders = [one.name for one in self.directors if one.holds(vip)]
        if len(holders) > 1:
            raise Broken(f"at {self._trial.now:.4f}: two holders: {' and '.join(holders)}")

    def ends(self) -> None:
        """The end, long after the last fault."""
        for number, spec in enumerate(self.directors[0].spec.routers):
            vip = self._trial.vips[number]
            able = [
                d
                for d in self.directors
                if d.alive and d.wishes.standby(d.name) is Standby.OFF and d.kernel.links[spec.interface].up
            ]
            masters = [
                d.name
                for d in self.directors
                if (i := d.instance(spec.name)) is not None and i.state is State.MASTER
            ]
            holders = [d.name for d in self.directors if d.alive and d.holds(vip)]
            if able and (len(masters) != 1 or holders != masters):
                raise Broken(f"in the end masters of {spec.name} are {masters}, its VIP is on {holders}")

    def fault(self, lasts: float = 0.0) -> None:
        """Nothing to judge."""

    def ordered(self) -> None:
        """Nothing to judge."""

    def hands_over(self, giver: "Director") -> None:
        """Nothing to judge."""

    def link_changed(self) -> None:
        """Nothing to judge."""

    def changed(self) -> None:
        """Nothing to judge."""

    def arrived(self, to: "Director", sender: "Director", advert: Advert) -> None:
        """Nothing to judge."""

    def said(self, director: "Director", advert: Advert) -> None:
        """Nothing to judge."""

    def moved(self, director: "Director", report: RouterReport) -> None:
        """Nothing to judge."""

    def announced(self, director: "Director", frame: bytes) -> None:
        """Nothing to judge."""

    def lives(self, director: "Director") -> None:
        """Nothing to judge."""


class WitnessTrial(Trial):
    """The story of one seed."""

    def __init__(self, seed: int, *, told: bool = False) -> None:
        super().__init__(seed, told=told)
        self._own = chance = random.Random(f"witness {seed}")
        self._arbiter = Arbiter(self._world, chance)
        specs = self.plan.specs
        self._ttl = 2 * specs[0].routers[0].lease + 5
        self.vips = [bytes(map(int, r.addresses[0].address.split("."))) for r in specs[0].routers]
        judge = OneHolder(self)
        judge.directors = self._directors
        self._judge = judge  # type: ignore[assignment]
        for director in self._directors:
            director.clock.rate = 1 + chance.uniform(-CLOCKS, CLOCKS)
            director.spec = _with_key(director.spec)
            director._witness = judge
            director.make_asker = self._asker

    @property
    def now(self) -> float:
        """The world's time."""
        return self._world.now

    def _asker(self, director: "Director", tell: object) -> Asker:
        return Asker(self._arbiter, director, "key", self._ttl, tell)  # type: ignore[arg-type]

    def _tell_all(self) -> None:
        end = self.plan.steps[-1][0]
        for _ in range(self._own.randint(0, 6)):
            self._world.at(self._own.uniform(0, end), Rank.FAULT, self._trouble_it, None)
        super()._tell_all()

    def _trouble_it(self, _: None) -> None:
        arbiter, director = self._arbiter, self._own.choice(self._directors)
        kind = self._own.choice(("cut", "to", "from", "heal", "slow", "down"))
        self._world.tell("arbiter", f"{kind} {director.name}")
        match kind:
            case "cut":
                arbiter.cut |= {("to", director.name), ("from", director.name)}
            case "to" | "from":
                arbiter.cut.add((kind, director.name))
            case "heal":
                arbiter.cut.clear()
            case "slow":
                arbiter.slowest = self._own.choice(_SLOW)
            case "down":
                arbiter.down = True
                self._world.at(self.now + self._own.uniform(0, 2 * self._ttl), Rank.FAULT, self._up, None)

    def _up(self, _: None) -> None:
        self._arbiter.down = False

    def _make_calm(self) -> None:
        super()._make_calm()
        self._arbiter.cut.clear()
        self._arbiter.down, self._arbiter.slowest = False, 0.01

    def _long(self) -> float:
        return super()._long() + 3 * self._ttl + COURT_AGAIN


def _with_key(spec: FailoverSpec) -> FailoverSpec:
    routers = tuple(
        msgspec.structs.replace(router, witness=WitnessSpec(key="key")) for router in spec.routers
    )
    return msgspec.structs.replace(spec, routers=routers)
