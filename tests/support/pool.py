"""A pool of checks at work, and what it tells."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from health.pool import Pool
from health.result import Transition
from health.spec import CheckSpec, HealthSpec, TcpProbe


def check(port: int, **changes: object) -> CheckSpec:
    """A quick check of this port."""
    usual = {"probe": TcpProbe(), "interval": 0.1, "fast_interval": 0.05, "timeout": 0.3}
    settings: dict[str, object] = {**usual, **changes}
    return CheckSpec(address="127.0.0.1", port=port, **settings)  # type: ignore[arg-type]


class Told:
    """What a pool has told."""

    def __init__(self) -> None:
        self.transitions: list[Transition] = []
        self._news = asyncio.Event()

    def take(self, transitions: tuple[Transition, ...]) -> None:
        """Called by the pool."""
        self.transitions += transitions
        self._news.set()

    async def until(self, count: int) -> list[Transition]:
        """All transitions, once there are so many."""
        async with asyncio.timeout(10):
            while len(self.transitions) < count:
                self._news.clear()
                await self._news.wait()
        return self.transitions


@asynccontextmanager
async def running(*checks: CheckSpec, capacity: int | None = None) -> AsyncIterator[tuple[Pool, Told]]:
    """A pool at work on these checks."""
    told = Told()
    pool = Pool(asyncio.get_running_loop(), "hactl/test", told.take, capacity)
    try:
        pool.apply(pool.prepare(HealthSpec(checks=checks)))
        yield pool, told
    finally:
        pool.close()
