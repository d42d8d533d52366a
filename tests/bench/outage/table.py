"""The comparison as text: what a client saw of each failure, both programs side by side.

Its law: text from samples alone.
"""

from collections.abc import Iterator, Sequence

from bench.outage.samples import Figures, Sample, figures, ratio, select

from hactl.lab.stories import Act

TARGETS = {
    Act.CUT: "<= 0.3",
    Act.SILENCE: "<= 1.0",
    Act.TERM: "<= 0.15",
    Act.HANDOVER: "<= 0.15",
    Act.KILL_ALL: "<= 50 ms",
    Act.KILL_SUPERVISOR: "<= 50 ms",
    Act.KILL_WORKER: "<= 50 ms",
    Act.FREEZE: "<= 50 ms",
}
"""Ratio of the medians of the gaps, or the gap itself."""
_HEAD = (
    f"{'':>8}  {'':30}  {'hactl':^34}  {'keepalived':^34}\n"
    f"{'adverts':>8}  {'what happens to the master':30}  {'gap ms':^20} {'two for':>8} {'failed':>5}  "
    f"{'gap ms':^20} {'two for':>8} {'failed':>5}  {'ratio [95 %]':18} target"
)


def lines(samples: Sequence[Sample]) -> Iterator[str]:
    """The whole table."""
    yield _HEAD
    for interval in sorted({one.interval for one in samples}):
        for act in Act:
            ours = select(samples, "hactl", interval, act)
            theirs = select(samples, "keepalived", interval, act)
            if ours:
                yield line(interval, act, ours, theirs)


def line(interval: float, act: Act, ours: Sequence[Sample], theirs: Sequence[Sample]) -> str:
    """One failure at one interval. Where keepalived has no such way, its orderly stop is what ours is held against."""
    compared = ratio([one.gap for one in ours], [one.gap for one in theirs]) if theirs else None
    text = f"{compared.value:.2f} [{compared.low:.2f}-{compared.high:.2f}]" if compared else ""
    other = cell(figures(theirs)) if theirs else f"{'':35}"
    return f"{1000 * interval:>5.0f} ms  {act.text:30}  {cell(figures(ours))}  {other}  {text:18} {TARGETS.get(act, '')}"


def cell(found: Figures) -> str:
    """One side's figures: milliseconds, seconds, requests."""
    gap = f"{1000 * found.gap:.0f} [{1000 * found.least:.0f}-{1000 * found.most:.0f}] n={found.size}"
    return f"{gap:20} {found.overlap:6.2f} s {found.failed:5.0f}"
