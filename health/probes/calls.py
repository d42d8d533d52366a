"""Carries checks out several at a time: one call of a program for all hosts that are due together.

Its law: each check ends once and on its own, though its program runs for others too; a program that nobody waits for any
more is ended.
"""

import asyncio
from collections.abc import Callable

from health.conventions import mon
from health.dialogue import CallPlan, Ran
from health.errors import internal_error
from health.probes.program import RunProgram
from health.probes.steps import Steps
from health.result import End, Reason

GATHER = 0.05
"""Seconds in which checks that are due come together, at most; a quarter of a check's timeout where that is less."""
HOSTS = 200
"""Most hosts of one call."""


class Calls:
    """The calls of one event loop, by what is called."""

    def __init__(self, loop: asyncio.AbstractEventLoop, run_program: RunProgram | None) -> None:
        self._loop = loop
        self._run = run_program
        self._open: dict[tuple[object, ...], _Together] = {}

    def join(self, call: "Call") -> "_Together | None":
        """Be one of the next call's hosts; None where programs cannot be run at all."""
        if self._run is None:
            return None
        plan = call.plan
        key = (plan.command, plan.user, plan.environment, plan.within)
        together = self._open.get(key)
        if together is None:
            together = self._open[key] = _Together(plan, self._run)
            together.timer = self._loop.call_later(plan.gather, self._begin, key, together)
        together.calls.append(call)
        if len(together.calls) >= HOSTS:
            together.timer.cancel()
            self._begin(key, together)
        return together

    def _begin(self, key: tuple[object, ...], together: "_Together") -> None:
        del self._open[key]
        together.begin()


class _Together:
    """One call: gathers, then runs."""

    timer: asyncio.TimerHandle

    def __init__(self, plan: CallPlan, run_program: RunProgram) -> None:
        self._plan = plan
        self._run = run_program
        self.calls: list[Call] = []
        self._task: asyncio.Task[Ran] | None = None

    def begin(self) -> None:
        """Call the program with everybody's host, unless all have gone."""
        if not self.calls:
            return
        plan = self._plan
        hosts = tuple(dict.fromkeys(call.plan.host for call in self.calls))
        self._task = asyncio.ensure_future(
            self._run(plan.command, plan.user, dict(plan.environment), plan.within, hosts)
        )
        self._task.add_done_callback(self._ended)

    def leave(self, call: "Call") -> None:
        """It waits no longer."""
        self.calls.remove(call)
        if not self.calls and self._task is not None:
            task, self._task = self._task, None
            task.cancel()

    def _ended(self, task: asyncio.Task[Ran]) -> None:
        if task is not self._task or task.cancelled():
            return
        self._task = None
        calls, self.calls = self.calls, []
        error = task.exception()
        if error is not None:
            for call in calls:
                call.told(internal_error(error))
            return
        ends = mon(task.result(), [call.plan.host for call in calls])
        for call in calls:
            call.told(ends[call.plan.host], task.result())


class Call:
    """One probe under way. `done` is called once with its end."""

    __slots__ = ("_calls", "_done", "_steps", "_together", "plan")

    def __init__(
        self, plan: CallPlan, calls: Calls, done: Callable[[End], None], steps: Steps | None = None
    ) -> None:
        self.plan = plan
        self._calls = calls
        self._done = done
        self._steps = steps
        self._together: _Together | None = None

    def start(self) -> End | None:
        """Wait for the others; the end where programs cannot be run at all."""
        self._together = self._calls.join(self)
        if self._together is None:
            return End(Reason.CANNOT_RUN, "programs are not run here")
        if self._steps is not None:
            self._steps.mark("run", " ".join((*self.plan.command, self.plan.host)))
        return None

    def cancel(self) -> None:
        """End without a result."""
        together, self._together = self._together, None
        if together is not None:
            together.leave(self)

    def expire(self) -> End:
        """The deadline has come."""
        self.cancel()
        return End(Reason.PROGRAM_TIMEOUT, f"{self.plan.command[0]} after {self.plan.within:g} s")

    def told(self, end: End, ran: Ran | None = None) -> None:
        """The call has ended; called once, by the one who runs it."""
        if self._together is not None:
            self._together = None
            if self._steps is not None and ran is not None:
                self._steps.received(ran.output)
            self._done(end)
