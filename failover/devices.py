"""The macvlans of this director: made, marked and set before a router needs them, removed when none does; and the switches
of interfaces that VIPs are on.

Owns no decision about when one is up: those are the routers'. The law: a macvlan that bears our mark is ours, one that has
our name and MAC and no mark was left by a death between two writes, and any other of that name is somebody else's: it is
left alone, and the router says so. Making one takes a millisecond and is done at once; removing one may take a hundred,
so the thread that writes does that.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from failover import link_wire, switches, wire
from failover.kernel import open_route
from failover.kernel_job import Job
from failover.place import Bearer, Bearing
from failover.report import Remark
from failover.spec import RouterSpec
from failover.surroundings import Surroundings
from failover.virtual_mac import Device, devices

_ANSWER_WITHIN = 2.0
_READ = 1 << 16
_SWITCHES = Path("/proc/sys/net")


class Devices:
    """Those of one director. `refresh` brings the picture up to date with what was just made."""

    def __init__(self, around: Surroundings, refresh: Callable[[], None]) -> None:
        self._around, self._refresh = around, refresh
        self._socket: socket.socket | None = None
        self._sequence = 0
        self._ready: dict[str, int] = {}
        """Those that were seen to, by name, with their index."""
        self._promoting: dict[str, int] = {}
        """Interfaces that were seen to, likewise."""
        self._trouble: dict[str, str] = {}

    def want(self, routers: Sequence[RouterSpec], mark: str) -> None:
        """Have exactly the macvlans of these routers; those that bear our mark and nobody needs are removed.

        No VIP of theirs is to take an address of the host away with it. A switch is set once on each interface that appears.
        """
        self._promote(switches.written_with_network(routers))
        needed = devices(routers)
        self._trouble = {}
        done = [self._see_to(device, mark) for device in needed]
        if any(done):
            self._refresh()
        for device in needed:
            link = self._around.host.link(device.name)
            if link is not None and device.name not in self._trouble and not self._is_ready(link):
                self._ready[device.name] = link.index
                self._set(device)
        self._remove_others({device.name for device in needed}, mark)

    def _see_to(self, device: Device, mark: str) -> bool:
        """Make or mark it where that is needed; whether something was done."""
        parent, there = self._around.host.link(device.parent), self._around.host.link(device.name)
        if parent is None or (there is not None and self._is_ready(there)):
            return False
        if there is not None and not _is_ours(device, there, parent.index, mark):
            self._trouble[device.name] = f"{device.name} is there already and is not hactl's"
            return False
        return self._make(device, parent.index, there, mark)

    def _is_ready(self, link: wire.Link) -> bool:
        return self._ready.get(link.name) == link.index

    def _remove_others(self, needed: Collection[str], mark: str) -> None:
        links = self._around.host.links.values()
        found = [link for link in links if link.alias == mark and link.name not in needed]
        for link in found:
            self._ready.pop(link.name, None)
        there = tuple(Bearer(link.index, Bearing.GONE) for link in found)
        if there:
            self._around.write(Job("macvlans", (), None, float("inf"), lambda _: None, there))

    def trouble(self, spec: RouterSpec) -> str | None:
        """Why a router cannot have its macvlans, None when it can, or when the interface is not there."""
        texts = (self._trouble.get(device.name) for device in devices((spec,)))
        return next(filter(None, texts), None)

    @property
    def troubled(self) -> bool:
        """Whether `want` should be called again."""
        return bool(self._trouble)

    def close(self) -> None:
        """Close the socket; the macvlans stay."""
        if self._socket is not None:
            self._socket.close()

    def _make(self, device: Device, parent: int, there: wire.Link | None, mark: str) -> bool:
        """Make and mark one, or mark one that a daemon before us has made. False when that failed."""
        requests = [link_wire.mark(self._next(), device.name, mark)]
        if there is None:
            requests.insert(0, link_wire.make(self._next(), parent, device.name, device.mac))
        for request in requests:
            if error := self._ask(request):
                text = "this kernel has no macvlan" if error == errno.EOPNOTSUPP else os.strerror(error)
                self._trouble[device.name] = f"no virtual MAC on {device.parent}: {text}"
                return False
        return True

    def _promote(self, interfaces: Iterable[str]) -> None:
        for name in sorted(interfaces):
            link = self._around.host.link(name)
            if link is not None and self._promoting.get(name) != link.index:
                self._promoting[name] = link.index
                self._write(switches.promoting(name, _read))

    def _set(self, device: Device) -> None:
        """Its switches and those of its parent."""
        self._write(switches.wanted(device.name, device.parent, ipv6=device.mac[4] == 2, read=_read))

    def _write(self, wanted: Iterable[switches.Switch]) -> None:
        """Set what is not as it must be; an operator's that changes is told, and what stays otherwise."""
        for switch in wanted:
            file = _SWITCHES / switch.path
            try:
                file.write_text(switch.value)
            except OSError as error:
                self._around.report(
                    Remark("", f"cannot set {file} to {switch.value}: {error.strerror}", warning=True)
                )
            else:
                if switch.told:
                    self._around.report(Remark("", f"{file} is now {switch.value}: {switch.told}"))

    def _next(self) -> int:
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        return self._sequence

    def _ask(self, request: bytes) -> int:
        """Send one request; the errno of its answer, 0 for done."""
        if self._socket is None:
            self._socket = open_route()
            self._socket.settimeout(_ANSWER_WITHIN)
        try:
            self._socket.send(request)
            answers = (v for v in wire.read(self._socket.recv(_READ)) if isinstance(v, wire.Answer))
            return next((answer.errno for answer in answers), errno.EPROTO)
        except OSError as failure:
            return failure.errno or errno.ETIMEDOUT


def _is_ours(device: Device, there: wire.Link, parent: int, mark: str) -> bool:
    """Its MAC is the proof as well: no daemon of ours makes one without, and the kernel would take another's."""
    unmarked = not there.alias and not there.enabled
    return there.parent == parent and there.mac == device.mac and (there.alias == mark or unmarked)


def _read(path: str) -> str:
    """A switch as it is; empty where there is none."""
    with contextlib.suppress(OSError):
        return (_SWITCHES / path).read_text().strip()
    return ""
