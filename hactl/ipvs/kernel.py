"""The kernel's IPVS table: read it, change it, set what concerns it as a whole.

The law: it does what it is told and reports what came of it; nothing is decided here.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

import msgspec

from hactl.ipvs import settings, wire
from hactl.ipvs.channel import Channel
from hactl.ipvs.errors import IpvsError, IpvsForbidden, IpvsLost, IpvsMissing
from hactl.ipvs.model import (
    Counters,
    DestinationKey,
    Entry,
    Info,
    ServiceCounters,
    ServiceKey,
    SyncDaemon,
    Timeouts,
)
from hactl.ipvs.ops import AddService, MoveServer, Op, SetService
from hactl.ipvs.passes import Refusal
from hactl.ipvs.schedulers import scheduler_module
from hactl.ipvs.switches import held
from hactl.ipvs.wire import Body, Malformed, ServerRead, ServiceRead

T = TypeVar("T")
_FIRST_TRIES = 5
IPVS_MODULE = "ip_vs"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The table as read. `faults` says what could not be understood and so is not in it."""

    table: dict[ServiceKey, Entry]
    counters: dict[ServiceKey, ServiceCounters]
    faults: tuple[str, ...] = ()


class Kernel:
    """The table of the network namespace this process runs in.

    All methods may raise IpvsError. `load_module` is tried once when the kernel has no IPVS, and once for each scheduler; it
    must not raise.
    """

    def __init__(
        self, *, load_module: Callable[[str], Awaitable[object]] | None = None, timeout: float = 10.0
    ) -> None:
        self._channel = Channel(wire.FAMILY_NAME, timeout=timeout)
        self._load_module = load_module
        self._schedulers: set[str] = set()

    async def start(self) -> Info:
        """Makes sure that IPVS is there. Raises IpvsMissing, with the hint for the operator, when it is not."""
        try:
            return await self.info()
        except IpvsMissing:
            if self._load_module is None:
                raise
            await self._load_module(IPVS_MODULE)
            return await self.info()

    def close(self) -> None:
        """Closes the socket; the next call opens another."""
        self._channel.close()

    async def read(self, keys: Collection[ServiceKey] | None = None, *, sums: bool = False) -> Snapshot:
        """All services, with the servers of those in `keys` (None: of all); `sums` reads their counters as well.

        Servers are in the order in which they were added: the kernel puts each at the head of its list.
        """
        services, faults = await self._services()
        table, counters = {}, {}
        for read in services:
            key = read.service.key
            servers: dict[DestinationKey, ServerRead] = {}
            if keys is None or key in keys:
                servers, bad = await self._servers(key, sums=sums)
                faults.extend(bad)
            ordered = {place: server.server for place, server in reversed(servers.items())}
            table[key] = Entry(service=read.service, servers=ordered)
            counters[key] = _service_counters(read.counters, servers)
        return Snapshot(table=table, counters=counters, faults=tuple(faults))

    async def _services(self) -> tuple[list[ServiceRead], list[str]]:
        found: list[ServiceRead | Malformed] = []
        await self._channel.dump(
            wire.service_dump(), lambda payload: found.append(wire.decode_service(payload)), found.clear
        )
        faults = [f"a service cannot be read: {bad.reason}" for bad in found if isinstance(bad, Malformed)]
        return [read for read in found if isinstance(read, ServiceRead)], faults

    async def _servers(
        self, key: ServiceKey, *, sums: bool
    ) -> tuple[dict[DestinationKey, ServerRead], list[str]]:
        found: list[ServerRead | Malformed] = []
        await self._channel.dump(
            wire.server_dump(key),
            lambda payload: found.append(wire.decode_server(payload, key.family, sums=sums)),
            found.clear,
        )
        faults = [
            f"a server of {key} cannot be read: {bad.reason}" for bad in found if isinstance(bad, Malformed)
        ]
        return {read.server.key: read for read in found if isinstance(read, ServerRead)}, faults

    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]:
        """Performs the operations in order, each whatever became of those before; returns what was refused.

        A server that is moved is gone for some microseconds: what arrives for it then is dropped, and must not end its
        connection.
        """
        await self._load_schedulers(ops)
        moving = any(isinstance(op, MoveServer) for op in ops)
        with held("expire_nodest_conn", "0") if moving else contextlib.nullcontext():
            answers = await self._channel.batch(wire.encode(op) for op in ops)
        return tuple(
            Refusal(op, answer.errno, answer.text)
            for op, answer in zip(ops, answers, strict=True)
            if answer.errno
        )

    async def _load_schedulers(self, ops: Sequence[Op]) -> None:
        """Loads the schedulers' modules ahead of the services that want them.

        The kernel would do so itself, but with the table's lock in its hand. Where a network namespace is being removed just
        then it waits for ever: the module of lblc or lblcr for the removal, the removal for the lock (Linux 6.1, seen).
        """
        if self._load_module is None:
            return
        wanted = {op.service.scheduler for op in ops if isinstance(op, AddService | SetService)}
        for name in sorted(wanted - self._schedulers):
            self._schedulers.add(name)
            await self._load_module(scheduler_module(name))

    async def info(self) -> Info:
        """Version and size of the connection table."""
        return _known(settings.decode_info(await self._channel.ask(settings.info_request())))

    async def timeouts(self) -> Timeouts:
        """The connection time-outs."""
        return _known(settings.decode_timeouts(await self._channel.ask(settings.timeouts_request())))

    async def set_timeouts(self, timeouts: Timeouts) -> None:
        """Sets the connection time-outs; 0 leaves one as it is."""
        await self._command(settings.set_timeouts(timeouts), "set the time-outs")

    async def daemons(self) -> tuple[SyncDaemon, ...]:
        """The synchronisation threads that run."""
        found: list[SyncDaemon | Malformed] = []
        await self._channel.dump(
            settings.daemon_dump(), lambda payload: found.append(settings.decode_daemon(payload)), found.clear
        )
        return tuple(_known(daemon) for daemon in found)

    async def start_daemon(self, daemon: SyncDaemon) -> None:
        """Starts a synchronisation thread."""
        await self._command(settings.start_daemon(daemon), "start synchronisation")

    async def stop_daemon(self, daemon: SyncDaemon) -> None:
        """Stops a synchronisation thread."""
        await self._command(settings.stop_daemon(daemon), "stop synchronisation")

    async def _command(self, body: Body, doing: str) -> None:
        (answer,) = await self._channel.batch([(body,)])
        if answer.errno:
            words = f" ({answer.text})" if answer.text else ""
            raise IpvsError(f"the kernel refused to {doing}: {os.strerror(answer.errno)}{words}")


