"""Messages between two processes over a socket pair: four bytes of length, then msgpack.

The law: sending never waits; a message longer than the limit, a broken one or an unread backlog ends the link, because
a peer that does so cannot be understood any more.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec

_LENGTH = struct.Struct(">I")
LIMIT = 64 * 1024 * 1024
"""Longest message in bytes: some 100,000 checks."""
BACKLOG = 2 * LIMIT
"""Unsent bytes at which the other side is given up."""

T = TypeVar("T")


class LinkError(Exception):
    """What was received is no message of this link."""


class Framer:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take received bytes and return every frame that is complete now. Raises LinkError on one too long."""
        self._buffer += data
        frames: list[bytes] = []
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if length > LIMIT:
                raise LinkError(f"message of {length} bytes, longer than {LIMIT}")
            end = start + _LENGTH.size + length
            if end > len(self._buffer):
                break
            frames.append(bytes(self._buffer[start + _LENGTH.size : end]))
            start = end
        del self._buffer[:start]
        return frames


class Link(asyncio.Protocol, Generic[T]):
    """One end of a link. `on_message` gets each message, `on_lost` the reason when the link has ended; both may be
    set until the link is connected. What is sent before is kept until then."""

    def __init__(
        self,
        receives: Any,
        on_message: Callable[[T], None] = lambda _: None,
        on_lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._decoder = msgspec.msgpack.Decoder(receives)
        self._encoder = msgspec.msgpack.Encoder()
        self._framer = Framer()
        self.on_message = on_message
        self.on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._reason = "the other side closed"
        self._early: list[msgspec.Struct] | None = []

    def send(self, message: msgspec.Struct) -> None:
        """Queue a message; nothing happens once the link has ended."""
        if self._early is not None:
            self._early.append(message)
            return
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        body = self._encoder.encode(message)
        transport.write(_LENGTH.pack(len(body)) + body)
        if transport.get_write_buffer_size() > BACKLOG:
            self._end("the other side no longer reads")

    def close(self) -> None:
        """End the link from this side, after what was queued."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)
        early, self._early = self._early or [], None
        for message in early:
            self.send(message)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        try:
            messages = [self._decoder.decode(frame) for frame in self._framer.feed(data)]
        except (LinkError, msgspec.DecodeError, UnicodeDecodeError) as error:
            self._end(f"not understood: {error}")
            return
        for message in messages:
            self.on_message(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._transport = None
        self.on_lost(str(exc) if exc else self._reason)

    def _end(self, reason: str) -> None:
        self._reason = reason
        if self._transport is not None:
            self._transport.abort()


async def connect(link: Link[T], sock: socket.socket) -> Link[T]:
    """Put a link on its end of a socket pair."""
    sock.setblocking(False)
    await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=sock)
    return link
