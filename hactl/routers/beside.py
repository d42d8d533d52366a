"""What the supervisor does for routers beside their worker: takeover programs, and VIPs that are not answered at."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from failover.priority import Judgement
from failover.report import RouterReport
from hactl.config.model import Config
from hactl.routers.accepting import Accepting
from hactl.routers.takeover_programs import TakeoverPrograms


class Beside:
    """Both, of one director. `judge` takes verdicts, `log` lines."""

    def __init__(self, config: Config, judge: Callable[[Judgement], None], log: Any) -> None:
        self._programs = TakeoverPrograms(config, judge, log)
        self._accepting = Accepting(config, judge, log)

    def apply(self, config: Config) -> None:
        """A reload."""
        self._programs.apply(config)
        self._accepting.apply(config)

    def follow(self, reports: Mapping[str, RouterReport]) -> None:
        """The routers' last reports."""
        self._programs.follow(reports)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._programs.run())
            group.create_task(self._accepting.run())

    async def settle(self) -> None:
        """Let the last change of role be acted upon."""
        await self._programs.settle()
