"""Asks the witnesses of one director, outside of every advert: what they allow goes to the failover worker; edge.

Owns the sessions with the arbiter, one for each key. Pings and connections are the health workers' checks, of which it hears
the results. The law: what is allowed ends by itself; if this process stands still or dies, it has ended in time.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from failover.permit import Permit
from failover.report import RouterReport
from hactl import store
from hactl.config.model import Config
from hactl.witness.gathering import Gathering
from hactl.witness.lease import Lease, Verb
from hactl.witness.spec import ArbiterSpec
from hactl.witness.view import WitnessesView
from health.result import Outcome, Repeats

if TYPE_CHECKING:
    from hactl.witness.etcd import Etcd

ALIVE = 2.5
"""Seconds of silence of the failover worker after which what it holds is renewed no more."""
LOOK = 0.25


class Witnesses:
    """Those of one director. `tell` takes what is allowed, by router; `heard` gives when the failover worker was last heard
    (monotonic seconds)."""

    def __init__(
        self,
        config: Config,
        tell: Callable[[Mapping[str, Permit]], None],
        heard: Callable[[], float],
        log: Any,
    ) -> None:
        self._tell, self._heard, self._log = tell, heard, log
        self._config = config
        spec = config.witnesses
        self._gathering = None if spec is None else Gathering(spec, boot_time())
        self._leases: dict[str, Lease] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._claims: dict[str, int] = {}
        self._moved: dict[str, asyncio.Event] = {}
        self._told: dict[str, Permit] = {}
        self._shift = _shift()
        self._settling = False
        self._given = asyncio.Event()
        self._etcd: Etcd | None = None
        self._arbiter: ArbiterSpec | None = None
        self._trouble = ""
        """Why the arbiter cannot be asked at all."""
        self._boot = store.boot_id()

    # ---- what others tell -------------------------------------------------------------------------------------------

    def apply(self, config: Config) -> None:
        """A reload. A key that is needed no more is not given up but left to its end: the VIPs may be on yet."""
        spec = config.witnesses
        self._config = config
        self._given.set()
        if spec is None:
            self._gathering = None
        elif self._gathering is None:
            self._gathering = Gathering(spec, boot_time(), trusted=True)
        else:
            self._gathering.change(spec, boot_time())
        self._say()

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """Results of checks."""
        if self._gathering is not None and self._gathering.learn(outcomes, boot_time(), _shift()):
            self._say()

    def repeat(self, again: Repeats) -> None:
        """Checks that passed once more."""
        if self._gathering is not None and self._gathering.repeat(again, boot_time(), _shift()):
            self._say()

    def follow(self, reports: Mapping[str, RouterReport]) -> None:
        """The routers' last reports: which of them need the arbiter's lease."""
        keys = self._keys()
        for name, report in reports.items():
            key = keys.get(name)
            if key is not None and self._claims.get(name, 0) != report.claim:
                self._claims[name] = report.claim
                if key in self._moved:
                    self._moved[key].set()

    def view(self) -> WitnessesView | None:
        """For status; None without witnesses."""
        if self._gathering is None:
            return None
        shown = self._gathering.view(boot_time(), self._leases)
        arbiter = self._gathering.spec.arbiter
        if self._trouble and arbiter is not None:
            shown["targets"][arbiter.name]["reason"] = self._trouble
        return shown

    # ---- work -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                if not self._settling:
                    await self._have_sessions()
                self._say()
                await asyncio.sleep(LOOK)
                if self._config.witnesses is None and not self._tasks:
                    self._given.clear()
                    await self._given.wait()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            if self._etcd is not None:
                await self._etcd.close()

    async def settle(self) -> None:
        """The failover worker has ended in order: give all leases up."""
        self._settling = True
        self._claims.clear()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for lease in self._leases.values():
            lease.claim = 0
        if self._etcd is not None:
            leases = ((key, lease) for key, lease in self._leases.items() if lease.is_held)
            await asyncio.gather(*(self._perform(self._etcd, key, lease) for key, lease in leases))

    async def _have_sessions(self) -> None:
        """One session for each key of the configuration, and no other."""
        spec = self._config.witnesses
        arbiter = spec.arbiter if spec else None
        wanted = set(spec.keys.values()) if spec and arbiter else set()
        changed = arbiter != self._arbiter
        for key in [key for key in self._tasks if changed or key not in wanted]:
            self._tasks[key].cancel()
            await asyncio.gather(self._tasks.pop(key), return_exceptions=True)
            del self._leases[key]
        if changed:
            await self._connect(arbiter)
        for key in wanted - set(self._tasks):
            if self._etcd is not None and arbiter is not None and spec is not None:
                self._leases[key] = Lease(f"{spec.holder} {self._boot}", arbiter.ttl)
                self._moved[key] = asyncio.Event()
                self._tasks[key] = asyncio.create_task(self._keep(self._etcd, key))

    async def _connect(self, arbiter: ArbiterSpec | None) -> None:
        # aiohttp takes 0.3 s to import, and most directors have no arbiter.
        from hactl.witness.etcd import Etcd

        if self._etcd is not None:
            await self._etcd.close()
            self._etcd = None
        try:
            self._etcd = Etcd(arbiter) if arbiter is not None else None
            self._arbiter, self._trouble = arbiter, ""
        except OSError as error:
            text = f"the witness's TLS files cannot be used: {error}"
            if text != self._trouble:  # It is tried at each look, and told once.
                self._log.warning(text)
            self._trouble = text

    async def _keep(self, etcd: "Etcd", key: str) -> None:
        lease, moved = self._leases[key], self._moved[key]
        while True:
            moved.clear()
            self._see(key, lease)
            if not await self._perform(etcd, key, lease):
                wait = lease.due(boot_time()) - boot_time()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(max(wait, 0.0), LOOK)):
                        await moved.wait()

    async def _perform(self, etcd: "Etcd", key: str, lease: Lease) -> bool:
        """Ask what is due; False for nothing."""
        from hactl.witness.etcd import NoAnswerError

        sent = boot_time()
        question = lease.ask(sent)
        if question is None:
            return False
        if question.verb is Verb.REVOKE:
            self._say()  # Before it is given up nobody here may think to have it.
        try:
            reply = await etcd.ask(question, key, lease.me)
            lease.trouble = ""
        except NoAnswerError as error:
            reply, lease.trouble = None, str(error)
        lease.answered(question, reply, sent, boot_time())
        self._say()
        return True

    def _see(self, key: str, lease: Lease) -> None:
        """Whether the lease is needed, and by somebody who lives."""
        claims = [self._claims.get(name, 0) for name, of in self._keys().items() if of == key]
        lease.claim = max(claims, default=0)
        lease.alive = time.monotonic() - self._heard() < ALIVE

    def _keys(self) -> Mapping[str, str]:
        spec = self._config.witnesses
        return spec.keys if spec is not None and spec.arbiter is not None else {}

    def _say(self) -> None:
        """Tell what is allowed, in the failover worker's clock, if that moved."""
        if self._gathering is None:
            permits: dict[str, Permit] = {}
        else:
            routers = [router.name for router in self._config.failover.routers]
            now = boot_time()
            for key, lease in self._leases.items():
                self._see(key, lease)
            permits = self._gathering.permits(self._leases, routers, now)
        if abs(_shift() - self._shift) > 0.01:
            self._shift = _shift()
        told = {
            name: msgspec.structs.replace(
                permit,
                seen_until=permit.seen_until - self._shift,
                key_until=permit.key_until - self._shift,
                claim=self._claims.get(name, 0),
            )
            for name, permit in permits.items()
        }
        if told != self._told:
            self._told = told
            self._tell(told)


def boot_time() -> float:
    """Seconds since the host booted, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _shift() -> float:
    """How much the clock with sleep is ahead of the one without."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
