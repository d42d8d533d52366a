"""Carries an exchange of datagrams out over UDP.

Its law: only what comes from the probed address and port is looked at, which the kernel sees to on a connected
socket; a refusal by ICMP ends the probe as a refused connection does.
"""

import socket
from collections.abc import Callable
from typing import Protocol

from health.dialogue import DatagramDialogue, DatagramPlan, Plan
from health.errors import end_of_error, internal_error
from health.probes.connecting import OriginError, connecting
from health.probes.poller import Poller
from health.probes.steps import Steps, endpoint
from health.result import End, Reason
from health.spec import Origin

DATAGRAM_LIMIT = 4096
"""Longest datagram taken whole, in bytes; more of it is not looked at."""
DATAGRAMS_LIMIT = 100
"""Datagrams taken from one server in one exchange."""


class Following(Protocol):
    """The conversation that an exchange goes on with."""

    def start(self) -> End | None:
        """Begin; the end when that fails at once."""

    def cancel(self) -> None:
        """End without a result."""

    def expire(self) -> End:
        """The deadline has come."""


class Exchange:
    """One probe under way. `done` is called once with its end; `follow` makes the conversation that goes on."""

    __slots__ = (
        "_dialogue",
        "_done",
        "_follow",
        "_following",
        "_origin",
        "_plan",
        "_poller",
        "_received",
        "_sock",
        "steps",
    )

    def __init__(
        self,
        plan: DatagramPlan,
        poller: Poller,
        done: Callable[[End], None],
        follow: Callable[[Plan], Following],
        steps: Steps | None = None,
        origin: Origin | None = None,
    ) -> None:
        self._plan = plan
        self._poller = poller
        self._done = done
        self._follow = follow
        self._origin = origin
        self._following: Following | None = None
        self._received = 0
        self._sock: socket.SocketType | None = None
        self.steps = steps

    def start(self) -> End | None:
        """Send the first datagram; the end when that fails at once."""
        plan = self._plan
        self._dialogue: DatagramDialogue = plan.dialogue()
        first = self._dialogue.begin()
        if isinstance(first, End):
            return first
        try:
            sock, code = connecting(socket.SOCK_DGRAM, plan.address, plan.port, self._origin)
            if code:
                sock.close()
                return end_of_error(code, connected=False)
            self._sock = sock
            self._poller.watch(sock.fileno(), self)
            if self.steps is not None:
                self.steps.mark("socket", f"from {endpoint(sock.getsockname())}")
            self._send(sock, first)
        except OriginError as error:
            return error.end
        except OSError as error:
            self._close()
            return end_of_error(error.errno or 0, connected=False)
        return None

    def cancel(self) -> None:
        """End without a result."""
        self._close()
        if self._following is not None:
            self._following.cancel()

    def expire(self) -> End:
        """The deadline has come: what that means here."""
        if self._following is not None:
            return self._following.expire()
        self._close()
        return self._dialogue.silence()

    def ready(self, mask: int) -> None:
        """Called by the poller."""
        try:
            end = self._receive()
        except OSError as error:
            end = end_of_error(error.errno or 0, connected=False)
        except Exception as error:  # noqa: BLE001 - shown in the result, counted by the pool
            end = internal_error(error)
        if end is not None:
            self._close()
            self._done(end)

    def _receive(self) -> End | None:
        """Take all there is: edge-triggered readiness is told once."""
        sock = self._sock
        while sock is not None and self._sock is sock:
            try:
                data = sock.recv(DATAGRAM_LIMIT)
            except BlockingIOError:
                return None
            self._received += 1
            if (end := self._take(sock, data)) is not None:
                return end
            if self._received >= DATAGRAMS_LIMIT:
                return End(Reason.ANSWER_TOO_LONG, f"{DATAGRAMS_LIMIT} datagrams and none that decides")
        return None

    def _take(self, sock: socket.SocketType, data: bytes) -> End | None:
        if self.steps is not None:
            self.steps.received(data)
        answer = self._dialogue.receive(data)
        if isinstance(answer, End):
            return answer
        if isinstance(answer, bytes):
            if answer:
                self._send(sock, answer)
            return None
        self._close()
        if self.steps is not None:
            self.steps.mark(f"goes on over TCP at port {answer.port}")
        self._following = self._follow(answer)
        return self._following.start()

    def _close(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            self._poller.forget(sock.fileno())
            sock.close()

    def _send(self, sock: socket.SocketType, data: bytes) -> None:
        if self.steps is not None:
            self.steps.sent(data)
        sock.send(data)
