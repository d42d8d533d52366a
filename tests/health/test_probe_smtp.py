"""The smtp probe: the real aiosmtpd, and servers that answer as a test says."""

import asyncio
from pathlib import Path

import pytest

from health.dialogue import ProbeError
from health.once import Report
from health.probes.registry import plan
from health.result import Reason
from health.spec import CheckSpec, SmtpProbe, TlsSpec
from support import probing
from support.certificates import Authority
from support.mail import certificate, mail_server
from support.probing import KIT, exchange
from support.servers import Talk, flood, reset, saying, serving, silence


async def probed(port: int, probe: SmtpProbe | None = None, limit: float = 3.0) -> Report:
    """One probe of this port."""
    return await probing.probed(port, probe or SmtpProbe(helo="lb1.example.org"), limit=limit)


async def test_real_server() -> None:
    """aiosmtpd passes, with its greeting as the detail; it heard our name and was left politely."""
    with mail_server() as server:
        result = (await probed(server.port)).result
    assert result.reason is Reason.OK, result
    assert result.detail.startswith("220 ")
    assert server.greetings == ["lb1.example.org"]


async def test_starttls_with_a_real_server(tmp_path: Path) -> None:
    """The certificate is verified; what was said in the clear is said again inside TLS."""
    context, file = certificate(tmp_path)
    with mail_server(context) as server:
        right = await probed(server.port, SmtpProbe(helo="a", starttls=TlsSpec(ca_file=str(file))))
        wrong = await probed(server.port, SmtpProbe(helo="b", starttls=TlsSpec()))
        blind = await probed(server.port, SmtpProbe(helo="c", starttls=TlsSpec(verify=False)))
    assert right.result.reason is Reason.OK, right.result
    assert "tls" in [step.name for step in right.steps]
    assert wrong.result.reason is Reason.TLS_UNVERIFIED
    assert blind.result.reason is Reason.OK
    assert server.greetings == ["a", "a", "b", "c", "c"]


async def test_tls_from_the_start(tmp_path: Path) -> None:
    """The whole conversation inside TLS, as on port 465."""
    authority = Authority(tmp_path)
    pair = authority.sign("127.0.0.1")
    talk = exchange((b"", b"220 x\r\n"), (b"EHLO", b"250 x\r\n"), (b"QUIT", b"221 x\r\n"))
    async with serving(talk, context=pair.server()) as port:
        probe = SmtpProbe(helo="a", tls=TlsSpec(ca_file=str(authority.certificate)))
        assert (await probed(port, probe)).result.reason is Reason.OK


LONG = b"250-x\r\n" * 101 + b"250 x\r\n"


@pytest.mark.parametrize(
    ("turns", "reason", "detail"),
    [
        ([(b"", b"220-one\r\n220 two\r\n"), (b"EHLO", b"250-x\r\n250 SIZE\r\n")], Reason.OK, "220 two"),
        ([(b"", b"220 x\r\n"), (b"EHLO", b"502 what\r\n"), (b"HELO", b"250 x\r\n")], Reason.OK, ""),
        ([(b"", b"220 x\r\n"), (b"EHLO", b"250\r\n")], Reason.OK, ""),
        ([(b"", b"220\n"), (b"EHLO", b"250 x\n")], Reason.OK, ""),
        ([(b"", b"421 too busy\r\n")], Reason.WRONG_STATUS, "421 too busy"),
        ([(b"", b"554 go away\r\n")], Reason.WRONG_STATUS, "554"),
        ([(b"", b"220 x\r\n"), (b"EHLO", b"550 not you\r\n")], Reason.WRONG_STATUS, "550 not you"),
        ([(b"", b"SSH-2.0-x\r\n")], Reason.BAD_ANSWER, "SSH-2.0-x"),
        ([(b"", b"\r\n")], Reason.BAD_ANSWER, ""),
        ([(b"", b"220x\r\n")], Reason.BAD_ANSWER, "220x"),
        ([(b"", b"920 x\r\n")], Reason.BAD_ANSWER, "920 x"),
        ([(b"", b"\xff\x00\x1b[2J\r\n")], Reason.BAD_ANSWER, ""),
        ([(b"", b"220 x\r\n"), (b"EHLO", LONG)], Reason.ANSWER_TOO_LONG, "100 lines"),
        ([(b"", b"220 " + b"x" * 9000 + b"\r\n")], Reason.ANSWER_TOO_LONG, "8192"),
    ],
)
async def test_answers(turns: list[tuple[bytes, bytes]], reason: Reason, detail: str) -> None:
    """The server's numbers decide; its words are shown."""
    async with serving(exchange(*turns, (b"QUIT", b""))) as port:
        result = (await probed(port, limit=1.0)).result
    assert result.reason is reason, result
    assert detail in result.detail
    assert result.detail.isprintable()


