"""TLS in probes: verified by default, each way to be wrong with its reason."""

import asyncio
import contextlib
import hashlib
import socket
import ssl
from pathlib import Path

import pytest

from health.once import Report, run_once
from health.probes.tls import Contexts
from health.result import Reason
from health.spec import BodyMatch, CheckSpec, HttpProbe, Pop3Probe, TcpProbe, TlsSpec
from support.certificates import Authority, Pair
from support.servers import page, reset, saying, serving, silence

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for all tests here."""
    return Authority(tmp_path_factory.mktemp("certificates"))


async def probed(port: int, tls: TlsSpec, host: str | None = None, limit: float = 5.0) -> Report:
    """One https probe of this port."""
    probe = HttpProbe(host=host, tls=tls, body=BodyMatch(contains="ok"))
    return await run_once(CheckSpec(address="127.0.0.1", port=port, probe=probe, timeout=limit), "hactl/test")


async def result_with(pair: Pair, tls: TlsSpec, host: str | None = None) -> tuple[Reason, str]:
    """How a probe ends at a server with this certificate."""
    async with serving(page(ANSWER), context=pair.server()) as port:
        result = (await probed(port, tls, host)).result
    return result.reason, result.detail


def trusting(authority: Authority, name: str | None = None) -> TlsSpec:
    """TLS verified against this authority."""
    return TlsSpec(ca_file=str(authority.certificate), name=name)


async def test_right_certificate(authority: Authority) -> None:
    """Verified against the authority, under the address, the host or the name given; steps are told."""
    pair = authority.sign("127.0.0.1", "www.example.org", "sni.example.org")
    for tls, host in [
        (trusting(authority), None),
        (trusting(authority), "www.example.org:8443"),
        (trusting(authority, "sni.example.org"), "other.example.org"),
    ]:
        assert (await result_with(pair, tls, host))[0] is Reason.OK
    async with serving(page(ANSWER), context=pair.server()) as port:
        report = await probed(port, trusting(authority))
    assert [step.name for step in report.steps] == ["connect", "tls", "sent", "received", "end"]


@pytest.mark.parametrize(
    ("names", "days", "self_signed", "words"),
    [
        (("other.example.org",), 10, False, "not valid for"),
        (("127.0.0.1",), -1, False, "expired"),
        (("127.0.0.1",), 10, True, "self"),
    ],
)
async def test_wrong_certificate(
    authority: Authority, names: tuple[str, ...], days: int, self_signed: bool, words: str
) -> None:
    """Wrong name, expired, signed by itself: unverified, in OpenSSL's words; passes only where nothing is verified."""
    pair = authority.sign(*names, days=days, self_signed=self_signed)
    reason, detail = await result_with(pair, trusting(authority))
    assert reason is Reason.TLS_UNVERIFIED
    assert words in detail
    assert (await result_with(pair, TlsSpec(verify=False)))[0] is Reason.OK


async def test_unknown_authority(authority: Authority) -> None:
    """Without its authority named, a private certificate is not trusted."""
    reason, _ = await result_with(authority.sign("127.0.0.1"), TlsSpec())
    assert reason is Reason.TLS_UNVERIFIED


async def test_self_signed_as_its_own_authority(authority: Authority) -> None:
    """A certificate named as `ca_file` vouches for itself."""
    pair = authority.sign("127.0.0.1", self_signed=True)
    assert (await result_with(pair, TlsSpec(ca_file=str(pair.certificate))))[0] is Reason.OK


async def test_server_name_is_sent(authority: Authority) -> None:
    """SNI carries the name given."""
    seen: list[str | None] = []
    context = authority.sign("www.example.org").server()
    context.sni_callback = lambda sock, name, own: seen.append(name)
    async with serving(page(ANSWER), context=context) as port:
        report = await probed(port, trusting(authority, "www.example.org"))
    assert report.result.reason is Reason.OK
    assert seen == ["www.example.org"]


async def test_client_certificate(authority: Authority) -> None:
    """A server that asks for a certificate gets ours; without one the probe fails."""
    context = authority.sign("127.0.0.1").server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.certificate)
    ours = authority.sign("director")
    shown = TlsSpec(
        ca_file=str(authority.certificate),
        certificate_file=str(ours.certificate),
        key_file=str(ours.key),
    )
    async with serving(page(ANSWER), context=context) as port:
        assert (await probed(port, shown)).result.reason is Reason.OK
        refused = (await probed(port, trusting(authority))).result.reason
    assert refused in (Reason.TLS_FAILED, Reason.BAD_ANSWER, Reason.CLOSED)


@pytest.mark.parametrize("which", ["ca_file", "certificate_file", "key_file"])
async def test_missing_file_is_named(authority: Authority, tmp_path: Path, which: str) -> None:
    """A file that cannot be read fails the check with its name; no connection is made."""
    pair = authority.sign("127.0.0.1")
    files = {
        "ca_file": str(authority.certificate),
        "certificate_file": str(pair.certificate),
        "key_file": str(pair.key),
        which: str(tmp_path / "missing.pem"),
    }
    result = (await probed(1, TlsSpec(**files))).result  # type: ignore[arg-type]
    assert result.reason is Reason.CANNOT_RUN
    assert "missing.pem: No such file" in result.detail


