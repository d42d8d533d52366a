"""What stands for sockets, threads and the system's clock and chance while directors run in the world's time.

Owns which names of which modules are exchanged: only those of the edge that speak to the kernel. Everything above them, from
the worker's handler down to the packets' bytes, is the real code.
"""

import asyncio
import contextlib
import errno
import hashlib
import hmac
import os
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NoReturn

from simulation.kernel import EventSocket
from simulation.wires import AdvertSocket, LinkSockets, PacketSocket
from simulation.writer import Writer

import failover.closing
import failover.frames
import failover.leftovers
import failover.manager
import failover.peer.channel
import failover.sockets
import hactl.workers.failover
from failover.host import Host
from failover.kernel_job import Job
from failover.peer.links import Arrived
from failover.spec import Family


def here() -> Any:
    """The director whose process runs now."""
    return asyncio.get_running_loop().place  # type: ignore[attr-defined]


def _event_socket() -> EventSocket:
    seat = here()
    return EventSocket(seat.process, seat.kernel, seat.world.number())


def _picture() -> Host:
    host: Host = here().kernel.picture()
    return host


def _writer(deliver: Callable[[Job], object], *, realtime: bool = False) -> Writer:
    seat = here()
    seat.writer = Writer(deliver, seat.process, seat.kernel, seat.clock, seat.write_takes)
    return seat.writer  # type: ignore[no-any-return]


def _advert_socket(family: Family, interface: str, index: int) -> AdvertSocket:
    seat = here()
    return AdvertSocket(seat.wires, seat, family, interface, index, seat.world.number())


def _packet_socket(*_: int) -> PacketSocket:
    return PacketSocket(here())


def _link_sockets(arrived: Arrived) -> LinkSockets:
    seat = here()
    return LinkSockets(seat.wires, seat, arrived, seat.world.number)


def _no_route_socket(*, strict: bool) -> NoReturn:
    """This machine's own routes and rules are no part of the world, and nothing is left there by a daemon before."""
    raise OSError(errno.EAFNOSUPPORT, "routes are no part of the world")


def _random_bytes(count: int) -> bytes:
    return here().world.chance.randbytes(count)  # type: ignore[no-any-return]


def _seal(key: bytes, message: bytes, digest: str) -> bytes:
    """A keyed digest over the same bytes, as `hmac.digest` is, in a sixth of the time."""
    return hashlib.blake2b(message, key=key[: hashlib.blake2b.MAX_KEY_SIZE], digest_size=32).digest()


class _AtOnce:
    """Stands for a thread that closes a socket: the world has one thread."""

    def __init__(self, *, target: Callable[[], None], daemon: bool) -> None:
        del daemon
        self._target = target

    def start(self) -> None:
        """Do it."""
        self._target()


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


_EXCHANGED: tuple[tuple[Any, str, Any], ...] = (
    (failover.manager, "EventSocket", _event_socket),
    (failover.manager, "picture", _picture),
    (failover.manager, "AddressWriter", _writer),
    (failover.sockets, "AdvertSocket", _advert_socket),
    (
        failover.frames,
        "socket",
        SimpleNamespace(
            socket=_packet_socket,
            AF_PACKET=socket.AF_PACKET,
            SOCK_RAW=socket.SOCK_RAW,
            SOCK_NONBLOCK=socket.SOCK_NONBLOCK,
        ),
    ),
    (failover.closing, "Thread", _AtOnce),
    (failover.peer.channel, "LinkSockets", _link_sockets),
    (failover.leftovers, "open_route", _no_route_socket),
    (os, "urandom", _random_bytes),
    (hmac, "digest", _seal),
    (hactl.workers.failover, "time", SimpleNamespace(monotonic=_monotonic)),
    (hactl.workers.failover, "can_mark", lambda: True),
    (hactl.workers.failover, "_say", lambda text: None),
)


@contextlib.contextmanager
def in_the_world() -> Iterator[None]:
    """Meanwhile the edge's names stand for the world's things."""
    real = [(place, name, getattr(place, name)) for place, name, _ in _EXCHANGED]
    for place, name, thing in _EXCHANGED:
        setattr(place, name, thing)
    try:
        yield
    finally:
        for place, name, thing in real:
            setattr(place, name, thing)
