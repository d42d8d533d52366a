"""The udp probe: a datagram sent, and an answer expected where the operator says what it is.

Its law: a refusal always fails; silence passes only where no answer is expected.
"""

import re

from health.dialogue import DatagramDialogue, DatagramPlan, Kit, Search, expression
from health.result import PASSED, End, Reason, excerpt
from health.spec import CheckSpec, UdpProbe


class UdpDialogue:
    """Send, then judge each datagram that comes back on its own."""

    def __init__(
        self, send: bytes, text: bytes | None, pattern: re.Pattern[bytes] | None, search: Search
    ) -> None:
        self._send = send
        self._text = text
        self._pattern = pattern
        self._search = search
        self._last: bytes | None = None

    def begin(self) -> bytes:
        """The datagram to send."""
        return self._send

    def receive(self, data: bytes) -> bytes | End:
        """Pass at what is expected; another datagram decides nothing, as it may be late."""
        self._last = data
        if self._text is not None and self._text not in data:
            return b""
        if self._pattern is None:
            return PASSED
        found = self._search(self._pattern, data)
        if found is None:
            return End(Reason.NO_MATCH, "the expression took too long; simplify it")
        return PASSED if found else b""

    def silence(self) -> End:
        """No refusal came in time, and nothing that decides."""
        if self._text is None and self._pattern is None:
            return End(Reason.OK, "no refusal")
        if self._last is None:
            return End(Reason.READ_TIMEOUT, "no answer")
        return End(Reason.NO_MATCH, f"answered {excerpt(self._last)}")


def plan(check: CheckSpec, probe: UdpProbe, kit: Kit) -> DatagramPlan:
    """How this check is carried out. Raises ProbeError."""
    send = probe.send.encode()
    text = None if probe.expect is None else probe.expect.encode()
    pattern = None if probe.expect_regex is None else expression(probe.expect_regex)

    def dialogue() -> DatagramDialogue:
        return UdpDialogue(send, text, pattern, kit.search)

    return DatagramPlan(check.address, check.port, dialogue)
