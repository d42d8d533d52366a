"""The health worker as a process of its own, spoken with over a real socket pair."""

import asyncio
import hashlib
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from hactl.processes.ipc import Link, connect
from hactl.processes.messages import (
    AllowPrograms,
    Beat,
    Commit,
    Discard,
    FromWorker,
    Note,
    Outcomes,
    Prepared,
    PrepareHealth,
    Stop,
    Transitions,
)
from health.result import Health, Reason, Repeats
from health.spec import (
    BodyMatch,
    CheckSpec,
    HealthSpec,
    HttpProbe,
    PingProbe,
    Probe,
    ScriptProbe,
    SshProbe,
    TcpProbe,
    TlsSpec,
)
from support.certificates import Authority
from support.processes import children
from support.servers import free_port, page, saying, serving, silence

ROOT = Path(__file__).parents[2]
NOBODY = 65534
USER = "nobody"
M = TypeVar("M", bound=msgspec.Struct)


class Worker:
    """The supervisor's view of one worker."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.messages: list[Any] = []
        self.lost = asyncio.Event()
        self._news = asyncio.Event()
        self.link: Link[Any] = Link(FromWorker, self._take, lambda reason: self.lost.set())
        self.helper: Link[Any] = Link(type(None))

    def _take(self, message: Any) -> None:
        self.messages.append(message)
        self._news.set()

    async def until(self, kind: type[M], wanted: Callable[[M], bool] = lambda message: True) -> M:
        """The first message of this kind that is wanted."""
        async with asyncio.timeout(20):
            while True:
                for message in self.messages:
                    if isinstance(message, kind) and wanted(message):
                        return message
                self._news.clear()
                await self._news.wait()

    async def apply(self, generation: int, *checks: CheckSpec) -> None:
        """Prepare and commit a set of checks."""
        self.link.send(PrepareHealth(generation, HealthSpec(checks=checks)))
        prepared = await self.until(Prepared, lambda message: message.generation == generation)
        assert prepared.fault is None
        self.link.send(Commit(generation))

    def allow(self, *checks: CheckSpec) -> None:
        """The supervisor's word to the helper that runs programs."""
        probes = [spec.probe for spec in checks]
        self.helper.send(
            AllowPrograms(tuple((p.command, p.user) for p in probes if isinstance(p, ScriptProbe)))
        )

    async def ended(self) -> int:
        """Exit status of the worker's process, which must come by itself."""
        return await asyncio.wait_for(self.process.wait(), 10)


@asynccontextmanager
async def working(user: str = "") -> AsyncIterator[Worker]:
    """A worker process; killed at the end if it has not ended."""
    (ours, theirs), (allow, allowed) = socket.socketpair(), socket.socketpair()
    ends = ["--fd", str(theirs.fileno()), "--allowed", str(allowed.fileno())]
    command = [sys.executable, "-m", "hactl.workers.health", *ends, "--user", user]
    process = await asyncio.create_subprocess_exec(
        *command, pass_fds=[theirs.fileno(), allowed.fileno()], cwd=ROOT
    )
    theirs.close()
    allowed.close()
    worker = Worker(process)
    try:
        await connect(worker.link, ours)
        await connect(worker.helper, allow)
        yield worker
    finally:
        worker.link.close()
        worker.helper.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


def check(port: int, probe: Probe, fall: int = 2) -> CheckSpec:
    """A quick check of this port."""
    return CheckSpec(address="127.0.0.1", port=port, probe=probe, interval=0.2, fast_interval=0.1, fall=fall)


