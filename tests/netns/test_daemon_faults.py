"""Whole daemons whose processes are killed or frozen at a bad moment."""

import os
import signal
import time

from hactl.lab.net import pids_in
from support.daemon import BARE, VIP, Director, Pair, await_master, daemons, pair, wait_until
from support.netns import lan, needs_namespaces
from support.processes import alive
from support.recorder import Recorder

pytestmark = needs_namespaces

LEASE = 2.0
LATE = 1.0
"""Generous bound beyond the lease, in seconds: the machine is shared."""
ALONE = BARE.replace("  lb2: {address: 10.99.0.2}\n", "")


def taken_over(two: Pair, since: float) -> None:
    """lb2 holds the VIP, lb1 does not, nobody's turn was missing, and two held it for no longer than the lease allows."""
    wait_until(lambda: two.lb2.is_state("master"))
    wait_until(
        lambda: [e for e in two.record.changes(VIP, "lb1", since=since) if not e.there], LEASE + 2 * LATE
    )
    assert two.record.longest_absence(VIP, since=since) == 0.0
    assert two.record.overlap(VIP, since=since) < LEASE + LATE


def test_supervisor_killed() -> None:
    """The orphaned failover worker releases at once, lets go when the successor was heard, and every worker ends."""
    with pair() as two:
        pids = two.lb1.pids()
        began = time.monotonic()
        two.lb1.signal(signal.SIGKILL, "supervisor")
        taken_over(two, began)
        assert two.record.changes(VIP, "lb2", since=began)[0].at - began < LATE
        assert two.record.overlap(VIP, since=began) < LATE, "it lets go by itself, not by its lease"
        wait_until(lambda: not any(map(alive, pids.values())))


def test_failover_worker_killed() -> None:
    """The supervisor releases for the dead worker and lets go when a successor was heard; the next worker takes part."""
    with pair() as two:
        before = two.lb1.pids()
        began = time.monotonic()
        two.lb1.signal(signal.SIGKILL, "failover")
        wait_until(lambda: two.record.changes(VIP, "lb2", since=began))
        assert two.record.changes(VIP, "lb2", since=began)[0].at - began < LATE
        wait_until(lambda: two.lb1.status()["workers"]["failover"]["restarts"] == 1)
        wait_until(lambda: two.lb1.is_state("master"))
        wait_until(lambda: two.lb2.is_state("backup"))
        assert two.record.longest_absence(VIP, since=began) == 0.0
        assert two.record.overlap(VIP, since=began) < LATE
        after = two.lb1.pids()
        assert {name for name in before if before[name] != after[name]} == {"failover"}
        died = wait_until(lambda: two.lb1.events("worker.died", "failover"))
        assert died[0]["reason"] == "killed by signal 9; it is started again"
        assert died[0]["severity"] == "warning"


def test_status_while_the_failover_worker_is_dead() -> None:
    """What a dead worker said last is not shown as if it were so now, and what needs the worker is refused."""
    with pair() as two:
        two.lb1.signal(signal.SIGKILL, "failover")
        two.lb1.await_up()
        wait_until(lambda: two.lb1.status()["workers"]["failover"]["restarts"] == 1)
        two.lb1.signal(signal.SIGKILL, "failover")
        down = wait_until(
            lambda: [s for s in [two.lb1.status()] if s["workers"]["failover"]["state"] == "down"]
        )[0]
        assert down["routers"]["web"]["state"] == "init"
        assert "the failover worker died and is being started again" in down["routers"]["web"]["reason"]
        refused = two.lb1.hactl("handover")
        assert refused.returncode == 1
        assert "the failover worker is being started again" in refused.stderr
        two.lb1.await_up()
        wait_until(lambda: two.lb1.is_state("master"))


def test_health_and_notify_workers_killed() -> None:
    """They are started again, told of, and no router moves."""
    with pair() as two:
        before = two.lb1.pids()
        transitions = two.lb1.router()["transitions"]
        two.lb1.signal(signal.SIGKILL, "health-0", "notify")
        wait_until(lambda: two.lb1.status()["workers"]["notify"]["restarts"] == 1)
        two.lb1.await_up()
        after = two.lb1.pids()
        assert {name for name in before if before[name] != after[name]} == {"health-0", "notify"}
        for name in ("health-0", "notify"):
            wait_until(lambda name=name: two.lb1.events("worker.died", name))  # type: ignore[misc]
        assert two.lb1.router()["transitions"] == transitions
        assert two.lb1.is_state("master")


def test_everything_killed_at_once() -> None:
    """The kernel takes the VIP off by the lease; the successor had it long before."""
    with pair() as two:
        began = time.monotonic()
        two.lb1.signal(signal.SIGKILL)
        taken_over(two, began)
        assert two.record.changes(VIP, "lb2", since=began)[0].at - began < LATE


