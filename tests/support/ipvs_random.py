"""Random operations on the part of the daemon that keeps the table, against a kernel that fails now and then.

``World`` owns a `Balancer` and does to it what configuration, checks and operators do; ``Faulty`` is a kernel, faked or
real, that loses answers and refuses for want of memory. All of it follows from one seed.
"""

import asyncio
import errno
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from hactl.config.model import Config
from hactl.ipvs import plan, policy, update, words
from hactl.ipvs.errors import IpvsLost
from hactl.ipvs.kernel import Snapshot
from hactl.ipvs.model import Entry, Info, ServiceKey, Timeouts
from hactl.ipvs.ops import DeleteServer, MoveServer, Op
from hactl.ipvs.passes import Refusal
from hactl.ipvs.spec import (
    CheckRef,
    Forward,
    IpvsSpec,
    OnDown,
    PanicSpec,
    PersistenceSpec,
    ServerSpec,
    ServiceSpec,
    TunnelSpec,
    TunnelType,
)
from hactl.ipvs.spec import Protocol as Transport
from hactl.services.balancer import Balancer
from hactl.services.state import index
from hactl.wishes.overrides import Admin, Overrides, Wish
from hactl.wishes.scopes import OverrideError, Scope
from health.result import Health, Outcome, Reason, Result
from support.tasks import at_work

VIP4, VIP6 = "10.77.0.100", "fd77::100"
SCHEDULERS = ("rr", "wrr", "wlc", "lc", *("sh", "mh") * 3, "sed", "nq", "fo", "dh")
TRANSIENT = (errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN)
RECONCILE = 0.15
LONGEST_DUE = 0.4
"""Seconds until no slow start and no panic of these services changes anything any more."""
PATIENCE = 5.0
"""Seconds after which the table must be as wished; a second is the aim."""


class Table(Protocol):
    """What is kept of a kernel's table, and performed on it."""

    async def start(self) -> Info: ...
    async def read(self, keys: Any = None, *, sums: bool = False) -> Snapshot: ...
    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]: ...
    async def timeouts(self) -> Timeouts: ...
    async def set_timeouts(self, timeouts: Timeouts) -> None: ...


class Faulty:
    """A kernel that answers as ``table`` does, but for faults: with ``rate`` of its calls one is lost or refused."""

    def __init__(self, table: Table, rng: random.Random) -> None:
        self.table, self.rng = table, rng
        self.rate = 0.0
        self.faults = 0
        self.applied: list[Op] = []
        self.close = lambda: None

    def _strikes(self) -> bool:
        struck = self.rng.random() < self.rate
        self.faults += struck
        return struck

    async def start(self) -> Info:
        """The version, or lost."""
        if self._strikes():
            raise IpvsLost("the answer was lost")
        return await self.table.start()

    async def read(self, keys: Any = None, *, sums: bool = False) -> Snapshot:
        """The table, or lost."""
        if self._strikes():
            raise IpvsLost("the answer was lost")
        return await self.table.read(keys, sums=sums)

    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]:
        """All, some and lost, all and lost, or some refused for want of memory."""
        kind = self.rng.choice(("cut", "lost", "refused")) if self._strikes() else ""
        if kind == "cut":
            await self._perform(ops[: self.rng.randrange(len(ops) + 1)])
            raise IpvsLost("the answer was lost")
        if kind == "refused":
            refused = {
                number: self.rng.choice(TRANSIENT) for number in range(len(ops)) if self.rng.random() < 0.5
            }
            left = [_left_of(op) if number in refused else op for number, op in enumerate(ops)]
            rest = await self._perform([op for op in left if op is not None])
            return (*rest, *(Refusal(ops[number], code) for number, code in refused.items()))
        done = await self._perform(ops)
        if kind == "lost":
            raise IpvsLost("the answer was lost")
        return done

    async def _perform(self, ops: Sequence[Op]) -> tuple[Refusal, ...]:
        self.applied += ops
        return await self.table.apply(ops) if ops else ()

    async def timeouts(self) -> Timeouts:
        """As they are."""
        return await self.table.timeouts()

    async def set_timeouts(self, timeouts: Timeouts) -> None:
        """Sets them."""
        await self.table.set_timeouts(timeouts)


def _left_of(op: Op) -> Op | None:
    """Of a refused move the kernel has done the first half."""
    return DeleteServer(op.key, op.server) if isinstance(op, MoveServer) else None


