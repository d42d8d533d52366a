"""Carries out a check that passes as soon as it is connected; the beginning of every other over TCP.

Its law: a probe ends once, by itself, by an error or by its deadline, and leaves nothing behind: it closes with a reset
unless the server closed first, so thousands of probes leave no socket in TIME_WAIT.
"""

import socket
from collections.abc import Callable

from health.dialogue import Plan
from health.errors import end_of_error, internal_error
from health.probes.closing import reset_at_close
from health.probes.connecting import OriginError, connecting, with_itself
from health.probes.poller import BROKEN, ENDED, FINISHED, WRITABLE, Poller
from health.probes.steps import Steps, endpoint
from health.result import PASSED, End, Reason
from health.spec import Origin

_STREAM = int(socket.SOCK_STREAM)
_REACHED = WRITABLE | ENDED


class Knock:
    """One probe under way. `done` is called once with its end, never from within `start` or `cancel`."""

    __slots__ = ("_descriptor", "_done", "_origin", "_peer_ended", "_plan", "_poller", "_sock", "steps")

    def __init__(
        self,
        plan: Plan,
        poller: Poller,
        done: Callable[[End], None],
        steps: Steps | None = None,
        origin: Origin | None = None,
    ) -> None:
        self._plan = plan
        self._poller = poller
        self._done = done
        self.steps = steps
        self._origin = origin
        self._sock: socket.SocketType | None = None

    def start(self) -> End | None:
        """Begin to connect; the end when that fails at once."""
        plan = self._plan
        try:
            sock, code = connecting(_STREAM, plan.address, plan.port, self._origin)
            if code:
                sock.close()
                return end_of_error(code, connected=False)
            self._sock, self._peer_ended = sock, 0
            self._descriptor = descriptor = sock.fileno()
            self._poller.watch(descriptor, self)
        except OriginError as error:
            return error.end
        except OSError as error:
            self._close()
            return end_of_error(error.errno or 0, connected=False)
        return None

    def cancel(self) -> None:
        """End without a result."""
        self._close()

    def expire(self) -> End:
        """The deadline has come."""
        self._close()
        return End(Reason.CONNECT_TIMEOUT)

    def ready(self, mask: int) -> None:
        """Called by the poller."""
        try:
            end = self._go_on(mask)
        except OSError as error:
            end = self._fault(error)
        except Exception as error:  # noqa: BLE001 - shown in the result, counted by the pool
            end = internal_error(error)
        if end is not None:
            self._finish(end)

    def _go_on(self, mask: int) -> End | None:
        """Judge the connection, and go on where it stands."""
        sock = self._sock
        assert sock is not None
        self._peer_ended |= mask & FINISHED
        if mask & BROKEN and (code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
            return end_of_error(code, connected=False)
        if not mask & _REACHED:
            return None
        if with_itself(sock, self._plan.port):
            # Nobody listens, and the kernel chose the very port as ours: TCP then connects with itself.
            return End(Reason.CONNECT_REFUSED, "connected with itself")
        if self.steps is not None:
            self.steps.mark("connect", f"from {endpoint(sock.getsockname())}")
        return self._connected()

    def _connected(self) -> End | None:
        """What is to be done on a connection that stands."""
        return PASSED

    def _finish(self, end: End) -> None:
        self._close()
        self._done(end)

    def _fault(self, error: OSError) -> End:
        """How the probe ends at an error."""
        return end_of_error(error.errno or 0, connected=True)

    def _close(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            self._poller.forget(self._descriptor)
            if not self._peer_ended:
                reset_at_close(self._descriptor)
            sock.close()
