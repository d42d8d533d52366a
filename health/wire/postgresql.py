"""The postgresql probe: TLS where asked, the start of a session, a login and a query where given, Terminate.

Version 3 of the protocol. Its law: without a user it passes as soon as the server asks who we are; with one only when the
session stands, and with a query only when that was done.
"""

import hashlib
import struct
from typing import Final, NamedTuple

from health.dialogue import Dialogue, Farewell, Kit, Plan, StartTls, server_name
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, PostgresqlProbe
from health.wire.login import password
from health.wire.scram import MECHANISM, Scram, ScramError
from health.wire.talk import Over, Talk, Turns

MESSAGE_LIMIT: Final = 64 * 1024
"""Longest message taken, in bytes."""
_VERSION: Final = 3 << 16
_TLS: Final = struct.pack(">II", 8, 80877103)
_NONCE: Final = 18
_OK, _CLEAR, _MD5, _SASL, _SASL_GO_ON, _SASL_END = 0, 3, 5, 10, 11, 12
_NOTICE: Final = b"N"
_NO_ACCOUNT: Final = "28"
_ALIVE: Final = frozenset({"28", "3D"})
"""Classes of errors that a server which is well has for nobody: authorization, and an unknown database."""


class Message(NamedTuple):
    """One message: its kind and what is in it. The answer to the request for TLS is a kind alone."""

    kind: bytes
    content: bytes


def plan(check: CheckSpec, probe: PostgresqlProbe, kit: Kit) -> Plan:
    """How this check is carried out."""

    def dialogue() -> Dialogue:
        cutter = _Cutter(probe.tls is not None)
        return Talk(_turns(check, probe, kit), cutter.cut)

    return Plan(check.address, check.port, dialogue=dialogue)


def _turns(check: CheckSpec, probe: PostgresqlProbe, kit: Kit) -> Turns[Message, End | Farewell]:
    if probe.tls is not None:
        said = yield _TLS
        if said.kind != b"S":
            raise Over(Reason.TLS_FAILED, "does not offer TLS")
        yield StartTls(probe.tls, server_name(probe.tls, check.address))
    user = probe.user or "hactl"
    said = yield _start(user, probe.database or user)
    if probe.user is None:
        return _asked(said)
    yield from _login(said, user.encode(), probe.password_file, kit)
    yield from _ready(b"")
    if probe.query is not None:
        yield from _ready(_message(b"Q", probe.query.encode() + b"\0"))
    return Farewell(_message(b"X", b""), End(Reason.OK))


def _asked(said: Message) -> End:
    """What the first answer means where no login is wanted."""
    if said.kind == b"R":
        return End(Reason.OK)
    code, words = _error(said)
    return End(Reason.OK if code[:2] in _ALIVE else Reason.WRONG_STATUS, words)


def _login(said: Message, user: bytes, file: str | None, kit: Kit) -> Turns[Message, None]:
    """Answer what the server asks until it is content. Raises Over."""
    scram: Scram | None = None
    for _ in range(8):
        method, data = _method(said)
        if method == _OK:
            if scram is not None and not scram.proven:
                raise Over(Reason.LOGIN_FAILED, "does not prove that it knows the password")
            return
        secret = password(file, kit)
        try:
            if method == _CLEAR:
                answer = secret + b"\0"
            elif method == _MD5:
                answer = _md5(user, secret, data[:4])
            elif method == _SASL and scram is None and MECHANISM in data.split(b"\0"):
                scram = Scram(secret, kit.random(_NONCE))
                first = scram.first()
                answer = MECHANISM + b"\0" + struct.pack(">I", len(first)) + first
            elif method == _SASL_GO_ON and scram is not None:
                answer = scram.final(data)
            elif method == _SASL_END and scram is not None:
                scram.verify(data)
                said = yield b""
                continue
            else:
                raise Over(Reason.LOGIN_FAILED, f"asks for login method {method}, which is not known here")
        except ScramError as error:
            raise Over(Reason.LOGIN_FAILED, str(error)) from error
        said = yield _message(b"p", answer)
    raise Over(Reason.BAD_ANSWER, "asks and asks")


def _method(said: Message) -> tuple[int, bytes]:
    if said.kind != b"R" or len(said.content) < 4:
        code, words = _error(said)
        raise Over(Reason.LOGIN_FAILED if code.startswith(_NO_ACCOUNT) else Reason.WRONG_STATUS, words)
    return int.from_bytes(said.content[:4], "big"), said.content[4:]


def _ready(say: bytes) -> Turns[Message, None]:
    """Say something and hear all until the server is ready for more. Raises Over."""
    said = yield say
    while said.kind != b"Z":
        if said.kind == b"E":
            code, words = _error(said)
            raise Over(Reason.LOGIN_FAILED if code.startswith(_NO_ACCOUNT) else Reason.WRONG_STATUS, words)
        said = yield b""


def _error(said: Message) -> tuple[str, str]:
    """Code and words of an error; raises Over where it is none."""
    if said.kind != b"E":
        raise Over(Reason.BAD_ANSWER, f"said {excerpt(said.kind + said.content)}")
    fields = {field[:1]: field[1:] for field in said.content.split(b"\0") if field}
    code = excerpt(fields.get(b"C", b"?????"), 5)
    return code, f"{code} {excerpt(fields.get(b'M', b''), 120)}"


def _start(user: str, database: str) -> bytes:
    values = ("user", user, "database", database, "application_name", "hactl")
    content = struct.pack(">I", _VERSION) + b"".join(value.encode() + b"\0" for value in values) + b"\0"
    return struct.pack(">I", len(content) + 4) + content


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content) + 4) + content


def _md5(user: bytes, secret: bytes, salt: bytes) -> bytes:
    def digest(data: bytes) -> bytes:
        return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()

    return b"md5" + digest(digest(secret + user) + salt) + b"\0"


class _Cutter:
    """Takes messages off; the first thing said is a single letter where TLS was asked for. Notices may come anywhere and
    decide nothing (section 55.2.7 of PostgreSQL's documentation)."""

    def __init__(self, letter: bool) -> None:
        self._letter = letter

    def cut(self, buffer: bytearray) -> Message | End | None:
        """Take one message off, and the notices before it."""
        if self._letter and buffer:
            self._letter = False
            if buffer[0] in b"SN":
                taken = Message(bytes(buffer[:1]), b"")
                del buffer[:1]
                return taken
        while isinstance(found := _message_of(buffer), Message) and found.kind == _NOTICE:
            pass
        return found


def _message_of(buffer: bytearray) -> Message | End | None:
    if len(buffer) < 5:
        return None
    size = 1 + int.from_bytes(buffer[1:5], "big")
    if size < 5 or not buffer[:1].isalpha():
        return End(Reason.BAD_ANSWER, f"said {excerpt(bytes(buffer))}")
    if size > MESSAGE_LIMIT:
        return End(Reason.ANSWER_TOO_LONG, f"a message of {size} bytes: {excerpt(bytes(buffer))}")
    if len(buffer) < size:
        return None
    taken = Message(bytes(buffer[:1]), bytes(buffer[5:size]))
    del buffer[:size]
    return taken
