"""The grpc probe: one call of the standard health service (grpc.health.v1), over as much of HTTP/2 as that needs (RFC 9113).

Its law: one stream, no push, no header table; the server is healthy when it says SERVING and ends the call with status 0.
"""

import struct
from typing import Final, NamedTuple

import msgspec

from health.dialogue import Dialogue, Kit, Plan, server_name, without_zone
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, GrpcProbe
from health.wire import hpack
from health.wire.talk import Over, Talk, Turns

FRAME_LIMIT: Final = 16 * 1024
"""Longest frame, which a server may not pass unless told (RFC 9113 section 4.2)."""
ANSWER_LIMIT: Final = 64 * 1024
"""Bytes of messages taken."""
HEADERS_LIMIT: Final = 16 * 1024
"""Bytes of header blocks taken in one call, twice what gRPC suggests: to read text in Huffman's code takes its time."""
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY, _CONTINUATION = 0, 1, 3, 4, 6, 7, 9
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
_TABLE_SIZE, _PUSH = 1, 2
_POST, _HTTP, _HTTPS = 3, 6, 7
_AUTHORITY, _PATH, _STATUS, _CONTENT_TYPE, _USER_AGENT = 1, 4, 8, 31, 58
_STATUSES: Final = {8: b"200", 9: b"204", 10: b"206", 11: b"304", 12: b"400", 13: b"404", 14: b"500"}
_STATES: Final = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_SERVING: Final = 1
_CODES: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip


class Frame(NamedTuple):
    """One frame."""

    kind: int
    flags: int
    stream: int
    content: bytes


class _Call:
    """What has come of the call so far."""

    def __init__(self) -> None:
        self.headers = 0
        self.status = b""
        self.code = b""
        self.words = b""
        self.message = b""


def plan(check: CheckSpec, probe: GrpcProbe, kit: Kit) -> Plan:
    """How this check is carried out."""
    tls = None if probe.tls is None else msgspec.structs.replace(probe.tls, alpn="h2")
    name = server_name(tls, check.address)
    opening = _opening(check, probe, kit, name)

    def dialogue() -> Dialogue:
        return Talk(_turns(opening), _cut)

    return Plan(check.address, check.port, tls, name, dialogue)


def _opening(check: CheckSpec, probe: GrpcProbe, kit: Kit, name: str) -> bytes:
    """All that we say of our own accord: preface, settings, the whole call."""
    address = without_zone(check.address)
    host = name if name != address else f"[{address}]" if ":" in address else address
    headers = (
        hpack.indexed(_POST) + hpack.indexed(_HTTP if probe.tls is None else _HTTPS)
        + hpack.literal(_PATH, b"/grpc.health.v1.Health/Check")
        + hpack.literal(_AUTHORITY, f"{host}:{check.port}".encode())
        + hpack.literal(b"te", b"trailers") + hpack.literal(_CONTENT_TYPE, b"application/grpc")
        + hpack.literal(_USER_AGENT, kit.agent.encode())
    )  # fmt: skip
    service = probe.service.encode()
    asked = b"\x0a" + _varint(len(service)) + service if service else b""
    settings = struct.pack(">HIHI", _TABLE_SIZE, 0, _PUSH, 0)
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, settings)
        + _frame(_HEADERS, _END_HEADERS, 1, headers)
        + _frame(_DATA, _END_STREAM, 1, b"\0" + struct.pack(">I", len(asked)) + asked)
    )


def _turns(opening: bytes) -> Turns[Frame, End]:
    call, say, over = _Call(), opening, False
    while not over:
        frame = yield say
        say = b""
        if frame.kind == _SETTINGS and not frame.flags & _ACK:
            say = _frame(_SETTINGS, _ACK, 0, b"")
        elif frame.kind == _PING and not frame.flags & _ACK:
            say = _frame(_PING, _ACK, 0, frame.content)
        elif frame.kind == _GO_AWAY:
            raise Over(Reason.CLOSED, f"goes away with code {int.from_bytes(frame.content[4:8], 'big')}")
        elif frame.stream == 1:
            if frame.kind == _RESET:
                raise Over(Reason.CLOSED, f"resets the call with code {int.from_bytes(frame.content, 'big')}")
            yield from _gather(call, frame)
            over = bool(frame.flags & _END_STREAM) and frame.kind in (_DATA, _HEADERS)
    return _judge(call)


