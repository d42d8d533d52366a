"""Handing over by name on real processes: the peer is asked, has the VIPs and announces them, and only then they go here."""

import contextlib
import signal
from collections.abc import Iterator

import pytest

from failover.moves import Cause, State
from failover.packet import RELEASE
from failover.spec import AnnounceSpec, GroupSpec
from support.directors import Director, pair, until
from support.failover import VIP4, router_spec, vip
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

LATE_RECORD = 0.02
"""An address event is recorded when it is read, a frame when it was sent."""


def serve(a: Director, b: Director, **changes: object) -> None:
    """The router "web" on both with the channel between them: a is master, and knows that b can take it."""
    a.apply(router_spec(priority=150, **changes), peers=("b",))
    b.apply(router_spec(priority=100, **changes), peers=("a",))
    a.wait_for(State.MASTER)
    b.wait_for(State.BACKUP)
    until(lambda: a.knows("b", State.BACKUP) and b.knows("a", State.MASTER), 10.0, "the channel")


@contextlib.contextmanager
def running(**changes: object) -> Iterator[tuple[Lan, Recorder, Director, Director]]:
    """A pair with the channel."""
    with pair() as (net, recorder, a, b):
        serve(a, b, **changes)
        yield net, recorder, a, b


def now(recorder: Recorder) -> float:
    """The last moment recorded."""
    return recorder.adverts("a")[-1].at


@pytest.mark.parametrize("by", ["handover", "stop"])
def test_in_its_order(by: str) -> None:
    """Asked by name: no release; VIP there, advert, announcement, and only then it is taken off; then one more
    announcement."""
    with running() as (_, recorder, a, b):
        began = now(recorder)
        a.handover() if by == "handover" else a.stop()
        assert b.wait_for(State.MASTER).cause is Cause.ASKED
        until(lambda: len(recorder.changes(VIP4, since=began)) > 1, 5.0)
        assert not a.holds(VIP4)
        came, left = recorder.changes(VIP4, since=began)
        assert (came.host, came.there, left.host, left.there) == ("b", True, "a", False)
        advert = recorder.adverts("b", since=began)[0]
        announced = recorder.announcements("b", since=began)
        assert came.at < advert.at + LATE_RECORD
        assert advert.at < announced[0].at < left.at
        assert [sent.priority for sent in recorder.adverts("a", since=advert.at)] == []
        assert RELEASE not in {sent.priority for sent in recorder.adverts("a", since=began)}
        assert recorder.longest_absence(VIP4) == 0
        assert recorder.overlap(VIP4) < 0.1
        if by == "stop":
            assert a.process.wait(10) == 0
            assert b.state() is State.MASTER
            return
        assert a.wait_for(State.BACKUP).cause is Cause.HANDED_OVER
        assert a.reports["web"].master == "10.99.0.2"
        until(lambda: len(recorder.adverts("b", since=left.at)) > 8, 5.0, "nobody preempts")
        assert a.state() is State.BACKUP
        assert a.reports["web"].hold_until is not None


def test_every_vip_is_announced_before_the_first_goes() -> None:
    """Forty VIPs announced slowly, 100 frames a second: those not yet announced are still served by the old master."""
    vips = [f"10.99.1.{n}" for n in range(1, 41)]
    announce = AnnounceSpec(burst=(0.0,), refresh=0.0, pace=100)
    addresses = tuple(vip(address) for address in vips)
    with running(addresses=addresses, announce=announce) as (_, recorder, a, b):
        until(lambda: len(recorder.announcements("a")) == 80, 10.0, "a's own burst")
        began = now(recorder)
        a.handover()
        b.wait_for(State.MASTER)
        until(lambda: all(recorder.changes(address, "a", since=began) for address in vips), 10.0)
        first_left = min(recorder.changes(address, "a", since=began)[0].at for address in vips)
        firsts: dict[str, float] = {}
        for frame in recorder.announcements("b", since=began):
            firsts.setdefault(frame.address, frame.at)
        assert set(firsts) == set(vips)
        assert max(firsts.values()) < first_left
        assert first_left - began > 0.4
        assert all(recorder.longest_absence(address) == 0 for address in vips)


