"""The thread that writes addresses, in the world's time: stands for `failover.kernel.AddressWriter`.

As the real one: jobs one after another; a drop cancels its router's earlier writes that still wait; a write takes a while,
may be blocked by the kernel's lock, and once it is in the kernel it is done whatever becomes of the process; what outlasted
its time is undone before anything else. A process may stop between its look at the clock and the kernel: then the write is
done when it goes on, if ever.
"""

from collections import deque
from collections.abc import Callable

from simulation.kernel import Kernel
from simulation.process import Process
from simulation.world import Clock, Rank

from failover.kernel_job import Job

GUARD = 0.25
"""Seconds that a guarded write may outlast its time until the process dies."""
SLIPS = 0.3
"""How often a process that stops while it writes has not reached the kernel yet."""


class Writer:
    """`takes` gives how long the next call into the kernel takes, in seconds."""

    def __init__(
        self,
        deliver: Callable[[Job], object],
        process: Process,
        kernel: Kernel,
        clock: Clock,
        takes: Callable[[], float],
    ) -> None:
        self._deliver = deliver
        self._process, self._kernel, self._clock, self._takes = process, kernel, clock, takes
        self._jobs: deque[Job] = deque()
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._step = 0
        self._resume: Callable[[], None] | None = None
        self._in_kernel: Callable[[], None] | None = None

    def submit(self, job: Job) -> None:
        """Queue a job. A drop makes the router's earlier jobs that still wait meaningless."""
        self._process.effect()
        if job.lifetime is None:
            for earlier in self._waiting:
                if earlier.owner is job.owner and earlier.lifetime is not None:
                    earlier.cancelled = True
        self._waiting.append(job)
        self._jobs.append(job)
        if self._running is None:
            self._next()

    def finished(self, job: Job) -> None:
        """The loop has taken the job's result."""
        self._waiting.remove(job)

    @property
    def holds_soon(self) -> bool:
        """Whether a write that puts VIPs on is on its way to the kernel."""
        return any(job.lifetime is not None and not job.cancelled for job in self._waiting)

    def close(self) -> None:
        """End after the jobs that wait: here they are done at once, that one first which is under way."""
        if self._in_kernel is not None:
            self._step += 1
            act, self._in_kernel = self._in_kernel, None
            act()
        while self._jobs:
            job = self._jobs.popleft()
            for place in () if job.cancelled else job.places:
                if job.lifetime is None:
                    self._kernel.delete(place, "VIP off")
                elif not self._late(job):
                    self._kernel.put(place, job.lifetime)

    def freeze(self) -> None:
        """The process stands still, before or after its call has reached the kernel."""
        if self._in_kernel is not None and self._process.world.chance.random() < SLIPS:
            self._step += 1
            act, self._in_kernel = self._in_kernel, None
            self._resume = lambda: self._call(act)

    def thaw(self) -> None:
        """It goes on."""
        resume, self._resume = self._resume, None
        job = self._running
        if (
            job is not None
            and job.guarded
            and self._clock.read(self._process.world.now) > job.void_after + GUARD
        ):
            self._process.kill()  # The signal was there before it went on.
        elif resume is not None:
            resume()
        elif self._running is None:
            self._next()

    def die(self) -> None:
        """The process is gone; what has reached the kernel is done all the same."""
        self._jobs.clear()
        if self._process.world.chance.random() < SLIPS:
            self._step += 1

    def _next(self) -> None:
        if not self._jobs or self._process.frozen or not self._process.alive:
            return
        job = self._running = self._jobs.popleft()
        if job.lifetime is None:
            self._call(lambda: self._delete(job, "VIP off", self._end))
        elif job.cancelled or self._late(job):
            self._look(job)
        else:
            self._call(lambda: self._put(job))

    def _late(self, job: Job) -> bool:
        return self._clock.read(self._process.world.now) > job.void_after

    def _call(self, act: Callable[[], None]) -> None:
        """A call into the kernel, which is done after a while."""
        self._in_kernel = act
        self._process.world.at(
            self._process.world.now + self._takes(), Rank.WRITER, self._reach, (self._step, act)
        )

    def _reach(self, what: tuple[int, Callable[[], None]]) -> None:
        step, act = what
        if step == self._step:
            self._in_kernel = None
            act()

    def _then(self, act: Callable[[], None]) -> None:
        """The thread goes on after a call, if its process does."""
        if not self._process.alive:
            return
        if self._process.frozen:
            self._resume = act
        else:
            act()

    def _put(self, job: Job) -> None:
        for place in job.places:
            self._kernel.put(place, job.lifetime or 0)
        self._then(lambda: self._look(job))

    def _look(self, job: Job) -> None:
        if not job.cancelled and self._late(job):
            job.voided = True
            self._call(lambda: self._delete(job, "VIP off, its write came too late", self._end))
        else:
            self._end(job)

    def _delete(self, job: Job, why: str, after: Callable[[Job], None]) -> None:
        for place in job.places:
            self._kernel.delete(place, why)
        self._then(lambda: after(job))

    def _end(self, job: Job) -> None:
        self._running = None
        self._deliver(job)
        self._next()
