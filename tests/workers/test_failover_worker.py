"""The failover worker's handler and its lock, without routers."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from failover.spec import FailoverSpec
from hactl.processes.messages import Beat, Commit, Discard, Prepared, PrepareFailover, Stop
from hactl.workers import failover as worker
from hactl.workers.failover import FailoverHandler, replace_orphan
from support.failover import router_spec

HOLDER = """
import fcntl, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


class Site:
    """A handler and what it told its supervisor."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.handler = FailoverHandler(self.told.append, realtime=False)

    def states(self) -> dict[str, str]:
        """The routers that run."""
        return {r.spec.name: r.state.value for r in self.handler._manager.routers()}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A running handler."""
    made = Site()
    task = asyncio.create_task(made.handler.run())
    await asyncio.sleep(0)
    yield made
    made.handler._done.set()
    await task


def spec() -> FailoverSpec:
    """One router on an interface that is not there, so that nothing is sent."""
    return FailoverSpec(node="lb1", routers=(router_spec(interface="nowhere"),))


async def test_prepare_and_commit(site: Site) -> None:
    """Nothing runs before the commit."""
    site.handler.receive(PrepareFailover(1, spec()))
    assert (site.told, site.states()) == ([Prepared(1)], {})
    site.handler.receive(Commit(1))
    assert site.states() == {"web": "fault"}


async def test_refused_generation_is_not_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit of what was refused, as a worker started anew is sent one, does nothing."""
    monkeypatch.setattr(worker, "can_mark", lambda: False)
    site.handler.receive(PrepareFailover(1, spec()))
    site.handler.receive(Commit(1))
    (prepared,) = site.told
    assert isinstance(prepared, Prepared)
    assert "older than 5.18" in (prepared.fault or "")
    assert site.states() == {}


async def test_commit_of_another_generation(site: Site) -> None:
    """Only what was prepared under this very number is committed to."""
    site.handler.receive(PrepareFailover(2, spec()))
    site.handler.receive(Commit(1))
    site.handler.receive(Discard(2))
    site.handler.receive(Commit(2))
    assert site.states() == {}


async def test_commit_after_stop(site: Site) -> None:
    """A reload that was on its way when the stop came starts nothing again."""
    site.handler.receive(PrepareFailover(1, spec()))
    site.handler.receive(Stop("stop"))
    site.handler.receive(Commit(1))
    assert site.states() == {}
    assert site.handler._done.is_set()


async def test_fault_of_the_program_ends_the_worker(site: Site) -> None:
    """An exception in a callback is told, and the worker goes, for a router may stand still now."""
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.wait_for(site.handler._done.wait(), 5.0)
    assert "division by zero" in site.told[-1].fields["why"]


async def test_silent_supervisor(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is counted from the last message; a beat ends it."""
    monkeypatch.setattr(worker, "_say", lambda text: None)
    site.handler._heard = time.monotonic() - 11.0
    site.handler._supervisor_silent(11.0)
    assert site.handler._silence == worker.RELEASE_SILENT_AFTER
    site.handler._released.add("web")
    site.handler.receive(Beat(0.0))
    assert (site.handler._silence, site.handler._released) == (worker.SAY_SILENT_AFTER, set())


def held_by_another(lock: Path) -> "subprocess.Popen[str]":
    """A process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("frozen", [False, True], ids=["living", "frozen"])
def test_orphan_is_replaced(tmp_path: Path, frozen: bool) -> None:
    """Who holds the lock is told to go; one that is frozen is killed."""
    lock = tmp_path / "lock"
    with held_by_another(lock) as orphan:
        if frozen:
            os.kill(orphan.pid, signal.SIGSTOP)
        descriptor = replace_orphan(lock)
        assert orphan.wait(5.0) == (-signal.SIGKILL if frozen else 7)
        assert worker._holder(descriptor) == 0, "it is ours now"
        os.close(descriptor)


def test_lock_that_nobody_holds(tmp_path: Path) -> None:
    """Whatever a former daemon left in the file, no process is ever signalled for it."""
    lock = tmp_path / "lock"
    lock.write_text(str(os.getpid()))
    os.close(replace_orphan(lock))
