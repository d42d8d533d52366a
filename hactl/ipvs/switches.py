"""The kernel's switches for IPVS under /proc/sys/net/ipv4/vs, of the network namespace this process runs in.

The law: a switch is written only where it differs, and read back afterwards.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

FOLDER = Path("/proc/sys/net/ipv4/vs")


class SwitchSet(msgspec.Struct, frozen=True):
    """A switch that had another value than the wanted one."""

    name: str
    found: str
    wanted: str


class SwitchFault(msgspec.Struct, frozen=True):
    """A switch that cannot be set, and why."""

    name: str
    text: str


def enforce(name: str, wanted: str, folder: Path = FOLDER) -> SwitchSet | SwitchFault | None:
    """Gives a switch the wanted value; None when it had it already. Runs of blanks count as one."""
    path = folder / name
    value = " ".join(wanted.split())
    try:
        found = " ".join(path.read_text().split())
        if found == value:
            return None
        path.write_text(value)
        kept = " ".join(path.read_text().split())
    except FileNotFoundError:
        return SwitchFault(name, f"this kernel's IPVS has no switch {name}")
    except OSError as error:
        return SwitchFault(name, f"the switch {name} cannot be set to {value}: {error.strerror}")
    if kept != value:
        return SwitchFault(name, f"the switch {name} was set to {value} and reads {kept}")
    return SwitchSet(name, found, value)


@contextlib.contextmanager
def held(name: str, value: str, folder: Path = FOLDER) -> Iterator[None]:
    """A switch has this value meanwhile, then what it had; one that cannot be set is left as it is."""
    path, before = folder / name, value
    with contextlib.suppress(OSError):
        before = path.read_text().strip()
        if before != value:
            path.write_text(value)
    try:
        yield
    finally:
        if before != value:
            with contextlib.suppress(OSError):
                path.write_text(before)
