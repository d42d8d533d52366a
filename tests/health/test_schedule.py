"""Start times: on a grid, never twice, never piling up, evenly spread."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from health.result import Health
from health.schedule import (
    START_SPREAD,
    again_due,
    first_due,
    first_wait,
    interval,
    next_due,
    stagger,
    start_spread,
)
from health.spec import CheckSpec, TcpProbe
from health.verdict import UNKNOWN, Verdict

times = st.floats(0, 1e6)
periods = st.floats(0.01, 3600)


def check(port: int = 80, **changes: float) -> CheckSpec:
    """A check of some server."""
    return CheckSpec(address="192.0.2.1", port=port, probe=TcpProbe(), **changes)  # type: ignore[arg-type]


@given(times, periods, st.floats(-10, 1e5))
def test_next_is_after_both_due_and_now(due: float, every: float, late: float) -> None:
    """Whenever a probe ends, the next starts later, and less than a period and a rounding after now."""
    now = due + late
    following = next_due(due, every, now)
    assert following > due
    assert following > now
    assert following <= max(due, now) + 2 * every


@given(times, periods, st.floats(0, 1e4))
def test_next_lies_on_the_grid(due: float, every: float, late: float) -> None:
    """A late check skips whole periods, so the phase it was given stays."""
    periods_on = (next_due(due, every, due + late) - due) / every
    assert abs(periods_on - round(periods_on)) < 1e-3


def test_no_drift_over_many_periods() -> None:
    """Ends that are always a little late move no start."""
    due = 100.0
    for _ in range(10_000):
        due = next_due(due, 0.5, due + 0.013)
    assert due == 5100.0


def test_stall_skips_and_does_not_catch_up() -> None:
    """After ten seconds of stall there is one next start, not twenty."""
    assert next_due(100.0, 0.5, 110.2) == 110.5


def test_a_failure_that_took_longer_than_the_interval_is_repeated_at_once() -> None:
    """Not at the next point of the grid; a quick failure waits for its time."""
    assert again_due(100.0, 0.5, 101.001) == 101.001
    assert again_due(100.0, 0.5, 100.01) == 100.5


def test_stagger_is_even() -> None:
    """Ids spread starts evenly: no tenth of the interval holds less than half or more than twice its share."""
    shares = Counter(int(stagger(check(port=port).id) * 10) for port in range(1, 2001))
    assert set(shares) == set(range(10))
    assert all(100 < share < 400 for share in shares.values())


def test_first_start_is_within_the_interval() -> None:
    """A new check starts within its interval, and within START_SPREAD when that is long."""
    for port in range(1, 200):
        short, long = check(port, interval=2.0), check(port, interval=3600.0)
        assert 50.0 <= first_due(short.id, short, 50.0) < 52.0
        assert 50.0 <= first_due(long.id, long, 50.0) < 50.0 + START_SPREAD


def test_few_checks_start_soon_and_many_at_a_bearable_rate() -> None:
    """A hundred within a second, four thousand within four, more than ten thousand in no more than ten."""
    assert [start_spread(60.0, number) for number in (1, 100, 4000, 50_000)] == [1.0, 1.0, 4.0, START_SPREAD]
    assert start_spread(0.5, 4000) == 0.5


def test_after_the_first_start_checks_are_spread_over_their_interval() -> None:
    """However close together they started, their second starts are even, and none waits longer than the interval."""
    every, within = 30.0, 1.0
    checks = [check(port=port, interval=every) for port in range(1, 2001)]
    waits = [first_wait(one.id, every, within) for one in checks]
    assert all(within <= wait <= every for wait in waits)
    second = [first_due(one.id, one, 0.0, within) + wait for one, wait in zip(checks, waits, strict=True)]
    shares = Counter(int((at - within) / every * 10) for at in second)
    assert set(shares) == set(range(10))
    assert all(100 < share < 400 for share in shares.values())
    assert first_wait(checks[0].id, 0.5, within) == 0.5


def test_fast_while_changing_or_unknown() -> None:
    """The fast interval holds until the verdict is known and nothing speaks against it."""
    spec = check(interval=2.0, fast_interval=0.5)
    assert interval(spec, UNKNOWN) == 0.5
    assert interval(spec, Verdict(Health.UP, 1)) == 0.5
    assert interval(spec, Verdict(Health.DOWN)) == 2.0
    assert interval(spec, Verdict(Health.UP)) == 2.0


def test_fast_is_never_slower() -> None:
    """A fast interval longer than the interval is not used."""
    assert interval(check(interval=0.2, fast_interval=0.5), UNKNOWN) == 0.2
