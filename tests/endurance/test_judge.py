"""What is taken for a leak, and what is not."""

import random

from endurance.judge import Sample, judge, slope

LONG = 1800


def one(figure: str, *values: float) -> bool:
    """Whether a figure with these values, one a second, is judged flat."""
    samples = [Sample(float(at), {"lb1 supervisor": {figure: value}}) for at, value in enumerate(values)]
    (judged,) = judge(samples, warm_up=0.0)
    return judged.flat


def test_noise_and_bursts_are_no_leak() -> None:
    """A level with noise, and a burst that ends."""
    chance = random.Random(1)
    noisy = [50 + chance.gauss(0, 0.5) for _ in range(LONG)]
    assert one("memory", *noisy)
    assert one("memory", *noisy[:900], *(value + 20 for value in noisy[900:1100]), *noisy[1100:])


def test_slow_growth_is_a_leak() -> None:
    """Of memory by a hundredth of a MiB each second, of descriptors by one a minute, of tasks by one a minute."""
    chance = random.Random(2)
    assert not one("memory", *(50 + at / 100 + chance.gauss(0, 0.5) for at in range(LONG)))
    assert not one("descriptors", *(14 + at // 60 for at in range(LONG)))
    assert not one("tasks", *(20 + at // 60 + at % 3 for at in range(LONG)))


def test_the_warm_up_is_not_judged() -> None:
    """What grows at first and stays then is flat, once that time is left out."""
    values = [min(at, 900) / 10 for at in range(LONG)]
    samples = [Sample(float(at), {"lb1 notify": {"memory": value}}) for at, value in enumerate(values)]
    assert all(judged.flat for judged in judge(samples, warm_up=900.0))
    assert not all(judged.flat for judged in judge(samples, warm_up=0.0))


def test_the_slope_is_that_of_the_points() -> None:
    """A second's growth, and none of a single point."""
    assert slope([(float(at), 3.0 * at) for at in range(1000)]) == 3.0
    assert slope([(1.0, 5.0)]) == 0.0
