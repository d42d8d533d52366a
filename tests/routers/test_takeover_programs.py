"""Takeover programs as real processes: what they are told, one run at a time, their failure as a verdict; and the sample."""

import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from failover.moves import Cause, State
from failover.priority import Judgement, Word
from failover.report import RouterReport
from hactl import process
from hactl.config.load import load
from hactl.config.model import Config
from hactl.routers.takeover_programs import TakeoverPrograms
from support.alerts import until
from support.tasks import at_work

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")

TEXT = """
cluster: web
directors: {{lb1: {{address: 10.99.0.1}}, lb2: {{address: 10.99.0.2}}}}
routers:
  web:
    vrid: 51
    interface: eth0
    addresses: [10.99.0.100, {{address: '2001:db8::100', advertise: false}}]
    takeover: {{command: [{program}], user: root, timeout: 5s, attempts: 2, every: 10ms, rest: 300ms}}
"""
REPORT = RouterReport(
    router="web", state=State.BACKUP, cause=Cause.STARTED, reason="", since=0.0, priority=100, base_priority=100,
    master="", transitions=0, drops={}, lateness=0.0, renewal=0.0, neighbours={}, lease=2, holding=(),
)  # fmt: skip
WITHIN = 10.0


class Bench:
    """A program that writes what it was told, and whatever it answers with."""

    def __init__(self, folder: Path) -> None:
        self.calls, self.answer = folder / "calls", folder / "answer"
        program = folder / "program"
        program.write_text(
            f"#!/bin/sh\necho $HACTL_ROLE >> {self.calls}\nenv > {folder}/env\ncat > {folder}/stdin\n"
            f"[ -e {self.answer} ] || exit 0\n. {self.answer}\n"
        )
        program.chmod(0o755)
        file = folder / "hactl.yaml"
        file.write_text(TEXT.format(program=program))
        loaded = load(str(file), "lb1")
        assert loaded.config is not None, loaded.faults
        self.config: Config = loaded.config
        self.folder = folder
        self.verdicts: list[Judgement] = []
        self.programs = TakeoverPrograms(self.config, self._judge, structlog.get_logger())

    def _judge(self, judgement: Judgement) -> None:
        if judgement not in self.verdicts[-1:]:
            self.verdicts.append(judgement)

    def is_now(self, state: State, holding: tuple[str, ...] = ()) -> None:
        """The failover worker reports this state."""
        self.programs.follow({"web": msgspec.structs.replace(REPORT, state=state, holding=holding)})

    def told(self) -> list[str]:
        """The roles that the program was run for, in order."""
        return self.calls.read_text().split() if self.calls.exists() else []

    async def until(self, roles: list[str]) -> None:
        """Wait until it was run for these."""
        await until(lambda: self.told() == roles, WITHIN)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """The programs of one director at work."""
    made = Bench(tmp_path)
    async with at_work(made.programs.run()):
        yield made


async def test_each_role_is_told_once(bench: Bench) -> None:
    """Also the first; a director that holds the VIPs still, master no more, is told when it has let go."""
    bench.is_now(State.INIT)
    bench.is_now(State.BACKUP)
    await bench.until(["backup"])
    bench.is_now(State.MASTER, ("10.99.0.100",))
    await bench.until(["backup", "master"])
    await bench.programs.settle()
    told = dict(line.partition("=")[::2] for line in (bench.folder / "env").read_text().splitlines())
    assert {key: told[key] for key in told if key.startswith("HACTL_")} == {
        "HACTL_ROUTER": "web",
        "HACTL_ROLE": "master",
        "HACTL_NODE": "lb1",
        "HACTL_CLUSTER": "web",
        "HACTL_INTERFACE": "eth0",
        "HACTL_ADDRESSES": "10.99.0.100 2001:db8::100",
    }
    assert json.loads((bench.folder / "stdin").read_text()) == {
        "router": "web",
        "role": "master",
        "node": "lb1",
        "cluster": "web",
        "interface": "eth0",
        "addresses": ["10.99.0.100", "2001:db8::100"],
    }
    bench.is_now(State.BACKUP, ("10.99.0.100",))
    await bench.programs.settle()
    assert bench.told() == ["backup", "master"]
    bench.is_now(State.INIT)
    await bench.until(["backup", "master", "backup"])
    assert [verdict.word for verdict in bench.verdicts] == [Word.UP]


