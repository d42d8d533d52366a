"""How late a process wakes up, and which advert interval that allows."""

import pytest

from failover.lateness import SHORTEST, Lateness, Samples, quantile, smallest_interval


@pytest.mark.parametrize(
    ("worst_ms", "down_after", "smallest_ms"),
    [
        (0, 3, 10),
        (1.1, 3, 10),
        (10, 3, 10),
        (10.1, 3, 20),
        (23.4, 3, 30),
        (250, 3, 250),
        (23.4, 2, 50),
        (23.4, 5, 20),
        (23.4, 1, 100),
    ],
)
def test_the_smallest_safe_interval(worst_ms: float, down_after: int, smallest_ms: float) -> None:
    """Twice the worst lateness and one interval fit into the peers' patience; whole hundredths of a second."""
    assert smallest_interval(worst_ms / 1000, down_after) == pytest.approx(smallest_ms / 1000)


def test_a_safe_interval_is_safe() -> None:
    """A master that is twice as late as was ever seen is heard in time; with a hundredth of a second less it is not."""
    for step in range(2000):
        worst, down_after = step / 10_000, 2 + step % 4
        interval = smallest_interval(worst, down_after)
        assert interval + 2 * worst <= down_after * interval + 1e-9
        shorter = interval - SHORTEST
        assert shorter < SHORTEST / 2 or shorter + 2 * worst > down_after * shorter


def test_what_is_told() -> None:
    """The middle and the most are of the time since it was last told; the worst is remembered for ten such times."""
    samples = Samples(realtime=False)
    for number in range(100):
        samples.add(number / 1000)
    samples.add(-0.5)
    assert samples.tell() == Lateness(realtime=False, samples=101, middle=0.049, most=0.098, worst=0.099)
    for _ in range(9):
        samples.add(0.001)
        assert samples.tell() == Lateness(realtime=False, samples=1, middle=0.001, most=0.001, worst=0.099)
    samples.add(0.001)
    assert samples.tell().worst == 0.001


def test_quantiles() -> None:
    """Of one value, and to the last of several."""
    assert quantile([7.0], 0.5) == quantile([7.0], 1.0) == 7.0
    assert [quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 3.0, 4.0, 4.0]
