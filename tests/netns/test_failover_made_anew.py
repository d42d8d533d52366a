"""Interfaces that the kernel makes anew under a running router: it must hear and speak on them, and hold its VIPs."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from socket import SO_RCVBUF, SOL_SOCKET, if_nametoindex
from typing import Any

import pytest

from failover.manager import Manager
from failover.moves import State
from failover.packet import GROUP4, GROUP6, encode
from failover.report import Remark, Report
from failover.spec import FailoverSpec, Family, RouterSpec
from failover.transport import AdvertSocket
from support.failover import VIP4, VIP6, advert, packed, router_spec, vip
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

_SMALL = 4096
"""Bytes of a buffer of netlink events that few events overrun."""


async def until(condition: Callable[[], bool], what: str, seconds: float = 5.0) -> None:
    """Waits while the loop runs."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


class Master:
    """A manager in this process, with one router that is master in host a; host b is there to be heard."""

    def __init__(self, net: Lan, recorder: Recorder, spec: RouterSpec) -> None:
        self.net, self.recorder, self.spec = net, recorder, spec
        self.said: list[Report] = []
        self.manager = Manager(self.said.append)
        self.manager.apply(FailoverSpec(node="a", routers=(spec,)), {})

    def state(self) -> State:
        """The router's state."""
        return self.manager.routers()[0].state

    async def serves(self, since: float = 0.0) -> None:
        """Wait until it is master, has its VIP and speaks."""
        address = self.spec.addresses[0].address
        await until(lambda: self.state() is State.MASTER, "master")
        await until(lambda: address in self.net.addresses("a"), "the VIP")
        await until(lambda: bool(self.recorder.adverts("a", since=since)), "an advert")

    async def hears(self) -> None:
        """A better director's adverts make it backup."""
        better = self.net.link_local("b") if self.spec.family is Family.IPV6 else self.net.address("b")
        group = GROUP6 if self.spec.family is Family.IPV6 else GROUP4
        message = encode(
            advert(254, addresses=(packed(self.spec.addresses[0].address),)), packed(better), group
        )
        with self.net.inside("b"):
            sock = AdvertSocket(self.spec.family, "eth0", if_nametoindex("eth0"))
        for _ in range(3):
            sock.send(message, packed(better), group, 255)
        sock.close()
        await until(lambda: self.state() is State.BACKUP, "the better one is heard")


def serve(spec: RouterSpec, story: Callable[[Master], Coroutine[Any, Any, None]]) -> None:
    """Tell a story of a router in a lan of its own."""

    async def tell(net: Lan, recorder: Recorder) -> None:
        with net.inside("a"):
            master = Master(net, recorder, spec)
            await master.serves()
            await story(master)
            master.manager.close()

    with lan("a", "b") as net, Recorder(net) as recorder:
        asyncio.run(tell(net, recorder))


def make_anew(net: Lan, index: int) -> None:
    """Another interface under the same name, on the same cable."""
    net.ip("a", "link delete eth0")
    net.ip("a", f"link add eth0 index {index} type veth peer name a index 200 netns {net.switch}")
    net.ip_at_switch("link set dev a master lan up")
    net.ip("a", f"address add {net.address('a')}/24 dev eth0", "link set eth0 up")


def test_during_an_overrun() -> None:
    """No event tells of it: every socket is opened anew, and a VIP that no renewal would bring comes back."""

    async def story(master: Master) -> None:
        master.manager._events._socket.setsockopt(SOL_SOCKET, SO_RCVBUF, _SMALL)
        master.net.ip("a", *(f"address add 10.97.0.{number}/32 dev lo" for number in range(1, 200)))
        make_anew(master.net, 77)
        anew = time.monotonic()
        await until(
            lambda: any("lost" in r.text for r in master.said if isinstance(r, Remark)), "the overrun"
        )
        await master.serves(since=anew)
        await master.hears()

    serve(router_spec(lease=0), story)


def test_ipv6_after_an_mtu_too_small_for_it() -> None:
    """The interface stays, and the socket on it; the kernel has forgotten that it had joined."""

    async def story(master: Master) -> None:
        master.net.ip("a", "link set eth0 mtu 1200")
        await until(lambda: master.state() is State.FAULT, "a fault")
        master.net.ip("a", "link set eth0 mtu 1500")
        back = time.monotonic()
        await master.serves(since=back)
        await master.hears()

    serve(router_spec(family=Family.IPV6, addresses=(vip(VIP6),)), story)


def test_ipv6_after_a_moment_of_such_an_mtu() -> None:
    """All of it is told in one go, and the router need not have noticed."""

    async def story(master: Master) -> None:
        master.net.ip("a", "link set eth0 mtu 1200", "link set eth0 mtu 1500")
        back = time.monotonic()
        await master.serves(since=back)
        await master.hears()

    serve(router_spec(family=Family.IPV6, addresses=(vip(VIP6),)), story)


@pytest.mark.parametrize(("family", "address"), [(Family.IPV4, VIP4), (Family.IPV6, VIP6)])
def test_under_the_same_number(family: Family, address: str) -> None:
    """It cannot be told from the one before by what is there, only by the word that that one went."""

    async def story(master: Master) -> None:
        make_anew(master.net, if_nametoindex("eth0"))
        anew = time.monotonic()
        await master.serves(since=anew)
        await master.hears()

    serve(router_spec(family=family, addresses=(vip(address),)), story)
