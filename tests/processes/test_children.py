"""One worker as the supervisor sees it: real processes, without a configuration."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hactl.processes.children import Child
from hactl.processes.messages import FromHealth
from support.alerts import until

WORKS = "hactl.workers.health"
ENDS = "hactl.workers.base"
"""A module that can be run and ends at once."""


class Site:
    """A child and what was heard of it."""

    def __init__(self, module: str) -> None:
        self.deaths: list[str] = []
        self.child = Child(
            "health-0",
            module,
            (),
            says=FromHealth,
            setup=tuple,
            on_message=lambda name, message: None,
            on_death=lambda name, reason: self.deaths.append(reason),
            kill_when_silent=True,
            helper=True,
        )
        self.task = asyncio.create_task(self.child.run())


@pytest.fixture
async def worker() -> AsyncIterator[Site]:
    """A worker that was heard."""
    site = Site(WORKS)
    await until(lambda: site.child.last_sign)
    yield site
    await site.child.stop("test", 10.0)
    await site.task


async def test_killed_worker_is_started_again_at_once(worker: Site) -> None:
    """A first death costs no wait; the reason names the signal."""
    former = worker.child.pid
    os.kill(former, signal.SIGKILL)
    began = time.monotonic()
    await until(lambda: worker.child.pid != former)
    assert time.monotonic() - began < 1.0
    assert worker.deaths == ["killed by signal 9"]
    assert worker.child.restarts == 1


async def test_a_worker_gives_way_to_another(worker: Site) -> None:
    """In order, which is no death; until the other is there nothing can be sent."""
    former = worker.child.pid
    worker.child.renew(("--user", ""), "test", 10.0)
    assert (worker.child.linked, worker.child.settled.is_set()) == (False, False)
    await until(lambda: worker.child.linked)
    assert worker.child.pid != former
    assert worker.child.settled.is_set()
    assert (worker.deaths, worker.child.restarts) == ([], 0)
    assert _command_line(worker.child.pid)[-3:] == [b"--user", b"", b""]


async def test_a_frozen_worker_gives_way_as_well(worker: Site) -> None:
    """Who does not end is killed."""
    former = worker.child.pid
    os.kill(former, signal.SIGSTOP)
    worker.child.renew(("--user", ""), "test", 0.2)
    await until(lambda: worker.child.linked)
    assert (worker.child.pid != former, worker.deaths) == (True, [])


async def test_a_worker_that_is_starting_gives_way_too() -> None:
    """It was started with what is not wanted any more."""
    site = Site(WORKS)
    await until(lambda: site.child.running)
    former = site.child.pid
    site.child.renew(("--user", ""), "test", 10.0)
    await until(lambda: site.child.pid != former and site.child.linked)
    assert (site.child.settled.is_set(), site.deaths) == (True, [])
    await site.child.stop("test", 10.0)
    await site.task


async def test_stop(worker: Site) -> None:
    """An orderly stop is no death, and nothing is started afterwards."""
    await worker.child.stop("test", 10.0)
    await worker.task
    assert (worker.deaths, worker.child.running) == ([], False)


async def test_stop_of_a_frozen_worker(worker: Site) -> None:
    """Who does not come is killed."""
    os.kill(worker.child.pid, signal.SIGSTOP)
    began = time.monotonic()
    await worker.child.stop("test", 0.3)
    assert time.monotonic() - began < 5.0
    assert not worker.child.running


async def test_stop_while_starting() -> None:
    """A stop that comes before the process can be talked to reaches it all the same."""
    site = Site(WORKS)
    await asyncio.sleep(0)
    await site.child.stop("test", 15.0)
    await site.task
    assert (site.deaths, site.child.running) == ([], False)


async def test_stop_between_two_lives() -> None:
    """A stop during the wait before the next start ends the wait; nothing is started after it."""
    site = Site(ENDS)
    await until(lambda: site.child.restarts == 2)
    began = time.monotonic()
    await site.child.stop("test", 10.0)
    await site.task
    assert time.monotonic() - began < 0.9, "the second wait is a second long"
    assert len(site.deaths) == 2


async def test_a_host_without_a_thread_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that cannot be started for want of one is started again and again, as for want of anything else."""
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if "waitpid" in thread.name:
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    site = Site(ENDS)
    await until(lambda: site.child.restarts == 2)
    assert set(site.deaths) == {"cannot be started: can't start new thread"}
    monkeypatch.undo()
    await until(lambda: site.child.restarts == 3)
    assert site.deaths[2].startswith("exit status")
    await site.child.stop("test", 10.0)
    await site.task


async def test_what_is_wrong_with_it() -> None:
    """One that ends whenever it is started is told with why, and how often; one that runs and is heard has no trouble."""
    site = Site(ENDS)
    assert site.child.trouble(time.monotonic()) == ""
    await until(lambda: site.child.restarts == 2)
    said = site.child.trouble(time.monotonic())
    assert said == f"does not run: {site.deaths[-1]}; 2 deaths until now, it is started again"
    await site.child.stop("test", 10.0)
    await site.task


async def test_dead_worker_is_not_silent() -> None:
    """Silence is a living worker's; one that is dead is down, however long it waits to be started."""
    site = Site(ENDS)
    await until(lambda: site.child.restarts == 2)
    assert not site.child.is_silent(time.monotonic() + 1000.0)
    await site.child.stop("test", 10.0)
    await site.task


async def test_worker_that_hangs_up_is_ended(worker: Site) -> None:
    """A living process that can no longer be talked to is of no use: it is ended and started anew."""
    former = worker.child.pid
    link = worker.child._link
    assert link is not None
    link._end("not understood")
    await until(lambda: worker.child.pid != former and worker.child.linked)
    assert len(worker.deaths) == 1


def _command_line(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
