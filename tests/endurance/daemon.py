"""`python -m endurance.daemon FILE run ...`: the real `hactl run`, on a stand-in where the kernel has no IPVS.

The number of its asyncio tasks is written to FILE each second.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hactl.cli import main
from hactl.ipvs.ops import Op
from hactl.ipvs.passes import Refusal
from hactl.lab.kernel import has_ipvs
from hactl.services import balancer
from hactl.supervisor.supervisor import Supervisor
from support.ipvs_fake import FakeKernel

_run = Supervisor.run


class Table(FakeKernel):
    """The strict fake, which remembers no more than the table."""

    def __init__(self, load_module: object = None) -> None:
        super().__init__()

    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]:
        """Performs, and forgets what it did."""
        refused = await super().apply(ops)
        self.written.clear()
        self.last_weight.clear()
        return refused

    def close(self) -> None:
        """Nothing is held."""


async def _counted(supervisor: Supervisor) -> None:
    counting = asyncio.create_task(_count(Path(_FILE).write_text))
    try:
        await _run(supervisor)
    finally:
        counting.cancel()


async def _count(write: Callable[[str], object]) -> None:
    while True:
        write(str(len(asyncio.all_tasks())))
        await asyncio.sleep(1.0)


if __name__ == "__main__":
    _FILE = sys.argv.pop(1)
    if not has_ipvs():
        setattr(balancer, "Kernel", Table)  # noqa: B010 - as a test would do it
    setattr(Supervisor, "run", _counted)  # noqa: B010 - the same
    main()
