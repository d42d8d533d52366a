"""Overrides that a new master does not know: the alarm at a takeover; core.

The law: said is what can be known. Who hands on knows which directors confirmed its overrides; who takes over knows when the
channel to a living director was broken; and overrides that arrive late tell how long they were not in force.
"""

from collections.abc import Iterator, Mapping, Sequence

from failover.moves import State
from failover.peer.actions import PeerState
from failover.report import RouterReport
from hactl.config.model import DirectorSpec
from hactl.events import Occurrence, plain
from hactl.peers.peers import Peers
from hactl.wishes.overrides import Override, Overrides
from notify.event import EventKind

SHOWN = 5
_BROKEN_FOR = 1.0


def at_takeover(
    report: RouterReport, overrides: Overrides, peers: Peers, others: Sequence[DirectorSpec], now: float
) -> Iterator[Occurrence]:
    """What a router's change of state makes unseen; `others` are the other directors, `now` is monotonic."""
    if report.old is State.MASTER and report.state is not State.MASTER:
        yield from _handed_on(report, overrides, peers, others)
    if report.old is not State.MASTER and report.old is not None and report.state is State.MASTER:
        yield from _taken_over(report, peers, others, now)


def _handed_on(
    report: RouterReport, overrides: Overrides, peers: Peers, others: Sequence[DirectorSpec]
) -> Iterator[Occurrence]:
    knowing = peers.have(overrides.revision)
    named = [director for director in others if report.master in director.addresses]
    missing = [director.name for director in named or others if director.name not in knowing]
    wishes = overrides.in_force()
    if wishes and missing:
        reason = f"{', '.join(missing)} did not confirm what was asked here: {_words(wishes)}"
        yield plain(EventKind.OVERRIDE_UNSEEN, report.router, reason)


def _taken_over(
    report: RouterReport, peers: Peers, others: Sequence[DirectorSpec], now: float
) -> Iterator[Occurrence]:
    for director in others:
        known = peers.reports.get(director.name)
        if known is None or known.state is PeerState.UP:
            continue
        heard = max((report.neighbours.get(address, 0.0) for address in director.addresses), default=0.0)
        if heard > known.since + _BROKEN_FOR:
            alone = f"{director.name} was master without the channel for {now - known.since:.0f} s"
            reason = f"{alone}; what it was asked then is not known here"
            yield plain(EventKind.OVERRIDE_UNSEEN, report.router, reason)


def late(
    peer: str, before: Overrides, after: Overrides, routers: Mapping[str, RouterReport], ahead: float
) -> Occurrence | None:
    """The alarm when a peer brings overrides older than our mastership; `ahead` is wall clock minus monotonic."""
    since = {name: report.since + ahead for name, report in routers.items() if report.state is State.MASTER}
    came = [wish for wish in after.in_force() if wish not in before.records]
    old = [wish for wish in came if any(wish.at < at for at in since.values())]
    if not old:
        return None
    reason = f"asked of {peer} before this director took over, and not in force here until now: {_words(old)}"
    return plain(EventKind.OVERRIDE_UNSEEN, ", ".join(sorted(since)), reason)


def _words(wishes: Sequence[Override]) -> str:
    shown = [
        f"{wish.scope} {wish.admin.value if wish.admin else f'weight {wish.weight}'}"
        for wish in wishes[:SHOWN]
    ]
    hidden = len(wishes) - SHOWN
    return "; ".join(shown) + (f"; and {hidden} more" if hidden > 0 else "")
