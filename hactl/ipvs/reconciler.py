"""The loop that keeps the kernel's table as it is wished.

Owns when the table is read and written: at a change of the wish (a burst of changes is one pass), at the
period of read-back, on demand, and when a refused service is to be tried again. What to do is decided in
`passes` and `plan`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from hactl.ipvs import passes
from hactl.ipvs.errors import IpvsError, IpvsLost
from hactl.ipvs.kernel import Snapshot
from hactl.ipvs.model import Info, ServiceCounters, ServiceKey, Table, Timeouts
from hactl.ipvs.ops import Op
from hactl.ipvs.ownership import Owned
from hactl.ipvs.passes import Memory, Mended, Refusal, Refused, Repaired
from hactl.ipvs.spec import IpvsSpec, TimeoutsSpec
from hactl.ipvs.switches import SwitchFault, SwitchSet, enforce

BURST_GAP, BURST_LIMIT = 0.005, 0.05
RETRY, RETRY_SOON = 30.0, 0.4
"""Seconds between two tries while the kernel's IPVS cannot be used, and after an answer was lost."""

SETTLED_WITHIN = 2.0
"""Seconds that one who wants fresh counters waits for a pass."""


class Unusable(msgspec.Struct, frozen=True):
    """The kernel's IPVS cannot be used now; tried again from time to time. Told once for each cause."""

    text: str


class Usable(msgspec.Struct, frozen=True):
    """The kernel's IPVS can be used, for the first time or again."""

    version: str


class Faulty(msgspec.Struct, frozen=True):
    """Something beside the table that is not as wished: a switch, a time-out, the record. Told once for each text."""

    text: str


class SettingsRepaired(msgspec.Struct, frozen=True):
    """Somebody else had changed switches or time-outs, which were put right; one sentence each."""

    texts: tuple[str, ...]


Report = Repaired | Refused | Mended | Unusable | Usable | Faulty | SettingsRepaired


class KernelTable(Protocol):
    """What the reconciler needs of `kernel.Kernel`."""

    async def start(self) -> Info: ...
    async def read(self, keys: Collection[ServiceKey] | None = None, *, sums: bool = False) -> Snapshot: ...
    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]: ...
    async def timeouts(self) -> Timeouts: ...
    async def set_timeouts(self, timeouts: Timeouts) -> None: ...


