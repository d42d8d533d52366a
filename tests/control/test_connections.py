"""Connections of a real Unix socket: in a row, slow, mute, and at the end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hactl.control import forms
from hactl.control.connections import Connections
from hactl.control.forms import Reply
from hactl.control.wire import Request
from support.alerts import until

ASK = b"GET /%s HTTP/1.1\r\n\r\n"


class Site:
    """A server that answers with the path, `/slow` when it is let, `/big` with much."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.go = asyncio.Event()
        self.asked: list[str] = []
        self.connections = Connections(self._answer, silent=0.5)

    async def open(self) -> None:
        """Listen."""
        listening = socket.socket(socket.AF_UNIX)
        listening.setblocking(False)
        listening.bind(self.path)
        listening.listen()
        await self.connections.open(listening)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client."""
        return await asyncio.open_unix_connection(self.path)

    async def _answer(self, request: Request, end: socket.socket) -> Reply:
        self.asked.append(request.path)
        if request.path == "/slow":
            await self.go.wait()
        return forms.answer(request.path * (1_000_000 if request.path == "/big" else 1))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """It listens."""
    site = Site(tmp_path / "s")
    await site.open()
    yield site
    await site.connections.close()
    await asyncio.sleep(0)


async def answer(reader: asyncio.StreamReader) -> str:
    """The body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(head.partition("Content-Length: ")[2].partition("\r\n")[0])
    return (await reader.readexactly(length)).decode()


async def test_one_after_the_other(site: Site) -> None:
    """Over one connection, also those that are sent before the first is answered; a slow one holds up its own only."""
    reader, writer = await site.connect()
    writer.write(ASK % b"a")
    assert await answer(reader) == '"/a"'
    writer.write(ASK % b"slow" + ASK % b"b" + ASK % b"c")
    other, second = await site.connect()
    second.write(ASK % b"d")
    assert await answer(other) == '"/d"'
    site.go.set()
    assert [await answer(reader) for _ in range(3)] == ['"/slow"', '"/b"', '"/c"']
    assert site.asked == ["/a", "/slow", "/d", "/b", "/c"]
    writer.close()
    second.close()


async def test_who_reads_nothing_holds_up_nobody(site: Site) -> None:
    """And is asked no more of than its first answers."""
    _, writer = await site.connect()
    writer.write(ASK % b"big" * 50)
    other, second = await site.connect()
    second.write(ASK % b"a")
    assert await answer(other) == '"/a"'
    assert site.asked.count("/big") <= 2
    writer.close()
    second.close()


async def test_our_word_is_given(site: Site) -> None:
    """To a client that sends its body only then."""
    reader, writer = await site.connect()
    writer.write(b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert await answer(reader) == '"/a"'
    writer.close()


@pytest.mark.parametrize(
    "said", [b"", ASK % b"a", b"GET /a HT", b"POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_who_says_nothing_is_left(site: Site, said: bytes) -> None:
    """At the beginning, between requests, or within one."""
    reader, writer = await site.connect()
    writer.write(said)
    async with asyncio.timeout(5.0):
        assert len(await reader.read()) in {0, len(await _whole(site, said))}
    writer.close()


async def _whole(site: Site, said: bytes) -> bytes:
    """What is answered before the silence."""
    if not said.endswith(b"1.1\r\n\r\n"):
        return b""
    reader, writer = await site.connect()
    writer.write(said)
    told = await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(4)
    writer.close()
    return told


async def test_a_refusal_can_be_read_although_more_is_coming(site: Site) -> None:
    """The connection is not cut while the client still sends."""
    reader, writer = await site.connect()
    writer.write(b"POST /a HTTP/1.1\r\nContent-Length: 70000\r\n\r\n" + b" " * 70000)
    assert "at most 65536 bytes" in await answer(reader)
    assert await reader.read() == b""
    writer.close()


async def test_the_end(site: Site) -> None:
    """Who rests is left at once, who is being answered gets the answer, and so does who was accepted and not heard yet."""
    resting, first = await site.connect()
    first.write(ASK % b"a")
    await answer(resting)
    working, second = await site.connect()
    second.write(ASK % b"slow")
    unheard, third = await site.connect()
    await until(lambda: "/slow" in site.asked)
    closing = asyncio.create_task(site.connections.close())
    assert await resting.read() == b""
    third.write(ASK % b"b")
    assert await answer(unheard) == '"/b"'
    assert not closing.done()
    site.go.set()
    assert await answer(working) == '"/slow"'
    assert await working.read() == await unheard.read() == b""
    for writer in (first, second, third):
        writer.close()
    await closing
    with pytest.raises(ConnectionRefusedError):
        await site.connect()


async def test_the_end_waits_for_nobody_longer_than_a_second(site: Site) -> None:
    """A request that takes longer is given up."""
    reader, writer = await site.connect()
    writer.write(ASK % b"slow")
    await until(lambda: site.asked)
    async with asyncio.timeout(5.0):
        await site.connections.close()
    assert await reader.read() == b""
    writer.close()
