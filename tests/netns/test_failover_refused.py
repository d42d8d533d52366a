"""A kernel that refuses all VIPs of a director: another one serves, and nobody lets go for somebody who cannot."""

import time

from failover.moves import State
from failover.spec import Family
from support.directors import Director, pair, until
from support.failover import VIP6, router_spec, vip
from support.netns import Lan, needs_namespaces

pytestmark = needs_namespaces

INTERFACE = "inside"
INSIDE = ("link add inside type veth peer name inner", "link set inner up", "link set inside up")


def switch(net: Lan, director: Director, value: int) -> None:
    """IPv6 off (1) or on on the interface of the VIP alone: the kernel then refuses it."""
    net.run(director.name, "sysctl", "-q", "-w", f"net.ipv6.conf.inside.disable_ipv6={value}")


def serve(a: Director, b: Director, **changes: object) -> None:
    """A router over IPv6 on eth0, whose VIP is inside."""
    there = {"family": Family.IPV6, "addresses": (vip(VIP6, interface="inside"),), **changes}
    a.apply(router_spec(priority=150, **there))
    b.apply(router_spec(priority=100, **there))


def test_a_better_director_that_cannot_have_the_vip_takes_it_from_nobody() -> None:
    """It says why it stands aside, sends no advert, and preempts once it can."""
    with pair() as (net, recorder, a, b):
        for host in ("a", "b"):
            net.ip(host, *INSIDE)
        switch(net, a, 1)
        serve(a, b)
        b.wait_for(State.MASTER)
        refused = a.wait_for(State.FAULT)
        assert "the VIPs cannot be put on: addresses: Permission denied" in refused.reason
        time.sleep(2.0)
        assert [one for one in recorder.adverts("a") if one.priority] == []
        assert b.holds(VIP6, INTERFACE)
        switch(net, a, 0)
        a.wait_for(State.MASTER)
        until(lambda: a.holds(VIP6, INTERFACE), 2.0, "preempting")


def test_a_master_that_loses_its_vip_to_a_refusal_hands_over() -> None:
    """IPv6 is switched off under it: the next director serves, long before anybody looks."""
    with pair() as (net, recorder, a, b):
        for host in ("a", "b"):
            net.ip(host, *INSIDE)
        serve(a, b)
        a.wait_for(State.MASTER)
        until(lambda: bool(recorder.adverts("a")), 2.0, "the first advert")
        switch(net, a, 1)
        b.wait_for(State.MASTER)
        until(lambda: b.holds(VIP6, INTERFACE), 2.0, "the VIP on the next")
        a.wait_for(State.FAULT)
