"""The handshake of generations with made-up workers: late answers, deaths in between, two in a row."""

import asyncio
from typing import Any

import msgspec
import pytest

from failover.report import Renewal
from hactl.processes.crew import Crew
from hactl.processes.messages import (
    AllowPrograms,
    Commit,
    Discard,
    Emit,
    HistoryAnswer,
    HistoryQuery,
    Prepared,
    PrepareFailover,
    PrepareHealth,
    PrepareNotify,
)
from hactl.processes.preparing import FAILOVER, NOTIFY
from support.alerts import event, until
from support.config import MINIMAL, config_of

HEALTH = "health-0"
CONFIG = config_of()
WITH_PROGRAMS = config_of(
    MINIMAL.replace("vrid:", "track: {scripts: {disk: {command: [/bin/df]}}}, vrid:")
    + "notify: {all: {type: exec, command: [/bin/tell, all], user: daemon}}\n"
)
WITH_WEBHOOK = config_of(MINIMAL + "notify: {chat: {type: webhook, url: 'https://chat.example.org/hook'}}\n")
PREPARES = (PrepareFailover, PrepareHealth, PrepareNotify)


class FakeChild:
    """A worker's place: keeps what it was sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.linked = True
        self.settled = asyncio.Event()
        self.settled.set()
        self.renewed: tuple[str, ...] = ()
        self.last_sign = 0.0
        self.sent: list[Any] = []

    def send(self, message: msgspec.Struct) -> None:
        """Keep a message, if there is a worker."""
        if self.linked:
            self.sent.append(message)

    def renew(self, arguments: tuple[str, ...], reason: str, within: float) -> None:
        """Another is to take its place."""
        self.linked, self.renewed = False, arguments
        self.settled.clear()

    def generations(self) -> list[tuple[str, int]]:
        """The messages about generations, as (kind, number)."""
        asked = [m for m in self.sent if isinstance(m, (*PREPARES, Commit, Discard))]
        return [
            ("prepare" if isinstance(m, PREPARES) else type(m).__name__.lower(), m.generation) for m in asked
        ]


class Site:
    """A crew of fakes and what it said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.deaths: list[str] = []
        self.crew = Crew(
            CONFIG,
            {},
            "nobody",
            on_message=lambda name, message: None,
            on_death=lambda name, reason: self.deaths.append(name),
            say=lambda subject, text: self.said.append((subject, text)),
        )
        self.fakes = {name: FakeChild(name) for name in (FAILOVER, HEALTH, NOTIFY)}
        self.crew.children = self.fakes  # type: ignore[assignment]

    def hear(self, name: str, message: Any) -> None:
        """The worker says this."""
        self.crew._hear(name, message)

    def die(self, name: str) -> None:
        """The worker dies."""
        self.fakes[name].linked = False
        self.crew._died(name, "killed by signal 9")

    def live_again(self, name: str) -> None:
        """It is started anew and given what it needs."""
        fake = self.fakes[name]
        fake.linked, fake.sent = True, []
        for message in self.crew._setup(name):
            fake.send(message)

    async def offer(self) -> "asyncio.Task[str | None]":
        """Begin a reload, up to where the workers are asked."""
        task = asyncio.create_task(self.crew.generations.prepare(CONFIG, {}))
        await asyncio.sleep(0)
        return task


async def test_all_acknowledge() -> None:
    """Nobody commits before all have prepared."""
    site = Site()
    offered = await site.offer()
    for name in (FAILOVER, HEALTH):
        site.hear(name, Prepared(2))
    await asyncio.sleep(0)
    assert not offered.done()
    site.hear(NOTIFY, Prepared(2))
    assert await offered is None
    site.crew.generations.commit(CONFIG, {})
    assert all(fake.generations() == [("prepare", 2), ("commit", 2)] for fake in site.fakes.values())


async def test_one_refuses() -> None:
    """A refusal is handed back, and everybody forgets the generation."""
    site = Site()
    offered = await site.offer()
    site.hear(FAILOVER, Prepared(2))
    site.hear(HEALTH, Prepared(2, "a probe cannot be built"))
    site.hear(NOTIFY, Prepared(2))
    assert await offered == "a probe cannot be built"
    assert all(fake.generations() == [("prepare", 2), ("discard", 2)] for fake in site.fakes.values())


