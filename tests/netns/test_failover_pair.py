"""Two directors with real sockets and real addresses: taking over, announcing, handing over, stopping."""

import time

import pytest

from failover.moves import Cause, State
from failover.packet import RELEASE
from failover.spec import AnnounceSpec, Family, GroupSpec, PeerSpec, RouterSpec, Transport
from support.directors import pair, serve, settle, until
from support.failover import VIP4, VIP6, router_spec, vip
from support.netns import needs_namespaces

pytestmark = needs_namespaces

LATE_RECORD = 0.02
"""An address event is recorded when it is read, a frame when it was sent; the core tests judge the order exactly."""

GROUP4, GROUP6 = "224.0.0.18", "ff02::12"


def test_a_takeover_in_its_order() -> None:
    """VIP onto the interface, then the advert, then gratuitous ARP in both forms, then the burst at its times."""
    burst = (0.0, 0.1, 0.3, 0.7)
    with pair() as (_, recorder, a, _):
        a.apply(router_spec(priority=150, announce=AnnounceSpec(burst=burst, refresh=0.0)))
        report = a.wait_for(State.MASTER)
        until(lambda: len(recorder.announcements("a")) >= 2 * len(burst), 5.0, "the burst")
        assert report.cause is Cause.MASTER_SILENT
        (came,) = recorder.changes(VIP4, "a")
        first = recorder.adverts("a")[0]
        announced = recorder.announcements("a")
        assert came.at < first.at + LATE_RECORD
        assert first.at < announced[0].at
        assert (first.priority, first.source, first.destination, first.ttl) == (150, "10.99.0.1", GROUP4, 255)
        assert [(s.form, s.address) for s in announced] == [("request", VIP4), ("reply", VIP4)] * len(burst)
        offsets = [requested.at - announced[0].at for requested in announced[::2]]
        assert offsets == pytest.approx(burst, abs=0.1)
        shown = a.addresses()[VIP4]
        assert (shown["prefixlen"], a.marked()) == (32, {VIP4})
        assert 0 < shown["valid_life_time"] <= 2


def test_an_unchanged_reload_leaves_nobody_deaf() -> None:
    """Told the same again, the backup goes on hearing the master, and the master its peer."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b)
        again = time.monotonic()
        a.apply(router_spec(priority=150))
        b.apply(router_spec(priority=100))
        until(lambda: len(recorder.adverts("a", since=again)) > 20, 10.0)
        assert recorder.adverts("b") == []
        assert b.state() is State.BACKUP
        b.apply(router_spec(priority=200))
        b.wait_for(State.MASTER)
        assert a.wait_for(State.BACKUP).cause is Cause.OUTRANKED


def test_a_handover_makes_before_it_breaks() -> None:
    """The successor has the VIP and announces it before the old one lets go, and the giver does not preempt."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b)
        settle(recorder)
        began = recorder.adverts("a")[-1].at
        a.handover()
        b.wait_for(State.MASTER)
        a.wait_for(State.BACKUP)
        until(lambda: not a.holds(VIP4), 1.0)
        releases = [sent.at for sent in recorder.adverts("a", since=began) if sent.priority == RELEASE]
        assert 1 <= len(releases) <= 3
        assert releases[-1] - releases[0] <= 0.1
        came, left = recorder.changes(VIP4, since=releases[0])
        assert (came.host, came.there, left.host, left.there) == ("b", True, "a", False)
        assert recorder.announcements("b", since=releases[0])[0].at < left.at
        assert recorder.longest_absence(VIP4) == 0
        assert recorder.overlap(VIP4) < 0.1
        assert a.reports["web"].cause is Cause.HANDED_OVER
        until(lambda: len(recorder.adverts("b", since=left.at)) > 8, 5.0, "nobody preempts")
        assert a.state() is State.BACKUP
        a.resume()
        assert a.wait_for(State.MASTER).cause is Cause.PREEMPTING


def test_an_unanswered_handover_sends_all_three_releases_and_ends() -> None:
    """Nobody is there to take over: three priority-0 adverts within 20 ms (bound: 100), then it is master as before."""
    with pair() as (_, recorder, a, _):
        a.apply(router_spec(priority=150))
        a.wait_for(State.MASTER)
        until(lambda: bool(recorder.adverts("a")), 1.0, "the first advert")
        began = recorder.adverts("a")[-1].at
        a.handover()
        until(lambda: len([s for s in recorder.adverts("a", since=began) if s.priority == RELEASE]) == 3, 5.0)
        releases = [s.at for s in recorder.adverts("a", since=began) if s.priority == RELEASE]
        assert releases[-1] - releases[0] < 0.1
        until(lambda: recorder.adverts("a")[-1].priority == 150, 10.0, "advertises again")
        assert a.state() is State.MASTER
        assert [event.there for event in recorder.changes(VIP4)] == [True]


