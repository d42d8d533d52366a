"""The sip probe against servers that answer as a test says, over UDP and TCP."""

import asyncio

import pytest

from health.result import Reason
from health.spec import SipProbe
from support.probing import hostile, probed
from support.servers import Talk, answering, free_port, serving

TCP = SipProbe(protocol="tcp")


def answer(request: bytes, first: str = "SIP/2.0 200 OK", short: bool = False, ident: bytes = b"") -> bytes:
    """An answer with the request's own Via, Call-ID and CSeq, as every server copies them."""
    names = {b"Via": b"v", b"Call-ID": b"i", b"CSeq": b"CSeq"}
    lines = [line.partition(b": ") for line in request.split(b"\r\n")]
    copied = [(names[name] if short else name) + b" : " + value for name, _, value in lines if name in names]
    head = b"\r\n".join([first.encode(), *copied, b"Content-Length: 0", b"", b""])
    return head.replace(ident, b"another") if ident else head


def call_id(request: bytes) -> bytes:
    """What nobody can guess."""
    return request.partition(b"Call-ID: ")[2].partition(b"@")[0]


CASES = [
    (lambda q: [answer(q)], Reason.OK, "200 OK"),
    (lambda q: [answer(q, short=True)], Reason.OK, "200 OK"),
    (lambda q: [answer(q, "SIP/2.0 100 Trying"), answer(q)], Reason.OK, "200 OK"),
    (lambda q: [answer(q, "SIP/2.0 503 Busy\x1b")], Reason.WRONG_STATUS, "503 Busy"),
    (lambda q: [answer(q, ident=call_id(q)), answer(q)], Reason.OK, ""),
    (lambda q: [answer(q, ident=call_id(q))], Reason.BAD_ANSWER, "no final answer"),
    (lambda q: [q], Reason.BAD_ANSWER, "no final answer"),
    (lambda q: [b"\0\xff"], Reason.BAD_ANSWER, "no final answer"),
    (lambda q: [answer(q, "SIP/2.0 OK")], Reason.BAD_ANSWER, "no final answer"),
    (lambda q: [], Reason.READ_TIMEOUT, "no answer"),
]


@pytest.mark.parametrize(("said", "reason", "detail"), CASES)
async def test_datagrams(said: object, reason: Reason, detail: str) -> None:
    """What each answer means; what is not ours decides nothing."""
    async with answering(said) as port:  # type: ignore[arg-type]
        found = (await probed(port, SipProbe(), limit=0.4)).result
    assert (found.reason, detail in found.detail) == (reason, True), found
    assert found.detail.isprintable()


@pytest.mark.parametrize(
    ("first", "reason", "detail"),
    [
        (["SIP/2.0 200 OK"], Reason.OK, "200 OK"),
        (["SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"], Reason.WRONG_STATUS, "486 Busy Here"),
        (["HTTP/1.1 200 OK"], Reason.BAD_ANSWER, "no answer to this request"),
    ],
)
async def test_stream(first: list[str], reason: Reason, detail: str) -> None:
    """The same over TCP, in pieces."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        for piece in (answer(request, each) for each in first):
            writer.write(piece[:20])
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(piece[20:])
        await reader.read()

    async with serving(talk) as port:
        found = (await probed(port, TCP)).result
    assert (found.reason, detail in found.detail) == (reason, True), found


@pytest.mark.parametrize(("talk", "reasons"), hostile(b"SIP/2.0 200 OK\r\n"))
async def test_hostile(talk: Talk, reasons: set[Reason]) -> None:
    """Slow, half-open, oversized, garbage."""
    async with serving(talk) as port:
        found = (await probed(port, TCP, limit=0.4)).result
    assert found.reason in reasons | {Reason.CLOSED}, found
    assert found.detail.isprintable()


@pytest.mark.parametrize("probe", [SipProbe(), TCP])
async def test_nobody_there(probe: SipProbe) -> None:
    """A closed port refuses."""
    assert (await probed(free_port(), probe)).result.reason is Reason.CONNECT_REFUSED
