"""The worker processes of one director, as a whole: one generation of specs for all of them, and what is due to each.

Owns the handshake (prepare, acknowledge by all, commit), what a worker started anew is given, and the standing in for a
dead failover worker. A worker that is dead during a handshake is no obstacle: it starts with the generation in force.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from failover.keeper import Keeper
from failover.report import Renewal
from hactl.allowed import of_alerts, of_checks
from hactl.children import Child
from hactl.config.model import Config
from hactl.messages import (
    AllowPrograms,
    ChannelTested,
    Commit,
    Discard,
    Emit,
    FromFailover,
    FromHealth,
    FromNotify,
    HistoryAnswer,
    HistoryQuery,
    Prepared,
    SharePayload,
    TestChannel,
)
from hactl.outbox import Outbox
from hactl.preparing import FAILOVER, NOTIFY, preparation
from hactl.questions import Questions
from hactl.reload import marks
from notify.event import Event

PREPARE_WITHIN = 60.0
ANSWER_WITHIN = 5.0
_STOP_WORKER = 3.0
_STOP_NOTIFY = 6.0
"""Alerts that can be delivered still are, and the history is closed, before it ends."""
Question = HistoryQuery | TestChannel
_SAYS: dict[str, Any] = {"failover": FromFailover, "health": FromHealth, "notify": FromNotify}


class Crew:
    """All workers. `on_message` gets every message with its worker's name, `on_death` every death with its reason;
    `orders` gives what a failover worker started anew must know before it begins, `standing` what a notify worker must."""

    def __init__(
        self,
        config: Config,
        secrets: dict[str, str],
        user: str,
        *,
        on_message: Callable[[str, Any], None],
        on_death: Callable[[str, str], None],
        say: Callable[[str, str], None],
        orders: Callable[[], Iterable[msgspec.Struct]] = tuple,
        door: Callable[[socket.socket], None] | None = None,
        standing: Callable[[], Iterable[msgspec.Struct]] = tuple,
    ) -> None:
        self._config = config
        self.secrets = secrets
        self._generation = self._offered = 1
        self._on_message = on_message
        self._on_death = on_death
        self._say = say
        self._waiting: dict[str, asyncio.Future[str | None]] = {}
        self._ready: set[str] = set()
        self._questions: Questions[Any] = Questions()
        self._outbox = Outbox()
        self._renewal = Renewal(())
        self._orders = orders
        self._door = door
        self._standing = standing
        self._payload = SharePayload(0, b"")
        self._keeper: Keeper | None = None
        self._refused: dict[str, str] = {}
        self.children = self._make_children(config, user)

    def _make_children(self, config: Config, user: str) -> dict[str, Child]:
        state_dir = Path(config.state_dir)
        lock = ("--lock", str(state_dir / "failover.lock"))
        made = {FAILOVER: self._child(FAILOVER, "failover", ("--user", user, *lock))}
        mark = ("--mark",) if marks(config) else ()
        for number in range(config.health.workers):
            name = f"health-{number}"
            made[name] = self._child(name, "health", ("--user", user, *mark))
        made[NOTIFY] = self._child(NOTIFY, "notify", ("--user", user, "--state-dir", str(state_dir)))
        return made

    def _child(self, name: str, module: str, arguments: Iterable[str]) -> Child:
        return Child(
            name,
            f"hactl.workers.{module}",
            tuple(arguments),
            says=_SAYS[module],
            setup=lambda: self._setup(name),
            on_message=self._hear,
            on_death=self._died,
            kill_when_silent=name != FAILOVER,
            helper=name != FAILOVER,
            door=self._door if name == NOTIFY else None,
        )

    async def run(self) -> None:
        """Keep all workers running until cancelled or stopped."""
        async with asyncio.TaskGroup() as group:
            watches = [group.create_task(child.watch()) for child in self.children.values()]
            await asyncio.gather(*(child.run() for child in self.children.values()))
            for watch in watches:
                watch.cancel()

    # ---- generations --------------------------------------------------------------------------------------------

    async def prepare(self, config: Config, secrets: dict[str, str]) -> str | None:
        """Offer a configuration to every living worker; None when all can commit, else what one of them said."""
        self._offered += 1
        self._ready.clear()
        loop = asyncio.get_running_loop()
        living = [child for child in self.children.values() if child.linked]
        self._waiting = waiting = {child.name: loop.create_future() for child in living}
        for child in living:
            child.send(self._prepare(child.name, self._offered, config, secrets))
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
        self._generation = self._offered
        self._config, self.secrets = config, secrets
        for name in self._ready:
            self._refused.pop(name, None)
        for child in self.children.values():
            if child.name not in self._ready:
                child.send(self._prepare(child.name, self._generation, config, secrets))
        for name, child in self.children.items():
            if name != FAILOVER:
                child.send(self._allowed(name))
        self._send_all(Commit(self._generation))

    def _allowed(self, name: str) -> AllowPrograms:
        return of_alerts(self._config) if name == NOTIFY else of_checks(self._config)

    def _send_all(self, message: msgspec.Struct) -> None:
        for child in self.children.values():
            child.send(message)

    def _setup(self, name: str) -> Iterable[msgspec.Struct]:
        """What a worker started anew is given: the generation in force, and events that waited for it."""
        if name == FAILOVER:
            yield from self._orders()
        else:
            yield self._allowed(name)
        yield self._prepare(name, self._generation, self._config, self.secrets)
        yield Commit(self._generation)
        if name == FAILOVER and self._payload.version:
            yield self._payload
        if name == NOTIFY:
            for event in self._outbox.again(time.monotonic()):
                yield Emit(event)
            yield from self._standing()

    def _prepare(self, name: str, generation: int, config: Config, secrets: dict[str, str]) -> msgspec.Struct:
        workers = sum(child not in (FAILOVER, NOTIFY) for child in self.children)
        return preparation(name, workers, generation, config, secrets)

    def _hear(self, name: str, message: Any) -> None:
        match message:
            case Prepared(generation, fault):
                self._prepared(name, generation, fault)
            case Renewal():
                self._renewal = message
            case HistoryAnswer(number) | ChannelTested(number):
                self._questions.answered(number, message)
            case _:
                self._on_message(name, message)

    def _prepared(self, name: str, generation: int, fault: str | None) -> None:
        """An answer counts for its own generation only; one that comes late is about what nobody offers any more."""
        if name == FAILOVER:
            self._stop_keeping()
        waiting = self._waiting.get(name)
        if generation == self._offered and waiting is not None and not waiting.done():
            waiting.set_result(fault)
            if fault is None:
                self._ready.add(name)
        elif generation == self._generation:
            self._refused.pop(name, None)
            if fault is not None:
                self._refused[name] = fault
                self._say(name, fault)

    def _died(self, name: str, reason: str) -> None:
        if name == FAILOVER:
            self._stop_keeping()
            self._keeper = Keeper(
                self._renewal.held, self.children[FAILOVER].last_sign, self._say, self.secrets
            )
        self._ready.discard(name)
        waiting = self._waiting.get(name)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        self._on_death(name, reason)

    def _stop_keeping(self) -> None:
        """What was given up meanwhile is not taken up again at the worker's next death."""
        if self._keeper is not None:
            self._renewal = Renewal(self._keeper.held)
            self._keeper.close()
            self._keeper = None

    # ---- what others ask ----------------------------------------------------------------------------------------

    def share(self, data: bytes) -> None:
        """Bring this to the supervisors of all peers, now and when the failover worker is started anew."""
        self._payload = SharePayload(self._payload.version + 1, data)
        self.children[FAILOVER].send(self._payload)

    def tell_failover(self, message: msgspec.Struct) -> bool:
        """Say this to the failover worker; False when there is none to hear it now."""
        self.children[FAILOVER].send(message)
        return self.children[FAILOVER].linked

    def tell_notify(self, message: msgspec.Struct) -> None:
        """Say this to the notify worker; one that has died since is told anew all that matters."""
        self.children[NOTIFY].send(message)

    def emit(self, event: Event) -> None:
        """Give an event to the notify worker, or keep it until there is one."""
        if self.children[NOTIFY].linked:
            self._outbox.given(event, time.monotonic())
            self.children[NOTIFY].send(Emit(event))
        else:
            self._outbox.wait(event)

    async def ask_notify(self, query: Question, within: float = ANSWER_WITHIN) -> Any:
        """The notify worker's answer, which bears the question's number. Raises TimeoutError when there is none."""
        if not self.children[NOTIFY].linked:
            raise TimeoutError
        return await self._questions.ask(query.id, lambda: self.children[NOTIFY].send(query), within)

    def refusals(self) -> tuple[str, ...]:
        """What workers refuse of the configuration in force, and events lost for want of a worker, as sentences."""
        lost = self._outbox.lost
        events = (f"{lost} events were lost while there was no notify worker",) if lost else ()
        return (*(f"{name} worker: {fault}" for name, fault in self._refused.items()), *events)

    def silent(self, now: float) -> tuple[str, ...]:
        """The workers that have not been heard lately."""
        return tuple(name for name, child in self.children.items() if child.is_silent(now))

    async def stop_failover(self, reason: str, within: float) -> None:
        """Let the failover worker hand over and end; a configuration that is still being offered comes too late."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result("the daemon is stopping")
        await self.children[FAILOVER].stop(reason, within)
        self._stop_keeping()

    async def stop_rest(self, reason: str) -> None:
        """End all other workers; the notify worker last, for it still has something to tell."""
        rest = [child for name, child in self.children.items() if name not in (FAILOVER, NOTIFY)]
        await asyncio.gather(*(child.stop(reason, _STOP_WORKER) for child in rest))
        await self.children[NOTIFY].stop(reason, _STOP_NOTIFY)


def _first_fault(answers: dict[str, asyncio.Future[str | None]]) -> str | None:
    for name, answer in answers.items():
        fault = (
            answer.result() if answer.done() else f"worker {name} did not answer in {PREPARE_WITHIN:.0f} s"
        )
        if fault is not None:
            return fault
    return None
