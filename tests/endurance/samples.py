"""What a director's processes hold now, as the kernel counts it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from support.processes import children, memory

_MODULE = "hactl.workers."


def figures(name: str, supervisor: int, state: Path, tasks: Path) -> dict[str, dict[str, float]]:
    """Of each process of director `name`, and of its history."""
    found: dict[str, dict[str, float]] = {}
    for role, pid in processes(supervisor):
        with contextlib.suppress(OSError):
            found[f"{name} {role}"] = _process(pid)
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


def _process(pid: int) -> dict[str, float]:
    place, held = Path(f"/proc/{pid}"), memory(pid)
    return {
        "memory": held["Rss"],  # Not its share: that grows when others end that have the same library.
        "heap": held["Pss_Anon"],
        "descriptors": float(len(list((place / "fd").iterdir()))),
        "threads": float(len(list((place / "task").iterdir()))),
    }


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