def test_a_stop_hands_over_and_exits() -> None:
    """An orderly stop: the peer has the VIP first, then the worker removes its own and ends with status 0."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b)
        settle(recorder)
        a.stop()
        assert a.process.wait(10) == 0
        assert b.wait_for(State.MASTER).cause is Cause.MASTER_RELEASED
        assert not a.holds(VIP4)
        assert b.holds(VIP4)
        assert recorder.longest_absence(VIP4) == 0
        assert recorder.overlap(VIP4) < 0.1


def test_a_lone_stop_leaves_nothing() -> None:
    """Without a peer the VIP goes after the time a peer would have had."""
    with pair() as (_, _, a, _):
        a.apply(router_spec(priority=150))
        a.wait_for(State.MASTER)
        a.stop()
        assert a.process.wait(10) == 0
        assert not a.holds(VIP4)


def test_a_higher_priority_preempts() -> None:
    """The better director joins later: it takes over, the VIP is never away."""
    with pair() as (_, recorder, a, b):
        b.apply(router_spec(priority=100))
        b.wait_for(State.MASTER)
        a.apply(router_spec(priority=150))
        assert a.wait_for(State.MASTER).cause is Cause.PREEMPTING
        b.wait_for(State.BACKUP)
        until(lambda: not b.holds(VIP4), 1.0)
        assert recorder.longest_absence(VIP4) == 0
        assert recorder.overlap(VIP4) < 0.1


def test_ipv6() -> None:
    """Adverts from the link-local address to ff02::12, VIPs without duplicate detection, neighbour advertisements."""
    changes = {"family": Family.IPV6, "addresses": (vip("fe80::1234"), vip(VIP6))}
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b, **changes)
        first = recorder.adverts("a")[0]
        assert (first.destination, first.ttl) == (GROUP6, 255)
        assert first.source.startswith("fe80::")
        came = recorder.changes(VIP6, "a")[0]
        announced = recorder.announcements("a", since=first.at)
        assert {(s.form, s.address) for s in announced} == {("neighbour", VIP6), ("neighbour", "fe80::1234")}
        assert came.at < first.at + LATE_RECORD
        assert first.at < announced[0].at
        shown = a.addresses()[VIP6]
        assert shown["nodad"]
        assert "tentative" not in shown
        a.stop()
        assert a.process.wait(10) == 0
        b.wait_for(State.MASTER)
        assert b.holds(VIP6)
        assert not a.holds(VIP6)
        assert recorder.longest_absence(VIP6) == 0


@pytest.mark.parametrize("family", [Family.IPV4, Family.IPV6])
def test_unicast(family: Family) -> None:
    """Adverts go to the listed peer alone, and a handover works so as well."""
    with pair() as (_, recorder, a, b):
        if family is Family.IPV4:
            ends, address = {"a": "10.99.0.1", "b": "10.99.0.2"}, VIP4
        else:
            ends = {d.name: next(x for x in d.addresses() if x.startswith("fe80::")) for d in (a, b)}
            address = VIP6
        specs = {
            me: router_spec(
                family=family,
                addresses=(vip(address),),
                transport=Transport.UNICAST,
                peers=(PeerSpec(name=other, address=ends[other]),),
                priority=priority,
            )
            for me, other, priority in (("a", "b", 150), ("b", "a", 100))
        }
        a.apply(specs["a"])
        b.apply(specs["b"])
        a.wait_for(State.MASTER)
        b.wait_for(State.BACKUP)
        a.handover()
        b.wait_for(State.MASTER)
        a.wait_for(State.BACKUP)
        assert {(s.source, s.destination, s.ttl) for s in recorder.adverts("a")} == {
            (ends["a"], ends["b"], 255)
        }
        assert {(s.source, s.destination, s.ttl) for s in recorder.adverts("b")} == {
            (ends["b"], ends["a"], 255)
        }
        assert recorder.longest_absence(address) == 0


def test_a_hundred_vips_are_all_there_before_the_first_advert() -> None:
    """The advert waits for the kernel's word on the last of them; all are announced, paced."""
    vips = [f"10.99.1.{n}" for n in range(1, 101)]
    announce = AnnounceSpec(burst=(0.0,), refresh=0.0)
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b, addresses=tuple(vip(address) for address in vips), announce=announce)
        first = recorder.adverts("a")[0]
        came = [recorder.changes(address, "a")[0].at for address in vips]
        assert max(came) < first.at + LATE_RECORD
        until(lambda: len(recorder.announcements("a")) == 200, 5.0, "two frames for each VIP")
        a.handover()
        b.wait_for(State.MASTER)
        until(lambda: len(recorder.announcements("b")) == 200, 5.0)
        until(lambda: len(a.addresses()) < 100, 1.0)
        assert all(recorder.longest_absence(address) == 0 for address in vips)


