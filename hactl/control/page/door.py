"""The page's listening socket: opened by the supervisor, which may bind any port, and passed to the notify worker.

The law: the socket outlives the worker, so that whoever asks while it is started again waits rather than being refused.
A port that is taken is a fact of the host: it is said, and tried again.
"""

import contextlib
import socket
import time

import msgspec

BACKLOG = 128
AGAIN = 5.0
"""Seconds until a port that could not be bound is tried again."""
READ_WITHIN = 30.0
"""Seconds after which a connection whose client takes nothing of what it asked for is ended, by the kernel (tcp(7))."""
OPEN, SHUT = b"o", b"s"


class Door:
    """One listening socket at most. `trouble` says why there is none although one is wanted, else it is empty."""

    def __init__(self) -> None:
        self.trouble = ""
        self._wanted: str | None = None
        self._socket: socket.socket | None = None
        self._end: socket.socket | None = None
        self._again = 0.0

    def attach(self, end: socket.socket) -> None:
        """A worker was started, and has the other end of this socket pair."""
        if self._end is not None:
            self._end.close()
        end.setblocking(False)
        self._end = end
        self._pass()

    def want(self, listen: str | None) -> None:
        """Listen on ADDRESS:PORT, or (None) nowhere."""
        if listen == self._wanted:
            return
        self._wanted = listen
        self.trouble = ""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if listen is not None:
            self._open(listen)
        self._pass()

    def look(self) -> None:
        """Try again what did not succeed, when it is time."""
        if self._wanted is not None and self._socket is None and time.monotonic() >= self._again:
            self._open(self._wanted)
            self._pass()

    def close(self) -> None:
        """Stop listening."""
        for sock in (self._socket, self._end):
            if sock is not None:
                sock.close()

    def _open(self, listen: str) -> None:
        try:
            self._socket = _bind(listen)
            self.trouble = ""
        except OSError as error:
            self._again = time.monotonic() + AGAIN
            self.trouble = f"control.http {listen} cannot be opened: {error.strerror or error}"

    def _pass(self) -> None:
        """Hand the present socket to the worker; one that has just died gets it when it is started again."""
        if self._end is None:
            return
        with contextlib.suppress(OSError):
            if self._socket is None:
                self._end.send(SHUT)
            else:
                socket.send_fds(self._end, [OPEN], [self._socket.fileno()])


def _bind(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Each connection that is accepted has it of this socket.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * READ_WITHIN))
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        sock.bind((host, int(port)))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


class Passed(msgspec.Struct, frozen=True):
    """What came over the socket pair: whether the other side is still there, whether there was anything, and the
    socket to serve from now on (None: serve nothing)."""

    alive: bool
    anything: bool
    socket: socket.socket | None


def receive(end: socket.socket) -> Passed:
    """In the worker: the last word of the supervisor about what to serve."""
    anything, latest = False, None
    while True:
        try:
            data, descriptors, _, _ = socket.recv_fds(end, 1, 1)
        except BlockingIOError:
            return Passed(True, anything, latest)
        except OSError:
            return Passed(False, anything, latest)
        if not data:
            return Passed(False, anything, latest)
        if latest is not None:
            latest.close()
        anything, latest = True, socket.socket(fileno=descriptors[0]) if descriptors else None
