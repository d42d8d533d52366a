"""The command as a process: what it imports, how fast it is, signals, pipes, a foreign package on its path."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hactl.control.commands import EventQuery
from hactl.control.refusals import Code, RefusedError
from notify.event import Event
from support.daemon import wait_until
from support.fake_daemon import FakeCommands, fake_daemon

ROOT = Path(__file__).parent.parent.parent
HEAVY = {
    "aiohttp",
    "asyncio",
    "msgspec",
    "pydantic",
    "pyroute2",
    "rich",
    "scapy",
    "sqlite3",
    "structlog",
    "yaml",
}
TARGET = 0.3
"""Seconds of wall time in which `status` and `version` answer."""


def hactl(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "hactl", *arguments]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=30,
    )


@pytest.mark.parametrize("verb", ["status", "version", "drain"])
def test_nothing_slow_is_imported(tmp_path: Path, verb: str) -> None:
    """The verbs for a running daemon import none of the heavy libraries."""
    program = (
        "import atexit, sys; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr)); "
        "from hactl.cli import main; main(sys.argv[1:])"
    )
    arguments = {"status": ["status", "mark"], "version": ["version"], "drain": ["drain", "rs1"]}[verb]
    with fake_daemon(tmp_path / "s") as daemon:
        environment = {**os.environ, "HACTL_SOCKET": daemon.path}
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            check=True, capture_output=True, text=True, cwd=ROOT, env=environment,
        )  # fmt: skip
    imported = {name.split(".")[0] for name in eval(done.stderr.splitlines()[-1])}
    assert imported & HEAVY == set()


def test_status_and_version_are_quick(tmp_path: Path) -> None:
    """Best of five; the bound is five times the target, for a machine that is busy."""
    with fake_daemon(tmp_path / "s") as daemon:
        for verb in ("status", "version"):
            times = []
            for _ in range(5):
                began = time.monotonic()
                hactl(verb, HACTL_SOCKET=daemon.path)
                times.append(time.monotonic() - began)
            assert min(times) < 5 * TARGET


def test_exit_statuses(tmp_path: Path) -> None:
    """0, 1, 2 and 3 as a shell sees them."""
    with fake_daemon(tmp_path / "s") as daemon:
        assert hactl("status", "mark", HACTL_SOCKET=daemon.path).returncode == 0
        assert hactl("status", HACTL_SOCKET=daemon.path).returncode == 1
    assert hactl("status", "--no-such-option").returncode == 2
    assert hactl("status", "--socket", str(tmp_path / "s")).returncode == 3


def test_reader_that_leaves(tmp_path: Path) -> None:
    """A closed pipe is no traceback."""
    with fake_daemon(tmp_path / "s") as daemon:
        command = f"'{sys.executable}' -m hactl status --socket '{daemon.path}' | true"
        done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""


def test_a_full_disk_is_a_sentence() -> None:
    """What cannot be written, as to a file on a full disk, is said and no traceback."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hactl", "version"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
    said = "hactl: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_terminal_of_a_small_alphabet(tmp_path: Path) -> None:
    """A letter that the locale does not have is shown by its number, also within JSON."""
    (tmp_path / "w\u0119b").write_text("cluster: web\n")
    words = ("check", "-c", str(tmp_path / "w\u0119b"))
    shown = hactl(*words, PYTHONIOENCODING="latin-1")
    assert (shown.returncode, "w\\u0119b: " in shown.stdout) == (1, True)
    told = json.loads(hactl(*words, "--json", PYTHONIOENCODING="latin-1").stdout)
    assert told["file"].endswith("w\u0119b")


