"""What one host's kernel has: interfaces, addresses with leases, and whoever is told when something of that changes.

As the real one: a lease is whole seconds of the host's own clock, and the kernel ends it by itself, a little late; it goes
on whatever becomes of the processes. Interfaces and addresses are told in failover's own values (`failover.wire`).
"""

import math
from collections.abc import Callable

from simulation.process import Process
from simulation.world import Clock, Rank, World

from failover.host import Host
from failover.place import Place
from failover.wire import AF_INET, Address, Link

LATE_AT_MOST = 1.4
"""Seconds after its end at which the kernel notices that a lease is over: it looks once a second at most, and rounds up."""


class Vip:
    """One VIP on one host. `expires` is the world's time, None while it is not there."""

    def __init__(self) -> None:
        self.expires: float | None = None
        self.wrote_at = -math.inf
        """When its lease was last written."""
        self.since = -math.inf
        """When it was put on."""
        self.lease = 0
        """That lease in seconds of the host's clock, 0 for none."""


class Kernel:
    """One host. `changed` hears of each VIP that comes, is renewed or goes, and why it went."""

    def __init__(
        self,
        world: World,
        clock: Clock,
        number: int,
        changed: Callable[[bytes, str], None],
        vips: tuple[bytes, ...],
    ) -> None:
        self.vips: dict[bytes, Vip] = {vip: Vip() for vip in vips}
        self.links = {
            name: Link(index, name, bytes((2, 0, 0, 0, index, number)), up=True)
            for index, name in enumerate(("eth0", "eth1"), 2)
        }
        self.own = {"eth0": bytes((10, 99, 0, number)), "eth1": bytes((10, 98, 0, number))}
        self.listeners: list[EventSocket] = []
        self._places: dict[bytes, Place] = {}
        self._world, self._clock, self._changed = world, clock, changed

    def picture(self) -> Host:
        """Interfaces and addresses as they are now."""
        host = Host()
        for link in self.links.values():
            host.apply(link)
            host.apply(Address(link.index, AF_INET, self.own[link.name], 24, ours=False, tentative=False))
        for address, vip in self.vips.items():
            if vip.expires is not None:
                host.apply(self._event(self._places[address], gone=False))
        return host

    def set_link(self, name: str, *, up: bool) -> None:
        """The carrier of an interface comes or goes; its addresses stay."""
        old = self.links[name]
        if old.up is not up:
            self.links[name] = Link(old.index, name, old.mac, up=up)
            self._tell(self.links[name])

    def put(self, place: Place, lease: int) -> None:
        """Have an address for `lease` seconds of this host's clock, 0 for ever."""
        vip, now = self.vips[place.address], self._world.now
        came = vip.expires is None
        self._places[place.address] = place
        vip.wrote_at, vip.lease = now, lease
        vip.expires = math.inf
        if lease:
            late = self._world.chance.random() * LATE_AT_MOST
            vip.expires = now + lease / self._clock.rate + late
            self._world.at(vip.expires, Rank.KERNEL, self._expire, (place, vip.expires))
        if came:
            vip.since = now
        self._changed(place.address, "VIP on" if came else "")
        self._tell(self._event(place, gone=False))

    def delete(self, place: Place, why: str) -> None:
        """Have it no more."""
        vip = self.vips[place.address]
        if vip.expires is not None:
            vip.expires = None
            self._changed(place.address, why)
            self._tell(self._event(place, gone=True))

    def _expire(self, what: tuple[Place, float]) -> None:
        place, at = what
        if self.vips[place.address].expires == at:
            self.delete(place, "the kernel ends the lease")

    def _event(self, place: Place, *, gone: bool) -> Address:
        return Address(
            place.index, AF_INET, place.address, place.prefix, ours=True, tentative=False, gone=gone
        )

    def _tell(self, news: Link | Address) -> None:
        for listener in list(self.listeners):
            listener.hear(news)


class EventSocket:
    """Stands for `failover.kernel.EventSocket`."""

    def __init__(self, process: Process, kernel: Kernel, number: int) -> None:
        self._process, self._kernel, self._number = process, kernel, number
        self._events: list[Link | Address] = []
        kernel.listeners.append(self)

    def fileno(self) -> int:
        """For the loop."""
        return self._number

    def close(self) -> None:
        """Hear no more."""
        if self in self._kernel.listeners:
            self._kernel.listeners.remove(self)

    def read(self) -> list[Link | Address]:
        """What has happened."""
        events, self._events = self._events, []
        return events

    def hear(self, news: Link | Address) -> None:
        """Something has happened."""
        self._events.append(news)
        self._process.readable(self._number)
