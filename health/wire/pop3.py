"""The pop3 probe: greeting, STLS where asked, login where a user is given, QUIT (RFC 1939, RFC 2595).

Its law: no message is looked at, so nothing in a mailbox changes.
"""

from health.dialogue import Dialogue, Farewell, Kit, Plan, StartTls, server_name
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, Pop3Probe
from health.wire.login import password_word, user_word
from health.wire.talk import Over, Talk, Turns, line


def plan(check: CheckSpec, probe: Pop3Probe, kit: Kit) -> Plan:
    """How this check is carried out."""

    def dialogue() -> Dialogue:
        return Talk(_turns(check, probe, kit), line)

    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), dialogue)


def _turns(check: CheckSpec, probe: Pop3Probe, kit: Kit) -> Turns[bytes, End | Farewell]:
    greeting = yield from _ok(b"", Reason.WRONG_STATUS)
    if probe.starttls is not None:
        yield from _ok(b"STLS\r\n", Reason.TLS_FAILED)
        yield StartTls(probe.starttls, server_name(probe.starttls, check.address))
    if probe.user is not None:
        yield from _ok(b"USER " + user_word(probe.user) + b"\r\n", Reason.LOGIN_FAILED)
        yield from _ok(b"PASS " + password_word(probe.password_file, kit) + b"\r\n", Reason.LOGIN_FAILED)
    return Farewell(b"QUIT\r\n", End(Reason.OK, excerpt(greeting)))


def _ok(say: bytes, refused: Reason) -> Turns[bytes, bytes]:
    """Say something and hear +OK. Raises Over, with `refused` at -ERR."""
    said = yield say
    word = said.split(b" ", 1)[0].upper()
    if word == b"+OK":
        return said
    raise Over(refused if word == b"-ERR" else Reason.BAD_ANSWER, excerpt(said))
