"""The tcp probe: a connection, and optionally a line sent and an answer expected.

Its law: what is kept of an answer is bounded, and so is how often an expression is tried on it.
"""

import re

from health.dialogue import Dialogue, Kit, Plan, Search, expression, server_name
from health.result import PASSED, End, Reason, excerpt
from health.spec import CheckSpec, TcpProbe

ANSWER_LIMIT = 16 * 1024
"""Bytes of an answer among which the expected is looked for."""
PIECES_LIMIT = 256
"""Pieces in which an answer may arrive while an expression is tried on the whole each time."""


class TcpDialogue:
    """Send, then read until the expected text or expression is there."""

    def __init__(
        self, send: bytes, text: bytes | None, pattern: re.Pattern[bytes] | None, search: Search
    ) -> None:
        self.awaits_answer = text is not None or pattern is not None
        self._send = send
        self._text = text
        self._pattern = pattern
        self._search = search
        self._answer = bytearray()
        self._searched = 0
        self._pieces = 0

    def begin(self) -> bytes:
        """The line to send."""
        return self._send

    def receive(self, data: bytes) -> bytes | End:
        """Look for what is expected in all that came so far."""
        self._answer += data
        self._pieces += 1
        if self._text_found():
            if self._pattern is None:
                return PASSED
            found = self._search(self._pattern, bytes(self._answer[:ANSWER_LIMIT]))
            if found:
                return PASSED
            if found is None:
                return End(Reason.NO_MATCH, "the expression took too long; simplify it")
        if len(self._answer) >= ANSWER_LIMIT:
            return End(Reason.ANSWER_TOO_LONG, f"not found in the first {ANSWER_LIMIT} bytes")
        if self._pieces >= PIECES_LIMIT:
            return End(Reason.ANSWER_TOO_LONG, f"not found in the first {PIECES_LIMIT} pieces")
        return b""

    def eof(self) -> End:
        """The server ended before it had said what is expected."""
        if not self._answer:
            return End(Reason.CLOSED, "no answer")
        return End(Reason.NO_MATCH, f"answered {excerpt(bytes(self._answer))}")

    def _text_found(self) -> bool:
        """Whether the expected text is among the bytes that count; each byte is looked at about once."""
        if self._text is None:
            return True
        found = self._answer.find(self._text, self._searched, ANSWER_LIMIT)
        if found >= 0:
            self._searched = found
            return True
        self._searched = max(0, len(self._answer) - len(self._text) + 1)
        return False


def plan(check: CheckSpec, probe: TcpProbe, kit: Kit) -> Plan:
    """How this check is carried out. Raises ProbeError."""
    name = server_name(probe.tls, check.address)
    send = (probe.send or "").encode()
    text = None if probe.expect is None else probe.expect.encode()
    pattern = None if probe.expect_regex is None else expression(probe.expect_regex)

    def dialogue() -> Dialogue:
        return TcpDialogue(send, text, pattern, kit.search)

    talks = bool(send) or text is not None or pattern is not None
    return Plan(check.address, check.port, probe.tls, name, dialogue if talks else None)
