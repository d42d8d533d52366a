"""Events, receivers and a spool for tests of notification."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from notify.channels.base import Tools
from notify.event import Event, EventKind, Severity
from notify.holding import Told
from notify.problem import Key

_numbers = itertools.count(1)


def event(
    kind: EventKind = EventKind.ROUTER_MASTER,
    subject: str = "web",
    *,
    number: int | None = None,
    severity: Severity | None = None,
    **fields: Any,
) -> Event:
    """An event with sensible fields and an id of its own."""
    number = next(_numbers) if number is None else number
    defaults: dict[str, Any] = {
        "old": "backup",
        "new": "master",
        "reason": "no advert for 350 ms",
        "cluster": "web",
        "node": "lb1",
        "at": time.time(),
    }
    return Event(
        id=f"event-{number}",
        kind=kind,
        subject=subject,
        severity=severity or kind.severity,
        **{**defaults, **fields},
    )


class MemorySpool:
    """A spool that keeps everything in plain lists."""

    def __init__(self) -> None:
        self.known: dict[str, Event] = {}
        self.rows: dict[tuple[str, str], Event] = {}
        self.known_of: dict[tuple[str, Key], Told] = {}

    async def record(self, entries: Sequence[tuple[Event, tuple[str, ...]]]) -> set[str]:
        """Keep events; ids of those not known."""
        fresh = {item.id for item, _ in entries} - self.known.keys()
        for item, channels in entries:
            if item.id in fresh:
                self.known[item.id] = item
                self.rows.update({(channel, item.id): item for channel in channels})
        return fresh

    async def waiting(self, channel: str, limit: int) -> list[Event]:
        """What waits for a channel."""
        return [item for (name, _), item in self.rows.items() if name == channel][:limit]

    async def told(self, channel: str) -> list[Told]:
        """What a channel's receiver knew."""
        return [row for (name, _), row in self.known_of.items() if name == channel]

    def done(self, channel: str, ids: Sequence[str], told: Sequence[Told] = ()) -> None:
        """Forget what was delivered, and keep what the receiver knows."""
        for event_id in ids:
            self.rows.pop((channel, event_id), None)
        for row in told:
            self.known_of.pop((channel, row.key), None)
            if row.event is not None:
                self.known_of[channel, row.key] = row

    def forget(self, channels_but: Sequence[str]) -> None:
        """Forget other channels."""
        self.rows = {key: item for key, item in self.rows.items() if key[0] in channels_but}


async def run_nothing(
    command: tuple[str, ...], user: str, environment: Mapping[str, str], stdin: bytes, within: float
) -> str:
    """A means to run programs that fails."""
    return "no programs here"


def tools(**fields: Any) -> Tools:
    """Tools for a channel under test."""
    return Tools(**{"run_program": run_nothing, "node": "lb1", **fields})


async def until(condition: Any, within: float = 10.0) -> None:
    """Wait until the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for often happens in another process
            await asyncio.sleep(0.01)


class Hook:
    """What a webhook's receiver got, and what it answers."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 204
        self.delay = 0.0
        self.body = b""
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[Mapping[str, str], bytes]] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Take one request."""
        self.requests.append((dict(request.headers), await request.read()))
        await asyncio.sleep(self.delay)
        headers = {**self.headers, **({"Location": "/elsewhere"} if 300 <= self.status < 400 else {})}
        return web.Response(status=self.status, body=self.body, headers=headers)


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    """A real HTTP server on a free port of the loopback."""
    receiver = Hook()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
