"""The connections on the control socket: each request is answered in its turn, and nobody keeps a connection for nothing.

The law: a client that is slow, mute or gone costs its own connection and no more. At the end whoever is being answered has
a second, and so has one that was accepted and not heard yet.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable

from hactl.control.forms import Reply, refused
from hactl.control.wire import CONTINUE, Reader, Request, encoded

SILENT = 15.0
_TAKES = 30.0
"""Seconds that a client may take to read an answer."""
_LINGER = 1.0
"""Seconds for which what is still coming is let go, so that the last answer can be read."""
_SHUTDOWN = 1.0
_ARRIVING = 0.01
_PIECE = 64 * 1024

Answer = Callable[[Request, socket.socket], Awaitable[Reply]]
"""Answers a request that came by this connection; raises nothing."""


class Connections:
    """All that there are. `answer` is asked for each request; a client that says nothing for `silent` seconds, in or
    between requests, is left."""

    def __init__(self, answer: Answer, silent: float = SILENT) -> None:
        self._answer = answer
        self._silent = silent
        self._all: set[asyncio.Task[None]] = set()
        self._resting: set[asyncio.Task[None]] = set()
        """Those that have been answered and may ask again."""
        self._server: asyncio.Server | None = None
        self._closing = False

    async def open(self, listening: socket.socket) -> None:
        """Accept whoever comes."""
        self._listening = listening
        self._server = await asyncio.start_unix_server(self._serve, sock=listening)

    async def close(self) -> None:
        """Accept nobody more, and end what there is."""
        self._closing, server, self._server = True, self._server, None
        if server is None:
            return
        # A connection accepted in the turn in which asyncio closes its server is neither served nor closed, and its
        # client waits in vain (CPython issue 109564): accept no more first, and let the accepted ones arrive.
        asyncio.get_running_loop().remove_reader(self._listening)
        await asyncio.sleep(_ARRIVING)
        server.close()
        for task in self._resting:
            task.cancel()
        if self._all:
            await asyncio.wait(self._all, timeout=_SHUTDOWN)
        for task in self._all:
            task.cancel()
        await asyncio.gather(*self._all, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._all.add(task)
        try:
            with contextlib.suppress(OSError):  # TimeoutError among them
                await self._converse(reader, writer, task)
                await _linger(reader, writer)
        finally:
            self._all.discard(task)
            self._resting.discard(task)
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        """Read and answer until this connection is at its end."""
        wire, end = Reader(), writer.get_extra_info("socket")
        while wire.refused is None:
            async with asyncio.timeout(self._silent):
                data = await reader.read(_PIECE)
            if not data:
                return
            for request in wire.feed(data):
                self._resting.discard(task)
                last = request.last or self._closing
                await _send(writer, await self._answer(request, end), last, bodiless=request.method == "HEAD")
                if last:
                    return
                self._resting.add(task)
            if wire.awaited and wire.refused is None:
                writer.write(CONTINUE)
                wire.awaited = False
        if wire.refused is not None:
            await _send(writer, refused(wire.refused), last=True)


async def _send(writer: asyncio.StreamWriter, reply: Reply, last: bool, bodiless: bool = False) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    writer.write(encoded(reply, date, last=last, bodiless=bodiless))
    async with asyncio.timeout(_TAKES):
        await writer.drain()


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closed at once, with something unread, the connection would be reset, and the answer lost."""
    writer.write_eof()
    async with asyncio.timeout(_LINGER):
        while await reader.read(_PIECE):
            pass
