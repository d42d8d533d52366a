"""One worker process as the supervisor sees it: started, linked, watched, started again when it died.

The law: death is judged by the process alone; the first restart is at once, further ones wait; a health or notify worker
that is silent for too long is killed, a failover worker never (its lease and its peers judge it).
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from hactl.processes.backoff import Backoff
from hactl.processes.execution import execute
from hactl.processes.ipc import Link, connect
from hactl.processes.messages import AllowPrograms, Beat, Stop

SILENT_AT_MOST = 5.0
FIRST_WORD_WITHIN = 60.0
"""Patience with a worker that is still loading; slow machines take long to import."""
BEAT_INTERVAL = 1.0
LAST_WORDS = 0.2
"""How long a worker's last messages and its end may be apart."""


class Child:
    """One worker. `says` is the union of messages that it may send; `setup` gives those that a newly started one needs;
    `on_death` hears why it ended. With `helper` the worker passes a socket on to a helper that runs programs for it, and
    AllowPrograms goes there. `door` is given our end of a socket over which the worker takes listening sockets."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        says: Any,
        setup: Callable[[], Iterable[msgspec.Struct]],
        on_message: Callable[[str, Any], None],
        on_death: Callable[[str, str], None],
        kill_when_silent: bool,
        helper: bool = False,
        door: Callable[[socket.socket], None] | None = None,
    ) -> None:
        self.name = name
        self.pid = 0
        self.restarts = 0
        self.settled = asyncio.Event()
        """Not set while one that was asked to give way has no successor yet."""
        self.settled.set()
        self._module = module
        self._arguments = arguments
        self._says = says
        self._setup = setup
        self._on_message = on_message
        self._on_death = on_death
        self._kill_when_silent = kill_when_silent
        self._has_helper = helper
        self._door = door
        self._helper: Link[Any] | None = None
        self._link: Link[Any] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._started = 0.0
        self._died_of = ""
        self._quiet_since = 0.0
        self._spoke = False
        self._sign = 0.0
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def linked(self) -> bool:
        """Whether messages reach it."""
        return self._link is not None

    @property
    def last_sign(self) -> float:
        """When the worker last said, by its own clock, that its loop turns; 0 for never."""
        return self._sign

    def send(self, message: msgspec.Struct) -> None:
        """Send a message; one that is dead now gets what it needs when it starts."""
        link = self._helper if isinstance(message, AllowPrograms) else self._link
        if link is not None:
            link.send(message)

    def is_silent(self, now: float) -> bool:
        """Whether the living worker has not been heard for longer than a healthy one is."""
        if not self.running:
            return False
        return now - self._quiet_since > (SILENT_AT_MOST if self._spoke else FIRST_WORD_WITHIN)

    def trouble(self, now: float) -> str:
        """What is wrong with it, as the end of a sentence about it; empty while it is well or has not been started yet."""
        if self._died_of and not self.running:
            deaths = f"{self.restarts} death{'s' if self.restarts != 1 else ''}"
            return f"does not run: {self._died_of}; {deaths} until now, it is started again"
        return "does not answer" if self.is_silent(now) else ""

    async def run(self) -> None:
        """Keep the worker running until `stop`."""
        backoff = Backoff()
        while not self._stopping.is_set():
            self._started, arguments = time.monotonic(), self._arguments
            try:
                reason = await self._live(arguments)
            except OSError as error:
                reason = f"cannot be started: {error.strerror}"
            if self._stopping.is_set():
                break
            if arguments is not self._arguments:
                continue
            self._died_of = reason
            self._on_death(self.name, reason)
            self.restarts += 1
            backoff = backoff.after_life(time.monotonic() - self._started)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.wait):
                    await self._stopping.wait()
            backoff = backoff.longer()
        self._ended.set()

    async def stop(self, reason: str, within: float) -> None:
        """Ask for an orderly end, and kill the process when it has not come `within` seconds."""
        self._stopping.set()
        self.send(Stop(reason))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._ended.wait()
                return
        self._kill()
        await self._ended.wait()

    def renew(self, arguments: Sequence[str], reason: str, within: float) -> None:
        """Let the worker end in order, which is no death, and start it anew with these arguments; it is killed when it has
        not ended `within` seconds. Until the new one has started nothing can be sent."""
        self._arguments = arguments
        self.settled.clear()
        self.send(Stop(reason))
        self._link = None
        if self._process is not None:
            asyncio.get_running_loop().call_later(within, _kill, self._process)

    async def watch(self) -> None:
        """Send beats, and kill a worker that stands still, for as long as the daemon runs."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(BEAT_INTERVAL)
            now = time.monotonic()
            self.send(Beat(now))
            if now - before > 2 * BEAT_INTERVAL:
                # It was this process that stood still, perhaps with all others: count the silence from now.
                self._quiet_since = now
            elif self._kill_when_silent and self.is_silent(now):
                self._kill()
            before = now

    async def _live(self, arguments: Sequence[str]) -> str:
        options = ("--fd", *["--allowed"] * self._has_helper, *["--door"] * (self._door is not None))
        process, ends = await execute(self._module, arguments, options)
        self._process, self.pid = process, process.pid
        if self._door is not None:
            self._door(ends["--door"])
        if self._has_helper:
            self._helper = await connect(Link(type(None)), ends["--allowed"])
        self._quiet_since, self._spoke = time.monotonic(), False
        lost = asyncio.Event()
        self._link = link = await connect(Link(self._says, self._hear, lambda _: lost.set()), ends["--fd"])
        for message in self._setup():
            self.send(message)
        if arguments is self._arguments:
            self.settled.set()
        if self._stopping.is_set() or not self.settled.is_set():
            self.send(Stop("stop"))
        code = await self._end_of(process, lost)
        link.close()
        self._link = None
        if self._helper is not None:
            self._helper.close()
            self._helper = None
        return f"killed by signal {-code}" if code < 0 else f"exit status {code}"

    async def _end_of(self, process: asyncio.subprocess.Process, lost: asyncio.Event) -> int:
        """The exit status, after the last words were heard; a worker that can no longer be talked to is ended."""
        ends = asyncio.ensure_future(process.wait()), asyncio.ensure_future(lost.wait())
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(ends, timeout=LAST_WORDS)
        if not ends[0].done():
            self._link = None
            if not self._stopping.is_set():
                process.terminate()
        ends[1].cancel()
        return await ends[0]

    def _hear(self, message: Any) -> None:
        self._quiet_since, self._spoke = time.monotonic(), True
        if isinstance(message, Beat):
            self._sign = message.at
        else:
            self._on_message(self.name, message)

    def _kill(self) -> None:
        if self._process is not None:
            _kill(self._process)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