def test_an_interface_that_changes_meanwhile_costs_no_word() -> None:
    """The announcements that wait there are void and made anew, and the taker is ready once these have gone out."""
    vips = [f"10.99.1.{n}" for n in range(1, 41)]
    announce = AnnounceSpec(burst=(0.0,), refresh=0.0, pace=200)
    with running(addresses=tuple(map(vip, vips)), announce=announce) as (net, recorder, a, _):
        until(lambda: len(recorder.announcements("a")) == 80, 10.0, "a's own burst")
        began = now(recorder)
        a.handover()
        until(lambda: len(recorder.announcements("b", since=began)) > 10, 5.0)
        net.ip("b", "link set eth0 alias changed")
        assert a.wait_for(State.BACKUP).cause is Cause.HANDED_OVER
        until(lambda: not a.marked(), 5.0)
        left = min(recorder.changes(address, "a", since=began)[0].at for address in vips)
        told = {frame.address for frame in recorder.announcements("b", since=began) if frame.at < left}
        assert told == set(vips)
        assert not [text for text in a.notes() if "by adverts" in text or "does not take over" in text]
        assert all(recorder.longest_absence(address) == 0 for address in vips)


def test_the_best_of_three_is_asked() -> None:
    """By priority; the third director stays as it is."""
    with (
        lan("a", "b", "c") as net,
        Recorder(net) as recorder,
        Director(net, "a") as a,
        Director(net, "b") as b,
        Director(net, "c") as c,
    ):
        directors = {"a": (a, 200), "b": (b, 100), "c": (c, 150)}
        for name, (director, priority) in directors.items():
            others = tuple(other for other in directors if other != name)
            director.apply(router_spec(priority=priority), peers=others)
        a.wait_for(State.MASTER)
        until(lambda: a.knows("b", State.BACKUP) and a.knows("c", State.BACKUP), 10.0)
        a.handover()
        assert c.wait_for(State.MASTER).cause is Cause.ASKED
        a.wait_for(State.BACKUP)
        assert b.state() is State.BACKUP
        assert recorder.longest_absence(VIP4) == 0


@contextlib.contextmanager
def grouped(**changes: object) -> Iterator[tuple[Lan, Recorder, Director, Director]]:
    """A pair with the channel and a group: "web", with these changes, and "inside", on LANs that are not joined, where b
    would be master as well. a is master of both.
    """
    group = (GroupSpec(name="edge", routers=("web", "inside")),)
    with pair() as (net, recorder, a, b):
        for director, number in ((a, 1), (b, 2)):
            net.ip(director.name, "link add eth1 type veth peer name eth1-end", "link set eth1-end up")
            net.ip(director.name, f"address add 10.98.0.{number}/24 dev eth1", "link set eth1 up")
        inside = {"name": "inside", "vrid": 52, "interface": "eth1"}
        gateway = (vip("10.98.0.100", interface="eth1"),)
        for director, priority, other in ((a, 150, "b"), (b, 100, "a")):
            both = (
                router_spec(priority=priority, **changes),
                router_spec(priority=priority, addresses=gateway, **inside),
            )
            director.apply(*both, groups=group, peers=(other,))
            if director is a:
                a.wait_for(State.MASTER, "web")
                a.wait_for(State.MASTER, "inside")
        until(lambda: a.knows("b", State.BACKUP, "web") and a.knows("b", State.BACKUP, "inside"), 10.0)
        yield net, recorder, a, b


def test_a_group_goes_to_one_peer() -> None:
    """Both routers are asked for, taken together, and given up one by one; with one of them in fault neither is asked."""
    with grouped() as (_, recorder, a, b):
        a.handover("inside")
        for router in ("web", "inside"):
            assert b.wait_for(State.MASTER, router).cause is Cause.ASKED
        assert a.wait_for(State.BACKUP, "web").cause is Cause.HANDED_OVER
        assert a.wait_for(State.BACKUP, "inside").cause is Cause.HANDED_OVER
        until(lambda: not a.holds(VIP4) and not a.holds("10.98.0.100", "eth1"), 5.0)
        assert recorder.longest_absence(VIP4) == 0
        assert recorder.overlap(VIP4) < 0.1


