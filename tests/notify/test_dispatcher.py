"""Taking events and delivering them: nothing waits, nothing is lost, no channel delays another."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from notify import attempt, lane, pace, portion
from notify.channels.base import Channel, DeliveryError, Tools
from notify.dispatcher import Dispatcher
from notify.event import Event, EventKind
from notify.holding import Told
from notify.quiet import Window
from notify.spec import After, ChannelSpec, SyslogSpec
from support.alerts import MemorySpool, event, tools, until


class Receiver:
    """A channel that keeps what it gets and fails as told."""

    def __init__(self, batch: int = 1000) -> None:
        self.batch = batch
        self.deliveries: list[list[str]] = []
        self.attempts = 0
        self.fault: Exception | None = None
        self.hang = False
        self.remark = ""

    async def deliver(self, events: Sequence[Event]) -> str:
        """Take or refuse."""
        self.attempts += 1
        if self.hang:
            await asyncio.sleep(3600.0)
        if self.fault is not None:
            raise self.fault
        self.deliveries.append([item.id for item in events])
        return self.remark

    @property
    def got(self) -> list[str]:
        """Everything delivered."""
        return [event_id for delivery in self.deliveries for event_id in delivery]


class Desk:
    """A dispatcher at work with receivers by channel name."""

    def __init__(self, spool: MemorySpool, receivers: dict[str, Receiver]) -> None:
        self.receivers = receivers
        self.failures: list[tuple[str, str, str]] = []
        self._numbers = itertools.count(1)
        self.built: list[str] = []
        self.dispatcher = Dispatcher(spool, self._failure, self._build)

    def _failure(self, channel: str, state: str, reason: str) -> Event:
        self.failures.append((channel, state, reason))
        return event(EventKind.NOTIFY_FAILED, channel, new=state, reason=reason, number=-next(self._numbers))

    def _build(self, spec: ChannelSpec, tools: Tools) -> Channel:
        self.built.append(spec.name)
        return self.receivers[spec.name]

    def emit(self, *numbers: int) -> None:
        """Emit events of these numbers."""
        for number in numbers:
            self.dispatcher.emit(event(number=number, subject=f"router{number}"))


def spec(name: str, digest: float = 0.0, timeout: float = 30.0, give_up: float = 86400.0) -> ChannelSpec:
    """A channel without digest, unless asked."""
    return ChannelSpec(name=name, delivery=SyslogSpec(), digest=digest, timeout=timeout, give_up=give_up)


@asynccontextmanager
async def desk(
    *specs: ChannelSpec, spool: MemorySpool | None = None, **receivers: Receiver
) -> AsyncIterator[Desk]:
    """A running dispatcher; stopped in order at the end."""
    made = Desk(spool or MemorySpool(), {item.name: Receiver() for item in specs} | receivers)
    async with asyncio.TaskGroup() as group:
        group.create_task(made.dispatcher.run())
        made.dispatcher.apply(specs, tools())
        yield made
        made.dispatcher.stop()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off of milliseconds."""
    monkeypatch.setattr(pace, "BACKOFF_FIRST", 0.001)
    monkeypatch.setattr(pace, "BACKOFF_MOST", 0.01)


async def test_emit_reaches_every_channel_that_wants_it() -> None:
    """Two channels get the same event, and the spool is empty afterwards."""
    spool = MemorySpool()
    async with desk(spec("ops"), spec("chat"), spool=spool) as made:
        made.emit(1)
        await until(lambda: all(receiver.got == ["event-1"] for receiver in made.receivers.values()))
    assert spool.rows == {}
    assert list(spool.known) == ["event-1"]


