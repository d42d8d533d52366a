"""Sockets of the directors, in the world's time: what one sends arrives at others, or does not.

Owns the stand-ins for `failover.transport.AdvertSocket`, the packet socket of `failover.frames` and
`failover.peer.links.LinkSockets`. A message is bytes, as on the wire; beside an advert travels what the witness reads of it.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from simulation.kernel import Kernel
from simulation.process import Process
from simulation.weather import Network
from simulation.world import Rank, World

from failover.ip import Received
from failover.packet import Advert, decode
from failover.peer.links import Arrived
from failover.spec import Family


class Seat(Protocol):
    """A director as wires see it."""

    number: int
    name: str
    kernel: Kernel
    process: Process | None
    advert_sockets: "dict[str, AdvertSocket]"
    link_sockets: "LinkSockets | None"

    def arrived(self, sender: "Seat", advert: Advert) -> None:
        """An advert has reached a socket of its process."""

    def announced(self, frame: bytes) -> None:
        """It has sent an announcement."""

    def said(self, advert: Advert) -> None:
        """It sends an advert."""


class Wires:
    """All networks by interface name, and who is on them."""

    def __init__(self, world: World, networks: dict[str, Network]) -> None:
        self.networks = networks
        self.seats: list[Seat] = []
        self._world = world
        self._read: dict[bytes, Advert] = {}
        """Messages read before: few differ."""

    def advertise(self, sender: Seat, interface: str, received: Received) -> None:
        """An advert leaves a director."""
        advert = self._read.get(received.message)
        if advert is None:
            decoded = decode(received.message, received.source, received.destination)
            if not isinstance(decoded, Advert):
                raise TypeError(f"a director sends what is no advert: {decoded}")
            advert = self._read[received.message] = decoded
        sender.said(advert)
        if not sender.kernel.links[interface].up:
            return
        network, now = self.networks[interface], self._world.now
        for other in self.seats:
            if other is not sender:
                for delay in network.arrivals(sender.number, other.number, advert.vrid):
                    self._world.at(
                        now + delay, Rank.ARRIVAL, self._arrive, (sender, other, interface, received, advert)
                    )

    def _arrive(self, letter: tuple[Seat, Seat, str, Received, Advert]) -> None:
        sender, receiver, interface, received, advert = letter
        sock = receiver.advert_sockets.get(interface)
        if sock is not None and receiver.kernel.links[interface].up:
            receiver.arrived(sender, advert)
            sock.hear(received)

    def carry(self, sender: Seat, own: str, peer: str, datagram: bytes) -> None:
        """A datagram leaves a director."""
        interface = "eth0" if own.startswith("10.99.") else "eth1"
        number = int(peer.rpartition(".")[2])
        if sender.kernel.links[interface].up:
            receiver = self.seats[number - 1]
            for delay in self.networks[interface].arrivals(sender.number, number, 0):
                self._world.at(
                    self._world.now + delay,
                    Rank.ARRIVAL,
                    self._carried,
                    (receiver, interface, peer, own, datagram),
                )

    def _carried(self, letter: tuple[Seat, str, str, str, bytes]) -> None:
        receiver, interface, own, source, datagram = letter
        if receiver.link_sockets is not None and receiver.kernel.links[interface].up:
            receiver.link_sockets.hear(own, source, datagram)


class AdvertSocket:
    """Stands for `failover.transport.AdvertSocket`."""

    def __init__(
        self, wires: Wires, seat: Seat, family: Family, interface: str, index: int, number: int
    ) -> None:
        assert seat.process is not None
        self.family, self.interface, self.index = family, interface, index
        self._wires, self._seat, self._number = wires, seat, number
        self._process = seat.process
        self._inbox: list[Received] = []
        seat.advert_sockets[interface] = self

    def fileno(self) -> int:
        """For the loop."""
        return self._number

    def close(self) -> None:
        """Hear no more."""
        if self._seat.advert_sockets.get(self.interface) is self:
            del self._seat.advert_sockets[self.interface]

    def send(self, message: bytes, source: bytes, destination: bytes, ttl: int, mac: bytes = b"") -> None:
        """An advert to all others on this network, whatever MAC it leaves from."""
        self._process.effect()
        self._wires.advertise(self._seat, self.interface, Received(source, destination, ttl, message))

    def drain(self) -> list[Received]:
        """All that has arrived."""
        if not self._inbox:
            return []
        arrived, self._inbox = self._inbox, []
        return arrived

    def hear(self, received: Received) -> None:
        """Something has arrived."""
        self._inbox.append(received)
        self._process.readable(self._number)


class PacketSocket:
    """Stands for the packet socket of announcements."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._process = seat.process

    def bind(self, address: tuple[str, int]) -> None:
        """To an interface."""

    def send(self, frame: bytes) -> None:
        """One frame."""
        if self._process is not None:
            self._process.effect()
        self._seat.announced(frame)

    def close(self) -> None:
        """Nothing is left."""


class LinkSockets:
    """Stands for `failover.peer.links.LinkSockets`."""

    def __init__(self, wires: Wires, seat: Seat, arrived: Arrived, numbers: Callable[[], int]) -> None:
        assert seat.process is not None
        self._wires, self._seat, self._arrived, self._numbers = wires, seat, arrived, numbers
        self._process = seat.process
        self._open: dict[str, int] = {}
        self._inbox: dict[str, list[tuple[str, bytes]]] = {}
        seat.link_sockets = self

    def want(self, addresses: Iterable[str], port: int) -> None:
        """Have a socket on each of these addresses and no other."""
        wanted = sorted(addresses)
        for address in [address for address in self._open if address not in wanted]:
            self._process.remove_reader(self._open.pop(address))
        for address in wanted:
            if address not in self._open:
                self._open[address] = self._numbers()
                self._inbox[address] = []
                self._process.add_reader(self._open[address], self._drain, address)

    def open_missing(self) -> None:
        """All are open."""

    def send(self, own: str, peer: str, datagram: bytes) -> str:
        """A datagram on its way."""
        self._process.effect()
        self._wires.carry(self._seat, own, peer, datagram)
        return ""

    def drain(self) -> None:
        """Hand over what has arrived."""
        for address in list(self._open):
            self._drain(address)

    def close(self) -> None:
        """Close all."""
        self.want((), 0)
        if self._seat.link_sockets is self:
            self._seat.link_sockets = None

    def hear(self, own: str, source: str, datagram: bytes) -> None:
        """Something has arrived."""
        if own in self._open:
            self._inbox[own].append((source, datagram))
            self._process.readable(self._open[own])

    def _drain(self, own: str) -> None:
        arrived, self._inbox[own] = self._inbox.get(own, []), []
        for source, datagram in arrived:
            self._arrived(own, source, datagram)
