"""The dns probe: one query over UDP or TCP, its answer judged (RFC 1035, RFC 7766).

Its law: an answer counts only with our id, which nobody can guess, and our question; anything else on UDP is not
the server's answer and is waited past. An answer too long for UDP is asked for again over TCP.
"""

import ipaddress
from typing import NamedTuple

from health.dialogue import DatagramDialogue, DatagramPlan, Dialogue, Kit, Plan, ProbeError
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, DnsProbe
from health.wire.dns_message import TYPES, Answers, MessageError, answers, encoded_name, query


class Question(NamedTuple):
    """What is asked and which answers pass; `expect` in normal form."""

    check: CheckSpec
    kit: Kit
    name: bytes
    asked: tuple[str, int]
    expect: frozenset[str]

    def stream(self) -> Plan:
        """Ask over TCP."""
        return Plan(self.check.address, self.check.port, dialogue=self._over_tcp)

    def datagram(self) -> DatagramPlan:
        """Ask over UDP."""
        return DatagramPlan(self.check.address, self.check.port, self._over_udp)

    def judge(self, answer: Answers) -> End:
        """How an answer to this question fares."""
        if answer.rcode:
            return End(Reason.WRONG_STATUS, answer.rcode_text)
        if not self.expect:
            return End(Reason.OK, excerpt(", ".join(answer.texts).encode()) if answer.texts else "NOERROR")
        found = next((text for text in answer.texts if normal(text) in self.expect), None)
        if found is not None:
            return End(Reason.OK, excerpt(found.encode()))
        said = ", ".join(answer.texts) or "no such record"
        return End(Reason.NO_MATCH, f"answered {excerpt(said.encode(), 120)}")

    def _over_udp(self) -> DatagramDialogue:
        return DnsDatagrams(self, int.from_bytes(self.kit.random(2)))

    def _over_tcp(self) -> Dialogue:
        return DnsStream(self, int.from_bytes(self.kit.random(2)))


class DnsDatagrams:
    """The query and its answer in one datagram each."""

    def __init__(self, question: Question, ident: int) -> None:
        self._question = question
        self._ident = ident
        self._strange = b""

    def begin(self) -> bytes:
        """The query."""
        return query(self._ident, self._question.name, self._question.asked[1])

    def receive(self, data: bytes) -> bytes | End | Plan:
        """Judge our answer; what is not ours is remembered for the person who asks why."""
        try:
            answer = answers(data)
        except MessageError:
            self._strange = data
            return b""
        if not _ours(answer, self._question, self._ident):
            self._strange = data
            return b""
        return self._question.stream() if answer.truncated else self._question.judge(answer)

    def silence(self) -> End:
        """No answer of ours came in time."""
        if self._strange:
            return End(Reason.BAD_ANSWER, f"no answer to this query: {excerpt(self._strange)}")
        return End(Reason.READ_TIMEOUT, "no answer")


class DnsStream:
    """The query and its answer, each with its length before it (RFC 1035 section 4.2.2)."""

    awaits_answer = True

    def __init__(self, question: Question, ident: int) -> None:
        self._question = question
        self._ident = ident
        self._buffer = bytearray()

    def begin(self) -> bytes:
        """The query with its length."""
        sent = query(self._ident, self._question.name, self._question.asked[1])
        return len(sent).to_bytes(2) + sent

    def receive(self, data: bytes) -> bytes | End:
        """Judge the message once it is whole."""
        self._buffer += data
        if len(self._buffer) < 2 or len(self._buffer) < 2 + int.from_bytes(self._buffer[:2]):
            return b""
        message = bytes(self._buffer[2 : 2 + int.from_bytes(self._buffer[:2])])
        try:
            answer = answers(message)
        except MessageError as error:
            return End(Reason.BAD_ANSWER, f"{error}: {excerpt(message)}")
        if not _ours(answer, self._question, self._ident):
            return End(Reason.BAD_ANSWER, "an answer to another query")
        if answer.truncated:
            return End(Reason.BAD_ANSWER, "truncated over TCP as well")
        return self._question.judge(answer)

    def eof(self) -> End:
        """The server ended within its answer, or before it."""
        return End(Reason.CLOSED, "within the answer" if self._buffer else "no answer")


def _ours(answer: Answers, question: Question, ident: int) -> bool:
    """Whether this answers our query. A server that fails may leave the question out."""
    return answer.id == ident and (
        answer.question == question.asked or (answer.question is None and answer.rcode != 0)
    )


def normal(text: str) -> str:
    """A record's text in the form in which texts are compared: names without the last dot, in lower case."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return " ".join(word.removesuffix(".") or "." for word in text.lower().split())


def asked_name(text: str, record: str) -> str:
    """The name to ask for; an address asked for by PTR is its reverse name (RFC 1035 section 3.5, RFC 3596)."""
    try:
        return ipaddress.ip_address(text).reverse_pointer if record == "PTR" else text
    except ValueError:
        return text


def plan(check: CheckSpec, probe: DnsProbe, kit: Kit) -> Plan | DatagramPlan:
    """How this check is carried out. Raises ProbeError."""
    name = asked_name(probe.query, probe.record)
    try:
        encoded = encoded_name(name)
    except MessageError as error:
        raise ProbeError(str(error)) from error
    asked = (name.lower().removesuffix(".") or ".", TYPES[probe.record])
    question = Question(check, kit, encoded, asked, frozenset(map(normal, probe.expect)))
    return question.stream() if probe.tcp else question.datagram()