async def test_an_event_is_in_the_spool_before_it_is_delivered() -> None:
    """At the moment of delivery the spool holds the event."""
    spool = MemorySpool()
    seen: list[bool] = []

    class Watching(Receiver):
        async def deliver(self, events: Sequence[Event]) -> str:
            seen.append(("ops", events[0].id) in spool.rows)
            return await super().deliver(events)

    async with desk(spec("ops"), spool=spool, ops=Watching()) as made:
        made.emit(1)
        await until(lambda: made.receivers["ops"].got)
    assert seen == [True]


async def test_a_hanging_channel_delays_no_other() -> None:
    """While one channel hangs, another delivers ten events one after the other."""
    async with desk(spec("dead", timeout=3600.0), spec("ops")) as made:
        made.receivers["dead"].hang = True
        for number in range(10):
            made.emit(number)
            await until(lambda: len(made.receivers["ops"].got) > number, 5.0)  # noqa: B023 - awaited here
        assert made.receivers["dead"].attempts == 1
        began = time.monotonic()
        made.dispatcher.stop()
    assert time.monotonic() - began < 10.0


async def test_emit_does_not_wait_for_a_hanging_disk() -> None:
    """With a spool that never answers, the alert goes out after a bounded time."""

    class Hanging(MemorySpool):
        async def record(self, entries: Sequence[tuple[Event, tuple[str, ...]]]) -> set[str]:
            await asyncio.sleep(3600.0)
            return set()

        async def waiting(self, channel: str, limit: int) -> list[Event]:
            await asyncio.sleep(3600.0)
            return []

    async with desk(spec("ops"), spool=Hanging()) as made:
        made.emit(1)
        await until(lambda: made.receivers["ops"].got == ["event-1"], 20.0)


async def test_a_burst_is_one_delivery() -> None:
    """5,000 events in one burst are one delivery; what follows within the digest is the second."""
    async with desk(spec("ops", digest=0.5), ops=Receiver(batch=20_000)) as made:
        made.emit(*range(5000))
        await until(lambda: made.receivers["ops"].deliveries)
        made.emit(*range(5000, 5010))
        await until(lambda: len(made.receivers["ops"].got) == 5010)
        assert [len(delivery) for delivery in made.receivers["ops"].deliveries] == [5000, 10]


async def test_full_deliveries_follow_each_other_at_once() -> None:
    """A burst larger than a delivery leaves in several, in order, without the digest in between."""
    async with desk(spec("ops", digest=30.0), ops=Receiver(batch=4)) as made:
        made.emit(*range(10))
        made.dispatcher.stop()
    assert made.receivers["ops"].got == [f"event-{number}" for number in range(10)]
    assert [len(delivery) for delivery in made.receivers["ops"].deliveries] == [4, 4, 2]


@pytest.mark.usefixtures("quick")
async def test_a_failed_delivery_is_tried_again_with_what_came_since() -> None:
    """Events wait while the channel fails and leave together once it works; others are told of the outage once."""
    async with desk(spec("ops"), spec("chat")) as made:
        made.receivers["ops"].fault = DeliveryError("connection refused")
        made.emit(1)
        await until(lambda: made.receivers["ops"].attempts >= 2 * lane.ALARM_AFTER)
        made.emit(2)
        await until(lambda: "event-2" in made.receivers["chat"].got)
        made.receivers["ops"].fault = None
        await until(lambda: sorted(made.receivers["ops"].got) == ["event-1", "event-2"])
        assert made.failures == [("ops", "failing", "connection refused (1 events wait)")]
        assert made.receivers["chat"].got == ["event-1", "event--1", "event-2"]
        ops = made.dispatcher.reports()[0]
        assert (ops.delivered, ops.failed, ops.waiting, ops.error) == (2, 0, 0, "")


