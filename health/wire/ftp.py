"""The ftp probe: greeting, AUTH TLS where asked, login where a user is given, QUIT (RFC 959, RFC 4217).

Its law: no data connection is ever opened.
"""

from health.dialogue import Dialogue, Farewell, Kit, Plan, StartTls, server_name
from health.result import End, Reason
from health.spec import CheckSpec, FtpProbe
from health.wire.login import password_word, user_word
from health.wire.replies import expected, reply
from health.wire.talk import Over, Talk, Turns, line

_SUPERFLUOUS = 202
"""The user needs no password (RFC 959 section 5.4)."""


def plan(check: CheckSpec, probe: FtpProbe, kit: Kit) -> Plan:
    """How this check is carried out."""

    def dialogue() -> Dialogue:
        return Talk(_turns(check, probe, kit), line)

    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), dialogue)


def _turns(check: CheckSpec, probe: FtpProbe, kit: Kit) -> Turns[bytes, End | Farewell]:
    greeting = yield from expected(b"", 120, 220)
    if greeting.code == 120:
        greeting = yield from expected(b"", 220)
    if probe.starttls is not None:
        yield from expected(b"AUTH TLS\r\n", 234, reason=Reason.TLS_FAILED)
        yield StartTls(probe.starttls, server_name(probe.starttls, check.address))
    if probe.user is not None:
        yield from _login(probe.user, probe.password_file, kit)
    return Farewell(b"QUIT\r\n", End(Reason.OK, greeting.text))


def _login(user: str, file: str | None, kit: Kit) -> Turns[bytes, None]:
    said = yield from reply(b"USER " + user_word(user) + b"\r\n")
    if said.code == 331:
        said = yield from reply(b"PASS " + password_word(file, kit) + b"\r\n")
        if said.code == _SUPERFLUOUS:
            return
    if said.code != 230:
        raise Over(Reason.LOGIN_FAILED, said.text)
