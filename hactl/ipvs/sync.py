"""Connection synchronisation: which of the kernel's two threads should run, and what is to be done about it.

Owns the roles. The master thread tells the other directors of connections, the backup thread listens. The law: a role
begins at once and ends late. The kernel sends a state up to 3 s after the packet that made it (a buffer is sent when it
is full or 2 s old, looked at each second), and stopping the sender throws away what waits; so a former master sends on
for a while, and the new one listens until that is over. Before the router has spoken nothing is stopped: what a former
run of this program left goes on.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from hactl.ipvs.model import SyncDaemon
from hactl.ipvs.spec import SyncSpec

SENDS_ON = 3.0
"""Seconds that a former master goes on sending (DESIGN section 6)."""
LISTENS_ON = 6.0
"""Seconds that a new master goes on listening: the old one lets go after it and sends on from then."""
GROUP, PORT, TTL = "224.0.0.81", 8848, 1
"""The kernel's own defaults (linux/ip_vs_sync.c), asked for by name so that a thread with others is seen."""


class Role(StrEnum):
    """One of the kernel's two synchronisation threads; there is at most one of each."""

    MASTER = "master"
    BACKUP = "backup"


class SyncState(StrEnum):
    """Up: every thread that should run does. Fault: one does not, or the interface is down. Init: not known yet."""

    INIT = "init"
    UP = "up"
    FAULT = "fault"


class Following(msgspec.Struct, frozen=True):
    """What the followed router is: whether it is master here (None: it has not spoken), since when (monotonic seconds)."""

    mastered: bool | None = None
    since: float = 0.0


class Roles(msgspec.Struct, frozen=True):
    """Threads that must run, threads that may go on, and until when (monotonic seconds; None: without end)."""

    needed: frozenset[Role] = frozenset()
    lingering: frozenset[Role] = frozenset()
    until: float | None = None


class SyncView(msgspec.Struct, frozen=True, kw_only=True):
    """What status shows: the threads that run as wished, the state with its reason, since when (monotonic seconds)."""

    roles: tuple[Role, ...] = ()
    state: SyncState = SyncState.INIT
    reason: str = "not looked at yet"
    since: float


class Link(msgspec.Struct, frozen=True):
    """The interface now: its index, and whether it is up with a carrier."""

    index: int
    running: bool = True


class Start(msgspec.Struct, frozen=True, tag=True):
    """A thread that does not run."""

    daemon: SyncDaemon


class Stop(msgspec.Struct, frozen=True, tag=True):
    """A thread that runs; `why` in words."""

    daemon: SyncDaemon
    why: str


SyncOp = Start | Stop
Running = Mapping[Role, SyncDaemon]
Indexes = Mapping[Role, int]
"""The interface index on which this program started each thread; the kernel does not tell it."""


def follow(old: Following, mastered: bool | None, now: float) -> Following:
    """After the router's report. One that has fallen silent is what it was."""
    if mastered is None or mastered is old.mastered:
        return old
    return Following(mastered, now)


def roles(spec: SyncSpec, following: Following, now: float) -> Roles:
    """Which threads should run: both without a router to follow."""
    if spec.router is None:
        return Roles(frozenset(Role))
    if following.mastered is None:
        return Roles(lingering=frozenset(Role))
    needed, former, after = (
        (Role.MASTER, Role.BACKUP, LISTENS_ON) if following.mastered else (Role.BACKUP, Role.MASTER, SENDS_ON)
    )
    until = following.since + after
    if now >= until:
        return Roles(frozenset({needed}))
    return Roles(frozenset({needed}), frozenset({former}), until)


def thread(spec: SyncSpec, role: Role) -> SyncDaemon:
    """The thread of a role as it should be started."""
    return SyncDaemon(
        master=role is Role.MASTER, interface=spec.interface, id=spec.id, group=GROUP, port=PORT, ttl=TTL
    )


def by_role(daemons: tuple[SyncDaemon, ...]) -> dict[Role, SyncDaemon]:
    """The kernel's threads by role."""
    return {Role.MASTER if daemon.master else Role.BACKUP: daemon for daemon in daemons}


def plan(
    spec: SyncSpec, wanted: Roles, running: Running, link: Link | None, indexes: Indexes
) -> tuple[SyncOp, ...]:
    """What makes the kernel's threads those that are wanted; empty when they are. `link` None: no such interface.

    A thread that is not as wished cannot be changed, only stopped and started. Without the interface it is left, since
    nothing could be started in its place.
    """
    ops: list[SyncOp] = []
    for role in Role:
        have, want = running.get(role), thread(spec, role)
        why = None if have is None else misfit(have, want, link, indexes.get(role))
        if role in wanted.needed:
            if link is None or (have is not None and why is None):
                continue
            ops.extend([Stop(have, why)] if have is not None and why is not None else [])
            ops.append(Start(want))
        elif have is not None and role not in wanted.lingering:
            ops.append(Stop(have, "its time is over"))
    return tuple(ops)


def misfit(have: SyncDaemon, want: SyncDaemon, link: Link | None, index: int | None) -> str | None:
    """Why a running thread is not the wished one; None when it is. Old kernels do not tell group, port and TTL."""
    if have.interface != want.interface:
        return f"it ran on {have.interface}"
    if link is not None and index is not None and index != link.index:
        return f"{want.interface} was removed and made again"
    for name, found, wished in (
        ("id", have.id, want.id),
        ("group", have.group or want.group, want.group),
        ("port", have.port or want.port, want.port),
        ("TTL", have.ttl or want.ttl, want.ttl),
    ):
        if found != wished:
            return f"its {name} was {found}"
    return None


def deviations(before: frozenset[Role], ops: tuple[SyncOp, ...]) -> tuple[str, ...]:
    """What somebody else had changed, in words: `before` are the roles that ran as wished when last looked at."""
    stopped = {_role(op): op.why for op in ops if isinstance(op, Stop)}
    started = [_role(op) for op in ops if isinstance(op, Start)]
    return tuple(
        f"the {role} thread of connection synchronisation {_changed(stopped.get(role))}"
        for role in started
        if role in before
    )


def _changed(why: str | None) -> str:
    return "was stopped" if why is None else f"was not as wished: {why}"


def _role(op: SyncOp) -> Role:
    return Role.MASTER if op.daemon.master else Role.BACKUP


def judge(spec: SyncSpec, wanted: Roles, runs: frozenset[Role], link: Link | None) -> tuple[SyncState, str]:
    """The state and the reason for it; `runs` are the roles whose thread runs as wished."""
    if link is None:
        return SyncState.FAULT, f"there is no interface {spec.interface}"
    missing = wanted.needed - runs
    if missing:
        return SyncState.FAULT, f"the {_names(missing)} thread does not run"
    if not link.running:
        return SyncState.FAULT, f"{spec.interface} is down"
    if not wanted.needed:
        return SyncState.INIT, f"the router {spec.router} has not spoken yet"
    return SyncState.UP, _up_text(spec, wanted, runs)


def _up_text(spec: SyncSpec, wanted: Roles, runs: frozenset[Role]) -> str:
    if spec.router is None:
        return "sends and listens: it follows no single router"
    late = wanted.lingering & runs
    if wanted.needed == {Role.MASTER}:
        return f"{spec.router} is master here" + ("; still listening to the former master" if late else "")
    return f"{spec.router} is not master here" + ("; still sending what was not sent yet" if late else "")


def _names(some: frozenset[Role]) -> str:
    return " and ".join(sorted(role.value for role in some))
