"""First probes ahead of their time; core.

The law: new checks begin by their own clocks, at a rate that a slow host bears. Where answers come quickly, each passed
probe lets others begin at once, as long as few are under way: a table is full as soon as host and servers can have it,
and neither is pressed.
"""

from collections.abc import Iterable
from typing import Protocol

FEW = 64
"""Most probes under way while others are let begin early."""
_EACH = 2
"""How many each passed probe lets begin."""


class Waiting(Protocol):
    """A check that has not begun."""

    @property
    def due(self) -> float:
        """When it begins by itself (monotonic seconds)."""

    @property
    def waits(self) -> bool:
        """Whether it may still begin early."""

    def begin(self) -> None:
        """Begin in the next turn."""


class Starts:
    """Those that wait, the first due last."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._called = 0

    def expect(self, new: Iterable[Waiting]) -> None:
        """These wait as well."""
        waiting = [each for each in (*self._waiting, *new) if each.waits]
        self._waiting = sorted(waiting, key=lambda each: each.due, reverse=True)

    def passed(self, under_way: int) -> None:
        """A probe has passed; so many others are under way."""
        room = min(_EACH, FEW - under_way - self._called)
        while self._waiting and room > 0:
            if (first := self._waiting.pop()).waits:
                first.begin()
                self._called += 1
                room -= 1

    def turn(self) -> None:
        """Whoever was called begins now."""
        self._called = 0
