"""Processes that tests and measurements have started: whom they started in turn, what they hold, and their end."""

import contextlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes that this one has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


def family(pid: int) -> list[int]:
    """This process and all that descend from it."""
    return [pid, *(one for child in children(pid) for one in family(child))]


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected by somebody else does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def memory(pid: int) -> dict[str, float]:
    """Mebibytes by the kernel's names: Rss counts what a process has in memory, Pss a page that several have by shares."""
    rows = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) / 1024 for row in rows if row[-1] == "kB"}


def send(pids: Iterable[int], number: int) -> None:
    """A signal for those of them that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def stop(process: "subprocess.Popen[bytes]", within: float = 30.0) -> None:
    """An orderly stop, or an end after so many seconds."""
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
