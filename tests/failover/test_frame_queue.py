"""The edge's queue of announcement frames, without a packet socket."""

import asyncio
import socket
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from failover import frames, transport

PATIENCE = 10.0


class Slow:
    """A packet socket that is closed only when it may be."""

    def __init__(self) -> None:
        self.may_close, self.closed = Event(), Event()

    def bind(self, where: tuple[str, int]) -> None:
        """It has an interface."""

    def close(self) -> None:
        """As the kernel does it: later."""
        if self.may_close.wait(PATIENCE):
            self.closed.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """The socket of the next queue."""
    one = Slow()
    numbers = {name: getattr(socket, name) for name in ("AF_PACKET", "SOCK_RAW", "SOCK_NONBLOCK")}
    monkeypatch.setattr(frames, "socket", SimpleNamespace(socket=lambda *_: one, **numbers))
    return one


async def forgets() -> None:
    """An interface with a queue changed."""
    queues = frames.FrameQueues()
    queues.add("eth0", 100, (), lambda: True)
    queues.forget("eth0")


def test_nobody_waits_for_the_kernel_to_close_a_packet_socket(slow: Slow) -> None:
    """It takes 10 ms, in which a master whose link is gone would say nothing to anybody."""
    asyncio.run(forgets())
    assert not slow.closed.is_set()
    slow.may_close.set()
    assert slow.closed.wait(PATIENCE)


def test_it_is_closed_though_no_thread_is_to_be_had(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory or threads have run out, the election goes on all the same."""

    def start(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", start)
    slow.may_close.set()
    asyncio.run(forgets())
    assert slow.closed.is_set()


def test_that_of_adverts_from_a_virtual_mac_is_closed_apart_as_well() -> None:
    """Its interface is made anew while other routers advertise elsewhere."""
    adverts, packets = Slow(), Slow()
    adverts.may_close.set()
    both = transport.AdvertSocket.__new__(transport.AdvertSocket)
    both.__dict__.update(_socket=adverts, _frames=packets)
    both.close()
    assert adverts.closed.is_set()
    assert not packets.closed.is_set()
    packets.may_close.set()
    assert packets.closed.wait(PATIENCE)
