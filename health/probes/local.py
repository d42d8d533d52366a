"""Looks at this director itself: files with a number, running programs.

Its law: what a kernel call may hold up for ever (a file server that is gone) happens in a thread of its own and never holds
up the worker; while one look of a check hangs, its next one has failed.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from health.dialogue import LocalPlan
from health.errors import internal_error, scarcity
from health.result import End, Reason


class Looks:
    """The looks under way on one event loop, by their plan."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._hanging: set[LocalPlan] = set()

    def begin(self, plan: LocalPlan, tell: Callable[[End], None]) -> bool:
        """Look, and tell the end on the loop; False while an earlier look hangs. Raises RuntimeError when there can be no
        thread."""
        if plan in self._hanging:
            return False
        # Not a pool: an interpreter waits for its pool's threads at exit, and some of these may never end.
        threading.Thread(target=self._look, args=(plan, tell), daemon=True).start()
        self._hanging.add(plan)
        return True

    def _look(self, plan: LocalPlan, tell: Callable[[End], None]) -> None:
        try:
            end = plan.look()
        except Exception as error:  # noqa: BLE001 - shown in the result, counted by the pool
            end = internal_error(error)
        with suppress(RuntimeError):  # The loop has been closed meanwhile.
            self._loop.call_soon_threadsafe(self._looked, plan, tell, end)

    def _looked(self, plan: LocalPlan, tell: Callable[[End], None], end: End) -> None:
        self._hanging.discard(plan)
        tell(end)


class Look:
    """One probe under way. `done` is called once with its end."""

    __slots__ = ("_done", "_looks", "_plan", "_waiting")

    def __init__(self, plan: LocalPlan, looks: Looks, done: Callable[[End], None]) -> None:
        self._plan = plan
        self._looks = looks
        self._done = done
        self._waiting = True

    def start(self) -> End | None:
        """Begin to look; the end when an earlier look still hangs."""
        try:
            begun = self._looks.begin(self._plan, self._looked)
        except RuntimeError:
            return scarcity("threads")
        return None if begun else self._hangs()

    def cancel(self) -> None:
        """End without a result."""
        self._waiting = False

    def expire(self) -> End:
        """The deadline has come."""
        self._waiting = False
        return self._hangs()

    def _hangs(self) -> End:
        return End(Reason.CANNOT_RUN, f"{self._plan.name}: the kernel does not answer")

    def _looked(self, end: End) -> None:
        if self._waiting:
            self._waiting = False
            self._done(end)
