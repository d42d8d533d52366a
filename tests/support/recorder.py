"""What happened on a `support.netns.Lan`, with times: frames as hosts sent them, and addresses as their kernels had them.

Frames carry the kernel's time of arrival at the switch; address events the time at which the recorder read them, some
100 us late. All times are monotonic seconds.
"""

import contextlib
import ipaddress
import os
import queue
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import NamedTuple

from failover.buffers import enlarge
from failover.ip import Received, read_ipv4
from failover.kernel import EventSocket
from failover.packet import Advert, decode
from failover.wire import Address
from hactl.lab import net as namespaces
from support.netns import Lan

_SO_TIMESTAMPNS = 35
_OUTGOING = 4
_ETH_P_ALL = 3
_CATCH_UP = 1.0
"""Seconds within which the recorder has read what happened before a question."""


class Frame(NamedTuple):
    """A frame as host `sender` sent it."""

    at: float
    sender: str
    data: bytes


class Sent(NamedTuple):
    """An advert on the wire."""

    at: float
    sender: str
    priority: int
    vrid: int
    source: str
    destination: str
    ttl: int
    sealed: bool
    addresses: int


class Announced(NamedTuple):
    """A gratuitous ARP (`request` or `reply`) or an unsolicited neighbour advertisement (`neighbour`)."""

    at: float
    sender: str
    form: str
    address: str


class Event(NamedTuple):
    """An address came onto a host, or left it."""

    at: float
    host: str
    address: str
    there: bool


class Recorder:
    """Records from the beginning of its `with` block to its end."""

    def __init__(self, net: Lan) -> None:
        self.net = net
        self.frames: list[Frame] = []
        self.events: list[Event] = []
        self._end = threading.Event()
        self._questions: queue.SimpleQueue[threading.Event] = queue.SimpleQueue()
        self._bell = os.eventfd(0)

    def __enter__(self) -> "Recorder":
        with namespaces.inside(self.net.switch):
            self._capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._capture.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        enlarge(self._capture, 8 << 20)
        self._capture.setblocking(False)
        self._kernels: dict[int, tuple[str, EventSocket]] = {}
        for name in self.net.names:
            with self.net.inside(name):
                events = EventSocket()
            self._kernels[events.fileno()] = (name, events)
        self._offset = time.clock_gettime(time.CLOCK_MONOTONIC) - time.clock_gettime(time.CLOCK_REALTIME)
        self._thread = threading.Thread(target=self._record)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        os.close(self._bell)
        self._capture.close()
        for _, events in self._kernels.values():
            events.close()

    # ---- questions ----------------------------------------------------------------------------------------------------

    def adverts(
        self, sender: str | None = None, *, since: float = 0.0, vrid: int | None = None
    ) -> list[Sent]:
        """Adverts in order, of one host or all, each packet once for each that decodes."""
        self._catch_up()
        sent = (found for frame in list(self.frames) if (found := one_advert(frame)) is not None)
        return [
            s
            for s in sent
            if s.sender == (sender or s.sender) and s.at >= since and s.vrid == (vrid or s.vrid)
        ]

    def announcements(self, sender: str | None = None, *, since: float = 0.0) -> list[Announced]:
        """Announcements in order."""
        self._catch_up()
        made = (found for frame in list(self.frames) if (found := announced(frame)) is not None)
        return [a for a in made if a.sender == (sender or a.sender) and a.at >= since]

    def changes(self, address: str, host: str | None = None, *, since: float = 0.0) -> list[Event]:
        """When an address came and went; renewals are left out."""
        self._catch_up()
        there: dict[str, bool] = {}
        found = []
        for event in list(self.events):
            if event.address == address and there.get(event.host, False) != event.there:
                there[event.host] = event.there
                found.append(event)
        return [e for e in found if e.host == (host or e.host) and e.at >= since]

    def overlap(self, address: str, *, since: float = 0.0) -> float:
        """For how long in all more than one host had the address."""
        return sum(end - begin for begin, end, holders in self._spans(address, since) if len(holders) > 1)

    def longest_absence(self, address: str, *, since: float = 0.0) -> float:
        """The longest time in which no host had the address, after one had it first."""
        return max((end - begin for begin, end, h in self._spans(address, since) if not h), default=0.0)

    def _spans(self, address: str, since: float) -> Iterator[tuple[float, float, frozenset[str]]]:
        holders: set[str] = set()
        changes = self.changes(address)
        ends: Iterable[float] = [event.at for event in changes[1:]] + [time.monotonic()]
        for event, end in zip(changes, ends, strict=True):
            (holders.add if event.there else holders.discard)(event.host)
            if end > since:
                yield max(event.at, since), end, frozenset(holders)

    def _catch_up(self) -> None:
        """What had happened before a question is in its answer: the thread reads it first."""
        if not self._end.is_set():
            read = threading.Event()
            self._questions.put(read)
            os.eventfd_write(self._bell, 1)
            read.wait(_CATCH_UP)

    # ---- recording ----------------------------------------------------------------------------------------------------

    def _record(self) -> None:
        with contextlib.suppress(OSError):  # On a busy machine what is read late seems to have happened late.
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        sources = [self._capture.fileno(), self._bell, *self._kernels]
        while not self._end.is_set():
            asked = [self._questions.get() for _ in range(self._questions.qsize())]
            ready, _, _ = select.select(sources, [], [], 0.0 if asked else 0.1)
            now = time.monotonic()
            for number in ready:
                if number in self._kernels:
                    self._read_events(*self._kernels[number], now)
                elif number == self._bell:
                    os.eventfd_read(self._bell)
                else:
                    self._read_frames()
            for question in asked:
                question.set()

    def _read_events(self, host: str, events: EventSocket, now: float) -> None:
        told = events.read()
        assert told is not None, f"events of {host} were lost"
        for event in told:
            if isinstance(event, Address):
                address = str(ipaddress.ip_address(event.address))
                self.events.append(Event(now, host, address, not event.gone))

    def _read_frames(self) -> None:
        while True:
            try:
                data, control, _, where = self._capture.recvmsg(2048, 64)
            except BlockingIOError:
                return
            if where[2] != _OUTGOING and where[0] in self.net.names:
                seconds, nanoseconds = struct.unpack("=qq", control[0][2])
                at = seconds + nanoseconds / 1e9 + self._offset
                self.frames.append(Frame(at, where[0], data))


