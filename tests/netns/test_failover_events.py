"""What a real kernel tells of interfaces and addresses, and the picture that failover keeps of it."""

from socket import SO_RCVBUF, SOL_SOCKET

import pytest

from failover import kernel
from failover.host import Host
from failover.kernel import EventSocket, picture
from failover.wire import Address
from support.directors import until
from support.failover import packed
from support.netns import Lan, lan, needs_namespaces

pytestmark = needs_namespaces

_SMALL = 4096
"""Bytes of a buffer that few events overrun."""


def known(host: Host) -> set[bytes]:
    """Every address in the picture."""
    return {address.address for address in host.addresses()}


def test_a_port_that_leaves_a_bridge_keeps_its_addresses() -> None:
    """The kernel says by it that the bridge has a link less, not that the interface is gone."""
    with lan("a") as net, net.inside("a"):
        net.ip("a", "link add name inner type bridge", "link set inner up")
        events, host = EventSocket(), picture()
        net.ip(
            "a", "link set eth0 master inner", "link set eth0 nomaster", "address add 10.99.0.9/24 dev eth0"
        )
        until(
            lambda: bool(host.apply_all(events.read() or ())[0]) and bool(host.on("eth0", "10.99.0.9")), 3.0
        )
        events.close()
        assert packed(net.address("a")) in known(host)
        assert known(host) == known(picture())


def overrun(net: Lan) -> EventSocket:
    """An event socket that lost the end of a story: the host's own address goes, many others come, and it comes back."""
    events, own = EventSocket(), f"{net.address('a')}/24 dev eth0"
    events._socket.setsockopt(SOL_SOCKET, SO_RCVBUF, _SMALL)
    many = [f"address add 10.97.0.{number}/32 dev lo" for number in range(1, 200)]
    net.ip("a", f"address delete {own}", *many, f"address add {own}")
    return events


def test_after_an_overrun_what_waited_counts_no_more_and_what_comes_is_heard() -> None:
    """The picture made after it is newer than the events before the loss; until those are read the kernel tells nothing."""
    with lan("a") as net, net.inside("a"):
        events = overrun(net)
        assert events.read() is None
        host = picture()
        net.ip("a", "address add 10.97.1.1/32 dev lo")
        told = events.read()
        assert told is not None
        host.apply_all(told)
        events.close()
        assert {packed(net.address("a")), packed("10.97.1.1")} <= known(host)
        assert known(host) == known(picture())


def test_an_overrun_that_takes_several_turns_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A storm holds nobody up: each turn reads a few messages and asks for a new picture, until the queue was empty."""
    monkeypatch.setattr(kernel, "_EVENTS_AT_MOST", 2)
    with lan("a") as net, net.inside("a"):
        events, turns = overrun(net), 0
        while events.read() is None:
            turns += 1
        assert turns > 1
        assert events.read() == []
        net.ip("a", "address add 10.97.1.1/32 dev lo")
        (told,) = events.read() or []
        assert isinstance(told, Address)
        assert told.address == packed("10.97.1.1")
        net.ip("a", *(f"address add 10.97.1.{number}/32 dev lo" for number in range(2, 5)))
        assert [len(events.read() or ()) for _ in range(3)] == [2, 1, 0]
        events.close()
