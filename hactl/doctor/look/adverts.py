"""Listens to adverts on the links of a director's routers; edge.

Sends nothing but the word to the switch that this host wants the group's packets. Needs root's rights.
"""

import contextlib
import ipaddress
import select
import socket
import time
from collections.abc import Iterable, Iterator

from failover.ip import Received
from failover.packet import Advert, decode
from failover.spec import RouterSpec
from failover.transport import AdvertSocket
from hactl.doctor.adverts import Advertised

_MOST = 1000
"""Different adverts that are kept; a link that has more has another trouble."""


def listen(routers: Iterable[RouterSpec], seconds: float) -> tuple[Advertised, ...]:
    """Every different advert that was heard on the routers' links in this time. Raises OSError."""
    heard: dict[Advertised, None] = {}
    until = time.monotonic() + seconds
    with _sockets(routers) as sockets:
        while (left := until - time.monotonic()) > 0 and len(heard) < _MOST:
            ready, _, _ = select.select(sockets, [], [], left)
            heard |= dict.fromkeys(one for sock in ready for one in _read(sock))
    return tuple(heard)


@contextlib.contextmanager
def _sockets(routers: Iterable[RouterSpec]) -> Iterator[list[AdvertSocket]]:
    """One for each link and family that is there."""
    links = {name: index for index, name in socket.if_nameindex()}
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(contextlib.closing(AdvertSocket(family, interface, links[interface])))
            for family, interface in dict.fromkeys((router.family, router.interface) for router in routers)
            if interface in links
        ]


def _read(sock: AdvertSocket) -> Iterator[Advertised]:
    for arrived in sock.drain():
        if isinstance(arrived, Received):
            advert = decode(arrived.message, arrived.source, arrived.destination)
            if isinstance(advert, Advert):
                yield Advertised(
                    interface=sock.interface,
                    source=str(ipaddress.ip_address(arrived.source)),
                    version=advert.version,
                    vrid=advert.vrid,
                    priority=advert.priority,
                    addresses=advert.addresses,
                )
