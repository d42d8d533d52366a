"""A connection to a host of several addresses, of which some may be dead.

The law: no address is waited for so long that no time is left for the next; the first that answers is taken.
"""

import asyncio
import socket
from typing import Any

SHARE = 3.0
"""Seconds that an address is waited for while there are others."""


async def connected(host: str, port: int, within: float) -> socket.socket:
    """A connection to the first address of this host that answers. Raises OSError with what became of the last one tried."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    fault = OSError(f"{host} has no address")
    for left, (family, kind, protocol, _, address) in zip(range(len(found) - 1, -1, -1), found, strict=True):
        share = min(SHARE, within / len(found)) if left else within
        try:
            async with asyncio.timeout(share):
                return await _connected(socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol), address)
        except TimeoutError:
            fault = OSError(f"no answer from {address[0]} port {port} within {share:g} s")
        except OSError as error:
            fault = error
    raise fault


async def _connected(sock: socket.socket, address: Any) -> socket.socket:
    try:
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
