"""Generations of a configuration: offered to every worker, in force in all of them or in none.

Owns the handshake (prepare, acknowledge by all, commit) and what each worker says of it. The law: an answer counts for its
own generation only; a worker that is dead during a handshake is no obstacle, for it starts with the generation in force.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import msgspec

from hactl.config.model import Config
from hactl.processes.allowed import of_alerts, of_checks
from hactl.processes.children import Child
from hactl.processes.messages import AllowPrograms, Commit, Discard, Prepared
from hactl.processes.preparing import FAILOVER, NOTIFY, preparation

PREPARE_WITHIN = 60.0


class Generations:
    """The one in force, with its `secrets`, and the one that is being offered. `children` gives the workers by name, `say`
    tells the log what one of them refuses."""

    def __init__(
        self,
        config: Config,
        secrets: dict[str, str],
        children: Callable[[], Mapping[str, Child]],
        say: Callable[[str, str], None],
    ) -> None:
        self.secrets = secrets
        self.refused: dict[str, str] = {}
        """What workers refuse of the configuration in force."""
        self._config = config
        self._children = children
        self._say = say
        self._in_force = self._offered = 1
        self._waiting: dict[str, asyncio.Future[str | None]] = {}
        self._ready: set[str] = set()

    async def prepare(self, config: Config, secrets: dict[str, str]) -> str | None:
        """Offer a configuration to every living worker; None when all can commit, else what one of them said."""
        self._offered += 1
        self._ready.clear()
        loop = asyncio.get_running_loop()
        living = [child for child in self._children().values() if child.linked]
        self._waiting = waiting = {child.name: loop.create_future() for child in living}
        for child in living:
            child.send(self._preparation(child.name, self._offered, config, secrets))
        if waiting:
            await asyncio.wait(waiting.values(), timeout=PREPARE_WITHIN)
        self._waiting = {}
        fault = _first_fault(waiting)
        if fault is not None:
            self._send_all(Discard(self._offered))
        return fault

    async def trial(self, config: Config, secrets: dict[str, str]) -> str | None:
        """What one of the living workers would say against a configuration; none of them keeps anything of it."""
        fault = await self.prepare(config, secrets)
        if fault is None:
            self._send_all(Discard(self._offered))
        self._ready.clear()
        return fault

    def commit(self, config: Config, secrets: dict[str, str]) -> None:
        """Make the prepared configuration the one in force everywhere, also at workers that came meanwhile."""
        self._in_force = self._offered
        self._config, self.secrets = config, secrets
        for name in self._ready:
            self.refused.pop(name, None)
        for name, child in self._children().items():
            if name not in self._ready:
                child.send(self._preparation(name, self._in_force, config, secrets))
        for name, child in self._children().items():
            if name != FAILOVER:
                child.send(self._allowed(name))
        self._send_all(Commit(self._in_force))

    def of(self, name: str) -> Iterable[msgspec.Struct]:
        """What brings a worker that was started anew to the generation in force."""
        if name != FAILOVER:
            yield self._allowed(name)
        yield self._preparation(name, self._in_force, self._config, self.secrets)
        yield Commit(self._in_force)

    def heard(self, name: str, answer: Prepared) -> None:
        """A worker has prepared a generation, or says why not."""
        waiting = self._waiting.get(name)
        if answer.generation == self._offered and waiting is not None and not waiting.done():
            waiting.set_result(answer.fault)
            if answer.fault is None:
                self._ready.add(name)
        elif answer.generation == self._in_force:
            self.refused.pop(name, None)
            if answer.fault is not None:
                self.refused[name] = answer.fault
                self._say(name, answer.fault)

    def died(self, name: str) -> None:
        """A worker is dead; whatever is offered does not wait for it."""
        self._ready.discard(name)
        waiting = self._waiting.get(name)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def refuse(self, reason: str) -> None:
        """What is being offered comes too late."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(reason)

    def _allowed(self, name: str) -> AllowPrograms:
        return of_alerts(self._config) if name == NOTIFY else of_checks(self._config)

    def _send_all(self, message: msgspec.Struct) -> None:
        for child in self._children().values():
            child.send(message)

    def _preparation(
        self, name: str, generation: int, config: Config, secrets: dict[str, str]
    ) -> msgspec.Struct:
        workers = sum(child not in (FAILOVER, NOTIFY) for child in self._children())
        return preparation(name, workers, generation, config, secrets)


def _first_fault(answers: Mapping[str, asyncio.Future[str | None]]) -> str | None:
    for name, answer in answers.items():
        fault = (
            answer.result() if answer.done() else f"worker {name} did not answer in {PREPARE_WITHIN:.0f} s"
        )
        if fault is not None:
            return fault
    return None
