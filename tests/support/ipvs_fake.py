"""A strict fake of the kernel's IPVS table: whatever the kernel refuses, it refuses, with the same errno.

It stands where `hactl.ipvs.kernel.Kernel` stands. `last_weight` is what mh and sh remember of each server.
"""

import errno
from collections.abc import Collection, Mapping, Sequence

from hactl.ipvs.errors import IpvsError
from hactl.ipvs.kernel import Snapshot
from hactl.ipvs.model import (
    Counters,
    DestinationKey,
    Entry,
    Info,
    RealServer,
    ServiceCounters,
    ServiceKey,
    SyncDaemon,
    Timeouts,
)
from hactl.ipvs.ops import (
    AddServer,
    AddService,
    DeleteServer,
    DeleteService,
    MoveServer,
    Op,
    SetServer,
    SetService,
)
from hactl.ipvs.passes import Refusal
from hactl.ipvs.spec import Forward
from hactl.ipvs.sync import Link, Role

ABSENT_SCHEDULERS = frozenset({"twos"})


class FakeKernel:
    """The table, what was written to it, and faults to be set by tests."""

    def __init__(self) -> None:
        self.table: dict[ServiceKey, Entry] = {}
        self.last_weight: dict[tuple[ServiceKey, DestinationKey], int] = {}
        self.written: list[Op] = []
        self.reads = 0
        self.refuse: dict[ServiceKey, int] = {}
        self.broken: IpvsError | None = None
        self.set = Timeouts(tcp=900, tcpfin=120, udp=300)

    async def start(self) -> Info:
        """As the kernel's GET_INFO."""
        self._check()
        return Info(version="1.2.1", connection_table=4096)

    async def read(self, keys: Collection[ServiceKey] | None = None, *, sums: bool = False) -> Snapshot:
        """As `Kernel.read`, with each server's weight as its count of active connections."""
        self._check()
        self.reads += 1
        table = {
            key: entry if keys is None or key in keys else Entry(service=entry.service)
            for key, entry in self.table.items()
        }
        counters = {
            key: ServiceCounters(
                total=Counters(),
                servers={place: Counters(active=server.weight) for place, server in entry.servers.items()},
            )
            for key, entry in table.items()
        }
        return Snapshot(table=table, counters=counters)

    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]:
        """Performs what can be performed, and refuses the rest."""
        self._check()
        return tuple(Refusal(op, code) for op in ops if (code := self.perform(op)))

    async def timeouts(self) -> Timeouts:
        """The time-outs."""
        self._check()
        return self.set

    async def set_timeouts(self, timeouts: Timeouts) -> None:
        """Sets those that are not 0."""
        self.set = Timeouts(
            tcp=timeouts.tcp or self.set.tcp,
            tcpfin=timeouts.tcpfin or self.set.tcpfin,
            udp=timeouts.udp or self.set.udp,
        )

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken

    def perform(self, op: Op) -> int:
        """One operation; 0, or the errno with which the kernel refuses it. Of a refused move the first half is done."""
        code = self.refuse.get(op.key) or self._judge(op)
        if not code:
            self.written.append(op)
            self._do(op)
        elif isinstance(op, MoveServer) and self._judge(half := DeleteServer(op.key, op.server)) == 0:
            self._do(half)
        return code

    def _judge(self, op: Op) -> int:
        entry = self.table.get(op.key)
        match op:
            case AddService(service):
                if entry is not None:
                    return errno.EEXIST
                return errno.ENOENT if service.scheduler in ABSENT_SCHEDULERS else 0
            case _ if entry is None:
                return errno.ESRCH
            case SetService(service):
                return errno.ENOENT if service.scheduler in ABSENT_SCHEDULERS else 0
            case AddServer(_, server):
                return errno.EEXIST if server.key in entry.servers else judge_server(op.key, server)
            case SetServer(_, server) | MoveServer(_, server):
                return judge_server(op.key, server) if server.key in entry.servers else errno.ENOENT
            case DeleteServer(_, server):
                return 0 if server.key in entry.servers else errno.ENOENT
            case DeleteService():
                return 0

    def _do(self, op: Op) -> None:
        match op:
            case AddService(service):
                self.table[op.key] = Entry(service=service)
            case SetService(service):
                self.table[op.key] = Entry(service=service, servers=self.table[op.key].servers)
            case DeleteService(key):
                del self.table[key]
            case AddServer(key, server, place):
                self.last_weight[key, server.key] = server.weight or place
                self._put(key, server)
            case SetServer(key, server):
                self.last_weight[key, server.key] = server.weight or self.last_weight.get(
                    (key, server.key), 0
                )
                self._put(key, server)
            case MoveServer(key, server, place):
                self._do(DeleteServer(key, server))
                self._do(AddServer(key, server, place))
            case DeleteServer(key, server):
                entry = self.table[key]
                left = {place: other for place, other in entry.servers.items() if place != server.key}
                self.table[key] = Entry(service=entry.service, servers=left)

    def _put(self, key: ServiceKey, server: RealServer) -> None:
        entry = self.table[key]
        self.table[key] = Entry(service=entry.service, servers={**entry.servers, server.key: server})


def judge_server(key: ServiceKey, server: RealServer) -> int:
    """The errno with which the kernel refuses a server's values, else 0."""
    if server.weight < 0 or server.lower > server.upper > 0:
        return errno.ERANGE
    mixed = (":" in server.key.address) != (key.family == "ipv6")
    return errno.EINVAL if mixed and server.forward is not Forward.TUN else 0


class FakeThreads:
    """The kernel's synchronisation threads: one of each role, on an interface that is there. `refuse` is its answer."""

    def __init__(self, links: Mapping[str, Link]) -> None:
        self.threads: dict[Role, SyncDaemon] = {}
        self.written: list[str] = []
        self.refuse = ""
        self._links = links

    @property
    def roles(self) -> set[Role]:
        """The roles whose thread runs."""
        return set(self.threads)

    async def daemons(self) -> tuple[SyncDaemon, ...]:
        """As the kernel's GET_DAEMON."""
        return tuple(self.threads.values())

    async def start_daemon(self, daemon: SyncDaemon) -> None:
        """As NEW_DAEMON: EEXIST for a second of a role, ENODEV without the interface."""
        role = self._role(daemon)
        if self.refuse:
            raise IpvsError(self.refuse)
        assert role not in self.threads, "EEXIST"
        assert daemon.interface in self._links, "ENODEV"
        self.threads[role] = daemon
        self.written.append(f"start {role}")

    async def stop_daemon(self, daemon: SyncDaemon) -> None:
        """As DEL_DAEMON: ESRCH when it does not run."""
        role = self._role(daemon)
        assert role in self.threads, "ESRCH"
        del self.threads[role]
        self.written.append(f"stop {role}")

    @staticmethod
    def _role(daemon: SyncDaemon) -> Role:
        return Role.MASTER if daemon.master else Role.BACKUP
