"""How late adverts are while every core is busy, and whether a backup ever accuses a living master for it.

Owns the measurement that `make bench` prints and a test judges: two real failover workers on a bridge, adverts with the
kernel's times of arrival.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from failover.moves import State
from failover.timing import automatic_lease
from support.directors import Director, pair, serve, until
from support.failover import VIP4

HOGS_A_CORE = 2
_BUSY = ("sh", "-c", "while :; do :; done")
_SETTLED = 1.0
"""Seconds after the takeover that are not counted: announcements and leases are still being set up."""


class Measured(NamedTuple):
    """One run. Times are seconds: `late` how late each advert was, in ascending order; `gap` the longest between two.

    `moves` counts the VIP's changes of place, `realtime` whether both workers were scheduled so.
    """

    interval: float
    seconds: float
    realtime: bool
    late: tuple[float, ...]
    gap: float
    moves: int

    def quantile(self, share: float) -> float:
        """The lateness that this share of the adverts did not exceed."""
        return self.late[min(len(self.late) - 1, int(share * len(self.late)))]


def lateness(times: Sequence[float], interval: float) -> list[float]:
    """How much later than due each advert came, by a sender that keeps to a grid; one that misses a whole interval starts
    another (failover.master.advertise). The earliest of all counts as punctual.
    """
    late, due = [], times[0]
    for at in times:
        late.append(at - due)
        due = due + interval if due + interval > at else at + interval
    return [one - min(late) for one in late]


def measure(seconds: float, interval: float, *wrapper: str, busy: bool = True) -> Measured:
    """Let a pair run for so long at this interval, with every core busy at the usual priority.

    `wrapper` are words before the workers' own, as of `support.netns.NOT_REALTIME`.
    """
    with pair(*wrapper) as (_, record, a, b):
        lease = automatic_lease(4 * interval)
        serve(record, a, b, advert_interval=interval, lease=lease)
        with hogs(HOGS_A_CORE * (os.cpu_count() or 1) if busy else 0):
            time.sleep(_SETTLED)
            began = time.monotonic()
            time.sleep(seconds)
            until(lambda: record.adverts()[-1].at >= began + seconds, 30.0, "the recorder to catch up")
            ended = began + seconds
        times = [sent.at for sent in record.adverts("a") if began <= sent.at < ended]
        assert a.state() is State.MASTER or record.changes(VIP4, since=began), "the master fell silent"
        return Measured(
            interval=interval,
            seconds=seconds,
            realtime=_is_realtime(a) and _is_realtime(b),
            late=tuple(sorted(lateness(times, interval))),
            gap=max(later - earlier for earlier, later in pairwise(times)),
            moves=len(record.changes(VIP4, since=began)),
        )


def _is_realtime(director: Director) -> bool:
    return os.sched_getscheduler(director.process.pid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR


@contextlib.contextmanager
def hogs(number: int) -> Iterator[None]:
    """So many processes that never rest."""
    started = [subprocess.Popen(_BUSY) for _ in range(number)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()
