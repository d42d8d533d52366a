"""A reload of ten thousand servers of which ten changed: ten changes everywhere, and nothing else is touched."""

import asyncio
from pathlib import Path

import msgspec
from bench.farm import Farm
from bench.ours import text

from hactl.config.load import load
from hactl.config.model import Config
from hactl.ipvs.ops import SetServer
from hactl.plan import reload
from hactl.services.balancer import Balancer
from hactl.wishes.overrides import Overrides
from health.pool import Pool
from health.result import Health, Outcome, Reason, Result
from health.spec import CheckSpec, HealthSpec, TcpProbe
from support.alerts import until
from support.ipvs_fake import FakeKernel
from support.ipvs_random import Quiet
from support.tasks import at_work

SERVERS, CHANGED = 10_000, 10


class Table(FakeKernel):
    """The strict fake as the balancer's own."""

    def close(self) -> None:
        """Nothing is open."""


def loaded(folder: Path, farm: Farm) -> Config:
    """The configuration of a director with these servers."""
    path = folder / "hactl.yaml"
    path.write_text(text(farm, folder))
    config = load(str(path), "lb1").config
    assert config is not None
    return config


async def test_ten_other_weights_are_ten_writes(tmp_path: Path) -> None:
    """The answer names the ten; the table gets ten writes; no check is made anew."""
    old = loaded(tmp_path, Farm("tcp", SERVERS))
    new = loaded(tmp_path, Farm("tcp", SERVERS, changed=CHANGED))
    assert len(reload.changes(old, new)) == CHANGED
    assert set(new.checks) == set(old.checks)

    balancer, kernel = Balancer(old, Overrides(), lambda _: None, lambda *_: None, Quiet()), Table()
    setattr(balancer, "_kernel", kernel)  # noqa: B010 - the balancer makes its own everywhere else
    await balancer.start()
    try:
        async with at_work(balancer.run()):
            balancer.learn(
                Outcome(check=check.id, health=Health.UP, result=Result(reason=Reason.OK), at=1.0)
                for check in old.checks
            )
            await until(lambda: sum(len(entry.servers) for entry in kernel.table.values()) == SERVERS)
            kernel.written.clear()
            balancer.apply(new)
            await until(lambda: len(kernel.written) >= CHANGED)
            await asyncio.sleep(0.2)
            assert len(kernel.written) == CHANGED
            assert {type(op) for op in kernel.written} == {SetServer}
    finally:
        balancer.close()


async def test_ten_other_checks_are_ten_checkers() -> None:
    """Only what changed is planned, stopped and started; the others are the objects that they were."""
    # A port of this very host: what starts within the test is refused, and reaches nobody.
    checks = tuple(
        CheckSpec(address=f"127.9.{n // 250}.{n % 250 + 1}", port=9, probe=TcpProbe(), interval=3600.0)
        for n in range(SERVERS)
    )
    changed = tuple(msgspec.structs.replace(check, timeout=2.0) for check in checks[:CHANGED])
    pool = Pool(asyncio.get_running_loop(), "hactl/test", lambda _: None)
    try:
        assert pool.apply(pool.prepare(HealthSpec(checks=checks))) == (0, SERVERS, 0)
        generation = pool.prepare(HealthSpec(checks=(*changed, *checks[CHANGED:])))
        before = {check: pool.checker(check.id) for check in checks}
        assert set(generation.plans) == set(changed)
        assert pool.apply(generation) == (SERVERS - CHANGED, CHANGED, CHANGED)
        assert all(pool.checker(check.id) is before[check] for check in checks[CHANGED:])
        assert all(pool.checker(check.id) is None for check in checks[:CHANGED])
    finally:
        pool.close()