@pytest.mark.usefixtures("quick")
async def test_what_is_refused_again_and_again_is_lost_and_said() -> None:
    """After REFUSALS refusals the events are lost: counted, told to the other channel, out of the spool."""
    spool = MemorySpool()
    async with desk(spec("ops"), spec("chat"), spool=spool) as made:
        made.receivers["ops"].fault = DeliveryError("550 no such mailbox", refused=True)
        made.emit(1)
        await until(lambda: made.receivers["chat"].got == ["event-1", "event--1"])
        assert made.failures == [("ops", "lost", "1 events: 550 no such mailbox")]
        assert made.receivers["ops"].attempts == portion.REFUSALS
        ops = made.dispatcher.reports()[0]
        assert (ops.delivered, ops.failed, ops.waiting) == (0, 1, 0)
    assert spool.rows == {}


@pytest.mark.usefixtures("quick")
async def test_a_refusal_after_an_outage_is_the_first() -> None:
    """A receiver that was unreachable for long and says no once, as one that is just starting does, loses nothing."""
    async with desk(spec("ops")) as made:
        ops = made.receivers["ops"]

        async def begin(events: Sequence[Event]) -> str:
            ops.attempts += 1
            if ops.attempts <= 2 * portion.REFUSALS:
                raise DeliveryError("connection refused")
            if ops.attempts == 2 * portion.REFUSALS + 1:
                raise DeliveryError("the receiver answered 404", refused=True)
            ops.deliveries.append([item.id for item in events])
            return ""

        ops.deliver = begin  # type: ignore[method-assign]
        made.emit(1)
        await until(lambda: ops.got == ["event-1"])
        assert made.dispatcher.reports()[0].failed == 0


@pytest.mark.usefixtures("quick")
async def test_each_event_has_its_own_refusals() -> None:
    """What came when another had been refused for long is not lost with it, though both were in one delivery."""
    async with desk(spec("ops")) as made:
        ops = made.receivers["ops"]

        async def refuse(events: Sequence[Event]) -> str:
            ops.attempts += 1
            if ops.attempts == portion.REFUSALS - 1:
                made.emit(2)
            if ops.attempts > portion.REFUSALS:
                ops.deliveries.append([item.id for item in events])
                return ""
            raise DeliveryError("no", refused=True)

        ops.deliver = refuse  # type: ignore[method-assign]
        made.emit(1)
        await until(lambda: ops.got)
        assert ops.got == ["event-2"]
        assert made.failures == [("ops", "lost", "1 events: no")]


class Picky(Receiver):
    """Refuses a delivery with this event in it, and one of more than `most`."""

    def __init__(self, poison: str = "", most: int = 1000, batch: int = 1000) -> None:
        super().__init__(batch)
        self.poison, self.most = poison, most

    async def deliver(self, events: Sequence[Event]) -> str:
        """Take or refuse."""
        if len(events) > self.most or self.poison in [item.id for item in events]:
            raise DeliveryError("the receiver answered 400", refused=True)
        return await super().deliver(events)


@pytest.mark.usefixtures("quick")
async def test_one_event_that_is_refused_takes_no_others_with_it() -> None:
    """A receiver refuses the whole delivery for one of a hundred events: that one alone is lost."""
    async with desk(spec("ops", digest=0.1), ops=Picky(poison="event-37")) as made:
        made.emit(*range(100))
        await until(lambda: len(made.receivers["ops"].got) == 99)
        await until(lambda: made.failures == [("ops", "lost", "1 events: the receiver answered 400")])
        assert made.dispatcher.reports()[0].waiting == 0


@pytest.mark.usefixtures("quick")
async def test_a_receiver_that_takes_no_large_deliveries_gets_smaller_ones() -> None:
    """As one with a limit to a request's size (413): nothing is lost, all is in order."""
    async with desk(spec("ops", digest=0.1), ops=Picky(most=30)) as made:
        made.emit(*range(1000))
        await until(lambda: len(made.receivers["ops"].got) == 1000, 20.0)
        assert made.receivers["ops"].got == [f"event-{number}" for number in range(1000)]
        assert made.failures == []


