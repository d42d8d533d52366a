"""`hactl probe`: which probes are meant, each step with its time, the secret not shown, the exit status."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hactl.cli import cli
from hactl.config.load import load
from hactl.config.schema.document import Document
from hactl.probing.aim import AimError, aims
from support.servers import free_port, page, saying, serving

TEXT = """
cluster: web
directors: {{lb1: {{address: 127.0.0.1}}}}
checks:
  page: {{type: http, path: /health}}
  other: {{type: tcp, port: 99}}
  mail: {{type: pop3, user: a, password_file: {secret}}}
pools: {{web: {{check: page, servers: {{rs1: 127.0.0.1, rs2: 127.0.0.2}}}}}}
services:
  www: {{address: 10.77.0.100, port: {port}, forward: nat, pool: web}}
  two: {{address: 10.77.0.100, port: 81, forward: nat, pool: web, check: [page, {{type: tcp, send: x}}]}}
  post: {{address: 10.77.0.100, port: {port}, protocol: udp, forward: nat, check: mail, servers: {{mx: 127.0.0.1}}}}
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file with a password."""
    file = tmp_path / "secret"
    file.write_text("sesame\n")
    return file


@pytest.fixture
def document(tmp_path: Path, secret: Path) -> Document:
    """The configuration."""
    file = tmp_path / "f.yaml"
    file.write_text(TEXT.format(port=80, secret=secret))
    loaded = load(str(file), "lb1")
    assert loaded.document is not None, loaded.faults
    return loaded.document


@pytest.mark.parametrize(
    ("check", "server", "port", "expected"),
    [
        ("page", "rs1", None, ["page http www 127.0.0.1 80", "page http two 127.0.0.1 81"]),
        ("page", "rs2@two", None, ["page http two 127.0.0.2 81"]),
        ("tcp", "rs1", None, ["tcp tcp two 127.0.0.1 81"]),
        ("other", "rs1", None, ["other tcp www 127.0.0.1 99"]),
        ("other", "rs1", 7, ["other tcp www 127.0.0.1 7"]),
        ("ssh", "rs1@two", None, ["ssh ssh two 127.0.0.1 81"]),
        ("page", "192.0.2.7:8080", None, ["page http  192.0.2.7 8080"]),
        ("page", "2001:db8::7", None, ["page http  2001:db8::7 80"]),
        ("ssh", "[2001:db8::7]:2222", None, ["ssh ssh  2001:db8::7 2222"]),
        ("page", "[2001:db8::7]", None, ["page http  2001:db8::7 80"]),
        ("ssh", "rs9.example.org", None, ["ssh ssh  rs9.example.org 22"]),
        ("{type: tcp, expect: x}", "localhost:5", None, ["{type: tcp, expect: x} tcp  localhost 5"]),
    ],
)
def test_what_is_meant(
    document: Document, check: str, server: str, port: int | None, expected: list[str]
) -> None:
    """By the file's names first, then what is said in place; one target once."""
    found = aims(document, check, server, port)
    assert [f"{a.name} {a.type} {a.service} {a.host} {a.port}" for a in found] == expected


