"""The balancer over a reload: one in the middle of a pass, and one in the middle of a slow start."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hactl.ipvs.model import service_key
from hactl.ipvs.ops import Op
from hactl.ipvs.passes import Refusal
from health.result import Health
from support.alerts import until
from support.ipvs_build import outcome, service_spec
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


async def test_slow_start_goes_on_when_the_service_gets_another_name(tmp_path: Path) -> None:
    """A returning server whose service is renamed in the midst of its slow start reaches its whole weight."""
    world = World(0, tmp_path)
    spec = service_spec(count=1, slow_start=2.0)
    balancer = world.balancer
    balancer.apply(msgspec.structs.replace(world.config, services=(spec,)))
    try:
        for health in (Health.UP, Health.DOWN, Health.UP):
            balancer.learn([outcome("rs1-page", health)])
            await asyncio.sleep(0.15)
        assert balancer.state.services["www"].servers["rs1"].rising is not None
        renamed = msgspec.structs.replace(spec, name="web")
        # Twice, the second time within a step: nothing but the name changes then.
        for each in (renamed, spec):
            balancer.apply(msgspec.structs.replace(world.config, services=(each,)))
        await until(lambda: balancer.state.services["www"].servers["rs1"].rising is None)
    finally:
        balancer.close()
