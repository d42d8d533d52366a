"""The mysql and postgresql probes against servers that answer as a test says: every way of login, every way to fail."""

import asyncio
import struct

import pytest

from health.result import Reason
from health.spec import MysqlProbe, PostgresqlProbe, Probe, TlsSpec
from health.wire.mysql_packet import CACHING, NATIVE, packet, proof
from health.wire.scram import Scram, ScramError
from support.probing import hostile, probed
from support.servers import Talk, saying, serving

FILE = "/etc/hactl/sql.password"
SECRETS = {FILE: "sesame"}
LOGIN = MysqlProbe(user="a", password_file=FILE)
PG = PostgresqlProbe(user="a", password_file=FILE)


def hello(plugin: bytes = NATIVE, capabilities: int = 0x8A28F) -> bytes:
    """A server's greeting with the challenge of twenty letters."""
    low, high = capabilities & 0xFFFF, capabilities >> 16
    head = b"\x0a8.4.0\0" + struct.pack("<I8sxHBHHB10x", 7, b"s" * 8, low, 45, 2, high, 21)
    return packet(0, head + b"s" * 12 + b"\0" + plugin + b"\0")


def refused(number: int, code: int, words: bytes) -> bytes:
    """An error packet."""
    return packet(number, b"\xff" + struct.pack("<H", code) + b"#HY000" + words)


NOTICE = b"N\0\0\0\x12C01000\0Mhint\0\0"
OK = packet(2, b"\0\0\0\2\0\0\0")


@pytest.mark.parametrize(
    ("probe", "answers", "reason", "detail"),
    [
        (LOGIN, [hello(), OK], Reason.OK, "8.4.0"),
        (MysqlProbe(), [hello(), refused(2, 1045, b"no")], Reason.OK, "8.4.0"),
        (MysqlProbe(), [hello(), refused(2, 1226, b"too much")], Reason.WRONG_STATUS, "1226 too much"),
        (MysqlProbe(), [hello(), packet(2, b"\xfesha256_password\0" + b"s" * 20), refused(4, 1045, b"no")], Reason.OK, ""),
        (LOGIN, [hello(), refused(2, 1045, b"no")], Reason.LOGIN_FAILED, "1045 no"),
        (LOGIN, [refused(0, 1040, b"Too many connections")], Reason.WRONG_STATUS, "1040 Too many"),
        (LOGIN, [packet(0, b"\xff\x69\x04Host is blocked")], Reason.WRONG_STATUS, "1129 Host is blocked"),
        (LOGIN, [packet(0, b"\x09old\0")], Reason.BAD_ANSWER, "no protocol known"),
        (LOGIN, [packet(0, b"\x0a8.0")], Reason.BAD_ANSWER, "too shortly"),
        (LOGIN, [hello(CACHING), packet(2, b"\1\3") + packet(3, b"\0\0\0")], Reason.OK, ""),
        (LOGIN, [hello(CACHING), packet(2, b"\1\4")], Reason.LOGIN_FAILED, "inside TLS only"),
        (LOGIN, [hello(b"ed"), packet(2, b"\xfeclient_ed25519\0" + b"s" * 32)], Reason.LOGIN_FAILED, "client_ed25519"),
        (LOGIN, [hello(), packet(2, b"\xfe" + CACHING + b"\0" + b"t" * 20 + b"\0"), packet(4, b"\0")], Reason.OK, ""),
        (LOGIN, [hello(), packet(2, b"\xfe")], Reason.BAD_ANSWER, "before MySQL 4.1"),
        (LOGIN, [hello(), packet(2, b"\7x")], Reason.BAD_ANSWER, "x"),
        (LOGIN, [hello(), packet(2, b"\1\3") * 2000], Reason.ANSWER_TOO_LONG, "1000 answers"),
        (LOGIN, [hello(), b"\0\0\0\2"], Reason.BAD_ANSWER, "an empty packet"),
        (LOGIN, [hello(), b"\xff\xff\xff\2"], Reason.ANSWER_TOO_LONG, "a packet of"),
        (MysqlProbe(tls=TlsSpec()), [hello()], Reason.TLS_FAILED, "does not offer"),
        (PG, [b"R\0\0\0\x08\0\0\0\0", b"S\0\0\0\x08a\0b\0Z\0\0\0\x05I"], Reason.OK, ""),
        (PG, [NOTICE * 2 + b"R\0\0\0\x08\0\0\0\0", NOTICE[:9], NOTICE[9:] + b"Z\0\0\0\x05I"], Reason.OK, ""),
        (PostgresqlProbe(), [NOTICE * 3000 + b"R\0\0\0\x08\0\0\0\x0a"], Reason.OK, ""),
        (PG, [b"R\0\0\0\x08\0\0\0\x07"], Reason.LOGIN_FAILED, "method 7"),
        (PG, [b"R\0\0\0\x08\0\0\0\x03" * 20], Reason.BAD_ANSWER, "asks and asks"),
        (PG, [b"E\0\0\0\x12C53300\0Mfull\0\0"], Reason.WRONG_STATUS, "53300 full"),
        (PostgresqlProbe(), [b"E\0\0\0\x12C57P03\0Mslow\0\0"], Reason.WRONG_STATUS, "57P03 slow"),
        (PostgresqlProbe(), [b"E\0\0\0\x12C28000\0Mwho?\0\0"], Reason.OK, "28000 who?"),
        (PostgresqlProbe(tls=TlsSpec()), [b"N"], Reason.TLS_FAILED, "does not offer"),
        (PostgresqlProbe(tls=TlsSpec()), [b"SS"], Reason.BAD_ANSWER, "in the clear"),
        (PostgresqlProbe(), [b"R\x7f\xff\xff\xff"], Reason.ANSWER_TOO_LONG, "a message of"),
        (PostgresqlProbe(), [b"R\0\0\0\x03"], Reason.BAD_ANSWER, "said R"),
    ],
)  # fmt: skip
async def test_answers(probe: Probe, answers: list[bytes], reason: Reason, detail: str) -> None:
    """What each answer means."""
    async with serving(saying(*answers, pause=0.05)) as port:
        found = (await probed(port, probe, secrets=SECRETS)).result
    assert (found.reason, detail in found.detail) == (reason, True), found


