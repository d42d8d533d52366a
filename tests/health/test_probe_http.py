"""The http probe against servers on loopback, and against the real nginx."""

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from health.result import Reason
from health.spec import BodyMatch, HttpProbe
from support.probing import probed
from support.servers import Talk, daemon, flood, free_port, page, reset, serving, silence

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH_2 = OK + b"Content-Length: 2\r\n\r\n"
MATCH_OK = HttpProbe(body=BodyMatch(contains="ok"))


async def reason_of(talk: Talk, probe: HttpProbe, limit: float = 2.0) -> tuple[Reason, str]:
    """How a probe ends at a server that talks so."""
    async with serving(talk) as port:
        result = (await probed(port, probe, limit=limit)).result
    return result.reason, result.detail


@pytest.mark.parametrize(
    ("status", "ranges", "reason"),
    [
        (200, ((200, 399),), Reason.OK),
        (399, ((200, 399),), Reason.OK),
        (400, ((200, 399),), Reason.WRONG_STATUS),
        (503, ((200, 200), (503, 503)), Reason.OK),
        (204, ((200, 200),), Reason.WRONG_STATUS),
        (101, ((101, 101),), Reason.OK),
    ],
)
async def test_status(status: int, ranges: tuple[tuple[int, int], ...], reason: Reason) -> None:
    """The status decides, by inclusive ranges; the code is the detail."""
    answer = f"HTTP/1.1 {status} Words\r\nContent-Length: 0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    assert await reason_of(page(answer.encode()), HttpProbe(status=ranges)) == (reason, str(status))


async def test_status_needs_no_body() -> None:
    """The probe passes at the end of the headers, however long the body would take."""
    async with serving(page(OK + b"Content-Length: 100\r\n\r\n", pause=30)) as port:
        report = await probed(port, HttpProbe())
    assert report.result.reason is Reason.OK
    assert [step.name for step in report.steps] == ["connect", "sent", "received", "end"]


async def test_request_as_sent() -> None:
    """The server sees our request, over IPv6 with the address in brackets."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.write(LENGTH_2 + b"ok")

    async with serving(talk, "::1") as port:
        report = await probed(port, HttpProbe(path="/health"), host="::1")
    assert report.result.reason is Reason.OK
    assert (
        await got
        == (
            f"GET /health HTTP/1.1\r\nHost: [::1]:{port}\r\nUser-Agent: hactl/test\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n"
        ).encode()
    )


@pytest.mark.parametrize(
    ("pieces", "probe", "reason"),
    [
        ([LENGTH_2, b"ok"], MATCH_OK, Reason.OK),
        ([LENGTH_2, b"no"], MATCH_OK, Reason.NO_MATCH),
        ([LENGTH_2, b"o"], MATCH_OK, Reason.CLOSED),
        ([OK + b"\r\n", b"it is o", b"k"], MATCH_OK, Reason.OK),
        ([OK + b"\r\n", b"it is n", b"o"], MATCH_OK, Reason.NO_MATCH),
        ([OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n", b"1\r\nk\r\n0\r\n\r\n"], MATCH_OK, Reason.OK),
        ([OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n"], MATCH_OK, Reason.CLOSED),
        ([b"HTTP/1.1 103 Early Hints\r\n\r\n", LENGTH_2, b"ok"], MATCH_OK, Reason.OK),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH_2 + b"ok"], HttpProbe(), Reason.OK),
        ([LENGTH_2 + b"ok"], HttpProbe(body=BodyMatch(regex="^o.$")), Reason.OK),
        ([LENGTH_2 + b"ok"], HttpProbe(body=BodyMatch(regex="x")), Reason.NO_MATCH),
        (
            [LENGTH_2 + b"ok"],
            HttpProbe(body=BodyMatch(sha256=hashlib.sha256(b"ok").hexdigest().upper())),
            Reason.OK,
        ),
        ([LENGTH_2 + b"ok"], HttpProbe(body=BodyMatch(sha256="0" * 64)), Reason.NO_MATCH),
        ([LENGTH_2], HttpProbe(method="HEAD"), Reason.OK),
        ([LENGTH_2], HttpProbe(method="HEAD", body=BodyMatch(contains="ok")), Reason.NO_MATCH),
        ([b"HTTP/1.0 200 OK\r\n\r\nok"], MATCH_OK, Reason.OK),
        ([b"SSH-2.0-x\r\n"], HttpProbe(), Reason.BAD_ANSWER),
        ([b"\x16\x03\x01\x00\x00"], HttpProbe(), Reason.BAD_ANSWER),
        ([OK + b"Content-Length: x\r\n\r\n"], HttpProbe(), Reason.BAD_ANSWER),
        ([OK + b"Conten"], HttpProbe(), Reason.CLOSED),
        ([], HttpProbe(), Reason.CLOSED),
        ([OK] + [b"X-Long: " + b"y" * 60_000 + b"\r\n"] * 2, HttpProbe(), Reason.ANSWER_TOO_LONG),
        ([OK + b"\r\n" + b"x" * 2_000_000], MATCH_OK, Reason.ANSWER_TOO_LONG),
        ([OK + b"\r\nok" + b"x" * 2_000_000], MATCH_OK, Reason.OK),
    ],
)
async def test_answer(pieces: list[bytes], probe: HttpProbe, reason: Reason) -> None:
    """Right, wrong, cut, broken and endless answers each end with their reason."""
    assert (await reason_of(page(*pieces, pause=0.02), probe))[0] is reason


async def test_chunk_extensions_without_end() -> None:
    """An answer that grows without headers or body growing is cut off as well."""
    talk = page(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", *[b"x=y;" * 16_384] * 80)
    assert (await reason_of(talk, MATCH_OK, limit=5.0))[0] is Reason.ANSWER_TOO_LONG


@pytest.mark.parametrize(
    ("talk", "reason"),
    [(silence, Reason.READ_TIMEOUT), (reset, Reason.CLOSED), (flood, Reason.BAD_ANSWER)],
)
async def test_hostile(talk: Talk, reason: Reason) -> None:
    """Silence, reset and flood each end with their reason."""
    assert (await reason_of(talk, HttpProbe(), limit=0.5))[0] is reason


async def test_slow_drip_does_not_outlast_the_timeout() -> None:
    """The timeout covers the whole probe, not each piece."""
    start = time.monotonic()
    async with serving(page(OK, *[b"X: y\r\n"] * 1000, pause=0.02)) as port:
        report = await probed(port, HttpProbe(), limit=0.3)
        assert time.monotonic() - start < 1.5
    assert report.result.reason is Reason.READ_TIMEOUT


def redirecting(times: int) -> Talk:
    """Redirect so many times, counted in the path, then answer ok."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        step = int(path.strip("/") or 0)
        if step < times:
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: /{step + 1}\r\nContent-Length: 0\r\n\r\n".encode())
        else:
            writer.write(LENGTH_2 + b"ok")
        await writer.drain()

    return talk