async def test_failure_is_a_verdict_with_its_reason(bench: Bench) -> None:
    """After all attempts the last line that it wrote is the reason; after the rest it is tried again, and is well."""
    bench.answer.write_text("echo too much >&2; echo quota exceeded; exit 3\n")
    bench.is_now(State.MASTER)
    await bench.until(["master", "master"])
    await until(lambda: bench.verdicts[-1].word is Word.DOWN, WITHIN)
    assert bench.verdicts[-1].id == "takeover:web"
    assert bench.verdicts[-1].reason == "exit status 3: quota exceeded (2 attempts)"
    bench.answer.unlink()
    await bench.until(["master", "master", "master"])
    await until(lambda: bench.verdicts[-1].word is Word.UP, WITHIN)


async def test_one_run_at_a_time(bench: Bench) -> None:
    """Two changes during a slow run are one more run, for what is true then."""
    bench.answer.write_text("sleep 0.3\n")
    bench.is_now(State.MASTER)
    await bench.until(["master"])
    for state in (State.BACKUP, State.MASTER, State.BACKUP):
        bench.is_now(state)
    await bench.until(["master", "backup"])
    await bench.programs.settle()
    assert bench.told() == ["master", "backup"]


class Cloud(BaseHTTPRequestHandler):
    """A stand-in for Hetzner Cloud: floating IPs by id, assigned to servers; one IP a page."""

    ips: dict[int, dict[str, Any]]

    def do_GET(self) -> None:
        """A page of the floating IPs."""
        page = int(self.path.rpartition("=")[2])
        following = page + 1 if page < len(self.ips) else None
        self._answer({"floating_ips": [self.ips[page]], "meta": {"pagination": {"next_page": following}}})

    def do_POST(self) -> None:
        """Assign one."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.ips[int(self.path.split("/")[2])]["server"] = body["server"]
        self._answer({"action": {"status": "running", "error": None}}, 201)

    def _answer(self, body: object, status: int = 200) -> None:
        status = status if self.headers["Authorization"] == "Bearer secret" else 401
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def cloud() -> Iterator[tuple[str, dict[int, dict[str, Any]]]]:
    """Its address, and its floating IPs."""
    ips = {
        1: {"id": 1, "ip": "10.99.0.100", "server": 4712},
        2: {"id": 2, "ip": "2001:db8::/64", "server": None},
    }
    handler = type("Handler", (Cloud,), {"ips": ips})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", ips
        server.shutdown()
        thread.join()


async def test_the_sample_for_a_public_cloud(
    tmp_path: Path, cloud: tuple[str, dict[int, dict[str, Any]]]
) -> None:
    """As master it has all VIPs routed here, as backup it does nothing; what the API refuses is a failure that says so."""
    api, ips = cloud
    hook = Path(__file__).parent.parent.parent / "etc" / "hooks" / "takeover-hetzner"
    file = tmp_path / "hetzner.json"
    env = {"HACTL_NODE": "lb1", "HACTL_ADDRESSES": "10.99.0.100 2001:db8::100"}

    async def call(role: str, token: str = "secret", **more: str) -> process.Exit:
        file.write_text(json.dumps({"api": api, "token": token, "servers": {"lb1": 4711, "lb2": 4712}}))
        words = [sys.executable, str(hook), str(file)]
        return await process.run(words, env=env | more | {"HACTL_ROLE": role}, timeout=20.0)

    assert (await call("backup")).ok
    assert [one["server"] for one in ips.values()] == [4712, None]
    ended = await call("master")
    assert ended.ok, ended.output
    assert [one["server"] for one in ips.values()] == [4711, 4711]
    refused = await call("master", token="other")
    assert not refused.ok
    assert b"401" in refused.output.splitlines()[-1]
    unknown = await call("master", HACTL_ADDRESSES="10.99.0.1")
    assert unknown.output.splitlines()[-1] == b"10.99.0.1 is no floating IP of this project"
