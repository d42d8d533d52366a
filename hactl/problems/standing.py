"""The problems that there are: kept over restarts, told to the notify worker, which reminds of them, and to status.

The law: what happens is taken at once; disk and worker hear of it once a second at most, and the disk is never waited for.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hactl import store
from hactl.config.model import Config
from hactl.problems import problems
from hactl.problems.acks import Ack
from hactl.processes.messages import Standing
from hactl.wishes.overrides import Admin
from hactl.wishes.wishes import Wishes
from notify.event import Event
from notify.problem import Key, Topic, place

FILE = "problems.json"
CONFIRMED_WITHIN = 60.0
"""Seconds after the start in which what is still wrong is said again; the rest ended while there was no daemon."""


class ProblemKeeper:
    """Of this director. `wishes` has the acknowledgements; `tell` hands a message to the notify worker."""

    def __init__(self, config: Config, wishes: Wishes, tell: Callable[[Standing], None], log: Any) -> None:
        self._path = Path(config.state_dir) / FILE
        self._wishes, self._tell, self._log = wishes, tell, log
        self.open, broken = store.load(self._path, problems.decode, problems.Problems())
        if broken:
            log.warning(broken)
        self.open.keep(config)
        self._former = {one.key for one in self.open if one.topic in problems.SAID_AGAIN}
        self._judged_at = time.monotonic() + CONFIRMED_WITHIN
        self._changed = True
        self._unsaved = False
        self._saving: asyncio.Task[None] | None = None

    def learn(self, event: Event) -> None:
        """Take an event of this director."""
        if self._former:
            self._former.discard(place(event)[0] or ("", ""))
        self._changed |= self.open.learn(event)

    def apply(self, config: Config) -> None:
        """Another configuration is in force."""
        self._changed |= self.open.keep(config)

    def changed(self) -> None:
        """An acknowledgement came or went."""
        self._changed = True

    def acknowledged(self) -> dict[Key, Ack]:
        """The problems that operators have said to know."""
        return self.open.acknowledged(self._wishes.acks.by_target())

    def message(self) -> Standing:
        """What the notify worker must know."""
        known = {*self.acknowledged(), *self._taken_out()}
        return Standing(tuple(one.key for one in self.open), tuple(known))

    def _taken_out(self) -> Iterator[Key]:
        """The servers that an operator has taken out: whoever did knows."""
        overrides = self._wishes.overrides
        for one in self.open if overrides.records else ():
            server, _, service = one.subject.partition("@")
            if one.topic is Topic.SERVER and overrides.effective(service, server)[0] is Admin.DISABLED:
                yield one.key

    def look(self) -> None:
        """Tell and keep what changed; to be called each second."""
        if self._former and time.monotonic() >= self._judged_at:
            self._changed |= self.open.forget(self._former)
            self._former.clear()
        if self._changed:
            self._changed, self._unsaved = False, True
            self._tell(self.message())
        if self._unsaved and (self._saving is None or self._saving.done()):
            self._unsaved = False
            content = problems.encode(self.open)
            self._saving = asyncio.create_task(self._save(content), name="problems")

    async def _save(self, content: bytes) -> None:
        try:
            await store.keep(self._path, content)
        except OSError as error:
            self._log.warning(f"the list of problems cannot be kept: {error.strerror}")
