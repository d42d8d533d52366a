"""Real-time scheduling and locked memory for the failover worker, as far as the host allows them."""

import contextlib
import ctypes
import os
import resource

from hactl.workers import base

REALTIME_PRIORITY = 50
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def raise_limits() -> tuple[int, ...]:
    """Allow locked memory and real-time threads without a capability; those needed where limits cannot be raised."""
    needed = []
    limits = (
        (resource.RLIMIT_MEMLOCK, resource.RLIM_INFINITY, base.CAP_IPC_LOCK),
        (resource.RLIMIT_RTPRIO, REALTIME_PRIORITY, base.CAP_SYS_NICE),
    )
    for limit, value, capability in limits:
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            needed.append(capability)
    return tuple(needed)


def become_realtime() -> str | None:
    """Real-time scheduling and no paging; why not, in words, when the kernel refuses. Children do not inherit it."""
    libc = ctypes.CDLL(None, use_errno=True)
    trouble = []
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        trouble.append(f"memory is not locked ({os.strerror(ctypes.get_errno())})")
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REALTIME_PRIORITY))
    except OSError as error:
        trouble.append(f"no real-time scheduling ({error.strerror})")
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -20)
    return "; ".join(trouble) or None


def is_realtime() -> bool:
    """Whether this thread is scheduled in real time."""
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK in (os.SCHED_RR, os.SCHED_FIFO)
