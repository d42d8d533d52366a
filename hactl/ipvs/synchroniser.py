"""The loop that keeps the kernel's synchronisation threads as they are wished.

Owns when they are looked at: at a change of role or configuration, when a role's extra time is over, and at the period of
read-back. What to do is decided in `sync`. The law: a thread is recorded as ours before it is started, and forgotten only
after it was stopped; without a record and without `sync` in the configuration the threads are somebody else's. The end of
this program stops none: connections go on being told and heard of while nobody watches, so that a director that is started
again knows those which began meanwhile, and a last sending is never thrown away.
"""

import asyncio
import contextlib
import fcntl
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from hactl import kept
from hactl.ipvs import sync
from hactl.ipvs.errors import IpvsError
from hactl.ipvs.model import SyncDaemon
from hactl.ipvs.spec import SyncSpec
from hactl.ipvs.sync import Following, Link, Role, Roles, Start, SyncState, SyncView

RETRY = 2.0
"""Seconds between two tries while a thread that should run does not."""
SCHEMA = 1
"""Of the record of our threads."""
_SIOCGIFFLAGS, _UP, _RUNNING = 0x8913, 0x1, 0x40


class SyncKernel(Protocol):
    """What is needed of `kernel.Kernel`."""

    async def daemons(self) -> tuple[SyncDaemon, ...]: ...
    async def start_daemon(self, daemon: SyncDaemon) -> None: ...
    async def stop_daemon(self, daemon: SyncDaemon) -> None: ...


class SyncRecord(kept.Stored, frozen=True, kw_only=True):
    """The threads that are ours, each with the interface index it was started on."""

    schema: int = SCHEMA
    indexes: dict[Role, int] = {}


class SyncRepaired(msgspec.Struct, frozen=True):
    """Somebody else had stopped or replaced threads, which were put right; one sentence each."""

    texts: tuple[str, ...]


class SyncMoved(msgspec.Struct, frozen=True):
    """The state is another than before."""

    old: SyncView
    new: SyncView


SyncReport = SyncRepaired | SyncMoved


def look(interface: str) -> Link | None:
    """The interface now, None when there is none."""
    try:
        index = socket.if_nametoindex(interface)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            asked = struct.pack("16s16x", interface.encode())
            (flags,) = struct.unpack("16xH14x", fcntl.ioctl(control, _SIOCGIFFLAGS, asked))
    except OSError:
        return None
    return Link(index, flags & (_UP | _RUNNING) == _UP | _RUNNING)


class Synchroniser:
    """Keeps both threads. `report` must not block; an OSError of `store` only means that it is tried again."""

    def __init__(
        self,
        kernel: SyncKernel,
        spec: SyncSpec | None,
        *,
        report: Callable[[SyncReport], None],
        store: Callable[[SyncRecord], Awaitable[None]],
        record: SyncRecord | None = None,
        period: float = 10.0,
        look: Callable[[str], Link | None] = look,
    ) -> None:
        self._kernel = kernel
        self._spec = spec
        self._report, self._store, self._look = report, store, look
        self._record = record or SyncRecord()
        self._stored = self._record
        self._period = period
        self._following = Following()
        self._ran: frozenset[Role] = frozenset()
        self._wake, self._done = asyncio.Event(), asyncio.Event()
        self._wake.set()
        self.view = SyncView(since=asyncio.get_running_loop().time())

    def configure(self, spec: SyncSpec | None, period: float) -> None:
        """What is wished from now on. Another router is asked anew what it is."""
        if spec is None or self._spec is None or spec.router != self._spec.router:
            self._following = Following()
        if spec != self._spec:
            self._ran = frozenset()
        self._spec, self._period = spec, period
        self.check_now()

    def follow(self, mastered: bool | None) -> None:
        """What the followed router is now; None: nothing is known."""
        followed = sync.follow(self._following, mastered, asyncio.get_running_loop().time())
        if followed is not self._following:
            self._following = followed
            self.check_now()

    def check_now(self) -> None:
        """Looks without waiting for the period."""
        self._done.clear()
        self._wake.set()

    async def settled(self) -> None:
        """Until a look has ended that saw the latest wish."""
        await self._done.wait()

    async def run(self) -> None:
        """Works until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            again = await self._turn()
            if not self._wake.is_set():
                self._done.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(None if again is None else max(again, loop.time())):
                    await self._wake.wait()

    async def _turn(self) -> float | None:
        """One look; when to look again (monotonic seconds), None: only at a change."""
        now, spec = asyncio.get_running_loop().time(), self._spec
        if spec is None:
            return await self._leave(now)
        link = self._look(spec.interface)
        wanted = sync.roles(spec, self._following, now)
        try:
            runs = await self._enforce(spec, wanted, link)
        except IpvsError as error:
            self._move(spec, SyncState.FAULT, str(error), frozenset(), now)
            return now + RETRY
        state, reason = sync.judge(spec, wanted, runs, link)
        self._move(spec, state, reason, runs, now)
        turns = [now + (RETRY if state is SyncState.FAULT else self._period)]
        return min([*turns, *([] if wanted.until is None else [wanted.until])])

    async def _enforce(self, spec: SyncSpec, wanted: Roles, link: Link | None) -> frozenset[Role]:
        """Does what is to be done, and gives the roles whose thread then runs as wished."""
        running = sync.by_role(await self._kernel.daemons())
        ops = sync.plan(spec, wanted, running, link, self._record.indexes)
        texts = sync.deviations(self._ran & wanted.needed, ops)
        for op in ops:
            role = Role.MASTER if op.daemon.master else Role.BACKUP
            if isinstance(op, Start):
                assert link is not None
                await self._keep({**self._record.indexes, role: link.index})
                await self._kernel.start_daemon(op.daemon)
            else:
                await self._kernel.stop_daemon(op.daemon)
        if ops:
            running = sync.by_role(await self._kernel.daemons())
        await self._keep(
            {role: self._record.indexes.get(role, link.index if link else 0) for role in running}
        )
        self._ran = frozenset(
            role
            for role, have in running.items()
            if sync.misfit(have, sync.thread(spec, role), link, self._record.indexes.get(role)) is None
        )
        if texts:
            self._report(SyncRepaired(texts))
        return self._ran

    async def _leave(self, now: float) -> float | None:
        """`sync` was taken out of the configuration: the threads that are ours stop."""
        try:
            if self._record.indexes:
                running = sync.by_role(await self._kernel.daemons())
                for role in self._record.indexes:
                    if role in running:
                        await self._kernel.stop_daemon(running[role])
                await self._keep({})
        except IpvsError:
            return now + RETRY
        return None if self._stored == self._record else now + RETRY

    async def _keep(self, indexes: dict[Role, int]) -> None:
        self._record = SyncRecord(indexes=indexes)
        if self._record != self._stored:
            with contextlib.suppress(OSError):
                await self._store(self._record)
                self._stored = self._record

    def _move(self, spec: SyncSpec, state: SyncState, reason: str, runs: frozenset[Role], now: float) -> None:
        old = self.view
        since = old.since if state is old.state else now
        self.view = SyncView(roles=tuple(sorted(runs)), state=state, reason=reason, since=since)
        if (old.state, old.reason if state is SyncState.FAULT else "") != (
            state, reason if state is SyncState.FAULT else "",
        ):  # fmt: skip
            self._report(SyncMoved(old, self.view))
