"""A director that dies, freezes, is cut off, or loses its supervisor: who has the VIP, and for how long."""

import functools
import signal
import time

import pytest

from failover.moves import Cause, State
from failover.packet import RELEASE
from failover.spec import Family
from hactl.lab.net import ip_batch
from support.directors import Director, pair, serve, until
from support.failover import VIP4, VIP6, router_spec, vip
from support.netns import needs_namespaces

pytestmark = needs_namespaces

LEASE = 2
MASTER_DOWN = 0.3 + 156 / 256 * 0.1


@pytest.mark.parametrize(
    ("family", "address", "slack"), [(Family.IPV4, VIP4, 0.5), (Family.IPV6, VIP6, 2.5)], ids=["ipv4", "ipv6"]
)
def test_killed(family: Family, address: str, slack: float) -> None:
    """SIGKILL: the peer takes over in master-down time; the dead one's kernel ends the VIP within the lease."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b, family=family, addresses=(vip(address),))
        a.signal(signal.SIGKILL)
        died = time.monotonic()
        assert b.wait_for(State.MASTER).cause is Cause.MASTER_SILENT
        until(lambda: b.holds(address), 1.0)
        assert recorder.changes(address, "b")[-1].at - died < 5 * MASTER_DOWN
        until(lambda: not a.holds(address), LEASE + slack, "the lease")
        assert recorder.longest_absence(address) == 0
        assert recorder.changes(address, "a")[-1].at - died < LEASE + slack
        until(
            lambda: recorder.announcements("b")[-1].at > died + LEASE,
            5.0,
            "insists while the dead may answer",
        )


def test_the_masters_interval_is_learned() -> None:
    """A backup of 100 ms waits for a master of 500 ms as long as that one's adverts ask for; then it keeps its own."""
    with pair() as (_, recorder, a, b):
        a.apply(router_spec(priority=150, advert_interval=0.5, lease=4))
        a.wait_for(State.MASTER)
        b.apply(
            router_spec(priority=100, startup_delay=1.0)
        )  # It knows no interval but its own before the first advert.
        b.wait_for(State.BACKUP)
        until(lambda: len(recorder.adverts("a")) > 8, 10.0, "several times the backup's own patience")
        assert recorder.adverts("b") == []
        a.signal(signal.SIGKILL)
        assert b.wait_for(State.MASTER).cause is Cause.MASTER_SILENT
        until(lambda: len(recorder.adverts("b")) > 5, 5.0)
        patience = recorder.changes(VIP4, "b")[0].at - recorder.adverts("a")[-1].at
        learned = 5 * MASTER_DOWN
        assert learned - 0.01 < patience < learned + 0.5
        first, *_, last = recorder.adverts("b")[:6]
        assert last.at - first.at < 5 * 0.1 + 0.2
        assert recorder.longest_absence(VIP4) == 0


