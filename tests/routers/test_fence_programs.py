"""Fencing programs as real processes: what they are told, who shares a run, how one that is not wanted any more ends."""

import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from failover.fence_words import FenceAsked, FenceDropped, FenceEnded
from failover.moves import Cause, State
from failover.report import RouterReport
from hactl.config.load import load
from hactl.config.model import Config
from hactl.events import Occurrence
from hactl.routers.fence_programs import FencePrograms
from hactl.routers.fencing import peer_of
from hactl.routers.last_masters import LastMasters
from notify.event import EventKind, Severity
from support.alerts import until
from support.tasks import at_work

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")

TEXT = """
cluster: web
directors: {{lb1: {{address: 10.99.0.1}}, lb2: {{address: 10.99.0.2}}{third}}}
routers:
  web:
    vrid: 51
    interface: eth0
    addresses: [10.99.0.100]
    fence: {{command: [{program}, --off], user: root, timeout: {timeout}, required: true}}
  inside:
    vrid: 52
    interface: eth1
    addresses: [10.98.0.100]
    fence: {{command: [{program}, --off], user: root, timeout: {timeout}}}
"""
WITHIN = 10.0


def config(folder: Path, *, program: str = "", timeout: str = "5s", third: str = "") -> Config:
    """lb2's."""
    file = folder / "hactl.yaml"
    file.write_text(TEXT.format(program=program or folder / "program", timeout=timeout, third=third))
    loaded = load(str(file), "lb2")
    assert loaded.config is not None, loaded.faults
    return loaded.config


class Bench:
    """A program that writes what it was told, and whatever it answers with."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.folder, self.calls, self.answer = folder, folder / "calls", folder / "answer"
        program = folder / "program"
        program.write_text(
            f"#!/bin/sh\necho $1 $HACTL_PEER >> {self.calls}\nenv > {folder}/env\ncat > {folder}/stdin\n"
            f"[ -e {self.answer} ] || exit 0\n. {self.answer}\n"
        )
        program.chmod(0o755)
        self.answers: list[FenceEnded] = []
        self.events: list[Occurrence] = []
        self.programs = FencePrograms(
            config(folder, **changes), self.answers.append, self._emit, structlog.get_logger()
        )

    def _emit(self, what: Occurrence | None) -> None:
        if what is not None:
            self.events.append(what)

    def told(self) -> list[str]:
        """How it was called, in order."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    async def ends(self, number: int, router: str = "web") -> str:
        """Ask, and wait for the answer: the failure."""
        self.programs.hear(FenceAsked(router, number, "10.99.0.1"))
        await until(lambda: bool(self.answers) and self.answers[-1].number == number, WITHIN)
        return self.answers[-1].failure


def runs(number: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{number}").exists()


@contextlib.asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Bench]:
    """Its programs run meanwhile."""
    async with at_work(bench.programs.run()):
        yield bench


async def test_what_it_is_told(tmp_path: Path) -> None:
    """The peer by name and by the address of its adverts, as variables and as JSON; success is an event."""
    async with running(Bench(tmp_path)) as bench:
        assert await bench.ends(1) == ""
        told = dict(line.partition("=")[::2] for line in (tmp_path / "env").read_text().splitlines())
        facts = {
            "router": "web",
            "node": "lb2",
            "cluster": "web",
            "interface": "eth0",
            "peer": "lb1",
            "master": "10.99.0.1",
        }
        variables = {f"HACTL_{key.upper()}": value for key, value in facts.items()}
        assert {key: told[key] for key in told if key.startswith("HACTL_")} == variables | {
            "HACTL_ADDRESSES": "10.99.0.100"
        }
        assert json.loads((tmp_path / "stdin").read_text()) == facts | {"addresses": ["10.99.0.100"]}
        assert [(one.kind, one.reason) for one in bench.events] == [
            (EventKind.ROUTER_FENCED, "lb1 was fenced before a takeover")
        ]


async def test_a_failure_is_an_alarm_once(tmp_path: Path) -> None:
    """Not at each further try for the same reason; a success ends it, and so does a wait that is over."""
    async with running(Bench(tmp_path)) as bench:
        bench.answer.write_text("echo no route to the switch; exit 3\n")
        assert await bench.ends(1) == "exit status 3: no route to the switch"
        assert await bench.ends(2) == "exit status 3: no route to the switch"
        assert [(one.kind, one.new, one.severity) for one in bench.events] == [
            (EventKind.ROUTER_UNFENCED, "failed", Severity.CRITICAL)
        ]
        assert "no takeover" in bench.events[0].reason
        assert bench.programs.views()["web"] == {
            "required": True,
            "running": False,
            "waiting": True,
            "runs": 2,
            "failures": 2,
            "peer": "lb1",
            "failure": "exit status 3: no route to the switch",
        }
        bench.programs.hear(FenceDropped("web", 2))
        assert [one.new for one in bench.events] == ["failed", "over"]
        assert await bench.ends(3, "inside") != ""
        assert (bench.events[-1].new, bench.events[-1].severity) == ("went on", Severity.CRITICAL)
        bench.answer.unlink()
        assert await bench.ends(4) == ""
        assert bench.events[-1].kind is EventKind.ROUTER_FENCED


