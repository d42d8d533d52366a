"""What this machine offers a guest: a kernel with its modules, room for its memory, a folder to work in.

The law: whatever is missing is said in one sentence that names the package or the setting which mends it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from hactl.lab.job import megabytes

KERNEL: Final = "linux.uml"
MODULES: Final = Path("/usr/lib/uml/modules")
WIDE_REGISTERS: Final = Path(__file__).with_name("wide-registers.c")
WIDE: Final = frozenset({"amx_tile", "apx"})
"""Features in /proc/cpuinfo that make a processor's register state larger than the guest's kernel knows."""


class GuestError(Exception):
    """The guest cannot be started; the text is one sentence for the operator."""


def needed_paths(job_directory: str) -> tuple[str, ...]:
    """Folders without which Python and this program do not run: checkout, environment, interpreter."""
    package = Path(__file__).resolve().parents[2]
    return tuple(
        os.path.realpath(path) for path in (job_directory, str(package), sys.prefix, sys.base_prefix)
    )


def memory_folder(memory: str) -> str:
    """A folder with room for the guest's memory, which is a file there; a tmpfs first, for speed."""
    room = megabytes(memory) << 20
    for folder in ("/dev/shm", os.environ.get("TMPDIR", "/tmp"), "/tmp", "/var/tmp"):
        with contextlib.suppress(OSError):
            found = os.statvfs(folder)
            if found.f_bavail * found.f_frsize > room and os.access(folder, os.W_OK | os.X_OK):
                return folder
    raise GuestError(f"no folder has {memory} of room for the guest's memory; set TMPDIR to one that has")


def work_folder() -> Path:
    """A new folder for one guest. Its path is short and has no space: it stands on the kernel's command line.

    Folders of runners that were killed are removed.
    """
    for base in (Path("/var/tmp"), Path("/tmp")):
        for left in base.glob("hactl-guest.*.*"):
            if not Path("/proc", left.name.split(".")[1]).exists():
                shutil.rmtree(left, ignore_errors=True)
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix=f"hactl-guest.{os.getpid()}.", dir=base))
    raise GuestError("neither /var/tmp nor /tmp can be written to")


def module_base(work: Path) -> str:
    """A folder with ``lib/modules/RELEASE`` for modprobe; indexed here where the package is not."""
    releases = sorted(MODULES.glob("*/kernel"), key=lambda path: path.stat().st_mtime)
    if not releases:
        raise GuestError(f"no modules in {MODULES}; install Debian's package user-mode-linux")
    source = releases[-1].parent
    target = work / "lib/modules" / source.name
    target.parent.mkdir(parents=True)
    if (source / "modules.dep.bin").exists():
        target.symlink_to(source)
        return str(work)
    target.mkdir()
    for name in ("kernel", "modules.order", "modules.builtin", "modules.builtin.modinfo"):
        (target / name).symlink_to(source / name)
    subprocess.run(["depmod", "-b", str(work), source.name], check=True)
    return str(work)


def wide_registers(work: Path) -> dict[str, str]:
    """The environment that lets the guest's kernel run on this processor; `wide-registers.c` says why."""
    if not WIDE & set(Path("/proc/cpuinfo").read_text().split()):
        return {}
    library = work / "wide-registers.so"
    words = ["gcc", "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-o", str(library), str(WIDE_REGISTERS)]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise GuestError(
            "on a processor with AMX the guest's kernel needs a small library that cannot be compiled here; "
            "install Debian's packages gcc and libc6-dev"
        ) from None
    return {"LD_PRELOAD": str(library)}


def find_kernel() -> str:
    """Path of the guest's kernel; GuestError says which package is missing."""
    kernel = shutil.which(KERNEL)
    if kernel is None:
        raise GuestError(f"{KERNEL} is not installed; install Debian's package user-mode-linux")
    if shutil.which("modprobe", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
        raise GuestError("modprobe is not installed; install Debian's package kmod")
    return kernel