@pytest.mark.usefixtures("quick")
async def test_what_is_too_old_is_lost_and_said() -> None:
    """An event older than the channel's limit is given up at the next failure."""
    async with desk(spec("ops", give_up=0.02), spec("chat")) as made:
        made.receivers["ops"].fault = DeliveryError("connection refused")
        made.emit(1)
        await until(lambda: ("ops", "lost", "1 events: connection refused") in made.failures)


@pytest.mark.usefixtures("quick")
async def test_two_dead_channels_do_not_keep_telling_each_other() -> None:
    """Each outage and each loss of a real alert is said once; the loss of these words themselves is not."""
    async with desk(spec("ops", give_up=0.1), spec("chat", give_up=0.1)) as made:
        for receiver in made.receivers.values():
            receiver.fault = DeliveryError("dead")
        made.emit(1)
        await until(lambda: all(report.failed and not report.waiting for report in made.dispatcher.reports()))
        said = [(channel, state) for channel, state, _ in made.failures]
        assert len(said) == len(set(said))
        await asyncio.sleep(0.3)
        assert len(made.failures) == len(said)


async def test_a_channel_over_its_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery that ignores its own timeout is ended and counts as a failure."""
    monkeypatch.setattr(attempt, "MARGIN", 0.05)
    async with desk(spec("ops", timeout=0.05)) as made:
        made.receivers["ops"].hang = True
        made.emit(1)
        await until(lambda: made.dispatcher.reports()[0].error == "no answer within 0.05 s")


async def test_a_fault_in_a_channel_is_contained() -> None:
    """A channel that raises anything at all counts as failed; others and later attempts go on."""
    async with desk(spec("ops"), spec("chat")) as made:
        made.receivers["ops"].fault = ZeroDivisionError("plug-in")
        made.emit(1)
        await until(lambda: made.receivers["chat"].got and made.dispatcher.reports()[0].error)
        assert made.dispatcher.reports()[0].error == "ZeroDivisionError: plug-in"
        made.receivers["ops"].fault = None
        await until(lambda: made.receivers["ops"].got == ["event-1"])


@pytest.mark.parametrize("taken", [True, False])
async def test_whatever_a_receiver_says_fits_a_line(taken: bool) -> None:
    """Words in no encoding, with control characters and of any length can be kept, sent and shown."""
    said = "M\udcfcller\r\n\0 unknown " + "x" * 100_000
    async with desk(spec("ops")) as made:
        made.receivers["ops"].remark = said
        made.receivers["ops"].fault = None if taken else DeliveryError(said)
        made.emit(1)
        await until(lambda: made.dispatcher.reports()[0].error)
        assert msgspec.msgpack.encode(made.dispatcher.reports())
        assert made.dispatcher.reports()[0].error.startswith("M ller unknown xxx")
        assert len(made.dispatcher.reports()[0].error) == attempt.WORDS_LIMIT


async def test_a_plug_in_that_forgets_to_return_a_remark_has_delivered() -> None:
    """None is no remark, and nothing that a report may not hold."""
    async with desk(spec("ops")) as made:
        made.receivers["ops"].remark = None  # type: ignore[assignment]
        made.emit(1)
        await until(lambda: made.receivers["ops"].got)
        assert (made.dispatcher.reports()[0].error, made.dispatcher.reports()[0].delivered) == ("", 1)


async def test_what_waited_from_a_former_run_is_delivered() -> None:
    """A new dispatcher on an old spool delivers what is in it, and lets go what waits for channels that are gone."""
    spool = MemorySpool()
    await spool.record([(event(number=1), ("ops", "gone"))])
    async with desk(spec("ops"), spool=spool) as made:
        await until(lambda: made.receivers["ops"].got == ["event-1"])
    assert spool.rows == {}


async def test_a_disk_that_was_slow_at_the_start_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waited from a former run is delivered even when the spool answers only at the second time of asking."""
    monkeypatch.setattr(lane, "SPOOL_PATIENCE", 0.05)
    monkeypatch.setattr(lane, "SPOOL_AGAIN", 0.05)

    class Slow(MemorySpool):
        asked = 0

        async def waiting(self, channel: str, limit: int) -> list[Event]:
            self.asked += 1
            if self.asked == 1:
                await asyncio.sleep(3600.0)
            return await super().waiting(channel, limit)

    spool = Slow()
    await spool.record([(event(number=1), ("ops",))])
    async with desk(spec("ops"), spool=spool) as made:
        await until(lambda: made.receivers["ops"].got == ["event-1"])


