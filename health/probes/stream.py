"""Carries a plan out over TCP: connects, speaks TLS where asked, and moves bytes between dialogue and socket.

Its law: a conversation ends once, by its dialogue, by an error or by its deadline, and leaves nothing behind: it
closes with a reset unless the server closed first, so thousands of probes leave no socket in TIME_WAIT.
"""

import socket
import ssl
from collections.abc import Callable

from health.dialogue import Answer, Dialogue, Farewell, Plan, StartTls
from health.errors import end_of_error
from health.probes import tls
from health.probes.closing import reset_at_close
from health.probes.connecting import OriginError, connecting, with_itself
from health.probes.poller import BROKEN, ENDED, FINISHED, READABLE, WRITABLE, Poller
from health.probes.steps import Steps, endpoint
from health.result import DETAIL_LIMIT, PASSED, End, Reason
from health.spec import Origin

RECEIVED_LIMIT = 4 * 1024 * 1024
"""Bytes taken from one server in one conversation, whatever they are."""
_PIECE = 64 * 1024


class Conversation:
    """One probe under way. `done` is called once with its end, never from within `start` or `cancel`."""

    __slots__ = (
        "_channel",
        "_contexts",
        "_dialogue",
        "_done",
        "_origin",
        "_peer_ended",
        "_pending",
        "_plan",
        "_poller",
        "_received",
        "_secured",
        "_sock",
        "_stage",
        "_verdict",
        "steps",
    )

    def __init__(
        self,
        plan: Plan,
        poller: Poller,
        contexts: tls.Contexts,
        done: Callable[[End], None],
        steps: Steps | None = None,
        origin: Origin | None = None,
    ) -> None:
        self._plan = plan
        self._poller = poller
        self._contexts = contexts
        self._origin = origin
        self._done = done
        self.steps = steps
        self._sock: socket.SocketType | None = None

    def start(self) -> End | None:
        """Begin to connect; the end when that fails at once."""
        plan = self._plan
        self._channel: tls.Channel | None = None
        self._dialogue: Dialogue | None = None
        self._secured: Callable[[], Answer] | None = None
        self._verdict: End | None = None
        self._pending = b""
        self._peer_ended = False
        self._received = 0
        self._stage = "connect"
        if plan.tls is not None:
            context = self._contexts.get(plan.tls)
            if isinstance(context, str):
                return End(Reason.CANNOT_RUN, context[:DETAIL_LIMIT])
            self._channel = tls.Channel(context, plan.server_name, plan.tls.valid_for)
        try:
            return self._connect(plan.address, plan.port)
        except OriginError as error:
            return error.end
        except OSError as error:
            self._close()
            return end_of_error(error.errno or 0, connected=False)

    def cancel(self) -> None:
        """End without a result."""
        self._close()

    def expire(self) -> End:
        """The deadline has come: what that means at this stage."""
        stage = self._stage
        self._close()
        if self._verdict is not None:
            return self._verdict
        if stage == "connect":
            return End(Reason.CONNECT_TIMEOUT)
        return End(Reason.READ_TIMEOUT, f"in the {stage}")

    def ready(self, mask: int) -> None:
        """Called by the poller."""
        try:
            end = self._go_on(mask)
        except ssl.SSLError as error:
            end = tls.end_of_error(error, self._channel is not None and self._channel.established)
        except OSError as error:
            end = end_of_error(error.errno or 0, connected=True)
        except Exception as error:  # noqa: BLE001 - shown in the result, counted by the pool
            end = internal_error(error)
        if end is not None:
            end = self._verdict or end
            self._close()
            self._done(end)

    def _connect(self, address: str, port: int) -> End | None:
        sock, code = connecting(socket.SOCK_STREAM, address, port, self._origin)
        if code:
            sock.close()
            return end_of_error(code, connected=False)
        self._sock = sock
        self._poller.watch(sock.fileno(), self)
        return None

    def _go_on(self, mask: int) -> End | None:
        assert self._sock is not None
        self._peer_ended |= bool(mask & FINISHED)
        if self._stage == "connect":
            if mask & BROKEN and (code := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                return end_of_error(code, connected=False)
            if not mask & (WRITABLE | ENDED):
                return None
            if (end := self._connected()) is not None:
                return end
        elif mask & WRITABLE and self._pending and (end := self._flush()) is not None:
            return end
        return self._receive(mask) if mask & READABLE else None

    def _connected(self) -> End | None:
        assert self._sock is not None
        if with_itself(self._sock, self._plan.port):
            # Nobody listens, and the kernel chose the very port as ours: TCP then connects with itself.
            return End(Reason.CONNECT_REFUSED, "connected with itself")
        if self.steps is not None:
            self.steps.mark("connect", f"from {endpoint(self._sock.getsockname())}")
        if self._plan.dialogue is None and self._channel is None:
            return PASSED
        if self._channel is not None:
            self._stage = "TLS handshake"
            return self._shake()
        return self._begin()

    def _shake(self) -> End | None:
        channel = self._channel
        assert channel is not None
        try:
            channel.handshake()
        finally:
            # Also when it failed: the server may learn why from an alert.
            end = self._send(channel.to_send())
        if end is not None or not channel.established:
            return end
        if self.steps is not None:
            self.steps.mark("tls", *channel.described())
        return channel.expiring() or self._begin()

    def _begin(self) -> End | None:
        if self._plan.dialogue is None:
            return PASSED
        self._stage = "answer"
        if self._secured is not None:
            return self._answer(self._secured())
        self._dialogue = self._plan.dialogue()
        return self._answer(self._dialogue.begin())

    def _start_tls(self, start: StartTls) -> End | None:
        context = self._contexts.get(start.tls)
        if isinstance(context, str):
            return End(Reason.CANNOT_RUN, context[:DETAIL_LIMIT])
        if self.steps is not None:
            self.steps.sent(start.before)
        if (end := self._send(start.before)) is not None:
            return end
        self._channel = tls.Channel(context, start.server_name, start.tls.valid_for)
        self._secured = start.secured
        self._stage = "TLS handshake"
        return self._shake()

    def _say(self, data: bytes) -> End | None:
        if self.steps is not None:
            self.steps.sent(data)
        if self._channel is not None and data:
            self._channel.write(data)
            data = self._channel.to_send()
        return self._send(data)

    def _send(self, data: bytes) -> End | None:
        if not data:
            return None if self._pending else self._all_sent()
        self._pending += data
        return self._flush()

    def _flush(self) -> End | None:
        assert self._sock is not None
        try:
            sent = self._sock.send(self._pending)
        except BlockingIOError:
            return None
        except (ConnectionResetError, BrokenPipeError):
            if self._dialogue is not None and not self._dialogue.awaits_answer:
                raise
            # The server wants to hear nothing, but may have said something before it closed.
            sent = len(self._pending)
        self._pending = self._pending[sent:]
        return None if self._pending else self._all_sent()

    def _all_sent(self) -> End | None:
        if self._dialogue is None or self._dialogue.awaits_answer:
            return None
        # A reset would throw away what is still on its way.
        self._peer_ended = True
        return PASSED

    def _receive(self, mask: int) -> End | None:
        """Take all there is: edge-triggered readiness is told once."""
        sock = self._sock
        assert sock is not None
        while self._sock is sock:
            try:
                data = sock.recv(_PIECE)
            except BlockingIOError:
                return None
            if not data:
                return self._ended()
            self._received += len(data)
            if (end := self._take(data)) is not None:
                return end
            if self._received > RECEIVED_LIMIT:
                return End(Reason.ANSWER_TOO_LONG, f"more than {RECEIVED_LIMIT} bytes")
            if len(data) < _PIECE and not mask & ENDED:
                return None
        return None

    def _take(self, data: bytes) -> End | None:
        if self._verdict is not None:
            return self._verdict
        channel = self._channel
        if channel is not None:
            channel.received(data)
            end = None if channel.established else self._shake()
            if end is not None or not channel.established:
                return end
            data = channel.read()
            if not data:
                return None
        if self.steps is not None:
            self.steps.received(data)
        return None if self._dialogue is None else self._answer(self._dialogue.receive(data))

    def _ended(self) -> End | None:
        self._peer_ended = True
        if self.steps is not None:
            self.steps.mark("closed by the server")
        if self._dialogue is None:
            return End(Reason.CLOSED, f"in the {self._stage}")
        return self._answer(self._dialogue.eof())

    def _answer(self, answer: Answer) -> End | None:
        if isinstance(answer, bytes):
            return self._say(answer) if answer else None
        if isinstance(answer, End):
            return answer
        if isinstance(answer, StartTls):
            return self._start_tls(answer)
        if isinstance(answer, Farewell):
            # From here on nothing that the server does or leaves undone changes the result.
            self._verdict = answer.end
            return self._say(answer.send)
        self._close()
        self._plan = answer
        if self.steps is not None:
            self.steps.mark(f"redirected to port {answer.port}")
        return self.start()

    def _close(self) -> None:
        sock, self._sock = self._sock, None
        if sock is None:
            return
        if (descriptor := sock.fileno()) >= 0:
            self._poller.forget(descriptor)
            if not self._peer_ended:
                reset_at_close(descriptor)
        sock.close()


def internal_error(error: BaseException) -> End:
    """How a probe ends whose own code failed."""
    return End(Reason.INTERNAL_ERROR, f"{type(error).__name__}: {error}"[:DETAIL_LIMIT])
