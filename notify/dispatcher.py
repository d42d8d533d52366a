"""Takes events, keeps them safe, and lets each channel's lane deliver them.

The law: `emit` never waits. An event is in the spool before any lane sees it, unless the disk keeps us
waiting longer than PATIENCE: then the alert goes out all the same.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from notify.channels.base import Channel, Tools
from notify.channels.registry import build
from notify.event import Event
from notify.lane import Lane, Report, Spool
from notify.problem import Key
from notify.router import Router
from notify.spec import ChannelSpec

PATIENCE = 2.0
"""Seconds the disk may take before alerts are sent without being safe."""
INTAKE = 100_000
"""Events not yet recorded; further ones are lost and counted."""
INTAKE_BATCH = 10_000
FLUSH = 2.0
"""Seconds that the lanes have at a stop."""

MakeFailure = Callable[[str, str, str], Event]
"""Makes the event notify.failed: channel, "failing" or "lost", reason."""


class _Standing(msgspec.Struct, frozen=True):
    """The problems that there are, and those of them that nobody need be reminded of."""

    open: frozenset[Key] = frozenset()
    acknowledged: frozenset[Key] = frozenset()


Build = Callable[[ChannelSpec, Tools], Channel]


class Dispatcher:
    """All channels. Used within one event loop; run() lasts until stop()."""

    def __init__(self, spool: Spool, make_failure: MakeFailure, build: Build = build) -> None:
        self._spool = spool
        self._make_failure = make_failure
        self._build = build
        self._tools: Tools | None = None
        self._router = Router()
        self._intake: deque[Event | _Standing] = deque()
        self._standing: _Standing | None = None
        self._overrun = 0
        self._news = asyncio.Event()
        self._applied = asyncio.Event()
        self._stopping = False
        self._lanes: dict[str, Lane] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._recording = False
        self._late: set[asyncio.Future[set[str]]] = set()

    def emit(self, event: Event) -> None:
        """Take an event; it is recorded and routed as soon as channels are known. Never waits."""
        if len(self._intake) >= INTAKE:
            self._overrun += 1
            return
        self._intake.append(event)
        self._news.set()

    def stand(self, open_now: Iterable[Key], acknowledged: Iterable[Key] = ()) -> None:
        """Take which problems there are, and those of them that nobody need be reminded of; it counts once the events
        emitted before are with the channels."""
        self._intake.append(_Standing(frozenset(open_now), frozenset(acknowledged)))
        self._news.set()

    def apply(self, specs: Sequence[ChannelSpec], tools: Tools) -> None:
        """Make exactly these channels work. One that is unchanged goes on undisturbed; a changed one keeps its queue."""
        renewed = tools.secrets != self._tools.secrets if self._tools else False
        self._tools = tools
        wanted = {spec.name: spec for spec in specs}
        for name in [name for name in self._lanes if name not in wanted]:
            self._halt(name)
            del self._lanes[name]
        for name, spec in wanted.items():
            lane = self._lanes.get(name)
            if lane is None:
                self._lanes[name] = Lane(spec, self._build(spec, tools), self._spool, self._tell, self._more)
                self._stand(self._lanes[name])
            elif renewed or lane.spec != spec:
                self._halt(name)
                lane.replace(spec, self._build(spec, tools))
            self._start(name)
        self._spool.forget(list(wanted))
        self._applied.set()

    def reports(self) -> tuple[Report, ...]:
        """State of every channel."""
        return tuple(lane.report() for lane in self._lanes.values())

    async def test(self, channel: str, event: Event) -> str:
        """Have this channel deliver the event now; the failure in words, empty when the receiver took it."""
        lane = self._lanes.get(channel)
        return f"there is no channel '{channel}'" if lane is None else await lane.test(event)

    def stop(self) -> None:
        """Record what was emitted, deliver what can be delivered within FLUSH seconds, and let run() end."""
        self._stopping = True
        self._news.set()
        self._applied.set()

    async def run(self) -> None:
        """Record, route and deliver until stopped; what was not delivered stays in the spool."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for name in self._lanes:
                self._start(name)
            await self._applied.wait()
            while not (self._stopping and not self._intake):
                await self._news.wait()
                self._news.clear()
                while self._intake:
                    await self._record()
            await self._flush()
            self._group = None
            while self._intake:
                await self._record()
        for late in self._late:
            late.cancel()

    async def _record(self) -> None:
        """Put the oldest events into the spool, then into the lanes."""
        if isinstance(self._intake[0], _Standing):
            self._standing = self._intake[0]
            self._intake.popleft()
            for lane in self._lanes.values():
                self._stand(lane)
            return
        batch = self._next_batch()
        if self._overrun:
            batch.append(self._make_failure("", "lost", f"{self._overrun} events came faster than the disk"))
            self._overrun = 0
        now = time.monotonic()
        specs = [lane.spec for lane in self._lanes.values()]
        entries = [(event, self._router.route(event, specs, now)) for event in batch]
        self._recording = True
        fresh = await self._safely(entries)
        self._recording = False
        for event, names in entries:
            for name in names:
                if event.id in fresh and name in self._lanes:
                    self._lanes[name].add(event)

    def _next_batch(self) -> list[Event]:
        batch: list[Event] = []
        while self._intake and len(batch) < INTAKE_BATCH and isinstance(event := self._intake[0], Event):
            batch.append(event)
            self._intake.popleft()
        return batch

    def _stand(self, lane: Lane) -> None:
        if self._standing is not None:
            lane.standing(self._standing.open, self._standing.acknowledged)

    async def _safely(self, entries: Sequence[tuple[Event, tuple[str, ...]]]) -> set[str]:
        """Ids of the events that were not known before; all of them when the disk does not answer."""
        recording = asyncio.ensure_future(self._spool.record(entries))
        self._late.add(recording)
        recording.add_done_callback(self._late.discard)
        try:
            return await asyncio.wait_for(asyncio.shield(recording), PATIENCE)
        except TimeoutError:
            return {event.id for event, _ in entries}

    async def _flush(self) -> None:
        for lane in self._lanes.values():
            lane.stop()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=FLUSH)
        for name in list(self._running):
            self._halt(name)

    def _start(self, name: str) -> None:
        if self._group is not None and name not in self._running:
            self._running[name] = self._group.create_task(self._lanes[name].run(), name=f"channel {name}")

    def _halt(self, name: str) -> None:
        with contextlib.suppress(KeyError):
            self._running.pop(name).cancel()

    def _more(self) -> bool:
        return self._recording or bool(self._intake)

    def _tell(self, channel: str, state: str, reason: str) -> None:
        self.emit(self._make_failure(channel, state, reason))
