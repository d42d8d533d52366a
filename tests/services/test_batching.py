"""News of checks that comes faster than it can be looked at."""

import asyncio
import time
from collections.abc import Collection

from hactl.services.batching import LONGEST, RESTS, Batches

TAKES = 0.01


async def test_slow_looks_take_a_share_of_the_time_and_leave_nothing_out() -> None:
    """Each look takes long: news that comes meanwhile is looked at together, and all of it."""
    seen: list[Collection[str]] = []
    services: set[str] = set()

    def look(checks: Collection[str], names: Collection[str]) -> None:
        seen.append(checks)
        services.update(names)
        time.sleep(TAKES)

    batches, began = Batches(look), time.monotonic()
    for number in range(200):
        batches.add({f"c{number}"}, {f"s{number % 3}"})
        await asyncio.sleep(0.001)
    took = time.monotonic() - began
    await asyncio.sleep(2 * LONGEST)
    assert set().union(*seen) == {f"c{number}" for number in range(200)}
    assert services == {"s0", "s1", "s2"}
    assert len(seen) <= 2 + (took + 2 * LONGEST) / (TAKES * (1 + RESTS))
    assert seen[0] == {"c0"}


async def test_a_quick_look_is_followed_by_the_next_at_once() -> None:
    """A verdict alone is not kept waiting."""
    seen: list[Collection[str]] = []
    batches = Batches(lambda checks, _: seen.append(checks))
    for number in range(3):
        batches.add({f"c{number}"}, ())
    batches.add((), ())
    assert seen == [{"c0"}, {"c1"}, {"c2"}]


async def test_nothing_is_looked_at_after_the_end() -> None:
    """What rests when the daemon ends is not looked at."""
    seen: list[Collection[str]] = []

    def look(checks: Collection[str], _: Collection[str]) -> None:
        seen.append(checks)
        time.sleep(TAKES)

    batches = Batches(look)
    batches.add({"a"}, ())
    batches.add({"b"}, ())
    batches.close()
    await asyncio.sleep(2 * RESTS * TAKES)
    assert seen == [{"a"}]
