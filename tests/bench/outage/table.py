"""The comparison as text: what a client saw of each failure, both programs side by side.

Its law: text from samples alone.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.outage.acts import Act
from bench.outage.samples import Figures, Ratio, Sample, figures, ratio, select
from bench.outage.targets import AGAINST, Promise, promises, ratio_text

_HEAD = (
    f"{'':>8}  {'':34}  {'hactl':^44}  {'keepalived':^44}\n"
    f"{'adverts':>8}  {'what happens to the master':34}  {'gap ms':^22} {'two for':>8} {'failed':>5} {'kept':>7}  "
    f"{'gap ms':^22} {'two for':>8} {'failed':>5} {'kept':>7}  {'ratio [95 %]':18} targets"
)


class Row(NamedTuple):
    """One act at one interval. `ratio` is that of the gaps; `theirs` is keepalived's where it can be played."""

    interval: float
    act: Act
    ours: Figures
    theirs: Figures | None
    ratio: Ratio | None
    promises: tuple[Promise, ...]


def rows(samples: Sequence[Sample]) -> Iterator[Row]:
    """All that was played, by interval and act."""
    for interval in sorted({one.interval for one in samples}):
        for act in Act:
            ours = select(samples, "hactl", interval, act)
            theirs = select(samples, "keepalived", interval, act)
            rivals = select(samples, "keepalived", interval, AGAINST.get(act, act))
            if ours:
                compared = ratio([one.gap for one in ours], [one.gap for one in rivals]) if rivals else None
                kept = tuple(promises(samples, interval, act))
                yield Row(interval, act, figures(ours), figures(theirs) if theirs else None, compared, kept)


def lines(samples: Sequence[Sample]) -> Iterator[str]:
    """The whole table."""
    yield _HEAD
    for row in rows(samples):
        other = cell(row.theirs) if row.theirs else f"{'':45}"
        text = ratio_text(row.ratio) if row.ratio else ""
        yield f"{1000 * row.interval:>5.0f} ms  {row.act.text:34}  {cell(row.ours)}  {other}  {text:18} {told(row.promises)}"


def told(kept: Sequence[Promise]) -> str:
    """Met, or which promises were not."""
    broken = [f"NOT {one.text}: {one.found}" for one in kept if not one.kept]
    return "; ".join(broken) or ("met" if kept else "")


def cell(found: Figures) -> str:
    """One side's figures: milliseconds, seconds, requests, connections."""
    p99 = "" if found.p99 is None else f" p99={1000 * found.p99:.0f}"
    gap = f"{1000 * found.gap:.0f} [{1000 * found.least:.0f}-{1000 * found.most:.0f}]{p99} n={found.size}"
    return f"{gap:22} {found.overlap:6.2f} s {found.failed:5.0f} {found.kept:>3}/{found.held:<3}"
