"""Carries a plan out over TCP: once connected, speaks TLS where asked, and moves bytes between dialogue and socket.

Its law: a conversation ends once, by its dialogue, by an error or by its deadline.
"""

import ssl
from collections.abc import Callable

from health.dialogue import Answer, Dialogue, Farewell, Plan, StartTls
from health.probes import tls
from health.probes.knock import Knock
from health.probes.poller import ENDED, FINISHED, READABLE, WRITABLE, Poller
from health.probes.steps import Steps
from health.result import DETAIL_LIMIT, PASSED, End, Reason
from health.spec import Origin

RECEIVED_LIMIT = 4 * 1024 * 1024
"""Bytes taken from one server in one conversation, whatever they are."""
_PIECE = 64 * 1024


class Conversation(Knock):
    """One probe under way that has something to say or to hear."""

    __slots__ = (
        "_channel",
        "_contexts",
        "_dialogue",
        "_pending",
        "_received",
        "_secured",
        "_stage",
        "_verdict",
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
        Knock.__init__(self, plan, poller, done, steps, origin)
        self._contexts = contexts

    def start(self) -> End | None:
        """Begin to connect; the end when that fails at once."""
        secured = self._plan.tls
        self._channel: tls.Channel | None = None
        self._dialogue: Dialogue | None = None
        self._secured: Callable[[], Answer] | None = None
        self._verdict: End | None = None
        self._pending = b""
        self._received = 0
        self._stage = "connect"
        if secured is not None:
            context = self._contexts.get(secured)
            if isinstance(context, str):
                return End(Reason.CANNOT_RUN, context[:DETAIL_LIMIT])
            self._channel = tls.Channel(context, self._plan.server_name, secured.valid_for)
        return Knock.start(self)

    def expire(self) -> End:
        """The deadline has come: what that means at this stage."""
        stage = self._stage
        self._close()
        if self._verdict is not None:
            return self._verdict
        if stage == "connect":
            return End(Reason.CONNECT_TIMEOUT)
        return End(Reason.READ_TIMEOUT, f"in the {stage}")

    def _fault(self, error: OSError) -> End:
        if isinstance(error, ssl.SSLError):
            return tls.end_of_error(error, self._channel is not None and self._channel.established)
        return Knock._fault(self, error)

    def _finish(self, end: End) -> None:
        Knock._finish(self, self._verdict or end)

    def _go_on(self, mask: int) -> End | None:
        if self._stage == "connect":
            end = Knock._go_on(self, mask)
            if end is not None or self._stage == "connect":
                return end
        else:
            self._peer_ended |= mask & FINISHED
            if self._pending and mask & WRITABLE and (end := self._flush()) is not None:
                return end
        return self._receive(mask) if mask & READABLE else None

    def _connected(self) -> End | None:
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
        if data:
            self._pending += data
            return self._flush()
        return None if self._pending else self._all_sent()

    def _flush(self) -> End | None:
        assert self._sock is not None
        pending = self._pending
        try:
            sent = self._sock.send(pending)
        except BlockingIOError:
            return None
        except (ConnectionResetError, BrokenPipeError):
            if self._dialogue is not None and not self._dialogue.awaits_answer:
                raise
            # The server wants to hear nothing, but may have said something before it closed.
            sent = len(pending)
        self._pending = pending = pending[sent:]
        return None if pending else self._all_sent()

    def _all_sent(self) -> End | None:
        if self._dialogue is None or self._dialogue.awaits_answer:
            return None
        # A reset would throw away what is still on its way.
        self._peer_ended = FINISHED
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
        end = self._hear(data) if data else None
        # A server may say in TLS that this was all, and keep the connection itself open to hear the same of us.
        over = channel is not None and channel is self._channel and channel.finished
        return self._over() if end is None and over else end

    def _hear(self, data: bytes) -> End | None:
        if self.steps is not None:
            self.steps.received(data)
        return None if self._dialogue is None else self._answer(self._dialogue.receive(data))

    def _ended(self) -> End | None:
        self._peer_ended = FINISHED
        return self._over()

    def _over(self) -> End | None:
        """The server will say no more."""
        if self.steps is not None:
            self.steps.mark("closed by the server")
        if self._dialogue is None:
            return End(Reason.CLOSED, f"in the {self._stage}")
        return self._answer(self._dialogue.eof())

    def _answer(self, answer: Answer) -> End | None:
        if isinstance(answer, End):
            return answer
        if isinstance(answer, bytes):
            return self._say(answer) if answer else None
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
