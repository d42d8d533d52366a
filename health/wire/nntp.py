"""The nntp probe: greeting, QUIT (RFC 3977 section 5.1)."""

from health.dialogue import Dialogue, Farewell, Kit, Plan, server_name
from health.result import End, Reason
from health.spec import CheckSpec, NntpProbe
from health.wire.replies import expected
from health.wire.talk import Talk, Turns, line


def plan(check: CheckSpec, probe: NntpProbe, kit: Kit) -> Plan:
    """How this check is carried out."""

    def dialogue() -> Dialogue:
        return Talk(_turns(), line)

    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), dialogue)


def _turns() -> Turns[bytes, End | Farewell]:
    greeting = yield from expected(b"", 200, 201)
    return Farewell(b"QUIT\r\n", End(Reason.OK, greeting.text))
