"""The probes that talk in lines: ftp, imap, pop3, nntp, redis, against servers that answer as a test says."""

import asyncio
from pathlib import Path

import pytest

from health.result import Reason
from health.spec import FtpProbe, ImapProbe, NntpProbe, Pop3Probe, Probe, RedisProbe, TlsSpec
from support.certificates import Authority
from support.probing import exchange, probed
from support.servers import Talk, flood, free_port, reset, saying, serving, silence

FILE = "/etc/hactl/probe.password"
SECRETS = {FILE: 'pass "word\\'}
TLS = TlsSpec(verify=False)

Turns = list[tuple[bytes, bytes]]
HELLO: dict[type, bytes] = {
    FtpProbe: b"220 x\r\n",
    ImapProbe: b"* OK x\r\n",
    Pop3Probe: b"+OK x\r\n",
    NntpProbe: b"200 x\r\n",
}

RIGHT: list[tuple[Probe, Turns, str]] = [
    (FtpProbe(), [(b"", b"220-one\r\n 220 not yet\r\nany\r\n220 two\r\n"), (b"QUIT", b"221 x\r\n")], "220 two"),
    (FtpProbe(), [(b"", b"120 wait\r\n220 x\r\n"), (b"QUIT", b"221 x\r\n")], "220 x"),
    (
        FtpProbe(user="a", password_file=FILE),
        [(b"", b"220 x\r\n"), (b"USER a\r\n", b"331 x\r\n"), (b'PASS pass "word\\\r\n', b"230 x\r\n")],
        "220 x",
    ),
    (FtpProbe(user="a"), [(b"", b"220 x\r\n"), (b"USER a", b"230 x\r\n")], ""),
    (FtpProbe(user="a"), [(b"", b"220 x\r\n"), (b"USER a", b"331 x\r\n"), (b"PASS", b"202 needless\r\n")], ""),
    (ImapProbe(), [(b"", b"* OK [CAPABILITY IMAP4rev1] ready\r\n"), (b"c LOGOUT", b"* BYE x\r\nc OK x\r\n")], "ready"),
    (
        ImapProbe(user="a", password_file=FILE),
        [(b"", b"* ok x\r\n"), (b'b LOGIN "a" "pass \\"word\\\\"\r\n', b"* CAPABILITY x\r\n* x\r\nb ok x\r\n")],
        "",
    ),
    (ImapProbe(user="a", password_file=FILE), [(b"", b"* PREAUTH x\r\n"), (b"c LOGOUT", b"")], "PREAUTH"),
    (Pop3Probe(), [(b"", b"+OK ready <1@x>\r\n"), (b"QUIT", b"+OK\r\n")], "+OK ready"),
    (
        Pop3Probe(user="a", password_file=FILE),
        [(b"", b"+OK\r\n"), (b"USER a\r\n", b"+OK\r\n"), (b'PASS pass "word\\\r\n', b"+OK\r\n")],
        "+OK",
    ),
    (NntpProbe(), [(b"", b"200 posting\r\n"), (b"QUIT", b"205 x\r\n")], "200 posting"),
    (NntpProbe(), [(b"", b"201 no posting\r\n")], "201"),
    (RedisProbe(), [(b"*1", b""), (b"$4", b""), (b"PING", b"+PONG\r\n")], "PONG"),
    (
        RedisProbe(password_file=FILE),
        [(b"*2", b""), (b"$4", b""), (b"AUTH", b""), (b"$11", b""), (b'pass "word\\', b"+OK\r\n"),
         (b"*1", b""), (b"$4", b""), (b"PING", b"+PONG\r\n")],
        "PONG",
    ),
    (
        RedisProbe(user="a", password_file=FILE, role="replica"),
        [(b"*3", b""), (b"$4", b""), (b"AUTH", b""), (b"$1", b""), (b"a", b""), (b"$11", b""), (b"pass", b"+OK\r\n"),
         (b"*1", b""), (b"$4", b""), (b"ROLE", b"*5\r\n$5\r\nslave\r\n$9\r\n10.0.0.1\r\n")],
        "role replica",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("probe", "turns", "detail"), RIGHT)
async def test_right(probe: Probe, turns: Turns, detail: str) -> None:
    """A server that answers as it should passes, with its own words."""
    async with serving(exchange(*turns, (b"", b""))) as port:
        result = (await probed(port, probe, limit=0.5, secrets=SECRETS)).result
    assert result.reason is Reason.OK, result
    assert detail in result.detail


PING: Turns = [(b"*1", b""), (b"$4", b"")]
WRONG: list[tuple[Probe, Turns, Reason, str]] = [
    (FtpProbe(), [(b"", b"421 too many\r\n")], Reason.WRONG_STATUS, "421 too many"),
    (FtpProbe(), [(b"", b"+OK\r\n")], Reason.BAD_ANSWER, "+OK"),
    (FtpProbe(user="a"), [(b"", b"220 x\r\n"), (b"USER", b"530 no\r\n")], Reason.LOGIN_FAILED, "530 no"),
    (
        FtpProbe(user="a", password_file=FILE),
        [(b"", b"220 x\r\n"), (b"USER", b"331 x\r\n"), (b"PASS", b"332 account\r\n")],
        Reason.LOGIN_FAILED,
        "332",
    ),
    (ImapProbe(), [(b"", b"* BYE busy\r\n")], Reason.WRONG_STATUS, "BYE busy"),
    (ImapProbe(), [(b"", b"220 x\r\n")], Reason.BAD_ANSWER, "220 x"),
    (ImapProbe(), [(b"", b"*\r\n")], Reason.BAD_ANSWER, "*"),
    (ImapProbe(user="a"), [(b"", b"* OK\r\n"), (b"b", b"b NO wrong\r\n")], Reason.LOGIN_FAILED, "NO wrong"),
    (ImapProbe(user="a"), [(b"", b"* OK\r\n"), (b"b", b"z OK\r\n")], Reason.BAD_ANSWER, "z OK"),
    (ImapProbe(user="a"), [(b"", b"* OK\r\n"), (b"b", b"* BYE x\r\n")], Reason.CLOSED, "BYE"),
    (
        ImapProbe(user="a"),
        [(b"", b"* OK\r\n"), (b"b", b"* x\r\n" * 2000)],
        Reason.ANSWER_TOO_LONG,
        "1000 answers",
    ),
    (Pop3Probe(), [(b"", b"-ERR busy\r\n")], Reason.WRONG_STATUS, "-ERR busy"),
    (Pop3Probe(), [(b"", b"+OKAY\r\n")], Reason.BAD_ANSWER, "+OKAY"),
    (
        Pop3Probe(user="a", password_file=FILE),
        [(b"", b"+OK\r\n"), (b"USER", b"+OK\r\n"), (b"PASS", b"-ERR no\r\n")],
        Reason.LOGIN_FAILED,
        "-ERR no",
    ),
    (NntpProbe(), [(b"", b"400 down\r\n")], Reason.WRONG_STATUS, "400 down"),
    (NntpProbe(), [(b"", b"hello\r\n")], Reason.BAD_ANSWER, "hello"),
    (RedisProbe(), [*PING, (b"PING", b"-LOADING x\r\n")], Reason.WRONG_STATUS, "-LOADING"),
    (RedisProbe(), [*PING, (b"PING", b"-NOAUTH x\r\n")], Reason.LOGIN_FAILED, "-NOAUTH"),
    (RedisProbe(), [*PING, (b"PING", b"HTTP/1.1 400\r\n")], Reason.BAD_ANSWER, "HTTP"),
    (
        RedisProbe(role="master"),
        [*PING, (b"ROLE", b"*5\r\n$5\r\nslave\r\n")],
        Reason.WRONG_STATUS,
        "role replica",
    ),
    (RedisProbe(role="master"), [*PING, (b"ROLE", b"*1\r\n:5\r\nx\r\n")], Reason.BAD_ANSWER, "x"),
    (RedisProbe(role="master"), [*PING, (b"ROLE", b"-ERR unknown\r\n")], Reason.WRONG_STATUS, "unknown"),
]


@pytest.mark.parametrize(("probe", "turns", "reason", "detail"), WRONG)
async def test_wrong(probe: Probe, turns: Turns, reason: Reason, detail: str) -> None:
    """Refused, overloaded, of another protocol: each with its reason and the server's words."""
    async with serving(exchange(*turns)) as port:
        result = (await probed(port, probe, limit=1.0, secrets=SECRETS)).result
    assert result.reason is reason, result
    assert detail in result.detail


ALL: list[Probe] = [
    FtpProbe(),
    ImapProbe(),
    Pop3Probe(),
    NntpProbe(),
    RedisProbe(),
    RedisProbe(role="master"),
]


@pytest.mark.parametrize("probe", ALL)
@pytest.mark.parametrize(
    ("talk", "reasons"),
    [
        (silence, {Reason.READ_TIMEOUT}),
        (saying(), {Reason.CLOSED}),
        (saying(b"half a line"), {Reason.CLOSED}),
        (saying(b"\xff\xfe\0\x1b[2J\r\n" * 10), {Reason.BAD_ANSWER}),
        (saying(b"x" * 10000), {Reason.ANSWER_TOO_LONG}),
        (saying(*[b"2"] * 100, pause=0.02), {Reason.READ_TIMEOUT}),
    ],
)
async def test_hostile(probe: Probe, talk: Talk, reasons: set[Reason]) -> None:
    """Silence, an early end, half a line, garbage, a line without end, a slow drip."""
    async with serving(talk) as port:
        result = (await probed(port, probe, limit=0.4)).result
    assert result.reason in reasons, result
    assert result.detail.isprintable()


@pytest.mark.parametrize("probe", ALL)
async def test_nobody_there(probe: Probe) -> None:
    """A closed port refuses."""
    assert (await probed(free_port(), probe)).result.reason is Reason.CONNECT_REFUSED


@pytest.mark.parametrize("talk", [reset, flood])
async def test_redis_reset_and_flood(talk: Talk) -> None:
    """Redis hears us first: a reset then, and an answer without end."""
    async with serving(talk) as port:
        result = (await probed(port, RedisProbe(), limit=1.0)).result
    assert result.reason is (Reason.CLOSED if talk is reset else Reason.ANSWER_TOO_LONG)


LOGINS: tuple[Probe, ...] = (
    FtpProbe(user="a", password_file=FILE),
    ImapProbe(user="a", password_file=FILE),
    Pop3Probe(user="a", password_file=FILE),
)
UNUSABLE: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "cannot be read"),
    ({FILE: "two\r\nQUIT"}, "cannot be sent"),
    ({FILE: "x" * 2000}, "cannot"),
)
"""Redis takes any bytes, so of these only the first is none of its passwords."""


