"""The kernel's modules, its IPVS table as /proc shows it, and the processes that run; edge.

Needs no rights. Processes of other network namespaces are left out where that can be seen.
"""

import contextlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from failover.kernel import can_mark
from hactl.doctor.kernel import Modules
from hactl.doctor.table import Conversations, Program, conversations, services
from hactl.ipvs import ownership
from hactl.ipvs.model import ServiceKey
from hactl.services.balancer import OWNED_FILE

_TABLE, _CONNECTIONS = Path("/proc/net/ip_vs"), Path("/proc/net/ip_vs_conn")
_FOLDER, _LOADED = Path("/lib/modules"), Path("/sys/module")
_LISTS = ("modules.dep", "modules.builtin")
_MOST_CONNECTIONS = 100_000
"""Lines of the table of connections that are read; it may hold millions."""


def modules() -> Modules:
    """What this kernel has and can load."""
    release = os.uname().release
    loadable: frozenset[str] | None = None
    with contextlib.suppress(OSError):
        loadable = frozenset(_names(_FOLDER / release))
    return Modules(
        there=frozenset(_listed(_LOADED)),
        loadable=loadable,
        ipvs=_TABLE.exists(),
        marks=can_mark(release),
    )


def _names(folder: Path) -> Iterator[str]:
    """Modules that can be loaded, or are part of the kernel. Raises OSError."""
    for name in _LISTS:
        for line in (folder / name).read_text().splitlines():
            yield Path(line.partition(":")[0]).name.partition(".ko")[0].replace("-", "_")


def table() -> tuple[ServiceKey, ...]:
    """The services of this namespace's table. Raises OSError without IPVS."""
    try:
        return services(_TABLE.read_text())
    except ValueError as error:
        raise OSError(0, f"{_TABLE} is not understood: {error}") from error


def owned(state_dir: str) -> frozenset[ServiceKey]:
    """The services that hactl's record calls its own. Raises OSError, also for a file that cannot be understood."""
    try:
        return ownership.decode((Path(state_dir) / OWNED_FILE).read_bytes())
    except FileNotFoundError:
        return frozenset()
    except ValueError as error:
        raise OSError(0, str(error)) from error


def talks() -> dict[str, Conversations]:
    """How connections stand, by real server. Raises OSError without IPVS."""
    try:
        with _CONNECTIONS.open() as lines:
            return conversations(list(islice(lines, _MOST_CONNECTIONS)))
    except ValueError as error:
        raise OSError(0, f"{_CONNECTIONS} is not understood: {error}") from error


def programs() -> tuple[Program, ...]:
    """The processes of this network namespace."""
    home = os.stat("/proc/self/ns/net").st_ino
    return tuple(
        _program(int(pid)) for pid in _listed(Path("/proc")) if pid.isdigit() and _is_here(pid, home)
    )


def _is_here(pid: str, home: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino == home
    except PermissionError:
        return True
    except OSError:
        return False


def _program(pid: int) -> Program:
    name = ""
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    return Program(name, pid)


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