def test_a_link_that_is_gone_gives_its_whole_group_away_at_once() -> None:
    """The channel tells it of the other routers too: the peer waits for no skew time, and the giver for no second advert."""
    interval = 1.0
    with grouped(advert_interval=interval) as (net, recorder, a, b):
        skew = (256 - 100) / 256 * interval
        before = len(recorder.adverts("a"))
        until(lambda: len(recorder.adverts("a")) >= before + 5, 10.0, "nobody has taken over lately")
        net.ip("a", "link set eth1-end down")
        b.wait_for(State.MASTER, "web")
        assert a.wait_for(State.BACKUP, "web").cause is Cause.GROUP_YIELDED
        until(lambda: not a.holds(VIP4), 5.0)
        released = next(sent.at for sent in recorder.adverts("a") if sent.priority == RELEASE)
        taken = recorder.adverts("b", since=released)[0]
        assert taken.at - released < skew / 3
        left = next(one for one in recorder.changes(VIP4) if one.host == "a" and not one.there)
        assert left.at - taken.at < interval / 3
        assert recorder.longest_absence(VIP4) == 0


def test_a_peer_in_fault_is_not_asked() -> None:
    """Nobody can take it: released by adverts as without a channel, and kept as there is no successor."""
    with running() as (net, recorder, a, b):
        net.ip("b", "link set eth0 down")
        until(lambda: b.state() is State.FAULT, 5.0)
        until(lambda: not a.knows("b", State.BACKUP), 5.0)
        began = now(recorder)
        a.handover()
        until(lambda: len([s for s in recorder.adverts("a", since=began) if s.priority == RELEASE]) == 3, 5.0)
        until(lambda: "no successor took over; staying master" in a.notes(), 10.0)
        assert a.holds(VIP4)
        assert recorder.longest_absence(VIP4) == 0


def test_a_taker_that_is_frozen_then_killed() -> None:
    """It is asked and says nothing: the giver releases by adverts, and goes on holding the VIP."""
    with running() as (_, recorder, a, b):
        b.signal(signal.SIGSTOP)
        began = now(recorder)
        a.handover()
        until(lambda: "handing over by adverts" in a.notes(), 5.0)
        until(lambda: len([s for s in recorder.adverts("a", since=began) if s.priority == RELEASE]) == 3, 5.0)
        b.signal(signal.SIGKILL)
        until(lambda: "no successor took over; staying master" in a.notes(), 10.0)
        assert a.state() is State.MASTER
        assert a.holds(VIP4)
        assert recorder.longest_absence(VIP4) == 0


def test_a_taker_that_dies_before_it_is_ready() -> None:
    """It advertises, but its announcement takes long; killed meanwhile, it leaves the VIP where it still is."""
    announce = AnnounceSpec(burst=(0.0,), refresh=0.0, pace=20)
    vips = tuple(vip(f"10.99.1.{n}") for n in range(1, 21))
    with running(addresses=vips, announce=announce, lease=10) as (_, recorder, a, b):
        a.handover()
        b.wait_for(State.MASTER)
        a.wait_for(State.BACKUP)
        b.signal(signal.SIGKILL)
        assert a.wait_for(State.MASTER).cause is Cause.MASTER_SILENT
        for one in vips:
            assert a.holds(one.address)
            assert [event.there for event in recorder.changes(one.address, "a")] == [True]


def test_a_giver_that_dies_after_it_asked() -> None:
    """The taker was asked and has the VIP; the giver is killed before it lets go: its VIP ends with its lease."""
    announce = AnnounceSpec(burst=(0.0,), refresh=0.0, pace=20)
    vips = tuple(vip(f"10.99.1.{n}") for n in range(1, 21))
    with running(addresses=vips, announce=announce) as (_, recorder, a, b):
        a.handover()
        b.wait_for(State.MASTER)
        assert a.holds(vips[0].address)
        a.signal(signal.SIGKILL)
        until(lambda: not a.holds(vips[0].address), 6.0, "the lease ends")
        assert b.state() is State.MASTER
        assert all(recorder.longest_absence(one.address) == 0 for one in vips)