async def read_at_start(kernel: Kernel, *, pause: float = 1.0) -> dict[ServiceKey, Entry]:
    """The table that a former run left, to be adopted; empty where there is no IPVS or it may not be used.

    A lost answer is asked for again after `pause` seconds. Raises IpvsError when the kernel has IPVS and still cannot
    be read: to go on without it would take serving servers out.
    """
    for _ in range(_FIRST_TRIES):
        with contextlib.suppress(IpvsLost):
            return await _adoptable(kernel)
        await asyncio.sleep(pause)
    return await _adoptable(kernel)


async def _adoptable(kernel: Kernel) -> dict[ServiceKey, Entry]:
    try:
        await kernel.start()
        return (await kernel.read()).table
    except (IpvsMissing, IpvsForbidden):
        return {}


def _known(read: T | Malformed) -> T:
    if isinstance(read, Malformed):
        raise IpvsError(f"the kernel's answer about IPVS cannot be read: {read.reason}")
    return read


def _service_counters(sums: Counters, servers: dict[DestinationKey, ServerRead]) -> ServiceCounters:
    now = [read.counters for read in servers.values()]
    total = msgspec.structs.replace(
        sums,
        active=sum(counters.active for counters in now),
        inactive=sum(counters.inactive for counters in now),
        persistent=sum(counters.persistent for counters in now),
    )
    return ServiceCounters(total=total, servers={key: read.counters for key, read in servers.items()})
