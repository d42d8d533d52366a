"""What exists of a lab, written down before it is made, so that whatever a killed lab left can be removed.

Its law: a lab is removed by the ids it recorded, and only when the process that owned it is gone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from hactl.lab import net

FILE: Final = "record.json"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One lab. ``owner`` is a process id and its start time in clock ticks; ``guest``: it runs in one."""

    identity: str
    owner: tuple[int, int]
    namespaces: tuple[str, ...]
    nodes: tuple[str, ...]
    guest: bool


def base_folder() -> Path:
    """Where labs keep their files: ``HACTL_LAB_DIR``, or a folder of the system's (root) or of the user's."""
    given = os.environ.get("HACTL_LAB_DIR")
    if given:
        return Path(given)
    return Path("/run/hactl-lab" if os.geteuid() == 0 else f"/tmp/hactl-lab-{os.geteuid()}")


def started(pid: int) -> int:
    """A process's start time in clock ticks after boot, which tells a reused id; 0: no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def alive(record: Record) -> bool:
    """True while the lab's owner runs."""
    pid, ticks = record.owner
    return ticks == started(pid)


def write(folder: Path, record: Record) -> None:
    """Stores the record; from here on the lab can be swept."""
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{FILE}.new"
    new.write_bytes(msgspec.json.encode(record))
    new.replace(folder / FILE)


def read(folder: Path) -> Record | None:
    """The record in a folder; None where there is none that can be read."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Record)
    return None


def remove(folder: Path, record: Record) -> None:
    """Removes a lab: what runs in its namespaces, the namespaces, its folder."""
    if not record.guest:
        net.remove(record.namespaces)
    shutil.rmtree(folder, ignore_errors=True)


def labs() -> list[tuple[Path, Record]]:
    """Every lab on record, the newest first."""
    folders = sorted(base_folder().glob("*/"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [(folder, record) for folder in folders if (record := read(folder)) is not None]


def sweep() -> list[str]:
    """Removes labs whose owner is gone, and says which."""
    gone = []
    for folder, record in labs():
        if not alive(record):
            remove(folder, record)
            gone.append(record.identity)
    return gone


@contextlib.contextmanager
def lab(identity: str, nodes: tuple[str, ...], namespaces: tuple[str, ...], guest: bool) -> Iterator[Path]:
    """The folder of a new lab, on record while inside, swept with everything else of it on leaving."""
    sweep()
    folder = base_folder() / identity
    record = Record(
        identity=identity,
        owner=(os.getpid(), started(os.getpid())),
        namespaces=namespaces,
        nodes=nodes,
        guest=guest,
    )
    write(folder, record)
    try:
        yield folder
    finally:
        remove(folder, record)
