"""Samples of both sides and the figures from them: medians, spreads, ratios with an interval of confidence.

Its law: plain values and plain arithmetic; seconds. The resampling's random numbers have a fixed seed.
"""

import random
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from bench.outage.acts import Act
from bench.outage.calls import Kept

from hactl.lab.samples import Recording, failed, held_by_two, longest_gap
from hactl.lab.stories import failed_after_announcement

RESAMPLES = 2000
CERTAIN = 0.95
ENOUGH_FOR_P99 = 100


class Sample(NamedTuple):
    """One failure as the client saw it. `overlap` is how long two kernels had the VIP, `late` counts the requests that
    failed although they began after the successor's announcement. Of `held` connections that were open `kept` went on, with
    `stall` as the longest silence of one. Seconds.
    """

    side: str
    interval: float
    act: str
    gap: float
    overlap: float
    failed: int
    late: int
    kept: int = 0
    held: int = 0
    stall: float = 0.0


def sample(side: str, interval: float, act: Act, recording: Recording, acted: float, calls: Kept) -> Sample:
    """The sample of one recording."""
    return Sample(
        side,
        interval,
        act.value,
        longest_gap(recording.probes),
        held_by_two(recording),
        len(failed(recording.requests)),
        failed_after_announcement(recording, acted),
        *calls,
    )


class Figures(NamedTuple):
    """One side's figures for one act at one interval: medians of gap, failed and stall, the largest overlap, sums of the
    rest; `p99` of the gap only where samples suffice.
    """

    size: int
    gap: float
    least: float
    most: float
    p99: float | None
    overlap: float
    failed: float
    late: int
    kept: int
    held: int
    stall: float


def figures(samples: Sequence[Sample]) -> Figures:
    """The figures of equal samples; there is at least one."""
    gaps = sorted(one.gap for one in samples)
    return Figures(
        size=len(gaps),
        gap=median(gaps),
        least=gaps[0],
        most=gaps[-1],
        p99=gaps[int(0.99 * (len(gaps) - 1))] if len(gaps) >= ENOUGH_FOR_P99 else None,
        overlap=max(one.overlap for one in samples),
        failed=median(one.failed for one in samples),
        late=sum(one.late for one in samples),
        kept=sum(one.kept for one in samples),
        held=sum(one.held for one in samples),
        stall=median(one.stall for one in samples),
    )


class Ratio(NamedTuple):
    """Ratio of two medians, and the interval it is in with 95 % confidence."""

    value: float
    low: float
    high: float


def sure(values: Sequence[float]) -> Ratio:
    """A median itself, and the interval it is in: a ratio to one second."""
    return ratio(values, (1.0,))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Of two medians, with a percentile bootstrap. The denominator is at least the probes' resolution of a millisecond."""
    chance = random.Random(0)
    drawn = sorted(
        _over(chance.choices(ours, k=len(ours)), chance.choices(theirs, k=len(theirs)))
        for _ in range(RESAMPLES)
    )
    cut = int((1 - CERTAIN) / 2 * RESAMPLES)
    return Ratio(_over(ours, theirs), drawn[cut], drawn[-1 - cut])


def _over(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return median(ours) / max(median(theirs), 0.001)


def select(samples: Iterable[Sample], side: str, interval: float, act: str) -> list[Sample]:
    """Those of one side, interval and act."""
    return [one for one in samples if (one.side, one.interval, one.act) == (side, interval, act)]
