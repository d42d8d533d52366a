"""Probes of this director itself: files with a number, running programs, and what the kernel holds up."""

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from health.dialogue import LocalPlan
from health.errors import scarcity
from health.once import run_once
from health.probes import number_file, processes
from health.probes.local import Look, Looks
from health.result import PASSED, End, Reason
from health.spec import CheckSpec, FileProbe, Probe, ProcessProbe
from support.alerts import until


async def looked(probe: Probe) -> End:
    """How one probe of this director ends."""
    result = (await run_once(CheckSpec(address="", port=0, probe=probe), "hactl/test")).result
    return End(result.reason, result.detail, result.number)


# ---- files


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("-20\n", -20), ("+5", 5), ("  0 \n\n", 0), ("0010000", 10000), ("-10000", -10000)],
)
async def test_file_with_a_number(tmp_path: Path, text: str, number: int) -> None:
    """A whole number, with white space around it."""
    path = tmp_path / "load"
    path.write_text(text)
    assert await looked(FileProbe(path=str(path))) == End(Reason.OK, "", number)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"1 2", "holds '1 2'"),
        (b"1.5", "holds '1.5'"),
        (b"seven", "holds 'seven'"),
        (b"0x10", "holds '0x10'"),
        ("\N{ARABIC-INDIC DIGIT FIVE}".encode(), "holds"),
        (b"\xff\xfe\x00", "holds"),
        (b"10001", "holds 10001; -10000 to 10000 can be"),
        (b"1" * 20, "holds"),
        (b"5" + b" " * 100, "holds"),
        (b"1" * 10_000_000, "holds"),
    ],
)
async def test_file_without_a_number(tmp_path: Path, data: bytes, said: str) -> None:
    """Anything else is no number, and the reason quotes its beginning."""
    path = tmp_path / "load"
    path.write_bytes(data)
    end = await looked(FileProbe(path=str(path)))
    assert (end.reason, end.number) == (Reason.NO_NUMBER, None)
    assert f"load {said}" in end.detail
    assert end.detail.isprintable()


