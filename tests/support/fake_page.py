"""The page on a loopback port with the supervisor's desk and made-up commands behind it, in a thread of its own."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from hactl.control.page.desk import Desk
from hactl.control.page.door import Door
from hactl.control.page.server import PageServer
from hactl.processes.messages import Ask, HistoryQuery, PageSpec
from notify.event import Event
from support.fake_daemon import FakeCommands

TOKEN = "open-sesame"
T = TypeVar("T")


class FakePage:
    """What a test holds of a running page: its port, what it is made of, and its loop."""

    def __init__(self) -> None:
        self.commands = FakeCommands()
        self.faults: list[str] = []
        self.loop = asyncio.new_event_loop()
        self.token = TOKEN
        self.port = 0
        self.desk: Desk
        self.server: PageServer
        self.door = Door()
        self.ready = threading.Event()

    async def history(self, query: HistoryQuery) -> Sequence[tuple[int, Event]]:
        """Events as the store gives them."""
        rows = self.commands.history
        return rows[-query.limit :] if query.last else rows[: query.limit]

    def ask_desk(self, ask: Ask) -> None:
        """Hand a question on."""
        self.desk.ask(ask)

    async def run(self) -> None:
        """Serve until cancelled."""
        ours, theirs = socket.socketpair()
        self.server = PageServer(theirs, self.ask_desk, self.history, self.faults.append)
        self.desk = Desk(self.commands, lambda: self.token, self.server.told, self.faults.append)
        self.server.apply(PageSpec(hosts=("lb1",), operable=True))
        self.door.attach(ours)
        self.port = _free_port()
        self.door.want(f"127.0.0.1:{self.port}")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.server.run())
                group.create_task(self.desk.run())
                self.ready.set()
        finally:
            self.door.close()

    def call(self, act: Callable[[], T]) -> T:
        """Do something in the page's loop."""

        async def do() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(do(), self.loop).result(10)

    def ask(
        self, method: str, target: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def post(self, what: str, content: dict[str, Any], token: str = TOKEN) -> tuple[int, dict[str, Any]]:
        """Status and JSON of an operator's request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status, _, body = self.ask("POST", f"/v1/{what}", json.dumps(content).encode(), **headers)
        return status, json.loads(body)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def fake_page() -> Iterator[FakePage]:
    """A page that answers until the block ends."""
    page = FakePage()
    task = None

    def serve() -> None:
        nonlocal task
        asyncio.set_event_loop(page.loop)
        task = page.loop.create_task(page.run())
        try:
            page.loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            page.loop.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert page.ready.wait(10)
    try:
        yield page
    finally:
        assert task is not None
        page.loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        assert not thread.is_alive()
