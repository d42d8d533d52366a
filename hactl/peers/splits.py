"""Two masters of one router: that there are, as far as this director can know, and what would make them; core.

Owns what is known of conflicts by adverts and by peers' word. The law: each conflict is told once, whoever noticed it; a
moment of two masters, as every takeover may have, is none.
"""

from collections.abc import Iterable, Iterator, Mapping

from failover.moves import State
from failover.peer.actions import PeerState
from failover.peer.report import LinkReport, PeerReport
from failover.report import RouterReport

LASTS = 1.5
"""Seconds for which a peer's word that it is master as well must hold before it counts."""

Reports = Mapping[str, RouterReport]
Peers = Mapping[str, PeerReport]


class Splits:
    """What was noticed so far. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}
        self._told: set[str] = set()

    def heard(self, router: str) -> bool:
        """A second master's advert was heard; whether that is news."""
        news = router not in self._told
        self._told.add(router)
        return news

    def look(self, reports: Reports, peers: Peers, now: float) -> list[tuple[str, str]]:
        """Look at what peers say of themselves; a router and a sentence for each conflict that is news."""
        masters = set(_both_master(reports, peers))
        self._since = {pair: self._since.get(pair, now) for pair in masters}
        found = [pair for pair in sorted(masters) if now - self._since[pair] >= LASTS]
        news = [
            (router, f"{peer} says that it is master as well") for router, peer in found if self.heard(router)
        ]
        lasting = {router for router, _ in found} | {name for name, report in reports.items() if report.rival}
        self._told &= lasting
        return news

    def now(self, reports: Reports, now: float) -> list[str]:
        """A sentence for each router that has two masters now."""
        found = {router: peer for (router, peer), since in self._since.items() if now - since >= LASTS}
        heard = {name: report.rival for name, report in reports.items() if report.rival}
        return [
            f"router {router} has two masters: this director and {other}"
            for router, other in sorted((heard | found).items())
        ]


def risks(others: Iterable[str], peers: Peers) -> list[str]:
    """A sentence for each other director whom one failure would make a second master without anybody knowing."""
    return [sentence for name in others for sentence in _risk(name, peers.get(name))]


def _risk(name: str, report: PeerReport | None) -> Iterator[str]:
    if report is None:
        yield f"there is no peer channel with {name}; if its adverts are lost, both directors become master"
    elif report.state is PeerState.UP:
        up = [link for link in report.links if link.state is PeerState.UP]
        if len(up) == 1:
            yield f"{name} is reached over one link only ({_words(up[0])}); if it breaks, both directors become master"


def _words(link: LinkReport) -> str:
    return f"{link.own} - {link.peer}"


def _both_master(reports: Reports, peers: Peers) -> Iterator[tuple[str, str]]:
    for name, peer in peers.items():
        for view in peer.routers if peer.state is PeerState.UP else ():
            report = reports.get(view.router)
            if view.state is State.MASTER and report is not None and report.state is State.MASTER:
                yield view.router, name