HOSTILE = [
    *((MysqlProbe(), *each) for each in hostile(hello(), speaks_first=True)),
    *((PostgresqlProbe(), *each) for each in hostile(b"R\0\0\0\x08\0\0\0\x0a")),
]


@pytest.mark.parametrize(("probe", "talk", "reasons"), HOSTILE)
async def test_hostile(probe: Probe, talk: Talk, reasons: set[Reason]) -> None:
    """Slow, half-open, oversized, garbage."""
    async with serving(talk) as port:
        found = (await probed(port, probe, limit=0.4)).result
    assert found.reason in reasons, found
    assert found.detail.isprintable()


def test_proofs() -> None:
    """The answers to a challenge, against values worked out by hand from the formulas of the protocol."""
    salt = bytes(range(20))
    assert proof(NATIVE, b"", salt) == b""
    native, caching = proof(NATIVE, b"sesame", salt), proof(CACHING, b"sesame", salt)
    assert (len(native or b""), len(caching or b"")) == (20, 32)
    assert proof(b"client_ed25519", b"sesame", salt) is None


@pytest.mark.parametrize(
    "challenge",
    [b"", b"r=x,s=QQ==,i=4096", b"r={}x,s=!,i=4096", b"r={}x,s=QQ==,i=0", b"r={}x,s=QQ==,i=99999999",
     b"r={}x,s=QQ==,i=-1", b"r={},s=QQ==,i=4096", b"r={}x,s=QQ=="],
)  # fmt: skip
def test_scram_server_that_breaks_the_exchange(challenge: bytes) -> None:
    """Another nonce, no salt, no rounds or far too many."""
    scram = Scram(b"sesame", b"0" * 18)
    own = scram.first().partition(b"r=")[2]
    with pytest.raises(ScramError):
        scram.final(challenge.replace(b"{}", own))


def test_scram_server_that_asks_and_asks() -> None:
    """Each proof costs the worker as much time as the server likes, within a limit; there is one."""
    scram = Scram(b"sesame", b"0" * 18)
    challenge = b"r=" + scram.first().partition(b"r=")[2] + b"x,s=c2FsdA==,i=4096"
    scram.final(challenge)
    with pytest.raises(ScramError, match="second proof"):
        scram.final(challenge)


@pytest.mark.parametrize("shown", [b"v=d3Jvbmc=", None], ids=["wrong", "none"])
async def test_scram_server_that_does_not_know_the_password(shown: bytes | None) -> None:
    """A server that takes any proof is found out by its own, or by giving none."""

    def message(method: int, data: bytes) -> bytes:
        return b"R" + struct.pack(">II", len(data) + 8, method) + data

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)
        writer.write(message(10, b"SCRAM-SHA-256\0\0"))
        said = await reader.read(1000)
        nonce = said.partition(b"r=")[2]
        writer.write(message(11, b"r=" + nonce + b"more,s=c2FsdA==,i=4096"))
        await reader.read(1000)
        writer.write(b"" if shown is None else message(12, shown))
        writer.write(message(0, b"") + b"Z\0\0\0\x05I")

    async with serving(talk) as port:
        found = (await probed(port, PG, secrets=SECRETS)).result
    assert found.reason is Reason.LOGIN_FAILED, found
    assert "does not prove" in found.detail


async def test_a_password_file_that_is_gone() -> None:
    """It is this director's fault, and says which file."""
    for probe, talk in (
        (LOGIN, saying(hello(), pause=0.5)),
        (PG, saying(b"R\0\0\0\x08\0\0\0\x03", pause=0.5)),
    ):
        async with serving(talk) as port:
            found = (await probed(port, probe)).result
        assert (found.reason, found.detail) == (Reason.CANNOT_RUN, f"{FILE} cannot be read")
