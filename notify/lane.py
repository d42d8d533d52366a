"""One channel at work: its queue, its pace, its deliveries.

The law: a lane knows nothing of other lanes, so whatever its receiver does delays nobody else. An event stays
in the spool until the receiver has taken it, it counts as lost, or it need not be told; memory holds the first QUEUE
of them. What is held back, and until when, is decided by `Holding`.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Protocol

import msgspec

from notify import pace, portion, render
from notify.attempt import End, attempt
from notify.channels.base import Channel
from notify.event import Event
from notify.holding import Holding, Passed, Told
from notify.pace import Pace
from notify.portion import Portion
from notify.problem import Key
from notify.spec import ChannelSpec

QUEUE = 20_000
"""Events of one channel held in memory; further ones wait in the spool alone."""
SPOOL_PATIENCE = 2.0
"""Seconds the disk may take to show what waits, before the lane turns to what memory holds."""
SPOOL_AGAIN = 10.0
"""Seconds until a disk that did not answer is asked again."""
ALARM_AFTER = 5
"""Failures in a row after which others are told that this channel does not deliver (some 15 s)."""
LOOK_EVERY = 0.2
"""Seconds between two looks at what is held."""
LOOK_WITHIN = 60.0
"""Seconds after which what is held is looked at again, in case the clock was set."""


class Spool(Protocol):
    """Where alerts outlive a crash. Nothing here raises; `done` and `forget` do not wait either."""

    async def record(self, entries: Sequence[tuple[Event, tuple[str, ...]]]) -> set[str]:
        """Keep these events with the channels each must still reach; ids of those not known before."""

    async def waiting(self, channel: str, limit: int) -> list[Event]:
        """The oldest events that this channel has not delivered."""

    async def told(self, channel: str) -> list[Told]:
        """What this channel's receiver knew of problems."""

    def done(self, channel: str, ids: Sequence[str], told: Sequence[Told] = ()) -> None:
        """The channel need not deliver these any more; and, in one with that, what its receiver knows now."""

    def forget(self, channels_but: Sequence[str]) -> None:
        """Let go what waits for any channel but these."""


class Report(msgspec.Struct, frozen=True):
    """State of a channel: events delivered and lost since start, waiting now, the last error (empty:
    none), and how many are held until their time."""

    name: str
    delivered: int
    failed: int
    waiting: int
    error: str
    held: int = 0


Tell = Callable[[str, str, str], None]
"""Tells the other channels of a failure: channel, "failing" or "lost", reason."""


