"""What processes have used: CPU time to the nanosecond, and memory."""

from collections.abc import Iterable
from pathlib import Path

from support import processes


def cpu(pids: Iterable[int]) -> float:
    """Seconds that these processes have run on a core, all their threads together."""
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(pids: Iterable[int]) -> float:
    """Mebibytes of these processes: a page that several have counts by shares (PSS), so those that share go together."""
    return sum(processes.memory(pid)["Pss"] for pid in pids)


def resident(pids: Iterable[int]) -> float:
    """Mebibytes that these processes have in memory, counting anew in each what they share (RSS)."""
    return sum(processes.memory(pid)["Rss"] for pid in pids)
