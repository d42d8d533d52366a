"""One probe of a server on loopback, and servers that talk in turns."""

import asyncio
import time

from health.once import Report, run_once
from health.probes import registry
from health.result import Reason, Result
from health.spec import CheckSpec, Probe
from support.servers import Talk, flood, reset, saying, silence

KIT = registry.kit("hactl/test", {})
"""What plans are made with, without a secret."""


async def probed(
    port: int,
    probe: Probe,
    host: str = "127.0.0.1",
    limit: float = 2.0,
    secrets: dict[str, str] | None = None,
) -> Report:
    """One probe of this port; `limit` is its timeout in seconds."""
    return await run_once(
        CheckSpec(address=host, port=port, probe=probe, timeout=limit), "hactl/test", secrets
    )


def exchange(*turns: tuple[bytes, bytes]) -> Talk:
    """A server that hears a line with the first of each pair (empty: hears nothing), then says the second, then waits."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for heard, said in turns:
            if heard:
                line = await reader.readuntil(b"\r\n")
                if not line.startswith(heard):
                    writer.write(b"UNEXPECTED " + line)
                    return
            writer.write(said)
            await writer.drain()
        await reader.read()

    return talk


async def eventually(
    port: int, probe: Probe, seconds: float = 20.0, secrets: dict[str, str] | None = None
) -> Result:
    """The first result that passes, or the last one after so many seconds: for servers that take their time to start."""
    deadline = time.monotonic() + seconds
    while True:
        result = (await probed(port, probe, secrets=secrets)).result
        if result.passed or time.monotonic() > deadline:
            return result
        await asyncio.sleep(0.1)


def hostile(right: bytes, *, speaks_first: bool = False) -> list[tuple[Talk, set[Reason]]]:
    """Servers that answer slowly, halfway, too much or nonsense, with how a probe may end; `right` begins a right answer."""
    after_us = (
        []
        if speaks_first
        else [(reset, {Reason.CLOSED}), (flood, {Reason.BAD_ANSWER, Reason.ANSWER_TOO_LONG})]
    )
    return [
        *after_us,
        (silence, {Reason.READ_TIMEOUT}),
        (saying(), {Reason.CLOSED}),
        (saying(right[:-1]), {Reason.CLOSED}),
        (saying(*(right[i : i + 1] for i in range(len(right) - 1)), pause=0.1), {Reason.READ_TIMEOUT}),
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", pause=0.1), {Reason.BAD_ANSWER, Reason.ANSWER_TOO_LONG}),
        (saying(b"\xff\xfe\0\x1b[2J\r\n" * 10, pause=0.1), {Reason.BAD_ANSWER, Reason.ANSWER_TOO_LONG}),
    ]