@pytest.mark.parametrize(
    ("probe", "secrets", "words"),
    [
        *((probe, secrets, words) for probe in LOGINS for secrets, words in UNUSABLE),
        (RedisProbe(password_file=FILE), *UNUSABLE[0]),
    ],
)
async def test_passwords_that_cannot_be_used(probe: Probe, secrets: dict[str, str], words: str) -> None:
    """A file that cannot be read, and a password that would be a command of its own, are this director's fault."""

    async def agreeing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO.get(type(probe), b""))
        while line := await reader.readline():
            assert b"QUIT" not in line.upper()
            writer.write(b"331 x\r\n" if isinstance(probe, FtpProbe) else b"+OK\r\n")

    async with serving(agreeing) as port:
        result = (await probed(port, probe, secrets=secrets)).result
    assert result.reason is Reason.CANNOT_RUN, result
    assert words in result.detail
    assert FILE in result.detail
    assert not any(secret in result.detail for secret in secrets.values())


UPGRADES: list[tuple[Probe, bytes, bytes]] = [
    (FtpProbe(starttls=TLS), b"AUTH TLS", b"234 go\r\n"),
    (ImapProbe(starttls=TLS), b"a STARTTLS", b"* x\r\na OK go\r\n"),
    (Pop3Probe(starttls=TLS), b"STLS", b"+OK go\r\n"),
]
REFUSALS: dict[type, bytes] = {FtpProbe: b"502 no\r\n", ImapProbe: b"a BAD no\r\n", Pop3Probe: b"-ERR no\r\n"}