async def test_replaced_file_is_read_again(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was missing, then wrong, then right: the checks that need it recover by themselves."""
    monkeypatch.setattr("health.probes.tls.RETRY", 0.0)
    contexts, path = Contexts(), tmp_path / "ca.pem"
    asked = TlsSpec(ca_file=str(path))
    assert isinstance(contexts.get(asked), str)
    path.write_text("wrong")
    assert isinstance(contexts.get(asked), str)
    path.write_bytes(authority.certificate.read_bytes())
    made = contexts.get(asked)
    assert isinstance(made, ssl.SSLContext)
    assert contexts.get(TlsSpec(ca_file=str(path), name="another name")) is made
    path.write_bytes(authority.certificate.read_bytes() * 2)
    assert contexts.get(asked) is not made


async def test_file_that_is_no_certificate(tmp_path: Path) -> None:
    """A file that holds something else is named as well."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")
    result = (await probed(1, TlsSpec(ca_file=str(wrong)))).result
    assert result.reason is Reason.CANNOT_RUN
    assert "wrong.pem" in result.detail


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reason.TLS_FAILED),
        (saying(after=b"\x03"), Reason.CLOSED),
        (reset, Reason.CLOSED),
    ],
)
async def test_no_tls_there(talk: object, reason: Reason) -> None:
    """A clear-text server and one that hangs up in the handshake."""
    async with serving(talk) as port:  # type: ignore[arg-type]
        assert (await probed(port, TlsSpec())).result.reason is reason


async def test_silence_in_the_handshake() -> None:
    """The timeout names the stage."""
    async with serving(silence) as port:
        result = (await probed(port, TlsSpec(), limit=0.3)).result
    assert (result.reason, result.detail) == (Reason.READ_TIMEOUT, "in the TLS handshake")


async def test_redirect_from_http_to_https(authority: Authority) -> None:
    """A redirect to https at the same host is followed at the same address, verified under the host's name."""
    context = authority.sign("127.0.0.1").server()
    async with serving(page(ANSWER), context=context) as secure:
        there = f"HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1:{secure}/\r\n\r\n".encode()
        async with serving(page(there)) as port:
            probe = HttpProbe(redirects=1, body=BodyMatch(contains="ok"))
            check = CheckSpec(address="127.0.0.1", port=port, probe=probe, timeout=5.0)
            report = await run_once(check, "hactl/test")
    assert report.result.reason is Reason.TLS_UNVERIFIED
    assert f"redirected to port {secure}" in [step.name for step in report.steps]


async def test_tcp_in_tls(authority: Authority) -> None:
    """The tcp probe passes after the handshake alone, and with an expected answer inside."""
    context = authority.sign("127.0.0.1").server()
    async with serving(saying(b"hello\n"), context=context) as port:
        for probe in (TcpProbe(tls=trusting(authority)), TcpProbe(expect="hello", tls=trusting(authority))):
            check = CheckSpec(address="127.0.0.1", port=port, probe=probe, timeout=5.0)
            assert (await run_once(check, "hactl/test")).result.reason is Reason.OK


async def test_long_body_in_tls(authority: Authority) -> None:
    """A body of many TLS records arrives whole."""
    body = b"x" * 900_000 + b"ok"
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    context = authority.sign("127.0.0.1").server()
    async with asyncio.timeout(20), serving(page(answer), context=context) as port:
        assert (await probed(port, trusting(authority))).result.reason is Reason.OK


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nok", Reason.OK),
        (b"HTTP/1.0 200 OK\r\n\r\nno", Reason.NO_MATCH),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nno", Reason.CLOSED),
        (b"", Reason.CLOSED),
    ],
)
async def test_the_end_is_said_in_tls(authority: Authority, answer: bytes, reason: Reason) -> None:
    """A server that has said so, and waits to be told the same before it closes, as stunnel does, has said all."""
    context = authority.sign("127.0.0.1").server()

    def serve(listening: socket.socket) -> None:
        conn, _ = listening.accept()
        with contextlib.suppress(OSError), context.wrap_socket(conn, server_side=True) as secured:
            secured.recv(4096)
            if answer:
                secured.send(answer)
            secured.unwrap()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.get_running_loop().run_in_executor(None, serve, listening)
        probe = HttpProbe(tls=trusting(authority), body=BodyMatch(sha256=hashlib.sha256(b"ok").hexdigest()))
        port = listening.getsockname()[1]
        check = CheckSpec(address="127.0.0.1", port=port, probe=probe, timeout=5.0)
        result = (await run_once(check, "hactl/test")).result
        await serving
    assert (result.reason, result.elapsed < 4.0) == (reason, True)


@pytest.mark.parametrize(("days", "reason"), [(0, Reason.OK), (9, Reason.OK), (11, Reason.TLS_EXPIRING)])
async def test_a_certificate_that_ends_soon(tmp_path: Path, days: int, reason: Reason) -> None:
    """It is valid for ten days more; that is enough or not, TLS from the start or within the protocol."""
    authority = Authority(tmp_path)
    context = authority.sign("127.0.0.1").server()
    tls = TlsSpec(ca_file=str(authority.certificate), valid_for=days * 86400.0)

    async def upgrading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n")
        await reader.readline()
        writer.write(b"+OK\r\n")
        await writer.start_tls(context)
        await reader.read()

    async with serving(silence, context=context) as first, serving(upgrading) as later:
        for port, probe in ((first, TcpProbe(tls=tls)), (later, Pop3Probe(starttls=tls))):
            check = CheckSpec(address="127.0.0.1", port=port, probe=probe, timeout=5.0)
            result = (await run_once(check, "hactl/test")).result
            assert result.reason is reason, result
            assert not days or reason is Reason.OK or result.detail.startswith("at "), result
