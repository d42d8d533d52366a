"""Every kind of probe before every kind of bad server: none passes, none outlasts its time, none takes what has no end.

What each kind makes of right and wrong answers is in the tests of that kind. A new kind fails here until it is named.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import get_args

import pytest

from health import spec
from health.result import DETAIL_LIMIT, Reason
from support.probing import probed
from support.servers import Talk, answering, reset, saying, serving, silence

LIMIT, LATE = 0.6, 5.0
"""Seconds that a probe has, and that a busy machine may add."""
SECRETS = {"/etc/hactl/shared.secret": "shared"}

STREAMS: dict[str, spec.Probe] = {
    "tcp": spec.TcpProbe(expect="well"),
    "http": spec.HttpProbe(body=spec.BodyMatch(contains="well")),
    "ssh": spec.SshProbe(),
    "smtp": spec.SmtpProbe(),
    "dns": spec.DnsProbe(tcp=True),
    "ftp": spec.FtpProbe(),
    "imap": spec.ImapProbe(),
    "pop3": spec.Pop3Probe(),
    "nntp": spec.NntpProbe(),
    "redis": spec.RedisProbe(),
    "agent": spec.AgentProbe(),
    "ldap": spec.LdapProbe(),
    "mysql": spec.MysqlProbe(),
    "postgresql": spec.PostgresqlProbe(),
    "grpc": spec.GrpcProbe(),
    "sip": spec.SipProbe(protocol="tcp"),
    "https": spec.HttpProbe(tls=spec.TlsSpec(verify=False)),
}
DATAGRAMS: dict[str, spec.Probe] = {
    "udp": spec.UdpProbe(expect="well"),
    "dns": spec.DnsProbe(),
    "ntp": spec.NtpProbe(),
    "sip": spec.SipProbe(),
    "radius": spec.RadiusProbe(secret_file="/etc/hactl/shared.secret"),
}
ELSEWHERE = (spec.PingProbe, spec.ScriptProbe, spec.FileProbe, spec.ProcessProbe)
"""Kinds that talk with the kernel or a program: their own tests have what can go wrong there."""
NEVER = {Reason.OK, Reason.CANNOT_RUN, Reason.INTERNAL_ERROR}
BINARY = bytes(range(256))


def test_no_kind_is_forgotten() -> None:
    """Each member of the union of probes is in one of the lists above."""
    named = {type(probe) for probe in (*STREAMS.values(), *DATAGRAMS.values())}
    assert named | set(ELSEWHERE) == set(get_args(spec.Probe))


def endless(piece: bytes, sent: list[int]) -> Talk:
    """Say the same for ever, as fast as it is taken, and count it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(piece)
            sent[0] += len(piece)
            await writer.drain()

    return talk


async def half_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that nothing more will come, and keep the connection open."""
    writer.write_eof()
    await reader.read()
    await asyncio.sleep(3600)


async def asked(probe: spec.Probe, port: int) -> Reason:
    """How it ends: in time, without passing, and in words that may be shown."""
    begun = time.monotonic()
    result = (await probed(port, probe, limit=LIMIT, secrets=SECRETS)).result
    assert time.monotonic() - begun < LIMIT + LATE, (probe, result)
    if isinstance(probe, spec.AgentProbe):
        assert (result.advice, result.detail[:8]) == (None, "no word:"), "what says no word changes nothing"
    else:
        assert result.reason not in NEVER, (probe, result)
    assert len(result.detail) <= DETAIL_LIMIT
    assert result.detail.isprintable(), (probe, result)
    return result.reason


@asynccontextmanager
async def nothing_left_open() -> AsyncIterator[None]:
    """Afterwards the process has the descriptors that it had before."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    for _ in range(100):
        if len(os.listdir("/proc/self/fd")) <= before:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("a connection is still open")


WAITS = {Reason.READ_TIMEOUT, Reason.OK, Reason.TLS_FAILED}
"""`ok` is the agent's, which has no say then."""


@pytest.mark.parametrize(
    ("talk", "reasons"),
    [
        (silence, WAITS),
        (saying(*(bytes([byte]) for byte in b"22" * 100), pause=0.05), None),
        (saying(), None),
        (half_closed, None),
        (reset, None),
        (saying(b"2", pause=3600.0), None),
        (saying(BINARY * 4, pause=3600.0), None),
        (saying(b"\r\n" * 200, pause=3600.0), None),
        (saying(b"\0" * 5000, pause=3600.0), None),
    ],
    ids=["slow", "drip", "hangs-up", "half-open", "reset", "half-a-line", "garbage", "empty-lines", "zeros"],
)
async def test_bad_servers(talk: Talk, reasons: set[Reason] | None) -> None:
    """All kinds that speak over TCP, at once."""
    async with nothing_left_open(), serving(talk) as port:
        ends = await asyncio.gather(*(asked(probe, port) for probe in STREAMS.values()))
    assert reasons is None or set(ends) <= reasons, dict(zip(STREAMS, ends, strict=True))


@pytest.mark.parametrize(
    "piece",
    [b"2" * 65536, b"hello\r\n" * 9000, b"\0" * 65536, BINARY * 256],
    ids=["line", "lines", "zeros", "binary"],
)
@pytest.mark.parametrize("kind", STREAMS)
async def test_oversized_answers(kind: str, piece: bytes) -> None:
    """What has no end is read up to a limit of less than a few megabytes, whatever time is left."""
    sent = [0]
    async with nothing_left_open(), serving(endless(piece, sent)) as port:
        await asked(STREAMS[kind], port)
    assert sent[0] < 16 * 2**20, sent


async def test_a_host_that_takes_no_connection() -> None:
    """A listener whose queue is full drops what comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        ends = await asyncio.gather(*(asked(probe, port) for probe in STREAMS.values()))
        for one in waiting:
            one.close()
    assert set(ends) <= {Reason.CONNECT_TIMEOUT, Reason.OK}, dict(zip(STREAMS, ends, strict=True))


Answer = Callable[[bytes], list[bytes]]


@pytest.mark.parametrize(
    "answer",
    [
        lambda data: [],
        lambda data: [b""],
        lambda data: [data],
        lambda data: [data[: len(data) // 2]],
        lambda data: [BINARY],
        lambda data: [b"\xff" * 60000],
        lambda data: [data[:2] + b"\x80" * 60000],
        lambda data: [b"\0" * 100] * 200,
    ],
    ids=["slow", "empty", "echo", "half", "garbage", "oversized", "oversized-with-our-id", "flood"],
)
async def test_bad_answers_by_datagram(answer: Answer) -> None:
    """All kinds that speak over UDP, at once; a reflector is no server either."""
    async with nothing_left_open(), answering(answer) as port:
        await asyncio.gather(*(asked(probe, port) for probe in DATAGRAMS.values()))
