"""The mysql probe: the greeting, TLS where asked, a login, a query where one is given, and leave (MySQL and MariaDB).

Its law: every greeting is answered with a login, of nobody where no user is given: a server counts those that go without
a word and in the end refuses the whole host (`max_connect_errors`).
"""

from collections.abc import Callable
from typing import TypeVar

from health.dialogue import Dialogue, Farewell, Kit, Plan, StartTls, server_name
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, MysqlProbe
from health.wire import mysql_packet as wire
from health.wire.login import password, user_word
from health.wire.mysql_packet import Packet, PacketError
from health.wire.talk import Over, Talk, Turns

_NO_LOGIN = frozenset({1044, 1045, 1251, 1698, 1862, 3118, 3878})
_OK, _MORE, _SWITCH, _ERROR = 0x00, 0x01, 0xFE, 0xFF
Got = TypeVar("Got")
_FAST, _FULL = 3, 4


def plan(check: CheckSpec, probe: MysqlProbe, kit: Kit) -> Plan:
    """How this check is carried out."""

    def dialogue() -> Dialogue:
        return Talk(_turns(check, probe, kit), _Cutter().cut)

    return Plan(check.address, check.port, dialogue=dialogue)


def _turns(check: CheckSpec, probe: MysqlProbe, kit: Kit) -> Turns[Packet, End | Farewell]:
    first = yield b""
    _no_error(first, Reason.WRONG_STATUS)
    hello = _read(first, wire.greeting)
    able = wire.capabilities(hello.capabilities, probe.database is not None, probe.tls is not None)
    number = first.number + 1
    if probe.tls is not None:
        if not able & wire.TLS:
            raise Over(Reason.TLS_FAILED, "does not offer TLS")
        name = server_name(probe.tls, check.address)
        yield StartTls(probe.tls, name, before=wire.packet(number, wire.tls_request(able)))
        number += 1
    secret = password(probe.password_file, kit)
    answer = wire.proof(hello.plugin, secret, hello.salt)
    plugin = hello.plugin if answer is not None else wire.NATIVE
    user, database = user_word(probe.user or ""), (probe.database or "").encode()
    said = yield wire.packet(number, wire.login(able, user, answer or b"", database, plugin))
    yield from _admitted(said, probe, secret)
    end = End(Reason.OK, excerpt(hello.version))
    if probe.query is not None and probe.user is not None:
        _no_error((yield wire.query(probe.query)), Reason.WRONG_STATUS)
    return Farewell(wire.farewell(), end)


def _admitted(said: Packet, probe: MysqlProbe, secret: bytes) -> Turns[Packet, None]:
    """Go on with the login until it is decided. Raises Over."""
    while said.content[0] != _OK:
        kind = said.content[0]
        if kind == _ERROR:
            if probe.user is None and _read(said, wire.refusal)[0] in _NO_LOGIN:
                return
            _no_error(said, Reason.WRONG_STATUS)
        if kind == _SWITCH:
            plugin, salt = _read(said, wire.switch)
            answer = wire.proof(plugin, secret, salt)
            if answer is None and probe.user is None:
                # MySQL asks one whom it does not know in any way that it has, so as not to betray that it does not.
                answer = wire.NO_PASSWORD
            if answer is None:
                raise Over(Reason.LOGIN_FAILED, f"asks for {excerpt(plugin)}, which is not known here")
            said = yield wire.packet(said.number + 1, answer)
        elif kind == _MORE and said.content[1:2] == bytes((_FAST,)):
            said = yield b""
        elif kind == _MORE and said.content[1:2] == bytes((_FULL,)):
            if probe.tls is None:
                raise Over(
                    Reason.LOGIN_FAILED, "asks for the password itself, which is given inside TLS only"
                )
            said = yield wire.packet(said.number + 1, secret + b"\0")
        else:
            raise Over(Reason.BAD_ANSWER, f"said {excerpt(said.content)}")


def _no_error(said: Packet, reason: Reason) -> None:
    """Raise Over where the server says no."""
    if said.content[0] == _ERROR:
        code, words = _read(said, wire.refusal)
        raise Over(Reason.LOGIN_FAILED if code in _NO_LOGIN else reason, f"{code} {excerpt(words, 120)}")


def _read(said: Packet, reader: Callable[[bytes], Got]) -> Got:
    try:
        return reader(said.content)
    except PacketError as error:
        raise Over(Reason.BAD_ANSWER, f"{error}: {excerpt(said.content)}") from error


class _Cutter:
    """Takes packets off; the first one is number 0, which tells garbage."""

    def __init__(self) -> None:
        self._first = True

    def cut(self, buffer: bytearray) -> Packet | End | None:
        """Take one packet off."""
        if len(buffer) < 4:
            return None
        size = int.from_bytes(buffer[:3], "little")
        if not size or (self._first and buffer[3]):
            return End(Reason.BAD_ANSWER, f"an empty packet, or none: {excerpt(bytes(buffer))}")
        if size > wire.PACKET_LIMIT:
            return End(Reason.ANSWER_TOO_LONG, f"a packet of {size} bytes: {excerpt(bytes(buffer))}")
        if len(buffer) < 4 + size:
            return None
        self._first = False
        taken = Packet(buffer[3], bytes(buffer[4 : 4 + size]))
        del buffer[: 4 + size]
        return taken