async def test_what_the_receiver_knew_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a slow disk does not say, the end of what may have been told is told; later it is as if it had said at once."""
    monkeypatch.setattr(lane, "SPOOL_PATIENCE", 0.05)
    monkeypatch.setattr(lane, "SPOOL_AGAIN", 0.05)

    class Slow(MemorySpool):
        slow = True

        async def told(self, channel: str) -> list[Told]:
            if self.slow:
                await asyncio.sleep(3600.0)
            return await super().told(channel)

    spool = Slow()
    for number, name in enumerate(("rs1@www", "rs2@www"), 1):
        begun = event(EventKind.SERVER_DOWN, name, new="down", number=number, at=time.time())
        spool.known_of["ops", ("server", name)] = Told(("server", name), begun, time.time(), 1)
    async with desk(msgspec.structs.replace(spec("ops"), every=3600.0, recovery=True), spool=spool) as made:
        made.dispatcher.emit(event(EventKind.SERVER_UP, "rs1@www", new="up", number=3, at=time.time()))
        await until(lambda: made.receivers["ops"].got == ["event-3"])
        spool.slow = False
        await asyncio.sleep(0.3)
        again = event(EventKind.SERVER_DOWN, "rs2@www", new="down", number=4, at=time.time())
        made.dispatcher.emit(again)
        await until(lambda: "event-4" in spool.known and ("ops", "event-4") not in spool.rows)
        assert made.receivers["ops"].got == ["event-3"], "the receiver knows that rs2 is down"
        assert made.dispatcher.reports()[0].held == 0


async def test_a_loss_at_the_stop_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails for good while the dispatcher stops is still told: it is in the spool for the next run."""
    monkeypatch.setattr(portion, "REFUSALS", 1)
    monkeypatch.setattr(pace, "GATHER", 3600.0)
    spool = MemorySpool()
    refusing = Receiver()
    refusing.fault = DeliveryError("no", refused=True)
    async with desk(spec("ops", digest=3600.0), spec("chat"), spool=spool, ops=refusing) as made:
        made.emit(1)
        await until(lambda: made.receivers["chat"].got == ["event-1"])
        assert refusing.attempts == 0
    assert list(spool.rows) == [("chat", "event--1")]


async def test_an_event_known_already_is_not_delivered_again() -> None:
    """The supervisor may hand in once more what it handed to a worker that died."""
    async with desk(spec("ops")) as made:
        made.emit(1)
        await until(lambda: made.receivers["ops"].got)
        made.dispatcher.emit(event(number=1, subject="router1", reason="said anew"))
        made.emit(2)
        await until(lambda: "event-2" in made.receivers["ops"].got)
        assert made.receivers["ops"].got == ["event-1", "event-2"]


