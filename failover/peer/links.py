"""The UDP sockets of the peer channel: one for each own address. Decides nothing.

A socket that cannot be opened, because its address is not there yet, is tried again whenever `open_missing` is called; one
whose address went away fails to send until the address is back.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Iterable

from failover.peer.packet import MAX_DATAGRAM

_DRAIN_AT_MOST = 256
"""Datagrams read from a socket in one turn; the rest waits in the kernel's buffer for the next."""
_RECEIVE_BUFFER = 1 << 20
_INTERNETWORK_CONTROL = 0xC0
_PASSING = (errno.EAGAIN, errno.ENOBUFS)
"""Errors of a moment: the datagram is lost, the link is not."""

Arrived = Callable[[str, str, bytes], None]
"""Takes own address, source address and datagram."""


class LinkSockets:
    """The sockets of this director."""

    def __init__(self, arrived: Arrived) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = arrived
        self._wanted: set[tuple[str, int]] = set()
        self._open: dict[str, tuple[socket.socket, int]] = {}
        self._errors: dict[str, str] = {}

    def want(self, addresses: Iterable[str], port: int) -> None:
        """Have a socket on this port of each of these addresses and no other."""
        self._wanted = {(address, port) for address in addresses}
        for address, (_, bound) in list(self._open.items()):
            if (address, bound) not in self._wanted:
                self._close(address)
        self.open_missing()

    def open_missing(self) -> None:
        """Try to open what is not open yet."""
        for address, port in self._wanted:
            if address in self._open:
                continue
            try:
                sock = _bound(address, port)
            except OSError as error:
                self._errors[address] = _words(error)
                continue
            self._errors.pop(address, None)
            self._open[address] = (sock, port)
            self._loop.add_reader(sock.fileno(), self._drain, address)

    def send(self, own: str, peer: str, datagram: bytes) -> str:
        """Send from an own address to a peer's; why it could not be sent, empty when it was."""
        if own not in self._open:
            return f"{own}: {self._errors.get(own, 'not open')}"
        sock, port = self._open[own]
        try:
            sock.sendto(datagram, (peer, port))
        except OSError as error:
            return "" if error.errno in _PASSING else f"{own}: {_words(error)}"
        return ""

    def drain(self) -> None:
        """Hand over what has arrived on every socket, up to a bound."""
        for address in list(self._open):
            self._drain(address)

    def close(self) -> None:
        """Close all."""
        self._wanted.clear()
        for address in list(self._open):
            self._close(address)

    def _drain(self, own: str) -> None:
        for _ in range(_DRAIN_AT_MOST):
            if own not in self._open:
                return
            try:
                datagram, source = self._open[own][0].recvfrom(MAX_DATAGRAM + 1)
            except OSError:
                return
            self._arrived(own, source[0], datagram)

    def _close(self, address: str) -> None:
        sock, _ = self._open.pop(address)
        self._loop.remove_reader(sock.fileno())
        sock.close()


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _INTERNETWORK_CONTROL)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _INTERNETWORK_CONTROL)
        # After the type of service, which sets a priority too.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 6)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def _words(error: OSError) -> str:
    return os.strerror(error.errno or errno.EIO)
