"""The ldap probe: StartTLS where asked, a simple bind, a search where a base is given, unbind (RFC 4511, RFC 4513).

Its law: at most one entry is asked for, and no attribute of it.
"""

import math

from health.dialogue import Dialogue, Farewell, Kit, Plan, ProbeError, StartTls, server_name
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, LdapProbe
from health.wire import ldap_message as message
from health.wire.ldap_filter import FilterError, encoded_filter
from health.wire.ldap_message import MessageError, Response
from health.wire.login import password
from health.wire.talk import Over, Talk, Turns

_NO_LOGIN = frozenset({7, 8, 13, 48, 49, 50})
_WORDS = {
    1: "operationsError", 2: "protocolError", 3: "timeLimitExceeded", 7: "authMethodNotSupported",
    8: "strongerAuthRequired", 10: "referral", 11: "adminLimitExceeded", 13: "confidentialityRequired",
    32: "noSuchObject", 34: "invalidDNSyntax", 48: "inappropriateAuthentication", 49: "invalidCredentials",
    50: "insufficientAccessRights", 51: "busy", 52: "unavailable", 53: "unwillingToPerform",
}  # fmt: skip
_MISSING = 32
_MORE = 4
"""sizeLimitExceeded: there are more entries than the one asked for."""
_NOTICE = 0
"""The number of a message that answers no request: the server is leaving (RFC 4511 section 4.4)."""


def plan(check: CheckSpec, probe: LdapProbe, kit: Kit) -> Plan:
    """How this check is carried out. Raises ProbeError."""
    try:
        query = encoded_filter(probe.filter)
    except FilterError as error:
        raise ProbeError(f"the filter {probe.filter} {error}") from error

    def dialogue() -> Dialogue:
        return Talk(_turns(check, probe, query, kit), _cut)

    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), dialogue)


def _turns(check: CheckSpec, probe: LdapProbe, query: bytes, kit: Kit) -> Turns[bytes, End | Farewell]:
    if probe.starttls is not None:
        said = yield from _answer(message.start_tls(1), 1, message.ANSWERED)
        _good(said, Reason.TLS_FAILED)
        yield StartTls(probe.starttls, server_name(probe.starttls, check.address))
    name = (probe.bind_dn or "").encode()
    said = yield from _answer(message.bind(2, name, password(probe.password_file, kit)), 2, message.BOUND)
    _good(said, Reason.LOGIN_FAILED if said.code in _NO_LOGIN else Reason.WRONG_STATUS)
    found = ""
    if probe.base is not None:
        seconds = math.ceil(check.timeout)
        yield from _found(message.search(3, probe.base.encode(), message.SCOPES[probe.scope], query, seconds))
        found = "found"
    return Farewell(message.unbind(4), End(Reason.OK, found))


def _found(request: bytes) -> Turns[bytes, None]:
    """Search and have an entry. Raises Over."""
    entries = 0
    said = yield from _answer(request, 3, message.ENTRY, message.REFERENCE, message.DONE)
    while said.operation != message.DONE:
        entries += said.operation == message.ENTRY
        said = yield from _answer(b"", 3, message.ENTRY, message.REFERENCE, message.DONE)
    if said.code != _MORE or not entries:
        _good(said, Reason.NO_MATCH if said.code == _MISSING else Reason.WRONG_STATUS)
    if not entries:
        raise Over(Reason.NO_MATCH, "no entry found")


def _answer(say: bytes, number: int, *operations: int) -> Turns[bytes, Response]:
    """Say something and have the response to message `number`. Raises Over."""
    data = yield say
    try:
        said = message.read(data)
    except MessageError as error:
        raise Over(Reason.BAD_ANSWER, f"{error}: {excerpt(data)}") from error
    if said.id == _NOTICE and said.operation == message.ANSWERED:
        raise Over(Reason.CLOSED, _words(said))
    if said.id != number or said.operation not in operations:
        raise Over(Reason.BAD_ANSWER, f"answered with operation {said.operation:#x} to message {said.id}")
    return said


def _good(said: Response, otherwise: Reason) -> None:
    if said.code:
        raise Over(otherwise, _words(said))


def _words(said: Response) -> str:
    text = excerpt(said.text, 100) if said.text else ""
    return f"{said.code} {_WORDS.get(said.code, '')} {text}".strip()


def _cut(buffer: bytearray) -> bytes | End | None:
    """Take one message off."""
    try:
        size = message.size(buffer)
    except MessageError as error:
        return End(Reason.BAD_ANSWER, f"{error}: {excerpt(bytes(buffer))}")
    if size is not None and size > message.MESSAGE_LIMIT:
        return End(Reason.ANSWER_TOO_LONG, f"a message of {size} bytes")
    if size is None or len(buffer) < size:
        return None
    taken = bytes(buffer[:size])
    del buffer[:size]
    return taken
