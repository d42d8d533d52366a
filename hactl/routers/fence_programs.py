"""Fencing programs: run when a router of this director waits for it; edge.

Owns the runs; what they mean is `hactl.routers.fencing`'s, what follows the election's. The law: routers that want the same
done to the same director at one time share a run, and a run that no router waits for any more is ended.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from failover.fence_words import FenceAsk, FenceAsked, FenceEnded
from hactl.config.model import Config
from hactl.events import Occurrence
from hactl.routers import router_program
from hactl.routers.fencing import FenceView, Fencing, peer_of
from hactl.routers.program_spec import FenceProgram

_Key = tuple[tuple[str, ...], str, float, str]
"""What one run is: command, user, time-out, whom it fences."""


class FencePrograms:
    """Those of one director. `answer` takes what routers wait for, `emit` events, `log` lines."""

    def __init__(
        self,
        config: Config,
        answer: Callable[[FenceEnded], object],
        emit: Callable[[Occurrence | None], None],
        log: Any,
    ) -> None:
        self._answer, self._emit, self._log = answer, emit, log
        self._fencings: dict[str, Fencing] = {}
        self._keys: dict[str, _Key] = {}
        """The run that each router waits for."""
        self._runs: dict[_Key, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self.apply(config)

    def apply(self, config: Config) -> None:
        """A reload, or the start."""
        self._config = config
        there = {spec.router: spec for spec in config.fences}
        for router in self._fencings.keys() - there.keys():
            self._drop(router)
            del self._fencings[router]
        for router, spec in there.items():
            self._fencings.setdefault(router, Fencing(spec)).spec = spec

    def hear(self, ask: FenceAsk) -> None:
        """A router waits for a fencing, or waits no more."""
        if isinstance(ask, FenceAsked):
            self._begin(ask)
        elif ask.router in self._fencings:
            fencing = self._fencings[ask.router]
            if ask.failure and fencing.asked is not None:
                self._end_of(ask.router, ask.failure, answered=True)
            self._leave(ask.router)
            if not ask.failure:
                self._emit(fencing.dropped())

    def forget(self) -> None:
        """The failover worker has died, and with it all that waited."""
        for router in tuple(self._keys):
            self._leave(router)
            self._fencings[router].asked = None

    async def run(self) -> None:
        """Work until cancelled; runs that are under way are ended then."""
        try:
            await asyncio.Event().wait()
        finally:
            runs = *self._runs.values(), *self._ending
            for task in runs:
                task.cancel()
            await asyncio.gather(*runs, return_exceptions=True)

    @property
    def routers(self) -> Collection[str]:
        """Those that fence."""
        return self._fencings.keys()

    def views(self) -> dict[str, FenceView]:
        """For status, by router."""
        return {router: fencing.view() for router, fencing in self._fencings.items()}

    def _begin(self, ask: FenceAsked) -> None:
        fencing = self._fencings.get(ask.router)
        if fencing is None:
            self._answer(FenceEnded(ask.router, ask.number, "no program is configured"))
            return
        spec, peer = fencing.spec, peer_of(self._config, ask.router, ask.master)
        key = spec.command, spec.user, spec.timeout, peer or ask.master
        self._leave(ask.router)
        fencing.ask(ask, peer or ask.master)
        self._keys[ask.router] = key
        self._log.warning(f"fencing {peer or ask.master or 'the other directors'}", subject=ask.router)
        if key not in self._runs:
            self._runs[key] = asyncio.create_task(self._perform(key, spec, peer, ask.master))

    async def _perform(self, key: _Key, spec: FenceProgram, peer: str, master: str) -> None:
        ended = await router_program.run(spec, self._config, peer=peer, master=master)
        del self._runs[key]
        failure = ended.failure
        for router in [name for name, waited in self._keys.items() if waited == key]:
            self._end_of(router, failure)

    def _end_of(self, router: str, failure: str, *, answered: bool = False) -> None:
        """What a router waited for is over; `answered`: it knows already."""
        self._keys.pop(router, None)
        fencing = self._fencings[router]
        ask = fencing.asked
        if ask is not None and not answered:
            self._answer(FenceEnded(router, ask.number, failure))
        self._emit(fencing.ended(failure))
        if failure:
            self._log.warning(f"fencing program: {failure}", subject=router)

    def _drop(self, router: str) -> None:
        self._leave(router)
        self._emit(self._fencings[router].dropped())

    def _leave(self, router: str) -> None:
        """This router waits no more; what nobody waits for is ended."""
        key = self._keys.pop(router, None)
        if key is not None and key not in self._keys.values() and key in self._runs:
            run = self._runs.pop(key)
            self._ending.add(run)
            run.add_done_callback(self._ending.discard)
            run.cancel()