@pytest.fixture(autouse=True)
def interruptible() -> None:
    """Programs started here heed an interrupt, also where the tests were started in the background and so ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _ended(process: subprocess.Popen[str]) -> int:
    """Its exit status; one that does not end tells where it stands."""
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        assert process.stderr is not None
        pytest.fail(f"it did not end:\n{process.stderr.read()}")


def test_following_events(tmp_path: Path) -> None:
    """-f shows what happens as it happens and ends quietly on an interrupt."""
    with fake_daemon(tmp_path / "s") as daemon:
        command = [
            sys.executable,
            "-X",
            "faulthandler",
            "-m",
            "hactl",
            "events",
            "-f",
            "--json",
            "--socket",
            daemon.path,
        ]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert [json.loads(process.stdout.readline())["row"] for _ in range(3)] == [1, 2, 3]
            daemon.happen(4)
            assert json.loads(process.stdout.readline())["row"] == 4
            process.send_signal(signal.SIGINT)
            assert _ended(process) == 0
            assert process.stderr.read() == ""


def test_following_through_a_restart(tmp_path: Path) -> None:
    """A daemon that restarts is waited for, and nothing is shown twice."""
    command = [sys.executable, "-m", "hactl", "events", "-f", "--json", "--socket", str(tmp_path / "s")]
    with fake_daemon(tmp_path / "s"):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert [json.loads(process.stdout.readline())["row"] for _ in range(3)] == [1, 2, 3]
    try:
        assert "waiting for it" in process.stderr.readline()
        with fake_daemon(tmp_path / "s") as daemon:
            daemon.happen(4)
            assert json.loads(process.stdout.readline())["row"] == 4
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def following(path: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`events -f` with these words, ended with the context."""
    command = [sys.executable, "-m", "hactl", "events", "-f", "--json", "--socket", str(path), *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _row(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    found: int = json.loads(process.stdout.readline())["row"]
    return found


def test_following_after_a_quiet_time(tmp_path: Path) -> None:
    """Where nothing happened in the time that was asked for, only what comes is shown, and not the whole history."""
    commands = FakeCommands()
    asked: list[EventQuery] = []
    told = commands.events

    async def events(query: EventQuery) -> tuple[tuple[int, Event], ...]:
        asked.append(query)
        return await told(query)

    commands.events = events  # type: ignore[method-assign]
    with (
        fake_daemon(tmp_path / "s", commands) as daemon,
        following(tmp_path / "s", "--since", "1m") as process,
    ):
        wait_until(lambda: any(query.wait for query in asked))
        daemon.happen(4)
        assert _row(process) == 4


def test_following_while_the_history_is_away(tmp_path: Path) -> None:
    """A notify worker that is started again is waited for, as a daemon is."""
    commands = FakeCommands()
    told, away = commands.events, threading.Event()

    async def events(query: EventQuery) -> tuple[tuple[int, Event], ...]:
        if away.is_set():
            raise RefusedError(Code.UNAVAILABLE, "the notify worker does not answer")
        return await told(query)

    commands.events = events  # type: ignore[method-assign]
    with fake_daemon(tmp_path / "s", commands) as daemon, following(tmp_path / "s") as process:
        assert [_row(process) for _ in range(3)] == [1, 2, 3]
        away.set()
        assert process.stderr is not None
        assert "does not answer; waiting for it" in process.stderr.readline()
        away.clear()
        daemon.happen(4)
        assert _row(process) == 4


def test_watching(tmp_path: Path) -> None:
    """--watch draws again and again until interrupted, which is a good end."""
    with fake_daemon(tmp_path / "s") as daemon:
        command = [sys.executable, "-m", "hactl", "status", "--watch", "--socket", daemon.path]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            seen = 0
            while seen < 2:
                seen += "cluster" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert process.wait(10) == 0
            assert process.stderr.read() == ""


def test_top_needs_a_terminal(tmp_path: Path) -> None:
    """Where there is none, as in a job of cron, it says so and ends."""
    with fake_daemon(tmp_path / "s") as daemon:
        done = hactl("top", "--socket", daemon.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "`top` needs a terminal" in done.stderr


def test_foreign_package_is_told(tmp_path: Path) -> None:
    """A package `health` of somebody else that comes first on the path is warned of."""
    (tmp_path / "notify").mkdir()
    (tmp_path / "notify" / "__init__.py").write_text("")
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; "
        "from hactl.cli import main; main(['version'])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert f"warning: package 'notify' is taken from {tmp_path}/notify" in done.stderr
