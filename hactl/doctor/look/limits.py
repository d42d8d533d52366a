"""The clock, limits of processes, and how the failover worker is scheduled; edge.

Needs no rights.
"""

import contextlib
import ctypes
import os
import re
import resource
from pathlib import Path

from hactl.doctor.limits import ClockState, Limits, Worker

_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC (linux/timex.h)."""
_BOUNDING = re.compile(r"^CapBnd:\s*([0-9a-f]+)$", re.MULTILINE)
_LOCKED = re.compile(r"^VmLck:\s*(\d+) kB$", re.MULTILINE)


class _Timex(ctypes.Structure):
    """The head of struct timex (linux/timex.h), with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def clock() -> ClockState:
    """What the kernel knows of its clock (adjtimex(2), which changes nothing with modes 0). Raises OSError."""
    told = _Timex()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(ctypes.byref(told)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return ClockState(synchronised=not told.status & _UNSYNCHRONISED, error=told.maxerror / 1e6)


def limits(worker: int | None) -> Limits:
    """What processes may do here, and how the failover worker with this id runs. Raises OSError."""
    bounding = _BOUNDING.search(Path("/proc/self/status").read_text())
    share = None
    with contextlib.suppress(OSError, ValueError):
        share = int(Path("/proc/sys/kernel/sched_rt_runtime_us").read_text())
    return Limits(
        capabilities=int(bounding[1], 16) if bounding else 0,
        rtprio=resource.getrlimit(resource.RLIMIT_RTPRIO)[1],
        memlock=resource.getrlimit(resource.RLIMIT_MEMLOCK)[1],
        share=share,
        worker=None if worker is None else _worker(worker),
    )


def _worker(pid: int) -> Worker | None:
    """None when it has ended meanwhile."""
    with contextlib.suppress(OSError):
        policy = os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK
        locked = _LOCKED.search(Path(f"/proc/{pid}/status").read_text())
        return Worker(
            pid=pid,
            realtime=policy in (os.SCHED_RR, os.SCHED_FIFO),
            locked=int(locked[1]) * 1024 if locked else 0,
        )
    return None