class Quiet:
    """A log that nobody reads."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class World:
    """Configuration, verdicts and operators' wishes, changing at random, and the balancer that follows them."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = random.Random(seed)
        self.config = base(folder)
        self.overrides = Overrides()
        self.holding: set[str] = set()
        self.balancer = Balancer(self.config, self.overrides, lambda _: None, lambda *_: None, Quiet())
        self.done: list[str] = []

    def use(self, kernel: Faulty) -> None:
        """Before it starts: this is the kernel."""
        setattr(self.balancer, "_kernel", kernel)  # noqa: B010 - the balancer makes its own everywhere else

    @property
    def wish(self) -> dict[ServiceKey, Entry]:
        """What the table should be, computed anew from everything."""
        return policy.desired(index(self.config.services), self.balancer.state, self.holding)

    def pending(self) -> list[float]:
        """Seconds until something changes by time alone, one for each service where it does."""
        specs = {spec.name: spec for spec in self.config.services}
        known = self.balancer.state.services
        times = (update.due(known[name], specs[name]) for name in specs if name in known)
        return [max(0.01, when - time.monotonic()) for when in times if when is not None]

    def step(self) -> None:
        """One thing happens."""
        kinds = (self._edit, self._verdicts, self._verdicts, self._operator, self._takeover)
        what = self.rng.choice(kinds)
        self.done.append(what.__name__)
        what()

    def _edit(self) -> None:
        """A reload: a service comes, goes, or changes in some key."""
        specs = {spec.name: spec for spec in self.config.services}
        name = f"s{self.rng.randrange(8)}"
        if name in specs and self.rng.random() < 0.3:
            del specs[name]
        elif name in specs and self.rng.random() < 0.6:
            specs[name] = self._changed(specs[name])
        else:
            specs[name] = self._service(name)
        self.config = msgspec.structs.replace(self.config, services=tuple(specs.values()))
        self.balancer.apply(self.config)

    def _changed(self, spec: ServiceSpec) -> ServiceSpec:
        servers = self._servers(spec.name, spec.forward, spec.family)
        more = self.rng.choice(
            ({"servers": servers}, {"scheduler": self.rng.choice(SCHEDULERS)}, {"slow_start": 0.2})
        )
        changed = msgspec.structs.replace(spec, **more)
        return msgspec.structs.replace(changed, on_down=self._on_down(changed.scheduler))

    def _service(self, name: str) -> ServiceSpec:
        """Any service; its name says what the kernel knows it by, so that two never are one."""
        rng, number = self.rng, int(name[1:])
        family = "ipv6" if number % 3 == 2 else "ipv4"
        forward = rng.choice((Forward.NAT, Forward.DR, Forward.TUN))
        scheduler = rng.choice(SCHEDULERS)
        where: dict[str, Any] = {"address": VIP6 if family == "ipv6" else VIP4, "port": 80 + number}
        where["protocol"] = rng.choice((Transport.TCP, Transport.TCP, Transport.UDP))
        if number == 7:
            where = {"fwmark": 7}
        mask = rng.choice((None, 24, 64 if family == "ipv6" else 32))
        sorry = rng.random() < 0.3
        return ServiceSpec(
            name=name,
            family=family,
            forward=forward,
            scheduler=scheduler,
            persistence=PersistenceSpec(timeout=rng.choice((60, 300)), netmask=mask)
            if rng.random() < 0.3
            else None,
            servers=self._servers(name, forward, family),
            on_down=self._on_down(scheduler),
            sorry=self._server("sorry", 9, forward, family, ()) if sorry else None,
            slow_start=rng.choice((0.0, 0.3)),
            panic=None
            if sorry
            else rng.choice((None, PanicSpec(share=0.5, at_least=3, hold=0.3, window=0.2))),
            while_holding=rng.random() < 0.2,
            **where,
        )

    def _on_down(self, scheduler: str) -> OnDown:
        if scheduler in ("mh", "sh"):
            return OnDown.QUIESCE
        return OnDown.REMOVE if scheduler == "dh" else self.rng.choice(list(OnDown))

    def _servers(self, service: str, forward: Forward, family: str) -> tuple[ServerSpec, ...]:
        numbers = self.rng.sample(range(1, 7), self.rng.randrange(0, 6))
        return tuple(
            self._server(f"rs{n}", n, forward, family, (CheckRef(name="c", id=f"{service}-rs{n}"),))
            for n in numbers
        )

    def _server(
        self, name: str, number: int, forward: Forward, family: str, checks: tuple[CheckRef, ...]
    ) -> ServerSpec:
        tunnel = None
        if forward is Forward.TUN:
            tunnel = self.rng.choice(
                (TunnelSpec(), TunnelSpec(type=TunnelType.GRE), TunnelSpec(type=TunnelType.GUE, port=6080))
            )
        upper = self.rng.choice((0, 0, 100))
        return ServerSpec(
            name=name,
            address=f"fd77::{20 + number}" if family == "ipv6" else f"10.77.0.{20 + number}",
            port=80,
            weight=self.rng.randrange(0, 5),
            forward=forward,
            tunnel=tunnel,
            upper=upper,
            lower=upper // 2,
            checks=checks,
        )

    def _verdicts(self) -> None:
        """Some checks say something else."""
        ids = [
            check.id for spec in self.config.services for server in spec.servers for check in server.checks
        ]
        now = time.monotonic()
        outcomes = []
        for check in self.rng.sample(ids, min(len(ids), self.rng.randrange(1, 6))):
            health = self.rng.choice((Health.UP, Health.UP, Health.DOWN))
            reason = Reason.OK if health is Health.UP else Reason.CONNECT_REFUSED
            outcomes.append(
                Outcome(check=check, health=health, result=Result(reason=reason), at=now, since=now)
            )
        self.balancer.learn(outcomes)

    def _operator(self) -> None:
        """Drain, disable, weigh or enable something; what is refused is refused."""
        action = self.rng.choice((Admin.DRAIN, Admin.DISABLED, Admin.ENABLED, None))
        scope = Scope(f"rs{self.rng.randrange(1, 7)}", self.rng.choice((None, f"s{self.rng.randrange(8)}")))
        weight = self.rng.randrange(0, 9) if action is None else None
        try:
            self.overrides = self.overrides.with_wish(
                Wish(scope=scope, admin=action, weight=weight), self.config.services, 1.0
            )
        except OverrideError:
            return
        self.balancer.set_overrides(self.overrides)

    def _takeover(self) -> None:
        """A VIP comes or goes."""
        self.holding ^= {self.rng.choice((VIP4, VIP6))}
        self.balancer.set_holding(self.holding)


