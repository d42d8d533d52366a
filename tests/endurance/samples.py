"""What a director's processes hold now, as the kernel counts it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from support.processes import children

_MODULE = "hactl.workers."


def figures(name: str, supervisor: int, state: Path, tasks: Path) -> dict[str, dict[str, float]]:
    """Of each process of director `name`, and of its history."""
    found: dict[str, dict[str, float]] = {}
    for role, pid in processes(supervisor):
        with contextlib.suppress(OSError):
            found[f"{name} {role}"] = _process(Path(f"/proc/{pid}"))
    with contextlib.suppress(OSError, ValueError, KeyError):
        found[f"{name} supervisor"]["tasks"] = float(tasks.read_text())
    found[f"{name} history"] = {"history": sum(map(_size, state.rglob("events.db*"))) / 2**20}
    return found


def processes(supervisor: int) -> Iterator[tuple[str, int]]:
    """Role and process id of the daemon's own processes; programs that it runs are none of them."""
    yield "supervisor", supervisor
    for pid in children(supervisor):
        role = _role(pid)
        if role:
            yield role, pid
            for helper in children(pid):
                if _role(helper):
                    yield f"{role} helper", helper


def _role(pid: int) -> str:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        return next((word.removeprefix(_MODULE) for word in words if word.startswith(_MODULE)), "")
    return ""


def _process(place: Path) -> dict[str, float]:
    rollup = (place / "smaps_rollup").read_text().splitlines()
    status = (place / "status").read_text().splitlines()
    pss = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    heap = next(int(line.split()[1]) for line in rollup if line.startswith("Pss_Anon:"))
    threads = next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
    return {
        "memory": pss / 1024,
        "heap": heap / 1024,
        "descriptors": float(len(list((place / "fd").iterdir()))),
        "threads": float(threads),
    }


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
