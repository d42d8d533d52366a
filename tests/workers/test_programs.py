"""The helper that runs programs, as a process of its own."""

import asyncio
import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hactl.process import ExitReason
from hactl.processes.ipc import Link, connect
from hactl.processes.messages import AllowPrograms, WithHosts
from hactl.workers import programs
from hactl.workers.check_programs import ran
from hactl.workers.program_client import Programs
from hactl.workers.programs import Ended, Helper, Run
from health.errors import says_nothing
from support.alerts import until
from support.processes import alive

ROOT = Path(__file__).parents[2]
USER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
ID = ("/usr/bin/id", "-un")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")


class Client(Programs):
    """A worker's side of a helper, and the supervisor's."""

    def __init__(self) -> None:
        ours, self._theirs = socket.socketpair()
        with self._theirs:
            worker = programs.start("nobody" if os.geteuid() == 0 else "", self._theirs)
        super().__init__(worker, lambda reason: None)
        self.supervisor: Link[Any] = Link(type(None))
        self._ours = ours

    async def connect(self) -> None:
        """Join both links."""
        await connect(self.supervisor, self._ours)
        await super().connect()

    def allow(self, *allowed: tuple[tuple[str, ...], str]) -> None:
        """The supervisor's word."""
        self.supervisor.send(AllowPrograms(allowed))


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A client with its helper."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = Client()
    await made.connect()
    yield made
    made.close()
    made.supervisor.close()
    await asyncio.sleep(0)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that any user reaches and writes to."""
    directory = Path(tempfile.mkdtemp(prefix="hactl-programs-"))
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory)


async def test_an_allowed_program_runs(client: Client) -> None:
    """Status 0 is success."""
    client.allow((("/bin/true",), USER))
    assert await client.run(("/bin/true",), USER, {}, b"", 10.0) == ""


async def test_a_failure_comes_with_the_last_line_written(client: Client) -> None:
    """Status and last line say what went wrong."""
    command = ("/bin/sh", "-c", "echo first; echo the disk is full; exit 4")
    client.allow((command, USER))
    assert await client.run(command, USER, {}, b"", 10.0) == "exit status 4: the disk is full"


async def test_only_what_is_allowed_runs_and_only_as_its_user(client: Client) -> None:
    """Another command, other arguments or another user are refused, and so is everything before anything is allowed."""
    refused = "not a program of the configuration in force"
    assert await client.run(ID, USER, {}, b"", 10.0) == refused
    client.allow((ID, USER))
    assert await client.run(ID, USER, {}, b"", 10.0) == ""
    assert await client.run(ID, "root", {}, b"", 10.0) == refused
    assert await client.run((*ID, "x"), USER, {}, b"", 10.0) == refused
    client.allow()
    assert await client.run(ID, USER, {}, b"", 10.0) == refused


async def test_hosts_are_further_arguments_and_only_those_allowed(client: Client) -> None:
    """Any of the hosts of the configuration, and no word more; alone the program is not allowed."""
    command = ("/bin/sh", "-c", 'echo "$*"', "name")
    client.supervisor.send(AllowPrograms((), (WithHosts(command, USER, ("10.0.0.1", "10.0.0.2")),)))
    ended = await client.attend(command, USER, {}, b"", 10.0, ("10.0.0.2", "10.0.0.1"))
    assert (ended.status, ended.output) == (0, b"10.0.0.2 10.0.0.1\n")
    refused = "not a program of the configuration in force"
    for hosts in ((), ("10.0.0.3",), ("10.0.0.1", "-x")):
        assert (await client.attend(command, USER, {}, b"", 10.0, hosts)).failure == refused
    assert (await client.attend(command, "root", {}, b"", 10.0, ("10.0.0.1",))).failure == refused


async def test_variables_are_ours(client: Client) -> None:
    """A worker that was turned cannot choose the libraries of a program."""
    client.allow((("/bin/true",), USER))
    said = await client.run(("/bin/true",), USER, {"LD_PRELOAD": "/tmp/x.so"}, b"", 10.0)
    assert said == "only variables named HACTL_... are handed to programs"


async def test_output_is_told_from_its_beginning(client: Client) -> None:
    """So much of it as a check needs."""
    command = ("/bin/sh", "-c", "yes | head -c 100000; exit 1")
    client.allow((command, USER))
    ended = await client.attend(command, USER, {}, b"", 10.0)
    assert (ended.status, ended.output) == (1, b"y\n" * (programs.OUTPUT_TOLD // 2))


@as_root
@pytest.mark.parametrize("user", ["nobody", "daemon", "root"])
async def test_programs_run_as_their_own_user(client: Client, user: str) -> None:
    """The helper, itself nobody, becomes whoever the configuration names, root only when it is named."""
    command = ("/bin/sh", "-c", 'echo "$(id -un) $(id -Gn) $(ulimit -c)"; exit 1')
    client.allow((command, user))
    group = {"nobody": "nogroup"}.get(user, user)
    assert await client.run(command, user, {}, b"", 10.0) == f"exit status 1: {user} {group} 0"


async def test_a_worker_cannot_allow_anything(client: Client) -> None:
    """One that was turned speaks the supervisor's words in vain: its link with the helper ends, and with it the programs."""
    assert client._link is not None
    client._link.send(AllowPrograms(((ID, "root"),)))
    assert await client.run(ID, "root", {}, b"", 10.0) == "the helper that runs programs has ended"


