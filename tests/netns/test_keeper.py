"""Whoever stands in for a dead failover worker, on real sockets: whose adverts it takes for a successor's."""

import asyncio
import errno
import os
import socket
import struct

import pytest

from failover import keeper as module
from failover.guards import NONE
from failover.holding import SETTLE
from failover.host import standing
from failover.keeper import Keeper
from failover.kernel import picture
from failover.outgoing import held
from failover.packet import GROUP4, encode
from failover.priority import Known
from failover.spec import Family, PeerSpec, RouterSpec, Transport
from failover.transport import AdvertSocket
from support.failover import VIP4, advert, packed, router_spec
from support.netns import Lan, lan, needs_namespaces

pytestmark = needs_namespaces

INTERVAL = 0.1


def send(net: Lan, host: str, to: bytes, *, ttl: int = 255, damage: bool = False) -> None:
    """An advert of priority 200 from a host."""
    message = bytearray(encode(advert(200), packed(net.address(host)), to))
    message[6] ^= 0x55 if damage else 0
    with net.inside(host), socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as sock:
        interface = struct.pack("=4s4si", bytes(4), bytes(4), socket.if_nametoindex("eth0"))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        sock.sendto(bytes(message), (socket.inet_ntoa(to), 0))


async def keep(net: Lan, spec: RouterSpec, to: bytes, bad: list[tuple[str, dict[str, object]]]) -> list[str]:
    """Stand in for a master; `bad` (host and how) is sent first, then b's own advert. What was said meanwhile."""
    said: list[str] = []
    with net.inside("a"):
        host = picture()
        one = held(spec, host, standing(spec, host, Known(), None), NONE, is_master=True, lease=6)
        assert one is not None
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
            kernel.send(one.renew)
        keeper = Keeper([one], asyncio.get_running_loop().time(), lambda _, text: said.append(text), {})
        for sender, how in bad:
            send(net, sender, to, **how)  # type: ignore[arg-type]
        await asyncio.sleep(5 * INTERVAL)
        assert said == []
        assert VIP4 in net.addresses("a")
        send(net, "b", to)
        await asyncio.sleep(SETTLE + 5 * INTERVAL)
        assert VIP4 not in net.addresses("a")
        keeper.close()
    return said


def test_it_lets_go_for_a_peer_alone() -> None:
    """A stranger, a packet from beyond the link and a broken one are dropped and counted; the VIP goes with b's advert."""
    peers = (PeerSpec(name="b", address="10.99.0.2"),)
    with lan("a", "b", "c") as net:
        for spec, to, bad, counted in (
            (
                router_spec(),
                GROUP4,
                [("b", {"ttl": 254}), ("c", {"ttl": 1}), ("b", {"damage": True})],
                "1 bad_checksum, 2 wrong_ttl",
            ),
            (
                router_spec(transport=Transport.UNICAST, peers=peers, ttl_accept=None),
                packed("10.99.0.1"),
                [("c", {}), ("c", {}), ("b", {"damage": True})],
                "1 bad_checksum, 2 unknown_sender",
            ),
        ):
            said = asyncio.run(keep(net, spec, to, bad))  # type: ignore[arg-type]
            assert said == [
                "a successor was heard; the addresses of the dead worker are given up",
                f"adverts dropped while the worker was dead: {counted}",
            ]


@pytest.mark.parametrize("hears_again", [False, True])
def test_whoever_is_deaf_renews_nothing(hears_again: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors it leaves the VIP to its lease, for a successor would not be heard; later it renews again."""
    deaf = True

    def socket_of(family: Family, interface: str, index: int) -> AdvertSocket:
        if deaf:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return AdvertSocket(family, interface, index)

    async def stand_in(net: Lan) -> list[str]:
        nonlocal deaf
        said: list[str] = []
        with net.inside("a"):
            host = picture()
            one = held(
                router_spec(), host, standing(router_spec(), host, Known()), NONE, is_master=True, lease=3
            )
            assert one is not None
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
                kernel.send(one.renew)
            keeper = Keeper([one], asyncio.get_running_loop().time(), lambda _, text: said.append(text), {})
            assert VIP4 in net.addresses("a")
            deaf = not hears_again
            await asyncio.sleep(6)
            assert (VIP4 in net.addresses("a")) is hears_again
            keeper.close()
        return said

    monkeypatch.setattr(module, "AdvertSocket", socket_of)
    with lan("a", "b") as net:
        said = asyncio.run(stand_in(net))
    first = "cannot be released, and no successor be heard: Too many open files"
    assert said == [first, *([] if hears_again else ["the addresses of the dead worker have lapsed"])]
