"""Programs that take addresses over where ARP does not: run at each change of a router's role; edge.

Owns the runs; what is due is `hactl.routers.takeover_duty`'s. The law: each router's runs follow each other, none waits
for another router's, and how they end is a verdict on the router like that on any tracked object.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from failover.moves import State
from failover.priority import Judgement, Word
from failover.report import RouterReport
from hactl.config.model import Config
from hactl.routers import router_program
from hactl.routers.synchronising import is_master
from hactl.routers.takeover_duty import Duty, Role


class TakeoverPrograms:
    """Those of one director. `judge` takes verdicts, `log` lines."""

    def __init__(self, config: Config, judge: Callable[[Judgement], None], log: Any) -> None:
        self._judge, self._log = judge, log
        self._duties: dict[str, Duty] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._config = config
        self._moved, self._ended = asyncio.Event(), asyncio.Event()
        self.apply(config)

    def apply(self, config: Config) -> None:
        """A reload, or the start: until something failed nothing speaks against a router."""
        self._config = config
        there = {spec.router: spec for spec in config.takeovers}
        self._duties = {name: duty for name, duty in self._duties.items() if name in there}
        for name, spec in there.items():
            self._duties.setdefault(name, Duty(spec)).change(spec)
            self._say(self._duties[name])
        self._moved.set()

    def follow(self, reports: Mapping[str, RouterReport]) -> None:
        """The routers' last reports. Before a router has begun it has no role."""
        for name, duty in self._duties.items():
            report = reports.get(name)
            master = is_master(report)
            if report is None or master is None or (report.state is State.INIT and duty.wanted is None):
                continue
            duty.want(Role.MASTER if master else Role.BACKUP)
        self._moved.set()

    async def run(self) -> None:
        """Work until cancelled; runs that are under way are ended then."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._moved.clear()
                for name, duty in self._duties.items():
                    if name not in self._runs and (role := duty.begin(loop.time())) is not None:
                        self._runs[name] = asyncio.create_task(self._perform(name, duty, role))
                    self._say(duty)
                due = (d.due(loop.time()) for name, d in self._duties.items() if name not in self._runs)
                until = min((at for at in due if at is not None), default=None)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await self._moved.wait()
        finally:
            for task in self._runs.values():
                task.cancel()
            await asyncio.gather(*self._runs.values(), return_exceptions=True)

    async def settle(self) -> None:
        """Let the last change of role be acted upon, as long as one run of the slowest program may take."""
        within = max((duty.spec.timeout for duty in self._duties.values()), default=0.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._runs or not all(duty.finished for duty in self._duties.values()):
                    self._ended.clear()
                    await self._ended.wait()

    async def _perform(self, name: str, duty: Duty, role: Role) -> None:
        try:
            ended = await router_program.run(duty.spec, self._config, role=role.value)
            why = ended.failure
            duty.ended(role, why, asyncio.get_running_loop().time())
            say = self._log.warning if why else self._log.info
            text = f"takeover program as {role.value}: {why or f'done in {ended.duration:.1f} s'}"
            say(text, subject=name)
        finally:
            del self._runs[name]
            self._moved.set()
            self._ended.set()

    def _say(self, duty: Duty) -> None:
        word = Word.DOWN if duty.fault else Word.UP
        self._judge(Judgement(duty.spec.id, word, duty.fault))
