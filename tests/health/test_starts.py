"""First probes ahead of their time."""

import asyncio
import time

import pytest

from health import schedule
from health.pool import Pool
from health.result import Health, Transition
from health.schedule import START_SPREAD
from health.spec import CheckSpec, HealthSpec, TcpProbe
from health.starts import FEW, Starts
from support.alerts import until
from support.servers import serving

SERVERS = 400


class One:
    """A check that is to begin at `due`."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.waits = True

    def begin(self) -> None:
        """Now."""
        self.waits = False


def begun(ones: list[One]) -> list[float]:
    """When those that begin early would have begun."""
    return [one.due for one in ones if not one.waits]


def test_a_pass_lets_two_begin() -> None:
    """Those that are due first, and none a second time."""
    ones = [One(due) for due in (3.0, 1.0, 4.0, 2.0)]
    starts = Starts()
    starts.expect(ones)
    ones[1].waits = False  # It has begun by itself.
    starts.passed(0)
    assert begun(ones) == [3.0, 1.0, 2.0]
    starts.passed(0)
    starts.passed(0)
    assert len(begun(ones)) == 4


def test_few_are_under_way() -> None:
    """Whoever was called and has not begun counts as well."""
    ones = [One(float(due)) for due in range(200)]
    starts = Starts()
    starts.expect(ones)
    starts.passed(FEW)
    assert begun(ones) == []
    for _ in range(FEW):
        starts.passed(FEW - 10)
    assert len(begun(ones)) == 10
    starts.turn()
    starts.passed(FEW - 1)
    assert len(begun(ones)) == 11


def test_what_was_stopped_is_forgotten() -> None:
    """A reload that takes checks away before they began leaves nothing behind."""
    old, new = One(1.0), One(2.0)
    starts = Starts()
    starts.expect([old])
    old.waits = False
    starts.expect([new])
    assert getattr(starts, "_waiting") == [new]  # noqa: B009 - what would be kept for ever


async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that takes connections."""
    writer.close()


async def test_all_are_up_before_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where servers answer at once, all have their verdict long before the last would have begun by itself."""
    monkeypatch.setattr(schedule, "START_RATE", SERVERS / START_SPREAD)
    up: set[str] = set()

    def told(changes: tuple[Transition, ...]) -> None:
        up.update(change.check for change in changes if change.new is Health.UP)

    async with serving(answer, "0.0.0.0") as port:
        checks = tuple(
            CheckSpec(
                address=f"127.{n // 250 + 1}.1.{n % 250 + 1}",
                port=port,
                probe=TcpProbe(),
                interval=60.0,
                rise=1,
            )
            for n in range(SERVERS)
        )
        pool = Pool(asyncio.get_running_loop(), "hactl/test", told)
        began = time.monotonic()
        pool.apply(pool.prepare(HealthSpec(checks=checks)))
        try:
            await until(lambda: len(up) == SERVERS, START_SPREAD / 2)
        finally:
            pool.close()
        assert pool.counts.probes == SERVERS
        assert time.monotonic() - began < START_SPREAD / 2