async def test_memory_holds_the_first_of_many_and_the_spool_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond QUEUE events wait in the spool alone and are fetched when the first have left."""
    monkeypatch.setattr(lane, "QUEUE", 10)
    async with desk(spec("ops"), ops=Receiver(batch=4)) as made:
        made.receivers["ops"].fault = DeliveryError("full")
        made.emit(*range(35))
        await until(lambda: made.receivers["ops"].attempts)
        made.receivers["ops"].fault = None
        await until(lambda: len(made.receivers["ops"].got) == 35)
        assert made.receivers["ops"].got == [f"event-{number}" for number in range(35)]


async def test_a_clock_set_back_holds_no_alert_for_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a moment of the old clock is looked at again within LOOK_WITHIN."""

    class Clock:
        monotonic = staticmethod(time.monotonic)
        behind = 0.0

        def time(self) -> float:
            return time.time() - self.behind

    clock = Clock()
    monkeypatch.setattr(lane, "time", clock)
    monkeypatch.setattr(lane, "LOOK_WITHIN", 0.1)
    held = msgspec.structs.replace(spec("ops"), after=After(lasting=300.0))
    async with desk(held) as made:
        made.dispatcher.emit(event(EventKind.SERVER_DOWN, "rs1@www", number=1, at=time.time()))
        await until(lambda: made.dispatcher.reports()[0].held == 1)
        await asyncio.sleep(0.3)
        assert made.receivers["ops"].got == []
        clock.behind = 86400.0
        await until(lambda: made.receivers["ops"].got == ["event-1"])


async def test_a_reload_leaves_unchanged_channels_alone() -> None:
    """Only the changed channel is built anew, and its queue stays; a removed one is forgotten."""
    spool = MemorySpool()
    async with desk(spec("ops"), spec("chat", digest=3600.0), spec("old"), spool=spool) as made:
        made.receivers["old"].hang = True
        made.receivers["chat"].fault = DeliveryError("not yet")
        made.emit(1)
        await until(lambda: made.receivers["ops"].got and made.receivers["old"].attempts)
        assert made.built == ["ops", "chat", "old"]
        made.receivers["chat"] = Receiver()
        made.dispatcher.apply([spec("ops"), spec("chat")], tools())
        assert made.built == ["ops", "chat", "old", "chat"]
        await until(lambda: made.receivers["chat"].got == ["event-1"])
        assert [report.name for report in made.dispatcher.reports()] == ["ops", "chat"]
    assert spool.rows == {}


async def test_a_changed_secret_renews_the_channels() -> None:
    """Channels are built anew when a secret's content changed, for they hold the old one."""
    async with desk(spec("ops")) as made:
        made.dispatcher.apply([spec("ops")], tools(secrets={"/etc/key": "new"}))
        assert made.built == ["ops", "ops"]


async def test_events_wait_for_the_first_configuration() -> None:
    """What is emitted before any channel is known goes to the channels of the first configuration."""
    made = Desk(MemorySpool(), {"ops": Receiver()})
    async with asyncio.TaskGroup() as group:
        group.create_task(made.dispatcher.run())
        made.emit(1)
        await asyncio.sleep(0.05)
        made.dispatcher.apply([spec("ops")], tools())
        await until(lambda: made.receivers["ops"].got == ["event-1"])
        made.dispatcher.stop()


async def test_a_remark_is_shown_and_told_once() -> None:
    """A delivery that succeeded in part shows what a person should know, who may hear of it by another channel only."""
    async with desk(spec("ops"), spec("chat")) as made:
        made.receivers["ops"].remark = "one recipient was refused"
        made.emit(1)
        await until(lambda: made.dispatcher.reports()[0].error == "one recipient was refused")
        assert made.dispatcher.reports()[0].delivered == 1
        await until(lambda: made.receivers["chat"].got == ["event-1", "event--1"])
        made.emit(2)
        await until(lambda: "event-2" in made.receivers["ops"].got)
        assert made.failures == [("ops", "lost", "in part: one recipient was refused")]


@pytest.mark.usefixtures("quick")
async def test_a_receiver_that_asks_to_be_left_alone_is() -> None:
    """The next try is not before."""
    async with desk(spec("ops")) as made:
        made.receivers["ops"].fault = DeliveryError("429", wait=0.5)
        made.emit(1)
        await until(lambda: made.receivers["ops"].attempts)
        made.receivers["ops"].fault, began = None, time.monotonic()
        await until(lambda: made.receivers["ops"].got)
    assert time.monotonic() - began > 0.3


