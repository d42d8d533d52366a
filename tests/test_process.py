"""Running real programs: how they end, and that nothing of them is left."""

import asyncio
import os
import resource
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hactl.process import Exit, ExitReason, run
from support.alerts import until
from support.processes import alive

Script = Callable[..., str]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Makes an executable shell script of these lines."""

    def make(*lines: str, interpreter: str = "/bin/sh", mode: int = 0o755) -> str:
        path = tmp_path / "program"
        path.write_text("\n".join([f"#!{interpreter}", *lines, ""]))
        path.chmod(mode)
        return str(path)

    return make


async def test_a_program_that_ends_well(script: Script) -> None:
    """Status 0 is ok; standard output and error are both there."""
    end = await run([script("echo out", "echo err >&2")], timeout=10.0)
    assert (end.ok, end.status, end.output, end.truncated) == (True, 0, b"out\nerr\n", False)


async def test_the_status_is_given(script: Script) -> None:
    """Any other status is not ok."""
    end = await run([script("exit 3")], timeout=10.0)
    assert (end.ok, end.reason, end.status, end.text) == (False, ExitReason.STATUS, 3, "exit status 3")


async def test_the_signal_is_given(script: Script) -> None:
    """A program that was killed says by what."""
    end = await run([script("kill -TERM $$")], timeout=10.0)
    assert (end.reason, end.signal, end.text) == (ExitReason.SIGNAL, 15, "killed by SIGTERM")


async def test_arguments_are_not_for_a_shell(script: Script) -> None:
    """What a shell would interpret arrives as it is."""
    end = await run([script('printf "%s|" "$@"'), "a b", "$(id)", "*", ""], timeout=10.0)
    assert end.output == b"a b|$(id)|*||"


async def test_the_environment_is_clean(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours is inherited but a path and a language; what is given is there."""
    monkeypatch.setenv("SECRET", "1")
    end = await run(["/usr/bin/env"], env={"HACTL_EVENT": "router.master"}, timeout=10.0)
    names = {line.split("=")[0] for line in end.output.decode().splitlines()}
    assert names == {"PATH", "LANG", "HACTL_EVENT"}


async def test_descriptors_are_not_inherited(script: Script) -> None:
    """A program has its three descriptors and no other."""
    end = await run([script("ls /proc/$$/fd")], timeout=10.0)
    assert {int(number) for number in end.output.split()} - {10, 255} == {0, 1, 2}


async def test_standard_input_arrives(script: Script) -> None:
    """More than a pipe holds arrives whole, followed by its end."""
    end = await run(["/usr/bin/wc", "-c"], stdin=bytes(1_000_000), timeout=10.0)
    assert end.output == b"1000000\n"


async def test_a_program_that_does_not_read_is_no_failure(script: Script) -> None:
    """Input that nobody wants is dropped."""
    end = await run([script("exit 0")], stdin=bytes(1_000_000), timeout=10.0)
    assert end.ok


async def test_huge_output_is_cut_off(script: Script) -> None:
    """A program may write 50 MB; the first bytes are kept, and it is said."""
    end = await run([script("head -c 50000000 /dev/zero")], output_limit=1000, timeout=30.0)
    assert (end.ok, len(end.output), end.truncated) == (True, 1000, True)


async def test_endless_output_ends_with_the_timeout() -> None:
    """A program that never stops writing neither fills memory nor outlives its time."""
    end = await run(["/usr/bin/yes"], output_limit=1000, timeout=0.3)
    assert (end.reason, len(end.output)) == (ExitReason.TIMEOUT, 1000)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/no/such/program", ExitReason.MISSING),
        ("/etc/passwd", ExitReason.NOT_EXECUTABLE),
        ("/etc", ExitReason.NOT_EXECUTABLE),
        ("a\0b", ExitReason.NOT_STARTED),
    ],
)
async def test_what_cannot_be_run(path: str, reason: ExitReason) -> None:
    """A missing file, one without permission, a folder, a name that is none: each a reason, no exception."""
    assert (await run([path], timeout=10.0)).reason is reason


async def test_no_descriptor_is_left_for_it() -> None:
    """That is told apart, for it is no fault of the program."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        end = await run(["/bin/true"], timeout=10.0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert end.reason is ExitReason.SCARCE
    assert end.text == "could not be started, for this host is out of resources: Too many open files"


async def test_a_missing_interpreter(script: Script) -> None:
    """The kernel's "no such file" for a script with a wrong first line is explained."""
    end = await run([script(interpreter="/no/such/shell")], timeout=10.0)
    assert end.text == "no such program, or its interpreter is missing"


