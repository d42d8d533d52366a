"""Links between processes: frames, their first moments, and what may be said over them."""

import asyncio
import socket

import msgspec
import pytest

from failover.report import Renewal
from hactl.processes.ipc import LIMIT, Framer, Link, LinkError, connect
from hactl.processes.messages import Beat, FromFailover, FromHealth, FromNotify, FromWorker
from support.alerts import until


def test_framer_refuses_what_is_too_long() -> None:
    """A length beyond the limit ends the link before anything of it is kept."""
    with pytest.raises(LinkError):
        Framer().feed((LIMIT + 1).to_bytes(4, "big"))


def test_framer_puts_pieces_together() -> None:
    """Frames come out whole however the bytes arrive."""
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in (b"", b"a", b"bcd"))
    framer = Framer()
    assert [frame for byte in stream for frame in framer.feed(bytes([byte]))] == [b"", b"a", b"bcd"]


async def test_link_keeps_what_is_sent_before_it_is_connected() -> None:
    """A worker's first notes are said while its link is being made; they arrive, in order."""
    ends = socket.socketpair()
    heard: list[Beat] = []
    arrived = asyncio.Event()

    def hear(message: Beat) -> None:
        heard.append(message)
        if len(heard) == 3:
            arrived.set()

    early: Link[Beat] = Link(FromWorker)
    early.send(Beat(1.0))
    early.send(Beat(2.0))
    other = await connect(Link[Beat](FromWorker, hear), ends[0])
    await connect(early, ends[1])
    early.send(Beat(3.0))
    await asyncio.wait_for(arrived.wait(), 5.0)
    assert heard == [Beat(1.0), Beat(2.0), Beat(3.0)]
    early.close()
    other.close()
    await asyncio.sleep(0)
    early.send(Beat(4.0))


@pytest.mark.parametrize("says", [FromHealth, FromNotify], ids=["health", "notify"])
def test_unprivileged_workers_cannot_speak_of_addresses(says: object) -> None:
    """Bytes that the supervisor would write as root are taken from the failover worker only."""
    message = msgspec.msgpack.encode(Renewal(()))
    assert msgspec.msgpack.decode(message, type=FromFailover) == Renewal(())
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(message, type=says)


async def test_link_ends_at_what_is_no_message() -> None:
    """The reason is told, and later messages go nowhere."""
    ours, theirs = socket.socketpair()
    lost: list[str] = []
    link = await connect(Link[Beat](FromWorker, on_lost=lost.append), ours)
    with theirs:
        theirs.sendall((3).to_bytes(4, "big") + b"\xff\xff\xff")
        await until(lambda: lost)
    assert lost[0].startswith("not understood:")
    link.send(Beat(1.0))
