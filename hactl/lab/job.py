"""What runs in a guest, as a value and as the text that the guest's first process reads.

Its law: text and paths are computed here, nothing is looked up or written.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from math import inf
from typing import Final

import msgspec

from hactl.ipvs.schedulers import SCHEDULERS, scheduler_module

DEFAULT_MODULES: Final = (
    "ip_vs",
    *(scheduler_module(name) for name in SCHEDULERS if name != "twos"),
    *("veth", "bridge", "ipip", "macvlan", "dummy"),
)
"""Debian's guest has no `twos`. The schedulers are loaded ahead, see `hactl.ipvs.kernel`."""
HIDDEN: Final = ("/tmp", "/run", "/dev")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to run in a guest; ``shown`` are folders to be visible inside.

    Seconds: ``time_limit`` for the whole, ``silence`` for how long it may say nothing.
    """

    command: tuple[str, ...]
    directory: str
    memory: str = "512M"
    time_limit: float = 600.0
    silence: float = inf
    modules: tuple[str, ...] = DEFAULT_MODULES
    environment: dict[str, str] = {}
    shown: tuple[str, ...] = ()


def megabytes(text: str) -> int:
    """``512M`` or ``1G`` in mebibytes; ValueError for anything else."""
    number, unit = text[:-1], text[-1:].upper()
    if not number.isdigit() or unit not in "MG":
        raise ValueError(f"{text!r} is no amount of memory: write 512M or 1G")
    return int(number) * (1024 if unit == "G" else 1)


def hidden(paths: Iterable[str]) -> tuple[str, ...]:
    """Those of ``paths`` that the guest's private file systems would hide, outermost first, each once."""
    inside = sorted({p for p in paths if any(p == h or p.startswith(h + "/") for h in HIDDEN)})
    return tuple(p for p in inside if not any(p.startswith(other + "/") for other in inside))


def job_script(job: Job, module_base: str) -> str:
    """The job as a POSIX shell text that ``guest-init`` reads."""
    shown = "\n".join(f"\tprintf '%s\\n' {shlex.quote(path)}" for path in job.shown) or "\t:"
    exports = "".join(f"\texport {name}={shlex.quote(value)}\n" for name, value in job.environment.items())
    return (
        f"guest_modules={shlex.quote(' '.join(job.modules))}\n"
        f"guest_module_base={shlex.quote(module_base)}\n"
        f"guest_shown() {{\n{shown}\n}}\n"
        f"job() {{\n\tcd {shlex.quote(job.directory)} || exit 126\n"
        f"{exports}\texec {shlex.join(job.command)}\n}}\n"
    )
