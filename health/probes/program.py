"""Carries a check out by a program of the operator's.

Its law: the program is run by whoever has the right to, which is asked here and not waited for beyond the deadline; a
program that is missing, cannot be executed or hangs is a failed check.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from health.dialogue import ProgramPlan, Ran
from health.errors import internal_error
from health.probes.steps import Steps
from health.result import End, Reason

RunProgram = Callable[
    [tuple[str, ...], str, Mapping[str, str], float, tuple[str, ...]], Coroutine[None, None, Ran]
]
"""Runs a command as a user with this environment for at most so many seconds, with these hosts as further arguments."""


class Program:
    """One probe under way. `done` is called once with its end."""

    __slots__ = ("_done", "_plan", "_run", "_steps", "_task")

    def __init__(
        self,
        plan: ProgramPlan,
        run: RunProgram | None,
        done: Callable[[End], None],
        steps: Steps | None = None,
    ) -> None:
        self._plan = plan
        self._run = run
        self._done = done
        self._steps = steps
        self._task: asyncio.Task[Ran] | None = None

    def start(self) -> End | None:
        """Have it run; the end where programs cannot be run at all."""
        if self._run is None:
            return End(Reason.CANNOT_RUN, "programs are not run here")
        plan = self._plan
        if self._steps is not None:
            self._steps.mark("run", " ".join(plan.command))
        self._task = asyncio.ensure_future(
            self._run(plan.command, plan.user, dict(plan.environment), plan.within, ())
        )
        self._task.add_done_callback(self._ended)
        return None

    def cancel(self) -> None:
        """End without a result."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def expire(self) -> End:
        """The deadline has come; who runs the program kills it."""
        self.cancel()
        return End(Reason.PROGRAM_TIMEOUT, f"{self._plan.command[0]} after {self._plan.within:g} s")

    def _ended(self, task: asyncio.Task[Ran]) -> None:
        if task is not self._task or task.cancelled():
            return
        self._task = None
        error = task.exception()
        if error is not None:
            self._done(internal_error(error))
            return
        ran = task.result()
        if self._steps is not None:
            self._steps.received(ran.output)
        self._done(self._plan.judge(ran))
