"""The sip probe: an OPTIONS request over UDP, TCP or TLS, and its final answer (RFC 3261 section 11).

Its law: an answer counts only with our Call-ID and branch, which nobody can guess; provisional answers are waited past.
"""

from health.dialogue import (
    DatagramDialogue,
    DatagramPlan,
    Dialogue,
    Kit,
    Plan,
    ProbeError,
    server_name,
    without_zone,
)
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, SipProbe

ANSWER_LIMIT = 16 * 1024
"""Longest head of an answer in bytes."""
_COOKIE = "z9hG4bK"
"""How a branch begins (section 8.1.1.7)."""
_SHORT = {b"i": b"call-id", b"v": b"via"}


class _Question:
    """One request, and how answers to it are judged."""

    def __init__(self, check: CheckSpec, probe: SipProbe, kit: Kit) -> None:
        self._ident = kit.random(16).hex()
        self._probe = probe
        address = without_zone(check.address)
        host = f"[{address}]" if ":" in address else address
        target = f"sip:{probe.user + '@' if probe.user else ''}{host}:{check.port}"
        carried = "UDP" if probe.protocol == "udp" else "TLS" if probe.tls is not None else "TCP"
        self.text = (
            f"OPTIONS {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/{carried} {kit.host};rport;branch={_COOKIE}{self._ident}\r\n"
            f"From: <sip:hactl@{kit.host}>;tag={self._ident[:16]}\r\nTo: <{target}>\r\n"
            f"Call-ID: {self._ident}@{kit.host}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:hactl@{kit.host}>\r\nAccept: application/sdp\r\nUser-Agent: {kit.agent}\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()

    def judge(self, head: bytes) -> End | None:
        """How this answer fares; None for one that is not ours, or not final."""
        first, *lines = head.replace(b"\r\n", b"\n").split(b"\n")
        version, _, rest = first.partition(b" ")
        code = rest[:3]
        if version != b"SIP/2.0" or len(code) != 3 or not code.isdigit() or not self._ours(lines):
            return None
        status = int(code)
        if status < 200:
            return None
        passed = any(low <= status <= high for low, high in self._probe.status)
        return End(Reason.OK if passed else Reason.WRONG_STATUS, excerpt(rest))

    def _ours(self, lines: list[bytes]) -> bool:
        """Whether Call-ID and branch are those of our request."""
        ident, found = self._ident.encode(), {b"call-id": False, b"via": False}
        for line in lines:
            name, _, value = line.partition(b":")
            name = name.strip().lower()
            name = _SHORT.get(name, name)
            if name in found and ident in value:
                found[name] = True
        return all(found.values())


class SipDatagrams:
    """Request and answer in one datagram each."""

    def __init__(self, question: _Question) -> None:
        self._question = question
        self._strange = b""

    def begin(self) -> bytes:
        """The request."""
        return self._question.text

    def receive(self, data: bytes) -> bytes | End:
        """Judge our answer; what is not ours is remembered for the person who asks why."""
        end = self._question.judge(data.partition(b"\r\n\r\n")[0])
        if end is None:
            self._strange = data
            return b""
        return end

    def silence(self) -> End:
        """No final answer of ours came in time."""
        if self._strange:
            return End(Reason.BAD_ANSWER, f"no final answer to this request: {excerpt(self._strange)}")
        return End(Reason.READ_TIMEOUT, "no answer")


class SipStream:
    """The same over a byte stream."""

    awaits_answer = True

    def __init__(self, question: _Question) -> None:
        self._question = question
        self._buffer = bytearray()

    def begin(self) -> bytes:
        """The request."""
        return self._question.text

    def receive(self, data: bytes) -> bytes | End:
        """Judge each head; a body before the final answer is not expected of OPTIONS."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n", 0, ANSWER_LIMIT)) >= 0:
            head = bytes(self._buffer[:end]).lstrip()
            del self._buffer[: end + 4]
            found = self._question.judge(head)
            if found is not None:
                return found
            if not head.startswith(b"SIP/2.0 1"):
                return End(Reason.BAD_ANSWER, f"no answer to this request: {excerpt(head)}")
        if len(self._buffer) >= ANSWER_LIMIT:
            return End(
                Reason.ANSWER_TOO_LONG,
                f"a head of more than {ANSWER_LIMIT} bytes: {excerpt(bytes(self._buffer))}",
            )
        return b""

    def eof(self) -> End:
        """The server ended without a final answer."""
        return End(Reason.CLOSED, f"after {excerpt(bytes(self._buffer))}" if self._buffer else "no answer")


def plan(check: CheckSpec, probe: SipProbe, kit: Kit) -> Plan | DatagramPlan:
    """How this check is carried out. Raises ProbeError."""
    if probe.user is not None and not all(c.isalnum() or c in "-_.!~*'()&=+$,;?/%" for c in probe.user):
        raise ProbeError(f"{probe.user!r} cannot stand in a SIP address")

    def datagrams() -> DatagramDialogue:
        return SipDatagrams(_Question(check, probe, kit))

    def stream() -> Dialogue:
        return SipStream(_Question(check, probe, kit))

    if probe.protocol == "udp":
        return DatagramPlan(check.address, check.port, datagrams)
    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), stream)
