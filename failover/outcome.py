"""What came of writing one router's VIPs, and what becomes of a router to which the kernel refuses all of them; core.

The law: whoever cannot have its VIPs stands aside for others, says nothing that would make another let go, and tries again
later. A refusal that leaves some of them on is told, no more. Times are monotonic seconds.
"""

from errno import EAGAIN, EBUSY, EINTR, ENOBUFS, ENODEV, ENOMEM, ENXIO, ETIMEDOUT
from typing import Protocol

from failover.kernel_job import Job
from failover.place import Place

AGAIN = 1.0
"""Seconds until the first new try; each that follows without success waits twice as long."""
LONGEST = 60.0
_PASSING = (EAGAIN, EBUSY, EINTR, ENOBUFS, ENOMEM, ETIMEDOUT, ENODEV, ENXIO)
"""Errors that say nothing of what was asked; of an interface that is gone we are about to hear."""


class Holder(Protocol):
    """What the kernel is known to have."""

    def holds(self, place: Place) -> bool:
        """Whether it has this address."""


class Outcome:
    """Of one router. `error` is that of the last write, in words; `is_news`: it changed what `fault` says."""

    def __init__(self) -> None:
        self.error = ""
        self.is_news = False
        self._refused = ""
        self._until = 0.0
        self._wait = AGAIN

    def unseen(self, job: Job, host: Holder, now: float) -> tuple[Place, ...] | None:
        """What must be seen on the host before the VIPs of this job count as taken; None: they are refused, all of them."""
        if not job.error or job.error in _PASSING or any(host.holds(place) for place in job.places):
            self.is_news = self.fault(now) is not None
            self._refused, self._wait = "", AGAIN
            return () if job.error else job.places
        self.is_news = self.fault(now) is None
        if self.is_news:
            self._until, self._wait = now + self._wait, min(2 * self._wait, LONGEST)
        self._refused = f"the VIPs cannot be put on: {self.error}"
        return None

    def fault(self, now: float) -> str | None:
        """What speaks against the router until the next try, None for nothing."""
        return self._refused if self._refused and now < self._until else None

    def trouble(self, now: float) -> str:
        """The error, where it is no fault."""
        return "" if self.fault(now) else self.error

    def deadline(self, now: float) -> float | None:
        """When to try again, None when nothing waits for that."""
        return self._until if self.fault(now) else None