@pytest.mark.parametrize(
    ("check", "server", "sentence"),
    [
        ("pag", "rs1", "there is no check 'pag'; did you mean 'page'?"),
        ("page", "rs", "'rs' is neither a server of the file nor an address or a host name with its domain; did "),
        ("page", "rs1@three", "there is no server 'rs1' in a service 'three'"),
        ("tcp", "192.0.2.1", "say which port of 192.0.2.1 is meant: 192.0.2.1:PORT"),
        ("tcp", "192.0.2.1:99999", "'192.0.2.1:99999' is neither"),
        ("{type: http, paht: /}", "rs1", "the check {type: http, paht: /}: paht: "),
        ("{type: http}\nx: 7", "rs1", "the check {type: http}"),
        ("{", "rs1", "the check {: "),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(document: Document, check: str, server: str, sentence: str) -> None:
    """One sentence each."""
    with pytest.raises(AimError) as caught:
        aims(document, check, server)
    assert str(caught.value).startswith(sentence)


async def hactl(*arguments: str) -> Result:
    """The command with these arguments, beside the servers of this test; never a traceback."""
    result = await asyncio.to_thread(CliRunner().invoke, cli, arguments, prog_name="hactl")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


async def test_each_step_is_explained(tmp_path: Path, secret: Path) -> None:
    """Connect, what was said, what came, the verdict; as text and as JSON, in order of time."""
    file = tmp_path / "hactl.yaml"
    async with serving(page(b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno")) as port:
        file.write_text(TEXT.format(port=port, secret=secret))
        text = await hactl("probe", "page", "rs1@www", "-c", str(file))
        told = await hactl("probe", "page", "rs1@www", "-c", str(file), "--json")
    assert (text.exit_code, told.exit_code) == (1, 1)
    lines = text.stdout.splitlines()
    assert lines[0] == f"page (http) of rs1 in www: 127.0.0.1 port {port}"
    assert "ms  connect   from 127.0.0.1 port " in lines[1]
    assert lines[2].endswith("ms  sent      GET /health HTTP/1.1")
    assert any(line.endswith("received  HTTP/1.1 503 Busy") for line in lines)
    assert lines[-1].startswith("failed after ")
    assert lines[-1].endswith("ms: wrong_status, unexpected status code: 503")
    (probed,) = json.loads(told.stdout)["probes"]
    assert [step["step"] for step in probed["steps"]] == ["connect", "sent", "received", "end"]
    assert [step["at_ms"] for step in probed["steps"]] == sorted(step["at_ms"] for step in probed["steps"])
    assert (probed["passed"], probed["reason"], probed["detail"]) == (False, "wrong_status", "503")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's rights")
async def test_pings_and_programs() -> None:
    """Both are run as the daemon runs them, the program as its own user; what it wrote is a step."""
    ping = await hactl("probe", "ping", "127.0.0.1")
    assert (ping.exit_code, "received  echo reply from 127.0.0.1" in ping.stdout) == (0, True)
    words = "[/bin/sh, -c, 'echo $(id -un) of {address}; exit 3']"
    check = f"{{type: script, convention: nagios, user: daemon, command: {words}}}"
    script = await hactl("probe", check, "127.0.0.1")
    assert script.exit_code == 1
    assert "received  daemon of 127.0.0.1" in script.stdout
    assert script.stdout.splitlines()[-1].endswith(
        "program_failed, the program failed: UNKNOWN: daemon of 127.0.0.1"
    )


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's rights")
async def test_a_host_without_the_directors_user(tmp_path: Path, secret: Path) -> None:
    """A real server has the directors' file and not their `health.user`; it probes all the same, without rights."""
    file = tmp_path / "hactl.yaml"
    async with serving(page(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as port:
        file.write_text(TEXT.format(port=port, secret=secret) + "health: {user: of-the-directors}\n")
        done = await hactl("probe", "page", "rs1@www", "-c", str(file))
    assert (done.exit_code, done.stderr) == (0, "")


async def test_secrets_are_not_shown(tmp_path: Path, secret: Path) -> None:
    """What is sent with the password is named by its length; a server that repeats it is blotted out."""
    file = tmp_path / "hactl.yaml"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK hello\r\n")
        while line := await reader.readline():
            writer.write(b"+OK you said " + line)

    async with serving(talk) as port:
        file.write_text(TEXT.format(port=port, secret=secret))
        result = await hactl("probe", "mail", "mx", "-c", str(file))
    assert result.exit_code == 0, result.stdout
    assert "sent      USER a" in result.stdout
    assert "sent      13 bytes with a secret in them" in result.stdout
    assert "received  +OK you said PASS ***" in result.stdout
    assert "sesame" not in result.stdout


async def test_without_a_configuration() -> None:
    """A type of check and an address are enough; a host name is looked up first, and each of its addresses probed."""
    async with serving(saying(b"SSH-2.0-x\r\n", pause=0.1)) as port:
        direct = await hactl("probe", "ssh", f"127.0.0.1:{port}")
        named = await hactl("probe", "ssh", "localhost", "--port", str(port), "--json")
    assert direct.exit_code == 0
    assert direct.stdout.startswith(f"ssh of 127.0.0.1:{port}: 127.0.0.1 port {port}\n")
    probes = {probed["address"]: probed for probed in json.loads(named.stdout)["probes"]}
    assert probes["127.0.0.1"]["passed"]
    assert probes["127.0.0.1"]["steps"][0]["step"] == "resolve"


async def test_refused_and_wrong_usage() -> None:
    """Nobody there is a failure with its reason; what cannot be meant is one sentence on standard error."""
    refused = await hactl("probe", "{type: tcp}", f"127.0.0.1:{free_port()}")
    assert (refused.exit_code, refused.stdout.splitlines()[-1].split(": ")[1]) == (
        1, "connect_refused, connection refused",
    )  # fmt: skip
    unknown = await hactl("probe", "sssh", "127.0.0.1")
    assert unknown.exit_code == 1
    assert unknown.stderr.startswith("hactl: there is no check 'sssh'; did you mean 'ssh'?")
    wrong = await hactl("probe", "ssh", "127.0.0.1", "--timeout", "5")
    assert (wrong.exit_code, "needs a unit" in wrong.stderr) == (2, True)
