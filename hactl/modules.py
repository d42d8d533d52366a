"""Loading the kernel modules that services need; without the right to do so, saying which are missing."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hactl import process
from hactl.ipvs.helpers import missing, wanted
from hactl.ipvs.spec import ServiceSpec

_LOADED = Path("/sys/module")
_KERNELS_CHOICE = Path("/proc/sys/kernel/modprobe")
_PATIENCE = 10.0


class Modules:
    """Each module is tried once."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._tried: set[str] = set()

    async def ensure(self, services: Iterable[ServiceSpec]) -> None:
        """Have what these services need."""
        for module, service in wanted(services).items():
            if module not in self._tried:
                self._tried.add(module)
                if not await load(module):
                    self._log.warning(missing(module, service))


async def load(module: str) -> bool:
    """Whether the module is there, loaded if need be."""
    if not (_LOADED / module).exists():
        await process.run((_loader(), module), timeout=_PATIENCE)
    return (_LOADED / module).exists()


def _loader() -> str:
    """The program that the kernel itself would run."""
    with contextlib.suppress(OSError):
        return _KERNELS_CHOICE.read_text().strip() or "modprobe"
    return "modprobe"
