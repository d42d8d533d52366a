"""The configuration read by a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hactl.config.load import load
from hactl.config.reading import Reading
from hactl.processes import reader
from support.daemon import wait_until
from support.processes import children

DATA = Path(__file__).parents[1] / "config" / "data"
SOUND = str(DATA / "design-example.yaml")


@pytest_asyncio.fixture(name="warm")
async def _warm() -> AsyncIterator[reader.Reader]:
    made = reader.Reader()
    yield made
    await made.stop()


def resting() -> list[int]:
    """The processes of ours that wait to read."""
    words = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(os.getpid())}
    return [pid for pid, each in words.items() if b"hactl.workers.reader\0--fd" in each]


def opened(path: str) -> int | None:
    """The writing end of a pipe, once somebody has opened it to read."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


@pytest.mark.parametrize(
    ("file", "node"), [("design-example.yaml", "lb1"), ("design-example.yaml", "lb9"), ("none", None)]
)
async def test_it_says_what_reading_here_says(file: str, node: str | None, warm: reader.Reader) -> None:
    """Configuration, faults and strangers come over whole, at a start and at reloads."""
    path = str(DATA / file)
    here = load(path, node)
    told = Reading(**{name: getattr(here, name) for name in Reading.__struct_fields__})
    assert reader.finish(path, reader.begin(path, node)) == told
    assert await warm.read(path, node) == told
    assert await warm.read(path, node) == told
    assert (told.config is not None, bool(told.stranger), bool(told.faults)).count(True) == 1


async def test_what_was_loaded_stays_for_a_while(
    warm: reader.Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process serves reloads that follow each other; it ends when there is none for long, or with the daemon."""
    await warm.read(SOUND, "lb1")
    first = resting()
    monkeypatch.setattr(reader, "STAYS", 0.2)
    await warm.read(SOUND, "lb1")
    assert len(first) == 1
    assert resting() == first
    await asyncio.to_thread(wait_until, lambda: not resting())
    assert (await warm.read(SOUND, "lb1")).config is not None
    assert resting() != first


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_reader_that_dies_is_a_fault_of_the_file(
    tmp_path: Path, warm: reader.Reader, number: signal.Signals
) -> None:
    """One sentence, like any other fault; the daemon goes on with what it has, and the next reading succeeds."""
    path = str(tmp_path / "pipe")  # Whoever opens it to read waits.
    os.mkfifo(path)
    fault = f"{path}:1:1: cannot be read: the process that reads it was killed by signal {int(number)}"
    begun = reader.begin(path, None)
    begun.send_signal(number)
    assert [str(one) for one in reader.finish(path, begun).faults] == [fault]

    await warm.read(SOUND, "lb1")
    (resident,) = resting()
    reading = asyncio.create_task(warm.read(path, None))
    end = await asyncio.to_thread(wait_until, lambda: opened(path), 30.0, 0.01)
    os.kill(resident, number)
    assert [str(one) for one in (await reading).faults] == [fault]
    assert end is not None
    os.close(end)
    assert (await warm.read(SOUND, "lb1")).config is not None


async def test_what_a_daemon_has_is_the_same_object(tmp_path: Path, warm: reader.Reader) -> None:
    """However often a file is read again; and what changed is what the file says now."""
    file = tmp_path / "hactl.yaml"
    text = await asyncio.to_thread(Path(SOUND).read_text)
    file.write_text(text)
    first = (await warm.read(str(file), "lb1")).config
    assert first is not None
    for weight in (5, 6):
        file.write_text("# a line\n" + text.replace("rs4: 10.", f"rs4: {{weight: {weight}, address: 10.", 1))
        file.write_text(file.read_text().replace("77.0.24}", "77.0.24}}", 1))
        now = (await warm.read(str(file), "lb1", first)).config
        assert now == load(str(file), "lb1").config != first
        assert now is not None
        assert now.checks is first.checks
        assert [new is old for new, old in zip(now.services, first.services, strict=True)] == [True, False]


async def test_a_reader_that_hangs_is_a_fault_of_the_file(
    tmp_path: Path, warm: reader.Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a start and at a reload; nobody is left over, and the next reload is not kept waiting."""
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    monkeypatch.setattr(reader, "READ_WITHIN", 0.5)
    fault = f"{path}:1:1: cannot be read: the process that reads it did not answer within 0.5 s"
    assert [str(one) for one in reader.finish(path, reader.begin(path, None)).faults] == [fault]
    assert [str(one) for one in (await warm.read(path, None)).faults] == [fault]
    await asyncio.to_thread(wait_until, lambda: not resting())
    monkeypatch.undo()
    assert (await warm.read(SOUND, "lb1")).config is not None


def test_a_reader_whose_daemon_is_gone_says_nothing() -> None:
    """Nobody takes its answer; that is no fault of its own."""
    ours, theirs = os.pipe()
    os.close(ours)
    command = (sys.executable, "-I", "-m", "hactl.workers.reader", SOUND, "lb1")
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=50.0)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")