async def test_no_first_line(tmp_path: Path) -> None:
    """An executable file that is no program is a reason."""
    path = tmp_path / "program"
    path.write_text("echo no first line\n")
    path.chmod(stat.S_IRWXU)
    assert (await run([str(path)], timeout=10.0)).reason is ExitReason.NOT_STARTED


async def test_a_hanging_program_and_its_children_are_killed(script: Script, tmp_path: Path) -> None:
    """At the timeout the program, its child in the background and the child's child are all gone."""
    pids = tmp_path / "pids"
    path = script(
        f'sh -c "sleep 600 & echo \\$! >> {pids}; wait" &', f"echo $! $$ >> {pids}", "trap '' TERM", "wait"
    )
    end = await run([path], timeout=0.5)
    assert end.reason is ExitReason.TIMEOUT
    assert 0.5 <= end.duration < 5.0
    found = [int(pid) for pid in pids.read_text().split()]
    assert len(found) == 3
    await until(lambda: not any(alive(pid) for pid in found))


async def test_what_ended_while_we_stood_still_ended_in_time(script: Script) -> None:
    """The program took a moment; that this process did not see it for long is no fault of its."""
    running = asyncio.create_task(run([script("sleep 0.1")], timeout=0.5))
    await asyncio.sleep(0.02)
    time.sleep(1.0)  # noqa: ASYNC251 - that is what it is about
    assert (await running).ok


async def test_who_stood_still_with_us_gets_the_time_anew(script: Script, tmp_path: Path) -> None:
    """As all programs of a host that was frozen as a whole; one that hangs is killed all the same."""
    number = tmp_path / "pid"
    for end, ok in (("exit 0", True), ("sleep 600", False)):
        number.unlink(missing_ok=True)
        running = asyncio.create_task(run([script(f"echo $$ > {number}", "sleep 0.3", end)], timeout=0.7))
        await until(lambda: number.exists() and number.read_text().endswith("\n"))
        group = int(number.read_text())
        os.killpg(group, signal.SIGSTOP)
        time.sleep(1.5)  # noqa: ASYNC251
        os.killpg(group, signal.SIGCONT)
        assert (await running).ok is ok
        assert not alive(group)


async def test_a_process_that_is_late_all_the_time_waits_for_no_program_for_ever(script: Script) -> None:
    """It gets its time anew so often, and no more."""
    running = asyncio.create_task(run([script("sleep 600")], timeout=0.05))
    deadline = time.monotonic() + 20
    while not running.done() and time.monotonic() < deadline:
        await asyncio.sleep(0)
        time.sleep(0.35)  # noqa: ASYNC251
    assert running.done()
    assert (await running).reason is ExitReason.TIMEOUT


async def test_what_a_program_leaves_behind_is_killed(script: Script, tmp_path: Path) -> None:
    """A child in the background neither holds up the answer nor survives it."""
    began = time.monotonic()
    end = await run([script("sleep 600 &", "echo $!")], timeout=60.0)
    assert end.ok
    assert time.monotonic() - began < 10.0
    await until(lambda: not alive(int(end.output)))


async def test_a_cancelled_run_kills_too(script: Script) -> None:
    """When nobody waits any more the program is gone."""
    marker = f"hactl-test-{os.getpid()}-{time.monotonic_ns()}"
    task = asyncio.create_task(run([script("sleep 600"), marker], timeout=600.0))
    await until(lambda: _running(marker))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not _running(marker))


async def test_many_at_once(script: Script) -> None:
    """Fifty programs at a time each give their own answer."""
    path = script("echo $1")
    ends = await asyncio.gather(*(run([path, str(number)], timeout=30.0) for number in range(50)))
    assert [int(end.output) for end in ends] == list(range(50))


async def test_an_unknown_user() -> None:
    """A user the host does not have is a reason that names him."""
    end = await run(["/bin/true"], user="no-such-user", timeout=10.0)
    assert end == Exit(reason=ExitReason.NO_USER, detail="no-such-user")


@as_root
async def test_another_user_has_no_group_of_ours() -> None:
    """The program runs as the user, in the user's group, and in no other."""
    end = await run(["/usr/bin/id"], user="nobody", timeout=10.0)
    assert end.output == b"uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n"


def _running(marker: str) -> bool:
    """Whether any process has this among its arguments."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in path.read_bytes():
                return True
        except (FileNotFoundError, ProcessLookupError):
            continue
    return False
