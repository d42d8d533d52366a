"""What watchers of the page see: one snapshot a second for all of them, and events as they happen.

The law: the supervisor is asked once a second at most however many watch, and not at all while nobody does. A watcher that
reads slowly skips snapshots, and of events gets the newest; it delays nobody.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from hactl.control.forms import Reply, refusal
from hactl.control.page.patch import difference, without_nothing
from hactl.control.patience import ANSWER, HANDOVER
from hactl.control.refusals import Code
from hactl.processes.messages import Ask, Told, Wanted
from hactl.processes.questions import Questions
from notify.event import Event

EVERY = 1.0
KEPT = 1000
"""Events held for a watcher that has not read them."""


class Asker:
    """Asks the supervisor. `send` hands a message to it."""

    def __init__(self, send: Callable[[Ask], None]) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._questions: Questions[Told] = Questions()
        self._status: asyncio.Task[Reply] | None = None
        self._asked = -EVERY

    def told(self, answer: Told) -> None:
        """An answer came."""
        self._questions.answered(answer.id, answer)

    async def ask(self, wanted: Wanted, body: bytes = b"", token: str = "", origin: str = "") -> Reply:
        """The supervisor's answer, or a refusal in its place."""
        number = next(self._numbers)
        asked = Ask(number, wanted, body, token, origin)
        patience = ANSWER if wanted is Wanted.STATUS else HANDOVER
        try:
            told = await self._questions.ask(number, lambda: self._send(asked), patience)
        except TimeoutError:
            return refusal(Code.UNAVAILABLE, "the supervisor does not answer")
        return Reply(told.status, told.body)

    async def status(self) -> Reply:
        """A snapshot that is at most a second old; who comes while one is fetched waits for the same."""
        if self._status is None or (self._status.done() and time.monotonic() - self._asked >= EVERY):
            self._asked = time.monotonic()
            self._status = asyncio.create_task(self.ask(Wanted.STATUS), name="status for the page")
        return await asyncio.shield(self._status)


class Watcher:
    """One who watches: the snapshot it has, and events it has not seen."""

    def __init__(self) -> None:
        self.has: dict[str, Any] | None = None
        self.events: deque[Event] = deque(maxlen=KEPT)
        self.news = asyncio.Event()


class Live:
    """All that watch."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._watchers: set[Watcher] = set()
        self._watched = asyncio.Event()
        self._snapshot: dict[str, Any] | None = None
        self._former: dict[str, Any] | None = None
        self._patch: dict[str, Any] | None = None
        self.trouble = ""

    @property
    def watching(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def join(self) -> Watcher:
        """A new watcher; it gets a whole snapshot first."""
        watcher = Watcher()
        self._watchers.add(watcher)
        self._watched.set()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """It watches no longer."""
        self._watchers.discard(watcher)
        if not self._watchers:
            self._watched.clear()
            self._snapshot = self._former = self._patch = None

    def emit(self, event: Event) -> None:
        """Show an event to all that watch."""
        for watcher in self._watchers:
            watcher.events.append(event)
            watcher.news.set()

    def step(self, watcher: Watcher) -> tuple[str, Any] | None:
        """What brings the watcher from what it has to the present: ("status", snapshot), ("patch", changes) or None."""
        before, now = watcher.has, self._snapshot
        if now is None or now is before:
            return None
        watcher.has = now
        return ("status", now) if before is None else ("patch", self._changes(before, now))

    def _changes(self, before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
        """The patch, worked out once for all who had the snapshot before the present one, as nearly all have."""
        if before is not self._former:
            return difference(before, now)
        if self._patch is None:
            self._patch = difference(before, now)
        return self._patch

    async def run(self) -> None:
        """Fetch snapshots while somebody watches, until cancelled."""
        while True:
            await self._watched.wait()
            reply = await self._asker.status()
            if reply.status == 200:
                self._former, self._patch = self._snapshot, None
                self._snapshot, self.trouble = without_nothing(msgspec.json.decode(reply.body)), ""
            else:
                self.trouble = "the supervisor does not answer"
            for watcher in self._watchers:
                watcher.news.set()
            await asyncio.sleep(EVERY)