def _gather(call: _Call, frame: Frame) -> Turns[Frame, None]:
    """Add a frame of the call; header blocks are whole before anything else comes (RFC 9113 section 4.3)."""
    content = _unpadded(frame)
    if frame.kind == _DATA:
        call.message += content
    elif frame.kind == _HEADERS:
        block, last = content[5:] if frame.flags & _PRIORITY else content, frame
        while not last.flags & _END_HEADERS:
            last = yield b""
            if last.kind != _CONTINUATION or last.stream != 1:
                raise Over(Reason.BAD_ANSWER, f"a frame of kind {last.kind} within headers")
            block += last.content
            if call.headers + len(block) > HEADERS_LIMIT:
                break
        call.headers += len(block)
        if call.headers > HEADERS_LIMIT:
            raise Over(Reason.ANSWER_TOO_LONG, f"more than {HEADERS_LIMIT} bytes of headers")
        _note(call, block)
    if len(call.message) > ANSWER_LIMIT:
        raise Over(Reason.ANSWER_TOO_LONG, f"more than {ANSWER_LIMIT} bytes")


def _unpadded(frame: Frame) -> bytes:
    if frame.kind not in (_DATA, _HEADERS) or not frame.flags & _PADDED or not frame.content:
        return frame.content
    return frame.content[1 : max(1, len(frame.content) - frame.content[0])]


def _note(call: _Call, block: bytes) -> None:
    """Keep the fields that decide. Raises Over."""
    try:
        found = hpack.fields(block)
    except hpack.HeaderError as error:
        raise Over(Reason.BAD_ANSWER, f"headers: {error}") from error
    for name, value in found:
        if name in _STATUSES and isinstance(name, int):
            call.status = value or _STATUSES[name]
        elif name in (b":status", b"grpc-status", b"grpc-message"):
            setattr(call, {b":status": "status", b"grpc-status": "code"}.get(bytes(name), "words"), value)


def _judge(call: _Call) -> End:
    if call.status != b"200":
        return End(Reason.WRONG_STATUS, f"HTTP status {excerpt(call.status)}")
    if not call.code.isdigit() or len(call.code) > 3:
        return End(Reason.BAD_ANSWER, "the call ends without a status of gRPC")
    code = int(call.code)
    if code:
        name = _CODES[code] if code < len(_CODES) else ""
        return End(Reason.WRONG_STATUS, f"gRPC status {code} {name} {excerpt(call.words, 100)}".rstrip())
    state = _state(call.message)
    if state is None:
        return End(Reason.BAD_ANSWER, f"no health in {excerpt(call.message)}")
    return End(Reason.OK if state == _SERVING else Reason.WRONG_STATUS, _STATES.get(state, f"health {state}"))


def _state(message: bytes) -> int | None:
    """The state in a HealthCheckResponse, whose default is 0; None where the message is no such thing."""
    if len(message) < 5 or message[0] or int.from_bytes(message[1:5], "big") != len(message) - 5:
        return None
    if len(message) == 5:
        return 0
    return message[6] if message[5] == 0x08 and len(message) == 7 and message[6] < 0x80 else None


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


def _varint(number: int) -> bytes:
    found = b""
    while number >= 0x80:
        found += bytes((number & 0x7F | 0x80,))
        number >>= 7
    return found + bytes((number,))


def _cut(buffer: bytearray) -> Frame | End | None:
    """Take one frame off."""
    if buffer[:5] == b"HTTP/":
        return End(Reason.BAD_ANSWER, f"speaks no HTTP/2: {excerpt(bytes(buffer))}")
    if len(buffer) < 9:
        return None
    size = int.from_bytes(buffer[:3], "big")
    if size > FRAME_LIMIT:
        return End(Reason.ANSWER_TOO_LONG, f"a frame of {size} bytes: {excerpt(bytes(buffer))}")
    if len(buffer) < 9 + size:
        return None
    stream = int.from_bytes(buffer[5:9], "big") & 0x7FFFFFFF
    frame = Frame(buffer[3], buffer[4], stream, bytes(buffer[9 : 9 + size]))
    del buffer[: 9 + size]
    return frame
