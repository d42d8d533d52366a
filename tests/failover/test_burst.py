"""The plan of announcements."""

from hypothesis import given
from hypothesis import strategies as st

from failover.burst import Burst
from failover.spec import AnnounceSpec


def made(burst: Burst, until: float) -> list[float]:
    """When announcements are made by somebody who is never late."""
    times = []
    while (at := burst.deadline()) is not None and at <= until:
        assert burst.take(at)
        times.append(at)
    return times


def test_burst_then_refresh() -> None:
    """The offsets given, then one every `refresh` seconds."""
    burst = Burst(AnnounceSpec(burst=(0.0, 0.5, 2.0), refresh=60.0), 10.0)
    assert made(burst, 140.0) == [10.0, 10.5, 12.0, 72.0, 132.0]


def test_no_refresh() -> None:
    """`refresh: 0` ends with the burst."""
    burst = Burst(AnnounceSpec(burst=(0.0, 0.5), refresh=0.0), 10.0)
    assert made(burst, 1000.0) == [10.0, 10.5]
    assert burst.deadline() is None


def test_insistence_prolongs_the_burst() -> None:
    """Every 500 ms until the time given is covered."""
    burst = Burst(AnnounceSpec(burst=(0.0, 0.1), refresh=0.0), 0.0, insist_until=1.5)
    assert made(burst, 100.0) == [0.0, 0.1, 0.6, 1.1, 1.6]


def test_a_burst_can_be_prolonged() -> None:
    """What is planned stays, further announcements follow it, and the refresh comes when it would have come."""
    burst = Burst(AnnounceSpec(burst=(0.0, 0.5), refresh=60.0), 0.0)
    assert burst.take(0.0)
    burst.prolong(0.2, 2.0, 1.0)
    assert made(burst, 30.0) == [0.5, 1.5, 2.5]
    burst.prolong(40.0, 41.5, 1.0)
    assert made(burst, 70.0) == [41.0, 42.0, 62.5]


def test_an_empty_burst_can_insist() -> None:
    """Without offsets the insistence begins half a second after the takeover."""
    assert made(Burst(AnnounceSpec(burst=(), refresh=0.0), 0.0, insist_until=0.9), 10.0) == [0.5, 1.0]


def test_not_before_its_time() -> None:
    """Asked early, nothing is due and nothing is used up."""
    burst = Burst(AnnounceSpec(burst=(1.0,), refresh=0.0), 0.0)
    assert not burst.take(0.9)
    assert burst.take(1.0)


@given(late=st.floats(0.0, 100.0))
def test_what_was_missed_is_made_once(late: float) -> None:
    """After lateness there is one announcement, not one for each that was due."""
    burst = Burst(AnnounceSpec(), 0.0)
    assert burst.take(late)
    assert not burst.take(late)
