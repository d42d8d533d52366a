"""A socket of a probe that is on its way to its server.

Its law: nothing here waits, and no name is ever looked up: an address with a zone names an interface of this host.
"""

import errno
import functools
import os
import socket

from health.result import End, Reason
from health.spec import Origin

_INET, _INET6 = int(socket.AF_INET), int(socket.AF_INET6)
_FLAGS = int(socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
_UNDER_WAY = errno.EINPROGRESS
_socket = socket.SocketType
_BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT (linux/in.h): the port is chosen with the destination known, so few sources serve many probes."""


class OriginError(Exception):
    """Probes cannot come from where they are to come from; `end` says why."""

    def __init__(self, what: str, error: OSError) -> None:
        super().__init__(what)
        self.end = End(Reason.CANNOT_RUN, f"{what}: {os.strerror(error.errno or 0)}")


def connecting(
    kind: int, address: str, port: int, origin: Origin | None = None
) -> tuple[socket.SocketType, int]:
    """A socket of this kind and the error number of its connect; 0 where it connects or is connected already.

    Raises OSError where there can be no such socket, ENODEV for a zone that is no interface here, and OriginError.
    """
    there: tuple[str, int] | tuple[str, int, int, int] = (address, port)
    family, scope = _INET, 0
    if ":" in address:
        bare, scope = scope_of(address)
        family, there = _INET6, (bare, port, 0, scope)
    sock = _socket(family, kind | _FLAGS)
    if origin is not None:
        try:
            _begin_at(sock, origin, scope)
        except OriginError:
            sock.close()
            raise
    code = sock.connect_ex(there)
    return sock, 0 if code == _UNDER_WAY else code


def _begin_at(sock: socket.SocketType, origin: Origin, scope: int) -> None:
    what = f"mark {origin.mark}"
    try:
        if origin.mark:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, origin.mark)
        what = f"interface {origin.interface}"
        if origin.interface is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, origin.interface.encode() + b"\0")
        what = f"source {origin.source}"
        if origin.source is not None:
            six = sock.family == socket.AF_INET6
            if six != (":" in origin.source):
                raise OSError(errno.EAFNOSUPPORT, "of the other family")
            sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            sock.bind((origin.source, 0, 0, scope) if six else (origin.source, 0))
    except OSError as error:
        raise OriginError(what, error) from error


def scope_of(address: str) -> tuple[str, int]:
    """An address without its zone, and the index of the interface that the zone names; 0 for none. Raises OSError."""
    bare, _, zone = address.partition("%")
    return bare, _interface_index(zone) if zone else 0


def _interface_index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        raise OSError(errno.ENODEV, f"no interface {name}") from error


def with_itself(sock: socket.SocketType, port: int) -> bool:
    """Whether a connection to `port` is one with itself, as TCP makes where the kernel chose that port as ours."""
    if port < _lowest_own_port():
        return False
    own = sock.getsockname()
    return bool(own[1] == port and own == sock.getpeername())


@functools.cache
def _lowest_own_port() -> int:
    """From which port on the kernel chooses ports for our side."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
