"""A process with an event loop, in the world's time: it runs, stands still, goes on, or dies between two of its effects.

Owns the part of asyncio's loop that failover uses, with asyncio's order: what was to be called soon, then what can be read,
then timers that are due. The law: code of a process runs only in `run`, with this loop as the running one, so that whatever
it makes belongs to it; a process that stands still runs nothing, and timers that ran out meanwhile are late.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from simulation.world import Clock, Rank, World

LATE_TIMER = 0.002
"""Seconds by which a timer may be late."""
MOST_TURNS = 2000
"""Callbacks in one instant; more would keep a processor busy."""


class Died(BaseException):
    """The process was killed here. No code of the process may catch it."""


class Timer:
    """What `call_at` returns."""

    __slots__ = ("_when", "act", "arguments", "cancelled")

    def __init__(self, when: float, act: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._when = when
        self.act = act
        self.arguments = arguments
        self.cancelled = False

    def cancel(self) -> None:
        """Never call it."""
        self.cancelled = True

    def when(self) -> float:
        """The process's time at which it is due."""
        return self._when


class Process:
    """One process on a host with this clock. `place` is whatever its code is to find there (the host)."""

    def __init__(self, world: World, clock: Clock, place: Any, ended: Callable[[], None]) -> None:
        self.world = world
        self.place = place
        self.alive = True
        self.frozen = False
        self.dies_after = math.inf
        """Effects that it still performs before it is killed."""
        self.after_turn: Callable[[], None] = lambda: None
        """Called when all that was to be done in one instant is done."""
        self.on_thaw: Callable[[], None] = lambda: None
        self._clock = clock
        self._base, self._rate = clock.base, clock.rate
        self._ended = ended
        self._ready: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._readers: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._readable: dict[int, None] = {}
        self._missed: list[Timer] = []
        self._running = False
        self._last = -math.inf

    # ---- what code of the process asks of its loop ----------------------------------------------------------------

    def time(self) -> float:
        """The host's monotonic clock; never less than before."""
        now: float = self._base + self._rate * self.world.now
        self._last = last = max(self._last, now)
        return last

    def call_soon(self, act: Callable[..., Any], *arguments: Any) -> None:
        """Call it when the present callback is done."""
        self._ready.append((act, arguments))
        if not self._running:
            self.world.at(self.world.now, Rank.SOON, self._turn)

    def call_soon_threadsafe(self, act: Callable[..., Any], *arguments: Any) -> None:
        """The same; there is one thread."""
        self.call_soon(act, *arguments)

    def call_at(self, when: float, act: Callable[..., Any], *arguments: Any) -> Timer:
        """Call it when the clock shows `when`, or a little later."""
        timer = Timer(when, act, arguments)
        late = self.world.chance.random() * LATE_TIMER
        self.world.at(self._clock.when(when) + late, Rank.TIMER, self._fire, timer)
        return timer

    def call_later(self, delay: float, act: Callable[..., Any], *arguments: Any) -> Timer:
        """Call it after a delay."""
        return self.call_at(self.time() + delay, act, *arguments)

    def add_reader(self, number: int, act: Callable[..., Any], *arguments: Any) -> None:
        """Call it whenever the socket of this number has something."""
        self._readers[number] = act, arguments

    def remove_reader(self, number: int) -> None:
        """Call it no more."""
        self._readers.pop(number, None)
        self._readable.pop(number, None)

    # ---- what happens to the process ------------------------------------------------------------------------------

    def run(self, act: Callable[..., Any], *arguments: Any) -> None:
        """Something calls into the process, which must not stand still; all that it has to do follows."""
        if self._ready or self._running:
            self._ready.append((act, arguments))
            self._turn()
        else:
            self._turn((act, arguments))

    def readable(self, number: int) -> None:
        """Something has arrived on the socket of this number."""
        if number in self._readers and self.alive:
            if self.frozen:
                self._readable[number] = None
            else:
                act, arguments = self._readers[number]
                self.run(act, *arguments)

    def freeze(self) -> None:
        """It stands still."""
        self.frozen = True

    def thaw(self) -> None:
        """It goes on."""
        self.frozen = False
        self.on_thaw()
        for number in self._readable:
            self._ready.append(self._readers[number])
        self._readable.clear()
        missed, self._missed = self._missed, []
        for timer in sorted(missed, key=Timer.when):
            self._ready.append((self._call, (timer,)))
        self._turn()

    def kill(self) -> None:
        """It is gone."""
        if self.alive:
            self.alive = False
            self._ready.clear()
            self._ended()

    def effect(self) -> None:
        """Its code is about to do something that others can see. Raises Died when it does not come to that any more."""
        self.dies_after -= 1
        if self.dies_after < 0:
            raise Died

    def _fire(self, timer: Timer) -> None:
        if timer.cancelled or not self.alive:
            return
        if self.frozen:
            self._missed.append(timer)
            return
        self.run(self._call, timer)

    def _call(self, timer: Timer) -> None:
        if not timer.cancelled:
            self._last = max(self._last, timer.when())
            timer.act(*timer.arguments)

    def _turn(self, first: Any = None) -> None:
        """Do what is to be done, `first` (a callback and its arguments) before all else."""
        if self._running or not self.alive or self.frozen:
            if first is not None:
                self._ready.append(first)
            return
        self._running = True
        asyncio._set_running_loop(self)  # type: ignore[arg-type]
        ready, turns = self._ready, 0
        try:
            while (ready or first is not None) and turns < MOST_TURNS:
                act, arguments = ready.popleft() if first is None else first
                first = None
                act(*arguments)
                turns += 1
                if not ready:
                    self.after_turn()
            if turns == MOST_TURNS:
                raise AssertionError("a process would turn for ever")
        except Died:
            self.kill()
        finally:
            asyncio._set_running_loop(None)
            self._running = False
