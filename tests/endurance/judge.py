"""Whether what a process holds stays flat: a slope by Theil and Sen over the samples after the warm-up; core.

The law: a figure grows when both its slope over the whole time and the step from the first quarter to the last one exceed
what is allowed, so that neither a single burst nor the noise of a short run is taken for a leak.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import msgspec

MOST_POINTS = 150
SHORT = 120.0
"""Seconds below which a run cannot tell a small growth from noise, and is allowed SHORT_ALLOWS times as much."""
SHORT_ALLOWS = 4.0


class Allowed(msgspec.Struct, frozen=True):
    """How much a figure may grow over a whole run: in its unit, or as a share of its level, whichever is more."""

    unit: str
    amount: float
    share: float = 0.0


FIGURES: Mapping[str, Allowed] = {
    "memory": Allowed("MiB", 2.0, 0.04),
    "heap": Allowed("MiB", 1.5, 0.03),
    "descriptors": Allowed("", 3),
    "threads": Allowed("", 1),
    "tasks": Allowed("", 3),
    "history": Allowed("MiB", 1.5, 0.05),
}
"""What is sampled of each process or director. Memory is the proportional share of all pages (PSS), which grows as well when
other programs that use the same libraries end; heap is the share of what no file holds."""


class Sample(msgspec.Struct, frozen=True):
    """One look: seconds since the start, and by subject ("lb1 supervisor") and figure what there was."""

    at: float
    figures: Mapping[str, Mapping[str, float]]


class Judged(msgspec.Struct, frozen=True):
    """One figure of one subject: medians of the first and last quarter, growth an hour by its slope, and the verdict."""

    subject: str
    figure: str
    unit: str
    first: float
    last: float
    most: float
    per_hour: float
    allowed: float
    flat: bool


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of points, a second; 0 of fewer than two."""
    thinned = points[:: max(1, len(points) // MOST_POINTS)]
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(thinned, 2) if x2 > x1]
    return statistics.median(slopes) if slopes else 0.0


def judge(samples: Iterable[Sample], warm_up: float) -> list[Judged]:
    """Every figure of every subject after the warm-up."""
    series: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for sample in samples:
        if sample.at >= warm_up:
            for subject, figures in sample.figures.items():
                for figure, value in figures.items():
                    series.setdefault((subject, figure), []).append((sample.at, value))
    return [_judged(*name, points) for name, points in sorted(series.items())]


def _judged(subject: str, figure: str, points: Sequence[tuple[float, float]]) -> Judged:
    values = [value for _, value in points]
    quarter = max(1, len(values) // 4)
    first, last = statistics.median(values[:quarter]), statistics.median(values[-quarter:])
    took, rises = points[-1][0] - points[0][0], slope(points)
    rule = FIGURES[figure]
    allowed = max(rule.amount, rule.share * first) * (SHORT_ALLOWS if took < SHORT else 1.0)
    return Judged(
        subject=subject,
        figure=figure,
        unit=rule.unit,
        first=first,
        last=last,
        most=max(values),
        per_hour=rises * 3600,
        allowed=allowed,
        flat=rises * took <= allowed or last - first <= allowed,
    )


HEAD = f"{'of':24}{'what':13}{'first':>10}{'last':>10}{'most':>10}{'an hour':>12}{'allowed':>10}"


def line(one: Judged) -> str:
    """A line below HEAD."""
    digits = 2 if one.unit else 0
    values = "".join(f"{value:10.{digits}f}" for value in (one.first, one.last, one.most))
    verdict = "" if one.flat else "  GROWS"
    return f"{one.subject:24}{one.figure:13}{values}{one.per_hour:+12.{digits}f}{one.allowed:10.2f} {one.unit}{verdict}"