async def test_no_file(tmp_path: Path) -> None:
    """Missing, a folder, a device, a pipe that nobody writes to: no number, and none of them is waited for."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, said in (
        (tmp_path / "none", "No such file"),
        (tmp_path, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (pipe, "not a regular file"),
    ):
        end = await asyncio.wait_for(looked(FileProbe(path=str(path))), 5)
        assert end.reason is Reason.NO_NUMBER
        assert said in end.detail
    assert number_file.look("a\0b").reason is Reason.NO_NUMBER


# ---- running programs

MATCHES = [
    ("named", b"named", b"/usr/sbin/named\0-f\0", True),
    ("named", b"isc-net-0000", b"/usr/sbin/named\0-f\0", True),
    ("named", b"named", b"", False),
    ("named", b"namedx", b"/usr/sbin/namedx\0", False),
    ("named", b"vi", b"vi\0/etc/named\0", False),
    ("/usr/sbin/named", b"named", b"/usr/sbin/named\0-f\0", True),
    ("/usr/sbin/named", b"named", b"/opt/named\0", False),
    ("/usr/local/bin/agent.py", b"agent.py", b"/usr/bin/python3\0/usr/local/bin/agent.py\0", True),
    ("/usr/local/bin/agent.py", b"vi", b"vi\0/usr/local/bin/agent.py\0", False),
    ("nginx", b"nginx", b"nginx: master process /usr/sbin/nginx\0", True),
    ("/usr/sbin/nginx", b"nginx", b"nginx: master process /usr/sbin/nginx\0", True),
    ("a-name-longer-than-the-kernel-keeps", b"a-name-longer-t", b"./renamed\0", True),
]


@pytest.mark.parametrize(("wanted", "comm", "line", "expected"), MATCHES)
def test_which_process_is_meant(wanted: str, comm: bytes, line: bytes, expected: bool) -> None:
    """By name or by path; the argument of another program is not the program."""
    assert processes.matches(wanted.encode(), comm, line) is expected


@contextlib.contextmanager
def running(program: Path, count: int) -> Iterator[list[int]]:
    """So many processes of a program that sleeps; their ids."""
    program.symlink_to("/bin/sleep")
    started = [subprocess.Popen([program, "600"]) for _ in range(count)]
    # It is told to have begun a moment before the kernel shows its new name.
    for one in started:
        while program.name[:15] not in Path(f"/proc/{one.pid}/comm").read_text():
            time.sleep(0.001)
    try:
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()


def kill(pid: int) -> None:
    """The process has ended when this returns, and still waits for its parent."""
    os.kill(pid, 9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def test_running_program(tmp_path: Path) -> None:
    """So many must run; one that has ended and is not waited for does not count."""
    program = tmp_path / "hactl-test-sleeper"
    with running(program, 2) as pids:
        for wanted in (program.name, str(program)):
            assert await looked(ProcessProbe(command=wanted, at_least=2)) == PASSED
            end = await looked(ProcessProbe(command=wanted, at_least=3))
            assert end == End(Reason.NOT_RUNNING, f"2 of 3 {wanted}")
        kill(pids[0])
        assert (await looked(ProcessProbe(command=program.name, at_least=2))).reason is Reason.NOT_RUNNING
        assert await looked(ProcessProbe(command=program.name)) == PASSED
    assert (await looked(ProcessProbe(command=program.name))).reason is Reason.NOT_RUNNING


def test_a_process_that_ends_while_it_is_looked_at(tmp_path: Path) -> None:
    """An entry without its files, and one that is no number, are passed over."""
    (tmp_path / "12").mkdir()
    (tmp_path / "self").mkdir()
    assert processes.look(ProcessProbe(command="x"), str(tmp_path)).reason is Reason.NOT_RUNNING


# ---- what the kernel holds up


async def test_a_hanging_look_is_a_failure_and_so_is_the_next() -> None:
    """The worker goes on; when the kernel answers at last, the check works again; other checks never noticed."""
    looks = Looks(asyncio.get_running_loop())
    gate = threading.Event()

    def hang() -> End:
        gate.wait(20)
        return PASSED

    ends: list[End] = []
    plan = LocalPlan("/mnt/gone", hang)
    look = Look(plan, looks, ends.append)
    assert look.start() is None
    await asyncio.sleep(0.05)
    hangs = End(Reason.CANNOT_RUN, "/mnt/gone: the kernel does not answer")
    assert look.expire() == hangs
    assert Look(plan, looks, ends.append).start() == hangs
    other: asyncio.Future[End] = asyncio.get_running_loop().create_future()
    assert Look(LocalPlan("/mnt/gone", lambda: PASSED), looks, other.set_result).start() is None
    assert await asyncio.wait_for(other, 5) == PASSED
    gate.set()
    await until(lambda: Look(plan, looks, ends.append).start() is None)
    await until(lambda: bool(ends))
    assert ends == [PASSED], "the first look had ended: nobody is told of it"


async def test_a_look_for_which_there_is_no_thread_says_so_and_the_next_one_is_begun() -> None:
    """The host's limit of threads is reached for a moment: no check stays in the belief that its look hangs."""
    looks, ended = Looks(asyncio.get_running_loop()), asyncio.get_running_loop().create_future()
    plan = LocalPlan("/proc", lambda: PASSED)
    usual = threading.stack_size(1 << 48)  # More than the addresses of a process.
    try:
        failed = Look(plan, looks, ended.set_result).start()
    finally:
        threading.stack_size(usual)
    assert failed == scarcity("threads")
    assert Look(plan, looks, ended.set_result).start() is None
    assert await asyncio.wait_for(ended, 5) == PASSED


async def test_a_look_that_fails_itself_is_an_internal_error() -> None:
    """It is contained and shown."""
    ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()

    def broken() -> End:
        raise ZeroDivisionError("x")

    Look(LocalPlan("x", broken), Looks(asyncio.get_running_loop()), ended.set_result).start()
    assert (await asyncio.wait_for(ended, 5)).reason is Reason.INTERNAL_ERROR
