"""Having the configuration read by a process of its own (`hactl.workers.reader`); edge.

The law: whatever happens to that process is a fault of the file, told like the others; a daemon that runs goes on with
what it has. Who reloads will often do so again soon: the process stays for a while, and then gives its memory back.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys

import msgspec

from hactl.config.fault import Fault
from hactl.config.model import Config
from hactl.config.parts import Digests, Inventory, Part, whole
from hactl.config.reading import Reading
from hactl.processes.execution import execute
from hactl.workers.reader import Request

STAYS = 300.0
"""Seconds after a reading in which the next one need not load anything."""
READ_WITHIN = 120.0
"""Seconds for a file, which wants a fraction of one; ten thousand servers on a slow host want some."""
_MODULE = "hactl.workers.reader"
_PIECE = 1 << 18


def begin(path: str, node: str | None) -> "subprocess.Popen[bytes]":
    """Start reading. Raises OSError when there can be no process."""
    return subprocess.Popen(
        (sys.executable, "-I", "-m", _MODULE, path, *(() if node is None else (node,))),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def finish(path: str, begun: "subprocess.Popen[bytes]") -> Reading:
    """What became of the file, once it has been read."""
    try:
        said, _ = begun.communicate(timeout=READ_WITHIN)
    except subprocess.TimeoutExpired:
        begun.kill()
        begun.communicate()
        return _unread(path, _silent())
    return _reading(said, None) or _unread(path, _ended(begun.returncode))


class Reader:
    """Reads while the daemon runs; others have their turn meanwhile."""

    def __init__(self) -> None:
        self._digests = Digests()
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._door: socket.socket | None = None
        self._end: asyncio.TimerHandle | None = None

    async def read(self, path: str, node: str | None, have: Config | None = None) -> Reading:
        """What became of the file. What is in it as in the configuration `have` is the same object."""
        async with self._turn:
            if self._end is not None:
                self._end.cancel()
            reading = None
            try:
                async with asyncio.timeout(READ_WITHIN):
                    process, door = await self._ready()
                    has = self._digests.of(have) if have is not None else Inventory()
                    reading = _reading(await _ask(door, Request(path, node, has)), have)
                    return reading or _unread(path, _ended(await process.wait()))
            except TimeoutError:
                return _unread(path, _silent())
            except OSError as error:
                return _unread(path, f"no process can be started for it ({error.strerror})")
            finally:
                if reading is None:
                    self._give_up()
                else:
                    self._end = asyncio.get_running_loop().call_later(STAYS, self._give_up)

    async def stop(self) -> None:
        """End the process, if there is one, and see it gone."""
        process = self._process
        self._give_up()
        if process is not None:
            await process.wait()

    def _give_up(self) -> None:
        if self._end is not None:
            self._end.cancel()
        if self._door is not None:
            self._door.close()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # Whoever still reads as well: nothing is lost.
        self._door = self._process = None
        self._digests = Digests()

    async def _ready(self) -> tuple[asyncio.subprocess.Process, socket.socket]:
        if self._process is None or self._door is None or self._process.returncode is not None:
            self._give_up()
            self._process, ends = await execute(_MODULE, (), ("--fd",))
            self._door = ends["--fd"]
            self._door.setblocking(False)
        return self._process, self._door


async def _ask(door: socket.socket, request: Request) -> bytes:
    """All that is answered; nothing when there is nobody to answer."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        with theirs, contextlib.suppress(OSError):
            socket.send_fds(door, [b"?"], [theirs.fileno()])
        pieces = []
        with contextlib.suppress(OSError):
            await loop.sock_sendall(ours, msgspec.msgpack.encode(request))
            ours.shutdown(socket.SHUT_WR)
            while piece := await loop.sock_recv(ours, _PIECE):
                pieces.append(piece)
    return b"".join(pieces)


def _reading(said: bytes, have: Config | None) -> Reading | None:
    try:
        return whole(msgspec.msgpack.decode(said, type=Part), have)
    except msgspec.MsgspecError:
        return None


def _ended(status: int) -> str:
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"the process that reads it {how}"


def _silent() -> str:
    return f"the process that reads it did not answer within {READ_WITHIN:g} s"


def _unread(path: str, why: str) -> Reading:
    return Reading(
        path=path, faults=(Fault(file=path, line=1, column=1, path="", message=f"cannot be read: {why}"),)
    )
