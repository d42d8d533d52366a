"""The netlink socket, against a family that every kernel has, and without IPVS."""

import asyncio
from typing import Any

import pytest

from hactl.ipvs import netlink as nl
from hactl.ipvs.channel import Channel
from hactl.ipvs.errors import IpvsError, IpvsLost, IpvsMissing
from hactl.ipvs.wire import Body

GET_FAMILY = 3


async def test_a_question_and_a_dump() -> None:
    """The control family tells about itself, alone and among all families."""
    channel = Channel("nlctrl")
    try:
        answer = await channel.ask(Body(GET_FAMILY, nl.text(2, "nlctrl")))
        assert nl.string(nl.attributes(answer, 4), 2) == "nlctrl"
        names: list[str] = []
        await channel.dump(
            Body(GET_FAMILY, b""),
            lambda payload: names.append(nl.string(nl.attributes(payload, 4), 2)),
            names.clear,
        )
        assert "nlctrl" in names
    finally:
        channel.close()


async def test_a_batch_answers_each_unit() -> None:
    """Refusals stand where their unit stood, in any number of batches, and the last does not hide the first."""
    channel = Channel("nlctrl")
    good, bad = Body(GET_FAMILY, nl.text(2, "nlctrl")), Body(GET_FAMILY, nl.text(2, "no-such-family"))
    try:
        answers = await channel.batch([(good,), (bad,), (bad, good), (good, bad), *[(good,)] * 100])
        (last,) = await channel.batch([(bad,)])
    finally:
        channel.close()
    assert [bool(answer.errno) for answer in answers] == [False, True, True, True, *[False] * 100]
    assert last.errno


async def test_a_batch_is_answered_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel takes it need not confirm one by one: a call of the system for each is most of a large reload."""
    flags: list[int] = []
    request = nl.request

    def seen(family: int, asked: int, *rest: Any) -> bytes:
        flags.append(asked)
        return request(family, asked, *rest)

    monkeypatch.setattr(nl, "request", seen)
    channel = Channel("nlctrl")
    try:
        refused = Body(GET_FAMILY, nl.text(2, "no-such-family"))
        answers = await channel.batch([(refused,)] * 10)
    finally:
        channel.close()
    assert flags[-10:] == [*[0] * 9, nl.ACKNOWLEDGE]
    assert all(answer.errno for answer in answers)


async def test_askers_at_the_same_time_get_their_own_answers() -> None:
    """One exchange at a time, however many ask."""
    channel = Channel("nlctrl")
    body = Body(GET_FAMILY, nl.text(2, "nlctrl"))
    try:
        answers = await asyncio.gather(*(channel.ask(body) for _ in range(20)))
    finally:
        channel.close()
    assert len(set(answers)) == 1


async def test_a_family_that_is_not_there() -> None:
    """It is IpvsMissing with the hint, each time anew."""
    channel = Channel("no-such-family")
    for _ in range(2):
        with pytest.raises(IpvsMissing, match="modprobe ip_vs"):
            await channel.ask(Body(1, b""))


async def test_an_unanswered_question_ends_in_time() -> None:
    """A batch whose answer is not awaited long enough is IpvsLost, and the next use starts afresh."""
    channel = Channel("nlctrl", timeout=1e-9)
    with pytest.raises(IpvsLost, match="did not answer"):
        await channel.batch([(Body(GET_FAMILY, nl.text(2, "nlctrl")),)])


async def test_a_refused_question_is_an_error_with_words() -> None:
    """A command that the family does not have."""
    channel = Channel("nlctrl")
    try:
        with pytest.raises(IpvsError, match="refuses to tell"):
            await channel.ask(Body(200, b""))
    finally:
        channel.close()


async def test_a_cancelled_exchange_leaves_no_answers_behind() -> None:
    """After a cancellation the socket is closed, so the next asker gets its own answer."""
    channel = Channel("nlctrl")
    body = Body(GET_FAMILY, nl.text(2, "nlctrl"))
    try:
        task = asyncio.create_task(channel.batch([(body,)] * 50))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert nl.string(nl.attributes(await channel.ask(body), 4), 2) == "nlctrl"
    finally:
        channel.close()