@pytest.mark.parametrize(("probe", "asks", "agrees"), UPGRADES)
async def test_upgrade_to_tls(probe: Probe, asks: bytes, agrees: bytes, tmp_path: Path) -> None:
    """The server agrees, TLS is spoken, leave is taken inside it."""
    context = Authority(tmp_path).sign("127.0.0.1").server()
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO[type(probe)])
        assert (await reader.readuntil(b"\r\n")).startswith(asks)
        writer.write(agrees)
        await writer.start_tls(context)
        heard.set_result(await reader.readuntil(b"\r\n"))

    async with serving(talk) as port:
        report = await probed(port, probe)
        assert b"QUIT" in await heard or b"LOGOUT" in await heard
    assert report.result.reason is Reason.OK, report
    assert "tls" in [step.name for step in report.steps]


@pytest.mark.parametrize(("probe", "asks", "agrees"), UPGRADES)
async def test_upgrade_refused_or_smuggled(probe: Probe, asks: bytes, agrees: bytes) -> None:
    """A server that refuses TLS fails; so does one behind whose word somebody put more in the clear."""
    hello = HELLO[type(probe)]
    async with serving(exchange((b"", hello), (asks, REFUSALS[type(probe)]))) as port:
        refused = (await probed(port, probe)).result
    async with serving(exchange((b"", hello), (asks, agrees + hello))) as port:
        smuggled = (await probed(port, probe)).result
    assert refused.reason is Reason.TLS_FAILED, refused
    assert "no" in refused.detail
    assert smuggled.reason is Reason.BAD_ANSWER, smuggled
    assert "in the clear" in smuggled.detail


@pytest.mark.parametrize("probe", [FtpProbe, ImapProbe, Pop3Probe, NntpProbe])
async def test_tls_from_the_start(probe: type, tmp_path: Path) -> None:
    """The whole conversation inside TLS."""
    authority = Authority(tmp_path)
    tls = TlsSpec(ca_file=str(authority.certificate))
    async with serving(saying(HELLO[probe], pause=0.1), context=authority.sign("127.0.0.1").server()) as port:
        assert (await probed(port, probe(tls=tls))).result.reason is Reason.OK