def test_frozen_past_its_lease() -> None:
    """SIGSTOP: the kernel ends the VIP; on SIGCONT the worker is backup, and the VIP does not come back."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b, preempt=False)
        a.signal(signal.SIGSTOP)
        froze = time.monotonic()
        b.wait_for(State.MASTER)
        until(lambda: not a.holds(VIP4), LEASE + 0.5, "the lease")
        time.sleep(max(0.0, froze + LEASE + 1.0 - time.monotonic()))
        woke = time.monotonic()
        a.signal(signal.SIGCONT)
        assert a.wait_for(State.BACKUP).cause is Cause.OVERTAKEN
        until(lambda: len(recorder.adverts("b", since=woke)) > 10, 5.0)
        assert recorder.changes(VIP4, since=woke) == []
        assert recorder.adverts("a", since=woke) == []
        assert recorder.longest_absence(VIP4) == 0
        assert recorder.overlap(VIP4) < LEASE + 0.5


@pytest.mark.parametrize(
    ("family", "first"), [(Family.IPV4, "10.98.0.{}"), (Family.IPV6, "fd00:98::{}")], ids=["ipv4", "ipv6"]
)
def test_routers_taken_over_apart_end_together(family: Family, first: str) -> None:
    """SIGSTOP of a master of three routers: Linux would end the later leases a second after the first, at the earliest."""
    names = [first.format(n) for n in (1, 2, 3)]
    routers = [
        router_spec(name=f"r{n}", vrid=n, priority=150, family=family, lease=LEASE, addresses=(vip(name),))
        for n, name in enumerate(names, 1)
    ]
    with pair() as (_, recorder, a, _):
        for count in (1, 2, 3):
            a.apply(*routers[:count])
            until(functools.partial(a.holds, names[count - 1]), 5.0)
            time.sleep(0.23)
        time.sleep(LEASE / 3 + 0.3)
        a.signal(signal.SIGSTOP)
        until(lambda: not any(a.holds(name) for name in names), LEASE + 2.5, "the lease")
        ends = [recorder.changes(name, "a")[-1].at for name in names]
        assert max(ends) - min(ends) < 0.5
        a.signal(signal.SIGCONT)


def test_frozen_for_a_moment() -> None:
    """A stall longer than the peer's patience, shorter than the lease: it steps back at once, without an advert."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b, preempt=False)
        a.signal(signal.SIGSTOP)
        until(lambda: bool(recorder.adverts("b")), 5.0, "the peer takes over")
        woke = time.monotonic()
        a.signal(signal.SIGCONT)
        a.wait_for(State.BACKUP)
        until(lambda: not a.holds(VIP4), 1.0)
        assert recorder.changes(VIP4, "a")[-1].at - woke < 0.5
        assert recorder.adverts("a", since=woke) == []
        assert recorder.longest_absence(VIP4) == 0


def test_frozen_without_a_peer() -> None:
    """Nobody took over: the VIP that the kernel ended comes back after listening."""
    with pair() as (_, _, a, _):
        a.apply(router_spec(priority=150))
        a.wait_for(State.MASTER)
        a.signal(signal.SIGSTOP)
        until(lambda: not a.holds(VIP4), LEASE + 0.5, "the lease")
        time.sleep(0.5)
        a.signal(signal.SIGCONT)
        until(lambda: a.holds(VIP4), 5.0)
        assert a.wait_for(State.MASTER).cause is Cause.MASTER_SILENT


def test_a_worker_without_supervisor_releases_and_goes() -> None:
    """The link ends: three releases, the VIP stays until the successor was heard, then the worker exits."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b)
        a.lose_supervisor()
        assert a.process.wait(10) == 0
        assert b.wait_for(State.MASTER).cause is Cause.MASTER_RELEASED
        assert not a.holds(VIP4)
        assert recorder.longest_absence(VIP4) == 0


def test_a_lone_worker_without_supervisor_serves_on() -> None:
    """Nobody to release to: the VIP is renewed past its lease, and SIGTERM leaves it to the next daemon."""
    with pair() as (_, recorder, a, b):
        a.apply(router_spec(priority=150))
        a.wait_for(State.MASTER)
        until(lambda: bool(recorder.adverts("a")), 1.0)
        a.lose_supervisor()
        time.sleep(LEASE + 0.5)
        assert a.process.poll() is None
        assert recorder.adverts("a")[-1].priority == RELEASE
        a.signal(signal.SIGTERM)
        assert a.process.wait(5) == 0
        assert a.holds(VIP4)
        b.apply(router_spec(priority=100))
        b.wait_for(State.MASTER)


def test_a_new_worker_inherits_the_vip() -> None:
    """Killed and started again within the lease: the VIP never leaves the interface, and nobody else takes it."""
    with pair() as (net, recorder, a, _):
        a.apply(router_spec(priority=150))
        a.wait_for(State.MASTER)
        a.signal(signal.SIGKILL)
        with Director(net, "a") as again:
            again.apply(router_spec(priority=150))
            again.wait_for(State.MASTER)
            time.sleep(LEASE + 0.5)
            assert again.holds(VIP4)
        assert [event.there for event in recorder.changes(VIP4)][:1] == [True]
        assert len([event for event in recorder.changes(VIP4) if event.there]) == 1


def test_a_new_worker_gives_an_inherited_vip_up_to_the_new_master() -> None:
    """The peer took over meanwhile: its first advert takes the leftover VIP off, long before the lease ends."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b, preempt=False, lease=30)
        a.signal(signal.SIGKILL)
        b.wait_for(State.MASTER)
        assert a.holds(VIP4)
        with Director(net, "a") as again:
            again.apply(router_spec(priority=150, preempt=False, lease=30))
            until(lambda: not again.holds(VIP4), 2.0)
            assert again.state() is State.BACKUP
            assert b.state() is State.MASTER
        assert recorder.longest_absence(VIP4) == 0


