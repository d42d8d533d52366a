"""Which kernel the lab runs on: the running one where it has IPVS and may be used, otherwise a guest's.

Its law: ``choose`` decides from facts alone; ``inspect`` gathers the facts, and loads no more than the
modules it asks for.
"""

from __future__ import annotations

import contextlib
import enum
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import msgspec

NEEDED: Final = ("ip_vs", "ipip", "veth", "bridge")
CAP_NET_ADMIN: Final = 12
CAP_SYS_ADMIN: Final = 21


class Place(enum.StrEnum):
    """Where a part of the lab runs."""

    HERE = "here"
    GUEST = "guest"

    @property
    def text(self) -> str:
        """The place in words."""
        return "on the running kernel" if self is Place.HERE else "in a user-mode Linux guest"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine offers. ``admin``: this process may make namespaces and write the IPVS table."""

    ipvs: bool
    ipip: bool
    admin: bool
    guest_kernel: bool


class NoKernelError(Exception):
    """No kernel with IPVS can be used; the text is one sentence for the operator."""


def choose(facts: Facts) -> Place:
    """The kernel for everything that needs IPVS; NoKernelError when there is none."""
    if facts.admin and facts.ipvs and facts.ipip:
        return Place.HERE
    if facts.guest_kernel:
        return Place.GUEST
    raise NoKernelError(
        "the running kernel has no usable IPVS, and Debian's package user-mode-linux is not installed; install it"
    )


def capable(capability: int) -> bool:
    """True when this process holds the capability (effective set)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> capability & 1)
    return False


def load(modules: tuple[str, ...]) -> None:
    """Asks modprobe for each of the modules; one that is built in, missing or forbidden is no error."""
    with contextlib.suppress(FileNotFoundError):
        for name in modules:
            subprocess.run(["modprobe", "-q", name], check=False, capture_output=True)


def has_ipvs() -> bool:
    """True when the running kernel has IPVS, or loads it now, and this process may use it."""
    if not capable(CAP_NET_ADMIN):
        return False
    load(("ip_vs",))
    return Path("/proc/net/ip_vs").exists()


def inspect() -> Facts:
    """The facts of this machine, with the modules loaded where that is possible."""
    admin = capable(CAP_NET_ADMIN) and capable(CAP_SYS_ADMIN)
    if admin:
        load(NEEDED)
    return Facts(
        ipvs=has_ipvs(),
        ipip=Path("/proc/sys/net/ipv4/conf/tunl0").exists() or Path("/sys/module/ipip").exists(),
        admin=admin,
        guest_kernel=shutil.which("linux.uml", path=f"{os.environ.get('PATH', '')}:/usr/bin") is not None,
    )
