"""One channel at work: its queue, its pace, its deliveries.

The law: a lane knows nothing of other lanes, so whatever its receiver does delays nobody else. An event stays
in the spool until the receiver has taken it or it counts as lost; memory holds the first QUEUE of them.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

import msgspec

from notify import pace, render
from notify.channels.base import Channel, DeliveryError
from notify.event import Event
from notify.pace import Pace
from notify.spec import ChannelSpec

QUEUE = 20_000
"""Events of one channel held in memory; further ones wait in the spool alone."""
REFUSALS = 5
"""Refusals of the same delivery after which it is lost."""
SPOOL_PATIENCE = 2.0
"""Seconds the disk may take to show what waits, before the lane turns to what memory holds."""
SPOOL_AGAIN = 10.0
"""Seconds until a disk that did not answer is asked again."""
ALARM_AFTER = 5
"""Failures in a row after which others are told that this channel does not deliver (some 15 s)."""
MARGIN = 2.0
"""Seconds beyond its timeout after which a channel that does not keep it is cut off."""


class Spool(Protocol):
    """Where alerts outlive a crash. Nothing here raises; `done` and `forget` do not wait either."""

    async def record(self, entries: Sequence[tuple[Event, tuple[str, ...]]]) -> set[str]:
        """Keep these events with the channels each must still reach; ids of those not known before."""

    async def waiting(self, channel: str, limit: int) -> list[Event]:
        """The oldest events that this channel has not delivered."""

    def done(self, channel: str, ids: Sequence[str]) -> None:
        """The channel need not deliver these any more."""

    def forget(self, channels_but: Sequence[str]) -> None:
        """Let go what waits for any channel but these."""


class Report(msgspec.Struct, frozen=True):
    """State of a channel: events delivered and lost since start, waiting now, the last error (empty:
    none)."""

    name: str
    delivered: int
    failed: int
    waiting: int
    error: str


Tell = Callable[[str, str, str], None]
"""Tells the other channels of a failure: channel, "failing" or "lost", reason."""


class End(msgspec.Struct, frozen=True):
    """How a delivery ended: whether the receiver took it, its remark or the reason in words, and whether it said no."""

    taken: bool
    words: str
    refused: bool = False


async def attempt(channel: Channel, events: Sequence[Event], within: float) -> End:
    """One delivery of at most `within` seconds; whatever goes wrong with it is an answer."""
    try:
        async with asyncio.timeout(within + MARGIN):
            return End(True, await channel.deliver(events))
    except DeliveryError as error:
        return End(False, str(error), error.refused)
    except TimeoutError:
        return End(False, f"no answer within {within:g} s")
    except Exception as error:  # noqa: BLE001 - a channel may be anybody's plug-in; the fault is shown and counted
        return End(False, f"{type(error).__name__}: {error}")


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
        self._behind = True
        self._fetched: set[str] = set()
        self._pace = Pace()
        self._alarmed = False
        self._wake = asyncio.Event()
        self._stopping = False
        self._delivered = 0
        self._lost = 0
        self._error = ""

    def replace(self, spec: ChannelSpec, channel: Channel) -> None:
        """Go on with another spec: what failed under the old one may be tried at once. The lane must not
        be running."""
        self.spec, self._channel = spec, channel
        self._pace = msgspec.structs.replace(self._pace, attempts=0)

    def add(self, event: Event) -> None:
        """Take an event that is in the spool, unless it was fetched from there already."""
        if event.id in self._fetched:
            return
        if len(self._queue) >= QUEUE:
            self._behind = True
            return
        now = time.monotonic()
        self._queue[event.id] = (event, now + self.spec.give_up)
        self._pace = pace.arrived(self._pace, now)
        self._wake.set()

    def stop(self) -> None:
        """Deliver at once what waits, unless the channel is failing, and end."""
        self._stopping = True
        self._wake.set()

    def report(self) -> Report:
        """Counts and last error."""
        return Report(self.spec.name, self._delivered, self._lost, len(self._queue), self._error)

    async def test(self, event: Event) -> str:
        """Deliver this one event now, beside all else and once; the failure in words, empty when it was taken."""
        end = await attempt(self._channel, [event], self.spec.timeout)
        return "" if end.taken else render.plain(end.words)

    async def run(self) -> None:
        """Deliver until stopped or cancelled."""
        while True:
            if self._behind and not self._queue:
                await self._refill()
            if self._stopping and (not self._queue or self._pace.attempts):
                return
            due = self._due()
            if due is not None and due <= time.monotonic() and self._more():
                self._pace = pace.arrived(self._pace, time.monotonic())
                due = self._due()
            if due is None and self._behind:
                due = time.monotonic() + SPOOL_AGAIN
            if due is None or due > time.monotonic():
                await self._sleep(due)
            else:
                await self._deliver()

    def _due(self) -> float | None:
        if self._stopping:
            return 0.0
        return pace.deadline(self._pace, self.spec.digest if self._channel.batch > 1 else 0.0)

    async def _sleep(self, due: float | None) -> None:
        """Until this moment, or something is new."""
        self._wake.clear()
        wait = None if due is None else due - time.monotonic()
        try:
            await asyncio.wait_for(self._wake.wait(), wait)
        except TimeoutError:
            return

    async def _refill(self) -> None:
        """Fetch what only the spool holds: from a former run, or more than memory takes."""
        try:
            events = await asyncio.wait_for(self._spool.waiting(self.spec.name, QUEUE), SPOOL_PATIENCE)
        except TimeoutError:
            return
        self._behind = len(events) == QUEUE
        self._fetched = {event.id for event in events}
        now, wall = time.monotonic(), time.time()
        for event in events:
            self._queue[event.id] = (event, now + self.spec.give_up - max(0.0, wall - event.at))
            self._pace = pace.arrived(self._pace, now)

    async def _deliver(self) -> None:
        batch = [event for event, _ in islice(self._queue.values(), self._channel.batch)]
        began = time.monotonic()
        end = await attempt(self._channel, batch, self.spec.timeout)
        if end.taken:
            self._success(batch, began, end.words)
        else:
            self._failure(batch, end.words, refused=end.refused)

    def _success(self, batch: Sequence[Event], began: float, remark: str) -> None:
        self._release(batch)
        self._delivered += len(batch)
        self._error = remark
        self._alarmed = False
        self._pace = pace.succeeded(
            self._pace,
            began,
            time.monotonic(),
            waiting=bool(self._queue),
            burst=len(batch) == self._channel.batch,
        )

    def _failure(self, batch: Sequence[Event], reason: str, *, refused: bool) -> None:
        now = time.monotonic()
        self._error = render.plain(reason)
        self._pace = pace.failed(self._pace, now)
        if refused and self._pace.attempts >= REFUSALS:
            lost = batch
        else:
            lost = [event for event, expires in self._queue.values() if expires <= now]
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
        self._spool.done(self.spec.name, [event.id for event in events])
