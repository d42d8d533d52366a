"""Two routers, each director master of one and backup of the other; owners likewise; three directors in a chain."""

import contextlib
import signal
import time
from collections.abc import Iterator

import pytest

from failover.moves import Cause, State
from failover.spec import RouterSpec
from support.directors import Director, until
from support.failover import router_spec, vip, with_virtual_mac
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

WEB, API = "10.99.0.100", "10.99.0.101"
LEASE, LATE = 2.0, 1.0
"""The lease of these routers, and what the kernel and a busy machine may be late."""


def shared(name: str, *, virtual: bool) -> tuple[RouterSpec, RouterSpec]:
    """Both routers as this director has them: the better one of web is a, of api is b."""
    web = router_spec(name="web", vrid=51, addresses=(vip(WEB),), priority=150 if name == "a" else 100)
    api = router_spec(name="api", vrid=52, addresses=(vip(API),), priority=150 if name == "b" else 100)
    return (with_virtual_mac(web), with_virtual_mac(api)) if virtual else (web, api)


@contextlib.contextmanager
def network(*names: str) -> Iterator[tuple[Lan, Recorder]]:
    """Hosts on one bridge, recorded."""
    with lan(*names) as net, Recorder(net) as recorder:
        yield net, recorder


def settle(director: Director, **states: State) -> None:
    """Wait until its routers are in these states."""
    for router, state in states.items():
        director.wait_for(state, router)


@pytest.mark.parametrize("virtual", [False, True], ids=["own-mac", "virtual-mac"])
def test_each_is_master_of_one_and_takes_the_other_over(virtual: bool) -> None:
    """Killed, returned, stopped in order: whoever is left has both, and each gets its own back without a gap."""
    with network("a", "b") as (net, recorder), Director(net, "a") as a:
        a.apply(*shared("a", virtual=virtual))
        settle(a, web=State.MASTER, api=State.MASTER)
        with Director(net, "b") as b:
            b.apply(*shared("b", virtual=virtual))
            settle(b, api=State.MASTER, web=State.BACKUP)
            settle(a, web=State.MASTER, api=State.BACKUP)
            until(lambda: net.addresses("a") >= {WEB} and API not in net.addresses("a"), 2.0)
            b.signal(signal.SIGKILL)
            settle(a, web=State.MASTER, api=State.MASTER)
            until(lambda: API not in net.addresses("b"), LEASE + LATE, "the lease")
        with Director(net, "b") as b:
            b.apply(*shared("b", virtual=virtual))
            settle(b, api=State.MASTER, web=State.BACKUP)
            settle(a, api=State.BACKUP)
            a.stop()
            assert a.process.wait(10) == 0
            settle(b, api=State.MASTER, web=State.MASTER)
            assert not net.addresses("a") & {WEB, API}
        assert max(recorder.longest_absence(address) for address in (WEB, API)) == 0


def test_owners_of_one_vip_each() -> None:
    """The VIPs are addresses that operators configured: an owner that returns preempts at once, and keeps its own always."""
    with network("a", "b") as (net, recorder), Director(net, "a") as a, Director(net, "b") as b:
        net.ip("a", f"address add {WEB}/32 dev eth0")
        net.ip("b", f"address add {API}/32 dev eth0")
        for director in (a, b):
            director.apply(*shared(director.name, virtual=False))
        settle(a, web=State.MASTER, api=State.BACKUP)
        settle(b, api=State.MASTER, web=State.BACKUP)
        assert {sent.priority for sent in recorder.adverts() if sent.priority} == {255}
        net.cut("a")
        settle(b, api=State.MASTER, web=State.MASTER)
        settle(a, web=State.FAULT, api=State.FAULT)
        mended = time.monotonic()
        net.mend("a")
        settle(a, web=State.MASTER, api=State.BACKUP)
        settle(b, web=State.BACKUP, api=State.MASTER)
        until(lambda: WEB not in net.addresses("b"), 2.0)
        assert a.reports["web"].cause in (Cause.FAULT_MENDED, Cause.OWNER)
        assert time.monotonic() - mended < 5.0
        assert {WEB} <= net.addresses("a")
        assert a.marked() == b.marked() == set(), "what operators configured is never leased"


def test_three_directors_in_a_chain() -> None:
    """The next best each time one is killed; who returns preempts a worse one and waits behind a better one."""

    def spec(priority: int) -> RouterSpec:
        return router_spec(priority=priority)

    with network("a", "b", "c") as (net, recorder), Director(net, "c") as c:
        with Director(net, "a") as a, Director(net, "b") as b:
            a.apply(spec(150))
            a.wait_for(State.MASTER)
            b.apply(spec(120))
            c.apply(spec(100))
            b.wait_for(State.BACKUP)
            c.wait_for(State.BACKUP)
            a.signal(signal.SIGKILL)
            assert b.wait_for(State.MASTER).cause is Cause.MASTER_SILENT
            assert c.state() is State.BACKUP
            b.signal(signal.SIGKILL)
            assert c.wait_for(State.MASTER).cause is Cause.MASTER_SILENT
            until(lambda: not (net.addresses("a") | net.addresses("b")) & {WEB}, LEASE + LATE)
        with Director(net, "b") as b, Director(net, "a") as a:
            b.apply(spec(120))
            assert b.wait_for(State.MASTER).cause is Cause.PREEMPTING
            c.wait_for(State.BACKUP)
            a.apply(spec(150))
            assert a.wait_for(State.MASTER).cause is Cause.PREEMPTING
            b.wait_for(State.BACKUP)
            a.stop()
            assert a.process.wait(10) == 0
            assert b.wait_for(State.MASTER).cause is Cause.MASTER_RELEASED
            assert c.state() is State.BACKUP
        assert recorder.longest_absence(WEB) == 0
