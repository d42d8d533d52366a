"""`hactl realserver agent`: answers the directors' agent checks with what this host knows of its VIPs; edge.

The law: the host is looked at by the clock and never because somebody asks, so that who asks costs nothing; before the
first look, and when a look fails, nothing is said.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Collection
from typing import Final

from hactl.realserver.fitness import Fitness, line
from hactl.realserver.model import NothingServed

_ASKS_WITHIN: Final = 0.3
"""Seconds in which the name of a service must come; an agent check without `send` says nothing."""
_NAME_LIMIT: Final = 256
_MOST: Final = 64
"""Connections at once; more are turned away."""


class Agent:
    """Looks with `look` every so many seconds and tells who connects. `say` gets each change as a sentence."""

    def __init__(self, look: Callable[[], Fitness], every: float, say: Callable[[str], None]) -> None:
        self._look, self._every, self._say = look, every, say
        self._fitness: Fitness | None = None
        self._told = ""
        self._open = 0

    async def run(self, places: Collection[tuple[str, int]]) -> None:
        """Listen at these addresses until a signal ends it. Raises OSError where one cannot be had."""
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        async with contextlib.AsyncExitStack() as stack:
            for host, port in places:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                server = await asyncio.start_server(
                    self._answer, host, port, family=family, limit=_NAME_LIMIT, reuse_address=True
                )
                await stack.enter_async_context(server)
            looking = asyncio.create_task(self._keep_looking())
            stack.callback(looking.cancel)
            looking.add_done_callback(lambda _: ended.set())
            await ended.wait()
            if looking.done():
                looking.result()  # A fault of ours: to answer with what was seen before it would be a lie.

    async def _keep_looking(self) -> None:
        while True:
            try:
                self._fitness = await asyncio.to_thread(self._look)
                said = line(self._fitness, "").decode().strip()
            except (OSError, NothingServed) as error:
                self._fitness, said = None, f"this host cannot be looked at: {error}"
            if said != self._told:
                self._told = said
                with contextlib.suppress(OSError):  # Who reads this may be gone: the directors are not.
                    self._say(said)
            await asyncio.sleep(self._every)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _MOST and self._fitness is not None:
                writer.write(line(self._fitness, await _asked(reader)))
                async with asyncio.timeout(_ASKS_WITHIN):
                    await writer.drain()
        except (OSError, TimeoutError):
            pass
        finally:
            self._open -= 1
            writer.close()


async def _asked(reader: asyncio.StreamReader) -> str:
    """The service that is named, empty for all."""
    try:
        async with asyncio.timeout(_ASKS_WITHIN):
            return (await reader.readline()).decode("ascii", "replace").strip()
    except (TimeoutError, ValueError):
        return ""
