"""Time, chance and clocks: one heap of events, one source of chance, and each host's own idea of time.

The law: nothing happens but through `World.run`, and every choice comes from the one `chance`, so the same seed tells the
same story byte for byte. Of events at one instant the lower rank comes first: what arrives goes before timers.
"""

import heapq
import random
from collections.abc import Callable
from typing import Any, Final


class Rank:
    """The order of events at one instant: plain numbers, for there are hundreds of events a story."""

    FAULT: Final = 0
    ARRIVAL: Final = 1
    KERNEL: Final = 2
    WRITER: Final = 3
    SOON: Final = 4
    TIMER: Final = 5
    CHECK: Final = 6


class Broken(Exception):
    """An invariant does not hold; the text says which."""


class Clock:
    """A host's monotonic clock: it began somewhere, and runs a little too fast or too slow."""

    def __init__(self, base: float, rate: float) -> None:
        self.base = base
        self.rate = rate

    def read(self, at: float) -> float:
        """What it shows at a moment of the world."""
        return self.base + self.rate * at

    def when(self, shown: float) -> float:
        """The moment at which it shows this."""
        return (shown - self.base) / self.rate


class World:
    """The heap of events. `now` is seconds since the story began; `tell` takes director and text."""

    def __init__(self, chance: random.Random, story: list[str] | None) -> None:
        self.now = 0.0
        self.chance = chance
        self.story = story
        self.events = 0
        self._heap: list[tuple[float, int, int, Callable[[Any], None], Any]] = []
        self._count = self._numbers = 0

    def number(self) -> int:
        """A number that no other thing has."""
        self._numbers += 1
        return self._numbers

    def at(self, when: float, rank: int, act: Callable[[Any], None], what: Any = None) -> None:
        """Have `act(what)` happen at a moment, not before now."""
        self._count += 1
        heapq.heappush(self._heap, (when if when > self.now else self.now, rank, self._count, act, what))

    def run(self, until: float) -> None:
        """Let everything happen that is due up to a moment."""
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= until:
            self.now, _, _, act, what = pop(heap)
            self.events += 1
            act(what)
        self.now = until

    def tell(self, who: str, text: str) -> None:
        """A line of the story."""
        if self.story is not None:
            self.story.append(f"{self.now:9.4f}  {who:6}  {text}")
