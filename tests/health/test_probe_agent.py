"""The agent probe: what its words mean, servers that answer well and badly, and that silence changes nothing."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.result import (
    PERCENT_LIMIT,
    Advice,
    End,
    Health,
    Mode,
    Outcome,
    Reason,
    Result,
    merged,
    outcome,
    remembering,
)
from health.spec import AgentProbe, CheckSpec
from health.wire.agent import LINE_LIMIT, read, standing
from support.pool import running
from support.probing import probed
from support.servers import Talk, flood, free_port, reset, saying, serving, silence

WORDS = [
    (b"up", Reason.OK, None),
    (b"75%", Reason.SAID_NOTHING, Advice(75)),
    (b"up 75%", Reason.OK, Advice(75)),
    (b"Ready, UP,100%", Reason.OK, Advice(100, Mode.READY)),
    (b"drain", Reason.SAID_NOTHING, Advice(None, Mode.DRAIN)),
    (b"maint\t0%", Reason.SAID_NOTHING, Advice(0, Mode.MAINT)),
    (b"down", Reason.SAID_DOWN, None),
    (b"fail #disk up", Reason.SAID_DOWN, None),
    (b"stopped", Reason.SAID_DOWN, None),
    (b"weight:30% maxconn:20 up", Reason.OK, Advice(30)),
    (b"9999%", Reason.SAID_NOTHING, Advice(PERCENT_LIMIT)),
    (b"hello up", Reason.OK, None),
    (b"up down", Reason.SAID_DOWN, None),
    (b"", Reason.BAD_ANSWER, None),
    (b"#up", Reason.BAD_ANSWER, None),
    (b"-5% 1.5% 5 % 99999%", Reason.BAD_ANSWER, None),
    (b"\xff\x00\x1b[2J", Reason.BAD_ANSWER, None),
]


@pytest.mark.parametrize(("line", "reason", "advice"), WORDS)
def test_words(line: bytes, reason: Reason, advice: Advice | None) -> None:
    """In any order, with blanks or commas; the last of several that exclude each other; a sharp ends them."""
    end = read(line)
    assert (end.reason, end.advice) == (reason, advice)


def test_what_people_may_read() -> None:
    """The words and the agent's own explanation are the detail."""
    assert read(b"down 5% #disk failed").detail == "down 5% (disk failed)"


@given(st.binary(max_size=200))
def test_any_line_makes_a_result(line: bytes) -> None:
    """Never an exception."""
    assert read(line).result(0.1).detail.isprintable()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_answers(host: str) -> None:
    """A line is enough, whatever follows it; so is the end of the connection."""
    for talk in (saying(b"up 50%\n"), saying(b"u", b"p 5", b"0%\r", pause=0.05), saying(b"up 50%\nrest")):
        async with serving(talk, host) as port:
            result = (await probed(port, AgentProbe(), host)).result
        assert (result.reason, result.advice) == (Reason.OK, Advice(50))

    async def until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"up 50%")

    async with serving(until_the_end, host) as port:
        assert (await probed(port, AgentProbe(), host)).result.advice == Advice(50)


async def test_what_is_sent_first() -> None:
    """The agent is told what is configured."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"down\n" if await reader.readexactly(4) == b"www\n" else b"up\n")

    async with serving(talk) as port:
        assert (await probed(port, AgentProbe(send="www\n"))).result.reason is Reason.SAID_DOWN


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (silence, "no word: connected, but no complete answer in time"),
        (reset, "no word: the server closed or reset the connection early"),
        (flood, "no word: the answer is longer than the limit"),
        (saying(b"u" * LINE_LIMIT + b"p" * 10), "no word: the answer is longer than the limit"),
        (saying(b"<html>\n"), "no word: the answer breaks the protocol (said <html>)"),
    ],
    ids=["silent", "reset", "endless", "long", "garbage"],
)
async def test_no_word_changes_nothing(talk: Talk, said: str) -> None:
    """It is no failure of the server."""
    async with serving(talk) as port:
        result = (await probed(port, AgentProbe(send="www\n"), limit=0.5)).result
    assert result.reason is Reason.OK
    assert result.detail.startswith(said)


async def test_nobody_there_changes_nothing() -> None:
    """A refused connection neither."""
    result = (await probed(free_port(), AgentProbe())).result
    assert (result.reason, result.detail) == (Reason.OK, "no word: connection refused")


@pytest.mark.parametrize("before", Health)
def test_what_stands(before: Health) -> None:
    """Up and down are what they are; everything else keeps a server down that said so, and no other."""
    assert standing(End(Reason.OK, "up"), before) == End(Reason.OK, "up")
    assert standing(End(Reason.SAID_DOWN, "down"), before) == End(Reason.SAID_DOWN, "down")
    kept = Reason.SAID_DOWN if before is Health.DOWN else Reason.OK
    assert standing(End(Reason.SAID_NOTHING, "5%", advice=Advice(5)), before) == End(
        kept, "5%", advice=Advice(5)
    )
    assert standing(End(Reason.CONNECT_REFUSED), before) == End(kept, "no word: connection refused")


def test_what_is_not_said_anew_stays() -> None:
    """Share and mode are remembered apart."""
    assert merged(None, None) is None
    assert merged(None, Advice(5)) == merged(Advice(5), None) == Advice(5)
    assert merged(Advice(5, Mode.DRAIN), Advice(7)) == Advice(7, Mode.DRAIN)
    assert merged(Advice(5, Mode.DRAIN), Advice(None, Mode.READY)) == Advice(5, Mode.READY)


def test_advice_outlives_a_worker() -> None:
    """A worker that is new knows nothing of what was said to the one before."""

    def seen(advice: Advice | None) -> Outcome:
        return Outcome(check="c", health=Health.UP, result=Result(reason=Reason.OK, advice=advice), at=1.0)

    assert remembering(None, seen(None)) == seen(None)
    assert remembering(seen(Advice(5)), seen(None)) == seen(Advice(5))
    assert remembering(seen(Advice(5)), seen(Advice(None, Mode.MAINT))) == seen(Advice(5, Mode.MAINT))


async def test_a_server_that_says_down_is_down_until_it_says_up() -> None:
    """Silence and a share alone revoke nothing; what it wanted before is remembered."""
    word = [b"maint\n"]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(word[0])

    async with serving(talk) as port:
        spec = CheckSpec(
            address="127.0.0.1",
            port=port,
            probe=AgentProbe(),
            interval=0.1,
            fast_interval=0.05,
            rise=1,
            fall=1,
        )
        async with running(spec) as (pool, told):
            (up,) = await told.until(1)
            assert (up.new, outcome(up).result.advice) == (Health.UP, Advice(None, Mode.MAINT))
            word[0] = b"down #backup\n"
            down = (await told.until(2))[1]
            assert (down.new, down.result.reason, down.result.detail) == (
                Health.DOWN, Reason.SAID_DOWN, "down (backup)",
            )  # fmt: skip
            for said in (b"40%\n", b"", b"nonsense\n"):
                word[0] = said
                before = pool.counts.probes
                async with asyncio.timeout(10):
                    while pool.counts.probes < before + 3:  # noqa: ASYNC110 - several results, none of them a change
                        await asyncio.sleep(0.01)
            assert len(told.transitions) == 2
            word[0] = b"up\n"
            up = (await told.until(3))[2]
            assert (up.new, up.result.advice) == (Health.UP, Advice(40, Mode.MAINT))
