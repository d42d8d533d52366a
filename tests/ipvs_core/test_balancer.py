"""The balancer on a kernel that takes its time: what a reload changes while a pass is under way."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hactl.ipvs.model import service_key
from hactl.ipvs.ops import Op
from hactl.ipvs.passes import Refusal
from support.ipvs_build import service_spec
from support.ipvs_fake import FakeKernel
from support.ipvs_random import World
from support.tasks import at_work


class SlowKernel(FakeKernel):
    """Performs operations when told."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def apply(self, ops: Sequence[Op]) -> tuple[Refusal, ...]:
        """As the kernel, but late."""
        self.asked.set()
        await self.go.wait()
        return await super().apply(ops)

    def close(self) -> None:
        """Nothing is open."""


async def test_a_service_that_goes_while_it_is_being_added(tmp_path: Path) -> None:
    """The reload comes in the middle of the pass that adds it: it is added, is ours, and is removed again."""
    kernel, world = SlowKernel(), World(0, tmp_path)
    world.use(kernel)  # type: ignore[arg-type]
    balancer, spec = world.balancer, service_spec()
    await balancer.start()
    try:
        async with at_work(balancer.run()):
            balancer.apply(msgspec.structs.replace(world.config, services=(spec,)))
            await asyncio.wait_for(kernel.asked.wait(), 10)
            balancer.apply(world.config)
            kernel.go.set()
            for _ in range(1000):
                await asyncio.sleep(0.01)
                if kernel.written and not kernel.table:
                    break
            assert service_key(spec) in {op.key for op in kernel.written}
            assert kernel.table == {}
    finally:
        balancer.close()