def grouped(priority: int) -> tuple[RouterSpec, RouterSpec]:
    """Two routers on two interfaces."""
    return (
        router_spec(name="web", priority=priority),
        router_spec(
            name="inside",
            vrid=52,
            interface="eth1",
            addresses=(vip("10.98.0.100", interface="eth1"),),
            priority=priority,
        ),
    )


def test_a_group_moves_together() -> None:
    """The inside interface of the master fails: the outside router follows, make before break, and both come back."""
    group = (GroupSpec(name="edge", routers=("web", "inside")),)
    with pair() as (net, recorder, a, b):
        for director, number in ((a, 1), (b, 2)):
            net.ip(director.name, "link add eth1 type veth peer name eth1-end", "link set eth1-end up")
            net.ip(director.name, f"address add 10.98.0.{number}/24 dev eth1", "link set eth1 up")
        a.apply(*grouped(150), groups=group)
        a.wait_for(State.MASTER, "web")
        a.wait_for(State.MASTER, "inside")
        # Their inside LANs are not joined, so b's inside router hears nobody; its group hears the outside one.
        b.apply(*grouped(100), groups=group)
        b.wait_for(State.BACKUP, "web")
        b.wait_for(State.BACKUP, "inside")
        net.ip("a", "link set eth1-end down")
        b.wait_for(State.MASTER, "web")
        b.wait_for(State.MASTER, "inside")
        a.wait_for(State.FAULT, "inside")
        assert a.wait_for(State.BACKUP, "web").cause is Cause.GROUP_YIELDED
        until(lambda: not a.holds(VIP4), 1.0)
        assert recorder.longest_absence(VIP4) == 0
        assert recorder.overlap(VIP4) < 0.1
        net.ip("a", "link set eth1-end up")
        a.wait_for(State.MASTER, "web")
        a.wait_for(State.MASTER, "inside")
        b.wait_for(State.BACKUP, "web")
        assert recorder.longest_absence(VIP4) == 0


@pytest.mark.parametrize("order", ["master-first", "backup-first"])
def test_a_member_added_to_a_group_by_a_reload_moves_nothing(order: str) -> None:
    """On one director after the other: what is served stays where it is, and the new member joins it there."""
    group = (GroupSpec(name="edge", routers=("web", "inside")),)
    with pair() as (net, recorder, a, b):
        for director, number in ((a, 1), (b, 2)):
            net.ip(director.name, "link add eth1 type veth peer name eth1-end", "link set eth1-end up")
            net.ip(director.name, f"address add 10.98.0.{number}/24 dev eth1", "link set eth1 up")
        a.apply(grouped(150)[0], groups=group)
        a.wait_for(State.MASTER)
        b.apply(grouped(100)[0], groups=group)
        b.wait_for(State.BACKUP)
        until(lambda: recorder.changes(VIP4) != [], 5.0, "the record, which is written later than it happens")
        before, began = recorder.changes(VIP4), recorder.adverts("a")[-1].at
        both = ((a, 150), (b, 100))
        for director, priority in both if order == "master-first" else both[::-1]:
            director.apply(*grouped(priority), groups=group)
            until(lambda: len(recorder.adverts("a", since=began)) > 12, 5.0)
        a.wait_for(State.MASTER, "inside")
        until(lambda: len(recorder.adverts("a", since=began)) > 40, 10.0)
        assert b.state("inside") is State.BACKUP
        assert recorder.changes(VIP4) == before
        assert [(c.host, c.there) for c in recorder.changes("10.98.0.100")] == [("a", True)]
        assert {sent.sender for sent in recorder.adverts(since=began)} == {"a"}
        assert (a.reports["web"].transitions, b.reports["web"].transitions) == (2, 1)
