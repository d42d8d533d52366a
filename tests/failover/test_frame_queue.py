"""The edge's queue of announcement frames, without a packet socket."""

import asyncio
import socket
from threading import Event
from types import SimpleNamespace

import pytest

from failover import frames

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


def test_nobody_waits_for_the_kernel_to_close_a_packet_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes 10 ms, in which a master whose link is gone would say nothing to anybody."""
    slow = Slow()
    numbers = {name: getattr(socket, name) for name in ("AF_PACKET", "SOCK_RAW", "SOCK_NONBLOCK")}
    monkeypatch.setattr(frames, "socket", SimpleNamespace(socket=lambda *_: slow, **numbers))

    async def forgets() -> None:
        queues = frames.FrameQueues()
        queues.add("eth0", 100, (), lambda: True)
        queues.forget("eth0")

    asyncio.run(forgets())
    assert not slow.closed.is_set()
    slow.may_close.set()
    assert slow.closed.wait(PATIENCE)
