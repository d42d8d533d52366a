"""Hearing from the kernel which hosts on the link no longer answer.

Owns one socket. Its law: without it everything works as well, only later; hearing needs no privilege.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from health.wire.neighbour import GROUP, failed

_AT_ONCE = 65536


class Neighbours:
    """Calls `gone` with the address of each neighbour that the kernel could not resolve. Raises OSError if it cannot."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gone: Callable[[str], None]) -> None:
        self._loop, self._gone = loop, gone
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        try:
            self._socket.bind((0, GROUP))
        except OSError:
            self._socket.close()
            raise
        loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Hear no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        # ENOBUFS: some were lost, which costs nothing but the hints.
        with contextlib.suppress(OSError):
            while True:
                data, (sender, _) = self._socket.recvfrom(_AT_ONCE)
                for address in failed(data) if sender == 0 else ():
                    self._gone(address)