FOREIGN = tuple(ServiceKey(protocol=Transport.TCP, address="10.99.99.99", port=port) for port in (1, 2))
"""Services of somebody else, which are none of ours whatever happens."""


def base(folder: Path) -> Config:
    """A configuration without services."""
    from hactl.config.load import load

    file = folder / "base.yaml"
    file.write_text(f"cluster: random\ndirectors: {{lb1: 10.77.0.11}}\nstate_dir: {folder}\n")
    config = load(str(file), "lb1").config
    assert config is not None
    return msgspec.structs.replace(config, ipvs=IpvsSpec(reconcile=RECONCILE))


async def campaign(
    world: World, kernel: Faulty, tamper: Callable[[], Awaitable[None]], steps: int
) -> tuple[float, int]:
    """So many steps, with faults and tampering, and quiet now and then. Gives the longest time until the table was as
    wished, in seconds, and how often that was looked at."""
    world.use(kernel)
    await world.balancer.start()
    longest, looked = 0.0, 0
    try:
        async with at_work(world.balancer.run()):
            for step in range(1, steps + 1):
                kernel.rate = 0.3
                if world.rng.random() < 0.15:
                    await tamper()
                else:
                    world.step()
                await asyncio.sleep(world.rng.choice((0.0, 0.0, 0.005, 0.06)))
                if step % 100 == 0 or step == steps:
                    kernel.rate = 0.0
                    longest = max(longest, await _settle(world, kernel))
                    looked += 1
    finally:
        world.balancer.close()
    return longest, looked


async def _settle(world: World, kernel: Faulty) -> float:
    """Quiet: until the table is as wished; then a pass that changes nothing writes nothing."""
    begun = time.monotonic()
    while not await _as_wished(world, kernel):
        assert time.monotonic() - begun < PATIENCE, await _difference(world, kernel)
        await asyncio.sleep(0.02)
    took = time.monotonic() - begun
    await asyncio.sleep(LONGEST_DUE)
    assert not world.pending()
    await asyncio.sleep(2 * RECONCILE)
    written = len(kernel.applied)
    await asyncio.sleep(2 * RECONCILE)
    assert kernel.applied[written:] == []
    assert await _as_wished(world, kernel), await _difference(world, kernel)
    return took


async def _as_wished(world: World, kernel: Faulty) -> bool:
    held = {key: entry for key, entry in (await kernel.table.read()).table.items() if key not in FOREIGN}
    return plan.diff(held, world.wish, held) == ()


async def _difference(world: World, kernel: Faulty) -> str:
    held = {key: entry for key, entry in (await kernel.table.read()).table.items() if key not in FOREIGN}
    return (
        "\n".join(words.intent(op) for op in plan.diff(held, world.wish, held))
        + f"\nlast: {world.done[-20:]}"
    )