@pytest.mark.parametrize(
    ("program", "within", "failure"),
    [
        ("/nonexistent/fence", "5s", "no such program"),
        ("{folder}/plain", "5s", "not executable"),
        ("{folder}/program", "300ms", "timed out after"),
    ],
)
async def test_what_cannot_be_run_has_failed(tmp_path: Path, program: str, within: str, failure: str) -> None:
    """Missing, not executable, hanging."""
    bench = Bench(tmp_path)
    bench.answer.write_text("sleep 30\n")
    (tmp_path / "plain").touch()
    bench.programs.apply(config(tmp_path, program=program.format(folder=tmp_path), timeout=within))
    async with running(bench):
        assert (await bench.ends(1)).startswith(failure)


async def test_routers_share_a_run_and_an_unwanted_one_is_ended(tmp_path: Path) -> None:
    """Two routers fence one director once. When neither waits any more the program is killed, and nothing is answered."""
    async with running(Bench(tmp_path)) as bench:
        bench.answer.write_text(f"sleep 0.3; echo ended >> {tmp_path}/ended\n")
        for router in ("web", "inside"):
            bench.programs.hear(FenceAsked(router, 7, "10.99.0.1"))
        await until(lambda: len(bench.answers) == 2, WITHIN)
        assert {(one.router, one.number, one.failure) for one in bench.answers} == {
            ("web", 7, ""),
            ("inside", 7, ""),
        }
        assert bench.told() == ["--off lb1"]
        bench.answer.write_text(f"echo $$ > {tmp_path}/pid; sleep 30\n")
        for router in ("web", "inside"):
            bench.programs.hear(FenceAsked(router, 8, "10.99.0.1"))
        await until(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text()), WITHIN)
        number = int((tmp_path / "pid").read_text())
        bench.programs.hear(FenceDropped("web", 8))
        assert runs(number)
        bench.programs.forget()
        await until(lambda: not runs(number), WITHIN)
        assert len(bench.answers) == 2


async def test_an_answer_that_came_too_late(tmp_path: Path) -> None:
    """The election waits no more: the alarm says so, and what the program does then is of no interest."""
    async with running(Bench(tmp_path)) as bench:
        bench.answer.write_text("sleep 30\n")
        bench.programs.hear(FenceAsked("web", 1, "10.99.0.1"))
        await until(lambda: bool(bench.told()), WITHIN)
        bench.programs.hear(FenceDropped("web", 1, "nobody said how it ended"))
        assert [(one.kind, one.new) for one in bench.events] == [(EventKind.ROUTER_UNFENCED, "failed")]
        assert bench.answers == []


def test_whose_address_it_is(tmp_path: Path) -> None:
    """A director's own; in a pair whatever address is the other's; among more it may be unknown."""
    pair = config(tmp_path, program="/bin/true")
    more = config(tmp_path, program="/bin/true", third=", lb3: {address: 10.99.0.3}")
    assert [peer_of(pair, "web", address) for address in ("10.99.0.1", "10.98.0.9", "")] == ["lb1"] * 3
    assert [peer_of(more, "web", address) for address in ("10.99.0.3", "10.98.0.9", "")] == ["lb3", "", ""]


def test_the_last_master_outlives_the_daemon_but_not_the_host(tmp_path: Path) -> None:
    """Kept in the state directory for routers that fence; another boot knows nobody."""
    report = RouterReport(
        router="web", state=State.BACKUP, cause=Cause.STARTED, reason="", since=0.0, priority=100, base_priority=100,
        master="10.99.0.1", transitions=0, drops={}, lateness=0.0, renewal=0.0, neighbours={}, lease=2, holding=(),
    )  # fmt: skip
    masters = LastMasters(tmp_path, structlog.get_logger())
    masters.follow({"web": report}, ["web"])
    again = LastMasters(tmp_path, structlog.get_logger())
    assert [(word.router, word.master) for word in again.words()] == [("web", "10.99.0.1")]
    again.follow({"web": report}, [])
    assert list(LastMasters(tmp_path, structlog.get_logger()).words()) == []
    masters.follow({"web": report}, [])
    masters.follow({"web": report}, ["web"])
    file = tmp_path / "masters.json"
    stored = json.loads(file.read_text())
    file.write_text(json.dumps(stored | {"boot": "another"}))
    assert list(LastMasters(tmp_path, structlog.get_logger()).words()) == []
    file.write_text("{")
    assert "cannot be understood" in LastMasters(tmp_path, structlog.get_logger()).trouble