@pytest.mark.parametrize(
    ("times", "allowed", "reason"),
    [(0, 2, Reason.OK), (2, 2, Reason.OK), (3, 2, Reason.WRONG_STATUS), (1, 0, Reason.NO_MATCH)],
)
async def test_redirects(times: int, allowed: int, reason: Reason) -> None:
    """So many redirects are followed as allowed; without any a redirect is judged like any answer."""
    probe = HttpProbe(redirects=allowed, body=BodyMatch(contains="ok"))
    async with serving(redirecting(times)) as port:
        report = await probed(port, probe)
    assert report.result.reason is reason
    redirected = [step.name for step in report.steps if step.name.startswith("redirected")]
    assert len(redirected) == min(times, allowed)


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (303, "POST", "GET"),
        (302, "POST", "GET"),
        (307, "POST", "POST"),
        (303, "HEAD", "HEAD"),
        (302, "PUT", "PUT"),
    ],
)
async def test_what_was_posted_is_not_posted_again(status: int, method: str, then: str) -> None:
    """After "see other" the page is fetched, likewise where browsers do so; the others ask for the same again."""
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        if b" /done " in head:
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            writer.write(f"HTTP/1.1 {status} X\r\nLocation: /done\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    probe = HttpProbe(method=method, send_body="a=b", redirects=1, status=((204, 204),))
    assert (await reason_of(talk, probe))[0] is Reason.OK
    assert asked[1].startswith(f"{then} /done ".encode())
    assert (b"Content-Length: 3" in asked[1]) is (then == method)


async def test_lines_that_end_in_lf_alone() -> None:
    """As programs of a few lines write them, which other balancers take for an answer."""
    answer = b"HTTP/1.0 200 OK\nContent-Length: 2\n\nok"
    assert await reason_of(page(answer), MATCH_OK) == (Reason.OK, "")
    assert await reason_of(page(b"HTTP/1.0 503 Busy\n\n"), HttpProbe()) == (Reason.WRONG_STATUS, "503")


async def test_redirect_elsewhere() -> None:
    """A redirect to another host fails and names it."""
    talk = page(b"HTTP/1.1 301 Moved\r\nLocation: http://other.example.org/\r\n\r\n")
    reason, detail = await reason_of(talk, HttpProbe(redirects=3))
    assert reason is Reason.WRONG_STATUS
    assert "other.example.org" in detail


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[int]:
    """The real nginx with one page; gives its port."""
    port = free_port()
    (tmp_path / "index.html").write_text("nginx says ok\n")
    os.chmod(tmp_path, 0o755)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;"
        f"events {{}} http {{ access_log off; {paths}"
        f"server {{ listen 127.0.0.1:{port}; location / {{ root {tmp_path}; }} }} }}"
    )
    command = ["/usr/sbin/nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with daemon(command, port):
        yield port


@pytest.mark.skipif(not Path("/usr/sbin/nginx").exists(), reason="no nginx here")
async def test_real_nginx(nginx: int) -> None:
    """nginx passes with its page, and fails with a path it does not have."""
    right = HttpProbe(path="/index.html", body=BodyMatch(contains="says ok"))
    assert (await probed(nginx, right)).result.reason is Reason.OK
    wrong = (await probed(nginx, HttpProbe(path="/missing"))).result
    assert (wrong.reason, wrong.detail) == (Reason.WRONG_STATUS, "404")


async def test_a_server_that_ended_first_is_not_reset() -> None:
    """Answer and end arrive in one segment: the server reads our end, where any other would read a reset."""
    read: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        writer.write(LENGTH_2 + b"ok")
        writer.write_eof()
        try:
            await read.put(await reader.read())
        except ConnectionResetError:
            await read.put(None)

    async with serving(talk) as port:
        assert (await probed(port, HttpProbe())).result.reason is Reason.OK
        assert await asyncio.wait_for(read.get(), 10) == b""
