"""Real servers that come and go: many addresses of one host, served by one thread."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from support.netns import Lan

ANSWER_WITHIN = 20.0
CLIENT_PAGE = "/client"
"""What a client asks for: any other path is a check's."""


def place(name: str) -> tuple[str, int]:
    """A name such as 10.99.0.21:80 as a socket's address."""
    host, _, port = name.rpartition(":")
    return host, int(port)


class Farm:
    """Real servers in one host, named by address and port; each can go and come back as a process does.

    They answer every request of HTTP with their name, and any other line with their name and that line.
    ``asked[name]`` are the checks that one has answered: when (monotonic seconds) and the path.
    """

    def __init__(self, net: Lan, host: str) -> None:
        self._net = net
        self._host = host
        self._servers: dict[str, asyncio.Server] = {}
        self._writers: dict[str, set[asyncio.StreamWriter]] = {}
        self.asked: dict[str, list[tuple[float, str]]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="farm")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, traceback: TracebackType | None) -> None:
        self.close(*self._servers)
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result(ANSWER_WITHIN)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_WITHIN)
        self._loop.close()

    async def _finish(self) -> None:
        """Waits for what still talks."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def open(self, *names: str) -> None:
        """The servers listen."""
        for name in names:
            with self._net.inside(self._host):
                listening = socket.create_server(place(name))
            starting = self._listen(name, listening)
            asyncio.run_coroutine_threadsafe(starting, self._loop).result(ANSWER_WITHIN)

    def close(self, *names: str) -> None:
        """The servers are gone: their connections are reset, new ones refused."""
        for name in names:
            ending = self._end(name)
            asyncio.run_coroutine_threadsafe(ending, self._loop).result(ANSWER_WITHIN)

    @contextlib.contextmanager
    def gone(self, *names: str) -> Iterator[None]:
        """The servers are gone meanwhile."""
        self.close(*names)
        try:
            yield
        finally:
            self.open(*names)

    def listens(self, name: str) -> bool:
        """Whether a server is there."""
        return name in self._servers

    def answered(self, name: str, since: float = 0.0, before: float = float("inf")) -> list[str]:
        """The paths that checks asked of a server in that time."""
        return [path for at, path in list(self.asked.get(name, ())) if since <= at < before]

    async def _listen(self, name: str, listening: socket.socket) -> None:
        self._writers[name] = set()
        self._servers[name] = await asyncio.start_server(
            lambda reader, writer: self._talk(name, reader, writer), sock=listening
        )

    async def _end(self, name: str) -> None:
        server = self._servers.pop(name)
        for listening in server.sockets:
            self._loop.remove_reader(listening.fileno())
        # asyncio leaves open what it has accepted and not yet begun to serve when the server closes.
        await asyncio.sleep(0.02)
        server.close()
        for writer in self._writers[name]:
            writer.transport.abort()

    async def _talk(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[name].add(writer)
        try:
            while line := await reader.readline():
                if line.startswith(b"GET "):
                    await self._page(name, line.split()[1].decode(), reader, writer)
                    break
                writer.write(name.encode() + b" " + line)
        except OSError:
            pass
        finally:
            self._writers[name].discard(writer)
            writer.close()

    async def _page(
        self, name: str, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while (await reader.readline()).strip():
            pass
        if path != CLIENT_PAGE:
            self.asked.setdefault(name, []).append((time.monotonic(), path))
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(name) + 1}\r\n\r\n"
        writer.write(f"{head}{name}\n".encode())
        await writer.drain()
