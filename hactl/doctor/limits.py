"""The clock, and what the failover worker may do: real-time scheduling and memory that stays in RAM; core.

The law: a worker that runs is its own evidence; without one, what a daemon started here and now would be allowed.
"""

from collections.abc import Iterator

import msgspec

from hactl.doctor.finding import Finding, FindingId, finding

_PRIORITY = 50
"""Real-time priority that the failover worker takes (hactl.workers.realtime)."""
_ENOUGH = 256 << 20
"""Bytes of memory beyond what a failover worker locks."""
_NICE, _IPC = 23, 14
"""CAP_SYS_NICE and CAP_IPC_LOCK (linux/capability.h)."""
_AS_UNIT = (
    "as etc/hactl.service does: cp etc/hactl.service /etc/systemd/system/ && systemctl enable --now hactl"
)


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """The failover worker that runs here. `locked` is bytes of its memory that stay in RAM."""

    pid: int
    realtime: bool
    locked: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What processes may do here. `rtprio` and `memlock` are hard limits, the latter in bytes, -1 for none.

    `capabilities` is the bounding set, `share` the microseconds a period for real-time processes (0: none may run).
    """

    capabilities: int
    rtprio: int
    memlock: int
    share: int | None = None
    worker: Worker | None = None


class ClockState(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel knows of its clock: kept by somebody, and the largest error in seconds."""

    synchronised: bool
    error: float


def judge_clock(clock: ClockState) -> Iterator[Finding]:
    """Whether somebody keeps the clock."""
    if not clock.synchronised:
        seen = f"nobody keeps the kernel's clock (adjtimex says so); its error may be {clock.error:.0f} s and grows"
        mend = "apt-get install chrony   # or systemd-timesyncd, with timedatectl set-ntp true"
        yield finding(FindingId.CLOCK, "clock", seen, mend)


def judge(limits: Limits) -> Iterator[Finding]:
    """Whether the failover worker is, or would be, real-time and locked."""
    yield from _realtime(limits)
    yield from _memory(limits)


def _realtime(limits: Limits) -> Iterator[Finding]:
    what, worker = FindingId.REALTIME_LIMIT, limits.worker
    if limits.share == 0:
        seen = "kernel.sched_rt_runtime_us is 0: no real-time process may run"
        yield finding(what, "failover worker", seen, "sysctl -w kernel.sched_rt_runtime_us=950000")
    elif worker is not None and not worker.realtime:
        seen = f"it runs (pid {worker.pid}) without real-time scheduling"
        yield finding(
            what, "failover worker", seen, f"give the daemon CAP_SYS_NICE or LimitRTPRIO=50, {_AS_UNIT}"
        )
    elif worker is None and not _capable(limits, _NICE) and limits.rtprio < _PRIORITY:
        seen = f"without CAP_SYS_NICE; RLIMIT_RTPRIO is {limits.rtprio}, {_PRIORITY} is needed"
        yield finding(
            what, "failover worker", seen, f"give the daemon CAP_SYS_NICE or LimitRTPRIO=50, {_AS_UNIT}"
        )


def _memory(limits: Limits) -> Iterator[Finding]:
    what, worker = FindingId.MEMLOCK_LIMIT, limits.worker
    mend = f"give the daemon CAP_IPC_LOCK or LimitMEMLOCK=infinity, {_AS_UNIT}"
    if worker is not None and not worker.locked:
        yield finding(what, "failover worker", f"it runs (pid {worker.pid}) with no memory locked", mend)
    elif worker is None and not _capable(limits, _IPC) and 0 <= limits.memlock < _ENOUGH:
        seen = f"without CAP_IPC_LOCK; RLIMIT_MEMLOCK is {limits.memlock} bytes"
        yield finding(what, "failover worker", seen, mend)


def _capable(limits: Limits, capability: int) -> bool:
    return bool(limits.capabilities >> capability & 1)