def received(frame: Frame) -> Received | None:
    """The VRRP packet in a frame."""
    kind = frame.data[12:14]
    if kind == b"\x08\x00" and frame.data[23] == 112:
        packet = read_ipv4(frame.data[14:])
        return packet if isinstance(packet, Received) else None
    if kind == b"\x86\xdd" and frame.data[20] == 112:
        length = int.from_bytes(frame.data[18:20], "big")
        head = frame.data[14:54]
        return Received(head[8:24], head[24:40], head[7], frame.data[54 : 54 + length])
    return None


def one_advert(frame: Frame) -> Sent | None:
    """The advert in a frame."""
    packet = received(frame)
    if packet is None:
        return None
    advert = decode(packet.message, packet.source, packet.destination)
    if not isinstance(advert, Advert):
        return None
    source, destination = (str(ipaddress.ip_address(end)) for end in (packet.source, packet.destination))
    return Sent(
        frame.at,
        frame.sender,
        advert.priority,
        advert.vrid,
        source,
        destination,
        packet.ttl,
        advert.sealed,
        len(advert.addresses),
    )


def announced(frame: Frame) -> Announced | None:
    """The announcement in a frame."""
    data = frame.data
    if data[12:14] == b"\x08\x06" and data[28:32] == data[38:42]:
        form = {1: "request", 2: "reply"}[data[21]]
        return Announced(frame.at, frame.sender, form, str(ipaddress.ip_address(data[28:32])))
    if data[12:14] == b"\x86\xdd" and data[20] == 58 and data[54] == 136:
        return Announced(frame.at, frame.sender, "neighbour", str(ipaddress.ip_address(data[62:78])))
    return None
