"""The advert sockets of this director: one for each interface and family that has a router, shared by all of them."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from failover.host import Host
from failover.ip import Received
from failover.packet import Drop
from failover.spec import Family, RouterSpec
from failover.transport import AdvertSocket
from failover.virtual_mac import source_mac

Arrived = Callable[[Mapping[int, RouterSpec], Received | Drop], None]
_Key = tuple[Family, str]


class AdvertSockets:
    """Opens and closes sockets as routers and interfaces come and go; what arrives goes to `arrived`."""

    def __init__(self, arrived: Arrived) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = arrived
        self._open: dict[_Key, AdvertSocket] = {}
        self._routers: dict[_Key, dict[int, RouterSpec]] = {}
        self._trouble: dict[_Key, str] = {}

    def want(self, routers: Iterable[RouterSpec], host: Host) -> None:
        """Have exactly the sockets that these routers need; an interface made anew gets a new socket."""
        self._routers = {}
        for spec in routers:
            self._routers.setdefault((spec.family, spec.interface), {})[spec.vrid] = spec
        self._trouble = {}
        index = {link.name: link.index for link in host.links.values()}
        for key, sock in list(self._open.items()):
            if key not in self._routers or index.get(sock.interface) != sock.index:
                self._close(key)
        for family, interface in self._routers:
            if (family, interface) not in self._open and interface in index:
                self._try_open(family, interface, index[interface])

    def forget(self, places: Collection[tuple[Family, int]]) -> None:
        """Close the sockets on these interfaces, by family and number, so that `want` makes new ones, which join again."""
        for key, sock in list(self._open.items()):
            if (sock.family, sock.index) in places:
                self._close(key)

    def _try_open(self, family: Family, interface: str, index: int) -> None:
        try:
            sock = AdvertSocket(family, interface, index)
        except OSError as error:
            self._trouble[family, interface] = f"no VRRP socket on {interface}: {error.strerror}"
            return
        self._open[family, interface] = sock
        self._loop.add_reader(sock.fileno(), self._drain_one, (family, interface))

    def trouble(self, spec: RouterSpec) -> str | None:
        """Why the router's socket could not be opened; None when it is open or its interface is not there."""
        return self._trouble.get((spec.family, spec.interface))

    @property
    def troubled(self) -> bool:
        """Whether some socket could not be opened, so that `want` should be called again."""
        return bool(self._trouble)

    def send(self, spec: RouterSpec, message: bytes, source: bytes, destination: bytes) -> None:
        """Send on the router's socket. Raises OSError, also when there is none."""
        sock = self._open.get((spec.family, spec.interface))
        if sock is None:
            raise OSError(19, f"no socket on {spec.interface}")
        sock.send(message, source, destination, spec.ttl_send, source_mac(spec))

    def drain(self) -> None:
        """Hand over all that has arrived on every socket."""
        for key in list(self._open):
            self._drain_one(key)

    def close(self) -> None:
        """Close every socket."""
        for key in list(self._open):
            self._close(key)

    def _drain_one(self, key: _Key) -> None:
        sock = self._open.get(key)
        if sock is None:
            return
        for received in sock.drain():
            self._arrived(self._routers.get(key, {}), received)

    def _close(self, key: _Key) -> None:
        sock = self._open.pop(key)
        self._loop.remove_reader(sock.fileno())
        sock.close()
