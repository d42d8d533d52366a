"""A control server over a real Unix socket with made-up commands behind it, in a thread of its own."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hactl.config.model import RolesSpec
from hactl.control.commands import (
    AckAnswer,
    AckRequest,
    Caller,
    EventQuery,
    HandoverRequest,
    NotifyTestAnswer,
    NotifyTestRequest,
    OverrideAnswer,
    OverrideRequest,
    PlanRequest,
    ReloadAnswer,
    ReloadRequest,
    ResumeRequest,
    RouterAnswer,
    RoutersAnswer,
    StandbyRequest,
)
from hactl.control.listener import Listener
from hactl.control.refusals import Code, RefusedError
from hactl.control.server import ControlServer
from hactl.plan.model import Plan
from hactl.wishes.overrides import Override
from notify.event import Event, EventKind, Severity

STATUS_FILE = Path(__file__).parent.parent / "cli" / "data" / "pair.json"


def event(number: int) -> Event:
    """The event number `number`, one second after the one before."""
    return Event(
        id=f"e{number}",
        kind=EventKind.SERVER_DOWN,
        cluster="web",
        node="lb1",
        subject=f"rs{number}@www",
        old="up",
        new="down",
        reason="connect_refused",
        severity=Severity.WARNING,
        at=1767225600.0 + number,
    )


class FakeCommands:
    """Answers from memory and keeps what it was asked, with who asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, Caller]] = []
        self.snapshot: Mapping[str, Any] = json.loads(STATUS_FILE.read_text())
        self.history: list[tuple[int, Event]] = [(number, event(number)) for number in range(1, 4)]
        self.reload_answer = ReloadAnswer(ok=True, changes=("service www: server rs3 added",))
        self.plan_answer = Plan(file="/etc/hactl/hactl.yaml", ok=True)
        self.warnings: tuple[str, ...] = ()
        self.done = True

    async def status(self) -> Mapping[str, object]:
        """The snapshot."""
        return self.snapshot

    async def version(self) -> Mapping[str, Any]:
        """A version."""
        return {"version": "0.1.0", "cluster": "web", "node": "lb1"}

    async def reload(self, request: ReloadRequest, caller: Caller) -> ReloadAnswer:
        """The answer set beforehand."""
        self.asked.append((request, caller))
        return self.reload_answer

    async def plan(self, request: PlanRequest) -> Plan:
        """The answer set beforehand; what was asked is kept as with a reload."""
        self.asked.append((request, Caller(0, 0, "")))
        return self.plan_answer

    async def override_set(self, request: OverrideRequest, caller: Caller) -> OverrideAnswer:
        """Done in service www; rs9 is refused, rs8 is a fault of the daemon's own."""
        self.asked.append((request, caller))
        if request.server == "rs9":
            raise RefusedError(Code.NOT_FOUND, "there is no server 'rs9' in any service; did you mean 'rs1'?")
        if request.server == "rs8":
            raise ZeroDivisionError("made up")
        return OverrideAnswer(servers=(f"{request.server}@www",), applied_on=("lb1",), warnings=self.warnings)

    async def overrides(self) -> tuple[Override, ...]:
        """One weight."""
        return (Override(server="rs1", weight=5, at=1.0, revision=1),)

    async def handover(self, request: HandoverRequest, caller: Caller) -> RoutersAnswer:
        """One router, given away or not."""
        self.asked.append((request, caller))
        text = "lb2 is master" if self.done else "no peer is up"
        return RoutersAnswer(routers=(RouterAnswer(router="web", done=self.done, text=text),))

    async def standby(self, request: StandbyRequest, caller: Caller) -> RoutersAnswer:
        """One router, given away or not."""
        self.asked.append((request, caller))
        text = "lb2 is master" if self.done else "no successor took over"
        return RoutersAnswer(routers=(RouterAnswer(router="web", done=self.done, text=text),))

    async def resume(self, request: ResumeRequest, caller: Caller) -> RoutersAnswer:
        """One router, taking part again."""
        self.asked.append((request, caller))
        return RoutersAnswer(routers=(RouterAnswer(router="web", done=True, text="takes part again"),))

    async def notify_test(self, request: NotifyTestRequest, caller: Caller) -> NotifyTestAnswer:
        """Delivered by every channel but one."""
        self.asked.append((request, caller))
        failure = "connection refused" if request.channel == "chat" else ""
        return NotifyTestAnswer(channel=request.channel, delivered=not failure, failure=failure)

    async def acknowledge(self, request: AckRequest, caller: Caller) -> AckAnswer:
        """One problem, known now; nothing is wrong with rs9."""
        self.asked.append((request, caller))
        if "rs9" in request.subjects:
            raise RefusedError(
                Code.NOT_FOUND, "nothing is wrong with 'rs9', so there is nothing to acknowledge"
            )
        return AckAnswer(problems=("server rs1@www",), applied_on=("lb1",), warnings=self.warnings)

    async def events(self, query: EventQuery) -> tuple[tuple[int, Event], ...]:
        """Rows as the history gives them."""
        rows = [row for row in self.history if row[0] > query.after and row[1].at >= query.since]
        return tuple(rows[-query.limit :] if query.last else rows[: query.limit])


class FakeDaemon:
    """What a test holds of a running server: its path, its commands, its faults, and its loop."""

    def __init__(self, path: str, commands: FakeCommands, roles: RolesSpec | None = None) -> None:
        self.path = path
        self.roles = roles
        self.commands = commands
        self.faults: list[str] = []
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: ControlServer | None = None
        self._end: asyncio.Event | None = None

    def happen(self, row: int) -> None:
        """Let one more event happen."""

        def add() -> None:
            self.commands.history.append((row, event(row)))
            if self._server is not None:
                self._server.notice()

        if self._loop is not None:
            self._loop.call_soon_threadsafe(add)

    def stop(self) -> None:
        """Let the server end."""
        if self._loop is not None and self._end is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end.set)

    async def serve(self) -> None:
        """Listen and answer until stopped."""
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        with Listener(self.path, None) as listener:
            self._server = ControlServer(self.commands, self.faults.append, lambda: self.roles)
            await self._server.start(listener)
            self.ready.set()
            await self._end.wait()
            await self._server.close()
            await asyncio.sleep(0)  # closed connections are told in the loop's next turn


@contextmanager
def fake_daemon(
    path: Path, commands: FakeCommands | None = None, roles: RolesSpec | None = None
) -> Iterator[FakeDaemon]:
    """A daemon that answers at `path` while the context lasts."""
    daemon = FakeDaemon(str(path), commands or FakeCommands(), roles)
    thread = threading.Thread(target=asyncio.run, args=(daemon.serve(),))
    thread.start()
    try:
        assert daemon.ready.wait(10)
        yield daemon
    finally:
        daemon.stop()
        thread.join(10)
        assert not thread.is_alive()
