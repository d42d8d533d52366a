"""`PYTHONPATH=tests python -m bench.counting LOG run ...`: the real `hactl run` on the kernel's own table, which counts.

For each batch of writes to the table a line is added to LOG: monotonic seconds, and how many there were.
"""

import sys
import time
from collections.abc import Sequence
from typing import TextIO

from hactl.cli import main
from hactl.ipvs.kernel import Kernel
from hactl.ipvs.ops import Op
from hactl.ipvs.passes import Refusal
from hactl.services import balancer


class CountingKernel(Kernel):
    """The kernel's table, which tells how often it is written to."""

    log: TextIO

    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]:
        """Performs and counts."""
        refused = await super().apply(ops)
        self.log.write(f"{time.monotonic()} {len(ops)}\n")
        self.log.flush()
        return refused


if __name__ == "__main__":
    CountingKernel.log = open(sys.argv.pop(1), "a", encoding="ascii")  # noqa: SIM115 - until the process ends
    setattr(balancer, "Kernel", CountingKernel)  # noqa: B010 - as a test would do it
    main()
