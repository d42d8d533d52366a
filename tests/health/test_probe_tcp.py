"""The tcp probe against servers on loopback."""

import asyncio
import socket
import time

import pytest

from health.dialogue import ProbeError
from health.once import Report, run_once
from health.probes.registry import plan
from health.result import Reason
from health.spec import CheckSpec, TcpProbe
from support.probing import KIT
from support.servers import flood, free_port, reset, saying, serving, silence


async def probed(
    port: int, probe: TcpProbe | None = None, host: str = "127.0.0.1", limit: float = 2.0
) -> Report:
    """One probe of this port."""
    return await run_once(
        CheckSpec(address=host, port=port, probe=probe or TcpProbe(), timeout=limit), "hactl/test"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_connect(host: str) -> None:
    """A listening port passes, in both families, and the steps tell when."""
    async with serving(silence, host) as port:
        report = await probed(port, host=host)
    assert report.result.reason is Reason.OK
    assert [step.name for step in report.steps] == ["connect", "end"]
    assert 0 < report.steps[0].at <= report.result.elapsed < 1


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_refused(host: str) -> None:
    """Nobody listens."""
    assert (await probed(free_port(host), host=host)).result.reason is Reason.CONNECT_REFUSED


async def test_plain_connect_leaves_no_time_wait() -> None:
    """The connection ends by a reset: the server sees it so."""
    seen: asyncio.Future[BaseException | bytes] = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen.set_result(await reader.read())
        except OSError as error:
            seen.set_result(error)

    async with serving(talk) as port:
        await probed(port)
        assert isinstance(await asyncio.wait_for(seen, 2), ConnectionResetError)


async def test_silent_host_is_a_connect_timeout() -> None:
    """A listener whose queue is full drops what comes: no answer within the timeout."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
                fillers.append(filler)
            await asyncio.sleep(0.05)
            report = await probed(port, limit=0.2)
        finally:
            for filler in fillers:
                filler.close()
    assert report.result.reason is Reason.CONNECT_TIMEOUT
    assert 0.2 <= report.result.elapsed < 1.0


async def test_missing_zone_is_unreachable() -> None:
    """A link-local address on an interface that does not exist ends at once, without asking a name server."""
    result = (await probed(80, host="fe80::1%no-such-if")).result
    assert (result.reason, result.detail) == (Reason.CONNECT_UNREACHABLE, "ENODEV")
    assert result.elapsed < 0.5


@pytest.mark.parametrize(
    ("probe", "pieces", "reason"),
    [
        (TcpProbe(expect="ready"), [b"220 re", b"ady\r\n"], Reason.OK),
        (TcpProbe(expect="ready"), [b"220 busy\r\n"], Reason.NO_MATCH),
        (TcpProbe(expect="ready"), [], Reason.CLOSED),
        (TcpProbe(expect_regex="^2[0-9]{2} "), [b"hello\r\n", b"220 x\r\n"], Reason.OK),
        (TcpProbe(expect_regex="^2[0-9]{2} "), [b"550 no\r\n"], Reason.NO_MATCH),
        (TcpProbe(expect="a", expect_regex="b"), [b"a", b"b"], Reason.OK),
        (TcpProbe(expect="a", expect_regex="b"), [b"b"], Reason.NO_MATCH),
        (TcpProbe(expect_regex="(x+x+)+y"), [b"x" * 5000], Reason.NO_MATCH),
    ],
)
async def test_expect(probe: TcpProbe, pieces: list[bytes], reason: Reason) -> None:
    """What the server says is looked through as it comes; even an expression without end ends in time."""
    async with serving(saying(*pieces, pause=0.01)) as port:
        report = await probed(port, probe)
    assert report.result.reason is reason
    assert report.result.elapsed < 1.5


async def test_send_then_expect() -> None:
    """What is to be sent arrives before the answer is looked at."""
    async with serving(saying(b"+PONG\r\n", after=b"PING\r\n")) as port:
        report = await probed(port, TcpProbe(send="PING\r\n", expect="+PONG"))
    assert report.result.reason is Reason.OK
    assert [step.name for step in report.steps] == ["connect", "sent", "received", "end"]


async def test_send_alone_arrives() -> None:
    """Without an expected answer the probe passes once sent, and nothing of it is lost."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.set_result(await reader.read())

    async with serving(talk) as port:
        assert (await probed(port, TcpProbe(send="hello"))).result.reason is Reason.OK
        assert await asyncio.wait_for(got, 2) == b"hello"


@pytest.mark.parametrize(
    ("talk", "reason"),
    [(silence, Reason.READ_TIMEOUT), (reset, Reason.CLOSED), (flood, Reason.ANSWER_TOO_LONG)],
)
async def test_hostile(talk: object, reason: Reason) -> None:
    """Silence, reset and flood each end with their reason."""
    async with serving(talk) as port:  # type: ignore[arg-type]
        report = await probed(port, TcpProbe(send="x", expect="y"), limit=0.5)
    assert report.result.reason is reason


async def test_slow_drip_does_not_outlast_the_timeout() -> None:
    """The timeout covers the whole probe, not each piece."""
    start = time.monotonic()
    async with serving(saying(*[b"x"] * 1000, pause=0.02)) as port:
        report = await probed(port, TcpProbe(expect="y"), limit=0.3)
        took = time.monotonic() - start
    assert report.result.reason is Reason.READ_TIMEOUT
    assert took < 1.5


async def test_many_small_pieces_are_bounded() -> None:
    """An expression is not tried for ever on an answer that comes byte by byte."""
    async with serving(saying(*[b"x"] * 2000, pause=0.0001)) as port:
        report = await probed(port, TcpProbe(expect_regex="yz"), limit=5.0)
    assert report.result.reason in (Reason.ANSWER_TOO_LONG, Reason.NO_MATCH)


def test_wrong_expression_is_a_fault_of_the_spec() -> None:
    """An expression that does not compile is refused before any probe runs."""
    with pytest.raises(ProbeError, match="regular expression"):
        plan(CheckSpec(address="127.0.0.1", port=1, probe=TcpProbe(expect_regex="(")), KIT)
