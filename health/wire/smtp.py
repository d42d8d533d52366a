"""The smtp probe: greeting, EHLO, STARTTLS where asked, QUIT (RFC 5321, RFC 3207).

Its law: nothing is said before the whole greeting was heard, and no mail is ever begun.
"""

from health.dialogue import Dialogue, Farewell, Kit, Plan, ProbeError, StartTls, server_name
from health.result import End, Reason
from health.spec import CheckSpec, SmtpProbe
from health.wire.replies import Reply, expected, reply
from health.wire.talk import Over, Talk, Turns, line

_NOT_KNOWN = frozenset({500, 502, 504})


def plan(check: CheckSpec, probe: SmtpProbe, kit: Kit) -> Plan:
    """How this check is carried out. Raises ProbeError."""
    helo = probe.helo or kit.host
    if not helo.isascii() or not helo.isprintable() or " " in helo or not helo:
        raise ProbeError(f"{helo!r} cannot be the name in EHLO; give one with helo")
    start = (
        None
        if probe.starttls is None
        else StartTls(probe.starttls, server_name(probe.starttls, check.address))
    )

    def dialogue() -> Dialogue:
        return Talk(_turns(helo.encode(), start), line)

    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), dialogue)


def _turns(helo: bytes, start: StartTls | None) -> Turns[bytes, End | Farewell]:
    greeting = yield from expected(b"", 220)
    offered = yield from _hello(helo)
    if start is not None:
        if not any(line.strip().upper() == b"STARTTLS" for line in offered.lines):
            raise Over(Reason.TLS_FAILED, "does not offer STARTTLS")
        yield from expected(b"STARTTLS\r\n", 220, reason=Reason.TLS_FAILED)
        yield start
        yield from _hello(helo)
    return Farewell(b"QUIT\r\n", End(Reason.OK, greeting.text))


def _hello(helo: bytes) -> Turns[bytes, Reply]:
    """EHLO, or HELO with a server that knows no EHLO (RFC 5321 section 3.2)."""
    said = yield from reply(b"EHLO " + helo + b"\r\n")
    if said.code in _NOT_KNOWN:
        said = yield from reply(b"HELO " + helo + b"\r\n")
    if said.code != 250:
        raise Over(Reason.WRONG_STATUS, said.text)
    return said
