"""Servers on loopback that answer as a test says: right, wrong, slowly, too much, or not at all."""

import asyncio
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(
    talk: Talk, host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server whose every connection is `talk`; gives its port. Connections still open at the end are cut."""
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(one, host, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(*pieces: bytes, pause: float = 0.0, after: bytes = b"") -> Talk:
    """Say these pieces with a pause after each, then close; with `after`, only once that was received."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after:
            await reader.readuntil(after)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        writer.close()
        await writer.wait_closed()

    return talk


def page(*pieces: bytes, pause: float = 0.0) -> Talk:
    """Say these pieces once a whole request head was received."""
    return saying(*pieces, pause=pause, after=b"\r\n\r\n")


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, then say nothing for ever."""
    await asyncio.sleep(3600)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the first bytes, then reset the connection."""
    await reader.read(1)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the first bytes, then say the same letter for ever."""
    await reader.read(1)
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


@contextmanager
def daemon(command: list[str], port: int | None = None, **options: Any) -> Iterator[None]:
    """A real server that stays in the foreground, from when it listens on `port` of 127.0.0.1 until the end."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **options)
    try:
        deadline = time.monotonic() + 30
        while port is not None and not _listens(port):
            assert process.poll() is None, f"{command[0]} ended with status {process.returncode}"
            assert time.monotonic() < deadline, f"{command[0]} does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class _Answering(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self._answer = answer

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        for said in self._answer(data):
            self._transport.sendto(said, address)


@asynccontextmanager
async def answering(
    answer: Callable[[bytes], list[bytes]], host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """A UDP server that says these datagrams to each it gets; gives its port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Answering(answer), (host, port))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
