"""A queue of wake-ups for thousands of checks: coarse, and so nearly free.

Its law: an item is handed out at its time or up to `GRAIN` later, never earlier. Nothing is ever taken out: an item
whose plans have changed ignores the wake-up it no longer needs. Times are monotonic seconds.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from math import ceil
from typing import Generic, TypeVar

GRAIN = 0.02
"""Seconds of one slot: each costs the process a wake-up, so a thousand checks a second cost fifty."""

T = TypeVar("T")


class Wheel(Generic[T]):
    """Items by the slot of their time; a heap holds the slots, not the items."""

    def __init__(self, sooner: Callable[[float], None] = lambda when: None) -> None:
        """`sooner` is told when there is something to hand out earlier than anything before."""
        self._slots: dict[int, list[T]] = {}
        self._order: list[int] = []
        self._sooner = sooner

    def add(self, when: float, item: T) -> None:
        """Hand `item` out at `when`."""
        slot = ceil(when / GRAIN)
        items = self._slots.get(slot)
        if items is not None:
            items.append(item)
            return
        self._slots[slot] = [item]
        heappush(self._order, slot)
        if self._order[0] == slot:
            self._sooner(slot * GRAIN)

    def due(self, now: float) -> list[T]:
        """Take out all items whose time has come, in order of their slots."""
        items: list[T] = []
        while self._order and self._order[0] * GRAIN <= now:
            items += self._slots.pop(heappop(self._order))
        return items

    @property
    def next(self) -> float | None:
        """When there is something to hand out; None when nothing is waiting."""
        return self._order[0] * GRAIN if self._order else None