def test_a_stray_vip_is_removed_at_start() -> None:
    """Left by a daemon with another configuration, which no router wants now."""
    with pair() as (net, recorder, a, _):
        a.apply(router_spec(priority=150, addresses=(vip(), vip("10.99.0.200")), lease=30))
        a.wait_for(State.MASTER)
        until(lambda: a.holds("10.99.0.200"), 1.0)
        a.signal(signal.SIGKILL)
        a.process.wait()
        with Director(net, "a") as again:
            again.apply(router_spec(priority=150, lease=30))
            until(lambda: not again.holds("10.99.0.200"), 2.0)
            assert again.holds(VIP4)
        assert len(recorder.changes(VIP4)) == 1


def test_cut_off() -> None:
    """The cable is pulled: the master drops the VIP by itself, the peer takes over; put back, it preempts."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b)
        net.cut("a")
        cut = time.monotonic()
        assert a.wait_for(State.FAULT).reason == "fault: interface eth0 is down"
        b.wait_for(State.MASTER)
        until(lambda: b.holds(VIP4) and not a.holds(VIP4), 1.0)
        assert recorder.changes(VIP4, "a")[-1].at - cut < 0.5
        assert recorder.changes(VIP4, "b")[-1].at - cut < 5 * MASTER_DOWN
        net.mend("a")
        mended = time.monotonic()
        a.wait_for(State.MASTER)
        until(lambda: not b.holds(VIP4), 1.0)
        assert recorder.longest_absence(VIP4, since=mended) == 0


def test_an_interface_that_is_removed_and_made_again() -> None:
    """Another interface under the same name: new number, new MAC, new sockets; the router runs on it."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b)
        net.ip("a", "link delete eth0")
        assert a.wait_for(State.FAULT).reason == "fault: interface eth0 does not exist"
        b.wait_for(State.MASTER)
        net.ip("a", f"link add eth0 type veth peer name a index 200 netns {net.switch}", "link set eth0 up")
        ip_batch(["link set dev a master lan up"], net.switch)
        until(lambda: "no IPv4 address" in a.reports["web"].reason, 5.0, "the next fault is shown")
        net.ip("a", f"address add {net.address('a')}/24 dev eth0")
        a.wait_for(State.MASTER)
        b.wait_for(State.BACKUP)
        until(lambda: a.holds(VIP4) and not b.holds(VIP4), 1.0)


def test_a_changed_mac_is_announced_at_once() -> None:
    """A bond fails over, a virtual machine moves: neighbours must learn the new place of the VIP."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b)
        until(lambda: len(recorder.announcements("a")) >= 10, 5.0, "the burst")
        changed = time.monotonic()
        net.ip("a", "link set eth0 address 02:00:00:00:00:77")
        until(lambda: bool(recorder.announcements("a", since=changed)), 2.0)
        frame = next(f for f in reversed(recorder.frames) if f.data[12:14] == b"\x08\x06" and f.sender == "a")
        assert frame.data[6:12] == frame.data[22:28] == bytes.fromhex("020000000077")
        assert a.state() is State.MASTER