async def test_a_hanging_program_is_killed(client: Client) -> None:
    """Its time is kept by the helper."""
    command = ("/bin/sleep", "600")
    client.allow((command, USER))
    assert "timed out" in await client.run(command, USER, {}, b"", 0.2)


async def test_with_the_worker_its_programs_end(client: Client, open_directory: Path) -> None:
    """When the link is cut the helper kills what runs and ends."""
    pids = open_directory / "pids"
    command = ("/bin/sh", "-c", f"echo $$ $PPID > {pids}; sleep 600")
    client.allow((command, USER))
    running = asyncio.create_task(client.run(command, USER, {}, b"", 600.0))
    await until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    program, helper = (int(number) for number in pids.read_text().split())
    client.close()
    assert await running == "the helper that runs programs has ended"
    await until(lambda: not alive(program) and not alive(helper))


async def test_a_program_that_nobody_waits_for_is_killed(client: Client, open_directory: Path) -> None:
    """As after a reload in the midst of it: it makes room for others, also where it had not begun."""
    pids = open_directory / "pids"
    command = ("/bin/sh", "-c", f"echo $$ >> {pids}; sleep 600")
    client.allow((command, USER), (ID, USER))
    running = [asyncio.create_task(client.run(command, USER, {}, b"", 600.0)) for _ in range(3)]
    await until(lambda: pids.exists() and pids.read_text().count("\n") == 3)
    for task in running:
        task.cancel()
    await until(lambda: not any(alive(int(number)) for number in pids.read_text().split()))
    for _ in range(programs.RUNNING + 1):
        begun = asyncio.create_task(client.run(command, USER, {}, b"", 600.0))
        await asyncio.sleep(0)
        begun.cancel()
        assert await client.run(ID, USER, {}, b"", 10.0) == ""


async def test_too_many_at_once_are_refused() -> None:
    """Beyond the bound a request is refused at once."""
    answers: list[Ended] = []
    helper = Helper()
    helper.answer = answers.append
    helper.allow(AllowPrograms(((ID, USER),)))
    for number in range(programs.RUNNING + 1):
        helper.receive(Run(number, ID, USER, {}, b"", 1.0))
    assert answers == [Ended(programs.RUNNING, f"{programs.RUNNING} programs run already", ExitReason.SCARCE)]
    assert says_nothing(ran(answers[0], "/usr/bin/id").end), "it is no fault of the server that is checked"