async def test_checks_from_prepare_to_transitions() -> None:
    """tcp, http and ssh servers come up, a dead one goes down; outcomes follow within seconds."""
    async with (
        serving(silence) as tcp,
        serving(page(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as http,
        serving(saying(b"SSH-2.0-test\r\n")) as ssh,
        working() as worker,
    ):
        checks = (
            check(tcp, TcpProbe()),
            check(http, HttpProbe()),
            check(ssh, SshProbe()),
            check(free_port(), TcpProbe()),
        )
        await worker.apply(1, *checks)
        for spec in checks[:3]:
            await worker.until(Transitions, lambda m, s=spec: _says(m, s, Health.UP))  # type: ignore[misc]
        await worker.until(Transitions, lambda m: _says(m, checks[3], Health.DOWN))
        reasons = {spec: await _told(worker, spec) for spec in checks}
        assert reasons == {
            **dict.fromkeys(checks[:3], Reason.OK),
            checks[3]: Reason.CONNECT_REFUSED,
        }
        for spec in checks[:3]:
            await worker.until(Repeats, lambda m, s=spec: s.id in m.checks)  # type: ignore[misc]
        await worker.until(Beat)


async def _told(worker: Worker, spec: CheckSpec) -> Reason:
    """The reason of the first outcome of this check: each is told in full once, in whichever message."""
    message = await worker.until(Outcomes, lambda m: spec.id in {outcome.check for outcome in m.outcomes})
    return next(outcome.result.reason for outcome in message.outcomes if outcome.check == spec.id)


def _says(message: Transitions, spec: CheckSpec, health: Health) -> bool:
    return any(told.check == spec.id and told.new is health for told in message.transitions)


async def test_runaway_expression_does_not_stop_the_beat() -> None:
    """A check whose expression never ends fails with that reason; the worker goes on."""
    async with serving(saying(b"x" * 5000)) as port, working() as worker:
        await worker.apply(1, check(port, TcpProbe(expect_regex="(x+x+)+y")))
        down = await worker.until(Transitions)
        assert down.transitions[0].result.reason is Reason.NO_MATCH
        assert "too long" in down.transitions[0].result.detail
        seen = len(worker.messages)
        await worker.until(Beat, lambda message: message in worker.messages[seen:])


async def test_second_generation_keeps_the_first() -> None:
    """A reload with the same check and one more: the worker says what it kept."""
    async with serving(silence) as one, serving(silence) as two, working() as worker:
        await worker.apply(1, check(one, TcpProbe()))
        await worker.until(Transitions)
        await worker.apply(2, check(one, TcpProbe()), check(two, TcpProbe()))
        note = await worker.until(Note, lambda m: m.fields.get("generation") == "2")
    assert (note.fields["kept"], note.fields["started"], note.fields["stopped"]) == ("1", "1", "0")


async def test_discarded_and_refused_generations_change_nothing() -> None:
    """What was discarded or never prepared is not committed; a wrong expression is a fault with its words."""
    async with serving(silence) as port, working() as worker:
        worker.link.send(PrepareHealth(1, HealthSpec(checks=(check(port, TcpProbe(expect_regex="(")),))))
        refused = await worker.until(Prepared)
        assert refused.fault is not None
        assert "regular expression" in refused.fault
        worker.link.send(PrepareHealth(2, HealthSpec(checks=(check(port, TcpProbe()),))))
        worker.link.send(Discard(2))
        worker.link.send(Commit(2))
        await worker.until(Note, lambda m: "not prepared" in m.text)


async def test_stop_ends_it() -> None:
    """Told to stop, it ends at once and well."""
    async with working() as worker:
        await worker.until(Beat)
        worker.link.send(Stop("test"))
        assert await worker.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_it(number: signal.Signals) -> None:
    """A signal does the same."""
    async with working() as worker:
        await worker.until(Beat)
        worker.process.send_signal(number)
        assert await worker.ended() == 0


async def test_lost_supervisor_ends_it() -> None:
    """Without a supervisor it does not linger."""
    async with working() as worker:
        await worker.until(Beat)
        worker.link.close()
        assert await worker.ended() == 0


def _status(pid: int) -> dict[str, list[str]]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def script(*command: str, timeout: float = 5.0) -> CheckSpec:
    """A quick check by a program, which fails at once."""
    probe = ScriptProbe(command=command, user=USER)
    return CheckSpec(
        address="", port=0, probe=probe, interval=0.2, fast_interval=0.1, timeout=timeout, rise=1, fall=1
    )


def shell(text: str) -> CheckSpec:
    """A quick check by this shell script."""
    return script("/bin/sh", "-c", text)


FAILING = [
    (shell("echo one; echo the disk is full; exit 4"), Reason.PROGRAM_FAILED, "exit status 4: the disk is full"),
    (shell("kill -TERM $$"), Reason.PROGRAM_FAILED, "killed by SIGTERM"),
    (script("/no/such/program"), Reason.CANNOT_RUN, "no such program"),
    (script("/etc/passwd"), Reason.CANNOT_RUN, "not executable"),
    (script("/bin/sleep", "600", timeout=0.3), Reason.PROGRAM_TIMEOUT, "/bin/sleep"),
    (shell("yes 0123456789 | head -c 1000000; exit 1"), Reason.PROGRAM_FAILED, "exit status 1"),
    (shell("printf '\\033[2J\\377\\000'; exit 1"), Reason.PROGRAM_FAILED, "exit status 1"),
]  # fmt: skip


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")
async def test_programs() -> None:
    """One that ends well passes; every other end is a failure that says what was wrong."""
    well = shell("yes | head -c 1000000; exit 0")
    checks = (well, *(spec for spec, _, _ in FAILING))
    async with working("nobody") as worker:
        worker.allow(*checks)
        await worker.apply(1, *checks)
        await worker.until(Transitions, lambda m: _says(m, well, Health.UP))
        for spec, reason, said in FAILING:
            down = await worker.until(Transitions, lambda m, s=spec: _says(m, s, Health.DOWN))  # type: ignore[misc]
            (result,) = [told.result for told in down.transitions if told.check == spec.id]
            assert (result.reason, said in result.detail) == (reason, True), result
            assert result.detail.isprintable()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")
async def test_programs_run_as_their_user_and_know_their_target(tmp_path: Path) -> None:
    """The user that is configured, nothing inherited, and which server is meant."""
    text = '[ "$(id -un):$HACTL_ADDRESS:$HACTL_PORT:$HOME" = "nobody:127.0.0.1:8080:" ]'
    probe = ScriptProbe(command=("/bin/sh", "-c", text), user=USER)
    spec = check(8080, probe, fall=1)
    async with working("daemon") as worker:
        worker.allow(spec)
        await worker.apply(1, spec)
        await worker.until(Transitions, lambda m: _says(m, spec, Health.UP))


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")
async def test_only_programs_of_the_configuration() -> None:
    """What the supervisor has not allowed is not run, whatever the worker was told."""
    spec = shell("exit 0")
    async with working("nobody") as worker:
        await worker.apply(1, spec)
        down = await worker.until(Transitions)
    assert down.transitions[0].result.reason is Reason.CANNOT_RUN
    assert "not a program of the configuration" in down.transitions[0].result.detail


async def test_it_says_once_that_the_host_is_out_of_descriptors_and_when_that_is_over() -> None:
    """For the table then stands still."""
    async with serving(silence) as port, working() as worker:
        spec = check(port, TcpProbe(), fall=1)
        await worker.apply(1, spec)
        await worker.until(Transitions, lambda m: _says(m, spec, Health.UP))
        usual = resource.prlimit(
            worker.process.pid, resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
        await worker.until(Note, lambda note: "out of resources for checks" in note.text)
        await asyncio.sleep(2.5)
        resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, usual)
        await worker.until(Note, lambda note: "has resources for all checks again" in note.text)
    assert sum("resources" in note.text for note in worker.messages if isinstance(note, Note)) == 2
    assert len([m for m in worker.messages if isinstance(m, Transitions)]) == 1


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")
async def test_lost_helper_ends_it() -> None:
    """Only root can start another helper, so the worker says what happened and ends, to be started anew as a whole."""
    async with working("nobody") as worker:
        await worker.until(Beat)
        (helper,) = children(worker.process.pid)
        os.kill(helper, signal.SIGKILL)
        await worker.until(Note, lambda note: note.text == "the helper that runs programs has ended")
        assert await worker.ended() == 0


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="opening the socket needs root")
async def test_ping_without_rights() -> None:
    """The worker has no right to open the socket any more, and pings."""
    spec = CheckSpec(address="127.0.0.1", port=0, probe=PingProbe(), interval=0.2, fast_interval=0.1)
    async with working("nobody") as worker:
        await worker.apply(1, spec)
        await worker.until(Transitions, lambda m: _says(m, spec, Health.UP))


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's rights")
async def test_unprivileged(tmp_path: Path) -> None:
    """Started as root it is another user with no capability, no group and no way back, and does all its work.

    It must have imported all it needs by then: its user may not be able to read the installation.
    """
    context = Authority(tmp_path).sign("www.example.org").server()
    answer = page(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    async with (
        serving(saying(b"SSH-2.0-test\r\n")) as ssh,
        serving(answer, context=context) as https,
        working("nobody") as worker,
    ):
        body = BodyMatch(regex="o.", sha256=hashlib.sha256(b"ok").hexdigest())
        unverified = TlsSpec(verify=False, name="www.example.org")
        checks = (
            check(ssh, SshProbe()),
            check(https, HttpProbe(tls=unverified, body=body, host="www.example.org")),
        )
        await worker.apply(1, *checks)
        for spec in checks:
            await worker.until(Transitions, lambda m, s=spec: _says(m, s, Health.UP))  # type: ignore[misc]
        status = _status(worker.process.pid)
    assert status["Uid"] == [str(NOBODY)] * 4
    assert status["Gid"] == [status["Gid"][0]] * 4
    assert status["Gid"][0] != "0"
    assert status["Groups"] == []
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities][0], 16) == 0, capabilities
    assert status["NoNewPrivs"] == ["1"]
