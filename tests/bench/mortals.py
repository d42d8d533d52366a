"""Web servers that fail one by one, each in one of the ways in which real ones do.

Owns one thread that answers for all of them. They are sockets of their own on addresses of `bench.ground`.
"""

import contextlib
import ctypes
import enum
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from bench.ground import MORTAL_PORT, Ground, mortal, program

from hactl.lab import net as namespaces

_SO_ATTACH_FILTER, _RETURN = 26, 0x06
_GOOD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n"
_BAD = _GOOD.replace(b"200 OK", b"500 Internal Server Error")


class Way(enum.StrEnum):
    """How a server fails."""

    REFUSED = "refused"
    SILENT = "silent"
    SLOW = "slow"
    WRONG = "wrong"

    @property
    def text(self) -> str:
        """What a client sees of it."""
        return _TEXTS[self]


_TEXTS = {
    Way.REFUSED: "its process died: connections are refused",
    Way.SILENT: "its host is silent: connections time out",
    Way.SLOW: "it hangs: it accepts and never answers",
    Way.WRONG: "it answers with 500",
}


class Mortals:
    """Listening servers of these numbers, for the time of the block; `answered` is how many checks each has answered."""

    def __init__(self, here: Ground, numbers: Iterable[int]) -> None:
        self._ready = selectors.DefaultSelector()
        self._wrong: set[int] = set()
        self.answered: Counter[int] = Counter()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="mortals")
        with namespaces.inside(here.namespace):
            self._listening = {
                number: socket.create_server((mortal(number), MORTAL_PORT), backlog=512) for number in numbers
            }
        self._lock = threading.Lock()
        for number, listening in self._listening.items():
            listening.setblocking(False)
            self._ready.register(listening, selectors.EVENT_READ, number)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, traceback: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()
        for key in list(self._ready.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        for listening in self._listening.values():
            listening.close()
        self._ready.close()

    def fail(self, number: int, way: Way) -> float:
        """From the returned moment on (monotonic seconds) it fails in this way."""
        listening = self._listening[number]
        with self._lock:
            match way:
                case Way.WRONG:
                    self._wrong.add(number)
                case Way.SLOW:
                    self._ready.unregister(listening)
                case Way.REFUSED:
                    self._ready.unregister(listening)
                    listening.close()
                case Way.SILENT:
                    deafen(listening)
        return time.monotonic()

    def _serve(self) -> None:
        while not self._ending.is_set():
            ready = self._ready.select(0.05)
            with self._lock, contextlib.suppress(OSError):
                for key, _ in ready:
                    assert isinstance(key.fileobj, socket.socket)
                    if key.fileobj in self._listening.values():
                        self._accept(key.fileobj, key.data)
                    else:
                        self._answer(key.fileobj, key.data)

    def _accept(self, listening: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            made, _ = listening.accept()
            self._ready.register(made, selectors.EVENT_READ, number)

    def _answer(self, asking: socket.socket, number: int) -> None:
        self._ready.unregister(asking)
        with asking, contextlib.suppress(OSError):
            if asking.recv(4096):
                self.answered[number] += 1
                asking.sendall(_BAD if number in self._wrong else _GOOD)


def deafen(listening: socket.socket) -> None:
    """Nothing that is sent to this socket reaches it any more, and nobody is told so."""
    held = ctypes.create_string_buffer(program((_RETURN, 0, 0, 0)))
    listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(held)))
