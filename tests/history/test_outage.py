"""The worst hour: the mail server is dead, a receiver hangs, and then the disk is full. A thousand times faster."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hactl.history import store
from hactl.history.keeper import Keeper
from hactl.history.store import Store
from notify import attempt, pace
from notify.dispatcher import Dispatcher
from notify.event import Event, EventKind
from notify.spec import ChannelSpec, EmailSpec, WebhookSpec
from support import disk
from support.alerts import event, hook, tools, until
from support.mail import mail_server

HOUR = 3.6
"""Seconds of the test that stand for one."""


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on a small disk of its own; times a thousandth of what they are."""
    monkeypatch.setattr(pace, "BACKOFF_FIRST", 0.001)
    monkeypatch.setattr(pace, "BACKOFF_MOST", 0.3)
    monkeypatch.setattr(store, "RETRY", 0.03)
    monkeypatch.setattr(attempt, "MARGIN", 0.1)
    with disk.small_disk(tmp_path / "disk", 16) as directory:
        yield directory


def failure(channel: str, state: str, reason: str) -> Event:
    """The event of a channel that fails."""
    return event(EventKind.NOTIFY_FAILED, channel, new=state, reason=reason)


async def test_nothing_is_lost_and_nothing_else_delayed(history: Path) -> None:
    """Each of 60 events is in the healthy channel within a moment, in one mail when there is a server, in the history."""
    said: list[str] = []
    keeper = Keeper(
        Store(history, lambda level, text: said.append(text)), lambda level, text: said.append(text)
    )
    dispatcher = Dispatcher(keeper, failure)
    with mail_server() as gone:
        dead = EmailSpec(
            to=("ops@example.org",), sender="hactl@example.org", server=f"smtp://127.0.0.1:{gone.port}"
        )
    numbers = range(1, 61)
    async with hook() as well, hook() as hanging, asyncio.TaskGroup() as group:
        hanging.delay = 3600.0
        running = group.create_task(dispatcher.run())
        mail = ChannelSpec(name="mail", delivery=dead, events=("server.*",))
        others = (
            ChannelSpec(name="chat", delivery=WebhookSpec(url=well.url), digest=0.0, events=("server.*",)),
            ChannelSpec(name="stuck", delivery=WebhookSpec(url=hanging.url), timeout=0.2),
        )
        dispatcher.apply([mail, *others], tools())
        worst, began = 0.0, time.monotonic()
        for number in numbers:
            if number == 20:
                disk.fill(history / "ballast")
            if number == 50:
                (history / "ballast").unlink()
            emitted = time.monotonic()
            dispatcher.emit(event(EventKind.SERVER_DOWN, f"rs{number}@www", number=number, reason="x" * 1200))
            await until(
                lambda number=number: (
                    f"event-{number}".encode() in well.requests[-1][1] if well.requests else False
                )
            )
            worst = max(worst, time.monotonic() - emitted)
            await asyncio.sleep(HOUR / len(numbers))
        assert time.monotonic() - began >= HOUR
        assert worst < 2.0, f"an alert of the healthy channel took {worst:.2f} s"
        assert any("cannot be written" in text for text in said)
        stuck = {one.name: one for one in dispatcher.reports()}["stuck"]
        assert (stuck.delivered, stuck.failed) == (0, 0)
        with mail_server() as back:
            alive = EmailSpec(to=dead.to, sender=dead.sender, server=f"smtp://127.0.0.1:{back.port}")
            dispatcher.apply([ChannelSpec(name="mail", delivery=alive, events=mail.events), *others], tools())
            await until(lambda: back.mails)
            assert f"{len(numbers)} events: {len(numbers)} server.down" in str(back.mails[0]["Subject"])
        kept = [
            one.id
            for _, one in await keeper.query(0.0, 0, 1000, last=False)
            if one.kind is EventKind.SERVER_DOWN
        ]
        assert kept == [f"event-{number}" for number in numbers]
        waiting = [one.id for one in await keeper.waiting("stuck", 1000) if one.kind is EventKind.SERVER_DOWN]
        assert waiting == kept
        dispatcher.stop()
        await running
    await keeper.close()
    again = Store(history, lambda level, text: None)
    assert [one.id for one in again.waiting("stuck", 1000) if one.kind is EventKind.SERVER_DOWN] == kept
    again.close()


async def test_a_channel_is_tried_on_demand() -> None:
    """`hactl notify test` delivers past filter, spool and queue, and says how it went."""
    from support.alerts import MemorySpool

    dispatcher = Dispatcher(MemorySpool(), failure)
    test = event(EventKind.NOTIFY_TEST, "chat")
    async with hook() as well:
        dispatcher.apply(
            [ChannelSpec(name="chat", delivery=WebhookSpec(url=well.url), events=("router.*",))], tools()
        )
        assert await dispatcher.test("chat", test) == ""
        assert test.id.encode() in well.requests[0][1]
        well.status = 500
        assert await dispatcher.test("chat", test) == "the receiver answered 500"
    assert await dispatcher.test("nobody", test) == "there is no channel 'nobody'"
