"""The grpc probe: header blocks to the byte (RFC 7541 appendix C), frames in every order, servers that answer badly."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.result import Reason
from health.spec import GrpcProbe
from health.wire import hpack
from support.probing import hostile, probed
from support.servers import Talk, saying, serving

PROBE = GrpcProbe(service="shop")


def frame(kind: int, flags: int, content: bytes, stream: int = 1) -> bytes:
    """One frame."""
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


def test_header_blocks_of_the_rfc() -> None:
    """The examples of appendix C, plain (C.2.2, C.3.1) and in Huffman's code (C.4.1, C.6.1)."""
    assert hpack.literal(4, b"/sample/path").hex() == "040c2f73616d706c652f70617468"
    plain = bytes.fromhex("828684410f7777772e6578616d706c652e636f6d")
    coded = bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")
    wanted = [(2, b""), (6, b""), (4, b""), (1, b"www.example.com")]
    assert hpack.fields(plain) == hpack.fields(coded) == wanted
    answer = bytes.fromhex(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3"
    )
    assert hpack.fields(answer) == [
        (8, b"302"), (24, b"private"), (33, b"Mon, 21 Oct 2013 20:13:21 GMT"), (46, b"https://www.example.com"),
    ]  # fmt: skip


@given(st.binary(max_size=60))
def test_any_header_block(block: bytes) -> None:
    """Read, or refused in one way."""
    with contextlib.suppress(hpack.HeaderError):
        hpack.fields(block)


@given(st.integers(0, 1000))
def test_lengths_and_numbers(size: int) -> None:
    """What is written is read back, however long."""
    assert hpack.fields(hpack.literal(b"n" * size, b"v" * size)) == [(b"n" * size, b"v" * size)]


def trailers(code: bytes, words: bytes = b"") -> bytes:
    """The end of a call."""
    return hpack.literal(b"grpc-status", code) + hpack.literal(b"grpc-message", words)


SETTINGS = frame(4, 0, b"", 0)
HEAD = frame(1, 4, hpack.indexed(8))
BODY = b"\0\0\0\0\2\x08"
GOOD = SETTINGS + HEAD + frame(0, 0, BODY + b"\1") + frame(1, 5, trailers(b"0"))
SPLIT = frame(1, 1, b"") + frame(9, 0, trailers(b"0")[:5]) + frame(9, 4, trailers(b"0")[5:])


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        (GOOD, Reason.OK, "SERVING"),
        (SETTINGS + frame(6, 0, b"pingping", 0) + frame(8, 0, b"\0\0\1\0", 0) + GOOD, Reason.OK, ""),
        (HEAD + frame(0, 8, b"\2" + BODY + b"\1\0\0") + SPLIT, Reason.OK, "SERVING"),
        (frame(1, 0x2C, b"\1\0\0\0\0\7" + hpack.indexed(8) + b"\0") + frame(0, 0, BODY + b"\1") + SPLIT, Reason.OK, ""),
        (HEAD + frame(0, 0, BODY + b"\2") + SPLIT, Reason.WRONG_STATUS, "NOT_SERVING"),
        (HEAD + frame(0, 0, b"\0\0\0\0\0") + SPLIT, Reason.WRONG_STATUS, "UNKNOWN"),
        (HEAD + frame(0, 0, BODY + b"\x07") + SPLIT, Reason.WRONG_STATUS, "health 7"),
        (HEAD + frame(0, 0, b"\0\0\0\0\1x") + SPLIT, Reason.BAD_ANSWER, "no health in"),
        (HEAD + SPLIT, Reason.BAD_ANSWER, "no health in"),
        (frame(1, 5, hpack.indexed(8) + trailers(b"12", b"no")), Reason.WRONG_STATUS, "gRPC status 12 UNIMPLEMENTED no"),
        (frame(1, 5, hpack.indexed(8) + trailers(b"99")), Reason.WRONG_STATUS, "gRPC status 99"),
        (frame(1, 5, hpack.indexed(8) + trailers(b"x")), Reason.BAD_ANSWER, "without a status"),
        (frame(1, 5, hpack.indexed(13)), Reason.WRONG_STATUS, "HTTP status 404"),
        (frame(1, 5, hpack.literal(8, b"503")), Reason.WRONG_STATUS, "HTTP status 503"),
        (frame(3, 0, b"\0\0\0\7"), Reason.CLOSED, "resets the call with code 7"),
        (frame(7, 0, b"\0\0\0\0\0\0\0\x0b", 0), Reason.CLOSED, "goes away with code 11"),
        (frame(1, 0, b"") + frame(0, 0, b""), Reason.BAD_ANSWER, "a frame of kind 0 within headers"),
        (frame(1, 4, b"\x7f"), Reason.BAD_ANSWER, "headers: "),
        (frame(1, 0, b"") + frame(9, 0, b"x" * 16000) * 5, Reason.ANSWER_TOO_LONG, "of headers"),
        ((HEAD + frame(1, 4, hpack.literal(b"x", b"y" * 8000))) * 9, Reason.ANSWER_TOO_LONG, "of headers"),
        (HEAD + frame(0, 0, b"x" * 16000) * 5, Reason.ANSWER_TOO_LONG, "more than"),
        (frame(6, 1, b"pingping", 0) * 2000, Reason.ANSWER_TOO_LONG, "1000 answers"),
        (b"\xff\xff\xff\0\0\0\0\0\0", Reason.ANSWER_TOO_LONG, "a frame of"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Reason.BAD_ANSWER, "speaks no HTTP/2"),
    ],
)  # fmt: skip
async def test_answers(answer: bytes, reason: Reason, detail: str) -> None:
    """What each answer means."""
    async with serving(saying(answer, pause=0.2)) as port:
        found = (await probed(port, PROBE)).result
    assert (found.reason, detail in found.detail) == (reason, True), found


@pytest.mark.parametrize(("talk", "reasons"), hostile(GOOD[:30]))
async def test_hostile(talk: Talk, reasons: set[Reason]) -> None:
    """Slow, half-open, oversized, garbage."""
    async with serving(talk) as port:
        found = (await probed(port, PROBE, limit=0.4)).result
    assert found.reason in reasons, found
    assert found.detail.isprintable()
