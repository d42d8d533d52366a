"""What a page of measurements is made of.

Its law: text from values alone.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bench.chart import Mark


class Section(NamedTuple):
    """Markdown, and the pictures that it shows by file name."""

    text: str
    pictures: dict[str, str]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def mark(seconds: Sequence[float]) -> Mark:
    """Samples in seconds as a mark in milliseconds."""
    times = sorted(1000 * one for one in seconds)
    middle = statistics.median(times)
    return Mark(times[0], middle, times[-1], spread(seconds))


def spread(seconds: Sequence[float]) -> str:
    """Median and range."""
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    return f"{time(middle)} ({number(middle, least)} to {number(middle, most)})"


_SHORT = 0.01


def time(seconds: float) -> str:
    """Milliseconds, or seconds from one on."""
    return f"{number(seconds, seconds)} {'s' if seconds >= 1 else 'ms'}"


def number(scale: float, seconds: float) -> str:
    """A time in the unit of another."""
    if scale >= 1:
        return f"{seconds:.2f}"
    return f"{1000 * seconds:.{0 if scale >= _SHORT else 1}f}"


def verdict(kept: bool) -> str:
    """Whether a promise was kept."""
    return "met" if kept else "**not met**"


_KNOWN = ("day", "cores", "kernel", "python", "hactl", "keepalived", "took", "load before", "load after")


def conditions(found: Mapping[str, Any]) -> str:
    """When, on what and how much, as a sentence."""
    rest = [f"{name} {value}" for name, value in found.items() if name not in _KNOWN]
    loads = [
        f"load {found[name][0]:.1f} {name.partition(' ')[2]}"
        for name in ("load before", "load after")
        if name in found
    ]
    machine = f"{found['cores']} cores, Linux {found['kernel']}"
    programs = f"hactl {found['hactl']} on Python {found['python']}, keepalived {found['keepalived']}"
    took = [f"it took {minutes(found['took'])}"] if "took" in found else []
    return "; ".join((str(found["day"]), machine, programs, *rest, *loads, *took)) + "."


def minutes(seconds: float) -> str:
    """A length of time in words."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