class Reconciler:
    """Keeps one table. Until the first `wish` nothing is read or written.

    `report` is called with what operators may want to know and must not block. `store_owned` keeps the record
    of our services; an OSError of it is reported, and the table is written all the same.
    """

    def __init__(
        self,
        kernel: KernelTable,
        *,
        report: Callable[[Report], None],
        store_owned: Callable[[Owned], Awaitable[None]],
        owned: Owned = frozenset(),
        spec: IpvsSpec | None = None,
    ) -> None:
        self._kernel = kernel
        self._report = report
        self._store_owned = store_owned
        self._spec = spec or IpvsSpec()
        self._memory = Memory(owned=owned)
        self._stored = owned
        self._wish: Table | None = None
        self._wake, self._done = asyncio.Event(), asyncio.Event()
        self._read_wanted = False
        self._unusable: str | None = "not used yet"
        self._retry = RETRY
        self._faults: dict[str, frozenset[str]] = {}
        self._enforced: IpvsSpec | None = None
        self._counters: Mapping[ServiceKey, ServiceCounters] = {}
        self._counters_at = self._counted_from = float("-inf")
        self._counters_turn = asyncio.Lock()

    @property
    def held(self) -> Table:
        """What the kernel holds of ours as far as is known."""
        return self._memory.written or {}

    @property
    def owned(self) -> Owned:
        """The services that are ours."""
        return self._memory.owned

    @property
    def unusable(self) -> str | None:
        """Why the kernel's IPVS cannot be used, None while it can."""
        return self._unusable

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """What the kernel refuses now."""
        return tuple(trouble.refusal for trouble in self._memory.troubles.values())

    def wish(self, table: Table) -> None:
        """The whole table as it should be from now on; the mapping must not change afterwards."""
        self._wish = table
        self._done.clear()
        self._wake.set()

    def configure(self, spec: IpvsSpec) -> None:
        """Period, time-outs and switches from now on."""
        self._spec = spec
        self.check_now()

    def check_now(self) -> None:
        """Reads the table back without waiting for the period."""
        self._read_wanted = True
        self._done.clear()
        self._wake.set()

    async def settled(self) -> None:
        """Until a pass has ended that saw the latest wish and demand, whatever came of it."""
        await self._done.wait()

    async def counters(self, max_age: float = 1.0) -> Mapping[ServiceKey, ServiceCounters]:
        """Counters of our services, at most `max_age` seconds old; the last known while the kernel cannot be read."""
        loop = asyncio.get_running_loop()
        async with self._counters_turn:
            if self._unusable is None and loop.time() - self._counters_at > max_age:
                began = loop.time()
                with contextlib.suppress(IpvsError):
                    ours = self._memory.owned
                    found = (await self._kernel.read(ours, sums=True)).counters
                    self._counters = {key: value for key, value in found.items() if key in ours}
                    self._counted_from = began
                self._counters_at = loop.time()
        return self._counters

    async def count_now(self) -> Mapping[ServiceKey, ServiceCounters] | None:
        """Counters read after a pass that saw the latest wish; None while that has not been or the kernel cannot be read."""
        try:
            await asyncio.wait_for(self.settled(), SETTLED_WITHIN)
        except TimeoutError:
            return None
        began = asyncio.get_running_loop().time()
        found = await self.counters(max_age=-1.0)
        return found if self._counted_from >= began else None

    async def run(self) -> None:
        """Works until it is cancelled."""
        loop = asyncio.get_running_loop()
        next_read = loop.time()
        while True:
            await self._wait(next_read)
            read = self._read_wanted or loop.time() >= next_read
            if self._wish is None:
                continue
            if self._unusable is not None and not read:
                self._done.set()
                continue
            wish, self._read_wanted = self._wish, False
            usable = await self._work(wish, read=read)
            if read or not usable:
                next_read = loop.time() + (self._spec.reconcile if usable else self._retry)
            if wish is self._wish and not self._read_wanted and not self._memory.stale:
                self._done.set()

    async def _wait(self, next_read: float) -> None:
        """Until there is something to do: a wish, a demand, the period, a refused service's turn."""
        turns = [] if self._wish is None else [next_read]
        if self._unusable is None:
            if self._memory.stale:
                return
            retry = passes.next_try(self._memory)
            turns.extend([] if retry is None else [retry])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(min(turns, default=None)):
                await self._wake.wait()
        await self._join_burst()

    async def _join_burst(self) -> None:
        """Lets changes that come in quick succession become one pass."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + BURST_LIMIT
        while self._wake.is_set() and loop.time() < limit:
            self._wake.clear()
            await asyncio.sleep(BURST_GAP)
        self._wake.clear()

    async def _work(self, wish: Table, *, read: bool) -> bool:
        """One pass; False when the kernel's IPVS could not be used."""
        try:
            if self._unusable is not None:
                info = await self._kernel.start()
                self._unusable = None
                self._report(Usable(info.version))
            await self._pass(wish, read=read)
            if read:
                await self._enforce_settings()
        except IpvsError as error:
            if self._unusable != str(error):
                self._report(Unusable(str(error)))
            self._unusable = str(error)
            self._retry = RETRY_SOON if isinstance(error, IpvsLost) else RETRY
            self._memory = msgspec.structs.replace(self._memory, written=None)
            return False
        return True

    async def _pass(self, wish: Table, *, read: bool) -> None:
        memory, loop = self._memory, asyncio.get_running_loop()
        actual = None
        if read or memory.must_read:
            snapshot = await self._kernel.read(memory.owned | wish.keys())
            actual = snapshot.table
            self._tell_faults("table", snapshot.faults)
        planned = passes.plan_pass(memory, wish, actual, loop.time())
        await self._store(planned.claim)
        # What is claimed is ours whatever becomes of the answer: else what was added and lost would stay for ever.
        self._memory = msgspec.structs.replace(memory, owned=planned.claim)
        refusals = await self._kernel.apply(planned.ops) if planned.ops else ()
        self._memory, reports = passes.after_pass(memory, planned, wish, refusals, loop.time())
        for report in reports:
            self._report(report)
        await self._store(self._memory.owned)

    async def _store(self, owned: Owned) -> None:
        if owned == self._stored:
            return
        try:
            await self._store_owned(owned)
            self._stored = owned
            self._tell_faults("record", ())
        except OSError as error:
            self._tell_faults("record", [f"the record of our IPVS services cannot be kept: {error.strerror}"])

    async def _enforce_settings(self) -> None:
        """Switches and time-outs; a difference is told as a repair once they had been set."""
        results = [enforce(name, value) for name, value in self._spec.switches]
        found = [
            f"switch {result.name}: {result.found} instead of {result.wanted}"
            for result in results
            if isinstance(result, SwitchSet)
        ]
        self._tell_faults("switches", [result.text for result in results if isinstance(result, SwitchFault)])
        found.extend(await self._enforce_timeouts())
        if found and self._enforced is self._spec:
            self._report(SettingsRepaired(tuple(found)))
        self._enforced = self._spec

    async def _enforce_timeouts(self) -> list[str]:
        wanted = self._spec.timeouts
        if wanted == TimeoutsSpec():
            return []
        found = await self._kernel.timeouts()
        different = {
            name: value
            for name in ("tcp", "tcpfin", "udp")
            if (value := getattr(wanted, name)) is not None and value != getattr(found, name)
        }
        if different:
            await self._kernel.set_timeouts(
                Timeouts(**{name: different.get(name, 0) for name in ("tcp", "tcpfin", "udp")})
            )
        return [
            f"time-out {name}: {getattr(found, name)} instead of {value} s"
            for name, value in different.items()
        ]

    def _tell_faults(self, source: str, texts: Sequence[str]) -> None:
        """Reports the faults of one source that were not there before."""
        for text in texts:
            if text not in self._faults.get(source, ()):
                self._report(Faulty(text))
        self._faults[source] = frozenset(texts)
