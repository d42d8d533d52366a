"""Who takes over when this director hands routers over by name; core."""

from collections.abc import Iterable, Sequence

from failover.moves import State
from failover.peer.actions import PeerState
from failover.peer.report import PeerReport
from failover.peer.standing import RouterView


def successor(reports: Iterable[PeerReport], routers: Sequence[str]) -> str | None:
    """The peer to ask for these routers, which move together; None when no peer that is up can take them all.

    The best has the highest priority for the first of them; of equals the one whose name comes last.
    """
    able = [
        (views[0].priority, report.peer)
        for report in reports
        if report.state is PeerState.UP and (views := _able(report, routers))
    ]
    return max(able)[1] if able else None


def _able(report: PeerReport, routers: Sequence[str]) -> list[RouterView]:
    """The peer's views of these routers when it can take every one, else none."""
    views = {view.router: view for view in report.routers if view.state is State.BACKUP and not view.standby}
    return [views[name] for name in routers] if routers and all(name in views for name in routers) else []
