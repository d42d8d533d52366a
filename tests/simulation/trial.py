"""One seed's story told from its beginning to its end, and judged on the way.

The law: the seed alone decides everything, so that a failing one can be told again, byte for byte.
"""

import random
from typing import ClassVar

from simulation.director import Director
from simulation.judge import Judge
from simulation.schedule import MOST_PAUSE, Plan, draw
from simulation.standins import in_the_world
from simulation.weather import CALM, Network
from simulation.wires import Wires
from simulation.world import Broken, Clock, Rank, World

from failover.spec import Standby

NETWORKS = ("eth0", "eth1")
HOLDS = (1.0, 5.0, 3600.0)
"""How long a handover holds back, in seconds."""


class Trial:
    """The story of one seed. `run` tells it or raises Broken; `story` has its lines where they are wanted."""

    judges: ClassVar[type[Judge]] = Judge
    directs: ClassVar[type[Director]] = Director

    def __init__(self, seed: int, *, told: bool = False) -> None:
        self.seed = seed
        self.story: list[str] = []
        self._chance = random.Random(seed)
        self.plan = self._draw()
        plan = self.plan
        self._world = World(self._chance, self.story if told else None)
        self._networks = {name: Network(self._chance, plan.interval, plan.weather) for name in NETWORKS}
        self._wires = Wires(self._world, self._networks)
        slowest = max(host.slow for host in plan.hosts)
        self._judge = self.judges(
            self._world, self._networks, fair=plan.weather.fair, prompt=plan.weather.prompt, slowest=slowest
        )
        vips = tuple(bytes(map(int, r.addresses[0].address.split("."))) for r in plan.specs[0].routers)
        self._directors = [
            self.directs(
                number, spec, Clock(host.base, host.rate), self._world, self._wires, self._judge, vips
            )
            for number, (spec, host) in enumerate(zip(plan.specs, plan.hosts, strict=True), 1)
        ]
        for director, host in zip(self._directors, plan.hosts, strict=True):
            director.slow = host.slow
        self._wires.seats.extend(self._directors)
        self._judge.attend(self._directors)

    def _draw(self) -> Plan:
        return draw(self._chance)

    @property
    def events(self) -> int:
        """How many events the story had."""
        return self._world.events

    def run(self) -> None:
        """Tell it."""
        with in_the_world():
            try:
                self._tell_all()
            except Broken as broken:
                self._world.tell("", f"BROKEN {broken}")
                raise
            except Exception as fault:
                self._world.tell("", f"BROKEN a fault of the program: {type(fault).__name__}: {fault}")
                raise Broken(f"at {self._world.now:.4f}: {type(fault).__name__}: {fault}") from fault

    def _tell_all(self) -> None:
        plan, world = self.plan, self._world
        self._introduce()
        for director in self._directors:
            world.at(
                self._chance.choice((0.0, 0.0, 1.0)) * plan.interval * self._chance.random(),
                Rank.FAULT,
                self._start,
                director,
            )
        for at, kind in plan.steps:
            world.at(at, Rank.FAULT, self._trouble, kind)
        world.run(plan.steps[-1][0] + self._chance.uniform(0.1, 5) * plan.interval)
        self._make_calm()
        world.run(world.now + self._long())
        if any(director.wishes.holds for director in self._directors):
            # Another may have preempted where the best one held back, which ends the hold: now that one waits.
            world.run(world.now + plan.specs[0].routers[0].preempt_delay)
        self._judge.ends()

    def _introduce(self) -> None:
        plan = self.plan
        router = plan.specs[0].routers[0]
        self._world.tell(
            "",
            f"{len(plan.specs)} directors, adverts every {plan.interval} s (v{router.version}), weather {plan.weather},"
            f" down_after {router.down_after}, preempt {router.preempt} after {router.preempt_delay} s,"
            f" startup_delay {router.startup_delay} s, lease {router.lease} s",
        )
        for spec, host in zip(plan.specs, plan.hosts, strict=True):
            links = spec.channel.peers[0].links if spec.channel else ()
            self._world.tell(
                spec.node,
                f"priority {spec.routers[0].priority}, clock {host.rate:.5f}, writes {host.slow} s,"
                f" {len(links)} links, routers {len(spec.routers)}",
            )

    def _long(self) -> float:
        """Seconds after which all must be in order: recovery, a hold, what waits to preempt, and leases."""
        plan, router = self.plan, self.plan.specs[0].routers[0]
        return (
            2 * plan.patience
            + router.preempt_delay
            + router.startup_delay
            + router.lease
            + 8 * plan.interval
            + 4.0
        )

    # ---- troubles -----------------------------------------------------------------------------------------------------

    def _trouble(self, kind: str) -> None:
        director = self._chance.choice(self._directors)
        getattr(self, f"_do_{kind}")(director)

    def _start(self, director: Director) -> None:
        if not director.alive:
            self._judge.fault(self.plan.specs[0].routers[0].startup_delay)
            director.start()

    def _do_start(self, director: Director) -> None:
        self._start(director)

    def _do_crash(self, director: Director) -> None:
        if director.alive:
            self._judge.fault()
            director.crash()
            self._perhaps(0.5, self._start, director)

    def _do_crash_soon(self, director: Director) -> None:
        """Killed between two effects, perhaps within a takeover."""
        self._judge.fault(12 * self.plan.interval)
        director.crash(after=self._chance.randint(1, 12))

    def _do_freeze(self, director: Director) -> None:
        if not director.awake:
            return
        self._judge.fault()
        director.freeze()
        lease = self.plan.specs[0].routers[0].lease
        longest = self._chance.choice((0.2, 3 * self.plan.interval, lease + 0.5, 2 * lease, MOST_PAUSE))
        self._world.at(self._world.now + self._chance.random() * longest, Rank.FAULT, self._do_thaw, director)

    def _do_thaw(self, director: Director) -> None:
        if director.alive and not director.awake:
            self._judge.fault(self.plan.interval)
            director.thaw()

    def _do_cut(self, director: Director) -> None:
        network = self._networks[self._chance.choice(NETWORKS if self._two() else NETWORKS[:1])]
        for other in self._directors:
            if other is not director and self._chance.random() < 0.7:
                network.cuts |= self._chance.choice(
                    (
                        {(director.number, other.number)},
                        {(other.number, director.number)},
                        {(director.number, other.number), (other.number, director.number)},
                    )
                )
        self._world.tell("", f"from now on is cut: {sorted(network.cuts)}")
        self._judge.fault()
        self._judge.changed()

    def _do_heal(self, director: Director) -> None:
        if any(network.cuts for network in self._networks.values()):
            for network in self._networks.values():
                network.cuts.clear()
            self._world.tell("", "no way is cut any more")
            self._judge.fault(self.plan.interval)
            self._judge.changed()

    def _do_link(self, director: Director) -> None:
        name = self._chance.choice(NETWORKS if self._two() else NETWORKS[:1])
        self._set_link((director, name, not director.kernel.links[name].up))
        if self._chance.random() < 0.6:
            later = self._chance.choice((0.05, 1.0, 6.0)) * self.plan.interval
            self._world.at(
                self._world.now + later,
                Rank.FAULT,
                self._set_link,
                (director, name, director.kernel.links[name].up is False),
            )

    def _set_link(self, what: tuple[Director, str, bool]) -> None:
        director, name, up = what
        if director.kernel.links[name].up is not up:
            self._judge.link_changed()
            self._judge.fault(self.plan.interval)
            director.set_link(name, up=up)
            self._judge.changed()

    def _do_priority(self, director: Director) -> None:
        added = self._chance.choice((0, -30, -60, -150, 20, 100))
        self._world.tell(director.name, f"tracking adds {added}")
        self._judge.fault(self.plan.interval)
        director.set_added(added)

    def _do_hand_over(self, director: Director) -> None:
        if director.awake:
            self._judge.ordered()
            self._judge.fault(self._order_lasts())
            self._judge.hands_over(director)
            director.hand_over(None, self._chance.choice(HOLDS))

    def _do_stop(self, director: Director) -> None:
        if director.awake:
            self._judge.ordered()
            self._judge.fault(self._order_lasts())
            self._judge.hands_over(director)
            director.stop()
            self._perhaps(0.6, self._start, director)

    def _do_aside(self, director: Director) -> None:
        if director.alive:
            self._judge.ordered()
            self._judge.fault(self._order_lasts())
            director.stand_aside(self._chance.choice((Standby.SOFT, Standby.HARD)))

    def _do_resume(self, director: Director) -> None:
        if director.alive:
            self._judge.fault(self.plan.interval)
            director.resume()

    def _do_pulse(self, director: Director) -> None:
        """A short stall, which must have no effect or the right one."""
        if director.awake:
            self._judge.fault()
            director.freeze()
            pause = self._chance.uniform(0.01, 1.5) * self.plan.interval
            self._world.at(self._world.now + pause, Rank.FAULT, self._do_thaw, director)

    def _order_lasts(self) -> float:
        """How long a handover may take until somebody is master in any case."""
        return 2 * self.plan.interval + 2 * self.plan.patience + 2.0

    def _perhaps(self, chance: float, act: object, director: Director) -> None:
        if self._chance.random() < chance:
            later = self._chance.choice((0.01, 1.0, 5.0)) * self._chance.random()
            self._world.at(self._world.now + later, Rank.FAULT, act, director)  # type: ignore[arg-type]

    def _two(self) -> bool:
        return len(self.plan.specs[0].routers) > 1 or self.plan.specs[0].channel is not None

    def _make_calm(self) -> None:
        self._world.tell("", "all is well from now on")
        late = self.plan.weather.delay * self.plan.interval
        self._judge.fault(max(late, self._order_lasts()))
        for network in self._networks.values():
            network.weather = CALM
            network.cuts.clear()
        for director in self._directors:
            director.spare()
            for name in NETWORKS:
                if not director.kernel.links[name].up:
                    self._judge.link_changed()
                    director.set_link(name, up=True)
            self._do_thaw(director)
        self._judge.changed()


def told(seed: int, kind: type[Trial] = Trial) -> str:
    """The story of a seed."""
    trial = kind(seed, told=True)
    try:
        trial.run()
    except Broken as broken:
        return "\n".join([*trial.story, f"seed {seed}: {broken}"])
    return "\n".join(trial.story)
