"""The ssh probe: every identification RFC 4253 section 4.2 allows or forbids, and the real sshd."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from health.once import Report, run_once
from health.result import Reason
from health.spec import CheckSpec, SshProbe
from support.servers import daemon, flood, free_port, reset, saying, serving, silence


async def probed(port: int, limit: float = 2.0) -> Report:
    """One probe of this port."""
    return await run_once(
        CheckSpec(address="127.0.0.1", port=port, probe=SshProbe(), timeout=limit), "hactl/0.1.0"
    )


@pytest.mark.parametrize(
    ("pieces", "reason", "detail"),
    [
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], Reason.OK, "SSH-2.0-OpenSSH_9.2"),
        ([b"SSH-1.99-Cisco\n"], Reason.OK, "SSH-1.99-Cisco"),
        ([b"SS", b"H-2.0-x", b"\r\n"], Reason.OK, "SSH-2.0-x"),
        ([b"line\r\n" * 50 + b"SSH-2.0-x\r\n"], Reason.OK, "SSH-2.0-x"),
        ([b"line\r\n" * 51 + b"SSH-2.0-x\r\n"], Reason.BAD_ANSWER, "50 lines"),
        ([b"SSH-1.5-old\r\n"], Reason.BAD_ANSWER, "SSH-1.5-old"),
        ([b"SSH-2.0-a\0b\r\n"], Reason.BAD_ANSWER, "SSH-2.0-a"),
        ([b"SSH-2.0-" + b"x" * 245 + b"\r\n"], Reason.OK, "SSH-2.0-xxx"),
        ([b"SSH-2.0-" + b"x" * 246 + b"\r\n"], Reason.ANSWER_TOO_LONG, "255"),
        ([b"SSH-2.0-" + b"x" * 1000], Reason.ANSWER_TOO_LONG, "255"),
        ([b"x" * 2000], Reason.ANSWER_TOO_LONG, "1024"),
        ([b"Exceeded MaxStartups\r\n"], Reason.CLOSED, "no identification"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], Reason.CLOSED, "no identification"),
        ([], Reason.CLOSED, ""),
    ],
)
async def test_identification(pieces: list[bytes], reason: Reason, detail: str) -> None:
    """What the server says first decides."""
    async with serving(saying(*pieces, pause=0.01)) as port:
        result = (await probed(port)).result
    assert result.reason is reason
    assert detail in result.detail


@pytest.mark.parametrize(
    ("talk", "reason"),
    [(silence, Reason.READ_TIMEOUT), (reset, Reason.CLOSED), (flood, Reason.ANSWER_TOO_LONG)],
)
async def test_hostile(talk: object, reason: Reason) -> None:
    """Silence, reset and flood each end with their reason."""
    async with serving(talk) as port:  # type: ignore[arg-type]
        assert (await probed(port, limit=0.5)).result.reason is reason


async def test_our_identification() -> None:
    """We name ourselves as RFC 4253 asks: no space and no minus in the software version, CR LF at the end."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.set_result(await reader.readuntil(b"\n"))
        writer.write(b"SSH-2.0-x\r\n")

    async with serving(talk) as port:
        await probed(port)
    assert await got == b"SSH-2.0-hactl_0.1.0\r\n"


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[int]:
    """OpenSSH's daemon; gives its port."""
    key = tmp_path / "key"
    keygen = shutil.which("ssh-keygen")
    assert keygen is not None
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=30)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    options = ["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-o", "UsePAM=no"]
    command = ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", str(key), "-p", str(port), *options]
    with daemon(command, port):
        yield port


@pytest.mark.skipif(not Path("/usr/sbin/sshd").exists(), reason="no sshd here")
@pytest.mark.root
async def test_real_sshd(sshd: int) -> None:
    """OpenSSH's daemon passes, with its identification as the detail."""
    result = (await probed(sshd)).result
    assert result.reason is Reason.OK, result
    assert result.detail.startswith("SSH-2.0-OpenSSH")
