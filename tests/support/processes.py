"""Processes that tests and measurements have started: whom they started in turn, and their end."""

import subprocess
from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes that this one has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


def family(pid: int) -> list[int]:
    """This process and all that descend from it."""
    return [pid, *(one for child in children(pid) for one in family(child))]


def stop(process: "subprocess.Popen[bytes]", within: float = 30.0) -> None:
    """An orderly stop, or an end after so many seconds."""
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
