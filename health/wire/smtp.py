"""The smtp probe: greeting, EHLO, STARTTLS where asked, login where a user is given, QUIT (RFC 5321, RFC 3207, RFC 4954).

Its law: nothing is said before the whole greeting was heard, and no mail is ever begun.
"""

import base64

from health.dialogue import Dialogue, Farewell, Kit, Plan, ProbeError, StartTls, server_name
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, SmtpProbe
from health.wire.login import password
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
        return Talk(_turns(helo.encode(), start, probe, kit), line)

    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), dialogue)


def _turns(helo: bytes, start: StartTls | None, probe: SmtpProbe, kit: Kit) -> Turns[bytes, End | Farewell]:
    greeting = yield from expected(b"", 220)
    offered = yield from _hello(helo)
    if start is not None:
        if not any(line.strip().upper() == b"STARTTLS" for line in offered.lines):
            raise Over(Reason.TLS_FAILED, "does not offer STARTTLS")
        yield from expected(b"STARTTLS\r\n", 220, reason=Reason.TLS_FAILED)
        yield start
        offered = yield from _hello(helo)
    if probe.user is not None:
        yield from _login(offered, probe.user.encode(), probe.password_file, kit)
    return Farewell(b"QUIT\r\n", End(Reason.OK, greeting.text))


def _login(offered: Reply, user: bytes, file: str | None, kit: Kit) -> Turns[bytes, None]:
    """Log in by PLAIN, or by LOGIN with a server that offers no other. Raises Over."""
    lines = (line.upper().replace(b"=", b" ").split() for line in offered.lines)
    mechanisms = {word for words in lines if words[:1] == [b"AUTH"] for word in words[1:]}
    if b"PLAIN" in mechanisms:
        said = yield from reply(b"AUTH PLAIN " + _coded(b"\0" + user + b"\0" + password(file, kit)))
    elif b"LOGIN" in mechanisms:
        said = yield from expected(b"AUTH LOGIN\r\n", 334, reason=Reason.LOGIN_FAILED)
        said = yield from expected(_coded(user), 334, reason=Reason.LOGIN_FAILED)
        said = yield from reply(_coded(password(file, kit)))
    else:
        names = excerpt(b" ".join(sorted(mechanisms))) or "none"
        raise Over(Reason.LOGIN_FAILED, f"offers no login known here: {names}")
    if said.code != 235:
        raise Over(Reason.LOGIN_FAILED, said.text)


def _coded(text: bytes) -> bytes:
    return base64.b64encode(text) + b"\r\n"


def _hello(helo: bytes) -> Turns[bytes, Reply]:
    """EHLO, or HELO with a server that knows no EHLO (RFC 5321 section 3.2)."""
    said = yield from reply(b"EHLO " + helo + b"\r\n")
    if said.code in _NOT_KNOWN:
        said = yield from reply(b"HELO " + helo + b"\r\n")
    if said.code != 250:
        raise Over(Reason.WRONG_STATUS, said.text)
    return said
