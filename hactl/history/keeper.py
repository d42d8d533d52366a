"""The store behind an event loop: one thread of its own, so that a slow disk delays nothing else.

The law: the loop never waits for the disk; what is asked is done in the order in which it was asked.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from hactl.history.store import Say, Store
from notify.event import Event
from notify.holding import Told

LIMIT = 10_000
"""Most events in one answer."""
CLOSE = 2.0
"""Seconds that a disk may take at the end."""

T = TypeVar("T")


class Keeper:
    """Takes over an open store; made within a running loop. `say` is called in that loop."""

    def __init__(self, store: Store, say: Say) -> None:
        self._loop = asyncio.get_running_loop()
        self._store = store
        self._say = say
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        store.say = self._tell

    async def record(self, entries: Sequence[tuple[Event, tuple[str, ...]]]) -> set[str]:
        """Keep events with the channels each must reach; the ids of those not known before."""
        return await self._ask(lambda store: store.record(entries), {event.id for event, _ in entries})

    async def query(self, since: float, after: int, limit: int, *, last: bool) -> list[tuple[int, Event]]:
        """Events with their rows, in order: those at or after `since` (wall clock) behind row `after`.

        The oldest `limit` of them, or with `last` the newest; at most LIMIT.
        """
        bounded = max(0, min(limit, LIMIT))
        return await self._ask(lambda store: store.query(since, after, bounded, last=last), [])

    async def waiting(self, channel: str, limit: int) -> list[Event]:
        """The oldest events that the channel has not delivered."""
        return await self._ask(lambda store: store.waiting(channel, limit), [])

    async def told(self, channel: str) -> list[Told]:
        """What the channel's receiver knew of problems."""
        return await self._ask(lambda store: store.told(channel), [])

    def done(self, channel: str, ids: Sequence[str], told: Sequence[Told] = ()) -> None:
        """The channel need not deliver these any more, and its receiver knows this now."""
        if ids or told:
            self._order(lambda store: store.done(channel, ids, told))

    def forget(self, channels_but: Sequence[str]) -> None:
        """Let go what waits for any channel but these."""
        self._order(lambda store: store.forget(channels_but))

    def prune(self, age: float) -> None:
        """Drop events older than `age` seconds."""
        self._order(lambda store: store.prune(age))

    async def close(self) -> bool:
        """Finish what was asked and close; False when the disk takes longer than CLOSE seconds."""
        try:
            await asyncio.wait_for(self._ask(lambda store: store.close(), None), CLOSE)
        except TimeoutError:
            return False
        finally:
            self._thread.shutdown(wait=False)
        return True

    async def _ask(self, act: Callable[[Store], T], otherwise: T) -> T:
        """The answer of the store; `otherwise` when it failed in a way that even memory could not make good."""
        try:
            return await asyncio.wrap_future(self._submit(act))
        except (sqlite3.Error, OSError) as error:
            self._say("error", f"the history failed: {error}")
            return otherwise

    def _order(self, act: Callable[[Store], None]) -> None:
        self._submit(act).add_done_callback(self._ended)

    def _submit(self, act: Callable[[Store], T]) -> "Future[T]":
        return self._thread.submit(act, self._store)

    def _ended(self, future: "Future[None]") -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            self._tell("error", f"the history failed: {type(error).__name__}: {error}")

    def _tell(self, level: str, text: str) -> None:
        """Called in the thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._say, level, text)