async def test_a_trial_leaves_nothing_behind() -> None:
    """All are asked, all forget it, and what a worker refuses of the generation in force stays shown."""
    site = Site()
    site.hear(HEALTH, Prepared(1, "a file has gone"))
    asked = asyncio.create_task(site.crew.generations.trial(CONFIG, {}))
    await asyncio.sleep(0)
    for name in site.fakes:
        site.hear(name, Prepared(2))
    assert await asked is None
    assert all(fake.generations() == [("prepare", 2), ("discard", 2)] for fake in site.fakes.values())
    assert site.crew.refusals() == ("health-0 worker: a file has gone",)
    site.die(HEALTH)
    site.live_again(HEALTH)
    assert site.fakes[HEALTH].generations() == [("prepare", 1), ("commit", 1)]


async def test_late_answer_counts_for_its_own_generation_only() -> None:
    """An answer to an offer of before does not acknowledge the present one; numbers are never used twice."""
    site = Site()
    first = await site.offer()
    site.hear(FAILOVER, Prepared(2, "not this one"))
    site.hear(HEALTH, Prepared(2))
    site.hear(NOTIFY, Prepared(2))
    assert await first == "not this one"
    second = await site.offer()
    site.hear(FAILOVER, Prepared(2))
    await asyncio.sleep(0)
    assert not second.done()
    for name in site.fakes:
        site.hear(name, Prepared(3))
    assert await second is None
    site.crew.generations.commit(CONFIG, {})
    assert site.fakes[FAILOVER].generations()[-1] == ("commit", 3)


async def test_death_while_preparing() -> None:
    """A worker that dies is no obstacle; coming back before the commit, it is given the new generation in full."""
    site = Site()
    offered = await site.offer()
    site.hear(FAILOVER, Prepared(2))
    site.hear(NOTIFY, Prepared(2))
    site.die(HEALTH)
    site.live_again(HEALTH)
    site.hear(HEALTH, Prepared(1))
    assert await offered is None
    site.crew.generations.commit(CONFIG, {})
    assert site.fakes[HEALTH].generations() == [("prepare", 1), ("commit", 1), ("prepare", 2), ("commit", 2)]


async def test_death_after_preparing() -> None:
    """An acknowledgement dies with its worker: the next one is given everything, before or after the commit."""
    site = Site()
    offered = await site.offer()
    for name in site.fakes:
        site.hear(name, Prepared(2))
    assert await offered is None
    site.die(HEALTH)
    site.live_again(HEALTH)
    site.die(NOTIFY)
    site.crew.generations.commit(CONFIG, {})
    site.live_again(NOTIFY)
    assert site.fakes[HEALTH].generations()[-2:] == [("prepare", 2), ("commit", 2)]
    assert site.fakes[NOTIFY].generations() == [("prepare", 2), ("commit", 2)]


async def test_everybody_is_dead() -> None:
    """With no worker to ask a configuration is taken on all the same; they start with it."""
    site = Site()
    for name in site.fakes:
        site.die(name)
    assert await site.crew.generations.prepare(CONFIG, {}) is None
    site.crew.generations.commit(CONFIG, {})
    for name in site.fakes:
        site.live_again(name)
    site.hear(FAILOVER, Prepared(2))
    assert site.fakes[HEALTH].generations() == [("prepare", 2), ("commit", 2)]


async def test_restarted_worker_that_refuses_is_said_and_shown() -> None:
    """A generation in force that a new worker cannot run is in the log and in status, until one can."""
    site = Site()
    site.hear(HEALTH, Prepared(1, "a file has gone"))
    assert site.said == [(HEALTH, "a file has gone")]
    assert site.crew.refusals() == ("health-0 worker: a file has gone",)
    site.hear(HEALTH, Prepared(1))
    assert site.crew.refusals() == ()


async def test_events_wait_for_the_notify_worker() -> None:
    """What is emitted without a notify worker, and what its last one may not have kept, reaches the next one."""
    site = Site()
    given, waiting = event(), event()
    site.crew.emit(given)
    site.die(NOTIFY)
    site.crew.emit(waiting)
    site.live_again(NOTIFY)
    assert [m.event for m in site.fakes[NOTIFY].sent if isinstance(m, Emit)] == [given, waiting]


