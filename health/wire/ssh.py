"""The ssh probe: the exchange of identification strings (RFC 4253 section 4.2), nothing more.

Its law: lines before the identification are allowed and bounded; the identification must be of protocol 2.
"""

from health.dialogue import Dialogue, Kit, Plan
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, SshProbe

IDENTIFICATION_LIMIT = 255
"""Longest identification in bytes, its CR LF included (RFC 4253 section 4.2)."""
PRECEDING_LINES = 50
PRECEDING_LIMIT = 1024
"""Longest line in bytes before the identification; the RFC sets no limit."""
_PROTOCOLS = (b"SSH-2.0-", b"SSH-1.99-")


class SshDialogue:
    """Say who we are, read who they are."""

    awaits_answer = True

    def __init__(self, identification: bytes) -> None:
        self._identification = identification
        self._buffer = b""
        self._lines = 0

    def begin(self) -> bytes:
        """Our identification; the client need not wait for the server's."""
        return self._identification

    def receive(self, data: bytes) -> bytes | End:
        """Read lines until the identification."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if line.startswith(b"SSH-"):
                return _judge(line)
            self._lines += 1
            if self._lines > PRECEDING_LINES:
                return End(Reason.BAD_ANSWER, f"no identification in {PRECEDING_LINES} lines")
            if len(line) > PRECEDING_LIMIT:
                return _too_long(line, PRECEDING_LIMIT)
        limit = IDENTIFICATION_LIMIT if self._buffer.startswith(b"SSH-") else PRECEDING_LIMIT
        return _too_long(self._buffer, limit) if len(self._buffer) > limit else b""

    def eof(self) -> End:
        """The server ended before it identified itself, as it does when it is overloaded."""
        return End(Reason.CLOSED, "no identification")


def _too_long(line: bytes, limit: int) -> End:
    return End(Reason.ANSWER_TOO_LONG, f"a line of more than {limit} bytes: {excerpt(line)}")


def _judge(line: bytes) -> End:
    if len(line) + 1 > IDENTIFICATION_LIMIT:
        return _too_long(line, IDENTIFICATION_LIMIT)
    identification = line.removesuffix(b"\r")
    if not identification.startswith(_PROTOCOLS) or b"\0" in identification:
        return End(Reason.BAD_ANSWER, f"identified itself as {excerpt(identification)}")
    return End(Reason.OK, excerpt(identification))


def plan(check: CheckSpec, probe: SshProbe, kit: Kit) -> Plan:
    """How this check is carried out."""
    identification = f"SSH-2.0-{kit.agent.replace('/', '_').replace('-', '_')}\r\n".encode()

    def dialogue() -> Dialogue:
        return SshDialogue(identification)

    return Plan(check.address, check.port, dialogue=dialogue)
