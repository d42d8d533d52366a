"""Announcements on their way out: paced, and asked at each frame whether they still hold true."""

import asyncio
import time
from functools import partial

from failover import arp
from failover.frames import FrameQueue, FrameQueues
from support.directors import until
from support.failover import packed
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

MAC = bytes.fromhex("02005e001122")
PACE = 100
AT_ONCE = 5
"""What may go out at once at this pace."""


def frame(number: int) -> bytes:
    """The announcement of one of many VIPs."""
    return arp.gratuitous(packed(f"10.99.1.{number}"), MAC)[0]


def _set(gone: asyncio.Event, gone_out: bool) -> None:
    assert gone_out
    gone.set()


async def send(net: Lan, until_sent: int) -> int:
    """Twenty frames, which hold true until so many have gone out, and ten that always do; how often the first were asked."""
    asked, gone = 0, asyncio.Event()

    def still() -> bool:
        nonlocal asked
        asked += 1
        return asked <= until_sent

    with net.inside("a"):
        queue = FrameQueue("eth0", PACE)
    queue.add(map(frame, range(1, 21)), still)
    queue.after(partial(_set, gone))
    queue.add(map(frame, range(21, 31)), lambda: True)
    assert not gone.is_set()
    await gone.wait()
    told = asked
    await asyncio.sleep(15 / PACE + 0.2)
    queue.close()
    assert queue.errors == 0
    return told


def test_what_holds_no_longer_is_not_sent() -> None:
    """Each frame is asked for at its turn; those behind are not held up, and whoever waits is told once all are gone."""
    with lan("a") as net, Recorder(net) as recorder:
        began = time.monotonic()
        assert asyncio.run(send(net, 8)) == 20
        until(lambda: len(recorder.announcements("a")) == 18, 5.0)
        sent = recorder.announcements("a")
        assert [int(one.address.rpartition(".")[2]) for one in sent] == [*range(1, 9), *range(21, 31)]
        assert sent[AT_ONCE].at - sent[0].at > 0.5 / PACE
        assert sent[-1].at - began > (len(sent) - AT_ONCE - 1) / PACE * 0.9


async def take_over(net: Lan) -> None:
    """Ten VIPs are announced; then they are to be again, and ten others for the first time."""
    with net.inside("a"):
        queue = FrameQueue("eth0", PACE)
    for round_ in ((range(1, 11),), (range(1, 11), range(11, 21))):
        gone = asyncio.Event()
        for numbers in round_:
            queue.add(map(frame, numbers), lambda: True)
        queue.after(partial(_set, gone))
        await gone.wait()
    queue.close()


def test_nobody_repeats_himself_before_all_have_spoken() -> None:
    """An announcement that was made a moment ago waits behind those that nobody has heard yet."""
    with lan("a") as net, Recorder(net) as recorder:
        asyncio.run(take_over(net))
        until(lambda: len(recorder.announcements("a")) == 30, 5.0)
        sent = [int(one.address.rpartition(".")[2]) for one in recorder.announcements("a")]
        assert sorted(sent) == sorted([*range(1, 11), *range(1, 21)])
        before_the_last_news = sent[10 : sent.index(20)]
        assert (
            sum(number <= 10 for number in before_the_last_news) <= 1
        )  # That one went while nothing else waited.


async def change(net: Lan, *, again: bool) -> list[tuple[int, bool]]:
    """The interface changes while ten frames wait, which come `again` or not: what whoever waits hears, after how many."""
    asked, heard, gone = 0, list[tuple[int, bool]](), asyncio.Event()

    def still() -> bool:
        nonlocal asked
        asked += 1
        return True

    def told(gone_out: bool) -> None:
        heard.append((asked, gone_out))
        gone.set()

    queues = FrameQueues()
    with net.inside("a"):
        queues.add("eth0", PACE, map(frame, range(1, 11)), still)
        queues.after(["eth0", "eth1"], told)
        queues.forget("eth0")
        if again:
            queues.add("eth0", PACE, map(frame, range(1, 11)), still)
    queues.pass_on()
    await asyncio.wait_for(gone.wait(), 5.0)
    queues.pass_on()
    queues.close()
    return heard


def test_who_waits_for_void_frames_waits_for_those_in_their_place() -> None:
    """Told once, when these have gone out; or at once, and of nothing, where none came."""
    with lan("a") as net:
        assert asyncio.run(change(net, again=True)) == [(AT_ONCE + 10, True)]
        assert asyncio.run(change(net, again=False)) == [(AT_ONCE, False)]