async def test_history_without_a_notify_worker() -> None:
    """Nobody waits for an answer that cannot come."""
    site = Site()
    site.die(NOTIFY)
    started = asyncio.get_running_loop().time()
    try:
        await site.crew.ask_notify(HistoryQuery(1))
        raise AssertionError("an answer from nobody")
    except TimeoutError:
        assert asyncio.get_running_loop().time() - started < 1.0


async def test_a_part_that_a_reload_asks_for_comes_with_another_notify_worker() -> None:
    """The one that lacks it gives way before the commit; who asks for the history waits. What is loaded already, or needed
    no longer, moves nobody."""
    site = Site()
    fake = site.fakes[NOTIFY]
    site.crew.commit(WITH_PROGRAMS, {})
    assert not fake.renewed
    fake.sent = []
    site.crew.commit(WITH_WEBHOOK, {})
    assert fake.renewed[-2:] == ("--", "webhook")
    assert (fake.sent, site.deaths) == ([], [])
    asked = asyncio.create_task(site.crew.ask_notify(HistoryQuery(1)))
    await asyncio.sleep(0)
    waiting = event()
    site.crew.emit(waiting)
    fake.settled.set()
    site.live_again(NOTIFY)
    assert [m.event for m in fake.sent if isinstance(m, Emit)] == [waiting]
    await until(lambda: HistoryQuery(1) in fake.sent)
    site.hear(NOTIFY, HistoryAnswer(1, ()))
    assert await asked == HistoryAnswer(1, ())
    fake.renewed = ()
    site.crew.commit(CONFIG, {})
    site.crew.commit(WITH_WEBHOOK, {})
    assert not fake.renewed


async def test_stop_ends_an_offer() -> None:
    """A configuration that is still being offered when the daemon stops is refused, not waited for."""

    class Stopping(FakeChild):
        async def stop(self, reason: str, within: float) -> None:
            """At once."""

    site = Site()
    site.fakes[FAILOVER] = Stopping(FAILOVER)
    site.crew.children = site.fakes  # type: ignore[assignment]
    offered = await site.offer()
    await site.crew.stop_failover("stop", 1.0)
    assert await offered == "the daemon is stopping"


async def test_failover_worker_without_vips_dies_and_returns() -> None:
    """Standing in for a worker that held nothing does nothing, and ends with its successor's first word."""
    site = Site()
    site.hear(FAILOVER, Renewal(()))
    site.die(FAILOVER)
    assert site.deaths == [FAILOVER]
    site.live_again(FAILOVER)
    site.hear(FAILOVER, Prepared(1))
    site.die(FAILOVER)
    site.live_again(FAILOVER)
    site.hear(FAILOVER, Prepared(1))
    assert site.fakes[FAILOVER].generations() == [("prepare", 1), ("commit", 1)]


async def test_what_may_be_run_is_said_before_it_is_wanted() -> None:
    """At each commit, and to a worker that is started anew; to each only what is its own, to the failover worker nothing."""
    site = Site()
    site.crew.generations.commit(WITH_PROGRAMS, {})
    for worker, program, user in ((NOTIFY, ("/bin/tell", "all"), "daemon"), (HEALTH, ("/bin/df",), "nobody")):
        allowed = AllowPrograms(((program, user),))
        kinds = [m for m in site.fakes[worker].sent if isinstance(m, AllowPrograms | Commit)]
        assert kinds == [allowed, Commit(1)]
        site.live_again(worker)
        assert site.fakes[worker].sent[0] == allowed
    assert not any(isinstance(m, AllowPrograms) for m in site.fakes[FAILOVER].sent)


@pytest.mark.parametrize(("check", "expected"), [("{type: tcp}", False), ("{type: tcp, mark: 7}", True)])
def test_only_for_marks_are_rights_kept(check: str, expected: bool) -> None:
    """The health workers are told at their start."""
    site = Site()
    made = site.crew._make_children(config_of(MINIMAL.replace("{type: tcp}", check)), "nobody")
    assert ("--mark" in made[HEALTH]._arguments) is expected