@pytest.mark.parametrize("leave", [b"221 bye\r\n", b"500 what\r\n", b"", None])
async def test_taking_leave_decides_nothing(leave: bytes | None) -> None:
    """Whatever follows QUIT, be it a reset or silence, the server has passed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await exchange((b"", b"220 x\r\n"), (b"EHLO", b"250 x\r\n"), (b"QUIT", leave or b""))(reader, writer)

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250 x\r\n")
        await reset(reader, writer)

    async with serving(cut if leave is None else talk) as port:
        assert (await probed(port, limit=0.4)).result.reason is Reason.OK


@pytest.mark.parametrize(
    ("turns", "reason", "detail"),
    [
        ([(b"EHLO", b"250 x\r\n")], Reason.TLS_FAILED, "does not offer STARTTLS"),
        (
            [(b"EHLO", b"250-x\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"454 later\r\n")],
            Reason.TLS_FAILED,
            "454 later",
        ),
        (
            [(b"EHLO", b"250-x\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n250 smuggled\r\n")],
            Reason.BAD_ANSWER,
            "in the clear",
        ),
        (
            [(b"EHLO", b"250-x\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n"), (b"", b"no TLS\r\n")],
            Reason.TLS_FAILED,
            "",
        ),
        (
            [(b"EHLO", b"250-x\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n")],
            Reason.READ_TIMEOUT,
            "TLS handshake",
        ),
    ],
)
async def test_starttls_gone_wrong(turns: list[tuple[bytes, bytes]], reason: Reason, detail: str) -> None:
    """Not offered, refused, with something smuggled in before TLS, answered in the clear, or never begun."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        for heard, said in turns:
            if heard:
                assert (await reader.readuntil(b"\r\n")).startswith(heard)
            else:
                await asyncio.sleep(0.05)
            writer.write(said)
        await reader.read()
        await asyncio.sleep(2)

    async with serving(talk) as port:
        result = (await probed(port, SmtpProbe(helo="a", starttls=TlsSpec(verify=False)), limit=0.6)).result
    assert result.reason is reason, result
    assert detail in result.detail


async def test_nothing_is_said_before_the_greeting() -> None:
    """A server that takes early talkers for spammers hears nothing until its whole greeting is out."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220-wait\r\n")
        try:
            heard.append(await asyncio.wait_for(reader.read(100), 0.1))
        except TimeoutError:
            writer.write(b"220 now\r\n")
            heard.append(await reader.readuntil(b"\r\n"))
            writer.write(b"250 x\r\n")
        await reader.read()

    async with serving(talk) as port:
        await probed(port, limit=0.6)
    assert heard == [b"EHLO lb1.example.org\r\n"]


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (silence, Reason.READ_TIMEOUT),
        (reset, Reason.READ_TIMEOUT),
        (flood, Reason.READ_TIMEOUT),
        (saying(), Reason.CLOSED),
        (saying(b"220 half"), Reason.CLOSED),
        (saying(*[b"2"] * 100, pause=0.02), Reason.READ_TIMEOUT),
        (saying(b"220-x\r\n" * 90, b"220 y\r\n" * 100000), Reason.WRONG_STATUS),
    ],
)
async def test_hostile(talk: Talk, reason: Reason) -> None:
    """Silence, an early end, half a line, a slow drip, and more answers than questions each end with a reason."""
    async with serving(talk) as port:
        result = (await probed(port, limit=0.5)).result
    assert result.reason is reason, result


@pytest.mark.parametrize("name", ["a b", "a\r\nRSET", "ümlaut"])
def test_names_that_cannot_be_said(name: str) -> None:
    """Nothing an operator wrote can add a line to the conversation."""
    with pytest.raises(ProbeError):
        plan(CheckSpec(address="127.0.0.1", port=25, probe=SmtpProbe(helo=name)), KIT)