class Lane:
    """Delivers to one channel; `more` says whether further events are just being recorded. All of its
    state outlives a change of its spec but the delivery under way."""

    def __init__(
        self, spec: ChannelSpec, channel: Channel, spool: Spool, tell: Tell, more: Callable[[], bool]
    ) -> None:
        self.spec = spec
        self._channel = channel
        self._spool = spool
        self._tell = tell
        self._more = more
        self._queue: dict[str, tuple[Event, float]] = {}
        self._portion = Portion()
        self._behind = True
        self._early: list[Event] | None = []
        self._holding = Holding(spec)
        self._looked = 0.0
        self._fetched: set[str] = set()
        self._pace = Pace()
        self._alarmed = False
        self._wake = asyncio.Event()
        self._stopping = False
        self._delivered = 0
        self._lost = 0
        self._error = ""

    def replace(self, spec: ChannelSpec, channel: Channel) -> None:
        """Go on with another spec: what failed under the old one may be tried at once. The lane must not be running."""
        self.spec, self._channel = spec, channel
        self._holding.replace(spec)
        self._portion = Portion()
        self._pace = msgspec.structs.replace(self._pace, attempts=0)

    def add(self, event: Event) -> None:
        """Take an event that is in the spool, unless it was fetched from there already."""
        if event.id in self._fetched:
            return
        if self._early is not None:
            self._early.append(event)
        else:
            self._pass(self._holding.take(event, time.time()))
        self._wake.set()

    def standing(self, open_now: frozenset[Key], acknowledged: frozenset[Key]) -> None:
        """The problems that there are, and those of them that nobody need be reminded of."""
        self._spool.done(self.spec.name, (), self._holding.standing(open_now, acknowledged))
        self._wake.set()

    def stop(self) -> None:
        """Deliver at once what waits, unless the channel is failing, and end."""
        self._stopping = True
        self._wake.set()

    def report(self) -> Report:
        """Counts and last error."""
        held = self._holding.held
        return Report(self.spec.name, self._delivered, self._lost, len(self._queue), self._error, held)

    async def test(self, event: Event) -> str:
        """Deliver this one event now, beside all else and once; the failure in words, empty when it was taken."""
        end = await attempt(self._channel, [event], self.spec.timeout)
        return "" if end.taken else end.words

    async def run(self) -> None:
        """Deliver until stopped or cancelled."""
        while True:
            if self._behind and not self._queue:
                await self._refill()
            self._look()
            if self._stopping and (not self._queue or self._pace.attempts):
                return
            due = self._due()
            if due is not None and due <= time.monotonic() and self._more():
                self._pace = pace.arrived(self._pace, time.monotonic())
                due = self._due()
            if due is None and self._behind:
                due = time.monotonic() + SPOOL_AGAIN
            if due is None or due > time.monotonic():
                await self._sleep(min(due or math.inf, self._look_at()))
            else:
                await self._deliver()

    def _due(self) -> float | None:
        if self._stopping:
            return 0.0
        return pace.deadline(self._pace, self.spec.digest if self._channel.batch > 1 else 0.0)

    def _look(self) -> None:
        """See whether something that is held is due, be it by a clock that was set back."""
        look_at = self._holding.next_look
        patience = LOOK_EVERY if look_at <= time.time() else LOOK_WITHIN
        if look_at < math.inf and time.monotonic() >= self._looked + patience:
            self._looked = time.monotonic()
            self._pass(self._holding.look(time.time()))

    def _look_at(self) -> float:
        """The moment of the next look, infinite while nothing is held."""
        wait = self._holding.next_look - time.time()
        if wait == math.inf:
            return math.inf
        now = time.monotonic()
        return max(now + min(wait, LOOK_WITHIN), self._looked + LOOK_EVERY)

    def _pass(self, passed: Passed, *, aged: bool = False) -> None:
        """Queue what is to be told, and let go what need not be. `aged`: it waited for its receiver all its life."""
        for event_id in passed.drop:
            self._queue.pop(event_id, None)
        if passed.drop:
            self._spool.done(self.spec.name, passed.drop)
        now, wall = time.monotonic(), time.time()
        for event in passed.tell:
            if len(self._queue) >= QUEUE:
                self._behind = True
                continue
            age = max(0.0, wall - event.at) if aged and not self._holding.holds else 0.0
            self._queue[event.id] = (event, now + self.spec.give_up - age)
            self._pace = pace.arrived(self._pace, now)

    async def _sleep(self, due: float) -> None:
        """Until this moment, or something is new."""
        self._wake.clear()
        wait = None if due == math.inf else due - time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait)

    async def _refill(self) -> None:
        """Fetch what only the spool holds: from a former run, or more than memory takes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SPOOL_PATIENCE):
                await self._fetch()
        early, self._early = self._early or (), None
        for event in early:
            self.add(event)

    async def _fetch(self) -> None:
        if not self._holding.knows:
            self._holding.load(await self._spool.told(self.spec.name))
        events = await self._spool.waiting(self.spec.name, QUEUE)
        self._behind = len(events) == QUEUE
        self._fetched = {event.id for event in events}
        for event in events:
            self._pass(self._holding.take(event, time.time()), aged=True)

    async def _deliver(self) -> None:
        most = min(self._portion.most, self._channel.batch)
        batch = [event for event, _ in islice(self._queue.values(), most)]
        if not batch:
            self._pace = pace.emptied(self._pace)
            return
        began = time.monotonic()
        end = await attempt(self._channel, batch, self.spec.timeout)
        if end.taken:
            self._success(batch, began, end.words, full=len(batch) == most)
        else:
            self._failure(batch, end)

    def _success(self, batch: Sequence[Event], began: float, remark: str, *, full: bool) -> None:
        self._release(batch)
        self._delivered += len(batch)
        if remark and remark != self._error and not render.is_about_alerts(batch):
            self._tell(self.spec.name, "lost", f"in part: {remark}")
        self._error = remark
        self._alarmed = False
        self._portion = portion.taken(self._portion)
        waiting = bool(self._queue)
        self._pace = pace.succeeded(self._pace, began, time.monotonic(), waiting=waiting, burst=full)

    def _failure(self, batch: Sequence[Event], end: End) -> None:
        now = time.monotonic()
        self._error = end.words
        self._pace = pace.failed(self._pace, now, end.wait)
        lost: Sequence[Event] = [event for event, expires in self._queue.values() if expires <= now]
        if end.refused:
            self._portion, is_lost = portion.refused(self._portion, batch[0].id, len(batch))
            lost = batch if is_lost else lost
        if lost:
            self._give_up(lost, now)
        elif self._pace.attempts >= ALARM_AFTER and not self._alarmed:
            self._alarmed = True
            self._tell(self.spec.name, "failing", f"{self._error} ({len(self._queue)} events wait)")

    def _give_up(self, lost: Sequence[Event], now: float) -> None:
        self._release(lost)
        self._lost += len(lost)
        self._alarmed = True
        self._pace = pace.gave_up(self._pace, now, waiting=bool(self._queue))
        if not render.is_about_alerts(lost):
            self._tell(self.spec.name, "lost", f"{len(lost)} events: {self._error}")

    def _release(self, events: Sequence[Event]) -> None:
        for event in events:
            self._queue.pop(event.id, None)
        self._spool.done(self.spec.name, [event.id for event in events], self._holding.ended(events))