def test_started_again_without_a_cable() -> None:
    """The new daemon gives up what the dead one left: it could not hear whoever has the VIP now."""
    with pair(BARE.replace("addresses: [", "lease: 60s, addresses: [")) as two:
        began = time.monotonic()
        two.lb1.signal(signal.SIGKILL)
        wait_until(lambda: two.lb2.is_state("master"))
        two.net.cut("lb1")
        assert VIP in two.net.addresses("lb1")
        two.lb1.start()
        wait_until(lambda: two.lb1.is_state("fault"))
        wait_until(lambda: VIP not in two.net.addresses("lb1"))
        assert [e.there for e in two.record.changes(VIP, "lb1", since=began)] == [False]


def test_everything_frozen_beyond_the_lease() -> None:
    """A frozen director loses the VIP by its lease; awake again it takes part, and kills none of its workers."""
    with pair() as two:
        before = two.lb1.pids()
        began = time.monotonic()
        two.lb1.signal(signal.SIGSTOP)
        try:
            time.sleep(6.5)
            assert two.lb2.is_state("master")
            off = [e for e in two.record.changes(VIP, "lb1", since=began) if not e.there]
            assert off
            assert off[0].at - began < LEASE + LATE
        finally:
            for pid in before.values():
                os.kill(pid, signal.SIGCONT)
        wait_until(lambda: two.lb1.is_state("master") and two.lb2.is_state("backup"))
        assert two.record.longest_absence(VIP, since=began) == 0.0
        assert two.record.overlap(VIP, since=began) < LEASE + LATE
        time.sleep(1.5)
        assert two.lb1.pids() == before
        assert two.lb1.events("worker.died") == []


def test_supervisor_frozen() -> None:
    """Adverts go on without the supervisor, and it kills nobody for its own silence."""
    with pair() as two:
        before = two.lb1.pids()
        began = time.monotonic()
        two.lb1.signal(signal.SIGSTOP, "supervisor")
        try:
            time.sleep(6.0)
        finally:
            os.kill(before["supervisor"], signal.SIGCONT)
        time.sleep(1.5)
        assert two.lb1.pids() == before
        assert two.record.changes(VIP, since=began) == []
        assert two.lb1.is_state("master")


def test_failover_worker_killed_while_the_supervisor_is_frozen() -> None:
    """A supervisor that wakes long after brings no VIP back that has lapsed: the successor has it by now."""
    with pair() as two:
        pids = two.lb1.pids()
        began = time.monotonic()
        two.lb1.signal(signal.SIGSTOP, "supervisor")
        try:
            os.kill(pids["failover"], signal.SIGKILL)
            taken_over(two, began)
            time.sleep(1.0)
        finally:
            os.kill(pids["supervisor"], signal.SIGCONT)
        awake = time.monotonic()
        wait_until(lambda: two.lb1.is_state("master") and two.lb2.is_state("backup"))
        back = next(e for e in two.record.changes(VIP, "lb1", since=awake) if e.there)
        advert = next(a for a in two.record.adverts("lb1", since=awake) if a.priority)
        assert back.at > advert.at - 0.2, "the VIP came with the new worker's takeover"
        assert two.record.longest_absence(VIP, since=began) == 0.0
        assert two.record.overlap(VIP, since=awake) < LATE


def test_frozen_health_worker_is_replaced() -> None:
    """A health worker that is silent for too long is killed and started again."""
    with pair() as two:
        before = two.lb1.pids()
        two.lb1.signal(signal.SIGSTOP, "health-0")
        wait_until(lambda: two.lb1.status()["workers"]["health-0"]["restarts"] == 1, 15.0)
        two.lb1.await_up()
        after = two.lb1.pids()
        assert {name for name in before if before[name] != after[name]} == {"health-0"}


def test_restarted_daemon_replaces_the_orphan() -> None:
    """Alone, an orphaned failover worker keeps the VIP renewed; the next daemon ends it and inherits the VIP."""
    with lan("lb1") as net, Recorder(net) as record, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.start()
        await_master(lb1)
        orphan = lb1.pids()["failover"]
        began = time.monotonic()
        lb1.signal(signal.SIGKILL, "supervisor")
        time.sleep(LEASE + LATE)
        assert alive(orphan)
        lb1.start()
        await_master(lb1)
        assert not alive(orphan)
        assert record.changes(VIP, since=began) == [], "the VIP never left, nor came anew"


def test_killed_while_starting() -> None:
    """SIGTERM at any moment of the start ends the daemon, and leaves nothing behind."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        for delay in (0.55, 0.65, 0.75, 0.85, 0.95):
            stopped_after(lb1, delay)
            wait_until(lambda: not left_in(lb1))


def left_in(director: Director) -> list[int]:
    """Processes that still run in the director's namespace."""
    return pids_in(director.net.namespace(director.name))


def stopped_after(director: Director, delay: float) -> None:
    """Starts a daemon and sends SIGTERM so much later; it ends in order, or by the signal while it has nothing yet."""
    director.launch()
    time.sleep(delay)
    assert director.stop() in (0, -signal.SIGTERM)