async def test_a_short_problem_is_held_in_the_spool_and_never_told() -> None:
    """While it is held it is safe on the disk; with its end both leave it."""
    spool = MemorySpool()
    patient = msgspec.structs.replace(spec("ops"), after=After(lasting=3600.0))
    async with desk(patient, spec("log"), spool=spool) as made:
        made.dispatcher.emit(event(EventKind.SERVER_DOWN, "rs1@www", new="down", number=1))
        await until(lambda: made.receivers["log"].got == ["event-1"])
        assert ("ops", "event-1") in spool.rows
        assert made.dispatcher.reports()[0].held == 1
        made.dispatcher.emit(event(EventKind.SERVER_UP, "rs1@www", new="up", number=2))
        await until(lambda: made.receivers["log"].got == ["event-1", "event-2"])
        await until(lambda: not spool.rows)
    assert made.receivers["ops"].got == []


async def test_a_problem_that_lasted_over_a_restart_is_told() -> None:
    """It was held when the last run ended; its time had come meanwhile."""
    spool = MemorySpool()
    patient = msgspec.structs.replace(spec("ops"), after=After(lasting=60.0))
    down = event(EventKind.SERVER_DOWN, "rs1@www", new="down", number=1, at=time.time() - 100.0)
    await spool.record([(down, ("ops",))])
    async with desk(patient, spool=spool) as made:
        await until(lambda: made.receivers["ops"].got == ["event-1"])
    assert spool.rows == {}


async def test_what_a_quiet_time_held_is_one_delivery() -> None:
    """The critical goes at once; at the end, here by another configuration, the rest goes together."""
    now = int(time.time() % 86400) // 60
    window = Window(start=(now - 5) % 1440, end=(now + 60) % 1440)
    quiet = msgspec.structs.replace(spec("ops", digest=0.2), quiet=(window,))
    spool = MemorySpool()
    async with desk(quiet, spool=spool) as made:
        for number in range(1, 6):
            made.dispatcher.emit(event(EventKind.SERVER_DOWN, f"rs{number}@www", number=number))
        made.dispatcher.emit(event(EventKind.SERVICE_DOWN, "www", number=9))
        await until(lambda: made.receivers["ops"].got == ["event-9"])
        assert made.dispatcher.reports()[0].held == 5
        made.dispatcher.apply([spec("ops", digest=0.2)], tools())
        await until(lambda: len(made.receivers["ops"].got) == 6)
        assert made.receivers["ops"].deliveries[1] == [f"event-{number}" for number in range(1, 6)]


@pytest.mark.usefixtures("quick")
async def test_a_problem_is_told_again_until_acknowledged_and_over_restarts() -> None:
    """By what the supervisor says there is; what the receiver knows is kept beside the spool."""
    spool, key = MemorySpool(), ("server", "rs1@www")
    patient = msgspec.structs.replace(spec("ops"), repeat=0.3)
    async with desk(patient, spool=spool) as made:
        made.dispatcher.emit(event(EventKind.SERVER_DOWN, "rs1@www", new="down", number=1))
        made.dispatcher.stand([key])
        await until(lambda: made.receivers["ops"].got[:2] == ["event-1", "event-1.1"])
    assert ("ops", key) in spool.known_of
    async with desk(patient, spool=spool) as made:
        made.dispatcher.stand([key])
        await until(lambda: made.receivers["ops"].got[:1] == ["event-1.2"] or made.receivers["ops"].got)
        made.dispatcher.stand([key], [key])
        await asyncio.sleep(0.5)
        told = len(made.receivers["ops"].got)
        await asyncio.sleep(1.0)
        assert len(made.receivers["ops"].got) == told
        made.dispatcher.emit(event(EventKind.SERVER_UP, "rs1@www", new="up", number=2))
        await until(lambda: made.receivers["ops"].got[-1] == "event-2")
        await until(lambda: not spool.known_of)
