"""Receive buffers that hold what arrives while this process waits for its turn: hundreds of routers speak at once."""

import contextlib
import socket

_SO_RCVBUFFORCE = 33


def enlarge(sock: socket.socket, size: int) -> None:
    """Give a socket a receive buffer of this many bytes; without CAP_NET_ADMIN, what `net.core.rmem_max` allows of it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    with contextlib.suppress(PermissionError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
