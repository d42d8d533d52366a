"""What was promised of each act, and whether samples keep it.

Its law: plain arithmetic. A promise counts as kept where the interval that the figure is in with 95 % confidence includes
the limit or lies below it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.outage.acts import ONLY_OURS, SPLITS, Act
from bench.outage.samples import Ratio, Sample, ratio, select, sure

from failover.timing import automatic_lease, master_down

RATIOS = {Act.CUT: 0.3, Act.SILENCE: 1.0, Act.TERM: 0.15, Act.HANDOVER: 0.15}
"""Of hactl's median gap to keepalived's."""
GAPS = dict.fromkeys((Act.KILL_ALL, Act.KILL_SUPERVISOR, Act.KILL_WORKER, *ONLY_OURS, Act.FREEZE), 0.05)
"""Seconds."""
AGAINST = {Act.HANDOVER: Act.TERM}
"""A handover is held against keepalived's orderly stop, as the promise has it; its own way is shown beside."""
PLANNED = (Act.TERM, Act.HANDOVER, Act.RETURN)
"""No connection that begins after the successor's announcement may fail."""
_GRACE = 0.1
_LOWEST = 140
"""The lower of the directors' priorities, by which the lease is chosen."""


def lease(interval: float) -> int:
    """Seconds for which a kernel keeps a VIP that nobody renews."""
    return automatic_lease(master_down(_LOWEST, interval))


class Promise(NamedTuple):
    """`text` says what, `found` what was seen; `kept` whether it is so."""

    text: str
    found: str
    kept: bool


def promises(samples: Sequence[Sample], interval: float, act: Act) -> Iterator[Promise]:
    """Each that holds of this act, judged."""
    ours = select(samples, "hactl", interval, act)
    theirs = select(samples, "keepalived", interval, AGAINST.get(act, act))
    if act in RATIOS and ours and theirs:
        found, limit = ratio(*(_gaps(one) for one in (ours, theirs))), RATIOS[act]
        yield Promise(f"ratio at most {limit:g}", ratio_text(found), found.low <= limit)
    if act in GAPS and ours:
        found, limit = sure(_gaps(ours)), GAPS[act]
        yield Promise(
            f"gap at most {1000 * limit:.0f} ms", f"{1000 * found.value:.0f} ms", found.low <= limit
        )
    if ours and act not in (Act.NOTHING, *SPLITS):
        longest, most = max(one.overlap for one in ours), lease(interval) + _GRACE
        yield Promise(f"two have the VIP for at most {most:.1f} s", f"{longest:.2f} s", longest <= most)
    if act in PLANNED and ours:
        late = sum(one.late for one in ours)
        yield Promise("no new connection fails", f"{late} failed", late == 0)
    yield from _connections(ours, select(samples, "keepalived", interval, act), act)


def _connections(ours: Sequence[Sample], theirs: Sequence[Sample], act: Act) -> Iterator[Promise]:
    held, rivals = sum(one.held for one in ours), sum(one.held for one in theirs)
    if held and (rivals or act in ONLY_OURS):
        share = sum(one.kept for one in ours) / held
        theirs_share = sum(one.kept for one in theirs) / rivals if rivals else 1.0
        found = f"{share:.0%}" + (f" and {theirs_share:.0%}" if rivals else "")
        yield Promise("connections go on as with keepalived", found, share >= theirs_share)


def ratio_text(found: Ratio) -> str:
    """With the interval of confidence."""
    return f"{found.value:.2f} [{found.low:.2f}-{found.high:.2f}]"


def _gaps(samples: Sequence[Sample]) -> list[float]:
    return [one.gap for one in samples]
