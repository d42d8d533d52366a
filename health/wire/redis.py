"""The redis probe: AUTH where a password is given, then PING, or ROLE where a role is asked for (RESP 2).

Its law: only the beginning of an answer is read, as far as it decides.
"""

from health.dialogue import Dialogue, Kit, Plan, server_name
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, RedisProbe
from health.wire.login import password
from health.wire.talk import Over, Talk, Turns, line

_ROLES = {b"master": "master", b"slave": "replica", b"sentinel": "sentinel"}
_LOGIN = (b"-NOAUTH", b"-WRONGPASS", b"-NOPERM", b"-ERR AUTH", b"-ERR INVALID PASSWORD")


def plan(check: CheckSpec, probe: RedisProbe, kit: Kit) -> Plan:
    """How this check is carried out."""

    def dialogue() -> Dialogue:
        return Talk(_turns(probe, kit), line)

    return Plan(check.address, check.port, probe.tls, server_name(probe.tls, check.address), dialogue)


def _turns(probe: RedisProbe, kit: Kit) -> Turns[bytes, End]:
    secret = password(probe.password_file, kit)
    name = [] if probe.user is None else [probe.user.encode()]
    # One of the branches always speaks first, which is what a dialogue begins with.
    if probe.password_file is not None or name:
        _plain(b"+OK", (yield _command(b"AUTH", *name, secret)))
    if probe.role is None:
        _plain(b"+PONG", (yield _command(b"PING")))
        return End(Reason.OK, "PONG")
    return (yield from _role(probe.role))


def _role(wanted: str) -> Turns[bytes, End]:
    """ROLE is answered by an array whose first element is the role, as a bulk string."""
    array = yield _command(b"ROLE")
    if not array.startswith(b"*"):
        _plain(b"*", array)
    length = yield b""
    said = yield b""
    if not length.startswith(b"$") or said not in _ROLES:
        raise Over(Reason.BAD_ANSWER, f"said {excerpt(said)}")
    found = _ROLES[said]
    return End(Reason.OK if found == wanted else Reason.WRONG_STATUS, f"role {found}")


def _plain(wanted: bytes, said: bytes) -> None:
    """Raises Over unless this line was said."""
    if said == wanted:
        return
    if said.upper().startswith(_LOGIN):
        raise Over(Reason.LOGIN_FAILED, excerpt(said))
    raise Over(Reason.WRONG_STATUS if said.startswith(b"-") else Reason.BAD_ANSWER, f"said {excerpt(said)}")


def _command(*words: bytes) -> bytes:
    """A command as an array of bulk strings, so that no word needs quoting."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)
