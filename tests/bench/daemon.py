"""`PYTHONPATH=tests python -m bench.daemon LOG run ...`: the real `hactl run`, with a strict fake for the kernel's table.

Each write to the table becomes a line of LOG: monotonic seconds, what was done, and to which server or service.
"""

import sys
import time
from collections.abc import Sequence
from typing import TextIO

from hactl.cli import main
from hactl.ipvs.ops import AddServer, DeleteServer, Op, SetServer
from hactl.ipvs.passes import Refusal
from hactl.services import balancer
from support.ipvs_fake import FakeKernel


class RecordingKernel(FakeKernel):
    """A table that tells what is written to it."""

    log: TextIO

    def __init__(self, load_module: object = None) -> None:
        super().__init__()

    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]:
        """Performs and tells."""
        refused = await super().apply(ops)
        now = time.monotonic()
        for op in ops:
            what = (
                op.server.key.address if isinstance(op, AddServer | SetServer | DeleteServer) else "service"
            )
            self.log.write(f"{now} {type(op).__name__} {what}\n")
        self.log.flush()
        return refused

    def close(self) -> None:
        """Nothing is held."""


if __name__ == "__main__":
    RecordingKernel.log = open(sys.argv.pop(1), "a", encoding="ascii")  # noqa: SIM115 - until the process ends
    setattr(balancer, "Kernel", RecordingKernel)  # noqa: B010 - as a test would do it
    main()
