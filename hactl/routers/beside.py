"""What the supervisor does for routers beside their worker: their programs, and VIPs that are not answered at."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from failover.fence_words import FenceAsk, FenceEnded, LastMaster
from failover.priority import Judgement
from failover.report import RouterReport
from hactl.config.model import Config
from hactl.events import Occurrence
from hactl.routers.accepting import Accepting
from hactl.routers.fence_programs import FencePrograms
from hactl.routers.fencing import FenceView
from hactl.routers.last_masters import LastMasters
from hactl.routers.takeover_programs import TakeoverPrograms


class Beside:
    """All of it, of one director. `judge` takes verdicts, `answer` what came of fencing, `emit` events, `log` lines."""

    def __init__(
        self,
        config: Config,
        judge: Callable[[Judgement], None],
        answer: Callable[[FenceEnded], object],
        emit: Callable[[Occurrence | None], None],
        log: Any,
    ) -> None:
        self._programs = TakeoverPrograms(config, judge, log)
        self._accepting = Accepting(config, judge, log)
        self._fences = FencePrograms(config, answer, emit, log)
        self._masters = LastMasters(Path(config.state_dir), log)
        self.broken = self._masters.trouble
        """Why what an earlier daemon left could not be used."""

    def apply(self, config: Config) -> None:
        """A reload."""
        self._programs.apply(config)
        self._accepting.apply(config)
        self._fences.apply(config)

    def follow(self, reports: Mapping[str, RouterReport]) -> None:
        """The routers' last reports."""
        self._programs.follow(reports)
        self._masters.follow(reports, self._fences.routers)

    def fence(self, ask: FenceAsk) -> None:
        """A router waits for a fencing, or waits no more."""
        self._fences.hear(ask)

    def worker_died(self) -> None:
        """The failover worker is no more."""
        self._fences.forget()

    def last_masters(self) -> Iterator[LastMaster]:
        """What a failover worker that starts must know."""
        return self._masters.words()

    def fencings(self) -> dict[str, FenceView]:
        """For status, by router."""
        return self._fences.views()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._programs.run())
            group.create_task(self._accepting.run())
            group.create_task(self._fences.run())

    async def settle(self) -> None:
        """Let the last change of role be acted upon."""
        await self._programs.settle()
