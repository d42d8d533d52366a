"""The worker processes of one director, as a whole: which there are, what is due to each, and how they end.

Owns what a worker started anew is given, and the standing in for a dead failover worker. What they are to work with is a
matter of `hactl.processes.generations`.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from failover.keeper import Keeper
from failover.report import Renewal
from hactl.config.model import Config
from hactl.processes.allowed import marks
from hactl.processes.children import Child
from hactl.processes.generations import Generations
from hactl.processes.messages import (
    ChannelTested,
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
from hactl.processes.outbox import Outbox
from hactl.processes.parts import needed, words
from hactl.processes.preparing import FAILOVER, NOTIFY
from hactl.processes.questions import Questions
from notify.event import Event

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
        self._on_message = on_message
        self._on_death = on_death
        self._say = say
        self._questions: Questions[Any] = Questions()
        self._outbox = Outbox()
        self._renewal = Renewal(())
        self._orders = orders
        self._door = door
        self._standing = standing
        self._payload = SharePayload(0, b"")
        self._keeper: Keeper | None = None
        self._parts = needed(config)
        self._notify_arguments = ("--user", user, "--state-dir", config.state_dir)
        self.children = self._make_children(config, user)
        self.generations = Generations(config, secrets, lambda: self.children, say)

    def _make_children(self, config: Config, user: str) -> dict[str, Child]:
        state_dir = Path(config.state_dir)
        lock = ("--lock", str(state_dir / "failover.lock"))
        made = {FAILOVER: self._child(FAILOVER, "failover", ("--user", user, *lock))}
        mark = ("--mark",) if marks(config) else ()
        for number in range(config.health.workers):
            name = f"health-{number}"
            made[name] = self._child(name, "health", ("--user", user, *mark))
        made[NOTIFY] = self._child(NOTIFY, "notify", (*self._notify_arguments, *words(self._parts)))
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

    def commit(self, config: Config, secrets: dict[str, str]) -> None:
        """Make the prepared configuration the one in force. A notify worker that lacks a part for it gives way to another,
        which finds the events of this time waiting."""
        lacking = needed(config) - self._parts
        if lacking:
            self._parts |= lacking
            arguments = (*self._notify_arguments, *words(self._parts))
            self.children[NOTIFY].renew(arguments, "another with more parts takes over", _STOP_NOTIFY)
        self.generations.commit(config, secrets)

    # ---- what workers are told and say --------------------------------------------------------------------------

    def _setup(self, name: str) -> Iterable[msgspec.Struct]:
        """What a worker started anew is given: the generation in force, and events that waited for it."""
        if name == FAILOVER:
            yield from self._orders()
        yield from self.generations.of(name)
        if name == FAILOVER and self._payload.version:
            yield self._payload
        if name == NOTIFY:
            for event in self._outbox.again(time.monotonic()):
                yield Emit(event)
            yield from self._standing()

    def _hear(self, name: str, message: Any) -> None:
        match message:
            case Prepared():
                if name == FAILOVER:
                    self._stop_keeping()
                self.generations.heard(name, message)
            case Renewal():
                self._renewal = message
            case HistoryAnswer(number) | ChannelTested(number):
                self._questions.answered(number, message)
            case _:
                self._on_message(name, message)

    def _died(self, name: str, reason: str) -> None:
        if name == FAILOVER:
            self._stop_keeping()
            self._keeper = Keeper(
                self._renewal.held, self.children[FAILOVER].last_sign, self._say, self.generations.secrets
            )
        self.generations.died(name)
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
        async with asyncio.timeout(within):
            await self.children[NOTIFY].settled.wait()
        if not self.children[NOTIFY].linked:
            raise TimeoutError
        return await self._questions.ask(query.id, lambda: self.children[NOTIFY].send(query), within)

    def refusals(self) -> tuple[str, ...]:
        """What workers refuse of the configuration in force, and events lost for want of a worker, as sentences."""
        lost = self._outbox.lost
        events = (f"{lost} events were lost while there was no notify worker",) if lost else ()
        return (*(f"{name} worker: {fault}" for name, fault in self.generations.refused.items()), *events)

    def troubles(self, now: float) -> Iterator[str]:
        """A sentence for each worker that is not there, or does not answer."""
        for name, child in self.children.items():
            if trouble := child.trouble(now):
                yield f"the {name} worker {trouble}"

    def silent(self, now: float) -> tuple[str, ...]:
        """The workers that have not been heard lately."""
        return tuple(name for name, child in self.children.items() if child.is_silent(now))

    async def stop_failover(self, reason: str, within: float) -> None:
        """Let the failover worker hand over and end; a configuration that is still being offered comes too late."""
        self.generations.refuse("the daemon is stopping")
        await self.children[FAILOVER].stop(reason, within)
        self._stop_keeping()

    async def stop_rest(self, reason: str) -> None:
        """End all other workers; the notify worker last, for it still has something to tell."""
        rest = [child for name, child in self.children.items() if name not in (FAILOVER, NOTIFY)]
        await asyncio.gather(*(child.stop(reason, _STOP_WORKER) for child in rest))
        await self.children[NOTIFY].stop(reason, _STOP_NOTIFY)
