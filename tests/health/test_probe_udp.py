"""The udp probe against servers on loopback."""

import asyncio
import socket

import pytest

from health.probes.datagram import DATAGRAMS_LIMIT
from health.result import Reason
from health.spec import UdpProbe
from support.probing import probed
from support.servers import answering, free_port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_refused(host: str) -> None:
    """Nobody listens, and the host says so: refused at once, whether an answer is expected or not."""
    for probe in (UdpProbe(send="x"), UdpProbe(send="x", expect="y")):
        result = (await probed(free_port(host), probe, host)).result
        assert result.reason is Reason.CONNECT_REFUSED
        assert result.elapsed < 1


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_silence_without_expectation_passes_at_the_deadline(host: str) -> None:
    """No refusal within the timeout is enough, and is no earlier than it."""
    async with answering(lambda data: [], host) as port:
        result = (await probed(port, UdpProbe(send="x"), host, limit=0.2)).result
    assert (result.reason, result.detail) == (Reason.OK, "no refusal")
    assert result.elapsed >= 0.2


@pytest.mark.parametrize(
    ("probe", "answers", "reason"),
    [
        (UdpProbe(send="ping"), [b"anything"], Reason.OK),
        (UdpProbe(send="ping", expect="pong"), [b"a pong."], Reason.OK),
        (UdpProbe(send="ping", expect="pong"), [b"late", b"pong"], Reason.OK),
        (UdpProbe(send="ping", expect="pong"), [b"po", b"ng"], Reason.NO_MATCH),
        (UdpProbe(send="ping", expect="pong"), [], Reason.READ_TIMEOUT),
        (UdpProbe(send="ping", expect_regex="^p.ng$"), [b"pang"], Reason.OK),
        (UdpProbe(send="ping", expect_regex="^p.ng$"), [b"pangs"], Reason.NO_MATCH),
        (UdpProbe(send="ping", expect_regex="(x+x+)+y"), [b"x" * 4000], Reason.NO_MATCH),
        (UdpProbe(send="ping", expect="pong"), [b"x" * 60000], Reason.NO_MATCH),
        (UdpProbe(send="ping", expect="pong"), [b"x"] * (DATAGRAMS_LIMIT + 1), Reason.ANSWER_TOO_LONG),
    ],
)
async def test_expect(probe: UdpProbe, answers: list[bytes], reason: Reason) -> None:
    """Each datagram is judged on its own; one that does not fit is waited past."""
    got: list[bytes] = []

    def answer(data: bytes) -> list[bytes]:
        got.append(data)
        return answers

    async with answering(answer) as port:
        report = await probed(port, probe, limit=0.5)
    assert report.result.reason is reason
    assert got == [b"ping"]


async def test_only_the_probed_address_is_heard() -> None:
    """The right answer from another port of the same host is none."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        probing = asyncio.create_task(
            probed(server.getsockname()[1], UdpProbe(send="ping", expect="pong"), limit=0.5)
        )
        _, client = await asyncio.get_running_loop().sock_recvfrom(server, 100)
        stranger.sendto(b"pong", client)
        report = await probing
    assert report.result.reason is Reason.READ_TIMEOUT


async def test_missing_zone_is_unreachable() -> None:
    """A link-local address on an interface that does not exist ends at once."""
    result = (await probed(9, UdpProbe(send="x"), host="fe80::1%no-such-if")).result
    assert (result.reason, result.detail) == (Reason.CONNECT_UNREACHABLE, "ENODEV")
