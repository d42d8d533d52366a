"""How many probes may be under way at a time, and who waits for a place; core.

Its law: a place that becomes free is passed on to whoever waits longest, in a turn of its own.
"""

from collections.abc import Callable
from typing import Protocol


class Starter(Protocol):
    """Who asks for a place."""

    def start(self) -> None:
        """A place has become free, and is taken."""


class Places:
    """So many places. `soon` has something called in the next turn of the loop."""

    def __init__(self, capacity: int, soon: Callable[[Callable[[], None]], object]) -> None:
        self.capacity = capacity
        self._soon = soon
        self.waited = 0
        """How many had to wait so far."""
        self.taken = 0
        self._waiting: dict[Starter, None] = {}
        self._serving = False

    def take(self, who: Starter) -> bool:
        """Whether there is a place now; if not, `who` is started when there is one."""
        if self.taken >= self.capacity:
            self._waiting[who] = None
            self.waited += 1
            return False
        self.taken += 1
        return True

    def free(self) -> None:
        """Give a place back."""
        self.taken -= 1
        if self._waiting and not self._serving:
            # In a turn of its own: probes that fail at once would otherwise nest as deep as the queue.
            self._serving = True
            self._soon(self._serve)

    def leave(self, who: Starter) -> None:
        """Wait no longer."""
        self._waiting.pop(who, None)

    def _serve(self) -> None:
        self._serving = False
        while self._waiting and self.taken < self.capacity:
            who = next(iter(self._waiting))
            del self._waiting[who]
            self.taken += 1
            who.start()
