"""Programs that run on this director, counted.

Its law: a program is known by its name as the kernel or its own command line tells it, so no right to look into other users'
processes is needed; what has ended and waits for its parent does not run.
"""

import functools
import os
from collections.abc import Iterator

from health.dialogue import LocalPlan
from health.result import PASSED, End, Reason
from health.spec import CheckSpec, ProcessProbe

_COMM = 15
"""Bytes of its name that the kernel keeps of a program (TASK_COMM_LEN - 1)."""
_COMMAND_LINE = 4096


def plan(check: CheckSpec, probe: ProcessProbe) -> LocalPlan:
    """How this program is looked for."""
    return LocalPlan("/proc", functools.partial(look, probe))


def look(probe: ProcessProbe, proc: str = "/proc") -> End:
    """Whether enough of it run."""
    wanted = os.fsencode(probe.command)
    count = sum(matches(wanted, comm, line) for comm, line in _running(proc))
    if count >= probe.at_least:
        return PASSED
    return End(Reason.NOT_RUNNING, f"{count} of {probe.at_least} {probe.command}")


def matches(wanted: bytes, comm: bytes, line: bytes) -> bool:
    """Whether a process of this kernel name and command line (words ended by NUL) is the wanted program.

    By name: its kernel name, or the last part of its first word. By path: its first word, or, of a script or of a
    program that has written a title over its words, any of the first three words while the kernel name fits.
    """
    if not line:
        return False
    name = wanted.rpartition(b"/")[2]
    first = line.partition(b"\0")[0]
    if wanted == name:
        return comm == name[:_COMM] or first.rpartition(b"/")[2] == name
    words = line.replace(b"\0", b" ").split()[:4]
    return first == wanted or (comm == name[:_COMM] and wanted in words)


def _running(proc: str) -> Iterator[tuple[bytes, bytes]]:
    """Kernel name and command line of every process; kernel threads and the dead have no command line."""
    for entry in os.listdir(proc):
        if entry.isdecimal() and int(entry) != os.getpid():
            try:
                yield (
                    _start_of(f"{proc}/{entry}/comm").removesuffix(b"\n"),
                    _start_of(f"{proc}/{entry}/cmdline"),
                )
            except OSError:
                continue  # It has ended meanwhile.


def _start_of(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read(_COMMAND_LINE) or b""
