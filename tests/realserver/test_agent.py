"""What a real server tells its directors, and how it answers whoever asks."""

import asyncio
import contextlib
import os
import signal

import pytest

from hactl.doctor.finding import FindingId, finding
from hactl.realserver.agent import Agent
from hactl.realserver.fitness import Fitness, line
from hactl.realserver.model import NothingServed
from health.result import Reason
from health.spec import AgentProbe
from support.probing import probed
from support.servers import free_port

GONE = finding(FindingId.VIP_MISSING, "10.99.0.100", "it is not on lo", "hactl realserver apply")
WELL: Fitness = {"www": (), "api": ()}
HALF: Fitness = {"www": (GONE,), "api": ()}
WHY = b"down # 10.99.0.100: it is not on lo\n"


@pytest.mark.parametrize(
    ("fitness", "asked", "said"),
    [
        (WELL, "", b"up\n"),
        (HALF, "", WHY),
        (HALF, "www", WHY),
        (HALF, "api", b"up\n"),
        (HALF, "mail", b""),
    ],
)
def test_words(fitness: Fitness, asked: str, said: bytes) -> None:
    """Of all, or of the service that is named; of one that is not here nothing."""
    assert line(fitness, asked) == said


def test_a_line_is_one_line() -> None:
    """Whatever the evidence quotes."""
    odd = finding(FindingId.VIP_UNSERVED, "www", "said\r\nup\n" + "é" * 500, "")
    said = line({"www": (odd,)}, "")
    assert said.count(b"\n") == 1
    assert len(said) < 250


async def test_directors_are_answered() -> None:
    """By the probe itself: up, down with why, by name and without; and each change is said once."""
    state: list[Fitness] = [WELL]
    port, said = free_port(), asyncio.Queue[str]()
    task = asyncio.create_task(Agent(lambda: state[0], 0.05, said.put_nowait).run([("127.0.0.1", port)]))
    assert await said.get() == "up"
    for asked in (None, "www\n", "api\n"):
        result = (await probed(port, AgentProbe(send=asked))).result
        assert (result.reason, result.detail) == (Reason.OK, "up"), asked
    state[0] = HALF
    assert await said.get() == WHY.decode().strip()
    assert (await probed(port, AgentProbe(send="api\n"))).result.reason is Reason.OK
    for name in (None, "www\n"):
        result = (await probed(port, AgentProbe(send=name))).result
        assert result.reason is Reason.SAID_DOWN
        assert "it is not on lo" in result.detail
    assert "no word" in (await probed(port, AgentProbe(send="mail\n"))).result.detail
    assert said.empty()
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await task


async def test_nothing_is_said_of_what_is_not_known() -> None:
    """A host that cannot be looked at has no word, and neither has one that was asked too much."""
    port, said = free_port(), asyncio.Queue[str]()

    def look() -> Fitness:
        raise OSError(5, "Input/output error")

    task = asyncio.create_task(Agent(look, 0.05, said.put_nowait).run([("127.0.0.1", port)]))
    assert await said.get() == "this host cannot be looked at: [Errno 5] Input/output error"
    result = (await probed(port, AgentProbe())).result
    assert (result.reason, "no word" in result.detail) == (Reason.OK, True)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_host_that_loses_its_address_is_looked_at_again() -> None:
    """An interface that is down for a while, or a log that nobody reads any more, leaves no old word behind."""
    found: list[Fitness | NothingServed] = [WELL]
    port, said = free_port(), asyncio.Queue[str]()

    def look() -> Fitness:
        if isinstance(found[0], NothingServed):
            raise found[0]
        return found[0]

    def say(line: str) -> None:
        said.put_nowait(line)
        raise BrokenPipeError

    task = asyncio.create_task(Agent(look, 0.05, say).run([("127.0.0.1", port)]))
    assert await said.get() == "up"
    found[0] = NothingServed("no real server of the file has one of this host's addresses")
    assert "this host cannot be looked at: no real server" in await said.get()
    assert "no word" in (await probed(port, AgentProbe())).result.detail
    found[0] = HALF
    assert await said.get() == WHY.decode().strip()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_fault_of_ours_ends_it() -> None:
    """Who looks no more must not go on telling what was seen before."""
    looks = [WELL]
    with pytest.raises(IndexError):
        async with asyncio.timeout(10):
            await Agent(looks.pop, 0.05, lambda _: None).run([("127.0.0.1", free_port())])
