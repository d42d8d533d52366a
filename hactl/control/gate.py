"""Who connects to the control socket, let in or turned away; edge.

The law: no user but root and the daemon's own can have so many connections that there is no descriptor and no memory left
for the daemon, whatever the user's role; none is waited for.
"""

import asyncio
import os
from collections.abc import Callable
from typing import cast

from hactl.control.callers import credentials

EACH = 64
"""Connections that one user may have at once."""


class Gate:
    """Counts the connections of each user; `serve` makes what serves one."""

    def __init__(self, serve: Callable[[], asyncio.Protocol]) -> None:
        self._serve = serve
        self._inside: dict[asyncio.Transport, int] = {}

    def protocol(self) -> asyncio.Protocol:
        """For a new connection."""
        return _Arriving(self._arrived)

    def _arrived(self, transport: asyncio.Transport) -> None:
        _, user, _ = credentials(transport.get_extra_info("socket"))
        self._inside = {one: of for one, of in self._inside.items() if not one.is_closing()}
        if user not in (0, os.geteuid()):
            if list(self._inside.values()).count(user) >= EACH:
                transport.abort()
                return
            self._inside[transport] = user
        served = self._serve()
        transport.set_protocol(served)
        served.connection_made(transport)


class _Arriving(asyncio.Protocol):
    """A connection of which it is not known yet whose it is."""

    def __init__(self, arrived: Callable[[asyncio.Transport], None]) -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._arrived(cast(asyncio.Transport, transport))
